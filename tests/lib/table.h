/* SPDX-License-Identifier: MIT */
/*
 * table.h - one trial of the table of all verbs, and what each verb must give.
 */
#ifndef RUNRIG_TEST_TABLE_H
#define RUNRIG_TEST_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <runrig/nonblocking.h>

#include "team/verb.h"

#define TABLE_RANKS_MAX 32

/* Bytes of each rank's part of the segment of the run. */
#define SHARED_BYTES ((size_t)8 << 20)

/* Numbers of operations that are tried: all plain, reproducible and users'. */
#define OPERATIONS 256

/* The bytes of a buffer before a call, and of the guard behind the end. */
#define FILL  ((char)0xa5)
#define GUARD ((size_t)64)

enum form { FORM_PLAIN, FORM_BEGUN, FORM_PLAN };

struct trial;

/* A verb, and its reference. */
struct row {
	enum verb verb;
	bool reduces;  /* elements are folded, by every operation */
	bool in_place; /* may be so */
	bool untyped;  /* moves no elements */
	/* All of it, for what has more than buffers; else NULL, and: */
	int (*whole)(struct trial *trial);
	/* How long the buffers are; the call; what must be in `recv` then. */
	void (*lay)(struct trial *trial);
	int (*call)(struct trial *trial, struct rig_request **request);
	void (*expect)(struct trial *trial);
};

/* In elements: what is to be sent, and, in place, which of this rank's elements
 * lie in the buffer that receives, and where. */
struct buffers {
	size_t sent;
	size_t kept;
	size_t kept_at;
	size_t kept_from;
};

struct trial {
	struct rig_team *team;
	const struct row *row;
	int rank;
	int size;
	enum form form;
	int type;
	int op;
	size_t item;
	size_t count;
	bool in_place;
	int root;
	unsigned turn; /* makes the elements other ones */
	char *send;
	char *recv;
	char *expect;
	struct buffers buffers;
	size_t room;   /* elements of the buffer that receives */
	size_t open;   /* of those, at the end, whose values are open */
	size_t folded; /* elements of those that come of a reduction */
	size_t send_counts[TABLE_RANKS_MAX], send_displs[TABLE_RANKS_MAX];
	size_t recv_counts[TABLE_RANKS_MAX], recv_displs[TABLE_RANKS_MAX];
};

extern const struct row table_rows[];
extern const int table_row_count;

/* Elements that `from` has for `to` where these differ in length. */
size_t table_length(const struct trial *trial, int from, int to);

/* Element `index` of those that `rank` brings. */
void table_brought(const struct trial *trial, int rank, size_t index,
		   void *out);

/* Set the trial's buffers; false: they are too long. */
bool table_buffers(struct trial *trial);

/* Is the operation tried in the short form of the test, too? */
bool table_is_short(int op, int type);

/* The trial has failed: the words. */
int table_fails(const struct trial *trial, const char *what, size_t index);

#endif
