/* SPDX-License-Identifier: MIT */
/*
 * payload.c - what messages carry: words that a sum proves.
 *
 * Word i of message `seq` is seq * A + i * B; the sum of all has a closed form,
 * so that a consumer that adds up every word checks every message for the price
 * of reading it.
 */
#include <string.h>

#include "pair.h"
#include "stats.h"
#include "stopwatch.h"

#define A UINT64_C(0x9e3779b97f4a7c15)
#define B UINT64_C(0x2545f4914f6cdd1d)

void payload_fill(void *data, size_t bytes, uint64_t seq)
{
	uint64_t *word = data;
	size_t words = bytes / 8;
	unsigned char *tail = (unsigned char *)data + words * 8;
	uint64_t base = seq * A;

	for (size_t i = 0; i < words; i++)
		word[i] = base + i * B;
	for (size_t i = 0; i < bytes % 8; i++)
		tail[i] = (unsigned char)(seq + i);
	/* Produced, whatever the compiler knows of it. */
	__asm__ volatile("" ::"r"(data) : "memory");
}

static uint64_t sum(const void *data, size_t words)
{
	const uint64_t *word = data;
	uint64_t total = 0;

	__asm__ volatile("" ::"r"(data) : "memory");
	for (size_t i = 0; i < words; i++)
		total += word[i];
	return total;
}

bool payload_right(const void *data, size_t bytes, uint64_t seq)
{
	uint64_t words = bytes / 8;
	const unsigned char *tail = (const unsigned char *)data + words * 8;
	/* One of words and words - 1 is even. */
	uint64_t pairs =
		words % 2 ? (words - 1) / 2 * words : words / 2 * (words - 1);
	bool right = sum(data, words) == words * seq * A + pairs * B;

	for (size_t i = 0; i < bytes % 8; i++)
		right &= tail[i] == (unsigned char)(seq + i);
	return right;
}

double payload_least_ns(size_t bytes, clockid_t clock)
{
	/* No more than half a first-level cache: larger ones are not faster. */
	static uint64_t hot[2048];
	size_t words = bytes / 8 < 2048 ? bytes / 8 : 2048;
	double least = 0;

	if (!words)
		return 0;
	payload_fill(hot, words * 8, 1);
	for (int i = 0; i < 20; i++) {
		uint64_t begin = stopwatch_ns(clock);
		uint64_t total = 0;
		double ns;

		for (int k = 0; k < 200; k++)
			total += sum(hot, words);
		__asm__ volatile("" ::"r"(total));
		ns = (double)(stopwatch_ns(clock) - begin) / 200;
		if (!i || ns < least)
			least = ns;
	}
	return least * (double)(bytes / 8) / (double)words;
}
