/* SPDX-License-Identifier: MIT */
/*
 * watch.c - a thread that polls the pidfds of the other ranks.
 *
 * Each rank has such a thread, so that no rank depends on another rank's notice.  A
 * rank stores that it has left (its state) before its process can end; a rank whose
 * process ends without that store has died.
 */
#include "pool/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <runrig/report.h>

#include "base/error.h"
#include "machine/process.h"
#include "machine/shared.h"

/* How long the thread rests where the system refuses poll(): no death can be seen, and
 * a loop would cost a CPU. */
#define REFUSED_REST_NS 10000000

static void look_at(struct rank_watch *watch, int number)
{
	const struct rank_shm *shm = &watch->rank->layout.ranks[number];

	watch->polled[number].fd = -1;
	/* acquire: pairs with the release in rank_finish(). */
	if (load_acquire(&shm->state) != RIG_STATE_DONE)
		rank_end(watch->rank, RIG_END_DEATH, number);
}

/* Has watch_finish() told the thread to end? */
static bool is_stopped(const struct rank_watch *watch)
{
	uint64_t count;

	return read(watch->stop, &count, sizeof(count)) == sizeof(count);
}

static void *watch_ranks(void *arg)
{
	struct rank_watch *watch = arg;
	const int size = watch->rank->size;
	/* poll() leaves a negative descriptor out. */
	struct pollfd *polled = watch->polled;
	const struct timespec rest = { 0, REFUSED_REST_NS };

	for (;;) {
		if (poll(polled, (nfds_t)size + 1, -1) < 0) {
			if (is_stopped(watch))
				return NULL;
			(void)nanosleep(&rest, NULL);
			continue;
		}
		if (polled[size].revents)
			return NULL;
		for (int i = 0; i < size; i++)
			if (polled[i].fd >= 0 && polled[i].revents) {
				const int fd = polled[i].fd;

				look_at(watch, i);
				close(fd);
			}
	}
}

/* The pidfd of the very process; -ESRCH: the process has ended. */
static int open_peer(const struct rendezvous_peer *peer)
{
	int fd = process_open(peer->pid);

	if (fd >= 0 && process_born(peer->pid) != peer->born) {
		close(fd);
		fd = -ESRCH;
	}
	return fd;
}

static int open_peers(struct rank_watch *watch,
		      const struct rendezvous_peer *peers)
{
	const struct rank *rank = watch->rank;

	for (int i = 0; i < rank->size; i++) {
		int fd = i == rank->rank ? -1 : open_peer(&peers[i]);

		watch->polled[i] =
			(struct pollfd){ .fd = fd, .events = POLLIN };
		if (i == rank->rank || fd >= 0)
			continue;
		if (fd != -ESRCH)
			return rig_fail_errno(fd, "join: pidfd_open");
		look_at(watch, i);
	}
	return 0;
}

static int start_thread(struct rank_watch *watch)
{
	sigset_t all, before;
	int r;

	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&watch->thread, NULL, watch_ranks, watch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return rig_fail_errno(r, "join: a thread that watches the "
					 "others");
	watch->runs = true;
	return 0;
}

int watch_start(struct rank_watch *watch, struct rank *rank,
		const struct rendezvous_peer *peers)
{
	int r = 0;

	*watch = (struct rank_watch){ .rank = rank, .stop = -1 };
	watch->polled = calloc((size_t)rank->size + 1, sizeof(*watch->polled));
	if (!watch->polled)
		return rig_fail_errno(-ENOMEM, "join");
	for (int i = 0; i < rank->size; i++)
		watch->polled[i].fd = -1;
	watch->stop =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (watch->stop < 0)
		r = rig_fail_errno(-errno, "join: eventfd");
	watch->polled[rank->size] =
		(struct pollfd){ .fd = watch->stop, .events = POLLIN };
	if (r == 0)
		r = open_peers(watch, peers);
	if (r == 0)
		r = start_thread(watch);
	if (r < 0)
		watch_finish(watch);
	return r;
}

void watch_finish(struct rank_watch *watch)
{
	const uint64_t one = 1;

	if (!watch->polled)
		return;
	if (watch->runs) {
		(void)!write(watch->stop, &one, sizeof(one));
		pthread_join(watch->thread, NULL);
	}
	for (int i = 0; i < watch->rank->size; i++)
		if (watch->polled[i].fd >= 0)
			close(watch->polled[i].fd);
	if (watch->stop >= 0)
		close(watch->stop);
	free(watch->polled);
	*watch = (struct rank_watch){ .stop = -1 };
}
