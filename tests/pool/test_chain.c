/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - jobs posted at once: each is a separate run, in order, and the first
 * job that fails, dies, takes too long or is cancelled ends the chain and is named.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "lib/job_pool.h"

#define RANKS 3
#define JOBS  40

/* The arguments and the result of a job. */
struct told {
	int number;
	int dies; /* in this job rank 1 fails: a value of the enum */
};

enum { WELL, RETURNS, DIES, STAYS, LOCKS, LEAVES };

struct given {
	int number;
	int ranks;
	uint64_t sum;
};

static struct rig_job jobs[JOBS];
static struct told told[JOBS];
static struct given given[JOBS];

static int fails_so(struct rig_team *team, const struct told *mine)
{
	uint64_t x = 0;

	if (rig_team_rank(team) != 1)
		return rig_team_barrier(team);
	switch (mine->dies) {
	case RETURNS:
		return rig_team_fail(team, -EDOM, "job %d does", mine->number);
	case DIES:
		raise(SIGKILL);
		return 0;
	case STAYS:
		for (;;)
			(void)pause();
	case LOCKS:
		return rig_team_recv(team, &x, 1, RIG_UINT64, 0, 9, NULL);
	default:
		return 0;
	}
}

/* A run with everything: collectives of a number of the job, memory, a result. */
static int works(struct rig_team *team)
{
	const struct told *mine = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct given *result = rig_team_result(team);
	uint64_t one = (uint64_t)mine->number + (uint64_t)rank, sum = 0;
	struct rig_request *left = NULL;
	void *memory = NULL;
	int r = 0;

	if (mine->dies && mine->dies != LEAVES)
		return fails_so(team, mine);
	/* Zero, as at the begin. */
	if (result->number || rig_team_heap(team) == NULL)
		return rig_team_fail(team, -EBADMSG, "not as a run begins");
	if (mine->number % 3 == 0)
		r = rig_team_alloc(team, 5000, &memory);
	if (r == 0 && memory && *(char *)memory)
		return rig_team_fail(team, -EBADMSG, "not zero");
	if (memory)
		memset(memory, 7, 5000);
	for (int i = 0; r == 0 && i <= mine->number % 5; i++)
		r = rig_team_allreduce(team, &one, &sum, 1, RIG_UINT64,
				       RIG_SUM);
	if (r == 0 && mine->dies == LEAVES && rank == 1)
		r = rig_team_irecv(team, &sum, 1, RIG_UINT64, 0, 3, &left);
	if (rank == 0)
		*result = (struct given){ mine->number, size, sum };
	return r;
}

/* Another kernel between. */
static int does_nothing(struct rig_team *team)
{
	const struct told *mine = rig_team_args(team);

	((struct given *)rig_team_result(team))->number = mine->number;
	return 0;
}

static void make_jobs(void)
{
	for (int i = 0; i < JOBS; i++) {
		told[i] = (struct told){ .number = i + 1 };
		given[i] = (struct given){ 0 };
		jobs[i] = (struct rig_job){
			.kernel = i % 4 == 3 ? does_nothing : works,
			.args = &told[i],
			.args_bytes = sizeof(told[i]),
			.result = &given[i],
			.result_bytes = sizeof(given[i]),
		};
	}
}

static void setup(void)
{
	make_pool(RANKS);
	make_jobs();
}

static void teardown(void)
{
	rig_pool_destroy(pool);
}

/* The jobs before `count` have left their results, and no other job has. */
static void check_given(int count)
{
	ck_assert_int_eq(rig_pool_ran(pool), count);
	for (int i = 0; i < JOBS; i++) {
		const uint64_t sum = (uint64_t)RANKS * (uint64_t)(i + 1) +
				     RANKS * (RANKS - 1) / 2;

		ck_assert_int_eq(given[i].number, i < count ? i + 1 : 0);
		if (i < count && jobs[i].kernel == works) {
			ck_assert_int_eq(given[i].ranks, RANKS);
			ck_assert_uint_eq(given[i].sum, sum);
		}
	}
}

static void run_well(void)
{
	make_jobs();
	ck_assert_msg(rig_pool_run_all(pool, jobs, JOBS) == 0, "%s", rig_why());
	check_given(JOBS);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_OK);
}

START_TEST(each_is_a_run)
{
	run_well();
	run_well();
	/* And a run after the chain. */
	ck_assert_int_eq(rig_pool_run(pool, &jobs[4]), 0);
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, 0), 0);
	ck_assert_int_eq(rig_pool_ran(pool), 0);
}
END_TEST

static const struct {
	int dies;
	int code;
	enum rig_end end;
	const char *words;
} ends[] = {
	{ RETURNS, -EDOM, RIG_END_FAILED, "rank 1: job 11 does" },
	{ DIES, -EOWNERDEAD, RIG_END_DEATH, "rank 1 (pid" },
	{ STAYS, -ETIMEDOUT, RIG_END_LIMIT, "limit of 0.150 s" },
	{ LOCKS, -EDEADLK, RIG_END_DEADLOCK, "deadlock" },
	{ LEAVES, -EINVAL, RIG_END_FAILED, "not complete" },
};
#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

/* Whatever ends a job in the middle. */
START_TEST(the_first_to_fail_ends_it)
{
	const int at = 10;

	told[at].dies = ends[_i].dies;
	jobs[at].limit_ns = 150 * UINT64_C(1000000);
	/* Has a limit, and has not begun. */
	jobs[at + 1].limit_ns = 20 * UINT64_C(1000000);
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, JOBS), ends[_i].code);
	ck_assert_msg(strstr(rig_why(), "jobs[10] of 40: works: "), "%s",
		      rig_why());
	ck_assert_msg(strstr(rig_why(), ends[_i].words), "%s", rig_why());
	ck_assert_int_eq(rig_pool_report(pool)->end, ends[_i].end);
	ck_assert_msg(strncmp(rig_pool_report(pool)->text, "jobs[10]", 8) == 0,
		      "%s", rig_pool_report(pool)->text);
	check_given(at);
	run_well();
}
END_TEST

static int waits(struct rig_team *team)
{
	const struct timespec time = { .tv_nsec = 30000000 };

	nanosleep(&time, NULL);
	return rig_team_barrier(team);
}

/* A limit belongs to a job: other jobs take longer, and all together far longer. */
START_TEST(a_limit_is_of_one_job)
{
	for (int i = 0; i < 8; i++) {
		jobs[i].kernel = waits;
		jobs[i].result_bytes = 0;
		jobs[i].limit_ns = i % 2 ? UINT64_C(20000000000) : 0;
	}
	ck_assert_msg(rig_pool_run_all(pool, jobs, 8) == 0, "%s", rig_why());
	/* Only the last job has a limit, which is too short, and only the last job
	 * ends. */
	jobs[6].limit_ns = 1000000;
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, 8), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_ran(pool), 6);
	ck_assert_msg(strstr(rig_why(), "jobs[6] of 8"), "%s", rig_why());
}
END_TEST

static void *cancels(void *arg)
{
	const struct timespec time = { .tv_nsec = 40000000 };

	(void)arg;
	nanosleep(&time, NULL);
	while (rig_pool_cancel(pool) < 0)
		(void)sched_yield();
	return NULL;
}

START_TEST(a_cancel_ends_it)
{
	pthread_t thread;

	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct rig_job){ .kernel = waits };
	told[5].dies = STAYS;
	jobs[5] = (struct rig_job){ .kernel = works,
				    .args = &told[5],
				    .args_bytes = sizeof(told[5]) };
	ck_assert_int_eq(pthread_create(&thread, NULL, cancels, NULL), 0);
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, JOBS), -EINTR);
	pthread_join(thread, NULL);
	ck_assert_int_le(rig_pool_ran(pool), 5);
	ck_assert_msg(strstr(rig_why(), "] of 40: "), "%s", rig_why());
	run_well();
}
END_TEST

/* A rank is killed at any moment of a chain of empty jobs. */
START_TEST(a_death_anywhere)
{
	const int tries = harness_long() ? 400 : 25;
	unsigned seed = 4711;
	struct rig_worker worker;
	int r, died = 0;

	for (int i = 0; i < tries; i++) {
		const struct timespec time = { .tv_nsec =
						       rand_r(&seed) % 300000 };
		pid_t pid;

		ck_assert_int_eq(rig_pool_worker(pool, i % RANKS, &worker), 0);
		pid = fork();
		if (pid == 0) {
			nanosleep(&time, NULL);
			_exit(kill(worker.pid, SIGKILL) != 0);
		}
		make_jobs();
		r = rig_pool_run_all(pool, jobs, JOBS);
		ck_assert(r == 0 || r == -EOWNERDEAD);
		if (r < 0)
			ck_assert_msg(strncmp(rig_why(), "jobs[", 5) == 0, "%s",
				      rig_why());
		check_given(r == 0 ? JOBS : rig_pool_ran(pool));
		ck_assert_int_eq(waitpid(pid, &r, 0), pid);
		died += r == 0;
	}
	ck_assert_int_gt(died, 0);
	run_well();
}
END_TEST

/* More than fit at once, other segments in between, and long arguments. */
START_TEST(is_cut_where_it_must_be)
{
	static struct rig_job many[2500];
	static char args[2500][1000];
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_segment_create(
				 &segment, "chain", 8192,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	for (int i = 0; i < 2500; i++) {
		memcpy(args[i], &told[0], sizeof(told[0]));
		many[i] = (struct rig_job){ .kernel = does_nothing,
					    .args = args[i],
					    .args_bytes = sizeof(args[i]) };
		if (i % 100 > 60)
			many[i].segments[0].name = "chain";
		if (i % 100 > 90)
			many[i].segments[0].read_only = true;
	}
	ck_assert_msg(rig_pool_run_all(pool, many, 2500) == 0, "%s", rig_why());
	ck_assert_int_eq(rig_pool_ran(pool), 2500);
	many[2403].segments[0].name = "chain-that-is-not-there";
	ck_assert_int_eq(rig_pool_run_all(pool, many, 2500), -ENOENT);
	ck_assert_int_eq(rig_pool_ran(pool), 2403);
	ck_assert_msg(strncmp(rig_why(), "jobs[2403]: ", 12) == 0, "%s",
		      rig_why());
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(refuses_before_anything_runs)
{
	ck_assert_int_eq(rig_pool_run_all(pool, NULL, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, -1), -EINVAL);
	ck_assert_int_eq(rig_pool_run_all(NULL, jobs, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_ran(NULL), -EINVAL);
	jobs[7].name = "and a kernel";
	ck_assert_int_eq(rig_pool_run_all(pool, jobs, JOBS), -EINVAL);
	ck_assert_msg(strncmp(rig_why(), "jobs[7]: ", 9) == 0, "%s", rig_why());
	check_given(0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("chain");
	TCase *tcase = make_tcase("chain", 60);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_is_a_run);
	tcase_add_loop_test(tcase, the_first_to_fail_ends_it, 0, ENDS);
	tcase_add_test(tcase, a_limit_is_of_one_job);
	tcase_add_test(tcase, a_cancel_ends_it);
	tcase_add_test(tcase, a_death_anywhere);
	tcase_add_test(tcase, is_cut_where_it_must_be);
	tcase_add_test(tcase, refuses_before_anything_runs);
	suite_add_tcase(suite, tcase);
	return suite;
}
