/* SPDX-License-Identifier: MIT */
/*
 * cmd_demo.h - the parts of `runrig demo`.
 */
#ifndef RUNRIG_CMD_DEMO_H
#define RUNRIG_CMD_DEMO_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/pool.h>

/* Run the article's three programs, with output on stdout.  Returns an exit
 * code: the results in memory are checked. */
int demo_article(void);

/* The costs of copying. */
struct pipes_cost {
	uint64_t ns;
	int pipe_bytes; /* bytes that a pipe holds */
};

/*
 * Reverse `count` doubles by the pool's workers, with the strips copied to the
 * workers and back through pipes.  `from` is read, `to` gets the result.
 * Returns 0 and sets *cost, or a negative errno with a line of words in `why`.
 */
int demo_pipes(struct rig_pool *pool, const double *from, double *to,
	       size_t count, struct pipes_cost *cost, char *why,
	       size_t why_bytes);

#endif
