/* SPDX-License-Identifier: MIT */
/*
 * engine.h - the calls of an MPI library that hosts need: messages between
 * callers, and sums and maxima over all callers.
 *
 * Long data need not be copied: it is sent from the sender's memory, and received into
 * the memory that accept() names.
 *
 * An engine is a library with a single symbol, rig_hosts_engine.
 */
#ifndef RUNRIG_ENGINE_H
#define RUNRIG_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_VERSION 2

/* A message between callers has a head, which hosts_run.c reads, and data. */
struct wire_head {
	uint32_t kind;
	uint32_t run;
	int32_t numbers[4];
	uint64_t counts[3];
	uint64_t bytes; /* of the data */
	/* 1: the data, at least LATER_BYTES, is received into memory of the
	 * receiver's choice. */
	uint32_t later;
	uint32_t number; /* for the engine alone */
};
_Static_assert(sizeof(struct wire_head) == 64, "the same on every host");

#define LATER_BYTES ((uint64_t)32 << 10)

struct engine_link; /* in this process */

struct engine {
	int version; /* ENGINE_VERSION */

	/* Collective.  Join: 0, or -errno with the words in `why`.  The
	 * communicator is MPI_Comm_f2c(*fcomm), or MPI_COMM_WORLD: NULL. */
	int (*join)(struct engine_link **link, const int *fcomm, char *why,
		    size_t why_bytes);
	void (*leave)(struct engine_link *link);
	int (*rank)(const struct engine_link *link);
	int (*size)(const struct engine_link *link);

	/* Send.  Where `token` is NULL, the data comes from malloc(), and the engine
	 * frees the data; else the data stays the sender's, and stays as it is until
	 * finished() returns the token.  0 or -ENOMEM. */
	int (*send)(struct engine_link *link, int to,
		    const struct wire_head *head, void *data, void *token);
	/* Take the next message: messages of a sender come in order.  The taker
	 * frees the data; of a head with `later`, *data is NULL, and the taker
	 * calls accept() with *later.  1: a message; 0: none; -ENOMEM. */
	int (*receive)(struct engine_link *link, int *from,
		       struct wire_head *head, void **data, void **later);
	/* Receive the data of `later` into head->bytes bytes at `data`: once, in any
	 * order.  Until finished() returns the token, nobody else looks there. */
	void (*accept)(struct engine_link *link, void *later, void *data,
		       void *token);
	/* The token of data that is sent, or has come; NULL: none now. */
	void *(*finished)(struct engine_link *link);
	/* Has everything been sent? */
	bool (*is_sent)(struct engine_link *link);

	/* Collective: begin to combine `count` words of all hosts in place, as
	 * sums or maxima, after the combination before has ended.  Has the
	 * combination ended? */
	int (*combine)(struct engine_link *link, uint64_t *words, int count,
		       bool sum);
	bool (*combined)(struct engine_link *link);

	/* End all processes. */
	void (*abort)(struct engine_link *link, int code);
};

#endif
