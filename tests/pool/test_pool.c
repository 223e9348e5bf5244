/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - jobs handed to a pool: what kernels get, what the caller gets
 * back, and which memory the workers have when.
 */
#include "lib/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"

#define RANKS 3

static struct rig_pool *pool;

static void setup(void)
{
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = RANKS }),
		0);
}

static void teardown(void)
{
	rig_pool_destroy(pool);
}

static int run(const struct rig_job *job)
{
	return rig_pool_run(pool, job);
}

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

static int with(rig_kernel_fn *kernel, const char *name)
{
	return run(&(struct rig_job){ .kernel = kernel,
				      .segments = { { .name = name } } });
}

/* Lines of the memory map of `rank` that have `what` in them. */
static int mapped(struct rig_pool *of, int rank, const char *what)
{
	struct rig_worker worker;
	char path[64], line[512];
	FILE *maps;
	int count = 0;

	ck_assert_int_eq(rig_pool_worker(of, rank, &worker), 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)worker.pid);
	maps = fopen(path, "re");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, what) != NULL;
	fclose(maps);
	return count;
}

/* ---- arguments, results, codes */

static int adds(struct rig_team *team)
{
	const int *terms = rig_team_args(team);
	int *result = rig_team_result(team);

	if (rig_team_args_bytes(team) != 2 * sizeof(*terms))
		return -EINVAL;
	if (result[0] || ((uintptr_t)result & 15))
		return -EBADMSG;
	result[0] = terms[0] + terms[1] + rig_team_rank(team);
	return 0;
}

START_TEST(arguments_and_results_travel)
{
	const int terms[] = { 40, 2 };
	int result = 0, of_rank;

	/* Twice: the slots are zeroed in between. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&(struct rig_job){
					 .kernel = adds,
					 .args = terms,
					 .args_bytes = sizeof(terms),
					 .result = &result,
					 .result_bytes = sizeof(result) }),
				 0);
		ck_assert_int_eq(result, 42);
		for (int rank = 0; rank < RANKS; rank++) {
			ck_assert_int_eq(rig_pool_result(pool, rank, &of_rank,
							 sizeof(of_rank)),
					 0);
			ck_assert_int_eq(of_rank, 42 + rank);
			ck_assert_int_eq(rig_pool_code(pool, rank), 0);
		}
	}
	ck_assert_int_eq(rig_pool_result(pool, RANKS, &of_rank, 4), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, -1, &of_rank, 4), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, 0, &of_rank, RIG_RESULT_MAX + 1),
			 -EINVAL);
}
END_TEST

static int echoes_much(struct rig_team *team)
{
	const unsigned char *bytes = rig_team_args(team);

	for (size_t i = 0; i < rig_team_args_bytes(team); i++)
		if (bytes[i] != i % 251)
			return -EBADMSG;
	memset(rig_team_result(team), 9, RIG_RESULT_MAX);
	return rig_team_args_bytes(team) == RIG_ARGS_MAX ? 0 : -EINVAL;
}

START_TEST(as_much_as_fits)
{
	unsigned char args[RIG_ARGS_MAX], result[RIG_RESULT_MAX];
	struct rig_job job = { .kernel = echoes_much,
			       .args = args,
			       .args_bytes = sizeof(args),
			       .result = result,
			       .result_bytes = sizeof(result) };

	for (size_t i = 0; i < sizeof(args); i++)
		args[i] = (unsigned char)(i % 251);
	ck_assert_int_eq(run(&job), 0);
	for (size_t i = 0; i < sizeof(result); i++)
		ck_assert_int_eq(result[i], 9);
	job.args_bytes++;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.args_bytes--;
	job.result_bytes++;
	ck_assert_int_eq(run(&job), -EINVAL);
}
END_TEST

START_TEST(malformed_jobs_are_refused)
{
	const struct rig_job jobs[] = {
		{ 0 },
		{ .kernel = nothing, .name = "also" },
		{ .name = "no-such-kernel" },
		{ .name = ":" },
		{ .name = ":main" },
		{ .name = "lib.so:" },
		{ .kernel = nothing, .args_bytes = 1 },
		{ .kernel = nothing, .result_bytes = 1 },
		{ .kernel = nothing, .segments = { { .name = "" } } },
		{ .kernel = nothing, .segments = { { .name = "a/b" } } },
	};

	ck_assert_int_eq(run(&jobs[_i]), -EINVAL);
	ck_assert_str_ne(rig_why(), "");
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

START_TEST(no_pool_is_an_error)
{
	struct rig_worker worker;
	char byte;

	ck_assert_int_eq(
		rig_pool_run(NULL, &(struct rig_job){ .kernel = nothing }),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "NULL"));
	ck_assert_int_eq(rig_pool_wait(NULL, 0), -EINVAL);
	ck_assert_int_eq(rig_pool_replicate(NULL, "any"), -EINVAL);
	ck_assert_int_eq(rig_pool_replicate(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_create(NULL, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_run(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_submit(NULL, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_map(NULL, &(struct rig_map){ 0 }), -EINVAL);
	ck_assert_int_eq(rig_pool_map(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_cancel(NULL), -EINVAL);
	ck_assert(rig_pool_progress(NULL) == 0);
	ck_assert_int_eq(rig_pool_size(NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_code(NULL, 0), -EINVAL);
	ck_assert_int_eq(rig_pool_result(NULL, 0, &byte, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, 0, NULL, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_worker(NULL, 0, &worker), -EINVAL);
	ck_assert_int_eq(rig_pool_worker(pool, 0, NULL), -EINVAL);
	ck_assert_ptr_null(rig_pool_plan(NULL));
	ck_assert_ptr_null(rig_pool_report(NULL));
	ck_assert(!rig_pool_oversubscribed(NULL));
	ck_assert_int_eq(rig_pool_trace(NULL, 0, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	rig_pool_destroy(NULL);
}
END_TEST

static int fails_in_words(struct rig_team *team)
{
	int rank = rig_team_rank(team);

	if (rank == 1)
		return rig_team_fail(team, -EBADMSG, "element %d is wrong", 17);
	/* The others wait where they must not be left. */
	return rig_team_barrier(team);
}

static int all_fail(struct rig_team *team)
{
	return rig_team_fail(team, -ENOTTY, "rank %d of %d",
			     rig_team_rank(team), rig_team_size(team));
}

static int fails_without_words(struct rig_team *team)
{
	return rig_team_rank(team) == RANKS - 1 ? -ENOSYS : 0;
}

static int fails_while_others_compute(struct rig_team *team)
{
	volatile bool forever = true;

	if (rig_team_rank(team) == 0)
		return rig_team_fail(team, -EBADMSG, "no use");
	while (forever)
		;
	return 0;
}

START_TEST(an_error_ends_the_run_for_all)
{
	rig_kernel_fn *kernels[] = { fails_in_words, all_fail,
				     fails_without_words,
				     fails_while_others_compute };
	const int codes[] = { -EBADMSG, -ENOTTY, -ENOSYS, -EBADMSG };
	const int ranks[] = { 1, 0, RANKS - 1, 0 };
	const char *words[] = { "element 17 is wrong", "rank 0 of 3",
				"returned -38", "no use" };
	const struct rig_report *report;

	ck_assert_int_eq(run(&(struct rig_job){ .kernel = kernels[_i] }),
			 codes[_i]);
	ck_assert_msg(strstr(rig_why(), words[_i]) != NULL, "%s", rig_why());
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_FAILED);
	ck_assert_int_eq(report->rank, ranks[_i]);
	ck_assert_int_eq(report->wait_status, 0);
	ck_assert_int_eq(rig_pool_code(pool, ranks[_i]), codes[_i]);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_OK);
	ck_assert_int_eq(rig_pool_code(pool, ranks[_i]), 0);
}
END_TEST

/* ---- submit, wait, limits */

static int naps(struct rig_team *team)
{
	(void)poll(NULL, 0, *(const int *)rig_team_args(team));
	return 0;
}

static struct rig_job nap(const int *ms)
{
	return (struct rig_job){ .kernel = naps,
				 .args = ms,
				 .args_bytes = sizeof(*ms) };
}

START_TEST(submit_then_wait)
{
	const int ms = 50;
	struct rig_job job = nap(&ms);

	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -EINVAL);
	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
	ck_assert_int_eq(rig_pool_wait(pool, 0), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_wait(pool, clock_after(1000000)), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), 0);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -EINVAL);
}
END_TEST

START_TEST(destroyed_in_the_middle_of_a_run)
{
	const int ms = 1000000;
	struct rig_job job = nap(&ms);

	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
}
END_TEST

START_TEST(a_limit_ends_the_run)
{
	const int ms = 1000000;
	struct rig_job job = nap(&ms);

	job.limit_ns = 20000000;
	ck_assert_int_eq(run(&job), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_LIMIT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "0.020 s"));
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing,
						.limit_ns = RIG_FOREVER }),
			 0);
}
END_TEST

/* A job that is stopped from outside, as by Ctrl-Z, for longer than its limit
 * is; it has all but 20 ms of that left when it goes on. */
static int stopped_in_a_run(int rank, void *arg)
{
	const int ms = 100;
	struct rig_job job = nap(&ms);
	pid_t group = getpid(), stopper;
	int r;

	(void)rank;
	(void)arg;
	if (setpgid(0, 0) < 0)
		return 1;
	setup();
	job.limit_ns = UINT64_C(2000000000);
	stopper = fork();
	if (stopper == 0) {
		(void)setpgid(0, 0);
		(void)poll(NULL, 0, 20);
		(void)kill(-group, SIGSTOP);
		(void)poll(NULL, 0, 2500);
		(void)kill(-group, SIGCONT);
		_exit(0);
	}
	r = run(&job);
	(void)waitpid(stopper, NULL, 0);
	teardown();
	return r == 0 ? 0 : 2;
}

START_TEST(a_limit_waits_while_the_job_is_stopped)
{
	ck_assert_int_eq(run_workers(1, stopped_in_a_run, NULL), 0);
}
END_TEST

/* ---- segments */

static int sums_window(struct rig_team *team)
{
	const unsigned char *bytes = rig_team_data(team, 0);
	uint64_t sum = rig_team_bytes(team, 0) * 1000000;

	for (size_t i = 0; i < rig_team_bytes(team, 0); i++)
		sum += bytes[i];
	*(uint64_t *)rig_team_result(team) = sum;
	return 0;
}

START_TEST(windows)
{
	struct rig_segment *segment;
	unsigned char *bytes;
	uint64_t sum = 0;
	struct rig_job job = { .kernel = sums_window,
			       .result = &sum,
			       .result_bytes = sizeof(sum) };

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100, NULL), 0);
	bytes = rig_segment_data(segment);
	for (int i = 0; i < 100; i++)
		bytes[i] = (unsigned char)i;
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 100 * 1000000 + 4950);
	job.segments[0].offset = 10;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 90 * 1000000 + 4950 - 45);
	job.segments[0].bytes = 2;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 2 * 1000000 + 10 + 11);
	job.segments[0].offset = 98;
	ck_assert_int_eq(run(&job), 0);
	job.segments[0].offset = 99;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.segments[0].offset = 101;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.segments[0].bytes = SIZE_MAX;
	ck_assert_int_eq(run(&job), -EINVAL);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(mapped_from_its_first_run_until_it_is_destroyed)
{
	struct rig_segment *segment;
	const char *name;

	/* One that was there before the pool: inherited, and let go. */
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8192, NULL), 0);
	teardown();
	setup();
	name = rig_segment_name(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, name), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(with(nothing, name), 0);
		for (int rank = 0; rank < RANKS; rank++)
			ck_assert_int_eq(mapped(pool, rank, name), 1);
	}
	rig_segment_destroy(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

/* The memory of one that could not be named is not kept either. */
START_TEST(one_that_could_not_be_named_is_unmapped)
{
	const struct rig_segment_options options = { .pool = pool };
	struct rig_segment *first, *second = NULL;

	ck_assert_int_eq(rig_segment_create(&first, NULL, 8192, NULL), 0);
	ck_assert_int_eq(rig_segment_create(&second, rig_segment_name(first),
					    8192, &options),
			 -EEXIST);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
	rig_segment_destroy(first);
}
END_TEST

START_TEST(destroyed_during_a_run_it_goes_after)
{
	const int ms = 50;
	struct rig_job job = nap(&ms);
	struct rig_segment *segment;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8192, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), 0);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

static int increments(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));

	for (size_t i = strip.begin; i < strip.end; i++)
		bytes[i]++;
	return 0;
}

/* As Python makes them: a file of that size, and nothing else. */
START_TEST(a_foreign_segment)
{
	char name[64];
	unsigned char *bytes;
	int fd;

	snprintf(name, sizeof(name), "psm_test_%d", (int)getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(with(increments, name), -ENODATA);
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	bytes = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	for (int i = 1; i < 4; i++) {
		ck_assert_int_eq(with(increments, name), 0);
		for (int k = 0; k < 10; k++)
			ck_assert_int_eq(bytes[k], i);
	}
	/* Larger by now. */
	ck_assert_int_eq(ftruncate(fd, 5000), 0);
	ck_assert_int_eq(with(increments, name), 0);
	ck_assert_int_eq(bytes[9], 4);
	/* A sweep meanwhile leaves it alone, and its name its maker's. */
	ck_assert_int_ge(rig_sweep_clean(false, NULL), 0);
	ck_assert_int_eq(shm_unlink(name), 0);
	ck_assert_int_eq(with(increments, name), -ENOENT);
	munmap(bytes, 10);
	close(fd);
}
END_TEST

static int dies(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

/* What Python's tracker does: the name of a live segment goes. */
START_TEST(a_stolen_name)
{
	struct rig_segment *segment;
	unsigned char *bytes;
	char path[128];

	ck_assert_int_eq(
		rig_segment_create(
			&segment, NULL, 100,
			_i ? &(struct rig_segment_options){ .pool = pool }
			   : NULL),
		0);
	bytes = rig_segment_data(segment);
	snprintf(path, sizeof(path), "/dev/shm/%s", rig_segment_name(segment));
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rig_segment_named(segment), 0);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	/* A new team has no mapping to fall back on. */
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }), -EOWNERDEAD);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(bytes[i], 3);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(a_name_used_again_is_another_segment)
{
	struct rig_segment *first, *second;
	char name[64];

	snprintf(name, sizeof(name), "test-pool-%d", (int)getpid());
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_segment_create(&first, name, 64, NULL), 0);
		ck_assert_int_eq(with(increments, name), 0);
		ck_assert_int_eq(*(char *)rig_segment_data(first), 1);
		ck_assert_int_eq(rig_segment_unlink(first), 0);
		/* Same size, and maybe mapped where the first was. */
		ck_assert_int_eq(rig_segment_create(&second, name, 64, NULL),
				 0);
		ck_assert_int_eq(with(increments, name), 0);
		ck_assert_int_eq(*(char *)rig_segment_data(first), 1);
		ck_assert_int_eq(*(char *)rig_segment_data(second), 1);
		rig_segment_destroy(first);
		rig_segment_destroy(second);
	}
}
END_TEST

/* More than a worker keeps mapped: the least used give way, all stay right,
 * and none stays mapped when it is gone. */
START_TEST(more_segments_than_are_kept)
{
	enum { MANY = 100 };
	struct rig_segment *segments[MANY];

	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(
			rig_segment_create(&segments[i], NULL, 64, NULL), 0);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			ck_assert_int_eq(
				with(increments, rig_segment_name(segments[i])),
				0);
			/* The first is in use all the time. */
			ck_assert_int_eq(
				with(increments, rig_segment_name(segments[0])),
				0);
		}
	for (int i = 1; i < MANY; i++)
		ck_assert_int_eq(*(char *)rig_segment_data(segments[i]), 3);
	for (int i = 0; i < MANY; i++)
		rig_segment_destroy(segments[i]);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

static int has_eight(struct rig_team *team)
{
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		if (rig_team_bytes(team, i) != (size_t)i + 1 ||
		    *(char *)rig_team_data(team, i) != i)
			return -EBADMSG;
	if (rig_team_data(team, RIG_SEGMENTS_MAX) || rig_team_data(team, -1))
		return -EINVAL;
	return rig_team_segments(team) == RIG_SEGMENTS_MAX ? 0 : -EINVAL;
}

START_TEST(eight_at_once_and_one_twice)
{
	struct rig_segment *segments[RIG_SEGMENTS_MAX];
	struct rig_job job = { .kernel = has_eight };

	for (int i = 0; i < RIG_SEGMENTS_MAX; i++) {
		ck_assert_int_eq(rig_segment_create(&segments[i], NULL,
						    (size_t)i + 1, NULL),
				 0);
		*(char *)rig_segment_data(segments[i]) = (char)i;
		job.segments[i].name = rig_segment_name(segments[i]);
	}
	ck_assert_int_eq(run(&job), 0);
	job.kernel = increments;
	job.segments[1].name = job.segments[0].name;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(*(char *)rig_segment_data(segments[0]), 1);
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		rig_segment_destroy(segments[i]);
}
END_TEST

START_TEST(one_missing_undoes_the_rest)
{
	struct rig_segment *segment;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8, NULL), 0);
	ck_assert_int_eq(
		run(&(struct rig_job){
			.kernel = nothing,
			.segments = { { .name = rig_segment_name(segment) },
				      { .name = "no-such-segment" } } }),
		-ENOENT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "no-such-segment"));
	rig_segment_destroy(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

/* Each byte of the strip by whom it belongs to: rank r owns every strip. */
static int own_backwards(const void *args, size_t bytes, int rank, int size,
			 struct rig_span *spans)
{
	struct rig_span strip = rig_strip(bytes, size - 1 - rank, size);

	(void)args;
	spans[0] = strip;
	return 1;
}

START_TEST(a_segment_by_the_pool_is_zeroed_and_has_its_barrier)
{
	static const size_t sizes[] = { 1, 4096, 100000, 1000003 };
	const struct rig_segment_options options = {
		.pool = pool, .spans = _i % 2 ? own_backwards : NULL
	};
	struct rig_segment *segment;
	const unsigned char *bytes;

	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, sizes[_i], &options), 0);
	bytes = rig_segment_data(segment);
	for (size_t i = 0; i < sizes[_i]; i++)
		ck_assert_int_eq(bytes[i], 0);
	ck_assert_ptr_nonnull(rig_segment_barrier(segment));
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 0);
	ck_assert_int_eq(with(rig_team_barrier, rig_segment_name(segment)), 0);
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 1);
	rig_segment_destroy(segment);
}
END_TEST

/* ---- kernels that mistake what they are */

static struct rig_segment *callers;

/* Its child returns from the kernel, as if it were a rank. */
static int child_returns(struct rig_team *team)
{
	int status, r = -EIO;
	pid_t child = fork();

	if (child == 0)
		return 0;
	if (child > 0 && waitpid(child, &status, 0) == child)
		r = WIFSIGNALED(status) ? 0 : -EBADMSG;
	return r < 0 ? r : rig_team_barrier(team);
}

static int child_meets(struct rig_team *team)
{
	int status, r = -EIO;
	pid_t child = fork();

	if (child == 0)
		_exit(rig_team_barrier(team));
	if (child > 0 && waitpid(child, &status, 0) == child)
		r = WIFSIGNALED(status) ? 0 : -EBADMSG;
	return r < 0 ? r : rig_team_barrier(team);
}

/* A child that lives on, by fork() or past the C library; its number is the
 * result of rank 0. */
static int leaves_a_child(struct rig_team *team)
{
	const bool *by_fork = rig_team_args(team);
	pid_t child = 0;

	if (rig_team_rank(team) > 0)
		return 0;
	child = *by_fork ? fork()
			 : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		(void)poll(NULL, 0, 5000);
		_exit(0);
	}
	memcpy(rig_team_result(team), &child, sizeof(child));
	return child < 0 ? -errno : 0;
}

/* Descriptors of a process that are pipes, sockets or events. */
static int count_channels(pid_t pid)
{
	char path[300], target[64];
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)pid,
			 entry->d_name);
		memset(target, 0, sizeof(target));
		if (atoi(entry->d_name) > 2 &&
		    readlink(path, target, sizeof(target) - 1) > 0)
			count += strncmp(target, "/", 1) != 0;
	}
	closedir(folder);
	return count;
}

/* Is there such a process that is no zombie? */
static bool runs(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (stat) {
		(void)!fgets(line, sizeof(line), stat);
		fclose(stat);
	}
	return line[0] && !strstr(line, ") Z ");
}

/* The pool's end does not wait for that child's, which has 5 s to live. */
START_TEST(a_kernels_child_keeps_nothing_of_the_pool)
{
	const bool by_fork = _i == 0;
	struct rig_pool *other;
	pid_t child = 0;

	ck_assert_int_eq(
		rig_pool_create(&other,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_pool_run(other,
				      &(struct rig_job){
					      .kernel = leaves_a_child,
					      .args = &by_fork,
					      .args_bytes = sizeof(by_fork),
					      .result = &child,
					      .result_bytes = sizeof(child) }),
			 0);
	ck_assert_int_gt(child, 0);
	/* The child closes them as fork() returns in the child, which may be later
	 * than the end of the run: the limit of the test case is the limit. */
	while (by_fork && count_channels(child) > 0)
		usleep(1000);
	rig_pool_destroy(other);
	ck_assert(runs(child));
	ck_assert_int_eq(kill(child, SIGKILL), 0);
}
END_TEST

#define FILES 32

/* What the caller has, a kernel has not. */
static int ends_the_callers(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));

	int own[FILES];

	if (rig_pool_run(pool, &(struct rig_job){ .kernel = nothing }) !=
	    -EINVAL)
		return -EBADMSG;
	/* They take the numbers of what was the caller's. */
	for (int i = 0; i < FILES; i++)
		own[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (rig_segment_data(callers))
		return -EBADMSG;
	rig_segment_destroy(callers);
	rig_pool_destroy(pool);
	for (int i = 0; i < FILES; i++)
		if (close(own[i]) < 0)
			return -EBADF;
	for (size_t i = strip.begin; i < strip.end; i++)
		bytes[i]++;
	return rig_team_barrier(team);
}

/* By a pool that is younger than what its kernels know of the caller. */
START_TEST(a_kernel_is_not_the_caller)
{
	rig_kernel_fn *kernels[] = { child_returns, child_meets,
				     ends_the_callers };
	struct rig_pool *younger;
	const unsigned char *bytes;
	struct rig_job job;

	/* Which have none of the caller's handles. */
	if (harness_execed && kernels[_i] == ends_the_callers)
		return;
	ck_assert_int_eq(rig_segment_create(&callers, NULL, 65536, NULL), 0);
	bytes = rig_segment_data(callers);
	ck_assert_int_eq(
		rig_pool_create(&younger,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	job = (struct rig_job){
		.kernel = kernels[_i],
		.segments = { { .name = rig_segment_name(callers) } }
	};
	ck_assert_msg(rig_pool_run(younger, &job) == 0, "%s", rig_why());
	ck_assert_int_eq(bytes[65535], kernels[_i] == ends_the_callers);
	job.kernel = nothing;
	ck_assert_int_eq(rig_pool_run(younger, &job), 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	ck_assert_int_eq(rig_segment_named(callers), 1);
	rig_pool_destroy(younger);
	rig_segment_destroy(callers);
}
END_TEST

/* ---- hosts of all kinds */

static int nested(struct rig_team *team)
{
	struct rig_pool *inner;
	const char *name = rig_team_args(team);
	int r = rig_pool_create(&inner,
				&(struct rig_pool_options){ .workers = 2 });

	if (r < 0)
		return rig_team_fail(team, r, "%s", rig_why());
	/* The very segment this rank has mapped; each rank in its turn. */
	for (int i = 0; i < rig_team_size(team) && r == 0; i++) {
		if (i == rig_team_rank(team))
			r = rig_pool_run(
				inner,
				&(struct rig_job){
					.kernel = increments,
					.segments = { { .name = name } } });
		if (r < 0)
			r = rig_team_fail(team, r, "%s", rig_why());
		(void)rig_team_barrier(team);
	}
	rig_pool_destroy(inner);
	return r;
}

START_TEST(a_pool_in_a_kernel)
{
	struct rig_segment *segment;
	struct rig_job job = { .kernel = nested };
	int r;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	job.args = rig_segment_name(segment);
	job.args_bytes = strlen(rig_segment_name(segment)) + 1;
	for (int i = 1; i < 4; i++) {
		r = run(&job);
		ck_assert_msg(r == 0, "%s", rig_why());
		ck_assert_int_eq(*(char *)rig_segment_data(segment), i * RANKS);
	}
	rig_segment_destroy(segment);
}
END_TEST

static int dies_with_a_pool(struct rig_team *team)
{
	struct rig_pool *inner;

	if (rig_team_rank(team) == 1 &&
	    rig_pool_create(&inner,
			    &(struct rig_pool_options){ .workers = 2 }) == 0)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

/* The inner workers go, too: the harness looks. */
START_TEST(a_rank_with_a_pool_dies)
{
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies_with_a_pool }),
			 -EOWNERDEAD);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

START_TEST(two_pools_and_one_segment)
{
	struct rig_pool *first = pool;
	struct rig_segment *segment;

	setup();
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 64,
					    &(struct rig_segment_options){
						    .pool = first }),
			 0);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	/* Not this pool's barrier. */
	ck_assert_int_eq(with(rig_team_barrier, rig_segment_name(segment)), 0);
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 0);
	teardown();
	pool = first;
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	ck_assert_int_eq(*(char *)rig_segment_data(segment), 2);
	rig_segment_destroy(segment);
}
END_TEST

static int use_inherited(int rank, void *arg)
{
	(void)rank;
	(void)arg;
	if (run(&(struct rig_job){ .kernel = nothing }) != -EINVAL)
		return 1;
	if (!strstr(rig_why(), "fork"))
		return 2;
	if (rig_pool_wait(pool, 0) != -EINVAL)
		return 3;
	/* Its copy, no more. */
	rig_pool_destroy(pool);
	setup();
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 4;
	teardown();
	return 0;
}

START_TEST(a_fork_must_make_its_own)
{
	ck_assert_int_eq(run_workers(1, use_inherited, NULL), 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

/* A fork child that outlives the maker holds its socket: the warden must
 * notice all the same. */
static int leave_a_child(int rank, void *arg)
{
	int *pipe_ends = arg;

	(void)rank;
	setup();
	if (fork() == 0) {
		char byte;

		/* Until the test says so. */
		(void)prctl(PR_SET_PDEATHSIG, 0);
		close(pipe_ends[1]);
		(void)!read(pipe_ends[0], &byte, 1);
		_exit(0);
	}
	_exit(0);
}

START_TEST(a_fork_that_outlives_the_maker)
{
	int pipe_ends[2];

	/* Adopt it, so that it is not left. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe(pipe_ends), 0);
	ck_assert_int_eq(run_workers(1, leave_a_child, pipe_ends), 0);
	close(pipe_ends[1]);
	close(pipe_ends[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
}
END_TEST

static void *runs_often(void *arg)
{
	int *count = arg;

	for (int i = 0; i < 50; i++)
		*count += run(&(struct rig_job){ .kernel = nothing }) == 0;
	return NULL;
}

static void *makes_and_destroys(void *arg)
{
	int *count = arg;

	for (int i = 0; i < 50; i++) {
		struct rig_segment *segment;

		if (rig_segment_create(&segment, NULL, 64, NULL) < 0)
			continue;
		*count += with(increments, rig_segment_name(segment)) == 0 &&
			  *(char *)rig_segment_data(segment) == 1;
		rig_segment_destroy(segment);
	}
	return NULL;
}

START_TEST(many_threads_take_turns)
{
	enum { THREADS = 6 };
	pthread_t threads[THREADS];
	int counts[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL,
				       i % 2 ? runs_often : makes_and_destroys,
				       &counts[i]),
			0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(counts[i], 50);
	}
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

static void *makes_a_pool(void *arg)
{
	(void)arg;
	setup();
	return NULL;
}

/* PDEATHSIG goes by the thread: it must not be the caller's. */
START_TEST(the_thread_that_made_it_may_end)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, makes_a_pool, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }),
				 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }), -EOWNERDEAD);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	teardown();
}
END_TEST

static int with_host_habits(int rank, void *arg)
{
	int habit = *(const int *)arg;

	(void)rank;
	switch (habit) {
	case 0:
		(void)signal(SIGCHLD, SIG_IGN);
		break;
	case 1:
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		break;
	case 2:
		(void)prctl(PR_SET_DUMPABLE, 0);
		break;
	case 3:
		/* Signals of every kind are blocked here, not in workers. */
		(void)sigprocmask(SIG_BLOCK, &(sigset_t){ { ~0UL } }, NULL);
		break;
	}
	setup();
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 1;
	if (run(&(struct rig_job){ .kernel = dies }) != -EOWNERDEAD)
		return 2;
	if (!WIFSIGNALED(rig_pool_report(pool)->wait_status) ||
	    WTERMSIG(rig_pool_report(pool)->wait_status) != SIGKILL)
		return 3;
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 4;
	teardown();
	if (habit == 1 && open("/dev/null", O_RDONLY) != 0)
		return 5;
	return 0;
}

START_TEST(hosts_with_habits)
{
	ck_assert_int_eq(run_workers(1, with_host_habits, &_i), 0);
}
END_TEST

static int on_one_cpu(int rank, void *arg)
{
	const cpu_set_t *cpus = arg;

	(void)rank;
	if (sched_setaffinity(0, sizeof(*cpus), cpus) < 0)
		return 1;
	setup();
	/* Nobody spins on a CPU that somebody else needs: not in a barrier, not
	 * between jobs, and not while the caller waits. */
	if (pool->startup.busy.spin_ns || pool->startup.idle.spin_ns ||
	    pool->patience.spin_ns || pool->own_core)
		return 2;
	for (int i = 0; i < 20; i++)
		if (run(&(struct rig_job){ .kernel = rig_team_barrier }) != 0)
			return 3;
	teardown();
	return 0;
}

START_TEST(more_ranks_than_cpus_do_not_spin)
{
	cpu_set_t cpus;
	int cpu = sched_getcpu();

	ck_assert_int_ge(cpu, 0);
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	ck_assert_int_eq(run_workers(1, on_one_cpu, &cpus), 0);
}
END_TEST

static void *reaps_everything(void *arg)
{
	const _Atomic int *stop = arg;
	int met = 0;

	while (!*stop)
		met += waitpid(-1, NULL, WNOHANG) > 0;
	return (void *)(intptr_t)met;
}

START_TEST(a_host_that_reaps_whatever_there_is)
{
	_Atomic int stop = 0;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, reaps_everything, &stop),
			 0);
	for (int i = 0; i < 20; i++) {
		setup();
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }),
				 0);
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }),
				 -EOWNERDEAD);
		ck_assert_int_eq(WTERMSIG(rig_pool_report(pool)->wait_status),
				 SIGKILL);
		teardown();
	}
	stop = 1;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static int global = 1;

static int returns_global(struct rig_team *team)
{
	*(int *)rig_team_result(team) = global++;
	return 0;
}

START_TEST(globals_are_a_snapshot)
{
	int seen = 0;
	struct rig_job job = { .kernel = returns_global,
			       .result = &seen,
			       .result_bytes = sizeof(seen) };

	global = 5;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(seen, 1);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(seen, 2);
	ck_assert_int_eq(global, 5);
}
END_TEST

static int prints(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		printf("kernel %d\n", *(const int *)rig_team_args(team));
	return 0;
}

static int prints_in_order(int rank, void *arg)
{
	(void)rank;
	if (dup2(*(const int *)arg, STDOUT_FILENO) < 0)
		return 1;
	/* Not flushed when the pool is made. */
	printf("begin\n");
	setup();
	for (int i = 0; i < 3; i++) {
		if (run(&(struct rig_job){ .kernel = prints,
					   .args = &i,
					   .args_bytes = sizeof(i) }) != 0)
			return 2;
		fflush(stdout);
		printf("caller %d\n", i);
		fflush(stdout);
	}
	teardown();
	return 0;
}

START_TEST(what_kernels_print_appears_once_and_in_order)
{
	static const char wanted[] = "kernel 0\nbegin\ncaller 0\n"
				     "kernel 1\ncaller 1\n"
				     "kernel 2\ncaller 2\n";
	char got[256] = "";
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(run_workers(1, prints_in_order, &ends[1]), 0);
	ck_assert_int_gt(read(ends[0], got, sizeof(got) - 1), 0);
	ck_assert_str_eq(got, wanted);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* Code that was not there when the pool was made. */
START_TEST(a_kernel_loaded_later)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig_job job = { 0 };

	ck_assert_ptr_ne(code, MAP_FAILED);
	*(void **)&job.kernel = code;
	ck_assert_int_eq(run(&job), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "path.so:symbol"));
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	munmap(code, 4096);
}
END_TEST

START_TEST(a_kernel_by_name)
{
	ck_assert_int_eq(run(&(struct rig_job){ .name = "/no/such.so:kernel" }),
			 -ENOENT);
	ck_assert_int_eq(run(&(struct rig_job){ .name = "libm.so.6:no_such" }),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "no_such"));
	/* getpid() takes what it is given: its number fails nobody. */
	ck_assert_int_eq(run(&(struct rig_job){ .name = "libc.so.6:getpid" }),
			 0);
}
END_TEST

START_TEST(bad_options_are_refused)
{
	const struct rig_pool_options bad[] = {
		{ .workers = -1 },
		{ .workers = RIG_WORKERS_MAX + 1 },
		{ .workers = 2, .place = "nonsense:" },
		{ .workers = 2, .barrier = (enum rig_barrier_kind)7 },
	};
	struct rig_pool *none = NULL;

	ck_assert_int_eq(rig_pool_create(&none, &bad[_i]), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_str_ne(rig_why(), "");
	rig_pool_destroy(none);
}
END_TEST

START_TEST(of_every_size)
{
	static const int sizes[] = { 1, 2, 5, 16, 64 };
	struct rig_pool *made;

	ck_assert_int_eq(rig_pool_create(&made,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	ck_assert_int_eq(rig_pool_size(made), sizes[_i]);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
			rig_pool_run(made,
				     &(struct rig_job){
					     .kernel = rig_team_barrier }),
			0);
	rig_pool_destroy(made);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *jobs = make_tcase("jobs", 20);
	TCase *segments = make_tcase("segments", 20);
	TCase *hosts = make_tcase("hosts", 30);
	TCase *alone = make_tcase("alone", 30);

	tcase_add_checked_fixture(jobs, setup, teardown);
	tcase_add_test(jobs, arguments_and_results_travel);
	tcase_add_test(jobs, as_much_as_fits);
	tcase_add_loop_test(jobs, malformed_jobs_are_refused, 0, 10);
	tcase_add_test(jobs, no_pool_is_an_error);
	tcase_add_loop_test(jobs, an_error_ends_the_run_for_all, 0, 4);
	tcase_add_test(jobs, submit_then_wait);
	tcase_add_test(jobs, destroyed_in_the_middle_of_a_run);
	tcase_add_test(jobs, a_limit_ends_the_run);
	tcase_add_test(jobs, globals_are_a_snapshot);
	tcase_add_test(jobs, a_kernel_loaded_later);
	tcase_add_test(jobs, a_kernel_by_name);
	suite_add_tcase(suite, jobs);

	tcase_add_checked_fixture(segments, setup, teardown);
	tcase_add_test(segments, windows);
	tcase_add_test(segments,
		       mapped_from_its_first_run_until_it_is_destroyed);
	tcase_add_test(segments, one_that_could_not_be_named_is_unmapped);
	tcase_add_test(segments, destroyed_during_a_run_it_goes_after);
	tcase_add_test(segments, a_foreign_segment);
	tcase_add_loop_test(segments, a_stolen_name, 0, 2);
	tcase_add_test(segments, a_name_used_again_is_another_segment);
	tcase_add_test(segments, more_segments_than_are_kept);
	tcase_add_test(segments, eight_at_once_and_one_twice);
	tcase_add_test(segments, one_missing_undoes_the_rest);
	tcase_add_loop_test(segments,
			    a_segment_by_the_pool_is_zeroed_and_has_its_barrier,
			    0, 4);
	tcase_add_loop_test(segments, a_kernel_is_not_the_caller, 0, 3);
	tcase_add_loop_test(segments, a_kernels_child_keeps_nothing_of_the_pool,
			    0, 2);
	suite_add_tcase(suite, segments);

	tcase_add_checked_fixture(hosts, setup, teardown);
	tcase_add_test(hosts, a_pool_in_a_kernel);
	tcase_add_test(hosts, a_rank_with_a_pool_dies);
	tcase_add_test(hosts, two_pools_and_one_segment);
	tcase_add_test(hosts, a_fork_must_make_its_own);
	tcase_add_test(hosts, many_threads_take_turns);
	suite_add_tcase(suite, hosts);

	tcase_add_test(alone, a_fork_that_outlives_the_maker);
	tcase_add_test(alone, the_thread_that_made_it_may_end);
	tcase_add_loop_test(alone, hosts_with_habits, 0, 4);
	tcase_add_test(alone, a_limit_waits_while_the_job_is_stopped);
	tcase_add_test(alone, more_ranks_than_cpus_do_not_spin);
	tcase_add_test(alone, a_host_that_reaps_whatever_there_is);
	tcase_add_test(alone, what_kernels_print_appears_once_and_in_order);
	tcase_add_loop_test(alone, bad_options_are_refused, 0, 4);
	tcase_add_loop_test(alone, of_every_size, 0, 5);
	suite_add_tcase(suite, alone);
	return suite;
}
