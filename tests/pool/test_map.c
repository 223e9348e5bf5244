/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - a function called for each of many items: all of them, once, in
 * order; and every way in which that can go wrong.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#define ITEMS 1000
#define BAD   337 /* the item at which things go wrong */

/* ---- items that are done ---- */

static int triples(struct rig_team *team, size_t index, const void *item,
		   void *result)
{
	int64_t value;

	memcpy(&value, item, sizeof(value));
	if (*(int64_t *)result != 0)
		return rig_team_fail(team, -EBADMSG, "twice");
	*(int64_t *)result = 3 * value + (int64_t)index;
	return 0;
}

static void map_once(size_t count, size_t chunk)
{
	int64_t *items = calloc(count + 1, sizeof(*items));
	int64_t *results = calloc(count + 1, sizeof(*results));
	bool *done = calloc(count + 1, 1);
	size_t failed = 0;
	int r;

	ck_assert(items && results && done);
	for (size_t i = 0; i < count; i++)
		items[i] = (int64_t)(i * i % 1000);
	r = rig_pool_map(pool,
			 &(struct rig_map){ .fn = triples,
					    .count = count,
					    .chunk = chunk,
					    .items = items,
					    .item_bytes = sizeof(*items),
					    .results = results,
					    .result_bytes = sizeof(*items),
					    .done = done,
					    .failed = &failed });
	ck_assert_msg(r == 0, "%zu by %zu: %s", count, chunk, rig_why());
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(results[i], 3 * items[i] + (int64_t)i);
		ck_assert(done[i]);
	}
	ck_assert_int_eq(results[count], 0);
	ck_assert(!done[count]);
	ck_assert_uint_eq(failed, RIG_NO_ITEM);
	free(items);
	free(results);
	free(done);
}

START_TEST(results_are_in_the_order_of_the_items)
{
	static const size_t counts[] = { 0, 1, 2, 7, 1000, 100003 };

	make_pool(_i);
	for (int i = 0; i < 6; i++) {
		map_once(counts[i], 0);
		map_once(counts[i], 1);
		map_once(counts[i], 64);
		map_once(counts[i], SIZE_MAX);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* Adds its index to the first segment; knows its arguments. */
static int adds_index(struct rig_team *team, size_t index, const void *item,
		      void *result)
{
	_Atomic uint64_t *sum = rig_team_data(team, 0);
	const uint64_t *factor = rig_team_args(team);

	if (item || result)
		return rig_team_fail(team, -EBADMSG, "there are none");
	if (rig_team_segments(team) != 1)
		return rig_team_fail(team, -EBADMSG, "%d segments",
				     rig_team_segments(team));
	atomic_fetch_add(sum, index * *factor);
	return 0;
}

START_TEST(items_may_be_numbers_and_work_on_segments)
{
	const uint64_t factor = 7;
	struct rig_segment *segment;
	uint64_t *sum;
	bool done[ITEMS];

	make_pool(3);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096, NULL), 0);
	sum = rig_segment_data(segment);
	for (int i = 0; i < 4; i++) {
		struct rig_map map = {
			.fn = adds_index,
			.count = ITEMS,
			.args = &factor,
			.args_bytes = sizeof(factor),
			.segments = { { .name = rig_segment_name(segment) } },
			.done = i % 2 ? done : NULL
		};

		*sum = 0;
		ck_assert_msg(rig_pool_map(pool, &map) == 0, "%s", rig_why());
		ck_assert_uint_eq(*sum, 7 * ITEMS * (ITEMS - 1) / 2);
	}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

static int is_slow(struct rig_team *team, size_t index, const void *item,
		   void *result)
{
	(void)team, (void)index, (void)item, (void)result;
	(void)usleep(1000);
	return 0;
}

struct progress {
	size_t calls, last, count;
	bool back, refused;
};

static void note_progress(void *arg, size_t done, size_t count)
{
	struct progress *progress = arg;

	if (progress->calls++ == 0)
		progress->refused =
			rig_pool_map(pool, &(struct rig_map){ .fn = is_slow,
							      .count = 1 }) ==
			-EBUSY;
	if (done < progress->last)
		progress->back = true;
	progress->last = done;
	progress->count = count;
}

START_TEST(the_caller_is_told_how_far_it_is)
{
	struct progress progress = { 0 };

	make_pool(2);
	ck_assert_int_eq(
		rig_pool_map(pool, &(struct rig_map){ .fn = is_slow,
						      .count = 100,
						      .progress = note_progress,
						      .progress_arg = &progress,
						      .progress_ns = 1000000 }),
		0);
	ck_assert_uint_ge(progress.calls, 2);
	ck_assert_uint_eq(progress.last, 100);
	ck_assert_uint_eq(progress.count, 100);
	ck_assert(!progress.back);
	ck_assert(progress.refused);
	rig_pool_destroy(pool);
}
END_TEST

static void *map_in_thread(void *arg)
{
	int64_t items[ITEMS], results[ITEMS];
	bool *right = arg;

	*right = true;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < ITEMS; i++) {
			items[i] = i + round;
			results[i] = 0;
		}
		if (rig_pool_map(pool, &(struct rig_map){
					       .fn = triples,
					       .count = ITEMS,
					       .items = items,
					       .item_bytes = sizeof(*items),
					       .results = results,
					       .result_bytes = sizeof(*items),
				       }) < 0)
			*right = false;
		for (int i = 0; i < ITEMS; i++)
			if (results[i] != 3 * items[i] + i)
				*right = false;
	}
	return NULL;
}

START_TEST(threads_take_turns)
{
	pthread_t threads[3];
	bool right[3];

	make_pool(2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						map_in_thread, &right[i]),
				 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert(right[0] && right[1] && right[2]);
	rig_pool_destroy(pool);
}
END_TEST

/* ---- items that go wrong ---- */

enum wrong { RETURNS, SAYS, IS_KILLED, EXITS, FAULTS, MEETS, LOOPS };

static int *volatile nowhere;

static int goes_wrong(struct rig_team *team, size_t index, const void *item,
		      void *result)
{
	enum wrong how;

	(void)item;
	memcpy(&how, rig_team_args(team), sizeof(how));
	*(uint32_t *)result = (uint32_t)index;
	if (index != BAD)
		return 0;
	switch (how) {
	case RETURNS:
		return -EDOM;
	case SAYS:
		return rig_team_fail(team, -ERANGE, "no root of it");
	case IS_KILLED:
		(void)raise(SIGKILL);
		break;
	case EXITS:
		exit(0);
	case FAULTS:
		*nowhere = 1;
		break;
	case MEETS:
		return rig_team_barrier(team);
	case LOOPS:
		for (;;)
			(void)pause();
	}
	return 0;
}

static const struct {
	enum wrong how;
	int code;
	bool tells_item;
	const char *words;
} wrongs[] = {
	{ RETURNS, -EDOM, true, "item 337 returned -33" },
	{ SAYS, -ERANGE, true, "item 337: no root of it" },
	{ IS_KILLED, -EOWNERDEAD, true, "it was at item 337" },
	{ EXITS, -EOWNERDEAD, true, "it was at item 337" },
	{ FAULTS, -EOWNERDEAD, true, "SIGSEGV" },
	{ MEETS, -EDEADLK, false, "of 1000 items are done" },
	{ LOOPS, -ETIMEDOUT, false, "of 1000 items are done" },
};
#define WRONGS ((int)(sizeof(wrongs) / sizeof(*wrongs)))

static void go_wrong(int i, size_t chunk)
{
	uint32_t results[ITEMS];
	bool done[ITEMS];
	size_t failed = 0;
	int r;

	memset(results, 0xff, sizeof(results));
	memset(done, 0xff, sizeof(done));
	r = rig_pool_map(pool,
			 &(struct rig_map){ .fn = goes_wrong,
					    .count = ITEMS,
					    .chunk = chunk,
					    .args = &wrongs[i].how,
					    .args_bytes = sizeof(wrongs[i].how),
					    .results = results,
					    .result_bytes = sizeof(*results),
					    .done = done,
					    .failed = &failed,
					    .limit_ns = wrongs[i].how == LOOPS
								? 100 * 1000000
								: 0 });
	ck_assert_int_eq(r, wrongs[i].code);
	ck_assert_msg(strstr(rig_why(), wrongs[i].words) != NULL, "%s",
		      rig_why());
	/* The report is the map's, whose segment is gone by now. */
	ck_assert_int_eq(rig_pool_report(pool)->code, wrongs[i].code);
	ck_assert_int_ne(rig_pool_report(pool)->end, RIG_END_OK);
	ck_assert_uint_eq(failed, wrongs[i].tells_item ? BAD : RIG_NO_ITEM);
	ck_assert(!done[BAD]);
	/* What is done is right, and nothing else is touched. */
	for (uint32_t k = 0; k < ITEMS; k++)
		ck_assert_uint_eq(results[k], done[k] ? k : UINT32_MAX);
}

START_TEST(a_map_that_goes_wrong_ends_and_tells_how_far_it_came)
{
	make_pool(3);
	for (size_t chunk = 0; chunk < 2; chunk++) {
		go_wrong(_i, chunk);
		map_once(ITEMS, chunk);
	}
	rig_pool_destroy(pool);
}
END_TEST

static int orphans(struct rig_team *team, size_t index, const void *item,
		   void *result)
{
	(void)team, (void)item;
	if (index == BAD) {
		(void)kill(getppid(), SIGKILL);
		for (;;)
			(void)pause();
	}
	*(uint32_t *)result = (uint32_t)index;
	return 0;
}

/* ---- items that are tried again ---- */

/* The items whose worker dies, and how often. */
struct mortal {
	size_t every; /* items i with i % every == at */
	size_t at;
	uint32_t deaths; /* of each */
};

/* The calls of each item are counted in the segment. */
static int dies_some_times(struct rig_team *team, size_t index,
			   const void *item, void *result)
{
	const struct mortal *mortal = rig_team_args(team);
	_Atomic uint32_t *calls = rig_team_data(team, 0);
	uint32_t before = atomic_fetch_add(&calls[index], 1);

	(void)item;
	if (*(uint32_t *)result != 0)
		return rig_team_fail(team, -EBADMSG, "half a result is left");
	*(uint32_t *)result = 1;
	if (index % mortal->every == mortal->at && before < mortal->deaths)
		(void)raise(SIGKILL);
	*(uint32_t *)result = (uint32_t)index + 1;
	return 0;
}

static const struct {
	struct mortal mortal;
	size_t retries;
	int code;
	size_t chunk;
	const char *text;
} tries[] = {
	{ { ITEMS, BAD, 2 }, 2, 0, 0, "item 337: rank" },
	{ { ITEMS, BAD, 2 }, 2, 0, 1, "try 2 of 3" },
	{ { ITEMS, BAD, 9 }, 1, -EOWNERDEAD, 0, "try 2 of 2" },
	{ { 100, 99, 1 }, 1, 0, 0, "try 1 of 2" },
	{ { ITEMS, BAD, 1 }, 0, -EOWNERDEAD, 0, "SIGKILL" },
};
#define TRIES ((int)(sizeof(tries) / sizeof(*tries)))

static size_t furthest;

static void never_back(void *arg, size_t done, size_t count)
{
	(void)arg;
	ck_assert_uint_ge(done, furthest);
	ck_assert_uint_le(done, count);
	furthest = done;
}

START_TEST(an_item_is_tried_again)
{
	uint32_t results[ITEMS] = { 0 };
	bool done[ITEMS];
	size_t failed = 0;
	struct rig_segment *segment;
	_Atomic uint32_t *calls;
	int r;

	make_pool(3);
	ck_assert_int_eq(rig_segment_create(&segment, NULL,
					    ITEMS * sizeof(*calls), NULL),
			 0);
	calls = rig_segment_data(segment);
	r = rig_pool_map(
		pool,
		&(struct rig_map){
			.fn = dies_some_times,
			.count = ITEMS,
			.chunk = tries[_i].chunk,
			.args = &tries[_i].mortal,
			.args_bytes = sizeof(tries[_i].mortal),
			.segments = { { .name = rig_segment_name(segment) } },
			.results = results,
			.result_bytes = sizeof(*results),
			.done = _i % 2 ? done : NULL,
			.failed = &failed,
			.progress = never_back,
			.progress_ns = 1000000,
			.retries = tries[_i].retries });
	ck_assert_msg(r == tries[_i].code, "%d: %s", r, rig_why());
	ck_assert_msg(strstr(rig_pool_report(pool)->text, tries[_i].text) !=
			      NULL,
		      "%s", rig_pool_report(pool)->text);
	if (tries[_i].mortal.every == ITEMS) {
		ck_assert_uint_eq(failed, BAD);
		ck_assert_uint_eq(calls[BAD], tries[_i].retries + 1);
	}
	for (uint32_t i = 0; i < ITEMS; i++) {
		if (r == 0)
			ck_assert_uint_eq(results[i], i + 1);
		else
			ck_assert(results[i] == 0 || results[i] == i + 1);
	}
	if (r == 0)
		ck_assert_uint_eq(furthest, ITEMS);
	ck_assert_uint_eq(results[BAD], r == 0 ? BAD + 1 : 0);
	map_once(ITEMS, 0);
	ck_assert_str_eq(rig_pool_report(pool)->text, "");
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

/* Then there are no workers any more, but what they have done is there. */
START_TEST(the_warden_dies_in_a_map)
{
	uint32_t results[ITEMS];
	bool done[ITEMS];
	struct rig_map map = { .fn = orphans,
			       .count = ITEMS,
			       .chunk = _i ? 1 : 0,
			       .results = results,
			       .result_bytes = sizeof(*results),
			       .done = done };

	make_pool(3);
	memset(results, 0xff, sizeof(results));
	ck_assert_int_eq(rig_pool_map(pool, &map), -ECANCELED);
	ck_assert_ptr_nonnull(strstr(rig_why(), "items are done"));
	for (uint32_t k = 0; k < ITEMS; k++)
		ck_assert_uint_eq(results[k], done[k] ? k : UINT32_MAX);
	ck_assert_int_eq(rig_pool_map(pool, &map), -ECANCELED);
	rig_pool_destroy(pool);
}
END_TEST

/* With one worker the order is known: none after the one that failed. */
static int stops_at_bad(struct rig_team *team, size_t index, const void *item,
			void *result)
{
	(void)team, (void)item, (void)result;
	return index == BAD ? -EIO : 0;
}

START_TEST(nothing_is_begun_after_an_item_has_failed)
{
	bool done[ITEMS];

	make_pool(1);
	ck_assert_int_eq(
		rig_pool_map(pool, &(struct rig_map){ .fn = stops_at_bad,
						      .count = ITEMS,
						      .chunk = 100,
						      .done = done }),
		-EIO);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert(done[i] == (i < BAD));
	rig_pool_destroy(pool);
}
END_TEST

/* All at once: it is one of them. */
static int always_fails(struct rig_team *team, size_t index, const void *item,
			void *result)
{
	(void)item, (void)result;
	return rig_team_fail(team, -EIO, "this is %zu", index);
}

START_TEST(of_many_that_fail_one_is_told)
{
	char words[64];
	size_t failed;

	make_pool(4);
	for (int i = 0; i < 30; i++) {
		ck_assert_int_eq(rig_pool_map(pool,
					      &(struct rig_map){
						      .fn = always_fails,
						      .count = 50,
						      .failed = &failed,
					      }),
				 -EIO);
		snprintf(words, sizeof(words), "item %zu: this is %zu", failed,
			 failed);
		ck_assert_msg(strstr(rig_why(), words) != NULL, "%s",
			      rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

static void refuse(const struct rig_map *map, int code, const char *words)
{
	ck_assert_int_eq(rig_pool_map(pool, map), code);
	ck_assert_msg(strstr(rig_why(), words) != NULL, "%s", rig_why());
}

START_TEST(no_items_need_no_room)
{
	int64_t *no_memory = NULL;

	make_pool(2);
	ck_assert_msg(
		rig_pool_map(pool, &(struct rig_map){ .fn = triples,
						      .items = no_memory,
						      .item_bytes = 8,
						      .results = no_memory,
						      .result_bytes = 8 }) == 0,
		"%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	struct rig_map map = { .count = 10 };
	int64_t items[10];
	char words[32];

	make_pool(2);
	refuse(&map, -EINVAL, "either a function or a name");
	map.fn = triples;
	map.name = "a.so:b";
	refuse(&map, -EINVAL, "either a function or a name");
	map.fn = NULL;
	refuse(&map, -ENOENT, "a.so");
	map.name = "ab";
	refuse(&map, -EINVAL, "not path.so:symbol");
	map = (struct rig_map){ .fn = triples, .count = 10, .items = items };
	refuse(&map, -EINVAL, "0 bytes an item");
	map = (struct rig_map){ .fn = triples, .count = 10, .result_bytes = 8 };
	refuse(&map, -EINVAL, "8 bytes a result");
	map = (struct rig_map){ .fn = triples,
				.count = SIZE_MAX / 4,
				.items = items,
				.item_bytes = 8 };
	refuse(&map, -ENOSPC, "items of 8");
	map = (struct rig_map){
		.fn = triples, .count = 10, .items = items, .item_bytes = 8
	};
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		map.segments[i].name = "rig-x";
	snprintf(words, sizeof(words), "at most %d", RIG_SEGMENTS_MAX - 1);
	refuse(&map, -EINVAL, words);
	map.segments[1].name = NULL;
	refuse(&map, -ENOENT, "rig-x");
	map_once(10, 0);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("map");
	TCase *tcase = make_tcase("map", 60);

	tcase_add_loop_test(tcase, results_are_in_the_order_of_the_items, 1, 5);
	tcase_add_test(tcase, items_may_be_numbers_and_work_on_segments);
	tcase_add_test(tcase, the_caller_is_told_how_far_it_is);
	tcase_add_test(tcase, threads_take_turns);
	tcase_add_loop_test(
		tcase, a_map_that_goes_wrong_ends_and_tells_how_far_it_came, 0,
		WRONGS);
	tcase_add_loop_test(tcase, an_item_is_tried_again, 0, TRIES);
	tcase_add_loop_test(tcase, the_warden_dies_in_a_map, 0, 2);
	tcase_add_test(tcase, nothing_is_begun_after_an_item_has_failed);
	tcase_add_test(tcase, of_many_that_fail_one_is_told);
	tcase_add_test(tcase, no_items_need_no_room);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
