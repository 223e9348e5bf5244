/* SPDX-License-Identifier: MIT */
/*
 * number.c - numbers as a user types them.
 */
#include <common/number.h>

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The multiplier for a number's tail, as K; 0: the tail has no meaning. */
static uint64_t unit(const char *tail)
{
	static const char letters[] = "KMGTPE";
	bool binary = tail[0] && tail[1] == 'i';
	uint64_t factor = 1;
	const char *at;

	if (!*tail)
		return 1;
	at = strchr(letters, *tail == 'k' ? 'K' : *tail);
	if (!at || tail[binary ? 2 : 1])
		return 0;
	for (; at >= letters; at--)
		factor *= binary ? 1024 : 1000;
	return factor;
}

static bool starts_with_digit(const char *text)
{
	return *text >= '0' && *text <= '9';
}

/* The digits of a number: 25 for "2.5", of which 1 stands behind the point.
 * Returns the end, or NULL where the number does not fit. */
static const char *digits(const char *text, uint64_t *number, int *behind)
{
	bool point = false;

	*number = 0;
	*behind = 0;
	for (; starts_with_digit(text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, *text - '0', number))
			return NULL;
		*behind += point;
	}
	return text;
}

/* "1e6", "2.5e3": exact, and whole or no number here. */
static int parse_power(const char *text, uint64_t *value)
{
	const char *tail;
	uint64_t number;
	char *end;
	long power;
	int behind;

	tail = digits(text, &number, &behind);
	if (!tail)
		return -ERANGE;
	if ((*tail != 'e' && *tail != 'E') ||
	    !starts_with_digit(tail + 1 + (tail[1] == '+' || tail[1] == '-')))
		return -EINVAL;
	power = strtol(tail + 1, &end, 10);
	if (*end)
		return -EINVAL;
	for (; number && power > behind; power--)
		if (power - behind > 20 ||
		    __builtin_mul_overflow(number, 10, &number))
			return -ERANGE;
	for (; number && power < behind; power++) {
		if (number % 10)
			return -EINVAL;
		number /= 10;
	}
	*value = number;
	return 0;
}

static int parse(const char *text, uint64_t *value)
{
	unsigned long long number;
	uint64_t factor;
	char *tail;

	if (!starts_with_digit(text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &tail, 10);
	factor = unit(tail);
	if (!factor)
		return parse_power(text, value);
	if (errno || __builtin_mul_overflow(number, factor, value))
		return -ERANGE;
	return 0;
}

int number_size(const char *text, size_t *value)
{
	uint64_t number;
	int r = parse(text + (*text == '+'), &number);

	if (r == 0 && number > SIZE_MAX)
		return -ERANGE;
	if (r == 0)
		*value = (size_t)number;
	return r;
}

int number_int(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	uint64_t number;
	int r = parse(text + (negative || *text == '+'), &number);

	if (r < 0)
		return r;
	if (number > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*value = (int64_t)(negative ? -number : number);
	return 0;
}

int number_real(const char *text, double *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	double number;
	char *tail;

	/* Digits first, for strtod takes spaces, "inf" and "nan" too. */
	if (!starts_with_digit(digits) && *digits != '.')
		return -EINVAL;
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		return -EINVAL;
	number = strtod(text, &tail);
	if (tail == text || *tail)
		return -EINVAL;
	if (!isfinite(number))
		return -ERANGE;
	*value = number;
	return 0;
}
