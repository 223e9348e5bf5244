/* SPDX-License-Identifier: MIT */
/*
 * transport_notify.c - telling without data: futex, eventfd, signal.
 *
 * A side sleeps at once, whatever the way to wait: sleep is the subject of the row.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/ring.h"

static int notify_create(struct link *link, char *why)
{
	link->slots = 1;
	return ring_create(link, RING_LINE, why);
}

static int notify_attach(struct link *link, char *why)
{
	int r = ring_attach(link, why);

	return r < 0 ? r : link_private(link);
}

/* The futex of every bell, blocking at once. */
static int futex_send(struct link *link)
{
	bell_ring(&ring_of(link, link->side)->produced, ++link->sent,
		  WAITING_BLOCK);
	return 0;
}

static void *futex_get(struct link *link)
{
	bell_wait(&ring_of(link, !link->side)->produced, ++link->received,
		  WAITING_BLOCK);
	return link->in;
}

/* A semaphore: every post is read once. */
static int eventfd_create(struct link *link, char *why)
{
	link->stride = RING_LINE;
	for (int d = 0; d < 2; d++) {
		link->fd[d][0] = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
		if (link->fd[d][0] < 0)
			return link_fail(why, "eventfd");
	}
	return 0;
}

static int eventfd_send(struct link *link)
{
	uint64_t one = 1;

	return write(link->fd[link->side][0], &one, sizeof(one)) ==
			       (ssize_t)sizeof(one)
		       ? 0
		       : -errno;
}

static void *eventfd_get(struct link *link)
{
	uint64_t one;
	ssize_t n;

	do
		n = read(link->fd[!link->side][0], &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(one) ? link->in : NULL;
}

static void eventfd_destroy(struct link *link)
{
	for (int d = 0; d < 2; d++)
		link_close(&link->fd[d][0]);
}

/* A real-time signal, which queues, taken by sigwaitinfo(). */
#define NOTE SIGRTMIN

static int signal_attach(struct link *link, char *why)
{
	struct ring_shm *mine;
	struct ring_shm *theirs;
	sigset_t set;
	int r = notify_attach(link, why);

	if (r < 0)
		return r;
	mine = ring_of(link, link->side);
	theirs = ring_of(link, !link->side);
	sigemptyset(&set);
	sigaddset(&set, NOTE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* The bell carries the pid here, once. */
	bell_ring(&mine->consumed, (uint32_t)getpid(), WAITING_BLOCK);
	while (!atomic_load(&theirs->consumed.count))
		usleep(100);
	link->other = (pid_t)atomic_load(&theirs->consumed.count);
	return 0;
}

/* The most signals that may be pending (RLIMIT_SIGPENDING): beyond, the other side
 * takes some first. */
static int signal_post(struct link *link, union sigval value)
{
	while (sigqueue(link->other, NOTE, value) < 0) {
		if (errno != EAGAIN)
			return -errno;
		sched_yield();
	}
	return 0;
}

static int signal_send(struct link *link)
{
	return signal_post(link, (union sigval){ .sival_int = 0 });
}

/* Eight bytes go with a signal. */
static int value_send(struct link *link)
{
	union sigval value;

	memcpy(&value, link_out(link), sizeof(value));
	return signal_post(link, value);
}

static void *signal_get(struct link *link)
{
	siginfo_t info;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, NOTE);
	do
		r = sigwaitinfo(&set, &info);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return NULL;
	memcpy(link->in, &info.si_value, sizeof(info.si_value));
	return link->in;
}

const struct transport transport_futex = {
	.name = "futex",
	.summary = "a futex wake, no data",
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.only_empty = true,
	.empty = true,
	.tier = 3,
	.create = notify_create,
	.attach = notify_attach,
	.put = link_out,
	.send = futex_send,
	.get = futex_get,
	.done = link_done,
	.destroy = ring_destroy,
};

const struct transport transport_eventfd = {
	.name = "eventfd",
	.summary = "an eventfd as a semaphore, no data",
	.calls = "2",
	.boundaries = true,
	.only_empty = true,
	.empty = true,
	.tier = 3,
	.create = eventfd_create,
	.attach = link_attach,
	.put = link_out,
	.send = eventfd_send,
	.get = eventfd_get,
	.done = link_done,
	.destroy = eventfd_destroy,
};

const struct transport transport_signal = {
	.name = "signal",
	.summary = "a queued real-time signal, no data",
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.only_empty = true,
	.empty = true,
	.tier = 3,
	.create = notify_create,
	.attach = signal_attach,
	.put = link_out,
	.send = signal_send,
	.get = signal_get,
	.done = link_done,
	.destroy = ring_destroy,
};

const struct transport transport_signal_value = {
	.name = "signal-value",
	.summary = "a queued real-time signal with eight bytes",
	.copies = 1,
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.fixed = sizeof(union sigval),
	.tier = 2,
	.create = notify_create,
	.attach = signal_attach,
	.put = link_out,
	.send = value_send,
	.get = signal_get,
	.done = link_done,
	.destroy = ring_destroy,
};
