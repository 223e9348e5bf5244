/* SPDX-License-Identifier: MIT */
/*
 * bell.c - rig_pool_fd(): an end of a run that a poll loop can wait for.
 *
 * A rank or the warden that has something for the caller stores `done`, and then
 * looks whether `polled` is set, and rings.  rig_pool_fd() stores `polled`, and
 * then looks at `done`.  All four are seq_cst: one of the two looks finds the other's
 * store.
 *
 * A wait quiets the bell before the wait looks at the run: whatever rings later
 * is not lost.  A ring may come late, after the wait for the run, so the
 * descriptor may be readable when nothing has ended.
 */
#include "pool/bell.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"
#include "pool/caller.h"

void bell_init(struct run_bell *bell)
{
	*bell = (struct run_bell){ .epoll = -1, .timer = -1 };
}

void bell_finish(struct run_bell *bell)
{
	if (bell->epoll >= 0)
		close(bell->epoll);
	if (bell->timer >= 0)
		close(bell->timer);
	bell_init(bell);
}

void bell_ring(struct rig_pool *pool)
{
	dispatch_ring(pool->startup.layout.dispatch, pool->startup.bell);
}

/* At `at_ns` the descriptor is to be readable; RIG_FOREVER: no more. */
static void set_timer(const struct rig_pool *pool, uint64_t at_ns)
{
	struct itimerspec when = { .it_value = { 0, 0 } };

	if (at_ns != RIG_FOREVER) {
		when.it_value.tv_sec = (time_t)(at_ns / 1000000000);
		when.it_value.tv_nsec = (long)(at_ns % 1000000000);
	}
	(void)timerfd_settime(pool->bell.timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void quiet(const struct rig_pool *pool)
{
	uint64_t rings;

	(void)!read(pool->startup.bell, &rings, sizeof(rings));
}

void bell_run_begins(struct rig_pool *pool)
{
	if (pool->bell.epoll < 0)
		return;
	quiet(pool);
	if (pool->limit_at != RIG_FOREVER)
		set_timer(pool, pool->limit_at);
}

void bell_look(struct rig_pool *pool)
{
	if (pool->bell.epoll >= 0)
		quiet(pool);
}

void bell_run_goes_on(struct rig_pool *pool)
{
	/* The limit may have been put off. */
	if (pool->bell.epoll >= 0 && pool->limit_at != RIG_FOREVER)
		set_timer(pool, pool->limit_at);
}

void bell_run_ends(struct rig_pool *pool)
{
	if (pool->bell.epoll < 0)
		return;
	quiet(pool);
	if (pool->limit_at != RIG_FOREVER)
		set_timer(pool, RIG_FOREVER);
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return rig_fail_errno(-errno, "pool: epoll_ctl");
	return 0;
}

static int make(struct run_bell *bell, const struct rig_pool *pool)
{
	int r;

	bell->epoll = shared_above_standard(epoll_create1(EPOLL_CLOEXEC));
	if (bell->epoll < 0)
		return rig_fail_errno(-errno, "pool: epoll_create1");
	bell->timer = shared_above_standard(
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
	if (bell->timer < 0)
		return rig_fail_errno(-errno, "pool: timerfd_create");
	r = watch(bell->epoll, pool->startup.bell);
	if (r == 0)
		r = watch(bell->epoll, bell->timer);
	return r < 0 ? r : watch(bell->epoll, pool->warden_pidfd);
}

/* From now on the pool's processes ring. */
static int begin(struct rig_pool *pool)
{
	struct run_bell bell;
	int r;

	bell_init(&bell);
	r = make(&bell, pool);
	if (r < 0) {
		bell_finish(&bell);
		return r;
	}
	pool->bell = bell;
	if (pool->posted && pool->limit_at != RIG_FOREVER)
		set_timer(pool, pool->limit_at);
	dispatch_set_polled(pool->startup.layout.dispatch);
	if (pool->posted)
		bell_ring(pool);
	return 0;
}

int rig_pool_fd(struct rig_pool *pool)
{
	int r = 0;

	if (!pool)
		return rig_fail(-EINVAL, "pool: NULL");
	if (!pool_is_maker(pool))
		return rig_fail(-EINVAL,
				"pool: made by process %d; a fork of it must "
				"make its own",
				(int)pool->maker);
	if (pool->bell.epoll < 0)
		r = begin(pool);
	return r < 0 ? r : pool->bell.epoll;
}
