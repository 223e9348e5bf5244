/* SPDX-License-Identifier: MIT */
/*
 * bell.h - the descriptor that tells a polling caller that a run has ended:
 * rig_pool_fd().
 *
 * The bell is an eventfd, which every process of the pool has from birth.  The
 * descriptor that the caller polls is an epoll of the bell, of the warden's pidfd and
 * of a timer for the job's limit.
 */
#ifndef RUNRIG_BELL_H
#define RUNRIG_BELL_H

struct rig_pool;

/* In this process. */
struct run_bell {
	int epoll; /* the descriptor to poll; -1: not asked for yet */
	int timer;
};

void bell_init(struct run_bell *bell);
void bell_finish(struct run_bell *bell);

/* Ring, as a rank does: also in a signal handler. */
void bell_ring(struct rig_pool *pool);

/* A thread calls the next functions while the thread has the pool's turn. */

/* A run with the pool's limit begins: the timer is set. */
void bell_run_begins(struct rig_pool *pool);

/* A wait is about to look whether the run has ended: the bell is quiet again. */
void bell_look(struct rig_pool *pool);

/* The run goes on after a stop, and the limit may be later: the timer is set again. */
void bell_run_goes_on(struct rig_pool *pool);

/* The run has ended: the bell is quiet, and the timer stands. */
void bell_run_ends(struct rig_pool *pool);

#endif
