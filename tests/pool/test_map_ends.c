/* SPDX-License-Identifier: MIT */
/*
 * test_map_ends.c - maps that fail: an item goes wrong, a worker dies and the item is
 * tried again, the warden dies.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#include "map_parts.h"

#define BAD 337 /* the item at which things go wrong */

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
	/* The results that are done are right, and no other result is touched. */
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
	uint32_t deaths; /* deaths for each item */
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

/* Then there are no workers any more, but the results of finished items are there. */
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

/* With one worker the order is known: no item after the item that failed. */
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

/* All items fail at once, and the report names any of the items. */
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

Suite *make_suite(void)
{
	Suite *suite = suite_create("map ends");
	TCase *tcase = make_tcase("ends", 60);

	tcase_add_loop_test(
		tcase, a_map_that_goes_wrong_ends_and_tells_how_far_it_came, 0,
		WRONGS);
	tcase_add_loop_test(tcase, an_item_is_tried_again, 0, TRIES);
	tcase_add_loop_test(tcase, the_warden_dies_in_a_map, 0, 2);
	tcase_add_test(tcase, nothing_is_begun_after_an_item_has_failed);
	tcase_add_test(tcase, of_many_that_fail_one_is_told);
	suite_add_tcase(suite, tcase);
	return suite;
}
