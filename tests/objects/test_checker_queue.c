/* SPDX-License-Identifier: MIT */
/*
 * test_checker_queue.c - queue.c, compiled, in every interleaving: putters and
 * takers that wait, and that die before any operation or between two words of a
 * message.
 *
 * A message is its number, in one word or in two.  The checker's bytes note what
 * each thread waits for, and which messages were put and taken by calls that
 * returned.
 */
#include "checker.h"

#include <errno.h>
#include <string.h>

#include <runrig/api.h>

#include "objects/queue.h"

#define RING_WORDS 8

static union {
	struct rig_queue queue;
	unsigned char bytes[sizeof(struct rig_queue) + RING_WORDS * QUEUE_UNIT];
} shm;

uint64_t checker_look;

/* The call that a thread is in. */
enum in { NOTHING, PUTS_ONE, PUTS_TWO, TAKES };

/* In the checker's bytes; messages are numbered from 1 to 15. */
struct seen {
	uint16_t put;   /* bit n: the call that put message n has returned */
	uint16_t taken; /* bit n: the call that took message n has returned */
	uint8_t last[CHECKER_THREADS]; /* of each taker: the last message */
	uint8_t in[CHECKER_THREADS];   /* enum in */
};

static struct seen *seen(void)
{
	return checker_ghost();
}

/* The cell of a word of the ring; -1: not there. */
static int cell_of(const void *at)
{
	const unsigned char *p = at, *ring = shm.queue.bytes;

	if (p < ring || p >= ring + shm.queue.ring)
		return -1;
	return (int)((size_t)(p - ring) / QUEUE_UNIT);
}

/* Each word is 8 bytes, or the 4 bytes of the last. */
void *checker_copy(void *to, const void *from, size_t bytes)
{
	const int into = cell_of(to), out = cell_of(from);

	for (size_t at = 0; at < bytes; at += QUEUE_UNIT) {
		const size_t size =
			bytes - at < QUEUE_UNIT ? bytes - at : QUEUE_UNIT;
		uint64_t word = 0;

		checker_step("copies a word");
		if (out >= 0)
			word = checker_read(out + (int)(at / QUEUE_UNIT));
		else
			__builtin_memcpy(&word, (const char *)from + at, size);
		if (into >= 0)
			checker_write(into + (int)(at / QUEUE_UNIT),
				      (uint32_t)word);
		else
			__builtin_memcpy((char *)to + at, &word, size);
	}
	return to;
}

static void lay_out(unsigned words, uint64_t look)
{
	struct rig_queue *queue = &shm.queue;

	memset(&shm, 0, sizeof(shm));
	queue->magic = QUEUE_MAGIC;
	queue->ring = words * QUEUE_UNIT;
	checker_look = look;
	checker_location(&queue->put, "put");
	checker_location(&queue->taken, "taken");
	checker_location(&queue->puts, "puts");
	checker_location(&queue->takes, "takes");
	checker_location(&queue->filled, "filled");
	checker_location(&queue->awaiting_message, "awaiting message");
	checker_location(&queue->emptied, "emptied");
	checker_location(&queue->awaiting_room, "awaiting room");
}

/* Room for one message, for two; nobody dies, and nobody needs to look. */
static void one_fits(void)
{
	lay_out(2, RIG_FOREVER);
}

static void two_fit(void)
{
	lay_out(4, RIG_FOREVER);
}

/* Somebody may die: a sleeper looks. */
static void two_fit_mortals(void)
{
	lay_out(4, 1);
}

/* --- the threads --- */

static void put(int self, uint32_t number, bool two)
{
	const uint64_t message[2] = { number, number };
	int r;

	seen()->in[self] = two ? PUTS_TWO : PUTS_ONE;
	r = rig_queue_put(&shm.queue, message, two ? 16 : 8, RIG_FOREVER);
	seen()->in[self] = NOTHING;
	if (r < 0)
		checker_fail(CHECKER_WRONG, "put: %d", r);
	seen()->put |= (uint16_t)(1u << number);
}

/* Note a message that a call has given. */
static uint32_t note(int self, const uint64_t *message, size_t bytes)
{
	const uint32_t number = (uint32_t)message[0];

	if ((bytes != 8 && bytes != 16) || number == 0 || number > 15 ||
	    (bytes == 16 && message[1] != number))
		checker_fail(CHECKER_WRONG, "half a message");
	if (seen()->taken >> number & 1)
		checker_fail(CHECKER_WRONG, "message %u twice", number);
	seen()->taken |= (uint16_t)(1u << number);
	/* A putter's messages are 2k and 2k + 1. */
	if (number % 2 == 0 && seen()->taken >> (number + 1) & 1 &&
	    seen()->last[self] == number + 1)
		checker_fail(CHECKER_WRONG, "message %u after %u", number,
			     number + 1);
	seen()->last[self] = (uint8_t)number;
	return number;
}

static uint32_t take(int self)
{
	uint64_t message[2] = { 0, 0 };
	size_t bytes = 0;
	int r;

	seen()->in[self] = TAKES;
	r = rig_queue_take(&shm.queue, message, sizeof(message), &bytes,
			   RIG_FOREVER);
	seen()->in[self] = NOTHING;
	if (r < 0)
		checker_fail(CHECKER_WRONG, "take: %d", r);
	return note(self, message, bytes);
}

/* Two putters, one taker: all that is put comes out. */
static void two_put(int self)
{
	if (self == 2) {
		(void)take(self);
		(void)take(self);
	} else {
		put(self, (uint32_t)(2 + 2 * self), false);
	}
}

/* One putter, two takers: in order. */
static void two_take(int self)
{
	if (self == 0) {
		put(self, 2, false);
		put(self, 3, false);
	} else {
		(void)take(self);
	}
}

/* Rounds of a ring that is always full or empty. */
static void one_to_one(int self)
{
	for (uint32_t i = 0; i < 3; i++) {
		if (self == 0)
			put(self, 2 + i, false);
		else if (take(self) != 2 + i)
			checker_fail(CHECKER_WRONG, "out of order");
	}
}

/* The ring is full; a message of two words and one of one word wait, and one of one
 * word is taken: the short one fits. */
static void long_and_short(int self)
{
	if (self == 2) {
		put(self, 2, false);
		put(self, 3, false);
		(void)take(self);
	} else {
		checker_step("comes");
		put(self, (uint32_t)(4 + 2 * self), self == 0);
	}
}

/* Calls without a deadline do not wait. */
static void tries(int self)
{
	const uint64_t sent = 2 + 2 * (uint64_t)self;
	uint64_t message[2] = { 0, 0 };
	size_t bytes = 0;
	int r;

	if (self < 2) {
		r = rig_queue_put(&shm.queue, &sent, 8, 0);
		if (r == 0)
			seen()->put |= (uint16_t)(1u << sent);
	} else {
		r = rig_queue_take(&shm.queue, message, sizeof(message), &bytes,
				   0);
		if (r == 0)
			(void)note(self, message, bytes);
	}
	if (r < 0 && r != -ETIMEDOUT)
		checker_fail(CHECKER_WRONG, "a call that does not wait: %d", r);
}

/* The number of messages was true at some time: never fewer than none. */
static void counts(int self)
{
	if (self == 2) {
		uint64_t count = rig_queue_count(&shm.queue);

		if (count > 2)
			checker_fail(CHECKER_WRONG, "%lld messages",
				     (long long)count);
	} else if (self == 1) {
		(void)take(self);
		(void)take(self);
	} else {
		put(self, 2, false);
		put(self, 3, false);
	}
}

/* Putter 0 may die; both messages do not fit.  The message of putter 1 comes out, after that of the other or
 * alone. */
static void a_putter_dies(int self)
{
	if (self == 2) {
		while (take(self) != 4)
			;
	} else {
		put(self, (uint32_t)(2 + 2 * self), self == 0);
	}
}

/* Taker 1 may die, with the message in hand or without; the other has one. */
static void a_taker_dies(int self)
{
	two_take(self);
}

/* --- ends --- */

/* Messages between `taken` and `put`, of one word each. */
static unsigned left(void)
{
	return (unsigned)(checker_last(&shm.queue.put) -
			  checker_last(&shm.queue.taken)) /
	       (unsigned)(2 * QUEUE_UNIT);
}

static unsigned bits(unsigned set)
{
	return (unsigned)__builtin_popcount(set);
}

/* A thread that waits has nothing to do: a putter no room, a taker no message. */
static const char *wait_in_vain(void)
{
	const uint64_t used =
		checker_last(&shm.queue.put) - checker_last(&shm.queue.taken);
	const uint64_t room = shm.queue.ring - used;

	for (int t = 0; t < CHECKER_THREADS; t++) {
		const uint8_t in = seen()->in[t];

		if ((in == PUTS_ONE && room >= 16) ||
		    (in == PUTS_TWO && room >= 24))
			return "a putter waits beside room";
		if (in == TAKES && used)
			return "a taker waits beside a message";
	}
	return NULL;
}

static const char *all_is_there(bool stuck)
{
	if (stuck)
		return "nobody can go on";
	if (bits(seen()->put) != bits(seen()->taken) + left())
		return "a message is lost, or is there twice";
	if (checker_last(&shm.queue.puts) - checker_last(&shm.queue.takes) !=
	    left())
		return "the counters differ from the messages";
	return NULL;
}

static const char *none_waits_in_vain(bool stuck)
{
	return stuck ? wait_in_vain() : NULL;
}

/* At most the message in the hand of the dead is lost, or is there although its
 * call has not returned. */
static const char *one_may_be_lost(bool stuck)
{
	const unsigned in = bits(seen()->put),
		       out = bits(seen()->taken) + left();

	if (stuck)
		return "nobody can go on";
	if (out + 1 < in || out > in + 1)
		return "more than the message in hand is lost";
	if (checker_unlocked() &&
	    checker_last(&shm.queue.puts) - checker_last(&shm.queue.takes) !=
		    left())
		return "the counters differ from the messages";
	return NULL;
}

static const char *const names[] = { "zero", "one", "two" };

int main(int argc, char **argv)
{
	static const struct checker_scenario scenarios[] = {
		{ .name = "one to one",
		  .threads = 2,
		  .set_up = one_fits,
		  .thread = one_to_one,
		  .end = all_is_there,
		  .spurious = 1 },
		{ .name = "two put",
		  .threads = 3,
		  .set_up = one_fits,
		  .thread = two_put,
		  .end = all_is_there },
		{ .name = "two take",
		  .threads = 3,
		  .set_up = two_fit,
		  .thread = two_take,
		  .end = all_is_there },
		{ .name = "long and short",
		  .threads = 3,
		  .set_up = two_fit,
		  .thread = long_and_short,
		  .end = none_waits_in_vain },
		{ .name = "tries",
		  .threads = 3,
		  .set_up = one_fits,
		  .thread = tries,
		  .end = all_is_there },
		{ .name = "counts",
		  .threads = 3,
		  .set_up = two_fit,
		  .thread = counts,
		  .end = all_is_there },
		{ .name = "a putter dies",
		  .threads = 3,
		  .set_up = two_fit_mortals,
		  .thread = a_putter_dies,
		  .end = one_may_be_lost,
		  .mortal = 1 << 0,
		  .deaths = 1 },
		{ .name = "a taker dies",
		  .threads = 3,
		  .set_up = two_fit_mortals,
		  .thread = a_taker_dies,
		  .end = one_may_be_lost,
		  .mortal = 1 << 1,
		  .deaths = 1 },
	};
	static struct checker_scenario
		all[sizeof(scenarios) / sizeof(*scenarios)];

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		all[i] = scenarios[i];
		all[i].names = names;
	}
	return checker_main(all, (int)(sizeof(all) / sizeof(*all)), argc, argv);
}
