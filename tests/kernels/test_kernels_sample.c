/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_sample.c - a proof by sample accepts a right result, and refuses
 * a result in which every block, or the last block, is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <runner/kernel_run.h>
#include <runner/block_sample.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define WORKERS 3
#define COUNT   40009

/* `spoiled` is an array that the test makes wrong. */
static const struct {
	const char *kernel, *words;
	enum rig_dtype dtype;
	int spoiled;
} rows[] = {
	{ "sum", "", RIG_FLOAT64, 1 },
	{ "sum", "", RIG_FLOAT64, 2 },
	{ "sum", "", RIG_FLOAT32, 2 },
	{ "sum", "", RIG_INT16, 1 },
	{ "sum", "", RIG_INT16, 2 },
	{ "min", "", RIG_FLOAT64, 1 },
	{ "min", "", RIG_FLOAT64, 2 },
	{ "max", "", RIG_INT32, 1 },
	{ "max", "", RIG_INT32, 2 },
	{ "norm", "", RIG_FLOAT64, 1 },
	{ "norm", "", RIG_FLOAT64, 2 },
	{ "norm", "", RIG_UINT8, 2 },
	{ "dot", "", RIG_FLOAT64, 2 },
	{ "dot", "", RIG_FLOAT64, 3 },
	{ "dot", "", RIG_INT64, 2 },
	{ "dot", "", RIG_INT64, 3 },
	{ "scan", "", RIG_FLOAT64, 0 },
	{ "scan", "kind=exclusive", RIG_FLOAT32, 0 },
	{ "scan", "", RIG_UINT64, 0 },
	{ "scan", "", RIG_FLOAT64, 1 },
	{ "reverse", "", RIG_FLOAT64, 0 },
	{ "reverse", "method=copy", RIG_UINT8, 0 },
	{ "reverse", "begin=40001", RIG_FLOAT32, 0 },
	{ "histogram", "low=-100 high=100 bins=7", RIG_FLOAT64, 1 },
	{ "mean", "", RIG_FLOAT64, 1 },
	{ "mean", "", RIG_INT32, 2 },
	{ "var", "", RIG_FLOAT64, 2 },
	{ "argmin", "", RIG_INT16, 2 },
	{ "argsort", "", RIG_FLOAT32, 1 },
	{ "cumprod", "", RIG_UINT64, 2 },
	{ "clip", "low=-10 high=10", RIG_FLOAT64, 0 },
};

/* The items of NumPy's arange(count) % 97 - 48. */
static void fill(char *at, enum rig_dtype dtype, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int value = (int)(i % 97) - 48;

		switch (dtype) {
		case RIG_FLOAT64:
			((double *)at)[i] = value;
			break;
		case RIG_FLOAT32:
			((float *)at)[i] = (float)value;
			break;
		case RIG_INT16:
			((int16_t *)at)[i] = (int16_t)value;
			break;
		case RIG_INT32:
			((int32_t *)at)[i] = value;
			break;
		case RIG_INT64:
		case RIG_UINT64:
			((int64_t *)at)[i] = value;
			break;
		default:
			((uint8_t *)at)[i] = (uint8_t)value;
		}
	}
}

static char *data_of(const struct kernel_run *run, int index)
{
	return rig_segment_data(run->arrays[index].segment);
}

/* The run of row i, with the input given and made. */
static void set_up(struct kernel_run *run, struct rig_pool *pool, int i)
{
	const struct rig_kernel *kernel = rig_kernel_find(rows[i].kernel);
	struct rig_array x = { .dtype = rows[i].dtype,
			       .item_bytes = rig_dtype_bytes(rows[i].dtype),
			       .count = COUNT,
			       .dims = 1,
			       .shape = { COUNT } };
	char words[64];

	ck_assert_int_eq(kernel_run_init(run, kernel), 0);
	snprintf(words, sizeof(words), "%s", rows[i].words);
	for (char *save, *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		ck_assert_msg(kernel_run_set(run, word) == 0, "%s", run->why);
	for (int a = 0; a < run->count; a++)
		if (kernel->arrays[a].role & RIG_INPUT &&
		    !kernel->arrays[a].optional)
			kernel_run_give(run, a, &x, NULL, 0);
	ck_assert_msg(kernel_run_check(run) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_make(run, pool) == 0, "%s", run->why);
	for (int a = 0; a < run->count; a++)
		if (run->arrays[a].given)
			fill(data_of(run, a), rows[i].dtype, COUNT);
}

START_TEST(what_is_right_is_taken_and_what_is_wrong_is_not)
{
	struct rig_pool *pool = NULL;
	struct block_sample sample = { 0 };
	struct kernel_run run;
	char *at;

	ck_assert_int_eq(rig_kernels_register(), 0);
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = WORKERS }),
			 0);
	set_up(&run, pool, _i);
	ck_assert(sample_possible(&run));
	ck_assert_msg(sample_begin(&sample, &run, 0) == 0, "%s", run.why);
	ck_assert_uint_ge(sample.covered, 1);
	ck_assert_uint_le(sample.covered, sample.blocks / 8 + 1);
	ck_assert_uint_gt(sample.seed, 0);
	ck_assert_msg(kernel_run_run(&run) == 0, "%s", run.why);
	ck_assert_msg(sample_prove(&sample, &run) == 0, "%s %s: %s",
		      rows[_i].kernel, rows[_i].words, run.why);
	at = data_of(&run, rows[_i].spoiled);
	for (size_t b = 0; b < run.arrays[rows[_i].spoiled].bytes; b++)
		at[b] ^= 0x21;
	ck_assert_msg(sample_prove(&sample, &run) == -EBADMSG,
		      "%s %s: taken with array %d wrong", rows[_i].kernel,
		      rows[_i].words, rows[_i].spoiled);
	sample_end(&sample);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

/* Nothing else is sampled twice, and the last block always is. */
START_TEST(a_sample_that_is_all_of_few_blocks)
{
	struct rig_pool *pool = NULL;
	struct block_sample sample = { 0 };
	struct kernel_run run;

	ck_assert_int_eq(rig_kernels_register(), 0);
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = WORKERS }),
			 0);
	set_up(&run, pool, 1);
	for (uint64_t seed = 1; seed < 20; seed++) {
		ck_assert_int_eq(sample_begin(&sample, &run, seed), 0);
		ck_assert_int_eq(kernel_run_run(&run), 0);
		ck_assert_int_eq(sample_prove(&sample, &run), 0);
		*data_of(&run, 2) ^= 1;
		data_of(&run, 2)[7] ^= 0x40;
		ck_assert_int_eq(sample_prove(&sample, &run), -EBADMSG);
		sample_end(&sample);
	}
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: sample");
	TCase *tcase = make_tcase("proofs by blocks", 60);

	tcase_add_loop_test(tcase,
			    what_is_right_is_taken_and_what_is_wrong_is_not, 0,
			    sizeof(rows) / sizeof(*rows));
	tcase_add_test(tcase, a_sample_that_is_all_of_few_blocks);
	suite_add_tcase(suite, tcase);
	return suite;
}
