/* SPDX-License-Identifier: MIT */
/*
 * kernels_table.c - a kernel with its parameters, run by teams of several sizes.
 */
#include "kernels/kernels_table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <runner/dtype.h>
#include <runner/kernel_run.h>
#include <runner/convert.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

/* Held against published values, which not every item has a part in. */
static const char *const judged_by_last[] = { "cg", "ft", "mg", "synch-p2p" };

/* The first two, and in the long form all. */
static const int teams[] = { 1, 3, 2, 5, 8 };

/* A run with the row's words, with `given` as each array that is read (NULL:
 * generated data).  Returns the words of the first failure. */
static int rig_up(struct kernel_run *run, const struct kernel_row *row,
		  const struct rig_array *given)
{
	const struct rig_kernel *kernel;
	char words[256];
	int r;

	ck_assert_int_eq(rig_kernels_register(), 0);
	kernel = rig_kernel_find(row->kernel);
	ck_assert_msg(kernel, "no kernel %s", row->kernel);
	ck_assert_int_eq(kernel_run_init(run, kernel), 0);
	snprintf(words, sizeof(words), "%s", row->words);
	r = 0;
	for (char *save, *word = strtok_r(words, " ", &save); word && r == 0;
	     word = strtok_r(NULL, " ", &save))
		r = kernel_run_set(run, word);
	for (int i = 0; i < run->count && given; i++)
		if (kernel->arrays[i].role & RIG_INPUT &&
		    !kernel->arrays[i].optional)
			kernel_run_give(run, i, given, NULL, 0);
	return r == 0 ? kernel_run_check(run) : r;
}

static void must(int r, const struct kernel_run *run,
		 const struct kernel_row *row, int team)
{
	ck_assert_msg(r == 0, "%s %s, %d workers: %s", row->kernel, row->words,
		      team, run->why);
}

/* Make the kernel's arrays, and a pool for the kernel, which the caller
 * destroys. */
static struct rig_pool *make(struct kernel_run *run,
			     const struct kernel_row *row, int team)
{
	struct rig_pool *pool = NULL;

	run->limit_ns = UINT64_C(30000000000);
	must(rig_pool_create(&pool,
			     &(struct rig_pool_options){ .workers = team }),
	     run, row, team);
	must(kernel_run_make(run, pool), run, row, team);
	return pool;
}

static unsigned char *data_of(const struct kernel_run *run, int index)
{
	return rig_segment_data(run->arrays[index].segment);
}

/* The present answer is wrong, and verify must say so. */
static void must_be_wrong(struct kernel_run *run, const struct kernel_row *row,
			  int team, const char *what)
{
	if (kernel_run_has_inputs(run))
		must(kernel_run_digest(run, true), run, row, team);
	ck_assert_msg(kernel_run_verify(run) == -EBADMSG,
		      "%s %s, %d workers: verified, with %s item wrong",
		      row->kernel, row->words, team, what);
}

/* Turn two high bits: a number less than 2^9 becomes larger, any other number
 * becomes tiny, and none becomes infinite or NaN. */
static unsigned char spoiled(unsigned char high)
{
	return (high & 0x60) == 0x60 ? high & 0x9f : high | 0x60;
}

static bool is_judged_by_last(const char *kernel)
{
	for (size_t i = 0; i < sizeof(judged_by_last) / sizeof(char *); i++)
		if (strcmp(judged_by_last[i], kernel) == 0)
			return true;
	return false;
}

/* Spoil an item, then another. */
static void spoil_each(struct kernel_run *run, const struct kernel_row *row,
		       int team)
{
	static const char *const which[] = { "the first", "the middle",
					     "the last" };
	size_t count = kernel_run_array(run, row->answer)->count;
	size_t bytes = kernel_run_array(run, row->answer)->item_bytes;
	size_t items[] = { 0, count / 2, count - 1 };

	for (int i = is_judged_by_last(row->kernel) ? 2 : 0; i < 3 && count > 0;
	     i++) {
		unsigned char *high =
			data_of(run, row->answer) + (items[i] + 1) * bytes - 1;

		unsigned char right = *high;

		*high = spoiled(right);
		must_be_wrong(run, row, team, which[i]);
		*high = right;
	}
}

/* Change the least bit of an array that is only read: no answer tells. */
static void spoil_inputs(struct kernel_run *run, const struct kernel_row *row,
			 int team)
{
	const struct rig_array_spec *specs = run->kernel->arrays;

	for (int i = 0; i < run->count; i++) {
		if (specs[i].role != RIG_INPUT || !run->arrays[i].bytes)
			continue;
		*data_of(run, i) ^= 1;
		must_be_wrong(run, row, team, "an input's");
		*data_of(run, i) ^= 1;
	}
}

/* The bytes of the answer of a single team; the caller frees the bytes. */
static unsigned char *answer_of(const struct kernel_row *row, int team,
				size_t *bytes)
{
	struct rig_pool *pool;
	struct kernel_run run;
	unsigned char *answer;

	must(rig_up(&run, row, NULL), &run, row, team);
	pool = make(&run, row, team);
	must(kernel_run_prepare(&run), &run, row, team);
	must(kernel_run_run(&run), &run, row, team);
	must(kernel_run_verify(&run), &run, row, team);
	*bytes = run.arrays[row->answer].bytes;
	answer = malloc(*bytes + 1);
	memcpy(answer, data_of(&run, row->answer), *bytes);
	spoil_each(&run, row, team);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
	return answer;
}

void kernels_check_row(const struct kernel_row *row)
{
	unsigned char *first = NULL;
	size_t first_bytes = 0;

	const size_t count =
		harness_long() ? sizeof(teams) / sizeof(*teams) : 2;

	for (size_t t = 0; t < count; t++) {
		size_t bytes;
		unsigned char *answer = answer_of(row, teams[t], &bytes);

		if (!first) {
			first = answer;
			first_bytes = bytes;
			continue;
		}
		ck_assert_uint_eq(bytes, first_bytes);
		ck_assert_msg(memcmp(answer, first, bytes) == 0,
			      "%s %s: %d workers have another answer than one",
			      row->kernel, row->words, teams[t]);
		free(answer);
	}
	free(first);
}

void kernels_check_once(const struct kernel_row *row, int team)
{
	size_t bytes;

	free(answer_of(row, team, &bytes));
}

/* Bits of no meaning; of bool, 0 or 1. */
static void fill_bits(unsigned char *bytes, size_t count, bool bits)
{
	uint32_t state = 1;

	for (size_t i = 0; i < count; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(state >> 24);
		if (bits)
			bytes[i] &= 1;
	}
}

/* The unusual value of item i of `count`, or a usual value. */
static double special(double usual, size_t i, size_t count,
		      enum kernels_floats floats)
{
	if (floats == FLOATS_FINITE)
		return usual;
	if (floats == FLOATS_NAN && i >= count - count / 9 && i % 5 == 1)
		return i % 2 ? (double)NAN : -(double)NAN;
	if (i > count / 2 && i % 1000 == 7)
		return i < count - count / 4 ? INFINITY : -INFINITY;
	return i % 7 == 3    ? -0.0
	       : i % 11 == 5 ? copysign(0x1p-24, usual)
			     : usual;
}

/* -43 to 43, with any bits; denormals are as small in any dtype. */
static void fill_floats(void *items, size_t count, enum rig_dtype dtype,
			enum kernels_floats floats)
{
	any_uint16 *halves = items;
	any_float *singles = items;
	any_double *doubles = items;
	uint32_t state = 1;

	for (size_t i = 0; i < count; i++) {
		double x;

		state = state * 1664525 + 1013904223;
		x = special((int32_t)state * (0x1p-24 / 3), i, count, floats);
		if (dtype == RIG_FLOAT16)
			halves[i] = convert_float16_of(x);
		else if (dtype == RIG_FLOAT32)
			singles[i] = fabs(x) == 0x1p-24 ? (float)(x * 0x1p-120)
							: (float)x;
		else
			doubles[i] = fabs(x) == 0x1p-24 ? x * 0x1p-1045 : x;
	}
}

static void fill(struct kernel_run *run, enum kernels_floats floats)
{
	for (int i = 0; i < run->count; i++) {
		const struct rig_array *array = kernel_run_array(run, i);

		if (!run->arrays[i].given ||
		    !(run->kernel->arrays[i].role & RIG_INPUT))
			continue;
		if (array->dtype >= RIG_FLOAT16)
			fill_floats(data_of(run, i), array->count, array->dtype,
				    floats);
		else
			fill_bits(data_of(run, i), run->arrays[i].bytes,
				  array->dtype == RIG_BOOL);
	}
}

/* Rigged up, run, and verified. */
static struct rig_pool *run_given(struct kernel_run *run,
				  const struct kernel_row *row,
				  const char *dtype, size_t count, int team,
				  enum kernels_floats floats)
{
	struct rig_array given = { .count = count };
	struct rig_pool *pool;
	char why[WHY_BYTES];

	ck_assert_int_eq(dtype_parse(dtype, &given, why, sizeof(why)), 0);
	must(rig_up(run, row, &given), run, row, team);
	pool = make(run, row, team);
	fill(run, floats);
	must(kernel_run_digest(run, false), run, row, team);
	must(kernel_run_run(run), run, row, team);
	must(kernel_run_digest(run, true), run, row, team);
	must(kernel_run_verify(run), run, row, team);
	return pool;
}

void kernels_check_given(const struct kernel_row *row, const char *dtype,
			 size_t count, int team, enum kernels_floats floats)
{
	struct kernel_run run;
	struct rig_pool *pool =
		run_given(&run, row, dtype, count, team, floats);

	spoil_each(&run, row, team);
	spoil_inputs(&run, row, team);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}

void kernels_check_found(const struct kernel_row *row, const char *dtype,
			 size_t count, int team,
			 void (*spoil)(void *items, size_t count))
{
	struct kernel_run run;
	struct rig_pool *pool =
		run_given(&run, row, dtype, count, team, FLOATS_FINITE);

	spoil(data_of(&run, row->answer),
	      kernel_run_array(&run, row->answer)->count);
	must_be_wrong(&run, row, team, "more than one");
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}

void kernels_check_refused(const struct kernel_row *row)
{
	struct kernel_run run;

	ck_assert_msg(rig_up(&run, row, NULL) == -EINVAL,
		      "%s %s is not refused", row->kernel, row->words);
	ck_assert_msg(run.why[0], "%s %s: refused without a word", row->kernel,
		      row->words);
	kernel_run_finish(&run);
}
