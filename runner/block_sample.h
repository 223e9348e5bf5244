/* SPDX-License-Identifier: MIT */
/*
 * block_sample.h - a proof by sample: some blocks of the result, each proved in full.
 *
 *	sample_begin()  before the run: draw the blocks, keep what run writes over
 *	sample_prove()  after the run
 *	sample_end()
 *
 * Example: a sample of 4 of 100 blocks divides the blocks into 4 equal runs of
 * 25 blocks, and draws a block of each run.  Block b belongs to the rank whose
 * strip of the blocks contains b (rig_strip()).  The next rank proves b, so
 * that no rank judges its own work.
 *
 * Functions return 0 or a negative errno with the words in run->why.
 */
#ifndef RUNNER_BLOCK_SAMPLE_H
#define RUNNER_BLOCK_SAMPLE_H

#include <runner/kernel_run.h>

struct block_sample {
	uint64_t blocks;  /* blocks of the result; 0: nothing was begun */
	uint64_t covered; /* blocks of the sample */
	uint64_t seed;
	struct rig_segment *segment; /* struct sample_shm, then the copies */
};

/* Whether the kernel, with its arguments, can be proved by blocks. */
bool sample_possible(const struct kernel_run *run);

/* `seed` 0: a seed drawn at random. */
int sample_begin(struct block_sample *sample, struct kernel_run *run,
		 uint64_t seed);
int sample_prove(struct block_sample *sample, struct kernel_run *run);

/* A second call does nothing. */
void sample_end(struct block_sample *sample);

#endif
