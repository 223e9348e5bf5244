/* SPDX-License-Identifier: MIT */
/*
 * cmd_demo.h - the parts of `runrig demo`.
 */
#ifndef RUNRIG_CMD_DEMO_H
#define RUNRIG_CMD_DEMO_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/pool.h>

/* The article's three programs, to stdout.  Returns an exit code: what they
 * leave in memory is checked. */
int demo_article(void);

/* What copying cost. */
struct pipes_cost {
	uint64_t ns;
	int pipe_bytes; /* that one pipe holds */
};

/*
 * Reverse `count` doubles by the pool's workers, but hand them their strips
 * through pipes and take them back through pipes.  `from` is read, `to` gets
 * the result.  Returns 0 and sets *cost, or a negative errno with one line of
 * words in `why`.
 */
int demo_pipes(struct rig_pool *pool, const double *from, double *to,
	       size_t count, struct pipes_cost *cost, char *why,
	       size_t why_bytes);

#endif
