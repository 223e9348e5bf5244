/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_library.c - librunrig-kernels in the hands of another program:
 * kernels on the caller's own memory, on segments and on files.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/kernels.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define WORKERS 3
#define COUNT   10007

static struct rig_pool *pool;
static struct rig_outcome *outcome;
static double x[COUNT];
static const int64_t shape[] = { COUNT };

static void setup(void)
{
	ck_assert_int_eq(rig_kernels_register(), 0);
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = WORKERS }),
			 0);
	for (int i = 0; i < COUNT; i++)
		x[i] = (double)((i * 7919L) % COUNT);
}

static void teardown(void)
{
	rig_outcome_free(outcome);
	outcome = NULL;
	rig_pool_destroy(pool);
}

static const struct rig_operand own = {
	.data = x, .dtype = RIG_FLOAT64, .dims = 1, .shape = shape
};

static int run(const char *kernel, const struct rig_operand *operands,
	       size_t count, const struct rig_setting *settings,
	       enum rig_verify verify)
{
	rig_outcome_free(outcome);
	return rig_kernel_run(pool,
			      &(struct rig_spec){ .kernel = kernel,
						  .operands = operands,
						  .operand_count = count,
						  .settings = settings,
						  .verify = verify,
						  .seed = 7 },
			      &outcome);
}

static void must(int r)
{
	ck_assert_msg(r == 0, "%s", rig_why());
}

START_TEST(private_memory_is_sorted_in_place)
{
	must(run("sort", &own, 1, NULL, (enum rig_verify)_i));
	for (int i = 0; i < COUNT; i++)
		ck_assert_double_eq(x[i], i);
	ck_assert_int_eq(outcome->verified, _i != RIG_VERIFY_NONE);
	ck_assert_int_eq(outcome->runs, 1);
	ck_assert_int_eq(outcome->arrays[0].role, RIG_INOUT);
	ck_assert_int_eq(outcome->arrays[0].dims, 1);
	ck_assert_int_eq(outcome->arrays[0].shape[0], COUNT);
}
END_TEST

START_TEST(an_input_stays_as_it_is_and_its_sum_is_a_number)
{
	double before[COUNT];
	struct rig_number sum;

	memcpy(before, x, sizeof(x));
	must(run("sum", &own, 1, NULL, RIG_VERIFY_SAMPLE));
	must(rig_outcome_get(outcome, "sum", &sum));
	ck_assert_double_eq(sum.real, (double)COUNT * (COUNT - 1) / 2);
	ck_assert_mem_eq(before, x, sizeof(x));
	ck_assert_int_eq(rig_outcome_get(outcome, "su", &sum), -ENOENT);
	ck_assert_int_eq(rig_outcome_get(outcome, "sum = 5", &sum), -ENOENT);
	/* A total for each chunk, and the total of all chunks. */
	ck_assert_uint_eq(outcome->blocks, 11);
	ck_assert_uint_ge(outcome->covered, 1);
	ck_assert_uint_le(outcome->covered, outcome->blocks / 8 + 1);
	ck_assert_uint_eq(outcome->seed, 7);
}
END_TEST

START_TEST(whole_numbers_beyond_a_double_are_exact)
{
	static const int64_t whole[] = { INT64_MAX - 5, 2, 1 };
	static const uint64_t natural[] = { UINT64_MAX - 5, 2, 1 };
	const int64_t three[] = { 3 };
	struct rig_operand operand = { .data = (void *)(uintptr_t)whole,
				       .dtype = RIG_INT64,
				       .dims = 1,
				       .shape = three };
	struct rig_number sum;

	must(run("sum", &operand, 1, NULL, RIG_VERIFY_FULL));
	must(rig_outcome_get(outcome, "sum", &sum));
	ck_assert_int_eq(sum.kind, RIG_NUMBER_INT);
	ck_assert(sum.integer == INT64_MAX - 2);
	operand.data = (void *)(uintptr_t)natural;
	operand.dtype = RIG_UINT64;
	must(run("sum", &operand, 1, NULL, RIG_VERIFY_FULL));
	must(rig_outcome_get(outcome, "sum", &sum));
	ck_assert_int_eq(sum.kind, RIG_NUMBER_UINT);
	ck_assert(sum.natural == UINT64_MAX - 2);
}
END_TEST

START_TEST(any_bit_makes_a_bool_true)
{
	unsigned char bools[] = { 2, 255, 0, 1, 128 };
	const int64_t five[] = { 5 };
	struct rig_operand operand = {
		.data = bools, .dtype = RIG_BOOL, .dims = 1, .shape = five
	};
	struct rig_number sum;

	must(run("sum", &operand, 1, NULL, RIG_VERIFY_FULL));
	must(rig_outcome_get(outcome, "sum", &sum));
	ck_assert_int_eq(sum.integer, 4);
	must(run("norm", &operand, 1, NULL, RIG_VERIFY_FULL));
	must(rig_outcome_get(outcome, "norm", &sum));
	ck_assert_double_eq(sum.real, 2);
}
END_TEST

/* Rows of a transposed, and of a reversed matrix. */
START_TEST(strides_of_either_sign_are_followed)
{
	enum { ROWS = 61, COLUMNS = 163 };
	const int64_t sides[] = { COLUMNS, ROWS };
	const int64_t across[] = { 8, 8 * COLUMNS };
	const int64_t back[] = { -8, -8 * COLUMNS };
	double matrix[ROWS * COLUMNS], y[COLUMNS], vector[ROWS];
	struct rig_operand operands[] = {
		{ .data = matrix,
		  .dtype = RIG_FLOAT64,
		  .dims = 2,
		  .shape = sides,
		  .strides = across },
		{ .data = vector,
		  .dtype = RIG_FLOAT64,
		  .dims = 1,
		  .shape = sides + 1 },
		{ .data = y, .dtype = RIG_FLOAT64, .dims = 1, .shape = sides },
	};

	for (int i = 0; i < ROWS * COLUMNS; i++)
		matrix[i] = i;
	memset(vector, 0, sizeof(vector));
	vector[5] = 1;
	must(run("matvec", operands, 3, NULL, RIG_VERIFY_FULL));
	for (int c = 0; c < COLUMNS; c++)
		ck_assert_double_eq(y[c], matrix[5 * COLUMNS + c]);
	operands[0].data = matrix + ROWS * COLUMNS - 1;
	operands[0].strides = back;
	must(run("matvec", operands, 3, NULL, RIG_VERIFY_SAMPLE));
	for (int c = 0; c < COLUMNS; c++)
		ck_assert_double_eq(
			y[c], matrix[ROWS * COLUMNS - 1 - 5 * COLUMNS - c]);
	/* Written elements go where the strides say. */
	memcpy(x, matrix, sizeof(matrix));
	operands[0].data = x;
	operands[0].strides = across;
	must(run("reverse", operands, 1, NULL, RIG_VERIFY_FULL));
	ck_assert_double_eq(x[0], matrix[ROWS * COLUMNS - 1]);
	ck_assert_double_eq(x[1], matrix[ROWS * COLUMNS - 2]);
}
END_TEST

START_TEST(segments_are_used_in_place)
{
	struct rig_segment *segment = NULL;
	struct rig_operand operand = { .name = "x", .dtype = RIG_FLOAT64 };
	double *data;

	must(rig_segment_create(&segment, NULL, sizeof(x), NULL));
	data = rig_segment_data(segment);
	memcpy(data, x, sizeof(x));
	operand.segment = rig_segment_name(segment);
	must(run("sort", &operand, 1, NULL, RIG_VERIFY_SAMPLE));
	for (int i = 0; i < COUNT; i++)
		ck_assert_double_eq(data[i], i);
	ck_assert_int_eq(outcome->arrays[0].made, false);
	operand.offset = 8;
	operand.shape = (const int64_t[]){ 2 };
	operand.dims = 1;
	must(run("reverse", &operand, 1, NULL, RIG_VERIFY_FULL));
	ck_assert_double_eq(data[0], 0);
	ck_assert_double_eq(data[1], 2);
	ck_assert_double_eq(data[2], 1);
	ck_assert_double_eq(data[3], 3);
	rig_segment_destroy(segment);
}
END_TEST

/* Doubles under a name that the pool does not know yet. */
static struct rig_segment *lay_out(const char *name, double first)
{
	struct rig_segment *segment = NULL;
	double *data;

	must(rig_segment_create(&segment, name, sizeof(x), NULL));
	data = rig_segment_data(segment);
	for (int i = 0; i < COUNT; i++)
		data[i] = first + i;
	return segment;
}

/* Segments of a call serve the next call, and nothing else stays. */
START_TEST(calls_that_follow_see_the_data_of_their_own)
{
	static const char *const kernels[] = { "sum", "min", "norm", "scan",
					       "sort" };
	struct rig_segment *segment = NULL;
	struct rig_operand operand = { .dtype = RIG_FLOAT64 };
	struct rig_number number;
	char name[RIG_NAME_MAX + 1];
	const double *data;

	segment = lay_out(NULL, 0);
	strcpy(name, rig_segment_name(segment));
	operand.segment = name;
	for (int round = 0; round < 3; round++) {
		must(run("min", &operand, 1, NULL, RIG_VERIFY_FULL));
		must(rig_outcome_get(outcome, "min", &number));
		ck_assert_double_eq(number.real, round);
		/* Another segment has the name from now on. */
		rig_segment_destroy(segment);
		segment = lay_out(name, round + 1);
	}
	for (int round = 0; round < 10; round++)
		must(run(kernels[round % 5], &operand, 1, NULL,
			 RIG_VERIFY_FULL));
	data = rig_segment_data(segment);
	for (int i = 1; i < COUNT; i++)
		ck_assert_double_le(data[i - 1], data[i]);
	rig_segment_destroy(segment);
	ck_assert_int_eq(run("min", &operand, 1, NULL, RIG_VERIFY_NONE),
			 -ENOENT);
}
END_TEST

static void count_calls(void *arg)
{
	++*(int *)arg;
}

START_TEST(a_pool_says_that_it_is_destroyed)
{
	int calls = 0;

	must(rig_pool_at_destroy(pool, count_calls, &calls));
	must(rig_pool_at_destroy(pool, count_calls, &calls));
	ck_assert_int_eq(rig_pool_at_destroy(pool, NULL, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_at_destroy(NULL, count_calls, &calls),
			 -EINVAL);
	must(run("sort", &own, 1, NULL, RIG_VERIFY_NONE));
	ck_assert_int_eq(calls, 0);
	rig_pool_destroy(pool);
	pool = NULL;
	ck_assert_int_eq(calls, 2);
	/* The outcome's memory is freed all the same. */
	rig_outcome_free(outcome);
	outcome = NULL;
}
END_TEST

START_TEST(settings_are_text_or_typed)
{
	const struct rig_setting settings[] = {
		{ .name = "bins", .text = "5" },
		{ .name = "low", .kind = RIG_SETTING_REAL, .real = 0 },
		{ .name = "high", .kind = RIG_SETTING_INT, .integer = COUNT },
		{ 0 },
	};
	char text[40];
	int64_t five[] = { 5 };
	uint64_t counts[5], all = 0;
	struct rig_operand operands[] = {
		own,
		{ .data = counts,
		  .dtype = RIG_UINT64,
		  .dims = 1,
		  .shape = five },
	};

	must(run("histogram", operands, 2, settings, RIG_VERIFY_SAMPLE));
	for (int b = 0; b < 5; b++)
		all += counts[b];
	ck_assert_uint_eq(all, COUNT);
	ck_assert_int_eq(rig_outcome_setting(outcome, 1, text, sizeof(text)),
			 1);
	ck_assert_str_eq(text, "5");
}
END_TEST

START_TEST(a_check_tells_what_a_run_would_make)
{
	struct rig_spec spec = { .kernel = "sum",
				 .operands = &own,
				 .operand_count = 1 };

	must(rig_kernel_check(&spec, &outcome));
	ck_assert_str_eq(outcome->arrays[2].name, "result");
	ck_assert_int_eq(outcome->arrays[2].array.dtype, RIG_FLOAT64);
	ck_assert_uint_eq(outcome->arrays[2].array.count, 1);
	ck_assert_int_eq(outcome->runs, 0);
	ck_assert_ptr_null(outcome->arrays[0].segment);
}
END_TEST

START_TEST(runs_are_repeated_for_their_times_alone)
{
	must(rig_kernel_run(pool,
			    &(struct rig_spec){ .kernel = "reverse",
						.operands = &own,
						.operand_count = 1,
						.repeat = 4 },
			    &outcome));
	ck_assert_int_eq(outcome->runs, 4);
	ck_assert_double_eq(x[COUNT - 1], 0);
}
END_TEST

/* A senseless specification, and a word of the refusal. */
static const struct {
	const char *kernel;
	struct rig_operand operand;
	struct rig_setting settings[3];
	int code;
	const char *word;
} bad[] = {
	{ .kernel = "none", .code = -ENOENT, .word = "\"none\"" },
	{ .kernel = NULL, .code = -EINVAL, .word = "names no kernel" },
	{ .kernel = "sort",
	  .operand = { .data = x, .dtype = RIG_FLOAT64 },
	  .code = -EINVAL,
	  .word = "needs a shape" },
	{ .kernel = "sort",
	  .operand = { .data = x, .dims = 1, .shape = shape },
	  .code = -EINVAL,
	  .word = "dtype" },
	{ .kernel = "sort",
	  .operand = { .data = x, .file = "x", .dims = 1, .shape = shape },
	  .code = -EINVAL,
	  .word = "one of them" },
	{ .kernel = "sort",
	  .operand = { .name = "counts", .data = x },
	  .code = -EINVAL,
	  .word = "scratch" },
	{ .kernel = "sort",
	  .operand = { .name = "y", .data = x },
	  .code = -EINVAL,
	  .word = "no array \"y\"" },
	{ .kernel = "sum",
	  .operand = { .output = "x.npy" },
	  .code = -EINVAL,
	  .word = "no output" },
	{ .kernel = "sort",
	  .operand = { .data = x, .reserved = { 0, 1 } },
	  .code = -EINVAL,
	  .word = "reserved" },
	{ .kernel = "sort",
	  .operand = { .data = x,
		       .dtype = RIG_FLOAT64,
		       .dims = 1,
		       .shape = shape,
		       .strides = (const int64_t[]){ 0 } },
	  .code = -EINVAL,
	  .word = "stride" },
	{ .kernel = "sort",
	  .operand = { .data = x,
		       .dtype = RIG_FLOAT64,
		       .dims = 1,
		       .shape = (const int64_t[]){ -1 } },
	  .code = -EINVAL,
	  .word = "-1" },
	{ .kernel = "sort",
	  .operand = { .segment = "no/name", .dtype = RIG_FLOAT64 },
	  .code = -EINVAL,
	  .word = "no/name" },
	{ .kernel = "sort",
	  .operand = { .file = "/none.npy" },
	  .code = -ENOENT,
	  .word = "/none.npy" },
	{ .kernel = "sort",
	  .settings = { { .name = "seed", .text = "x" } },
	  .code = -EINVAL,
	  .word = "seed=x" },
	{ .kernel = "sort",
	  .settings = { { .name = "seed" } },
	  .code = -EINVAL,
	  .word = "give it a value" },
	{ .kernel = "sort",
	  .settings = { { .name = "seed", .text = "1" },
			{ .name = "seed", .text = "1" } },
	  .code = -EINVAL,
	  .word = "twice" },
};

START_TEST(what_is_wrong_is_said)
{
	const struct rig_operand *operand = &bad[_i].operand;
	bool any = operand->data || operand->file || operand->segment ||
		   operand->output;
	double before[COUNT];
	int r;

	memcpy(before, x, sizeof(x));
	r = run(bad[_i].kernel, operand, any, bad[_i].settings,
		RIG_VERIFY_FULL);
	ck_assert_msg(r == bad[_i].code, "%d: %s", r, rig_why());
	ck_assert_msg(strstr(rig_why(), bad[_i].word), "%s", rig_why());
	ck_assert_ptr_null(outcome);
	ck_assert_mem_eq(before, x, sizeof(x));
}
END_TEST

START_TEST(a_run_that_fails_has_an_outcome)
{
	const int64_t three[] = { 3 };
	struct rig_operand operand = { .data = x,
				       .dtype = RIG_FLOAT64,
				       .dims = 1,
				       .shape = three,
				       .output = "/nowhere/x.npy" };

	ck_assert_int_eq(run("sort", &operand, 1, NULL, RIG_VERIFY_FULL),
			 -ENOENT);
	ck_assert_ptr_nonnull(outcome);
	ck_assert_int_eq(outcome->code, -ENOENT);
	ck_assert_int_eq(outcome->started, false);
	ck_assert_int_eq(outcome->runs, 0);
}
END_TEST

/* A .npy file of x, whose elements begin at byte `header`. */
static void save_x(char path[40], size_t header)
{
	char text[256];
	FILE *file;
	int fd;

	strcpy(path, "/dev/shm/library-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	memset(text, ' ', sizeof(text));
	memcpy(text, "\x93NUMPY\1\0", 8);
	text[8] = (char)(header - 10);
	text[9] = 0;
	snprintf(text + 10, sizeof(text) - 10,
		 "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }",
		 COUNT);
	text[10 + strlen(text + 10)] = ' ';
	text[header - 1] = '\n';
	file = fdopen(fd, "w");
	ck_assert_uint_eq(fwrite(text, 1, header, file), header);
	ck_assert_uint_eq(fwrite(x, sizeof(*x), COUNT, file), COUNT);
	ck_assert_int_eq(fclose(file), 0);
}

/* Where elements are aligned, and where not. */
START_TEST(a_file_is_read_where_it_lies)
{
	struct rig_operand operands[2] = { { .file = "" } };
	size_t headers[] = { 128, 101 };
	struct rig_number number;
	char path[40];

	save_x(path, headers[_i]);
	operands[0].file = path;
	must(run("sum", operands, 1, NULL, RIG_VERIFY_FULL));
	must(rig_outcome_get(outcome, "sum", &number));
	ck_assert_double_eq(number.real, (double)COUNT * (COUNT - 1) / 2);
	ck_assert_int_eq(outcome->arrays[0].made, false);
	ck_assert_uint_eq(outcome->arrays[0].offset, headers[_i]);
	/* A kernel that writes the array works on a copy. */
	must(run("sort", operands, 1, NULL, RIG_VERIFY_FULL));
	ck_assert_int_eq(outcome->arrays[0].made, true);
	must(run("min", operands, 1, NULL, RIG_VERIFY_SAMPLE));
	must(rig_outcome_get(outcome, "min", &number));
	ck_assert_double_eq(number.real, 0);
	unlink(path);
}
END_TEST

static void cut(void *path, enum rig_phase phase,
		const struct rig_outcome *unused)
{
	(void)unused;
	if (phase == RIG_PHASE_RUNNING)
		ck_assert_int_eq(truncate(path, 128), 0);
}

START_TEST(a_file_that_shrinks_is_a_report)
{
	struct rig_operand operand = { .file = "" };
	struct rig_number number;
	char path[40];

	save_x(path, 128);
	operand.file = path;
	ck_assert_int_eq(
		rig_kernel_run(pool,
			       &(struct rig_spec){ .kernel = "sum",
						   .operands = &operand,
						   .operand_count = 1,
						   .phase = cut,
						   .phase_arg = path },
			       &outcome),
		-EOWNERDEAD);
	ck_assert_msg(strstr(rig_pool_report(pool)->text, "SIGBUS"), "%s",
		      rig_pool_report(pool)->text);
	ck_assert_int_eq(outcome->started, true);
	/* The pool has a fresh team. */
	must(run("sum", &own, 1, NULL, RIG_VERIFY_NONE));
	must(rig_outcome_get(outcome, "sum", &number));
	unlink(path);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: library");
	TCase *tcase = make_tcase("a program's own", 60);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, private_memory_is_sorted_in_place,
			    RIG_VERIFY_NONE, RIG_VERIFY_FULL + 1);
	tcase_add_test(tcase, an_input_stays_as_it_is_and_its_sum_is_a_number);
	tcase_add_test(tcase, whole_numbers_beyond_a_double_are_exact);
	tcase_add_test(tcase, any_bit_makes_a_bool_true);
	tcase_add_test(tcase, strides_of_either_sign_are_followed);
	tcase_add_test(tcase, segments_are_used_in_place);
	tcase_add_test(tcase, calls_that_follow_see_the_data_of_their_own);
	tcase_add_test(tcase, a_pool_says_that_it_is_destroyed);
	tcase_add_test(tcase, settings_are_text_or_typed);
	tcase_add_test(tcase, a_check_tells_what_a_run_would_make);
	tcase_add_test(tcase, runs_are_repeated_for_their_times_alone);
	tcase_add_loop_test(tcase, what_is_wrong_is_said, 0,
			    sizeof(bad) / sizeof(*bad));
	tcase_add_test(tcase, a_run_that_fails_has_an_outcome);
	tcase_add_loop_test(tcase, a_file_is_read_where_it_lies, 0, 2);
	tcase_add_test(tcase, a_file_that_shrinks_is_a_report);
	suite_add_tcase(suite, tcase);
	return suite;
}
