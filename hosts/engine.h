/* SPDX-License-Identifier: MIT */
/*
 * engine.h - the calls of an MPI library that hosts need: messages between
 * callers, and sums and maxima over all callers.
 *
 * An engine is a library with a single symbol, rig_hosts_engine.
 */
#ifndef RUNRIG_ENGINE_H
#define RUNRIG_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_VERSION 1

/* A message between callers has a head, which hosts_run.c reads, and data. */
struct wire_head {
	uint32_t kind;
	uint32_t run;
	int32_t numbers[4];
	uint64_t counts[3];
	uint64_t bytes; /* of the data */
};
_Static_assert(sizeof(struct wire_head) == 56, "the same on every host");

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

	/* Send.  The engine frees the data, which comes from malloc().  0 or
	 * -ENOMEM. */
	int (*send)(struct engine_link *link, int to,
		    const struct wire_head *head, void *data);
	/* Take the next message: messages of a sender come in order.  The taker
	 * frees the data.  1: a message; 0: none; -ENOMEM. */
	int (*receive)(struct engine_link *link, int *from,
		       struct wire_head *head, void **data);
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
