/* SPDX-License-Identifier: MIT */
/*
 * table.h - a trial of the table of all verbs, and the result that each verb
 * must give.
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

/* The most operations that are tried: all plain, reproducible and users'
 * operations. */
#define OPERATIONS 256

/* The bytes of a buffer before a call, and of the guard behind the end. */
#define FILL  ((char)0xa5)
#define GUARD ((size_t)64)

enum form { FORM_PLAIN, FORM_BEGUN, FORM_PLAN };

struct trial;

/* A verb, and the reference for the verb. */
struct row {
	enum verb verb;
	bool reduces;  /* elements are folded, by every operation */
	bool in_place; /* the verb may be called in place */
	bool untyped;  /* moves no elements */
	/* The whole trial, for a verb with more than buffers; else NULL,
	 * and: */
	int (*whole)(struct trial *trial);
	/* Set the lengths of the buffers; call the verb; set the expected bytes
	 * of `recv`. */
	void (*lay)(struct trial *trial);
	int (*call)(struct trial *trial, struct rig_request **request);
	void (*expect)(struct trial *trial);
};

/* In elements: the elements to be sent, and, in place, the elements of this
 * rank that lie in the receiving buffer, and where. */
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
	unsigned turn; /* gives the elements other values */
	char *send;
	char *recv;
	char *expect;
	struct buffers buffers;
	size_t room;   /* elements of the receiving buffer */
	size_t open;   /* elements at the end of `room` whose values are open */
	size_t folded; /* elements of `room` that a reduction computes */
	size_t send_counts[TABLE_RANKS_MAX], send_displs[TABLE_RANKS_MAX];
	size_t recv_counts[TABLE_RANKS_MAX], recv_displs[TABLE_RANKS_MAX];
};

extern const struct row table_rows[];
extern const int table_row_count;

/* The row of the verb, not of one of its other forms; NULL: there is none. */
const struct row *table_row_of(unsigned verb);

/* "", "i", "_init" */
extern const char *const table_forms[];

/* The trial in words. */
void table_name(const struct trial *trial, char *text, size_t bytes);

/* Elements that `from` has for `to`, where pairs have different lengths. */
size_t table_length(const struct trial *trial, int from, int to);

/* Element `index` of the elements that `rank` contributes. */
void table_brought(const struct trial *trial, int rank, size_t index,
		   void *out);

/* A verb, and whether the verb has its non-blocking forms. */
struct table_verb {
	enum verb verb;
	bool forms;
};

extern const struct table_verb table_verbs[];
extern const int table_verb_count;

/* The whole trial, in buffers of table_buffers(): 0, or an error in words. */
int table_try(struct trial *trial);

/* Set the trial's buffers; false: the buffers are too long. */
bool table_buffers(struct trial *trial);

/* Is the operation tried in the short form of the test, too? */
bool table_is_short(int op, int type);

/* The trial has failed: the words. */
int table_fails(const struct trial *trial, const char *what, size_t index);

#endif
