/* SPDX-License-Identifier: MIT */
/*
 * block_sample.h - a proof by sample: some blocks of the result, each proved in full.
 *
 *	sample_begin()  before the run: draw the blocks, keep what run writes over
 *	sample_prove()  after it
 *	sample_end()
 *
 * The blocks of a result are as many equal runs of blocks as the sample has, and
 * one block is drawn of each.  Block b belongs to the rank whose strip of the
 * blocks b is in (rig_strip()); the rank after that one proves b, so that nobody
 * judges its own work.
 *
 * Functions return 0 or a negative errno with the words in run->why.
 */
#ifndef RUNNER_BLOCK_SAMPLE_H
#define RUNNER_BLOCK_SAMPLE_H

#include <runner/kernel_run.h>

struct block_sample {
	uint64_t blocks;  /* of the result; 0: nothing was begun */
	uint64_t covered; /* blocks of the sample */
	uint64_t seed;
	struct rig_segment *segment; /* struct sample_shm, and what is kept */
};

/* Can this kernel, with these arguments, be proved by blocks? */
bool sample_possible(const struct kernel_run *run);

/* `seed` 0: one of the moment. */
int sample_begin(struct block_sample *sample, struct kernel_run *run,
		 uint64_t seed);
int sample_prove(struct block_sample *sample, struct kernel_run *run);

/* A second call does nothing. */
void sample_end(struct block_sample *sample);

#endif
