/* SPDX-License-Identifier: MIT */
/*
 * dtype.c - element types by NumPy's names and codes.
 */
#include <runner/dtype.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

static const struct dtype {
	const char *name;
	char kind;
	uint32_t bytes;
} dtypes[] = {
	[RIG_DTYPE_NONE] = { "none", 0, 0 },
	[RIG_BOOL] = { "bool", 'b', 1 },
	[RIG_INT8] = { "int8", 'i', 1 },
	[RIG_INT16] = { "int16", 'i', 2 },
	[RIG_INT32] = { "int32", 'i', 4 },
	[RIG_INT64] = { "int64", 'i', 8 },
	[RIG_UINT8] = { "uint8", 'u', 1 },
	[RIG_UINT16] = { "uint16", 'u', 2 },
	[RIG_UINT32] = { "uint32", 'u', 4 },
	[RIG_UINT64] = { "uint64", 'u', 8 },
	[RIG_FLOAT16] = { "float16", 'f', 2 },
	[RIG_FLOAT32] = { "float32", 'f', 4 },
	[RIG_FLOAT64] = { "float64", 'f', 8 },
	[RIG_FLOAT128] = { "float128", 'f', 16 },
	[RIG_COMPLEX64] = { "complex64", 'c', 8 },
	[RIG_COMPLEX128] = { "complex128", 'c', 16 },
	[RIG_COMPLEX256] = { "complex256", 'c', 32 },
};

#define DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

#define NAMES                                                                   \
	"bool, int8 to int64, uint8 to uint64, float16 to float128, complex64 " \
	"to complex256, or a code such as <f8"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE '<'
#define OTHER  '>'
#else
#define NATIVE '>'
#define OTHER  '<'
#endif

const char *rig_dtype_name(enum rig_dtype dtype)
{
	return dtypes[(size_t)dtype < DTYPES ? dtype : RIG_DTYPE_NONE].name;
}

uint32_t rig_dtype_bytes(enum rig_dtype dtype)
{
	return (size_t)dtype < DTYPES ? dtypes[dtype].bytes : 0;
}

uint32_t dtype_align(enum rig_dtype dtype)
{
	uint32_t bytes = rig_dtype_bytes(dtype);

	/* A complex number is two. */
	if (bytes && dtypes[dtype].kind == 'c')
		return bytes / 2;
	return bytes ? bytes : 1;
}

/* The dtype of the kind and size, or RIG_DTYPE_NONE. */
static enum rig_dtype of_kind(char kind, unsigned long bytes)
{
	for (size_t i = 1; i < DTYPES; i++)
		if (dtypes[i].kind == kind && dtypes[i].bytes == bytes)
			return (enum rig_dtype)i;
	return RIG_DTYPE_NONE;
}

/* "f8": the kind and the number; false: the text has another form. */
static bool split_code(const char *text, char *kind, unsigned long *number)
{
	char *end;

	if (!*text || !strchr("biufc", *text) || text[1] < '1' ||
	    text[1] > '9' || strlen(text) > 4)
		return false;
	*kind = *text;
	*number = strtoul(text + 1, &end, 10);
	return !*end;
}

static void set(struct rig_array *array, enum rig_dtype dtype, bool swapped)
{
	array->dtype = dtype;
	array->item_bytes = dtypes[dtype].bytes;
	array->swapped = swapped && array->item_bytes > 1;
}

int dtype_parse_code(const char *text, struct rig_array *array)
{
	enum rig_dtype dtype;
	unsigned long bytes;
	char kind;

	if (!*text || !strchr("<>=|", *text) ||
	    !split_code(text + 1, &kind, &bytes))
		return -EINVAL;
	dtype = of_kind(kind, bytes);
	/* | says that there is no byte order, which is right for bytes only. */
	if (!dtype || (*text == '|' && bytes > 1))
		return -EINVAL;
	set(array, dtype, *text == OTHER);
	return 0;
}

/* A code without a byte order: the dtypes that the code may mean. */
static void refuse_bare(const char *text, enum rig_dtype by_bytes,
			enum rig_dtype by_bits, char *why, size_t why_bytes)
{
	struct rig_array array = { 0 };
	char code[RIG_DTYPE_CODE_BYTES];
	enum rig_dtype one = by_bytes ? by_bytes : by_bits;

	set(&array, by_bytes, false);
	if (by_bytes && by_bits && by_bytes != by_bits)
		snprintf(
			why, why_bytes,
			"dtype %s is %s to some and %s (NumPy's %s) to others: "
			"use one of these names",
			text, rig_dtype_name(by_bits), rig_dtype_name(by_bytes),
			rig_dtype_code(&array, code));
	else
		snprintf(why, why_bytes, "dtype %s: use its name, %s", text,
			 rig_dtype_name(one));
}

int dtype_parse(const char *text, struct rig_array *array, char *why,
		size_t why_bytes)
{
	enum rig_dtype by_bytes, by_bits;
	unsigned long number;
	char kind;

	for (size_t i = 1; i < DTYPES; i++) {
		if (strcmp(dtypes[i].name, text) == 0) {
			set(array, (enum rig_dtype)i, false);
			return 0;
		}
	}
	if (dtype_parse_code(text, array) == 0)
		return 0;
	snprintf(why, why_bytes, "dtype \"%.40s\" is none of " NAMES, text);
	if (split_code(text, &kind, &number)) {
		by_bytes = of_kind(kind, number);
		by_bits =
			number % 8 ? RIG_DTYPE_NONE : of_kind(kind, number / 8);
		if (by_bytes || by_bits)
			refuse_bare(text, by_bytes, by_bits, why, why_bytes);
	}
	return -EINVAL;
}

int rig_dtype_parse(const char *text, struct rig_array *array)
{
	char words[400];
	int r = dtype_parse(text, array, words, sizeof(words));

	return r < 0 ? rig_why_set(r, words) : 0;
}

char *rig_dtype_code(const struct rig_array *array,
		     char text[RIG_DTYPE_CODE_BYTES])
{
	const struct dtype *dtype =
		&dtypes[array->dtype < DTYPES ? array->dtype : 0];
	char order = array->swapped ? OTHER : NATIVE;

	snprintf(text, RIG_DTYPE_CODE_BYTES, "%c%c%u",
		 dtype->bytes > 1 ? order : '|',
		 dtype->kind ? dtype->kind : 'V', dtype->bytes % 100);
	return text;
}
