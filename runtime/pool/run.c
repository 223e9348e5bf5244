/* SPDX-License-Identifier: MIT */
/*
 * run.c - posting a job, and waiting for the run's end.
 *
 * The caller posts a job in the team segment (job_put.c writes the job) and waits
 * for `done`.  The caller decides when a run has to be ended (the run's limit, a
 * deadlock, a rank that failed while others go on) and orders the warden to end the
 * run; the warden deals with deaths without an order.  Either way `done` comes, and
 * struct control_shm says how the run ended (run_end.c).  If the warden is gone,
 * nothing will come: whenever a wait has lasted for a while, the caller looks at the
 * warden's pidfd.
 */
#include "pool/caller.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"

/* How often a waiting caller looks whether the warden lives. */
#define LOOK_NS (50 * UINT64_C(1000000))

/* A look that is this late: the caller was stopped (Ctrl-Z), and the time does not
 * count for the run's limit. */
#define STOPPED_NS (250 * UINT64_C(1000000))

/* How long other ranks may go on when a rank has failed: long enough to fail alike,
 * short enough for the caller to wait. */
#define GRACE_NS (20 * UINT64_C(1000000))

#define GRACE_LOOK_NS UINT64_C(500000)

/* How long a warden may take to carry an order out: the warden waits 5 s for a
 * worker that does not die, and 10 s for a team to start. */
#define ANSWER_NS (20 * UINT64_C(1000000000))

/* The patience of a caller that waits now: the caller spins on no worker's CPU, but may
 * give that CPU to the worker. */
static const struct patience *caller_patience(const struct rig_pool *pool)
{
	static const struct patience none;
	int cpu;

	if (!pool->own_core)
		return &pool->patience;
	cpu = sched_getcpu();
	if (cpu < 0 || cpu >= RIG_PUS_MAX || cpu_bits_has(&pool->cpus, cpu))
		return &none;
	return &pool->patience;
}

/* The look due at `look` is made now: add a delay that no wake-up takes to the
 * limit. */
static void not_while_stopped(struct rig_pool *pool, uint64_t look)
{
	uint64_t now = clock_ns();

	if (pool->limit_at != RIG_FOREVER && now > look + STOPPED_NS) {
		pool->limit_at += now - look;
		pool->chain.stopped_ns += now - look;
	}
}

/* Whoever waits for the run, or polls, is to look.  In a signal handler too. */
static void wake_waiter(struct rig_pool *pool)
{
	int saved = errno;

	dispatch_interrupt(pool->startup.layout.dispatch);
	bell_ring(pool);
	errno = saved;
}

int rig_pool_cancel(struct rig_pool *pool)
{
	uint32_t seen = CANCEL_NOT;

	/* No words: a signal handler may be here. */
	if (!pool || !pool_is_maker(pool))
		return -EINVAL;
	if (!cas_seq(&pool->cancel, &seen, CANCEL_ASKED))
		return seen == CANCEL_ASKED ? 0 : -EINVAL;
	wake_waiter(pool);
	return 0;
}

/* Has the run in progress been cancelled? */
static bool is_cancelled(const struct rig_pool *pool)
{
	/* relaxed: a reason to end the run, which orders nothing. */
	return !pool->internal && load_relaxed(&pool->cancel) == CANCEL_ASKED;
}

/* Wait for job `posted` until deadline_ns, even where the warden dies. 0, -EINTR
 * (the alarm, or a cancel), -ETIMEDOUT, or -ECANCELED: the warden is gone. */
int run_await(struct rig_pool *pool, const struct patience *patience, bool heed,
	      uint64_t deadline_ns)
{
	static const struct patience none;
	struct dispatch_shm *dispatch = pool->startup.layout.dispatch;
	int r;

	/* Most runs are done before a look at the clock is worth its time. */
	if (patience->spin_ns && dispatch_poll(dispatch, patience))
		return 0;
	for (;;) {
		uint64_t look = clock_after(LOOK_NS);

		r = dispatch_wait(dispatch, patience, heed,
				  look < deadline_ns ? look : deadline_ns);
		if (r != -ETIMEDOUT)
			return r;
		not_while_stopped(pool, look);
		if (heed && is_cancelled(pool))
			return -EINTR;
		if (!pool_warden_lives(pool))
			return dispatch_is_done(dispatch) ? 0 : -ECANCELED;
		/* Given up between runs: nobody was there to be told.
		 * acquire: pairs with the release in give_up(). */
		if (load_acquire(&pool->startup.layout.control->state) ==
		    CONTROL_DEAD)
			return 0;
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		patience = &none;
	}
}

/* Take the pool for one run. */
int run_take_turn(struct rig_pool *pool)
{
	uint32_t seen = TURN_FREE;

	if (!pool)
		return rig_fail(-EINVAL,
				"pool: NULL (was it created?  A kernel's "
				"globals are as they were before that)");
	if (!pool_is_maker(pool))
		return rig_fail(-EINVAL,
				"pool: made by process %d; a fork of it must "
				"make its own",
				(int)pool->maker);
	/* acquire: pairs with the swap in run_end_turn(). */
	if (cas_acquire(&pool->turn, &seen, TURN_TAKEN))
		return 0;
	/* If the run is this thread's, no other thread changes the fields
	 * meanwhile. */
	if (pool->posted && pthread_equal(pool->holder, pthread_self()))
		return rig_fail(-EBUSY,
				"pool: this thread has submitted a run and not "
				"waited for it");
	while (swap_acq_rel(&pool->turn, TURN_WANTED) != TURN_FREE)
		(void)wait_sleep(&pool->turn, TURN_WANTED, RIG_FOREVER);
	return 0;
}

/* Give the turn back. */
void run_end_turn(struct rig_pool *pool)
{
	uint32_t seen;

	do {
		job_segments_forget_queued(pool);
		/* Hands the pool's memory to the thread that takes the next
		 * turn. */
		if (swap_seq(&pool->turn, TURN_FREE) == TURN_WANTED)
			wait_wake(&pool->turn, 1);
		/* Store, then look, while pools_forget() looks, then stores:
		 * one of the two finds a file that is queued now. */
		seen = TURN_FREE;
	} while (load_seq(&pool->forget_count) &&
		 cas_seq(&pool->turn, &seen, TURN_TAKEN));
}

/* Order the warden to end the run at hand, and wait until it has. */
static int end_run(struct rig_pool *pool, enum rig_end end)
{
	struct pollfd polled = { .fd = pool->startup.caller_end,
				 .events = POLLIN };
	uint64_t until = clock_after(ANSWER_NS), now;
	bool told = pool_order(pool, ORDER_END, end);
	char answer;

	while (told && (now = clock_ns()) < until &&
	       poll(&polled, 1, (int)((until - now) / 1000000) + 1) <= 0)
		;
	if (!told ||
	    recv(pool->startup.caller_end, &answer, 1, MSG_DONTWAIT) != 1) {
		/* Dead, or stopped for good. */
		pool_kill_warden(pool);
		end = RIG_END_WARDEN;
	} else {
		end = RIG_END_OK; /* control_shm says how */
	}
	return run_finish(pool, end);
}

/* A rank has failed: the other ranks have GRACE_NS to fail alike, or to return.
 * Returns the run's code. */
static int heed_failure(struct rig_pool *pool)
{
	static const struct patience none;
	struct team_shm *team = pool->startup.layout.team;
	uint64_t until = clock_after(GRACE_NS);
	int r;

	do
		r = run_await(pool, &none, false, clock_after(GRACE_LOOK_NS));
	while (r == -ETIMEDOUT && clock_ns() < until &&
	       !load_acquire(&team->deadlock));
	if (r == 0)
		return run_finish(pool, RIG_END_OK);
	return end_run(pool, RIG_END_FAILED);
}

/* Find the reason of the alarm.  False: a cancel too late for the run before; this
 * run goes on.  Else the run has ended with code *r. */
static bool heed_alarm(struct rig_pool *pool, int *r)
{
	const struct team_shm *team = pool->startup.layout.team;

	dispatch_heard(pool->startup.layout.dispatch);
	/* acquire: a reason is written before the alarm is raised.  A rank that
	 * has failed is the reason why other ranks wait for that rank. */
	if (is_cancelled(pool))
		*r = end_run(pool, RIG_END_CANCEL);
	else if (load_acquire(&team->failed))
		*r = heed_failure(pool);
	else if (load_acquire(&team->deadlock))
		*r = end_run(pool, RIG_END_DEADLOCK);
	else
		return false;
	return true;
}

/* Wait for the run at hand until deadline_ns, or until the run's limit, which may be
 * put off meanwhile.  As run_await(). */
static int await_end(struct rig_pool *pool, uint64_t deadline_ns)
{
	static const struct patience none;
	uint64_t limit, until;
	int r;

	do {
		limit = pool->chain.limited ? chain_look(pool) : pool->limit_at;
		until = limit < deadline_ns ? limit : deadline_ns;
		r = run_await(pool, until ? caller_patience(pool) : &none, true,
			      until);
		if (r == -ETIMEDOUT && pool->chain.limited)
			(void)chain_look(pool);
	} while (r == -ETIMEDOUT && until == limit &&
		 (limit != pool->limit_at || pool->chain.limited) &&
		 clock_ns() < pool->limit_at);
	return r;
}

/* Wait for the run at hand until deadline_ns: its code, or -EAGAIN: not yet. */
static int settle_once(struct rig_pool *pool, uint64_t deadline_ns)
{
	int r;

	for (;;) {
		switch (await_end(pool, deadline_ns)) {
		case 0:
			return run_finish(pool, RIG_END_OK);
		case -EINTR:
			if (heed_alarm(pool, &r))
				return r;
			break;
		case -ECANCELED:
			pool_await_gone(pool);
			return run_finish(pool, RIG_END_WARDEN);
		default:
			if (clock_ns() >= pool->limit_at)
				return end_run(pool, RIG_END_LIMIT);
			return -EAGAIN;
		}
	}
}

static int settle_run(struct rig_pool *pool, uint64_t deadline_ns)
{
	uint64_t *by_socket =
		&pool->startup.layout.dispatch->words[JOB_BY_SOCKET];
	int r = settle_once(pool, deadline_ns);

	if (r == JOB_HAND_OVER && !*by_socket) {
		job_segments_send(pool);
		r = settle_once(pool, deadline_ns);
	}
	if (*by_socket && !pool->posted)
		*by_socket = 0;
	return r == JOB_HAND_OVER ? -EACCES : r;
}

int run_internal(struct rig_pool *pool, enum job_kind kind, uint64_t fn,
		 size_t args_bytes, size_t written)
{
	struct dispatch_shm *dispatch = pool->startup.layout.dispatch;
	int r;

	pool_keep_results(pool);
	pool->internal = true;
	dispatch->words[JOB_KIND] = kind;
	dispatch->words[JOB_FN] = fn;
	dispatch->words[JOB_SEGMENTS] = kind == JOB_REPLICATE ? 2 : 1;
	dispatch->words[JOB_ARGS_BYTES] = args_bytes;
	dispatch->words[JOB_CHAIN] = 0;
	pool->name = kind == JOB_POPULATE    ? "populate"
		     : kind == JOB_REPLICATE ? "replicate"
					     : "forget";
	pool->limit_ns = OWN_JOB_NS + written * OWN_JOB_BYTE_NS;
	pool->limit_at = clock_after(pool->limit_ns);
	tracer_run_begins(&pool->tracer, pool->name, 0);
	dispatch_post(dispatch);
	r = settle_run(pool, RIG_FOREVER);
	pool->internal = false;
	return r;
}

/* Populate a segment: the job is there but for the function that names the owners. */
static int populate(struct rig_pool *pool,
		    const struct rig_segment_options *options,
		    size_t file_bytes)
{
	uint64_t spans = (uint64_t)(uintptr_t)options->spans;
	int r = 0;

	pool->startup.layout.job->symbol[0] = 0;
	if (pool->startup.execed && spans) {
		r = run_put_function(pool, spans);
		spans = 0;
	}
	return r < 0 ? r
		     : run_internal(pool, JOB_POPULATE, spans,
				    options->spans_args_bytes, file_bytes);
}

int pool_populate(struct rig_pool *pool, int fd, struct identity identity,
		  size_t file_bytes, size_t data_bytes,
		  const struct rig_segment_options *options)
{
	struct segment_info info = { .identity = identity,
				     .file_bytes = file_bytes,
				     .data_bytes = data_bytes,
				     .fd = fd };
	int r;

	if (options->spans_args_bytes > RIG_ARGS_MAX)
		return rig_fail(-EINVAL,
				"segment: %zu bytes of span "
				"arguments, not at most %d",
				options->spans_args_bytes, RIG_ARGS_MAX);
	if (options->spans_args_bytes && !options->spans_args)
		return rig_fail(-EINVAL,
				"segment: %zu bytes of span arguments at NULL",
				options->spans_args_bytes);
	r = run_take_turn(pool);
	if (r < 0)
		return r;
	if (pool->dead) {
		r = rig_fail(-ECANCELED, "segment: its pool is no more");
	} else {
		info.fd = job_segments_note(pool, identity, fd);
		job_segments_put_file(pool, 0, &info);
		if (options->pages == RIG_PAGES_HUGE)
			pool->startup.layout.job->segments[0].flags |= JOB_HUGE;
		if (options->spans_args_bytes)
			memcpy(pool->startup.layout.job->args,
			       options->spans_args, options->spans_args_bytes);
		r = populate(pool, options, file_bytes);
	}
	if (r < 0) {
		char words[WHY_BYTES];

		/* A worker that has mapped the file must not keep the mapping. */
		snprintf(words, sizeof(words), "%s", rig_why());
		job_segments_forget(pool, identity);
		(void)rig_fail(r, "%s", words);
	}
	run_end_turn(pool);
	return r;
}

int run_submit(struct rig_pool *pool, const struct rig_job *job,
	       const struct map_job *map, struct rig_gateway *gateway)
{
	int r = job ? run_take_turn(pool) : rig_fail(-EINVAL, "job: NULL");

	if (r < 0)
		return r;
	r = run_check_job(pool, job);
	if (r == 0)
		replica_forget_written(pool, job);
	if (r == 0)
		r = run_keep_name(pool, map ? map->name : job->name);
	if (r == 0)
		r = run_put_job(pool, job, 0);
	if (r == 0 && map)
		r = run_put_map(pool, map);
	if (r < 0) {
		run_end_turn(pool);
		return r;
	}
	gateway_put(gateway, &pool->startup.layout.job->hosts);
	pool->kernel = map ? (rig_kernel_fn *)(uintptr_t)map->fn : job->kernel;
	pool->result = job->result;
	pool->result_bytes = job->result_bytes;
	pool->chain = (struct chain_run){ .jobs = NULL };
	run_post(pool, job->limit_ns);
	return 0;
}

void run_post(struct rig_pool *pool, uint64_t limit_ns)
{
	pool->limit_ns = limit_ns;
	pool->limit_at = limit_ns ? clock_after(limit_ns) : RIG_FOREVER;
	pool->holder = pthread_self();
	pool->posted = true;
	/* relaxed: read by a thread that waits for this run, or has waited. */
	store_relaxed(&pool->has_kept, 0);
	bell_run_begins(pool);
	store_seq(&pool->cancel, CANCEL_NOT);
	tracer_run_begins(&pool->tracer, pool->name,
			  (uint64_t)(uintptr_t)pool->kernel);
	dispatch_post(pool->startup.layout.dispatch);
}

int rig_pool_submit(struct rig_pool *pool, const struct rig_job *job)
{
	return run_submit(pool, job, NULL, NULL);
}

int run_wait(struct rig_pool *pool, uint64_t deadline_ns)
{
	int r;

	if (!pool || !pool_is_maker(pool))
		return rig_fail(-EINVAL, "pool: no run to wait for");
	bell_look(pool);
	if (!pool->posted)
		return rig_fail(-EINVAL, "pool: no run to wait for");
	r = settle_run(pool, deadline_ns);
	if (pool->posted) {
		bell_run_goes_on(pool);
		return rig_fail(-ETIMEDOUT, "pool: the run goes on");
	}
	store_seq(&pool->cancel, CANCEL_NO_RUN);
	bell_run_ends(pool);
	if (pool->result_bytes && r == 0)
		memcpy(pool->result, pool->startup.layout.ranks[0].result,
		       pool->result_bytes);
	return r;
}

int run_stop(struct rig_pool *pool, enum rig_end end)
{
	int r = end_run(pool, end);

	store_seq(&pool->cancel, CANCEL_NO_RUN);
	return r;
}

int rig_pool_wait(struct rig_pool *pool, uint64_t deadline_ns)
{
	bool had_run = pool && pool_is_maker(pool) && pool->posted;
	int r = run_wait(pool, deadline_ns);

	if (had_run && !pool->posted)
		run_end_turn(pool);
	return r;
}

int rig_pool_run(struct rig_pool *pool, const struct rig_job *job)
{
	int r = rig_pool_submit(pool, job);

	return r < 0 ? r : rig_pool_wait(pool, RIG_FOREVER);
}
