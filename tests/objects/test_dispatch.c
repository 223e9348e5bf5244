/* SPDX-License-Identifier: MIT */
/*
 * test_dispatch.c - jobs posted to processes, hot, polite and asleep.
 */
#include "lib/harness.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "objects/dispatch.h"

#define TAKERS_MAX 5
#define JOBS       2000u
#define JOB        2u

/* In shared memory. */
struct arena {
	struct dispatch_shm dispatch;
	uint64_t results[TAKERS_MAX + 1]; /* each taker's; plain */
};

struct work {
	struct arena *arena;
	int takers;
	struct patience patience;
	bool alarms; /* taker 1 raises the alarm in every job */
};

/* Statuses of ranks. */
enum { WELL, WRONG_JOB, WRONG_WORDS, WRONG_RESULT, WRONG_WAIT };

static struct arena *arena_map(int takers)
{
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(arena, MAP_FAILED);
	dispatch_init(&arena->dispatch, takers);
	return arena;
}

/* Wait for the job, through every alarm. */
static int await(const struct work *work, uint64_t *alarms)
{
	struct dispatch_shm *dispatch = &work->arena->dispatch;
	int r = dispatch_wait(dispatch, &work->patience, true,
			      clock_after(UINT64_C(20000000000)));

	if (r != -EINTR)
		return r;
	++*alarms;
	return dispatch_wait(dispatch, &work->patience, false, RIG_FOREVER);
}

static int post_all(const struct work *work)
{
	struct arena *arena = work->arena;
	uint64_t alarms = 0;

	for (uint64_t n = 1; n <= JOBS; n++) {
		arena->dispatch.words[0] = n;
		arena->dispatch.words[DISPATCH_WORDS - 1] = ~n;
		dispatch_post(&arena->dispatch);
		if (await(work, &alarms) || !dispatch_is_done(&arena->dispatch))
			return WRONG_WAIT;
		for (int i = 1; i <= work->takers; i++)
			if (arena->results[i] != n)
				return WRONG_RESULT;
	}
	return !work->alarms && alarms ? WRONG_WAIT : WELL;
}

static int take_all(const struct work *work, int self)
{
	struct arena *arena = work->arena;
	uint32_t seen = 0;

	for (uint64_t n = 1; n <= JOBS; n++) {
		uint32_t job =
			dispatch_take(&arena->dispatch, seen, &work->patience);

		if (job != seen + JOB)
			return WRONG_JOB;
		seen = job;
		if (arena->dispatch.words[0] != n ||
		    arena->dispatch.words[DISPATCH_WORDS - 1] != ~n)
			return WRONG_WORDS;
		arena->results[self] = n;
		if (work->alarms && self == 1)
			dispatch_alarm(&arena->dispatch);
		if (dispatch_finish(&arena->dispatch, work->takers) ==
		    DISPATCH_ALL_DONE)
			dispatch_done(&arena->dispatch);
	}
	return WELL;
}

static int rank_main(int rank, void *arg)
{
	return rank ? take_all(arg, rank) : post_all(arg);
}

static void check_work(struct work work)
{
	work.arena = arena_map(work.takers);
	ck_assert_int_eq(run_workers(work.takers + 1, rank_main, &work), WELL);
	ck_assert_uint_eq(load_relaxed(&work.arena->dispatch.done), JOBS * JOB);
	ck_assert_uint_eq(load_relaxed(&work.arena->dispatch.sleepers), 0);
	ck_assert_uint_eq(load_relaxed(&work.arena->dispatch.poster_sleeps), 0);
	munmap(work.arena, sizeof(*work.arena));
}

START_TEST(asleep)
{
	check_work((struct work){ .takers = _i });
}
END_TEST

START_TEST(polite)
{
	check_work((struct work){ .takers = _i, .patience = { .yields = 4 } });
}
END_TEST

START_TEST(hot)
{
	check_work((struct work){
		.takers = _i, .patience = { .spin_ns = 5000, .yields = 100 } });
}
END_TEST

START_TEST(alarms_are_heard_and_jobs_done)
{
	check_work((struct work){ .takers = _i, .alarms = true });
}
END_TEST

START_TEST(wait_times_out_and_goes_on)
{
	static const struct patience none;
	struct arena *arena = arena_map(1);
	struct dispatch_shm *dispatch = &arena->dispatch;

	dispatch_post(dispatch);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, true, clock_after(1)),
			 -ETIMEDOUT);
	ck_assert(!dispatch_is_done(dispatch));
	ck_assert(!dispatch_poll(dispatch, &none));
	ck_assert_uint_eq(dispatch_take(dispatch, 0, &none), JOB);
	ck_assert_int_eq(dispatch_finish(dispatch, 1), DISPATCH_ALL_DONE);
	dispatch_done(dispatch);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, true, RIG_FOREVER), 0);
	ck_assert(dispatch_is_done(dispatch));
	ck_assert(dispatch_poll(dispatch, &none));
	munmap(arena, sizeof(*arena));
}
END_TEST

START_TEST(alarm_is_heard_only_by_who_heeds)
{
	static const struct patience none;
	struct arena *arena = arena_map(1);
	struct dispatch_shm *dispatch = &arena->dispatch;

	dispatch_post(dispatch);
	dispatch_alarm(dispatch);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, true, RIG_FOREVER),
			 -EINTR);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, false, clock_after(1)),
			 -ETIMEDOUT);
	dispatch_done(dispatch);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, true, RIG_FOREVER), 0);
	/* The next job starts without the alarm. */
	dispatch_post(dispatch);
	ck_assert_int_eq(dispatch_wait(dispatch, &none, true, clock_after(1)),
			 -ETIMEDOUT);
	munmap(arena, sizeof(*arena));
}
END_TEST

START_TEST(exactly_the_last_notices)
{
	struct arena *arena = arena_map(3);
	struct dispatch_shm *dispatch = &arena->dispatch;

	ck_assert(!dispatch_sleeps(dispatch));
	ck_assert_int_eq(dispatch_finish(dispatch, 3), DISPATCH_OTHERS_RUN);
	ck_assert(dispatch_sleeps(dispatch));
	dispatch_awake(dispatch);
	dispatch_awake(dispatch);
	ck_assert(!dispatch_sleeps(dispatch));
	ck_assert_int_eq(dispatch_finish(dispatch, 3), DISPATCH_OTHERS_SLEEP);
	dispatch_awake(dispatch);
	ck_assert_int_eq(dispatch_finish(dispatch, 3), DISPATCH_ALL_DONE);
	/* All are awake for the next job. */
	ck_assert(!dispatch_sleeps(dispatch));
	ck_assert(!dispatch_sleeps(dispatch));
	ck_assert(dispatch_sleeps(dispatch));
	munmap(arena, sizeof(*arena));
}
END_TEST

START_TEST(numbers_wrap)
{
	static const struct patience none;
	struct arena *arena = arena_map(1);
	struct dispatch_shm *dispatch = &arena->dispatch;
	uint32_t last = UINT32_MAX - 1;

	store_relaxed(&dispatch->posted, last);
	store_relaxed(&dispatch->done, last);
	for (uint32_t job = 0; job <= 2 * JOB; job += JOB) {
		dispatch_post(dispatch);
		ck_assert_uint_eq(dispatch_take(dispatch, last, &none), job);
		ck_assert(!dispatch_is_done(dispatch));
		dispatch_done(dispatch);
		ck_assert_int_eq(dispatch_wait(dispatch, &none, true, 1), 0);
		last = job;
	}
	munmap(arena, sizeof(*arena));
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *jobs = make_tcase("jobs", 60);
	TCase *alone = make_tcase("alone", 10);

	tcase_add_loop_test(jobs, asleep, 1, TAKERS_MAX + 1);
	tcase_add_loop_test(jobs, polite, 1, TAKERS_MAX + 1);
	tcase_add_loop_test(jobs, hot, 1, TAKERS_MAX + 1);
	tcase_add_loop_test(jobs, alarms_are_heard_and_jobs_done, 1,
			    TAKERS_MAX + 1);
	suite_add_tcase(suite, jobs);
	tcase_add_test(alone, wait_times_out_and_goes_on);
	tcase_add_test(alone, alarm_is_heard_only_by_who_heeds);
	tcase_add_test(alone, exactly_the_last_notices);
	tcase_add_test(alone, numbers_wrap);
	suite_add_tcase(suite, alone);
	return suite;
}
