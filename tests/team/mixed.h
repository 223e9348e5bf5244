/* SPDX-License-Identifier: MIT */
/*
 * mixed.h - a step of the random programs of test_mixed.c, as a rank does the step.
 *
 * The words of a buffer, a message or a counter are a formula of (step, rank, element),
 * so each rank knows what the rank must get.
 */
#ifndef RUNRIG_TESTS_MIXED_H
#define RUNRIG_TESTS_MIXED_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/runrig.h>

#define MOST  3000 /* elements */
#define WORDS 8    /* of the symmetric memory, for each step */

/* A program as a rank runs the program, and the step that the rank is at. */
struct mix {
	struct rig_team *world;
	struct rig_team *team; /* the team of the step */
	int rank, size;        /* in the team of this step */
	int step;
	uint32_t salt;
	size_t n;
	int root;
	uint64_t *words;             /* the step's words, in symmetric memory */
	struct rig_request *open[2]; /* over steps */
	uint32_t out, in;
	uint32_t wanted;
};

/* Buffers of this rank, MOST elements each. */
extern uint32_t mixed_send[MOST], mixed_recv[MOST];

/* Element i that `rank` brings. */
uint32_t mixed_value(uint32_t salt, int rank, size_t i);

/* This rank's elements. */
void mixed_fill(uint32_t *data, const struct mix *mix, size_t count);

/* -EBADMSG, unless `data` has the elements of `rank` from element `first` on. */
int mixed_expect(const struct mix *mix, const uint32_t *data, int rank,
		 size_t first, size_t count);

/* The next rank and the rank before. */
void mixed_neighbours(const struct mix *mix, int *to, int *from);

/* Steps: 0, -EBADMSG where the data is wrong, or the error of a call. */
int mixed_grids(struct mix *mix);
int mixed_accumulates(struct mix *mix);
int mixed_counts(struct mix *mix);
int mixed_locks(struct mix *mix);
int mixed_notifies(struct mix *mix);

#endif
