/* SPDX-License-Identifier: MIT */
/*
 * npy_header.c - the header of a .npy file, as text: a Python dict literal.
 *
 * The literal has exactly the keys descr, fortran_order and shape, each once,
 * in any order.  The literal is read by descent.  A text that NumPy would not
 * have written is refused: a guess could read the user's data wrong.
 */
#include <runner/npy_header.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runner/dtype.h>

/* Headers end at multiples of ALIGN, so that the elements begin there. */
#define ALIGN 64

/* The longest descr that words quote. */
#define DESCR_BYTES 64

#define MALFORMED "its header is malformed"

struct cursor {
	const char *at;
	const char *end;
};

struct fields {
	char descr[DESCR_BYTES];
	bool structured;
	bool fortran;
	struct npy_shape shape;
	unsigned int seen; /* a bit for each key */
};

enum { SEEN_DESCR = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) &&
	       *cursor->at)
		cursor->at++;
}

/* Spaces and then `c`? */
static bool take(struct cursor *cursor, char c)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	skip_space(cursor);
	if ((size_t)(cursor->end - cursor->at) < length ||
	    memcmp(cursor->at, word, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* A string without escapes, cut where `text` is too short. */
static bool take_string(struct cursor *cursor, char *text, size_t bytes)
{
	size_t used = 0;
	char quote = '\'';

	if (!take(cursor, quote)) {
		quote = '"';
		if (!take(cursor, quote))
			return false;
	}
	for (; cursor->at < cursor->end; cursor->at++) {
		if (*cursor->at == quote) {
			text[used] = 0;
			cursor->at++;
			return true;
		}
		if (*cursor->at == '\\' || (unsigned char)*cursor->at < ' ')
			return false;
		/* A character outside of ASCII is in none of our names. */
		if (used + 1 < bytes)
			text[used++] = *cursor->at & '\x80' ? '?' : *cursor->at;
	}
	return false;
}

static bool take_number(struct cursor *cursor, size_t *number)
{
	bool any = false, zero;

	skip_space(cursor);
	zero = cursor->at < cursor->end && *cursor->at == '0';
	for (*number = 0; cursor->at < cursor->end && *cursor->at >= '0' &&
			  *cursor->at <= '9';
	     cursor->at++, any = true)
		if (__builtin_mul_overflow(*number, (size_t)10, number) ||
		    __builtin_add_overflow(*number, (size_t)(*cursor->at - '0'),
					   number))
			return false;
	/* 010 is no number in Python, and no extent is larger than
	 * INT64_MAX. */
	if ((zero && *number > 0) || *number > INT64_MAX)
		return false;
	/* Python 2 wrote long integers with an L. */
	if (any && cursor->at < cursor->end && *cursor->at == 'L')
		cursor->at++;
	return any;
}

/* () or (3,) or (3, 4): a tuple of a single number has a comma. */
static bool take_shape(struct cursor *cursor, struct npy_shape *shape)
{
	bool comma = true;

	shape->dims = 0;
	if (!take(cursor, '('))
		return false;
	while (!take(cursor, ')')) {
		if (!comma || shape->dims == NPY_DIMS_MAX ||
		    !take_number(cursor, &shape->extent[shape->dims++]))
			return false;
		comma = take(cursor, ',');
	}
	return shape->dims != 1 || comma;
}

/* A list of fields, which may hold lists: to the closing bracket. */
static bool skip_list(struct cursor *cursor)
{
	char text[2];
	int depth = 0;

	for (;;) {
		skip_space(cursor);
		if (cursor->at == cursor->end)
			return false;
		if (*cursor->at == '\'' || *cursor->at == '"') {
			if (!take_string(cursor, text, sizeof(text)))
				return false;
			continue;
		}
		depth += strchr("[(", *cursor->at)   ? 1
			 : strchr("])", *cursor->at) ? -1
						     : 0;
		cursor->at++;
		if (depth == 0)
			return true;
	}
}

static bool take_value(struct cursor *cursor, const char *key,
		       struct fields *fields)
{
	unsigned int bit;

	if (strcmp(key, "descr") == 0) {
		bit = SEEN_DESCR;
		skip_space(cursor);
		fields->structured =
			cursor->at < cursor->end && *cursor->at == '[';
		if (fields->structured
			    ? !skip_list(cursor)
			    : !take_string(cursor, fields->descr, DESCR_BYTES))
			return false;
	} else if (strcmp(key, "fortran_order") == 0) {
		bit = SEEN_ORDER;
		fields->fortran = take_word(cursor, "True");
		if (!fields->fortran && !take_word(cursor, "False"))
			return false;
	} else if (strcmp(key, "shape") == 0) {
		bit = SEEN_SHAPE;
		if (!take_shape(cursor, &fields->shape))
			return false;
	} else {
		return false;
	}
	if (fields->seen & bit)
		return false;
	fields->seen |= bit;
	return true;
}

static bool take_dict(struct cursor *cursor, struct fields *fields)
{
	bool comma = true;
	char key[16];

	if (!take(cursor, '{'))
		return false;
	while (!take(cursor, '}')) {
		if (!comma || !take_string(cursor, key, sizeof(key)) ||
		    !take(cursor, ':') || !take_value(cursor, key, fields))
			return false;
		comma = take(cursor, ',');
	}
	skip_space(cursor);
	return cursor->at == cursor->end && fields->seen == SEEN_ALL;
}

/* Whether C order and Fortran order are the same for the shape. */
static bool orders_agree(const struct npy_shape *shape)
{
	int wide = 0;

	for (int i = 0; i < shape->dims; i++) {
		if (shape->extent[i] == 0)
			return true;
		wide += shape->extent[i] > 1;
	}
	return wide <= 1;
}

/* Elements in all; false: more than can be. */
static bool count_elements(const struct npy_shape *shape, uint64_t *count)
{
	*count = 1;
	for (int i = 0; i < shape->dims; i++)
		if (shape->extent[i] == 0) {
			*count = 0;
			return true;
		}
	for (int i = 0; i < shape->dims; i++)
		if (__builtin_mul_overflow(*count, shape->extent[i], count))
			return false;
	return true;
}

static const char *judge_descr(const struct fields *fields,
			       struct rig_array *array, char *words,
			       size_t words_bytes)
{
	const char *kind = fields->descr + (fields->descr[0] != 0);

	if (fields->structured)
		return "its dtype has fields; save one of them, "
		       "np.ascontiguousarray(a['name'])";
	if (dtype_parse_code(fields->descr, array) == 0)
		return NULL;
	if (*kind == 'O')
		return "its dtype is object (pointers of a Python process); "
		       "save it with a.astype(float)";
	if (*kind == 'M' || *kind == 'm')
		return "its dtype is a date or time; save it with "
		       "a.view('int64')";
	snprintf(words, words_bytes,
		 "its dtype '%s' is neither bool nor a fixed-size number",
		 fields->descr);
	return words;
}

const char *npy_parse_header(const char *text, size_t bytes,
			     struct npy_shape *shape, struct rig_array *array,
			     char *words, size_t words_bytes)
{
	struct cursor cursor = { text, text + bytes };
	struct fields fields = { 0 };
	const char *wrong;

	if (!take_dict(&cursor, &fields))
		return MALFORMED;
	*array = (struct rig_array){ 0 };
	wrong = judge_descr(&fields, array, words, words_bytes);
	if (wrong)
		return wrong;
	if (!count_elements(&fields.shape, &array->count))
		return "its shape has more elements than there can be";
	*shape = fields.shape;
	shape->fortran = fields.fortran && !orders_agree(shape);
	return NULL;
}

/* (3, 4) */
static void write_shape(FILE *file, const struct npy_shape *shape)
{
	fputc('(', file);
	for (int i = 0; i < shape->dims; i++)
		fprintf(file, "%zu%s", shape->extent[i],
			i + 1 < shape->dims ? ", "
			: shape->dims == 1  ? ","
					    : "");
	fputc(')', file);
}

char *npy_make_header(const struct rig_array *array,
		      const struct npy_shape *shape, size_t *bytes)
{
	/* Version 1.0; the two bytes of the length follow. */
	static const char magic[] = "\x93NUMPY\x01";
	const size_t fixed = 10;
	char code[RIG_DTYPE_CODE_BYTES];
	char *header = NULL;
	FILE *file = open_memstream(&header, bytes);

	if (!file)
		return NULL;
	fwrite(magic, 1, fixed - 2, file);
	fwrite("\0\0", 1, 2, file);
	fprintf(file, "{'descr': '%s', 'fortran_order': False, 'shape': ",
		rig_dtype_code(array, code));
	write_shape(file, shape);
	fputs(", }", file);
	fflush(file);
	for (size_t pad = *bytes + 1; pad % ALIGN; pad++)
		fputc(' ', file);
	fputc('\n', file);
	if (fclose(file) != 0)
		return NULL;
	header[8] = (char)((*bytes - fixed) & 0xff);
	header[9] = (char)((*bytes - fixed) >> 8);
	return header;
}
