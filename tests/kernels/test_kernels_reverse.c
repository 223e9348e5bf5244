/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_reverse.c - reverse and triad: for any team, length, slice and
 * size of item; with generated data and with the user's data; and verify finds
 * every wrong item.
 */
#include "kernels/kernels_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <runner/dtype.h>
#include <kernels/lib/mirror.h>
#include <runner/kernel_run.h>
#include <kernels/lib/order_sum.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define ITEM_MAX 32

static const struct kernel_row rows[] = {
	{ "reverse", "length=0", 0 },
	{ "reverse", "length=1", 0 },
	{ "reverse", "length=2", 0 },
	{ "reverse", "length=7", 0 },
	{ "reverse", "length=100003", 0 },
	{ "reverse", "length=100004 begin=17 end=99991", 0 },
	{ "reverse", "length=100 begin=50 end=50", 0 },
	{ "reverse", "length=100 begin=100", 0 },
	{ "reverse", "method=copy length=0", 0 },
	{ "reverse", "method=copy length=1", 0 },
	{ "reverse", "method=copy length=7", 0 },
	{ "reverse", "method=copy length=1000003", 0 },
	{ "reverse", "method=copy length=100004 begin=17 end=99991", 0 },
	{ "triad", "length=0", 0 },
	{ "triad", "length=1", 0 },
	{ "triad", "length=100003 s=-0.1", 0 },
	{ "triad", "length=3000001", 0 },
};

static const struct kernel_row refused[] = {
	{ "reverse", "length=10 end=11", 0 },
	{ "reverse", "length=10 begin=11", 0 },
	{ "reverse", "length=10 begin=6 end=5", 0 },
	{ "reverse", "begin=-1", 0 },
	{ "reverse", "method=turn", 0 },
	{ "reverse", "length=9E", 0 },
	{ "triad", "s=nan", 0 },
	{ "triad", "length", 0 },
};

START_TEST(same_answer_for_any_team)
{
	kernels_check_row(&rows[_i]);
}
END_TEST

START_TEST(refuses_with_words)
{
	kernels_check_refused(&refused[_i]);
}
END_TEST

/* ---- the loops ---- */

static void fill_random(unsigned char *bytes, size_t count, unsigned int seed)
{
	unsigned int state = seed * 2654435761u + 1;

	for (size_t i = 0; i < count; i++) {
		state = state * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(state >> 24);
	}
}

/* The slice reversed, the obvious way. */
static void reverse_plainly(unsigned char *x, size_t begin, size_t end,
			    size_t item)
{
	unsigned char one[ITEM_MAX];

	while (begin + 1 < end) {
		end--;
		memcpy(one, x + begin * item, item);
		memcpy(x + begin * item, x + end * item, item);
		memcpy(x + end * item, one, item);
		begin++;
	}
}

START_TEST(mirror_does_any_count_at_any_address)
{
	size_t item = (size_t)1 << _i;
	unsigned char x[2 * 40 * ITEM_MAX + 8], y[sizeof(x)], z[sizeof(x)],
		before[sizeof(x)];

	for (size_t count = 0; count <= 40; count++) {
		size_t off = count % 8;

		fill_random(x, sizeof(x), (unsigned int)count);
		memcpy(y, x, sizeof(x));
		memcpy(z, x, sizeof(x));
		mirror_swap(x + off, x + off + count * item, count, item);
		reverse_plainly(y + off, 0, 2 * count, item);
		ck_assert_mem_eq(x, y, sizeof(x));
		memcpy(before, z, sizeof(z));
		mirror_copy(z + off, z + off + count * item, count, item);
		memcpy(before + off, y + off, count * item);
		ck_assert_mem_eq(z, before, sizeof(z));
	}
}
END_TEST

START_TEST(sums_tell_order_and_add_up)
{
	size_t item = (size_t)1 << _i;
	unsigned char x[20 * ITEM_MAX], y[sizeof(x)];
	uint64_t whole, parts;

	fill_random(x, sizeof(x), 7);
	whole = sum_items(x, 20, item, 100, 1);
	parts = sum_items(x, 6, item, 100, 1) +
		sum_items(x + 6 * item, 14, item, 106, 1);
	ck_assert_uint_eq(whole, parts);
	/* The backward sum is the sum of the reversed array. */
	memcpy(y, x, sizeof(x));
	reverse_plainly(y, 0, 20, item);
	ck_assert_uint_eq(sum_items(x, 20, item, 19, -1),
			  sum_items(y, 20, item, 0, 1));
	ck_assert_uint_ne(whole, sum_items(y, 20, item, 100, 1));
	/* Any bit, and any two different neighbours. */
	for (size_t bit = 0; bit < 20 * item * 8; bit++) {
		x[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert_uint_ne(whole, sum_items(x, 20, item, 100, 1));
		x[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t i = 0; i + 1 < 20; i++) {
		bool same = memcmp(x + i * item, x + (i + 1) * item, item) == 0;

		reverse_plainly(x, i, i + 2, item);
		ck_assert_int_eq(whole == sum_items(x, 20, item, 100, 1), same);
		reverse_plainly(x, i, i + 2, item);
	}
}
END_TEST

/* A sum that does not depend on the order of items still depends on the
 * items. */
START_TEST(sums_tell_torn_items)
{
	uint64_t x[] = { 1, 2, 3, 4, 5, 6 }; /* three items of two words */
	uint64_t sum = sum_items(x, 3, 16, 0, 0);

	reverse_plainly((unsigned char *)x, 0, 3, 16);
	ck_assert_uint_eq(sum_items(x, 3, 16, 0, 0), sum);
	for (size_t w = 0; w < 2; w++) {
		uint64_t first = x[w];

		x[w] = x[2 + w];
		x[2 + w] = first;
		ck_assert_uint_ne(sum_items(x, 3, 16, 0, 0), sum);
		x[2 + w] = x[w];
		x[w] = first;
	}
}
END_TEST

/* ---- the owners of the parts ---- */

static void rig_reverse(struct kernel_run *run, const char *const *words)
{
	ck_assert_int_eq(kernel_run_init(run, &kernel_reverse), 0);
	for (; *words; words++)
		ck_assert_int_eq(kernel_run_set(run, *words), 0);
}

START_TEST(every_element_has_one_owner)
{
	static const char *const cases[][5] = {
		{ "length=0" },
		{ "length=1" },
		{ "length=101" },
		{ "length=101", "begin=3", "end=98" },
		{ "length=101", "begin=40", "end=41", "method=copy" },
		{ "length=101", "begin=101", "method=copy" },
		{ "length=100", "method=copy" },
		{ "length=4", "begin=1", "end=3" },
	};
	struct rig_span spans[RIG_SPANS_MAX];
	struct kernel_run run;
	size_t count;
	int size = _i + 1;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		unsigned char owners[101 * 8] = { 0 };

		rig_reverse(&run, cases[c]);
		ck_assert_int_eq(kernel_run_check(&run), 0);
		count = run.arrays[0].bytes;
		for (int rank = 0; rank < size; rank++) {
			int n = kernel_reverse.owns(run.args, 0, count, rank,
						    size, spans);

			for (int s = 0; s < n; s++)
				for (size_t i = spans[s].begin;
				     i < spans[s].end; i++)
					owners[i]++;
		}
		for (size_t i = 0; i < sizeof(owners); i++)
			ck_assert_uint_eq(owners[i], i < count);
		kernel_run_finish(&run);
	}
}
END_TEST

/* ---- verify ---- */

static int run_generated(struct kernel_run *run, struct rig_pool *pool)
{
	int r = kernel_run_check(run);

	if (r == 0)
		r = kernel_run_make(run, pool);
	if (r == 0)
		r = kernel_run_prepare(run);
	return r == 0 ? kernel_run_run(run) : r;
}

START_TEST(verify_names_any_element_that_is_wrong)
{
	static const char *const words[] = { "length=50", "begin=10",
					     "method=copy", NULL };
	struct rig_pool *pool = NULL;
	struct kernel_run run;
	double *x;
	char want[40];

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 3 }),
		0);
	for (int method = 0; method < 2; method++) {
		/* The last word, or not. */
		const char *const chosen[] = { words[0], words[1],
					       method ? words[2] : NULL, NULL };

		rig_reverse(&run, chosen);
		ck_assert_int_eq(run_generated(&run, pool), 0);
		x = rig_segment_data(run.arrays[0].segment);
		for (int i = 0; i < 50; i++) {
			double right = x[i];

			x[i] = -7;
			ck_assert_int_eq(kernel_run_verify(&run), -EBADMSG);
			snprintf(want, sizeof(want),
				 "element %d is -7, expected %d", i,
				 i < 10 ? i : 59 - i);
			ck_assert_msg(strstr(run.why, want), "%s", run.why);
			x[i] = right;
		}
		ck_assert_int_eq(kernel_run_verify(&run), 0);
		kernel_run_finish(&run);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* A kind of the user's data. */
struct given {
	size_t item;
	size_t count, begin, end;
	const char *method;
};

static void rig_given(struct kernel_run *run, const struct given *given,
		      struct rig_pool *pool)
{
	static const enum rig_dtype dtypes[] = {
		RIG_UINT8,   RIG_UINT16,     RIG_FLOAT32,
		RIG_FLOAT64, RIG_COMPLEX128, RIG_COMPLEX256
	};
	struct rig_array what = { .count = given->count,
				  .item_bytes = (uint32_t)given->item };
	char begin[32], end[32];
	const char *const words[] = { begin, end, given->method, NULL };

	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
		if (rig_dtype_bytes(dtypes[i]) == given->item)
			what.dtype = dtypes[i];
	snprintf(begin, sizeof(begin), "begin=%zu", given->begin);
	snprintf(end, sizeof(end), "end=%zu", given->end);
	rig_reverse(run, words);
	kernel_run_give(run, 0, &what, NULL, 0);
	ck_assert_msg(kernel_run_check(run) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_make(run, pool) == 0, "%s", run->why);
}

static int verify_given(struct kernel_run *run)
{
	int r = kernel_run_digest(run, true);

	return r < 0 ? r : kernel_run_verify(run);
}

/* A wrong byte, and two items that have changed places. */
static void check_damage(struct kernel_run *run, const struct given *given,
			 unsigned char *x)
{
	size_t item = given->item;

	for (size_t i = 0; i < given->count; i += given->count / 5 + 1) {
		size_t other = (i + 1) % given->count;
		bool same = memcmp(x + i * item, x + other * item, item) == 0;

		x[i * item] ^= 1;
		ck_assert_int_eq(verify_given(run), -EBADMSG);
		x[i * item] ^= 1;
		if (other < i || same)
			continue;
		reverse_plainly(x, i, i + 2, item);
		ck_assert_int_eq(verify_given(run), -EBADMSG);
		reverse_plainly(x, i, i + 2, item);
	}
	ck_assert_int_eq(verify_given(run), 0);
}

static void check_given(const struct given *given, struct rig_pool *pool)
{
	struct kernel_run run;
	unsigned char *x, *want;
	size_t bytes;

	rig_given(&run, given, pool);
	bytes = run.arrays[0].bytes;
	x = rig_segment_data(run.arrays[0].segment);
	fill_random(x, bytes, (unsigned int)(given->item + given->count));
	want = malloc(bytes + 1);
	memcpy(want, x, bytes);
	reverse_plainly(want, given->begin, given->end, given->item);
	ck_assert_int_eq(kernel_run_digest(&run, false), 0);
	ck_assert_int_eq(kernel_run_run(&run), 0);
	ck_assert_mem_eq(x, want, bytes);
	ck_assert_int_eq(verify_given(&run), 0);
	check_damage(&run, given, x);
	free(want);
	kernel_run_finish(&run);
}

START_TEST(the_users_data_of_any_item)
{
	static const struct given kinds[] = {
		{ .count = 0, .end = 0 },
		{ .count = 1, .end = 1 },
		{ .count = 2, .end = 2 },
		{ .count = 31, .end = 31 },
		{ .count = 1000, .end = 1000 },
		{ .count = 1000, .begin = 101, .end = 902 },
		{ .count = 30, .begin = 7, .end = 7 },
	};
	static const int teams[] = { 1, 2, 3, 5 };
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = teams[_i] }),
			 0);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t item = 1; item <= ITEM_MAX; item *= 2) {
			struct given given = kinds[k];

			given.item = item;
			given.method = "method=swap";
			check_given(&given, pool);
			given.method = "method=copy";
			check_given(&given, pool);
		}
	}
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(triad_holds_what_it_read_against_what_it_was)
{
	const struct rig_array what = { .count = 1000,
					.item_bytes = 8,
					.dtype = RIG_FLOAT64 };
	struct rig_pool *pool = NULL;
	struct kernel_run run;
	double *x[3];

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 3 }),
		0);
	ck_assert_int_eq(kernel_run_init(&run, &kernel_triad), 0);
	kernel_run_give(&run, 1, &what, NULL, 0);
	ck_assert_int_eq(kernel_run_check(&run), -EINVAL);
	kernel_run_give(&run, 2, &what, NULL, 0);
	ck_assert_int_eq(kernel_run_check(&run), 0);
	ck_assert_int_eq(kernel_run_make(&run, pool), 0);
	for (int i = 0; i < 3; i++)
		x[i] = rig_segment_data(run.arrays[i].segment);
	for (int i = 0; i < 1000; i++) {
		x[1][i] = 1.0 / (i + 1);
		x[2][i] = i;
	}
	ck_assert_int_eq(kernel_run_digest(&run, false), 0);
	ck_assert_int_eq(kernel_run_run(&run), 0);
	ck_assert_int_eq(verify_given(&run), 0);
	for (int array = 0; array < 3; array++) {
		x[array][700] += 1;
		ck_assert_int_eq(verify_given(&run), -EBADMSG);
		x[array][700] -= 1;
	}
	/* b and c wrong together, so that a = b + s * c still holds. */
	x[1][3] += 3;
	x[2][3] -= 1;
	x[0][3] = x[1][3] + 3 * x[2][3];
	ck_assert_int_eq(verify_given(&run), -EBADMSG);
	ck_assert_msg(strstr(run.why, "was changed"), "%s", run.why);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels reverse");
	TCase *tcase = make_tcase("loops", 10);

	tcase_add_loop_test(tcase, mirror_does_any_count_at_any_address, 0, 6);
	tcase_add_loop_test(tcase, sums_tell_order_and_add_up, 0, 6);
	tcase_add_test(tcase, sums_tell_torn_items);
	tcase_add_loop_test(tcase, every_element_has_one_owner, 0, 8);
	suite_add_tcase(suite, tcase);

	tcase = make_tcase("runs", 60);
	tcase_add_loop_test(tcase, same_answer_for_any_team, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tcase, refuses_with_words, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tcase, verify_names_any_element_that_is_wrong);
	tcase_add_loop_test(tcase, the_users_data_of_any_item, 0, 4);
	tcase_add_test(tcase, triad_holds_what_it_read_against_what_it_was);
	suite_add_tcase(suite, tcase);
	return suite;
}
