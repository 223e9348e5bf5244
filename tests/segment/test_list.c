/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - lists: the calls that are refused, the items that stay
 * unchanged, the values that a reader beside a writer sees, and no leftovers.
 *
 * test_list_python.py shows that the bytes are Python's.
 */
#include <runrig/list.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/team.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "objects/list_layout.h"
#include "lib/harness.h"

#define SOME_BYTES 4096

/* Memory with any bytes that a hostile process may leave, aligned as a mapping
 * is. */
static union {
	uint64_t words[SOME_BYTES / 8];
	unsigned char bytes[SOME_BYTES];
} memory;

/* [1, 2.5, True, None, 'hé', b'ab\0'], in the layout of CPython 3.9 to 3.13. */
static const unsigned char worked[166] =
	"\6\0\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\30\0\0\0\0\0\0\0"
	"\40\0\0\0\0\0\0\0\50\0\0\0\0\0\0\0\60\0\0\0\0\0\0\0"
	"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\4\100\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
	"h\303\251\0\0\0\0\0ab\0\0\0\0\0\0"
	"q\0\0\0\0\0\0\0d\0\0\0\0\0\0\0xxxxxxx?xxxxxx?x"
	"8s\0\0\0\0\0\0"
	"8s\0\0\0\0\0\0\0\0\0\3\1\2";

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

static void assert_words(const char *words)
{
	ck_assert_msg(strstr(rig_why(), words), "\"%s\" lacks \"%s\"",
		      rig_why(), words);
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
	Suite *suite = suite_create("list");
	TCase *tcase = make_tcase("beside a writer", 30);

	tcase_add_loop_test(tcase, a_reader_sees_only_what_was_stored, 0, 3);
	tcase_add_test(tcase, a_change_of_type_is_seen_before_as_none_or_after);
	suite_add_tcase(suite, layout_tcase());
	suite_add_tcase(suite, damage_tcase());
	suite_add_tcase(suite, life_tcase());
	suite_add_tcase(suite, tcase);
	return suite;
}
