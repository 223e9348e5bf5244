/* SPDX-License-Identifier: MIT */
/*
 * run.c - posting a job, waiting for it, and finding out how it ended.
 *
 * The caller posts a job in the team segment and waits for `done`.  It decides
 * when a run has to be ended (its limit, a deadlock, a rank that failed while
 * others go on) and orders the warden to; deaths the warden deals with by
 * itself.  Either way `done` comes, and struct control_shm says how.  If the
 * warden is gone nothing will come: its pidfd is looked at whenever a wait has
 * lasted for a while.
 */
#include "pool/caller.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runrig/kernel.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "pool/map.h"

/* How often a waiting caller looks whether its warden lives. */
#define LOOK_NS (50 * UINT64_C(1000000))

/* A look that is later than this: the caller was stopped (Ctrl-Z), and all that
 * time is none of the run's limit. */
#define STOPPED_NS (250 * UINT64_C(1000000))

/* How long the others may go on when a rank has failed: long enough for them to
 * fail alike, short enough not to be waited for. */
#define GRACE_NS (20 * UINT64_C(1000000))

#define GRACE_LOOK_NS UINT64_C(500000)

/* How long a warden may take to carry an order out: it waits 5 s for a worker
 * that does not die, and 10 s for a team to start. */
#define ANSWER_NS (20 * UINT64_C(1000000000))

/* The patience of a caller that waits now: it spins on no worker's CPU. */
static const struct patience *caller_patience(const struct rig_pool *pool)
{
	static const struct patience none;
	int cpu;

	if (!pool->own_core)
		return &none;
	cpu = sched_getcpu();
	if (cpu < 0 || cpu >= RIG_PUS_MAX || cpu_bits_has(&pool->cpus, cpu))
		return &none;
	return &pool->patience;
}

/* It is later than `look`: by how much more than it takes to be woken? */
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
	/* relaxed: it is a reason to end the run, and orders nothing. */
	return !pool->internal && load_relaxed(&pool->cancel) == CANCEL_ASKED;
}

/* Wait for job `posted`, come what may to the warden, until deadline_ns.  0,
 * -EINTR (the alarm, or a cancel), -ETIMEDOUT, or -ECANCELED: the warden is
 * gone. */
int run_await(struct rig_pool *pool, const struct patience *patience, bool heed,
	      uint64_t deadline_ns)
{
	static const struct patience none;
	struct dispatch_shm *dispatch = pool->startup.layout.dispatch;
	int r;

	/* Most runs are done before it is worth asking for the time. */
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
	/* If it is this thread's, nobody else changes that meanwhile. */
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
		/* Hands the pool's memory to who takes the next turn. */
		if (swap_seq(&pool->turn, TURN_FREE) == TURN_WANTED)
			wait_wake(&pool->turn, 1);
		/* Store, then look, as in pools_forget() the other way round:
		 * what is queued now is found by one of the two. */
		seen = TURN_FREE;
	} while (load_seq(&pool->forget_count) &&
		 cas_seq(&pool->turn, &seen, TURN_TAKEN));
}

static int code_of(enum rig_end end)
{
	switch (end) {
	case RIG_END_DEATH:
		return -EOWNERDEAD;
	case RIG_END_DEADLOCK:
		return -EDEADLK;
	case RIG_END_LIMIT:
		return -ETIMEDOUT;
	case RIG_END_WARDEN:
		return -ECANCELED;
	case RIG_END_CANCEL:
		return -EINTR;
	case RIG_END_HOST:
		return -ECANCELED;
	default:
		return 0;
	}
}

/* The first rank that failed by itself, rather than because another had; -1:
 * none.  All of it lies where any rank may have written over it. */
static int first_failed(const struct rig_pool *pool)
{
	const struct layout *layout = &pool->startup.layout;
	uint32_t first;

	for (int i = 0; i < pool->startup.size; i++) {
		int code = load_relaxed(&layout->ranks[i].code);

		if (code < 0 && code != -ECANCELED)
			return i;
	}
	first = load_relaxed(&layout->team->failed);
	return first <= (uint32_t)pool->startup.size ? (int)first - 1 : -1;
}

/* How the warden says that it has ended a run. */
static enum rig_end end_of(const struct control_shm *control)
{
	uint32_t end = control->end;

	/* Else it was written over. */
	return end <= RIG_END_HOST ? (enum rig_end)end : RIG_END_FAILED;
}

/* The code of a run that failed; -EPROTO where that was written over. */
static int code_of_failed(const struct rig_pool *pool, bool ended, int failed)
{
	const struct layout *layout = &pool->startup.layout;
	int code = 0;

	if (failed >= 0)
		code = ended ? layout->about[failed].code
			     : load_relaxed(&layout->ranks[failed].code);
	return code < 0 ? code : -EPROTO;
}

/* Set what one run left to what the next expects. */
static void reset_run(struct rig_pool *pool)
{
	struct team_shm *team = pool->startup.layout.team;

	pool->startup.layout.control->end = RIG_END_OK;
	/* relaxed: no worker runs; the next post releases it. */
	store_relaxed(&team->failed, 0);
	store_relaxed(&team->deadlock, 0);
	store_relaxed(&team->unattached[0], 0);
	store_relaxed(&team->unattached[1], 0);
}

/* The run is over, and not well: make the report and return the code. */
static int finish_bad(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->startup.layout;
	struct report_facts info = { .layout = layout,
				     .size = pool->startup.size,
				     .plan = pool->plan,
				     .kernel = pool->kernel,
				     .name = pool->name,
				     .limit_ns = pool->limit_ns };
	uint32_t failed;

	if (load_relaxed(&layout->control->state) == CONTROL_DEAD)
		end = RIG_END_WARDEN;
	if (end == RIG_END_OK && layout->control->end != RIG_END_OK) {
		end = end_of(layout->control);
		failed = layout->control->failed;
		info.ended = true;
		info.failed = failed <= (uint32_t)pool->startup.size
				      ? (int)failed - 1
				      : -1;
	} else if (end == RIG_END_OK) {
		end = RIG_END_FAILED;
		info.failed = first_failed(pool);
	}
	if (end == RIG_END_WARDEN)
		pool->dead = true;
	info.end = end;
	info.code = code_of(end);
	if (end == RIG_END_FAILED)
		info.code = code_of_failed(pool, info.ended, info.failed);
	if (pool->chain.jobs && !pool->internal)
		chain_name(pool, &info);
	report_make(pool->internal ? &pool->aside : &pool->report, &info);
	reset_run(pool);
	return info.code;
}

/*
 * The run is over: how did it end?  `end` is OK where only the shared memory
 * knows.  Returns the run's code.
 */
static int finish_run(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->startup.layout;

	pool->posted = false;
	gateway_put(NULL, &pool->startup.layout.job->hosts);
	tracer_run_ends(&pool->tracer);
	/* acquire: pairs with the releases in give_up() and rank_failed(). */
	if (end != RIG_END_OK || layout->control->end != RIG_END_OK ||
	    load_acquire(&layout->control->state) == CONTROL_DEAD ||
	    load_acquire(&layout->team->failed))
		return finish_bad(pool, end);
	if (!pool->internal)
		report_clear(&pool->report);
	return 0;
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
	return finish_run(pool, end);
}

/* A rank says that it has failed: the others have GRACE_NS to fail alike, or to
 * return.  Returns the run's code. */
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
		return finish_run(pool, RIG_END_OK);
	return end_run(pool, RIG_END_FAILED);
}

/* Find who raised the alarm.  False: a cancel too late for the run before;
 * this run goes on.  Else the run has ended with code *r. */
static bool heed_alarm(struct rig_pool *pool, int *r)
{
	const struct team_shm *team = pool->startup.layout.team;

	dispatch_heard(pool->startup.layout.dispatch);
	/* acquire: a reason is written before its alarm is raised.  A rank that
	 * has failed is the reason why others wait for that rank. */
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

/* Wait for the run at hand until deadline_ns, or until its limit, which may be
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
			return finish_run(pool, RIG_END_OK);
		case -EINTR:
			if (heed_alarm(pool, &r))
				return r;
			break;
		case -ECANCELED:
			pool_await_gone(pool);
			return finish_run(pool, RIG_END_WARDEN);
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

/* A function of this process, which workers that are no forks of it find by its
 * library. */
static int put_function(struct rig_pool *pool, uint64_t fn)
{
	return code_name_again(&pool->named_kernel, fn,
			       pool->startup.layout.job->symbol);
}

/* The job is there but for the function that says who owns what. */
static int populate(struct rig_pool *pool,
		    const struct rig_segment_options *options,
		    size_t file_bytes)
{
	uint64_t spans = (uint64_t)(uintptr_t)options->spans;
	int r = 0;

	pool->startup.layout.job->symbol[0] = 0;
	if (pool->startup.execed && spans) {
		r = put_function(pool, spans);
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

		/* Whoever could must not keep it mapped. */
		snprintf(words, sizeof(words), "%s", rig_why());
		job_segments_forget(pool, identity);
		(void)rig_fail(r, "%s", words);
	}
	run_end_turn(pool);
	return r;
}

int run_check_job(const struct rig_pool *pool, const struct rig_job *job)
{
	int r = reserved_check(job->reserved, "rig_job");

	if (r < 0)
		return r;
	if (!job->kernel == !job->name)
		return rig_fail(-EINVAL,
				"job: give it either a kernel or a name");
	if (job->args_bytes > RIG_ARGS_MAX)
		return rig_fail(-EINVAL,
				"job: %zu bytes of arguments, not at "
				"most %d (hand a segment over)",
				job->args_bytes, RIG_ARGS_MAX);
	if (job->args_bytes && !job->args)
		return rig_fail(-EINVAL, "job: arguments are NULL");
	if (job->result_bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"job: a result of %zu bytes, not at "
				"most %d (use a segment)",
				job->result_bytes, RIG_RESULT_MAX);
	if (job->result_bytes && !job->result)
		return rig_fail(-EINVAL, "job: result is NULL");
	if (pool->dead)
		return rig_fail(-ECANCELED, "pool: it is no more (%.*s)",
				WHY_BYTES - 1,
				pool->startup.layout.control->why[0]
					? pool->startup.layout.control->why
					: "its warden died");
	return 0;
}

/* A word of the job, written only if it changes: the takers poll its line. */
static void put_word(struct rig_pool *pool, int index, uint64_t value)
{
	uint64_t *word = &pool->startup.layout.dispatch->words[index];

	if (*word != value)
		*word = value;
}

static int put_symbol(struct rig_pool *pool, const char *name)
{
	if (strlen(name) >= sizeof(pool->startup.layout.job->symbol))
		return rig_fail(-EINVAL,
				"job: the kernel's name is longer "
				"than %zu bytes",
				sizeof(pool->startup.layout.job->symbol) - 1);
	strcpy(pool->startup.layout.job->symbol, name);
	return 0;
}

/* What the job does for each item. */
static int put_map(struct rig_pool *pool, const struct map_job *map)
{
	struct map_shm *shm = &pool->startup.layout.job->map;

	*shm = map->terms;
	shm->fn = pool->startup.execed ? 0 : map->fn;
	/* relaxed: the post releases it. */
	for (int i = 0; i < pool->startup.size; i++) {
		store_relaxed(&pool->startup.layout.mapped[i].done, 0);
		store_relaxed(&pool->startup.layout.mapped[i].at, 0);
	}
	if (!map->fn)
		return put_symbol(pool, map->name);
	return pool->startup.execed ? put_function(pool, map->fn) : 0;
}

/* The words that say which kernel. */
int run_put_kernel(struct rig_pool *pool, const struct rig_job *job)
{
	const struct rig_kernel *known = NULL;
	rig_kernel_fn *fn = job->kernel;
	const char *colon;

	if (!fn)
		known = rig_kernel_find(job->name);
	if (known)
		fn = known->run;
	if (pool->startup.execed && fn) {
		put_word(pool, JOB_KIND,
			 fn == map_items ? JOB_MAP : JOB_SYMBOL);
		put_word(pool, JOB_FN, 0);
		return fn == map_items
			       ? 0
			       : put_function(pool, (uint64_t)(uintptr_t)fn);
	}
	put_word(pool, JOB_KIND, fn ? JOB_KERNEL : JOB_SYMBOL);
	put_word(pool, JOB_FN, (uint64_t)(uintptr_t)fn);
	if (fn)
		return 0;
	/* Something on both sides of the last colon. */
	colon = strrchr(job->name, ':');
	if (!colon || colon == job->name || !colon[1])
		return rig_fail(-EINVAL,
				"job: no kernel \"%s\" is registered, and it "
				"is not path.so:symbol",
				job->name);
	return put_symbol(pool, job->name);
}

/* Who owns what: said by the job, or by the contract of its kernel. */
static int put_owns(struct rig_pool *pool, const struct rig_job *job)
{
	struct job_shm *shm = pool->startup.layout.job;
	const struct rig_kernel *known = NULL;
	uint64_t owns = (uint64_t)(uintptr_t)job->owns;

	if (!job->owns && job->name)
		known = rig_kernel_find(job->name);
	if (known && known->args_bytes == job->args_bytes)
		owns = (uint64_t)(uintptr_t)known->owns;
	if (pool->startup.execed && owns)
		return code_name_again(&pool->named_owns, owns,
				       shm->owns_symbol);
	shm->owns_symbol[0] = 0;
	if (shm->owns != owns)
		shm->owns = owns;
	return 0;
}

int run_put_job(struct rig_pool *pool, const struct rig_job *job,
		uint64_t chained)
{
	int count = 0;
	int r = run_put_kernel(pool, job);

	while (r == 0 && count < RIG_SEGMENTS_MAX &&
	       job->segments[count].name) {
		r = job_segments_put(pool, count, &job->segments[count]);
		count++;
	}
	if (r < 0)
		return r;
	put_word(pool, JOB_SEGMENTS, (uint64_t)count);
	put_word(pool, JOB_ARGS_BYTES, job->args_bytes);
	put_word(pool, JOB_CHAIN, chained);
	r = put_owns(pool, job);
	if (r < 0)
		return r;
	if (job->args_bytes)
		memcpy(pool->startup.layout.job->args, job->args,
		       job->args_bytes);
	return 0;
}

/* The kernel's name, for the report: the caller's own may be gone by then. */
int run_keep_name(struct rig_pool *pool, const char *name)
{
	char *copy;

	if (!name || (pool->name_copy && strcmp(pool->name_copy, name) == 0)) {
		pool->name = name ? pool->name_copy : NULL;
		return 0;
	}
	copy = strdup(name);
	if (!copy)
		return rig_fail_errno(-ENOMEM, "job: its name");
	free(pool->name_copy);
	pool->name_copy = copy;
	pool->name = copy;
	return 0;
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
		r = put_map(pool, map);
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
	/* relaxed: read by who waits for this run, or has waited. */
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
