/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - a function called for each of many items: all items, once, in order;
 * and arguments that are refused.  test_map_ends.c has the failures.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#include "map_parts.h"

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

/* Adds the index of the item to the first segment; compares the arguments. */
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
	tcase_add_test(tcase, no_items_need_no_room);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
