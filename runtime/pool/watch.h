/* SPDX-License-Identifier: MIT */
/*
 * watch.h - a thread of a rank that has no launcher, which sees the others die.
 */
#ifndef RUNRIG_WATCH_H
#define RUNRIG_WATCH_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include "pool/rendezvous.h"
#include "team/rank.h"

/* In this process. */
struct rank_watch {
	pthread_t thread;
	bool runs;
	int stop; /* eventfd: the thread is to end */
	struct rank *rank;
	struct pollfd *polled; /* the pidfds by rank, then `stop` */
};

/*
 * From now on the team ends when a rank ends that has not left.  `peers` are all
 * ranks.  0 or -errno and the words.
 */
int watch_start(struct rank_watch *watch, struct rank *rank,
		const struct rendezvous_peer *peers);
void watch_finish(struct rank_watch *watch);

#endif
