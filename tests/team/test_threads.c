/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - OpenMP teams within workers, whatever the caller has done
 * with OpenMP before.
 */
#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/omp_threads.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define THREADS 64
#define COUNT   1000

/* The faults that a kernel finds. */
enum wrong { RIGHT, THREADS_WRONG, NOT_BOUND, NOT_ALONE, NOT_OURS, NOT_BACK };

struct seen {
	const struct rig_team *team;
	cpu_set_t ours; /* the CPUs of the rank */
	int done[COUNT];
	int threads;
	int cpu[THREADS]; /* -1: bound to several CPUs */
};

static void look(void *arg, size_t begin, size_t end)
{
	struct seen *seen = arg;
	int i = omp_get_thread_num();
	cpu_set_t set;

	for (size_t at = begin; at < end; at++)
		seen->done[at]++;
	CPU_ZERO(&set);
	seen->cpu[i] = -1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 &&
	    CPU_COUNT(&set) == 1)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET((size_t)cpu, &set))
				seen->cpu[i] = cpu;
#pragma omp critical
	seen->threads++;
}

static enum wrong judge(const struct seen *seen, int threads)
{
	for (int i = 0; i < COUNT; i++)
		if (seen->done[i] != 1)
			return THREADS_WRONG;
	if (seen->threads != threads)
		return THREADS_WRONG;
	for (int i = 0; i < threads && threads > 1; i++) {
		if (seen->cpu[i] < 0)
			return NOT_BOUND;
		if (!CPU_ISSET((size_t)seen->cpu[i], &seen->ours))
			return NOT_OURS;
		for (int k = 0; k < i; k++)
			if (seen->cpu[k] == seen->cpu[i])
				return NOT_ALONE;
	}
	return RIGHT;
}

/* Twice: a team of threads that is there already is bound as well. */
static int hybrid(struct rig_team *team)
{
	enum wrong *wrong = rig_team_result(team);
	int threads = rig_team_threads(team);
	cpu_set_t after;

	for (int turn = 0; turn < 2 && !*wrong; turn++) {
		struct seen seen = { .team = team };

		if (sched_getaffinity(0, sizeof(seen.ours), &seen.ours) < 0)
			return -errno;
		threads_run(team, 0, COUNT, look, &seen);
		*wrong = judge(&seen, threads);
		if (sched_getaffinity(0, sizeof(after), &after) < 0)
			return -errno;
		if (!*wrong && !CPU_EQUAL(&after, &seen.ours))
			*wrong = NOT_BACK;
	}
	if (rig_team_bind(team, threads) != -EINVAL ||
	    rig_team_bind(team, -2) != -EINVAL)
		return -EINVAL;
	return rig_team_barrier(team);
}

static void run_hybrid(const char *place)
{
	struct rig_pool *pool = NULL;
	enum wrong wrong = RIGHT;

	ck_assert_msg(rig_pool_create(&pool,
				      &(struct rig_pool_options){
					      .place = place }) == 0,
		      "%s: %s", place, rig_why());
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(rig_pool_run(pool,
					   &(struct rig_job){
						   .kernel = hybrid }) == 0,
			      "%s: %s", place, rig_why());
		for (int rank = 0; rank < rig_pool_size(pool); rank++) {
			ck_assert_int_eq(rig_pool_result(pool, rank, &wrong,
							 sizeof(wrong)),
					 0);
			ck_assert_int_eq(wrong, RIGHT);
		}
	}
	rig_pool_destroy(pool);
}

/* Not every machine shows the caches. */
static bool can_place(const char *place)
{
	struct rig_plan *plan = NULL;
	int r = rig_place_plan(&plan,
			       &(struct rig_place_options){ .place = place });

	rig_place_free(plan);
	ck_assert_msg(r == 0 || strstr(rig_why(), "this machine shows no"),
		      "%s: %s", place, rig_why());
	return r == 0;
}

START_TEST(test_threads_have_a_core_each)
{
	static const char *const places[] = { "package", "numa", "l3", "core" };

	if (can_place(places[_i]))
		run_hybrid(places[_i]);
}
END_TEST

/* The caller's own OpenMP team idles, and is no part of the workers' teams. */
START_TEST(test_the_caller_has_used_openmp)
{
	int threads = 0;

#pragma omp parallel reduction(+ : threads)
	threads++;
	ck_assert_int_ge(threads, 1);
	run_hybrid("package");
#pragma omp parallel reduction(+ : threads)
	threads++;
	ck_assert_int_ge(threads, 2);
}
END_TEST

/* Workers that are not pinned bind no thread, and share the CPUs. */
static int unpinned(struct rig_team *team)
{
	cpu_set_t before, after;
	struct seen seen = { .team = team };

	if (sched_getaffinity(0, sizeof(before), &before) < 0 ||
	    rig_team_bind(team, 0) != 0 ||
	    sched_getaffinity(0, sizeof(after), &after) < 0)
		return -EIO;
	threads_run(team, 3, COUNT, look, &seen);
	for (int i = 0; i < COUNT; i++)
		if (seen.done[i] != 1)
			return -EBADMSG;
	return CPU_EQUAL(&before, &after) ? rig_team_barrier(team) : -EINVAL;
}

START_TEST(test_unpinned)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2,
							    .place = "none" }),
		0);
	ck_assert_msg(
		rig_pool_run(pool, &(struct rig_job){ .kernel = unpinned }) ==
			0,
		"%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *s = suite_create("threads");
	TCase *t = make_tcase("threads", 30);

	tcase_add_loop_test(t, test_threads_have_a_core_each, 0, 4);
	tcase_add_test(t, test_the_caller_has_used_openmp);
	tcase_add_test(t, test_unpinned);
	suite_add_tcase(s, t);
	return s;
}
