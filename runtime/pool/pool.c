/* SPDX-License-Identifier: MIT */
/*
 * pool.c - a pool is made and destroyed: its memory, its descriptors, its team.
 *
 * The caller's other files have what happens in between: pool_warden.c talks to the
 * warden, run.c runs jobs, pool_ask.c answers questions, and pool_list.c knows all
 * pools of the process.
 */
#include "pool/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runrig/place.h>

#include "pool/pool_startup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "segment/ledger.h"
#include "machine/shared.h"
#include "pool/report.h"
#include "pool/team_memory.h"
#include "segment/segment.h"

static int open_descriptors(struct pool_startup *startup)
{
	int pair[2] = { -1, -1 }, pipe_ends[2] = { -1, -1 };
	int files[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	startup->caller_end = shared_above_standard(pair[0]);
	startup->warden_end = shared_above_standard(pair[1]);
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return rig_fail_errno(-errno, "pool: pipe");
	startup->lifeline_read = shared_above_standard(pipe_ends[0]);
	startup->lifeline_held = shared_above_standard(pipe_ends[1]);
	startup->caller_pidfd = shared_above_standard(
		(int)syscall(SYS_pidfd_open, getpid(), 0));
	if (startup->caller_pidfd < 0)
		return rig_fail_errno(-errno,
				      "pool: pidfd_open (Linux has it since "
				      "5.3; a sandbox, or valgrind, may not)");
	startup->ready =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	startup->bell =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (startup->ready < 0 || startup->bell < 0)
		return rig_fail_errno(-errno, "pool: eventfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	startup->files_send = shared_above_standard(files[0]);
	startup->files_receive = shared_above_standard(files[1]);
	if (startup->caller_end < 0 || startup->warden_end < 0 ||
	    startup->lifeline_read < 0 || startup->lifeline_held < 0 ||
	    startup->files_send < 0 || startup->files_receive < 0)
		return rig_fail_errno(-errno, "pool: descriptors");
	return 0;
}

/* Those the caller has no use for once the warden is there. */
static void close_wardens(struct pool_startup *startup)
{
	shared_close(&startup->warden_end);
	shared_close(&startup->lifeline_held);
	shared_close(&startup->caller_pidfd);
	shared_close(&startup->ready);
}

/* The patience of workers and caller: who may spin. */
static void set_patience(struct rig_pool *pool)
{
	const struct rig_plan *plan = pool->plan;
	struct pool_startup *startup = &pool->startup;

	pool->own_core = plan->cpus > plan->workers;
	if (plan->workers > plan->cpus)
		startup->busy = (struct patience){ .yields = 4 };
	else
		startup->busy = (struct patience){ .spin_ns = 100000 };
	if (pool->own_core) {
		startup->idle = (struct patience){ .spin_ns = 2000000 };
		pool->patience = (struct patience){ .spin_ns = 2000000 };
	} else {
		/* Caller and worker hand the CPU to each other without a sleep,
		 * if nobody else wants the CPU. */
		startup->idle =
			(struct patience){ .yields = 100, .wary = true };
		pool->patience = (struct patience){ .yields = 8, .wary = true };
	}
	for (int i = 0; i < plan->workers; i++)
		for (int w = 0; w < RIG_PUS_MAX / 64; w++)
			pool->cpus.bits[w] |= plan->spots[i].set[w];
}

/* Everything before the fork.  What is done is undone by pool_free(). */
static int prepare(struct rig_pool *pool,
		   const struct rig_pool_options *options)
{
	struct pool_startup *startup = &pool->startup;
	int r;

	r = rig_place_plan(&pool->plan, &(struct rig_place_options){
						.workers = options->workers,
						.place = options->place });
	if (r < 0)
		return r;
	startup->execed = options->start == RIG_EXEC;
	startup->size = pool->plan->workers;
	startup->kind = options->barrier;
	startup->plan = pool->plan;
	startup->caller = getpid();
	startup->tracer = &pool->tracer;
	set_patience(pool);
	r = tracer_init(&pool->tracer, startup->size, options->trace,
			startup->execed ? &pool->exec.trace : NULL);
	if (r < 0)
		return r;
	r = report_init(&pool->report, startup->size);
	if (r == 0)
		r = report_init(&pool->aside, startup->size);
	if (r < 0)
		return r;
	pool->kept = calloc((size_t)startup->size, sizeof(*pool->kept));
	if (!pool->kept)
		return rig_fail_errno(-ENOMEM, "pool");
	r = team_memory_map(&startup->layout, startup->size,
			    "pool: its team segment",
			    startup->execed ? &pool->exec.team : NULL);
	if (r < 0)
		return r;
	r = layout_team(&startup->layout, startup->size, startup->kind);
	if (r < 0)
		return r;
	startup->layout.control->caller = getpid();
	while (!pool->id)
		if (getrandom(&pool->id, sizeof(pool->id), 0) < 0 &&
		    errno != EINTR)
			return rig_fail_errno(-errno, "pool: getrandom");
	r = ledger_open();
	if (r == 0)
		r = open_descriptors(startup);
	if (r == 0 && startup->execed)
		r = exec_prepare(&pool->exec, startup);
	return r;
}

static void pool_free(struct rig_pool *pool)
{
	struct pool_startup *startup = &pool->startup;

	job_segments_finish(pool);
	exec_finish(&pool->exec);
	close_wardens(startup);
	bell_finish(&pool->bell);
	shared_close(&startup->caller_end);
	shared_close(&startup->bell);
	shared_close(&startup->lifeline_read);
	shared_close(&startup->files_send);
	shared_close(&startup->files_receive);
	shared_close(&pool->warden_pidfd);
	if (startup->layout.control)
		munmap(startup->layout.control, startup->layout.map_bytes);
	report_finish(&pool->report);
	report_finish(&pool->aside);
	free(pool->kept);
	tracer_finish(&pool->tracer);
	rig_place_free(pool->plan);
	free(pool->name_copy);
	free(pool);
}

/* Start the warden and wait for the first team. */
static int start(struct rig_pool *pool)
{
	static const struct patience none;
	struct pool_startup *startup = &pool->startup;
	struct control_shm *control = startup->layout.control;
	int r;

	/* The first job is to be there. */
	startup->layout.dispatch->words[JOB_KIND] = JOB_START;
	dispatch_post(startup->layout.dispatch);
	r = pool_make_warden(pool);
	close_wardens(startup);
	if (r < 0)
		return r;
	r = pool_meet_warden(pool);
	if (r < 0)
		return r;
	r = run_await(pool, &none, false, clock_after(READY_NS));
	if (r == -ETIMEDOUT)
		return rig_fail(r, "pool: its workers were not ready in %d s",
				(int)(READY_NS / 1000000000));
	if (r < 0) {
		pool_await_gone(pool);
		return rig_fail(-ECANCELED, "pool: %s",
				startup->execed && pool->exec.shm->why[0]
					? pool->exec.shm->why
					: "its warden died");
	}
	exec_finish(&pool->exec);
	/* acquire: pairs with the release in give_up(). */
	if (load_acquire(&control->state) == CONTROL_DEAD)
		return rig_fail(control->code, "%s", control->why);
	return 0;
}

int rig_pool_create(struct rig_pool **out,
		    const struct rig_pool_options *options)
{
	static const struct rig_pool_options defaults;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct rig_pool *pool;
	int r;

	if (!out)
		return rig_fail(-EINVAL, "pool: no place for the handle");
	if (!options)
		options = &defaults;
	r = reserved_check(options->reserved, "rig_pool_options");
	if (r < 0)
		return r;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return rig_fail_errno(-ENOMEM, "pool");
	pthread_once(&once, pool_list_prepare);
	pool_list_sign(pool);
	pool->warden_pidfd = -1;
	pool->startup.caller_end = pool->startup.warden_end = -1;
	pool->startup.lifeline_read = pool->startup.lifeline_held = -1;
	pool->startup.caller_pidfd = pool->startup.ready = -1;
	pool->startup.bell = -1;
	bell_init(&pool->bell);
	pool->startup.files_send = pool->startup.files_receive = -1;
	pool->exec.fd = pool->exec.team = pool->exec.trace = -1;
	pthread_mutex_init(&pool->forget_lock, NULL);
	r = prepare(pool, options);
	if (r == 0)
		r = start(pool);
	if (r < 0) {
		if (pool->startup.caller_end >= 0 &&
		    pool->startup.warden_end < 0)
			pool_quit(pool);
		pool_free(pool);
		return r;
	}
	pool_list_enter(pool);
	*out = pool;
	return 0;
}

int rig_pool_at_destroy(struct rig_pool *pool, void (*fn)(void *arg), void *arg)
{
	struct pool_farewell *farewell;

	if (!pool || !fn || !pool_is_maker(pool))
		return rig_fail(-EINVAL,
				"rig_pool_at_destroy: the pool or the function "
				"is NULL, or the pool is another process's");
	farewell = malloc(sizeof(*farewell));
	if (!farewell)
		return rig_fail_errno(-ENOMEM, "pool");
	farewell->fn = fn;
	farewell->arg = arg;
	/* relaxed: the swap decides. */
	farewell->next = load_relaxed(&pool->farewells);
	while (!cas_seq(&pool->farewells, &farewell->next, farewell))
		;
	return 0;
}

/* A fork of the maker has copies of the functions' data, and calls none. */
static void say_farewell(struct rig_pool *pool)
{
	struct pool_farewell *next = load_acquire(&pool->farewells);

	while (next) {
		struct pool_farewell *farewell = next;

		next = farewell->next;
		if (pool_is_maker(pool))
			farewell->fn(farewell->arg);
		free(farewell);
	}
}

void rig_pool_destroy(struct rig_pool *pool)
{
	if (!pool || pool->left_behind)
		return;
	pool_list_leave(pool);
	say_farewell(pool);
	/* A fork of the maker lets go of its copy, no more. */
	if (pool_is_maker(pool))
		pool_quit(pool);
	pool_free(pool);
}
