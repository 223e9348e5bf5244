/* SPDX-License-Identifier: MIT */
/*
 * verb.h - one rank's part in timing a collective, the same for runrig's team and for
 * MPI, so that nothing but the call differs.
 *
 * The data of every call are new: a contribution that was read once lies in the
 * readers' caches, and would be found there.  Short calls are timed by the thousand,
 * with a word changed before each (the OSU suite's method but for the word).  Long
 * calls are timed one by one: every word is written anew, the ranks meet at lines of
 * their own, and only then does the clock begin.
 *
 * All data are small integers in doubles, so sums are exact, and the result of the
 * last call of every run is checked.
 */
#ifndef RIGBENCH_VERB_H
#define RIGBENCH_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* From these bytes of a rank's contribution on, calls are timed singly. */
#define VERB_SINGLE_BYTES 4096

/* Calls that verify a case: every word of the last result is looked at. */
#define VERB_PROOF_ROW    16
#define VERB_PROOF_SINGLE 2

/* Bytes from one rank's line to the next line: two lines, for prefetchers. */
#define VERB_LINE_BYTES 128

struct verb_work;

struct verb {
	const char *name;
	/* Elements sent and received by one rank of `size`; the rank contributes
	 * `count` (to alltoall: `count` for each rank). */
	size_t (*sends)(size_t count, int size);
	size_t (*receives)(size_t count, int size);
	/* The value of element i of rank `rank` after call `round`. */
	double (*expected)(const struct verb_work *work, size_t i);
	/* Does the rank get a result? */
	bool (*gets)(const struct verb_work *work);
};

struct verb_work {
	/* Given. */
	const struct verb *verb;
	clockid_t clock;
	int rank, size;
	size_t count;
	bool single;
	double *send, *recv;
	/* `size` lines, shared and zeroed; NULL: not timed singly. */
	char *lines;
	int (*call)(struct verb_work *work);
	void *with; /* the contender's own */
	void *plan; /* the plan of the verb; NULL: the verb has no plan */
	bool lends; /* nothing is copied: `lent` is the last element seen */
	double lent;
	bool copies; /* the floor: `recv` becomes this rank's own `send`, again and again */

	/* Kept over runs. */
	uint64_t round;
	uint64_t met;
};

struct verb_time {
	uint64_t begin_ns, end_ns; /* all calls' */
	uint64_t inside_ns;        /* ns within the calls, where timed singly */
	uint64_t cpu_ns;
	uint64_t wrong; /* elements of the last result, or calls that failed */
};

/* NULL: no such verb.  The last verb has the name NULL. */
const struct verb *verb_find(const char *name);
extern const struct verb verbs[];

/* The root of a verb with a root. */
#define VERB_ROOT 0

/* Fill `send` for the first time. */
void verb_prepare(struct verb_work *work);

/* `count` calls, and a look at the last result. */
void verb_run(struct verb_work *work, uint64_t count, struct verb_time *time);

#endif
