/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - the bytes of a list: the layout, values, and damage that is
 * named.
 *
 * test_list_python.py shows that the bytes are Python's.
 */
#include <runrig/list.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/team.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "objects/list_layout.h"
#include "lib/harness.h"

#include "list_parts.h"

#define SOME_BYTES 4096

/* Memory with any bytes that a hostile process may leave, aligned as a mapping
 * is. */
static union {
	uint64_t words[SOME_BYTES / 8];
	unsigned char bytes[SOME_BYTES];
} memory;

static void worked_values(struct rig_value values[6])
{
	values[0] = rig_int(1);
	values[1] = rig_float(2.5);
	values[2] = rig_bool(true);
	values[3] = rig_none();
	values[4] = rig_str("h\303\251");
	values[5] = rig_bytes("ab", 3);
}

/* A list of the worked example in `memory`. */
static struct rig_list *worked_list(void)
{
	struct rig_list *list = NULL;

	memset(&memory, 0, sizeof(memory));
	memcpy(memory.bytes, worked, sizeof(worked));
	ck_assert_int_eq(rig_list_over(&list, &memory, sizeof(worked)), 0);
	return list;
}

/* The result of rig_list_over() on the first `bytes` of memory. */
static int over(size_t bytes)
{
	struct rig_list *list = NULL;
	int r = rig_list_over(&list, &memory, bytes);

	rig_list_destroy(list);
	return r;
}

START_TEST(the_worked_example_is_laid_out_as_python_does)
{
	struct rig_value values[6];
	size_t bytes = 0;

	worked_values(values);
	memset(&memory, 0, sizeof(memory));
	ck_assert_int_eq(list_layout_bytes("x", values, 6, &bytes), 0);
	ck_assert_uint_eq(bytes, sizeof(worked));
	ck_assert_int_eq(rig_list_lay(&memory, bytes - 1, values, 6), -EINVAL);
	ck_assert_int_eq(rig_list_lay(&memory, bytes, values, 6), 0);
	ck_assert_mem_eq(&memory, worked, sizeof(worked));
}
END_TEST

START_TEST(the_worked_example_reads_back)
{
	struct rig_list *list = worked_list();
	struct rig_value expected[6], value;
	char *text = NULL;

	worked_values(expected);
	expected[5].bytes = 2; /* the layout loses trailing NULs */
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(rig_list_get(list, i, &value), 0);
		ck_assert(value.kind == expected[i].kind);
		ck_assert(rig_value_equal(&value, &expected[i]));
		ck_assert_int_eq(rig_list_get(list, i - 6, &value), 0);
		ck_assert(rig_value_equal(&value, &expected[i]));
	}
	ck_assert_int_eq(rig_list_repr(list, &text), 0);
	ck_assert_str_eq(text, "ShareableList([1, 2.5, True, None, 'h\303\251'"
			       ", b'ab'], name='')");
	free(text);
	ck_assert_int_eq(rig_list_format(list, &text), 0);
	ck_assert_str_eq(text, "qdxxxxxxx?xxxxxx?x8s8s");
	free(text);
	rig_list_destroy(list);
}
END_TEST

START_TEST(every_index_out_of_range_is_refused)
{
	static const int64_t indices[] = { 6,         -7,        -8,
					   -12,       -13,       60,
					   INT64_MIN, INT64_MAX, -1000000 };
	struct rig_value value, one = rig_int(77);
	struct rig_list *list = worked_list();

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		ck_assert_int_eq(rig_list_get(list, indices[i], &value),
				 -ERANGE);
		ck_assert_int_eq(rig_list_set(list, indices[i], &one), -ERANGE);
		ck_assert_int_eq(rig_list_swap(list, 0, indices[i]), -ERANGE);
	}
	ck_assert_mem_eq(&memory, worked, sizeof(worked));
	rig_list_destroy(list);
}
END_TEST

START_TEST(a_set_that_fails_changes_nothing)
{
	struct rig_value bad[] = {
		rig_str("nine byte"),      /* too long */
		rig_bytes("nine byte", 9), /* likewise */
		rig_str("\303\251\303\251\303\251\303\251\303\251"),
		rig_str("\377"),             /* not UTF-8 */
		rig_str("\355\240\200"),     /* a surrogate */
		rig_str("\300\200"),         /* overlong */
		rig_str("\364\220\200\200"), /* beyond Unicode */
		rig_str("\303"),             /* cut off */
		{ .kind = (enum rig_value_kind)6 },
		{ .kind = (enum rig_value_kind) - 1 },
	};
	static const int codes[] = { -EOVERFLOW, -EOVERFLOW, -EOVERFLOW,
				     -EILSEQ,    -EILSEQ,    -EILSEQ,
				     -EILSEQ,    -EILSEQ,    -EINVAL,
				     -EINVAL };
	struct rig_list *list = worked_list();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int64_t item = 0; item < 6; item++)
			ck_assert_int_eq(rig_list_set(list, item, &bad[i]),
					 codes[i]);
	ck_assert_mem_eq(&memory, worked, sizeof(worked));
	rig_list_destroy(list);
}
END_TEST

START_TEST(text_may_fill_its_slot)
{
	struct rig_list *list = worked_list();
	struct rig_value eight = rig_str("12345678"), value;

	ck_assert_int_eq(rig_list_set(list, 4, &eight), 0);
	ck_assert_int_eq(rig_list_set(list, 0, &eight), 0);
	ck_assert_int_eq(rig_list_get(list, 0, &value), 0);
	ck_assert_str_eq(value.text, "12345678");
	ck_assert_uint_eq(value.bytes, 8);
	ck_assert_mem_eq(memory.bytes + 72, worked + 72, 24);
	rig_list_destroy(list);
}
END_TEST

START_TEST(values_equal_as_in_python)
{
	struct rig_value one = rig_int(1), yes = rig_bool(true),
			 real = rig_float(1.0), none = rig_none(),
			 nan_ = rig_float(NAN), text = rig_str("1"),
			 bytes = rig_bytes("1", 1),
			 large = rig_int((INT64_C(1) << 53) + 1),
			 near = rig_float(0x1p53), edge = rig_float(0x1p63),
			 most = rig_int(INT64_MAX);

	ck_assert(rig_value_equal(&one, &yes));
	ck_assert(rig_value_equal(&one, &real));
	ck_assert(rig_value_equal(&real, &yes));
	ck_assert(rig_value_equal(&none, &none));
	ck_assert(!rig_value_equal(&nan_, &nan_));
	ck_assert(!rig_value_equal(&text, &bytes));
	ck_assert(!rig_value_equal(&text, &one));
	ck_assert(!rig_value_equal(&none, &one));
	ck_assert(!rig_value_equal(&large, &near));
	ck_assert(!rig_value_equal(&most, &edge));
}
END_TEST

START_TEST(repr_does_not_mind_the_locale)
{
	struct rig_value value = rig_float(0.1);
	char text[32];

	/* Where the machine has a locale with a decimal comma. */
	if (!setlocale(LC_ALL, "de_DE.UTF-8"))
		(void)setlocale(LC_ALL, "fr_FR.UTF-8");
	ck_assert_uint_eq(rig_value_repr(&value, text, sizeof(text)), 3);
	ck_assert_str_eq(text, "0.1");
	ck_assert_uint_eq(rig_value_repr(&value, text, 2), 3);
	ck_assert_str_eq(text, "0");
	(void)setlocale(LC_ALL, "C");
}
END_TEST

/* A kind of damage, the damaged word, and the expected error. */
static const struct damage {
	size_t at; /* byte */
	uint64_t word;
	int code;
	const char *words;
} heads[] = {
	{ 0, (uint64_t)-1, -EPROTO, "length is -1" },
	{ 0, UINT64_C(1) << 40, -EPROTO, "do not hold" },
	{ 0, UINT64_C(1) << 61, -EPROTO, "do not hold" },
	{ 0, INT64_MAX, -EPROTO, "do not hold" },
	{ 0, 7, -EPROTO, "do not hold 7 items" },
	{ 0, 0, -ENODATA, "not made yet" },
	{ 8, 1, -EPROTO, "first offset is 1" },
	{ 8, (uint64_t)-8, -EPROTO, "first offset is -8" },
	{ 8, 8, -EPROTO, "Python 3.8" },
	{ 56, 0, -ENODATA, "no offsets" },
	{ 56, 40, -EPROTO, "last offset is 40" },
	{ 56, 56, -EPROTO, "last offset is 56" },
	{ 56, 49, -EPROTO, "last offset is 49" },
	{ 56, (uint64_t)-8, -EPROTO, "last offset is -8" },
	{ 56, UINT64_C(1) << 62, -EPROTO, "last offset is" },
	{ 152, 0, -ENODATA, "formats" },
}, items[] = {
	{ 16, 0, -EPROTO, "item 0: its offsets are 0 and 0" },
	{ 16, 4, -EPROTO, "item 0: its offsets are 0 and 4" },
	{ 16, 56, -EPROTO, "item 0: its offsets are 0 and 56" },
	{ 16, (uint64_t)-8, -EPROTO, "item 0: its offsets are 0 and -8" },
	{ 16, UINT64_C(1) << 62, -EPROTO, "item 0: its offsets" },
	{ 8, 24, -EPROTO, "item 0: its offsets are 24 and 8" },
	{ 112, 0, -ENODATA, "item 0: format \"\"" },
	{ 112, 'Q', -EPROTO, "item 0: \"Q\" is no format" },
	{ 112, 's', -EPROTO, "item 0: \"s\" is no format" },
	{ 112, 0x7338, -ENODATA, "item 0: format \"8s\" and code 0" },
	{ 112, UINT64_C(0x3f78787878787878), -EAGAIN, NULL }, /* bool: fine */
	{ 112, UINT64_C(0x783f787878787878), -EPROTO, "does not go" },
	{ 112, UINT64_C(0x0173383938393839), -EPROTO, "is no format" },
	{ 112, UINT64_C(0xffffffffffffffff), -EPROTO, "is no format" },
	{ 160, 1, -EPROTO, "format \"q\" does not go with code 1" },
	{ 160, 9, -EPROTO, "unknown code 9" },
	{ 160, 255, -EPROTO, "unknown code 255" },
};

START_TEST(a_damaged_head_is_named)
{
	const struct damage *damage = &heads[_i];

	rig_list_destroy(worked_list());
	memcpy(memory.bytes + damage->at, &damage->word, 8);
	ck_assert_int_eq(over(sizeof(worked)), damage->code);
	assert_words(damage->words);
}
END_TEST

START_TEST(a_damaged_item_is_named_when_it_is_used)
{
	const struct damage *damage = &items[_i];
	struct rig_list *list = worked_list();
	struct rig_value value;
	size_t bytes = damage->at == 160 ? 1 : 8;

	/* Damage after the attach: checks during the attach do not count. */
	memcpy(memory.bytes + damage->at, &damage->word, bytes);
	if (!damage->words) {
		ck_assert_int_eq(rig_list_get(list, 0, &value), 0);
	} else {
		ck_assert_int_eq(rig_list_get(list, 0, &value), damage->code);
		assert_words(damage->words);
	}
	rig_list_destroy(list);
}
END_TEST

START_TEST(sizes_that_hold_no_list_are_refused)
{
	memset(&memory, 0, sizeof(memory));
	for (size_t bytes = 0; bytes < 16; bytes++) {
		ck_assert_int_eq(over(bytes), -EPROTO);
		assert_words(bytes == 8 ? "Python 3.8" : "do not hold one");
	}
	ck_assert_int_eq(over(16), 0);
	ck_assert_int_eq(over(17), -ENODATA);
}
END_TEST

START_TEST(a_list_cut_anywhere_is_refused)
{
	rig_list_destroy(worked_list());
	for (size_t bytes = 0; bytes < sizeof(worked); bytes++)
		ck_assert_int_eq(over(bytes), -EPROTO);
}
END_TEST

START_TEST(a_writer_killed_in_a_change_of_type_leaves_none)
{
	struct rig_list *list = worked_list();
	struct rig_value value;

	memory.bytes[160] = 3; /* item 0: code None, format still int */
	ck_assert_int_eq(rig_list_get(list, 0, &value), 0);
	ck_assert(value.kind == RIG_VALUE_NONE);
	rig_list_destroy(list);
}
END_TEST

/* Cells of another length than the slot: a proposed change to CPython. */
START_TEST(a_cell_of_exact_length_is_read_and_not_written)
{
	struct rig_list *list = worked_list();
	struct rig_value value, seven = rig_bytes("1234567", 7);

	memcpy(memory.bytes + 152, "1s\0", 3);
	ck_assert_int_eq(rig_list_get(list, 5, &value), 0);
	ck_assert_str_eq(value.text, "a");
	memcpy(memory.bytes + 152, "9999999s", 8);
	ck_assert_int_eq(rig_list_get(list, 5, &value), 0);
	ck_assert_str_eq(value.text, "ab");
	memcpy(memory.bytes + 152, "3s\0\0\0\0\0\0", 8);
	ck_assert_int_eq(rig_list_set(list, 5, &seven), 0);
	ck_assert_mem_eq(memory.bytes + 152, worked + 152, 8);
	ck_assert_int_eq(rig_list_get(list, 5, &value), 0);
	ck_assert_str_eq(value.text, "1234567");
	rig_list_destroy(list);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *layout_tcase(void)
{
	TCase *tcase = make_tcase("layout", 10);

	tcase_add_test(tcase, the_worked_example_is_laid_out_as_python_does);
	tcase_add_test(tcase, the_worked_example_reads_back);
	tcase_add_test(tcase, every_index_out_of_range_is_refused);
	tcase_add_test(tcase, a_set_that_fails_changes_nothing);
	tcase_add_test(tcase, text_may_fill_its_slot);
	tcase_add_test(tcase, values_equal_as_in_python);
	tcase_add_test(tcase, repr_does_not_mind_the_locale);
	tcase_add_test(tcase, a_cell_of_exact_length_is_read_and_not_written);
	return tcase;
}

static TCase *damage_tcase(void)
{
	TCase *tcase = make_tcase("damage", 10);

	tcase_add_loop_test(tcase, a_damaged_head_is_named, 0, COUNT(heads));
	tcase_add_loop_test(tcase, a_damaged_item_is_named_when_it_is_used, 0,
			    COUNT(items));
	tcase_add_test(tcase, sizes_that_hold_no_list_are_refused);
	tcase_add_test(tcase, a_list_cut_anywhere_is_refused);
	tcase_add_test(tcase, a_writer_killed_in_a_change_of_type_leaves_none);
	return tcase;
}

Suite *make_suite(void)
{
	Suite *suite = suite_create("list");

	suite_add_tcase(suite, layout_tcase());

	suite_add_tcase(suite, damage_tcase());
	return suite;
}
