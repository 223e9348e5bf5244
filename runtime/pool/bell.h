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

/* The holder of the turn says: a run with the pool's limit begins; a wait is about to
 * look whether the run has ended; the run goes on; the run has ended. */
void bell_run_begins(struct rig_pool *pool);
void bell_look(struct rig_pool *pool);
void bell_run_goes_on(struct rig_pool *pool);
void bell_run_ends(struct rig_pool *pool);

#endif
