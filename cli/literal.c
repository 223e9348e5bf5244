/* SPDX-License-Identifier: MIT */
/*
 * literal.c - reading Python literals: numbers, names, and quoted text.
 */
#include "literal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text that is being read. */
struct reader {
	const char *at;
	char *why;
	bool is_bytes;
};

/* Letters after a backslash that stand for a single byte. */
static const char simple_letters[] = "\\'\"abfnrtv";
static const char simple_bytes[] = "\\'\"\a\b\f\n\r\t\v";

static int wrong(char *why, const char *format, const char *what)
{
	snprintf(why, LITERAL_WHY_BYTES, format, what);
	return -EINVAL;
}

/* The words that stand for a value. 1: the text is no such word. */
static int parse_word(const char *text, struct rig_value *value)
{
	const struct {
		const char *word;
		struct rig_value value;
	} words[] = {
		{ "None", rig_none() },
		{ "True", rig_bool(true) },
		{ "False", rig_bool(false) },
		{ "nan", rig_float((double)NAN) },
		{ "inf", rig_float((double)INFINITY) },
		{ "+inf", rig_float((double)INFINITY) },
		{ "-inf", rig_float(-(double)INFINITY) },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i].word) == 0) {
			*value = words[i].value;
			return 0;
		}
	return 1;
}

/* Copy a number without underscores; each must stand between two digits (or
 * after 0x), else the result is false. */
static bool without_underscores(const char *text, char *plain)
{
	for (const char *at = text; *at; at++) {
		if (*at != '_')
			*plain++ = *at;
		else if (at == text || !isxdigit((unsigned char)at[1]) ||
			 !strchr("0123456789abcdefABCDEFxXoOBb", at[-1]))
			return false;
	}
	*plain = 0;
	return true;
}

/* The digits of a whole number: 0, 5, 0xff, 0o17, 0b11, never 007. */
static int parse_whole(const char *digits, bool negative, int64_t *number)
{
	uint64_t most = (uint64_t)INT64_MAX + negative, value = 0;
	unsigned base = 10;

	if (digits[0] == '0' && digits[1]) {
		char kind = (char)tolower((unsigned char)digits[1]);

		base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
		digits += 2;
	}
	if (!base || !*digits)
		return -EINVAL;
	for (; *digits; digits++) {
		char c = (char)tolower((unsigned char)*digits);
		unsigned digit = c >= 'a' ? (unsigned)(c - 'a') + 10
					  : (unsigned)(c - '0');

		if (!isxdigit((unsigned char)c) || digit >= base)
			return -EINVAL;
		if (value > (most - digit) / base)
			return -ERANGE;
		value = value * base + digit;
	}
	*number = (int64_t)(negative ? -value : value);
	return 0;
}

/* Digits, point and exponent, and nothing that only strtod() knows. */
static bool is_float(const char *text)
{
	size_t digits = strspn(text, "0123456789"), more = 0;

	if (!strpbrk(text, ".eE"))
		return false;
	text += digits;
	if (*text == '.') {
		more = strspn(++text, "0123456789");
		text += more;
	}
	if (digits + more == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		digits = strspn(text, "0123456789");
		text += digits;
		if (digits == 0)
			return false;
	}
	return *text == 0;
}

static int parse_number(const char *text, struct rig_value *value, char *why)
{
	bool negative = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+');
	char *plain = malloc(strlen(digits) + 1);
	int64_t number = 0;
	int r = -EINVAL;

	if (!plain)
		return -ENOMEM;
	if (without_underscores(digits, plain)) {
		r = parse_whole(plain, negative, &number);
		if (r == 0) {
			*value = rig_int(number);
		} else if (r == -EINVAL && is_float(plain)) {
			/* The programs run in the C locale, whose decimal point
			 * is a point. */
			double real = strtod(plain, NULL);

			*value = rig_float(negative ? -real : real);
			r = 0;
		}
	}
	free(plain);
	if (r == -ERANGE)
		return wrong(why, "%s: a list holds ints of 64 bits", text);
	if (r < 0)
		return wrong(why, "%s: not a number as Python writes it", text);
	return 0;
}

/* Exactly `count` hex digits, or up to 3 octal digits, at reader->at. */
static int read_code(struct reader *reader, int count, uint32_t *code)
{
	*code = 0;
	if (count == 0) {
		for (; count < 3 && *reader->at >= '0' && *reader->at <= '7';
		     count++)
			*code = *code * 8 + (uint32_t)(*reader->at++ - '0');
		return 0;
	}
	for (int i = 0; i < count; i++) {
		char c = (char)tolower((unsigned char)*reader->at);

		if (!isxdigit((unsigned char)c))
			return wrong(reader->why, "%s: cut off after \\",
				     reader->is_bytes ? "bytes" : "text");
		*code = *code * 16 +
			(uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
		reader->at++;
	}
	return 0;
}

/* A character as UTF-8; surrogates and beyond are none. */
static int put_code(struct reader *reader, uint32_t code, char **to)
{
	if (reader->is_bytes || code < 0x80) {
		if (code > 0xff)
			return wrong(reader->why, "%s: beyond \\377", "bytes");
		*(*to)++ = (char)code;
		return 0;
	}
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return wrong(reader->why, "%s: an escape that is no character",
			     "text");
	if (code >= 0x10000)
		*(*to)++ = (char)(0xf0 | code >> 18);
	if (code >= 0x800)
		*(*to)++ =
			(char)((code >= 0x10000 ? 0x80 : 0xe0) |
			       (code >> 12 & (code >= 0x10000 ? 0x3f : 0xf)));
	*(*to)++ = (char)((code >= 0x800 ? 0x80 : 0xc0) | (code >> 6 & 0x3f));
	*(*to)++ = (char)(0x80 | (code & 0x3f));
	return 0;
}

/* The rest of an escape, behind the backslash. */
static int read_escape(struct reader *reader, char **to)
{
	char letter = *reader->at;
	const char *simple = letter ? strchr(simple_letters, letter) : NULL;
	uint32_t code;
	int digits = 0, r;

	if (simple) {
		*(*to)++ = simple_bytes[simple - simple_letters];
		reader->at++;
		return 0;
	}
	if (letter == '\n') {
		reader->at++;
		return 0;
	}
	if (letter == 'x')
		digits = 2;
	else if (letter == 'u' && !reader->is_bytes)
		digits = 4;
	else if (letter == 'U' && !reader->is_bytes)
		digits = 8;
	else if (letter == 'N' && !reader->is_bytes)
		return wrong(reader->why,
			     "%s: characters by name (\\N) are "
			     "not known here",
			     "text");
	else if (letter < '0' || letter > '7') {
		/* As Python does: the backslash stays. */
		*(*to)++ = '\\';
		return 0;
	}
	reader->at += digits != 0;
	r = read_code(reader, digits, &code);
	return r < 0 ? r : put_code(reader, code, to);
}

static int parse_quoted(const char *text, bool is_bytes,
			struct rig_value *value, char **held, char *why)
{
	struct reader reader = { text + 1, why, is_bytes };
	char quote = *text;
	char *room = malloc(strlen(text) + 1), *to = room;
	int r = 0;

	if (!room)
		return -ENOMEM;
	while (r == 0 && *reader.at && *reader.at != quote) {
		char letter = *reader.at++;

		if (letter == '\\')
			r = read_escape(&reader, &to);
		else if (is_bytes && (unsigned char)letter >= 0x80)
			r = wrong(why, "%s: only ASCII in a literal", "bytes");
		else
			*to++ = letter;
	}
	if (r == 0 && (*reader.at != quote || reader.at[1]))
		r = wrong(why,
			  *reader.at ? "%s: words after the closing quote"
				     : "%s: no closing quote",
			  text);
	if (r < 0) {
		free(room);
		return r;
	}
	*value = rig_bytes(room, (size_t)(to - room));
	value->kind = is_bytes ? RIG_VALUE_BYTES : RIG_VALUE_STR;
	*held = room;
	return 0;
}

int literal_parse(const char *text, struct rig_value *value, char **held,
		  char why[LITERAL_WHY_BYTES])
{
	const char *digits = text + (*text == '-' || *text == '+');

	*held = NULL;
	if (*text == '\'' || *text == '"')
		return parse_quoted(text, false, value, held, why);
	if ((*text == 'b' || *text == 'B') &&
	    (text[1] == '\'' || text[1] == '"'))
		return parse_quoted(text + 1, true, value, held, why);
	if (parse_word(text, value) == 0)
		return 0;
	if (isdigit((unsigned char)*digits) || *digits == '.')
		return parse_number(text, value, why);
	return wrong(why,
		     "%s: not a Python literal such as 5, -2.5, True, None, "
		     "\"'text'\" or \"b'bytes'\" (the shell takes one pair of "
		     "quotes away)",
		     text);
}
