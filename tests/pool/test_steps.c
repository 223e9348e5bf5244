/* SPDX-License-Identifier: MIT */
/*
 * test_steps.c - SIGKILL after every instruction: of a worker from the fork to the
 * end of a run, and of a caller that makes a segment, makes a pool, or posts a job.
 *
 * A victim is brought to the begin of a stretch, executes k instructions, and dies.
 * k grows until the stretch is behind the victim.  RUNRIG_STEPS=N takes every N-th k
 * (default 197, and further apart in the long stretches; 1: all).
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/attach.h"
#include "objects/barrier.h"
#include "base/clock.h"
#include "objects/dispatch.h"
#include "segment/ledger.h"
#include "lib/process.h"
#include "lib/puppet.h"
#include "lib/tally.h"
#include "team/rank.h"

#define WORDS   512
#define LATE_NS UINT64_C(10000000000)

static struct rig_pool *pool;
static struct rig_segment *kept;

static long step(void)
{
	const char *value = getenv("RUNRIG_STEPS");

	return value ? atol(value) : 197;
}

static int work(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);

	(void)rig_team_barrier(team);
	for (size_t i = strip.begin; i < strip.end; i++)
		words[i] = words[i] * 3 + i;
	(void)rig_team_barrier(team);
	return 0;
}

/* A lock, a loan, and messages both ways that are too long for a slot. */
static int talks(struct rig_team *team)
{
	static uint64_t out[20000], in[20000];
	const int rank = rig_team_rank(team);
	struct rig_request *request;
	const void *lent;
	uint64_t *lock = NULL;
	int r = rig_team_alloc(team, 2 * sizeof(*lock), (void **)&lock);

	if (r == 0)
		r = rig_team_lock(team, lock, 0);
	if (r == 0)
		r = rig_team_unlock(team, lock, 0);
	if (r == 0 && rank == 0) {
		r = rig_team_lend(team, rig_team_data(team, 0), WORDS,
				  RIG_UINT64, 1, 1, &request);
		if (r == 0)
			r = rig_team_wait(team, &request, NULL);
	} else if (r == 0) {
		r = rig_team_borrow(team, &lent, 0, 1, NULL);
		if (r == 0)
			r = rig_team_release(team, lent);
	}
	if (r == 0)
		r = rig_team_sendrecv(team, out, 20000, RIG_UINT64, !rank, 2,
				      in, 20000, RIG_UINT64, !rank, 2, NULL);
	return r;
}

/* The function where a stretch begins, the most instructions of the stretch, and the
 * kind of barrier. */
static const struct {
	const char *name;
	void (*from)(void);
	long most;
	enum rig_barrier_kind kind;
	bool first; /* rank 0 is hit, else the last */
	rig_kernel_fn *kernel;
} stretches[] = {
	{ "barrier, pthread, first", (void (*)(void))rig_team_barrier, 400,
	  RIG_BARRIER_PTHREAD, true, work },
	{ "barrier, pthread, last", (void (*)(void))rig_team_barrier, 400,
	  RIG_BARRIER_PTHREAD, false, work },
	{ "barrier, adaptive", (void (*)(void))rig_team_barrier, 400,
	  RIG_BARRIER_ADAPTIVE, true, work },
	{ "from the job on", (void (*)(void))rank_begin, 600,
	  RIG_BARRIER_ADAPTIVE, true, work },
	{ "attach, first", (void (*)(void))attach_segments, 6000,
	  RIG_BARRIER_ADAPTIVE, true, work },
	{ "attach, last", (void (*)(void))attach_segments, 6000,
	  RIG_BARRIER_PTHREAD, false, work },
	{ "finish, first", (void (*)(void))rank_finish, 400,
	  RIG_BARRIER_ADAPTIVE, true, work },
	{ "finish, last", (void (*)(void))rank_finish, 400,
	  RIG_BARRIER_ADAPTIVE, false, work },
	{ "allocate", (void (*)(void))rig_team_alloc, 6000,
	  RIG_BARRIER_ADAPTIVE, false, talks },
	{ "lock, use, unlock", (void (*)(void))rig_team_lock, 1200,
	  RIG_BARRIER_ADAPTIVE, true, talks },
	{ "lend", (void (*)(void))rig_team_lend, 3000, RIG_BARRIER_ADAPTIVE,
	  true, talks },
	{ "borrow, release", (void (*)(void))rig_team_borrow, 3000,
	  RIG_BARRIER_ADAPTIVE, false, talks },
	{ "send and receive", (void (*)(void))rig_team_sendrecv, 6000,
	  RIG_BARRIER_ADAPTIVE, true, talks },
};

static int run(const char *plain)
{
	return rig_pool_run(
		pool, &(struct rig_job){
			      .kernel = work,
			      .segments = { { .name = rig_segment_name(kept) },
					    { .name = plain } } });
}

static void check_next_run(const char *plain)
{
	uint64_t *words = rig_segment_data(kept);
	int r;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = i;
	r = run(plain);
	/* A rank that was killed when the run was over. */
	if (r == -EOWNERDEAD) {
		for (size_t i = 0; i < WORDS; i++)
			words[i] = i;
		r = run(plain);
	}
	ck_assert_msg(r == 0, "%s", rig_why());
	for (size_t i = 0; i < WORDS; i++)
		ck_assert_uint_eq(words[i], i * 4);
}

/* Workers that are no forks of the test load it with their first run. */
static void run_first(void)
{
	struct rig_segment *plain;

	ck_assert_int_eq(rig_segment_create(&plain, NULL, 64, NULL), 0);
	check_next_run(rig_segment_name(plain));
	rig_segment_destroy(plain);
}

/* One kill after `count` instructions. */
static void kill_after(int stretch, long count, struct tally *tally)
{
	struct rig_segment *plain;
	struct rig_worker worker;
	struct puppet puppet;
	uint64_t begin;
	int rank = stretches[stretch].first ? 0 : 1, r;

	ck_assert_int_eq(rig_segment_create(&plain, NULL, 64, NULL), 0);
	ck_assert_int_eq(rig_pool_worker(pool, rank, &worker), 0);
	ck_assert_int_eq(puppet_attach(&puppet, worker.pid), 0);
	ck_assert_int_eq(puppet_go(&puppet, stretches[stretch].from), 0);
	ck_assert_int_eq(
		rig_pool_submit(
			pool,
			&(struct rig_job){
				.kernel = stretches[stretch].kernel,
				.segments = { { .name = rig_segment_name(
							kept) },
					      { .name = rig_segment_name(
							plain) } } }),
		0);
	/* The victim may have been on the way out of the run before: then the victim
	 * is there twice, and the time is wrong.  The kill is as good. */
	ck_assert_int_eq(puppet_arrive(&puppet, clock_after(LATE_NS)), 0);
	(void)puppet_step(&puppet, count);
	begin = clock_ns();
	puppet_kill(&puppet);
	r = rig_pool_wait(pool, RIG_FOREVER);
	tally_add(tally, clock_ns() - begin);
	/* The run may have ended without the function: then the victim had finished. */
	ck_assert_msg(r == 0 || r == -EOWNERDEAD, "k %ld: %s", count,
		      rig_why());
	if (r < 0)
		ck_assert_int_eq(rig_pool_report(pool)->rank, rank);
	check_next_run(rig_segment_name(plain));
	rig_segment_destroy(plain);
}

START_TEST(a_worker_at_every_instruction)
{
	struct tally tally = { 0 };
	long every = step();
	char what[64];

	if (!puppet_possible()) {
		fprintf(stderr, "skipped: no process can be traced here\n");
		return;
	}
	if (every > 1)
		every = every * stretches[_i].most / 1000 + 1;
	ck_assert_int_eq(
		rig_pool_create(
			&pool,
			&(struct rig_pool_options){
				.workers = 2, .barrier = stretches[_i].kind }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &kept, NULL, WORDS * sizeof(uint64_t),
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	run_first();
	for (long k = 0; k < stretches[_i].most; k += every)
		kill_after(_i, k, &tally);
	rig_segment_destroy(kept);
	rig_pool_destroy(pool);
	snprintf(what, sizeof(what), "a worker at an instruction: %s",
		 stretches[_i].name);
	tally_write(&tally, what);
}
END_TEST

/* A worker of a new team, between the fork and the first job. */
static void kill_while_it_starts(long count, struct tally *tally)
{
	struct puppet warden, child;
	struct rig_worker worker;
	uint64_t until = clock_after(LATE_NS), begin;
	struct rig_segment *plain;

	ck_assert_int_eq(rig_segment_create(&plain, NULL, 64, NULL), 0);
	ck_assert_int_eq(rig_pool_worker(pool, 0, &worker), 0);
	ck_assert_int_eq(
		puppet_watch_forks(&warden, process_parent(worker.pid)), 0);
	ck_assert_int_eq(kill(worker.pid, SIGKILL), 0);
	ck_assert_int_eq(puppet_next_child(&warden, &child, until), 0);
	(void)puppet_step(&child, count);
	puppet_release(&warden, 0);
	begin = clock_ns();
	puppet_kill(&child);
	check_next_run(rig_segment_name(plain));
	tally_add(tally, clock_ns() - begin);
	rig_segment_destroy(plain);
}

START_TEST(a_worker_while_it_starts)
{
	const long most = 8000;
	long every = step() == 1 ? 1 : step() * 8;
	struct tally tally = { 0 };

	if (!puppet_possible())
		return;
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &kept, NULL, WORDS * sizeof(uint64_t),
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	for (long k = 0; k < most; k += every)
		kill_while_it_starts(k, &tally);
	rig_segment_destroy(kept);
	rig_pool_destroy(pool);
	tally_write(&tally, "a worker at an instruction: start");
}
END_TEST

/* A caller that is killed within a call, with a pool whose warden cleans up. */
static struct rig_pool *own;

static void creates_a_segment(void)
{
	struct rig_segment *segment;

	(void)rig_segment_create(&segment, NULL, 5000, NULL);
}

static void creates_a_pool(void)
{
	struct rig_pool *second;

	(void)rig_pool_create(&second,
			      &(struct rig_pool_options){ .workers = 1 });
}

static void runs(void)
{
	(void)rig_pool_run(own, &(struct rig_job){ .kernel = work,
						   .segments = { {
							   .name = "steps-own",
						   } } });
}

/* A caller whose process between is killed: no pool, and no lock that the next pool
 * needs. */
static noreturn void makes_two_pools(void)
{
	struct rig_pool *second = NULL, *third = NULL;
	struct rig_segment *segment;
	int r;

	if (rig_pool_create(&own, &(struct rig_pool_options){ .workers = 1 }) <
	    0)
		_exit(1);
	(void)raise(SIGSTOP);
	r = rig_pool_create(&second,
			    &(struct rig_pool_options){ .workers = 1 });
	if (r != 0 && r != -ECANCELED)
		_exit(2);
	rig_pool_destroy(second);
	if (rig_pool_create(&third,
			    &(struct rig_pool_options){ .workers = 1 }) < 0 ||
	    rig_segment_create(&segment, NULL, 64, NULL) < 0)
		_exit(3);
	rig_segment_destroy(segment);
	rig_pool_destroy(third);
	rig_pool_destroy(own);
	_exit(0);
}

static int await_exit(pid_t pid)
{
	uint64_t until = clock_after(LATE_NS);
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0 && clock_ns() < until)
		(void)poll(NULL, 0, 1);
	if (clock_ns() >= until)
		(void)kill(pid, SIGKILL);
	return status;
}

START_TEST(the_one_between_at_every_instruction)
{
	struct tally tally = { 0 };
	const long most = 4000;
	long every = step() == 1 ? 1 : step() * 2;

	if (!puppet_possible())
		return;
	for (long k = 0; k < most; k += every) {
		struct puppet puppet, between;
		uint64_t begin;
		int status;
		pid_t child = fork();

		if (child == 0)
			makes_two_pools();
		ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
		ck_assert(WIFSTOPPED(status));
		ck_assert_int_eq(puppet_watch_forks(&puppet, child), 0);
		(void)kill(child, SIGCONT);
		ck_assert_int_eq(puppet_next_child(&puppet, &between,
						   clock_after(LATE_NS)),
				 0);
		(void)puppet_step(&between, k);
		puppet_kill(&between);
		begin = clock_ns();
		puppet_release(&puppet, 0);
		status = await_exit(child);
		ck_assert_msg(status == 0, "k %ld: %x", k, (unsigned)status);
		tally_add(&tally, clock_ns() - begin);
	}
	tally_write(&tally, "the process between at an instruction");
}
END_TEST

static const struct {
	const char *name;
	void (*fn)(void);
	void (*from)(void);
	long most;
} ways[] = {
	{ "publish", creates_a_segment, (void (*)(void))rig_segment_create,
	  12000 },
	{ "create", creates_a_pool, (void (*)(void))ledger_open, 12000 },
	{ "dispatch", runs, (void (*)(void))rig_pool_submit, 4000 },
};

static noreturn void caller(int way)
{
	struct rig_segment *segment;

	if (rig_pool_create(&own, &(struct rig_pool_options){ .workers = 1 }) <
		    0 ||
	    rig_segment_create(&segment, "steps-own", WORDS * sizeof(uint64_t),
			       NULL) < 0)
		_exit(1);
	(void)raise(SIGSTOP);
	ways[way].fn();
	for (;;)
		(void)raise(SIGSTOP);
}

START_TEST(a_caller_at_every_instruction)
{
	struct tally tally = { 0 };
	long every = step() == 1 ? 1 : step() * ways[_i].most / 1000;
	char what[64];

	if (!puppet_possible())
		return;
	for (long k = 0; k < ways[_i].most; k += every) {
		struct puppet puppet;
		int status;
		pid_t child = fork();

		if (child == 0)
			caller(_i);
		ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
		ck_assert(WIFSTOPPED(status));
		ck_assert_int_eq(puppet_attach(&puppet, child), 0);
		(void)kill(child, SIGCONT);
		ck_assert_int_eq(puppet_go(&puppet, ways[_i].from), 0);
		ck_assert_int_eq(puppet_arrive(&puppet, clock_after(LATE_NS)),
				 0);
		(void)puppet_step(&puppet, k);
		puppet_kill(&puppet);
		/* The name can be made again only when the name is gone. */
		for (uint64_t until = clock_after(LATE_NS);
		     access("/dev/shm/steps-own", F_OK) == 0;) {
			ck_assert(clock_ns() < until);
			(void)poll(NULL, 0, 1);
		}
		tally_add(&tally, 0);
	}
	/* The harness sees that no process and no name is left. */
	snprintf(what, sizeof(what), "a caller at an instruction: %s",
		 ways[_i].name);
	tally_write(&tally, what);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("steps");
	TCase *tcase = make_tcase("steps", 0);

	tcase_add_loop_test(tcase, a_worker_at_every_instruction, 0,
			    sizeof(stretches) / sizeof(stretches[0]));
	tcase_add_test(tcase, a_worker_while_it_starts);
	tcase_add_test(tcase, the_one_between_at_every_instruction);
	tcase_add_loop_test(tcase, a_caller_at_every_instruction, 0,
			    sizeof(ways) / sizeof(ways[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
