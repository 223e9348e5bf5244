/* SPDX-License-Identifier: MIT */
/*
 * test_list_life.c - lists: the calls that are refused, making and unlinking,
 * the values that a reader beside a writer sees, and no leftovers.
 */
#include <runrig/list.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/team.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "objects/list_layout.h"
#include "lib/harness.h"

#include "list_parts.h"

START_TEST(an_empty_list_has_no_item)
{
	struct rig_value value, one = rig_int(1);
	struct rig_list *list = NULL;

	ck_assert_int_eq(rig_list_create(&list, NULL, NULL, 0, NULL), 0);
	ck_assert_uint_eq(rig_list_length(list), 0);
	ck_assert_uint_eq(rig_segment_bytes(rig_list_segment(list)), 16);
	ck_assert_int_eq(rig_list_get(list, 0, &value), -ERANGE);
	ck_assert_int_eq(rig_list_get(list, -1, &value), -ERANGE);
	ck_assert_int_eq(rig_list_set(list, -1, &one), -ERANGE);
	ck_assert_int_eq(rig_list_count(list, &one), 0);
	ck_assert_int_eq(rig_list_index(list, &one), -ENOENT);
	rig_list_destroy(list);
}
END_TEST

START_TEST(swap_refuses_what_does_not_fit)
{
	struct rig_value values[] = { rig_str("as long as this"), rig_int(5) };
	struct rig_list *list = NULL;
	char before[128];
	size_t bytes;

	ck_assert_int_eq(rig_list_create(&list, NULL, values, 2, NULL), 0);
	bytes = rig_segment_bytes(rig_list_segment(list));
	memcpy(before, rig_segment_data(rig_list_segment(list)), bytes);
	ck_assert_int_eq(rig_list_can_swap(list, 0, 1), -EOVERFLOW);
	ck_assert_int_eq(rig_list_swap(list, 0, 1), -EOVERFLOW);
	ck_assert_mem_eq(before, rig_segment_data(rig_list_segment(list)),
			 bytes);
	values[0] = rig_str("short");
	ck_assert_int_eq(rig_list_set(list, 0, &values[0]), 0);
	ck_assert_int_eq(rig_list_swap(list, 0, -1), 0);
	ck_assert_int_eq(rig_list_index(list, &values[0]), 1);
	ck_assert_int_eq(rig_list_index(list, &values[1]), 0);
	rig_list_destroy(list);
}
END_TEST

/* Items of every kind, some pairs alike and some not, by strips of the pairs. */
START_TEST(reverse_by_pairs)
{
	struct rig_value values[23];
	const size_t length = sizeof(values) / sizeof(*values);
	struct rig_list *list = NULL;

	for (size_t begin = 0; begin <= length; begin++)
		for (size_t end = begin; end <= length; end++) {
			struct rig_span slice = { begin, end };
			size_t pairs = (end - begin) / 2;

			for (size_t i = 0; i < length; i++)
				values[i] = i % 7 == 0   ? rig_none()
					    : i % 7 == 1 ? rig_str("text")
					    : i % 7 == 2 ? rig_bool(i % 2)
					    : i % 3      ? rig_int((int64_t)i)
							 : rig_float((double)i);
			ck_assert_int_eq(rig_list_create(&list, NULL, values,
							 length, NULL),
					 0);
			for (int rank = 0; rank < 3; rank++) {
				struct rig_span strip =
					rig_strip(pairs, rank, 3);

				ck_assert_int_eq(rig_list_can_reverse(
							 list, slice, strip),
						 0);
				ck_assert_int_eq(
					rig_list_reverse(list, slice, strip),
					0);
			}
			for (size_t i = 0; i < length; i++) {
				struct rig_value found;
				size_t from = i < begin || i >= end
						      ? i
						      : begin + end - 1 - i;

				ck_assert_int_eq(
					rig_list_get(list, (int64_t)i, &found),
					0);
				ck_assert_int_eq(found.kind, values[from].kind);
				ck_assert(
					rig_value_equal(&found, &values[from]));
			}
			rig_list_destroy(list);
		}
}
END_TEST

START_TEST(reverse_refuses)
{
	struct rig_value values[] = { rig_int(0), rig_str("as long as this"),
				      rig_int(2), rig_int(3), rig_float(4) };
	const struct rig_span all = { 0, 5 }, pairs = { 0, 2 };
	struct rig_span bad[][2] = {
		{ { 0, 6 }, { 0, 1 } }, { { 3, 2 }, { 0, 0 } },
		{ { 0, 5 }, { 0, 3 } }, { { 0, 5 }, { 2, 1 } },
		{ { 2, 2 }, { 0, 1 } }, { { 0, SIZE_MAX }, { 0, SIZE_MAX } }
	};
	struct rig_list *list = NULL;

	ck_assert_int_eq(rig_list_create(&list, NULL, values, 5, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(rig_list_reverse(list, bad[i][0], bad[i][1]),
				 -ERANGE);
		ck_assert_int_eq(
			rig_list_can_reverse(list, bad[i][0], bad[i][1]),
			-ERANGE);
	}
	ck_assert_int_eq(rig_list_can_reverse(list, all, pairs), -EOVERFLOW);
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(rig_list_index(list, &values[i]), (int64_t)i);
	/* The pair that fits is exchanged, the other pair is not. */
	ck_assert_int_eq(rig_list_reverse(list, all, pairs), -EOVERFLOW);
	ck_assert_int_eq(rig_list_index(list, &values[0]), 4);
	ck_assert_int_eq(rig_list_index(list, &values[1]), 1);
	rig_list_detach(list);
	ck_assert_int_eq(rig_list_reverse(list, all, pairs), -EINVAL);
	rig_list_destroy(list);
}
END_TEST

START_TEST(creation_refuses_bad_values_by_item)
{
	struct rig_value values[2] = { rig_int(0), rig_str("\377") };
	struct rig_list *list = NULL;

	ck_assert_int_eq(
		rig_list_create(&list, "rig-test-bad", values, 2, NULL),
		-EILSEQ);
	assert_words("item 1");
	values[1] = (struct rig_value){ .kind = (enum rig_value_kind)99 };
	ck_assert_int_eq(rig_list_create(&list, NULL, values, 2, NULL),
			 -EINVAL);
	/* Sizes that would wrap when rounded up, and be read as text. */
	values[1] = rig_bytes("", SIZE_MAX);
	ck_assert_int_eq(rig_list_bytes(values, 2, &(size_t){ 0 }), -EOVERFLOW);
	values[1].kind = RIG_VALUE_STR;
	ck_assert_int_eq(rig_list_bytes(values, 2, &(size_t){ 0 }), -EOVERFLOW);
	values[1] = rig_bytes("", RIG_TEXT_MAX + 1);
	ck_assert_int_eq(rig_list_create(&list, NULL, values, 2, NULL),
			 -EOVERFLOW);
	ck_assert_int_eq(rig_list_create(&list, "a/b", values, 1, NULL),
			 -EINVAL);
	ck_assert_int_eq(
		rig_list_create(&list, NULL, values, SIZE_MAX / 8, NULL),
		-EINVAL);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(a_list_lives_as_a_segment_does)
{
	struct rig_value values[] = { rig_int(5) }, value;
	struct rig_list *list = NULL, *other = NULL, *third = NULL;

	ck_assert_int_eq(
		rig_list_create(&list, "rig-test-life", values, 1, NULL), 0);
	ck_assert_int_eq(
		rig_list_create(&other, "rig-test-life", values, 1, NULL),
		-EEXIST);
	ck_assert_int_eq(rig_list_attach(&other, "rig-test-life", NULL), 0);
	ck_assert_str_eq(rig_list_name(other), "rig-test-life");
	rig_list_destroy(other); /* no maker: the name stays */
	ck_assert_int_eq(rig_list_attach(&other, "rig-test-life", NULL), 0);
	rig_list_detach(list);
	rig_list_detach(list);
	ck_assert_int_eq(rig_list_get(list, 0, &value), -EINVAL);
	ck_assert_int_eq(rig_list_set(list, 0, values), -EINVAL);
	ck_assert_int_eq(rig_list_unlink(list), 0);
	ck_assert_int_eq(rig_list_unlink(list), 0);
	rig_list_destroy(list);
	ck_assert_int_eq(rig_list_get(other, 0, &value), 0);
	ck_assert_int_eq(value.integer, 5);
	ck_assert_int_eq(rig_list_attach(&third, "rig-test-life", NULL),
			 -ENOENT);
	rig_list_destroy(other);
}
END_TEST

START_TEST(anyone_may_unlink_and_a_taken_name_is_left_alone)
{
	struct rig_value values[] = { rig_int(5) };
	struct rig_list *list = NULL, *other = NULL, *next = NULL;

	ck_assert_int_eq(
		rig_list_create(&list, "rig-test-any", values, 1, NULL), 0);
	ck_assert_int_eq(rig_list_attach(&other, "rig-test-any", NULL), 0);
	ck_assert_int_eq(rig_list_unlink(other), 0);
	ck_assert_int_eq(rig_segment_named(rig_list_segment(list)), 0);
	ck_assert_int_eq(
		rig_list_create(&next, "rig-test-any", values, 1, NULL), 0);
	rig_list_destroy(list);
	ck_assert_int_eq(rig_segment_named(rig_list_segment(next)), 1);
	rig_list_destroy(other);
	rig_list_destroy(next);
}
END_TEST

START_TEST(a_kept_list_outlives_its_maker)
{
	struct rig_value values[] = { rig_str("kept") };
	struct rig_list *list = NULL;

	ck_assert_int_eq(
		rig_list_create(&list, "rig-test-keep", values, 1,
				&(struct rig_segment_options){ .keep = true }),
		0);
	rig_list_destroy(list);
	list = NULL;
	ck_assert_int_eq(rig_list_attach(&list, "rig-test-keep", NULL), 0);
	ck_assert_int_eq(rig_list_unlink(list), 0);
	rig_list_destroy(list);
}
END_TEST

START_TEST(a_read_only_list_is_not_written)
{
	struct rig_value values[] = { rig_int(5) }, value;
	struct rig_list *list = NULL, *reader = NULL;

	ck_assert_int_eq(rig_list_create(&list, NULL, values, 1, NULL), 0);
	ck_assert_int_eq(rig_list_attach(&reader, rig_list_name(list),
					 &(struct rig_segment_options){
						 .read_only = true }),
			 0);
	ck_assert_int_eq(rig_list_set(reader, 0, values), -EACCES);
	ck_assert_int_eq(rig_list_swap(reader, 0, 0), -EACCES);
	ck_assert_int_eq(rig_list_get(reader, 0, &value), 0);
	rig_list_destroy(reader);
	rig_list_destroy(list);
}
END_TEST

START_TEST(what_is_no_list_yet_is_waited_for_until_the_deadline)
{
	struct rig_segment *segment = NULL;
	struct rig_segment_options options = { 0 };
	struct rig_list *list = NULL;

	ck_assert_int_eq(
		rig_segment_create(&segment, "rig-test-half", 166, NULL), 0);
	ck_assert_int_eq(rig_list_attach(&list, "rig-test-half", NULL),
			 -ENODATA);
	assert_words("rig-test-half");
	options.deadline_ns = clock_after(20000000);
	ck_assert_int_eq(rig_list_attach(&list, "rig-test-half", &options),
			 -ENODATA);
	ck_assert_uint_ge(clock_ns(), options.deadline_ns);
	ck_assert_int_eq(rig_segment_named(segment), 1);
	rig_segment_destroy(segment);
}
END_TEST

/* Fills the segment after a while, in Python's order. */
static void *fill_slowly(void *arg)
{
	_Atomic uint64_t *words = rig_segment_data(arg);
	uint64_t copy[21];
	unsigned char *bytes = rig_segment_data(arg);

	memcpy(copy, worked, sizeof(worked));
	usleep(5000);
	for (int i = 0; i < 20; i++) {
		store_release(&words[i], copy[i]);
		usleep(200);
	}
	memcpy(bytes + 160, worked + 160, 6);
	return NULL;
}

START_TEST(a_list_that_is_being_made_is_waited_for)
{
	struct rig_segment_options options = { .deadline_ns = RIG_FOREVER };
	struct rig_segment *segment = NULL;
	struct rig_list *list = NULL;
	struct rig_value value;
	pthread_t thread;

	ck_assert_int_eq(
		rig_segment_create(&segment, "rig-test-slow", 166, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, fill_slowly, segment),
			 0);
	ck_assert_int_eq(rig_list_attach(&list, "rig-test-slow", &options), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(rig_list_get(list, 4, &value), 0);
	ck_assert_str_eq(value.text, "h\303\251");
	rig_list_destroy(list);
	rig_segment_destroy(segment);
}
END_TEST

#define READS 2000000

/* The items of the list that two processes share. */
enum { CHANGING, DONE };

struct beside {
	const char *name;
	const struct rig_value *values; /* two */
};

static int write_until_done(struct rig_list *list, const struct beside *beside)
{
	struct rig_value done = rig_bool(false);
	int r = 0;

	for (int i = 0; r == 0 && !done.truth; i++) {
		r = rig_list_set(list, CHANGING, &beside->values[i & 1]);
		if (r == 0)
			r = rig_list_get(list, DONE, &done);
	}
	return r;
}

/* 1 where the reader sees a value that nobody stored. */
static int read_much(struct rig_list *list, const struct beside *beside)
{
	struct rig_value seen, done = rig_bool(true);
	int r = 0;

	for (int i = 0; r == 0 && i < READS; i++) {
		r = rig_list_get(list, CHANGING, &seen);
		if (r == 0 && !rig_value_equal(&seen, &beside->values[0]) &&
		    !rig_value_equal(&seen, &beside->values[1]))
			r = 1;
	}
	(void)rig_list_set(list, DONE, &done);
	return r;
}

static int write_or_read(int rank, void *arg)
{
	const struct beside *beside = arg;
	struct rig_list *list = NULL;
	int r = rig_list_attach(&list, beside->name, NULL);

	if (r == 0)
		r = rank == 0 ? write_until_done(list, beside)
			      : read_much(list, beside);
	rig_list_destroy(list);
	return r;
}

START_TEST(a_reader_sees_only_what_was_stored)
{
	const struct rig_value values[][2] = {
		{ rig_int(-1), rig_int(0x123456789) },
		{ rig_float(-1.5), rig_float(1e300) },
		{ rig_bool(true), rig_bool(false) },
	};
	struct rig_value at_first[] = { values[_i][0], rig_bool(false) };
	struct beside beside = { .values = values[_i] };
	struct rig_list *list = NULL;

	ck_assert_int_eq(rig_list_create(&list, NULL, at_first, 2, NULL), 0);
	beside.name = rig_list_name(list);
	ck_assert_int_eq(run_workers(2, write_or_read, &beside), 0);
	rig_list_destroy(list);
}
END_TEST

/* Each item changes from int to float once, during the reads. */
#define ITEMS 2000

/* Looks before the other process gets the CPU, which may be the only CPU. */
#define LOOKS 2000

static const struct rig_value was = { .kind = RIG_VALUE_INT, .integer = -1 };

static const struct rig_value is = { .kind = RIG_VALUE_FLOAT, .real = 2.5 };

/* Wait until the reader, which counts in the last item, is at `item`. */
static int await_reader(struct rig_list *list, int64_t item)
{
	struct rig_value at = rig_int(-1);
	int r = 0;

	for (int looks = 1; r == 0 && at.integer < item; looks++) {
		r = rig_list_get(list, ITEMS, &at);
		if (looks % LOOKS == 0)
			sched_yield();
	}
	return r;
}

static int change_types(struct rig_list *list)
{
	int r = 0;

	for (int64_t i = 0; r == 0 && i < ITEMS; i++) {
		r = await_reader(list, i);
		if (r == 0)
			r = rig_list_set(list, i, &is);
	}
	return r;
}

/* Look at an item until it has its last value. */
static int read_item(struct rig_list *list, int64_t item)
{
	struct rig_value seen = rig_none();
	int r = 0;

	for (int looks = 1; r == 0 && !rig_value_equal(&seen, &is); looks++) {
		r = rig_list_get(list, item, &seen);
		if (r == 0 && seen.kind != RIG_VALUE_NONE &&
		    !rig_value_equal(&seen, &was) &&
		    !rig_value_equal(&seen, &is))
			r = 1;
		if (looks % LOOKS == 0)
			sched_yield();
	}
	return r;
}

static int read_types(struct rig_list *list)
{
	struct rig_value at;
	int r = 0;

	for (int64_t i = 0; r == 0 && i < ITEMS; i++) {
		at = rig_int(i);
		r = rig_list_set(list, ITEMS, &at);
		if (r == 0)
			r = read_item(list, i);
	}
	/* Whatever happened, let the other end. */
	at = rig_int(ITEMS);
	(void)rig_list_set(list, ITEMS, &at);
	return r;
}

static int change_or_read(int rank, void *arg)
{
	struct rig_list *list = NULL;
	int r = rig_list_attach(&list, arg, NULL);

	if (r == 0)
		r = rank == 0 ? change_types(list) : read_types(list);
	rig_list_destroy(list);
	return r;
}

START_TEST(a_change_of_type_is_seen_before_as_none_or_after)
{
	static struct rig_value values[ITEMS + 1];
	struct rig_list *list = NULL;
	char name[RIG_NAME_MAX + 1];

	for (int i = 0; i < ITEMS; i++)
		values[i] = was;
	values[ITEMS] = rig_int(-1);
	ck_assert_int_eq(rig_list_create(&list, NULL, values, ITEMS + 1, NULL),
			 0);
	strcpy(name, rig_list_name(list));
	ck_assert_int_eq(run_workers(2, change_or_read, name), 0);
	rig_list_destroy(list);
}
END_TEST

START_TEST(long_text_goes_in_and_out)
{
	char *text = malloc(RIG_TEXT_MAX);
	struct rig_value value, values[1];
	struct rig_list *list = NULL;

	memset(text, 'x', RIG_TEXT_MAX);
	values[0] = rig_bytes(text, RIG_TEXT_MAX);
	ck_assert_int_eq(rig_list_create(&list, NULL, values, 1, NULL), 0);
	ck_assert_int_eq(rig_list_get(list, 0, &value), 0);
	ck_assert_uint_eq(value.bytes, RIG_TEXT_MAX);
	ck_assert_int_eq(memcmp(value.text, text, RIG_TEXT_MAX), 0);
	ck_assert_int_eq(rig_list_count(list, &values[0]), 1);
	rig_list_destroy(list);
	free(text);
}
END_TEST

static TCase *life_tcase(void)
{
	TCase *tcase = make_tcase("life", 20);

	tcase_add_test(tcase, an_empty_list_has_no_item);
	tcase_add_test(tcase, swap_refuses_what_does_not_fit);
	tcase_add_test(tcase, reverse_by_pairs);
	tcase_add_test(tcase, reverse_refuses);
	tcase_add_test(tcase, creation_refuses_bad_values_by_item);
	tcase_add_test(tcase, a_list_lives_as_a_segment_does);
	tcase_add_test(tcase, anyone_may_unlink_and_a_taken_name_is_left_alone);
	tcase_add_test(tcase, a_kept_list_outlives_its_maker);
	tcase_add_test(tcase, a_read_only_list_is_not_written);
	tcase_add_test(tcase,
		       what_is_no_list_yet_is_waited_for_until_the_deadline);
	tcase_add_test(tcase, a_list_that_is_being_made_is_waited_for);
	tcase_add_test(tcase, long_text_goes_in_and_out);
	return tcase;
}

Suite *make_suite(void)
{
	Suite *suite = suite_create("list_life");
	TCase *tcase = make_tcase("beside a writer", 30);

	tcase_add_loop_test(tcase, a_reader_sees_only_what_was_stored, 0, 3);
	tcase_add_test(tcase, a_change_of_type_is_seen_before_as_none_or_after);
	suite_add_tcase(suite, life_tcase());

	suite_add_tcase(suite, tcase);
	return suite;
}
