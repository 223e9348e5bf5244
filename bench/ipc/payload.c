/* SPDX-License-Identifier: MIT */
/*
 * payload.c - the contents of messages: words that a sum proves.
 *
 * Word i of message `seq` is seq * A + i * B; the sum of all words has a closed form,
 * so a consumer that adds up every word checks every message for the price of
 * reading.
 */
#include <stdalign.h>
#include <string.h>

#include "ipc/pair.h"
#include "driver/stats.h"
#include "driver/stopwatch.h"

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
	/* Stored, whatever the compiler knows of the contents. */
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

uint64_t payload_sum(size_t bytes, uint64_t seq)
{
	uint64_t words = bytes / 8;
	/* Either words or words - 1 is even. */
	uint64_t pairs =
		words % 2 ? (words - 1) / 2 * words : words / 2 * (words - 1);

	return words * seq * A + pairs * B;
}

uint64_t payload_ends(size_t bytes, uint64_t seq)
{
	return 2 * seq * A + (bytes / 8 - 1) * B;
}

bool payload_right(const void *data, size_t bytes, uint64_t seq)
{
	uint64_t words = bytes / 8;
	const unsigned char *tail = (const unsigned char *)data + words * 8;
	bool right = sum(data, words) == payload_sum(bytes, seq);

	for (size_t i = 0; i < bytes % 8; i++)
		right &= tail[i] == (unsigned char)(seq + i);
	return right;
}

/* Not inlined: the least time is measured on the same code. */
__attribute__((noinline)) void payload_turn(void *data, size_t bytes)
{
	uint64_t *word = data;
	size_t words = bytes / 8;

	for (size_t i = 0; i < words / 2; i++) {
		uint64_t held = word[i];

		word[i] = word[words - 1 - i];
		word[words - 1 - i] = held;
	}
	__asm__ volatile("" ::"r"(data) : "memory");
}

void payload_turn_to(void *to, const void *from, size_t bytes)
{
	const uint64_t *in = from;
	uint64_t *out = to;
	size_t words = bytes / 8;

	for (size_t i = 0; i < words; i++)
		out[i] = in[words - 1 - i];
	__asm__ volatile("" ::"r"(to) : "memory");
}

bool payload_turned(const void *data, size_t bytes, uint64_t seq, bool turned,
		    bool all)
{
	const uint64_t *word = data;
	size_t words = bytes / 8;
	bool right = true;

	for (size_t i = 0; i < words; i += all || words == 1 ? 1 : words - 1) {
		uint64_t at = turned ? words - 1 - i : i;

		right &= word[i] == seq * A + at * B;
	}
	return right;
}

static uint64_t look(void *data, size_t bytes)
{
	return sum(data, bytes / 8);
}

static uint64_t look_and_turn(void *data, size_t bytes)
{
	payload_turn(data, bytes);
	return 0;
}

/* The time of a word: the least of many timings of several words. */
static double least_of(uint64_t (*work)(void *, size_t), uint64_t *hot,
		       size_t words, clockid_t clock)
{
	double least = 0;

	payload_fill(hot, words * 8, 1);
	for (int i = 0; i < 50; i++) {
		uint64_t begin = stopwatch_ns(clock);
		uint64_t total = 0;
		double ns;

		for (int k = 0; k < 40; k++)
			total += work(hot, words * 8);
		__asm__ volatile("" ::"r"(total));
		ns = (double)(stopwatch_ns(clock) - begin) / 40;
		if (!i || ns < least)
			least = ns;
	}
	return least / (double)words;
}

double payload_least_ns(size_t bytes, bool map, clockid_t clock)
{
	/* Half a first-level cache and half a second-level cache: some loops are
	 * faster there, and no larger loops are. */
	static alignas(4096) uint64_t hot[32768];
	static double word_ns[2];

	if (word_ns[map] == 0) {
		double near =
			least_of(map ? look_and_turn : look, hot, 2048, clock);
		double far =
			least_of(map ? look_and_turn : look, hot, 32768, clock);

		word_ns[map] = near < far ? near : far;
	}
	return word_ns[map] * (double)(bytes / 8);
}
