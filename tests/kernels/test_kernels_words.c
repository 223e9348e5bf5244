/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_words.c - the words that a user types: numbers, dtypes,
 * parameters; and malformed kernels.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <runner/contract.h>
#include <runner/dtype.h>
#include <common/number.h>
#include <runner/kernel_run.h>

/* ---- numbers ---- */

static const struct {
	const char *text;
	int r;
	size_t value;
} sizes[] = {
	{ "0", 0, 0 },
	{ "17", 0, 17 },
	{ "40M", 0, 40000000 },
	{ "40Mi", 0, (size_t)40 << 20 },
	{ "64Ki", 0, 65536 },
	{ "2k", 0, 2000 },
	{ "2K", 0, 2000 },
	{ "15E", 0, UINT64_C(15000000000000000000) },
	{ "18446744073709551615", 0, SIZE_MAX },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "19E", -ERANGE, 0 },
	{ "16Ei", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "M", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", 0, 1 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1.5M", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "1e3", 0, 1000 },
	{ "1E+3", 0, 1000 },
	{ "2.5e3", 0, 2500 },
	{ "2500e-2", 0, 25 },
	{ "0e99", 0, 0 },
	{ "18446744073709551615e0", 0, UINT64_MAX },
	{ "1e20", -ERANGE, 0 },
	{ "1e99999999999999999999", -ERANGE, 0 },
	{ "2.5e0", -EINVAL, 0 },
	{ "25e-1", -EINVAL, 0 },
	{ "1e", -EINVAL, 0 },
	{ "1e+", -EINVAL, 0 },
	{ "1e3K", -EINVAL, 0 },
	{ "1.", -EINVAL, 0 },
	{ "1.2.3e4", -EINVAL, 0 },
	{ "1m", -EINVAL, 0 },
	{ "1Mib", -EINVAL, 0 },
	{ "1MM", -EINVAL, 0 },
	{ "1i", -EINVAL, 0 },
};

START_TEST(sizes_are_read_strictly)
{
	size_t value = 99;

	ck_assert_int_eq(number_size(sizes[_i].text, &value), sizes[_i].r);
	ck_assert_uint_eq(value, sizes[_i].r ? 99 : sizes[_i].value);
}
END_TEST

START_TEST(ints_have_signs)
{
	int64_t value = 99;

	ck_assert_int_eq(number_int("-9223372036854775808", &value), 0);
	ck_assert(value == INT64_MIN);
	ck_assert_int_eq(number_int("+9223372036854775807", &value), 0);
	ck_assert(value == INT64_MAX);
	ck_assert_int_eq(number_int("-2Ki", &value), 0);
	ck_assert_int_eq(value, -2048);
	ck_assert_int_eq(number_int("9223372036854775808", &value), -ERANGE);
	ck_assert_int_eq(number_int("-9223372036854775809", &value), -ERANGE);
	ck_assert_int_eq(number_int("--1", &value), -EINVAL);
	ck_assert_int_eq(number_int("-", &value), -EINVAL);
	ck_assert_int_eq(value, -2048);
}
END_TEST

START_TEST(reals_are_finite_decimals)
{
	static const char *const wrong[] = { "",   "nan", "inf",  "-inf",
					     " 1", "1 ",  "0x1p", "e5",
					     ".",  "1,5", "1.5x" };
	double value = 99;

	ck_assert_int_eq(number_real("-2.5e-1", &value), 0);
	ck_assert_double_eq(value, -0.25);
	ck_assert_int_eq(number_real(".5", &value), 0);
	ck_assert_double_eq(value, 0.5);
	ck_assert_int_eq(number_real("1e999", &value), -ERANGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(number_real(wrong[i], &value) == -EINVAL,
			      "\"%s\" is taken for a number", wrong[i]);
	ck_assert_double_eq(value, 0.5);
}
END_TEST

/* ---- dtypes ---- */

START_TEST(every_dtype_by_name_and_by_both_codes)
{
	struct rig_array array, again;
	char why[WHY_BYTES], code[RIG_DTYPE_CODE_BYTES];

	for (int d = RIG_BOOL; d <= RIG_COMPLEX256; d++) {
		enum rig_dtype dtype = (enum rig_dtype)d;

		ck_assert_int_eq(dtype_parse(rig_dtype_name(dtype), &array, why,
					     sizeof(why)),
				 0);
		ck_assert_uint_eq(array.dtype, dtype);
		ck_assert_uint_eq(array.item_bytes, rig_dtype_bytes(dtype));
		ck_assert_uint_eq(array.swapped, 0);
		for (uint32_t swapped = 0; swapped < 2; swapped++) {
			if (array.item_bytes == 1 && swapped)
				continue;
			array.swapped = swapped;
			ck_assert_int_eq(
				dtype_parse(rig_dtype_code(&array, code),
					    &again, why, sizeof(why)),
				0);
			ck_assert_uint_eq(again.dtype, dtype);
			ck_assert_uint_eq(again.swapped, swapped);
		}
	}
}
END_TEST

START_TEST(words_of_two_meanings_are_refused_with_both)
{
	static const char *const words[][3] = {
		{ "i8", "int8", "int64" },
		{ "u8", "uint8", "uint64" },
		{ "f16", "float16", "float128" },
		{ "c64", "complex64", "complex64" },
		{ "c128", "complex128", "complex128" },
		{ "f32", "float32", "float32" },
		{ "i4", "int32", "int32" },
	};
	struct rig_array array;
	char why[WHY_BYTES];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_int_eq(
			dtype_parse(words[i][0], &array, why, sizeof(why)),
			-EINVAL);
		ck_assert_msg(strstr(why, words[i][1]), "%s", why);
		ck_assert_msg(strstr(why, words[i][2]), "%s", why);
	}
}
END_TEST

START_TEST(what_is_no_dtype_is_refused)
{
	static const char *const words[] = { "",       "<",    "f8",   "<f",
					     "<f3",    "|f8",  "<f8 ", "<O8",
					     "float",  "none", "<i16", "<b2",
					     "<f00008" };
	struct rig_array array;
	char why[WHY_BYTES];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		why[0] = 0;
		ck_assert_int_eq(
			dtype_parse(words[i], &array, why, sizeof(why)),
			-EINVAL);
		ck_assert(why[0]);
	}
}
END_TEST

/* ---- parameters ---- */

struct all_args {
	struct rig_kernel_args header;
	size_t size;
	int64_t integer;
	double real;
	uint32_t choice;
	uint32_t after;
	char text[RIG_TEXT_BYTES];
};

static uint64_t none(const void *args)
{
	(void)args;
	return 0;
}

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

static const struct rig_param all_params[] = {
	{ .name = "size",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct all_args, size),
	  .fallback = "all",
	  .min = 1,
	  .max = 1000 },
	{ .name = "integer",
	  .kind = RIG_PARAM_INT,
	  .offset = offsetof(struct all_args, integer),
	  .fallback = "-3",
	  .min = -10,
	  .max = 10 },
	{ .name = "real",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct all_args, real),
	  .fallback = "0.1",
	  .min = -1,
	  .max = 1 },
	{ .name = "choice",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct all_args, choice),
	  .fallback = "three",
	  .choices = "one two three" },
	{ .name = "text",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct all_args, text),
	  .fallback = "any text" },
	{ 0 },
};

static const struct rig_array_spec arrays[] = {
	{ .name = "x", .role = RIG_SCRATCH, .dtype = RIG_INT8, .count = none },
	{ 0 },
};

static const struct rig_kernel all = {
	.version = RIG_KERNEL_VERSION,
	.name = "all",
	.params = all_params,
	.arrays = arrays,
	.args_bytes = sizeof(struct all_args),
	.run = nothing,
};

START_TEST(parameters_have_defaults_and_are_shown_as_typed)
{
	static const char *const shown[] = { "all", "-3", "0.1", "three",
					     "any text" };
	struct all_args args;
	char why[WHY_BYTES], text[40];

	ck_assert_int_eq(arguments_default(&all, &args, why), 0);
	ck_assert(args.size == SIZE_MAX);
	ck_assert_int_eq(args.integer, -3);
	ck_assert_double_eq(args.real, 0.1);
	ck_assert_uint_eq(args.choice, 2);
	ck_assert_uint_eq(args.after, 0);
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(arguments_show(&all_params[i], &args, text,
						sizeof(text)),
				 shown[i]);
}
END_TEST

#define LONG_TEXT                                                              \
	"0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *word;
	const char *why; /* NULL: taken */
} given[] = {
	{ "size=1", NULL },
	{ "size=1k", NULL },
	{ "size=all", NULL },
	{ "size=0", "1 to 1000" },
	{ "size=1001", "1 to 1000" },
	{ "size=-1", "1 to 1000" },
	{ "size=none", "is not a size" },
	{ "size=", "is not a size" },
	{ "integer=-10", NULL },
	{ "integer=-11", "-10 to 10" },
	{ "integer=1.5", "is not a whole number" },
	{ "real=1", NULL },
	{ "real=1.0001", "-1 to 1" },
	{ "real=nan", "is not a number" },
	{ "choice=one", NULL },
	{ "choice=", "one two three" },
	{ "choice=on", "one two three" },
	{ "choice=one two", "one two three" },
	{ "choice", "choice=three" },
	{ "text=", NULL },
	{ "text=a b=c", NULL },
	{ "text=a\nb", "cannot be printed" },
	{ "text=" LONG_TEXT LONG_TEXT, "127 bytes" },
	{ "choices=one", "size, integer, real, choice, text" },
	{ "=3", "size, integer, real, choice, text" },
	{ "", "size, integer, real, choice, text" },
};

START_TEST(a_wrong_parameter_is_told_the_right_ones)
{
	struct all_args args, before;
	char why[WHY_BYTES];
	int r;

	ck_assert_int_eq(arguments_default(&all, &args, why), 0);
	memcpy(&before, &args, sizeof(args));
	r = arguments_set(&all, &args, given[_i].word, why);
	if (!given[_i].why) {
		ck_assert_int_eq(r, 0);
		return;
	}
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_msg(strstr(why, given[_i].why), "%s", why);
	ck_assert_mem_eq(&args, &before, sizeof(args));
}
END_TEST

/* A fault in `all`, and a word of the refusal. */
static struct rig_kernel bad;
static struct rig_param bad_params[3];
static struct rig_array_spec bad_arrays[RIG_ARRAYS_MAX + 2];

static void no_name(void)
{
	bad.name = NULL;
}

static void bad_name(void)
{
	bad.name = "two\nlines";
}

static void long_name(void)
{
	bad.name =
		"a-name-of-more-than-sixty-bytes-which-nobody-wants-to-see-in"
		"-a-line";
}

static void no_run(void)
{
	bad.run = NULL;
}

static void no_array(void)
{
	bad_arrays[0].name = NULL;
}

static void few_args(void)
{
	bad.args_bytes = sizeof(struct rig_kernel_args) - 1;
}

static void many_args(void)
{
	bad.args_bytes = RIG_ARGS_MAX;
}

static void field_beyond(void)
{
	bad.args_bytes = bad_params[0].offset + 1;
}

static void field_in_header(void)
{
	bad_params[0].offset = 8;
}

static void no_kind(void)
{
	bad_params[0].kind = (enum rig_param_kind)5;
}

static void no_fallback(void)
{
	bad_params[0].fallback = NULL;
}

static void bad_fallback(void)
{
	bad_params[0].fallback = "nonsense";
	bad_params[0].kind = RIG_PARAM_INT;
}

static void no_choices(void)
{
	bad_params[0].kind = RIG_PARAM_CHOICE;
	bad_params[0].choices = NULL;
}

static void bad_param_name(void)
{
	bad_params[0].name = "a=b";
}

static void param_twice(void)
{
	bad_params[1] = bad_params[0];
}

static void no_dtype(void)
{
	bad_arrays[0].dtype = (enum rig_dtype)99;
}

static void dtype_none(void)
{
	bad_arrays[0].dtype = RIG_DTYPE_NONE;
}

static void bad_array_name(void)
{
	bad_arrays[0].name = "";
}

static void array_twice(void)
{
	bad_arrays[1] = bad_arrays[0];
}

static void lines_of_summary(void)
{
	bad.summary = "one\nand another";
}

static void item_of_nothing(void)
{
	bad.item = "keys";
}

static void another_version(void)
{
	bad.version++;
}

static void no_role(void)
{
	bad_arrays[0].role = (enum rig_array_role)4;
}

static void seventeen_arrays(void)
{
	static char names[RIG_ARRAYS_MAX + 1][4];

	for (int i = 0; i <= RIG_ARRAYS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "a%d", i);
		bad_arrays[i] = bad_arrays[0];
		bad_arrays[i].name = names[i];
	}
}

static uint64_t no_blocks(const void *args)
{
	(void)args;
	return 0;
}

static struct rig_span no_span(const void *args, uint64_t block)
{
	(void)args;
	(void)block;
	return (struct rig_span){ 0, 0 };
}

static void blocks_without_proof(void)
{
	bad.blocks = no_blocks;
}

static void keeps_without_blocks(void)
{
	bad.keeps = no_span;
}

static void reserved_used(void)
{
	bad.reserved[sizeof(bad.reserved) / sizeof(*bad.reserved) - 1] = 1;
}

static const struct {
	void (*break_it)(void);
	const char *why;
} breaks[] = {
	{ no_name, "no name" },
	{ bad_name, "name of the kernel" },
	{ long_name, "1 to 60" },
	{ no_run, "no run" },
	{ no_array, "no array" },
	{ few_args, "bytes of arguments" },
	{ many_args, "bytes of arguments" },
	{ field_beyond, "no field" },
	{ field_in_header, "no field" },
	{ no_kind, "no kind" },
	{ no_fallback, "no fallback" },
	{ bad_fallback, "nonsense" },
	{ no_choices, "no choices" },
	{ bad_param_name, "name of a parameter" },
	{ param_twice, "two parameters" },
	{ no_dtype, "dtype of array" },
	{ dtype_none, "dtype of array" },
	{ bad_array_name, "name of an array" },
	{ array_twice, "two arrays" },
	{ lines_of_summary, "summary" },
	{ item_of_nothing, "items and item" },
	{ another_version, "version 2 of runrig/kernel.h" },
	{ no_role, "role of array" },
	{ seventeen_arrays, "more than 16 arrays" },
	{ blocks_without_proof, "blocks and prove" },
	{ keeps_without_blocks, "keeps blocks" },
	{ reserved_used, "reserved" },
};

START_TEST(malformed_kernels_are_refused)
{
	struct kernel_run run;

	bad = all;
	bad.params = bad_params;
	bad_params[0] = all_params[0];
	bad_params[1] = bad_params[2] = (struct rig_param){ 0 };
	bad.arrays = bad_arrays;
	memset(bad_arrays, 0, sizeof(bad_arrays));
	bad_arrays[0] = all.arrays[0];
	ck_assert_int_eq(kernel_run_init(&run, &bad), 0);
	kernel_run_finish(&run);
	breaks[_i].break_it();
	ck_assert_int_eq(kernel_run_init(&run, &bad), -EINVAL);
	ck_assert_msg(strstr(run.why, breaks[_i].why), "%s", run.why);
}
END_TEST

/* The parts of ten bytes that three ranks own, and a word of the refusal. */
static const struct {
	struct contract_owned owned[3];
	const char *why; /* NULL: nothing */
} owners[] = {
	{ { { 1, { { 0, 4 } } }, { 1, { { 4, 8 } } }, { 1, { { 8, 10 } } } },
	  NULL },
	{ { { 2, { { 8, 10 }, { 0, 4 } } }, { 0 }, { 1, { { 5, 5 } } } },
	  NULL },
	{ { { 1, { { 0, 5 } } }, { 1, { { 4, 8 } } } },
	  "byte 4 twice, to rank 0 and to rank 1" },
	{ { { 0 }, { 2, { { 6, 9 }, { 0, 7 } } } },
	  "byte 6 twice, to rank 1 and to rank 1" },
	{ { { 0 }, { 1, { { 4, 11 } } } }, "rank 1 the bytes 4 to 11" },
	{ { { 1, { { 4, 3 } } } }, "rank 0 the bytes 4 to 3" },
	{ { { 0 }, { 0 }, { .count = -1 } }, "rank 2 -1 spans" },
	{ { { 0 }, { .count = RIG_SPANS_MAX + 1 } },
	  "rank 1 17 spans, not 0 to 16" },
};

START_TEST(no_byte_is_two_ranks)
{
	char why[WHY_BYTES] = "";
	int r = contract_check_owns(owners[_i].owned, 3, 10, why);

	ck_assert_int_eq(r, owners[_i].why ? -EINVAL : 0);
	if (owners[_i].why)
		ck_assert_msg(strstr(why, owners[_i].why), "%s", why);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels words");
	TCase *tcase = make_tcase("words", 10);

	tcase_add_loop_test(tcase, sizes_are_read_strictly, 0, ROWS(sizes));
	tcase_add_test(tcase, ints_have_signs);
	tcase_add_test(tcase, reals_are_finite_decimals);
	tcase_add_test(tcase, every_dtype_by_name_and_by_both_codes);
	tcase_add_test(tcase, words_of_two_meanings_are_refused_with_both);
	tcase_add_test(tcase, what_is_no_dtype_is_refused);
	tcase_add_test(tcase, parameters_have_defaults_and_are_shown_as_typed);
	tcase_add_loop_test(tcase, a_wrong_parameter_is_told_the_right_ones, 0,
			    ROWS(given));
	tcase_add_loop_test(tcase, malformed_kernels_are_refused, 0,
			    ROWS(breaks));
	tcase_add_loop_test(tcase, no_byte_is_two_ranks, 0, ROWS(owners));
	suite_add_tcase(suite, tcase);
	return suite;
}
