/* SPDX-License-Identifier: MIT */
/*
 * value.c - values by themselves: made, compared, and written as Python would.
 *
 * A float is written with the fewest digits that read back as the same number,
 * as by repr().  Fifteen digits always survive the way there and back and
 * seventeen always suffice, so three tries find the fewest; only below the normal
 * numbers does a float have less than fifteen digits.  Numbers go to and from
 * text without a decimal point, for the locale may have another.
 */
#include <runrig/list.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Digits of a float that always suffice. */
#define DIGITS_MAX 17

/* As snprintf() does: the text that fits is written, all of the text is
 * counted. */
struct out {
	char *text;
	size_t room;
	size_t length;
};

/* The digits of a float: 0.DIGITS times 10 to the power of `point`. */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int point;
};

struct rig_value rig_none(void)
{
	return (struct rig_value){ .kind = RIG_VALUE_NONE };
}

struct rig_value rig_int(int64_t integer)
{
	return (struct rig_value){ .kind = RIG_VALUE_INT, .integer = integer };
}

struct rig_value rig_float(double real)
{
	return (struct rig_value){ .kind = RIG_VALUE_FLOAT, .real = real };
}

struct rig_value rig_bool(bool truth)
{
	return (struct rig_value){ .kind = RIG_VALUE_BOOL, .truth = truth };
}

struct rig_value rig_str(const char *text)
{
	if (!text)
		return rig_none();
	return (struct rig_value){ .kind = RIG_VALUE_STR,
				   .text = text,
				   .bytes = strlen(text) };
}

struct rig_value rig_bytes(const void *text, size_t bytes)
{
	if (!text && bytes)
		return rig_none();
	return (struct rig_value){ .kind = RIG_VALUE_BYTES,
				   .text = text,
				   .bytes = bytes };
}

static bool is_whole(const struct rig_value *value)
{
	return value->kind == RIG_VALUE_INT || value->kind == RIG_VALUE_BOOL;
}

static int64_t whole(const struct rig_value *value)
{
	return value->kind == RIG_VALUE_BOOL ? value->truth : value->integer;
}

/* Exactly: not every int64 is a double. */
static bool whole_equals_real(int64_t integer, double real)
{
	return real >= -0x1p63 && real < 0x1p63 && real == trunc(real) &&
	       (int64_t)real == integer;
}

bool rig_value_equal(const struct rig_value *a, const struct rig_value *b)
{
	if (!a || !b)
		return false;
	if (is_whole(a) && is_whole(b))
		return whole(a) == whole(b);
	if (is_whole(a) && b->kind == RIG_VALUE_FLOAT)
		return whole_equals_real(whole(a), b->real);
	if (a->kind == RIG_VALUE_FLOAT && is_whole(b))
		return whole_equals_real(whole(b), a->real);
	if (a->kind != b->kind)
		return false;
	if (a->kind == RIG_VALUE_FLOAT)
		return a->real == b->real;
	if (a->kind == RIG_VALUE_NONE)
		return true;
	return a->bytes == b->bytes &&
	       (a->bytes == 0 || memcmp(a->text, b->text, a->bytes) == 0);
}

static void put(struct out *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, out->length++)
		if (out->length + 1 < out->room)
			out->text[out->length] = text[i];
}

static void put_words(struct out *out, const char *words)
{
	put(out, words, strlen(words));
}

/* `code` in hex after a backslash and `letter`. */
static void put_hex(struct out *out, char letter, int digits, uint32_t code)
{
	char words[16];

	snprintf(words, sizeof(words), "\\%c%0*x", letter, digits, code);
	put_words(out, words);
}

static bool reads_back(const struct decimal *decimal, double real)
{
	char words[DIGITS_MAX + 16];

	snprintf(words, sizeof(words), "%sE%d", decimal->digits,
		 decimal->point - decimal->count);
	return strtod(words, NULL) == real;
}

/* The `count` digits nearest to `real`, which is above 0. */
static void round_to(struct decimal *decimal, double real, int count)
{
	char words[DIGITS_MAX + 32];
	const char *at = words;

	snprintf(words, sizeof(words), "%.*e", count - 1, real);
	decimal->count = 0;
	for (; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9')
			decimal->digits[decimal->count++] = *at;
	decimal->digits[decimal->count] = 0;
	decimal->point = (int)strtol(at + 1, NULL, 10) + 1;
}

/* The next decimal of as many digits. */
static void step_up(struct decimal *decimal)
{
	int i = decimal->count - 1;

	while (i >= 0 && decimal->digits[i] == '9')
		decimal->digits[i--] = '0';
	if (i >= 0) {
		decimal->digits[i]++;
	} else {
		decimal->digits[0] = '1';
		decimal->point++;
	}
}

static void shortest(struct decimal *decimal, double real)
{
	int exponent;
	bool power = frexp(real, &exponent) == 0.5;

	for (int count = isnormal(real) ? 15 : 1; count <= DIGITS_MAX;
	     count++) {
		round_to(decimal, real, count);
		if (reads_back(decimal, real))
			break;
		/* Above a power of two the neighbour is twice as far as below: the
		 * next decimal up may do where the nearest does not. */
		if (!power)
			continue;
		step_up(decimal);
		if (reads_back(decimal, real))
			break;
	}
	while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
		decimal->digits[--decimal->count] = 0;
}

/* Digits with the point among, before or after the digits. */
static void put_fixed(struct out *out, const struct decimal *decimal)
{
	int i = 0;

	if (decimal->point <= 0)
		put_words(out, "0");
	for (; i < decimal->point; i++)
		put(out, i < decimal->count ? &decimal->digits[i] : "0", 1);
	put_words(out, ".");
	for (int zeros = decimal->point; zeros < 0; zeros++)
		put_words(out, "0");
	if (i < decimal->count)
		put_words(out, decimal->digits + i);
	else
		put_words(out, "0");
}

static void put_float(struct out *out, double real)
{
	struct decimal decimal = { "0", 1, 1 };
	char words[16];

	if (isnan(real)) {
		put_words(out, "nan");
		return;
	}
	if (signbit(real))
		put_words(out, "-");
	real = fabs(real);
	if (isinf(real)) {
		put_words(out, "inf");
		return;
	}
	if (real > 0)
		shortest(&decimal, real);
	if (decimal.point > -4 && decimal.point <= 16) {
		put_fixed(out, &decimal);
		return;
	}
	put(out, decimal.digits, 1);
	if (decimal.count > 1)
		put_words(out, ".");
	put_words(out, decimal.digits + 1);
	snprintf(words, sizeof(words), "e%+03d", decimal.point - 1);
	put_words(out, words);
}

/* Single quotes, unless single quotes would mean escaping and double quotes
 * would not. */
static char quote_for(const struct rig_value *value)
{
	if (value->bytes && memchr(value->text, '\'', value->bytes) &&
	    !memchr(value->text, '"', value->bytes))
		return '"';
	return '\'';
}

/* Escapes that bytes and str share: true where a character was escaped. */
static bool put_escape(struct out *out, char letter, char quote)
{
	char words[3] = { '\\', letter, 0 };

	switch (letter) {
	case '\t':
		words[1] = 't';
		break;
	case '\n':
		words[1] = 'n';
		break;
	case '\r':
		words[1] = 'r';
		break;
	default:
		if (letter != '\\' && letter != quote)
			return false;
	}
	put_words(out, words);
	return true;
}

/* A character, or a byte that begins none; returns the number of bytes taken. */
static size_t put_letter(struct out *out, const char *text, size_t bytes,
			 bool is_str)
{
	uint32_t code = (unsigned char)*text;
	size_t length = is_str ? utf8_next(text, bytes, &code) : code < 0x80;

	if (length && utf8_printable(code))
		put(out, text, length);
	else if (code < 0x100)
		put_hex(out, 'x', 2, code);
	else if (code < 0x10000)
		put_hex(out, 'u', 4, code);
	else
		put_hex(out, 'U', 8, code);
	return length ? length : 1;
}

static void put_text(struct out *out, const struct rig_value *value)
{
	bool is_str = value->kind == RIG_VALUE_STR;
	char quote = quote_for(value);
	size_t at = 0;

	if (!is_str)
		put_words(out, "b");
	put(out, &quote, 1);
	while (at < value->bytes) {
		if (put_escape(out, value->text[at], quote))
			at++;
		else
			at += put_letter(out, value->text + at,
					 value->bytes - at, is_str);
	}
	put(out, &quote, 1);
}

size_t rig_value_repr(const struct rig_value *value, char *text, size_t room)
{
	struct out out = { text, text ? room : 0, 0 };
	char words[32];

	if (!value)
		return 0;
	switch (value->kind) {
	case RIG_VALUE_NONE:
		put_words(&out, "None");
		break;
	case RIG_VALUE_INT:
		snprintf(words, sizeof(words), "%lld",
			 (long long)value->integer);
		put_words(&out, words);
		break;
	case RIG_VALUE_FLOAT:
		put_float(&out, value->real);
		break;
	case RIG_VALUE_BOOL:
		put_words(&out, value->truth ? "True" : "False");
		break;
	case RIG_VALUE_STR:
	case RIG_VALUE_BYTES:
		put_text(&out, value);
		break;
	}
	if (out.room)
		text[out.length < room ? out.length : room - 1] = 0;
	return out.length;
}
