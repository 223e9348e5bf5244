/* SPDX-License-Identifier: MIT */
/*
 * queue.c - messages through a ring that survives the death of a user.
 *
 * A robust mutex, and two counters that a single store each moves: queue.h has the
 * invariant.  The next holder after a death has no message to repair, but wakes
 * all sleepers, for the dead holder may have stored and not woken.
 *
 * Nobody sleeps for longer than LOOK_NS at a time: the next to take the mutex
 * notices the death, and may be a sleeper.
 */
#include "objects/queue.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/size.h"
#include "machine/robust.h"
#include "machine/wait.h"

/* How often a sleeper looks, in case a dead process was to wake the sleeper. */
#define LOOK_NS (100 * UINT64_C(1000000))

/* Bytes of a message's length, before the message. */
#define HEADER_BYTES sizeof(uint64_t)

/* Bytes that a message takes in the ring; 0: too many. */
static size_t taken_by(size_t bytes)
{
	size_t sum;

	if (!size_add(bytes, HEADER_BYTES + QUEUE_UNIT, &sum))
		return 0;
	return size_round_up(bytes + HEADER_BYTES, QUEUE_UNIT);
}

size_t rig_queue_bytes(size_t count, size_t bytes)
{
	size_t each = taken_by(bytes), ring, sum;

	if (!each || !size_mul(count ? count : 1, each, &ring) ||
	    !size_add(ring, sizeof(struct rig_queue), &sum))
		return 0;
	return sum;
}

int rig_queue_init(struct rig_queue *queue, size_t bytes)
{
	int r = need(queue, "queue: the queue");

	if (r < 0)
		return r;
	if ((uintptr_t)queue % RIG_LINE || bytes < rig_queue_bytes(1, 1))
		return rig_fail(-EINVAL,
				"queue: %zu bytes at %p; at least %zu, aligned "
				"to %d",
				bytes, (void *)queue, rig_queue_bytes(1, 1),
				RIG_LINE);
	memset(queue, 0, sizeof(*queue));
	queue->ring = (bytes - sizeof(*queue)) / QUEUE_UNIT * QUEUE_UNIT;
	r = robust_init(&queue->lock);
	if (r < 0)
		return rig_fail_errno(r, "queue: its lock");
	queue->magic = QUEUE_MAGIC;
	return 0;
}

static bool is_queue(const struct rig_queue *queue)
{
	return queue && queue->magic == QUEUE_MAGIC && queue->ring &&
	       queue->ring % QUEUE_UNIT == 0;
}

static int check_queue(const struct rig_queue *queue)
{
	if (queue && !is_queue(queue))
		return rig_fail(-EPROTO, "queue: this memory is none");
	return need(queue, "queue: the queue");
}

size_t rig_queue_longest(const struct rig_queue *queue)
{
	return is_queue(queue) ? queue->ring - HEADER_BYTES : 0;
}

uint64_t rig_queue_count(const struct rig_queue *queue)
{
	/* acquire: pairs with the release of a taker, who knew of each message
	 * put that is taken, so the difference is never negative. */
	uint64_t takes;

	if (!is_queue(queue))
		return 0;
	takes = load_acquire(&queue->takes);
	return load_relaxed(&queue->puts) - takes;
}

/* Copy to the ring, from offset `at` on, and from it. */
static void copy_in(struct rig_queue *queue, uint64_t at, const void *from,
		    size_t bytes)
{
	size_t begin = (size_t)(at % queue->ring);
	size_t first =
		queue->ring - begin < bytes ? queue->ring - begin : bytes;

	if (first)
		memcpy(queue->bytes + begin, from, first);
	if (first < bytes)
		memcpy(queue->bytes, (const char *)from + first, bytes - first);
}

static void copy_out(const struct rig_queue *queue, uint64_t at, void *to,
		     size_t bytes)
{
	size_t begin = (size_t)(at % queue->ring);
	size_t first =
		queue->ring - begin < bytes ? queue->ring - begin : bytes;

	if (first)
		memcpy(to, queue->bytes + begin, first);
	if (first < bytes)
		memcpy((char *)to + first, queue->bytes, bytes - first);
}

/* Change a futex word and wake sleepers.  With the lock held: a death before the
 * wake shows then. */
static void wake(_Atomic uint32_t *word, _Atomic uint32_t *sleepers, int count)
{
	/* seq_cst, both: a sleeper first counts, then looks at the word. */
	add_seq(word, 1);
	if (load_seq(sleepers))
		wait_wake(word, count);
}

/* Count the messages again: the dead holder may have moved a message and not
 * counted.  Stops at damage, which lock() or take_now() reports. */
static void count_again(struct rig_queue *queue)
{
	uint64_t at = load_relaxed(&queue->taken), count = 0, length;
	uint64_t put = load_relaxed(&queue->put);

	while (put - at >= HEADER_BYTES && put - at <= queue->ring) {
		copy_out(queue, at, &length, HEADER_BYTES);
		if (length > put - at || !taken_by(length))
			break;
		at += taken_by(length);
		count++;
	}
	store_relaxed(&queue->puts, load_relaxed(&queue->takes) + count);
}

static int lock(struct rig_queue *queue)
{
	int r = pthread_mutex_lock(&queue->lock);

	if (r == EOWNERDEAD) {
		/* All is as before the store, or as after: see queue.h. */
		count_again(queue);
		r = pthread_mutex_consistent(&queue->lock);
		wake(&queue->filled, &queue->awaiting_message, INT32_MAX);
		wake(&queue->emptied, &queue->awaiting_room, INT32_MAX);
	}
	if (r)
		return rig_fail_errno(-r, "queue: its lock");
	/* relaxed, all: the lock orders it. */
	if (load_relaxed(&queue->put) - load_relaxed(&queue->taken) <=
		    queue->ring &&
	    load_relaxed(&queue->put) % QUEUE_UNIT == 0 &&
	    load_relaxed(&queue->taken) % QUEUE_UNIT == 0)
		return 0;
	pthread_mutex_unlock(&queue->lock);
	return rig_fail(-EPROTO, "queue: it is damaged");
}

/* Wait until *word, which was `seen`, has changed, or it is time to look. */
static int sleep_on(const _Atomic uint32_t *word, _Atomic uint32_t *sleepers,
		    uint32_t seen, uint64_t deadline_ns)
{
	/* A short wait is not worth a sleep.  The CPU is given away meanwhile,
	 * for there may be more processes than CPUs. */
	static const struct patience patience = { .yields = 20 };
	uint64_t look;

	if (!deadline_ns || clock_ns() >= deadline_ns)
		return -ETIMEDOUT;
	if (wait_change(word, seen, &patience) != seen)
		return 0;
	look = clock_after(LOOK_NS);
	/* seq_cst, both: see wake().  Either the waker finds this sleeper
	 * counted, or this sleeper finds the word changed. */
	add_seq(sleepers, 1);
	if (load_seq(word) == seen)
		(void)wait_sleep(word, seen,
				 look < deadline_ns ? look : deadline_ns);
	sub_seq(sleepers, 1);
	return 0;
}

/* With the lock held: true where there was room. */
static bool put_now(struct rig_queue *queue, const void *message,
		    uint64_t bytes)
{
	uint64_t put = load_relaxed(&queue->put);
	uint64_t room = queue->ring - (put - load_relaxed(&queue->taken));

	if (taken_by(bytes) > room)
		return false;
	copy_in(queue, put, &bytes, HEADER_BYTES);
	copy_in(queue, put + HEADER_BYTES, message, bytes);
	/* release: the bytes are seen with the count, after a death too. */
	store_release(&queue->put, put + taken_by(bytes));
	store_relaxed(&queue->puts, load_relaxed(&queue->puts) + 1);
	wake(&queue->filled, &queue->awaiting_message, 1);
	return true;
}

int rig_queue_put(struct rig_queue *queue, const void *message, size_t bytes,
		  uint64_t deadline_ns)
{
	uint32_t seen;
	bool done;
	int r = check_queue(queue);

	if (r == 0 && bytes)
		r = need(message, "queue: the message");
	if (r < 0)
		return r;
	if (bytes > rig_queue_longest(queue))
		return rig_fail(-EMSGSIZE,
				"queue: a message of %zu bytes, not at most "
				"%zu",
				bytes, rig_queue_longest(queue));
	for (;;) {
		r = lock(queue);
		if (r < 0)
			return r;
		seen = load_seq(&queue->emptied);
		done = put_now(queue, message, bytes);
		pthread_mutex_unlock(&queue->lock);
		if (done)
			return 0;
		r = sleep_on(&queue->emptied, &queue->awaiting_room, seen,
			     deadline_ns);
		if (r < 0)
			return rig_fail(r, "queue: no room for %zu bytes",
					bytes);
	}
}

/* With the lock held: 1 where a message was taken, 0 where there is none, or
 * -EMSGSIZE, -EPROTO. */
static int take_now(struct rig_queue *queue, void *message, size_t room,
		    size_t *bytes)
{
	uint64_t taken = load_relaxed(&queue->taken), length;
	/* acquire: pairs with the release of a putter, maybe dead. */
	uint64_t there = load_acquire(&queue->put) - taken;

	if (!there)
		return 0;
	copy_out(queue, taken, &length, HEADER_BYTES);
	if (length > there || taken_by(length) > there)
		return rig_fail(-EPROTO, "queue: it is damaged");
	*bytes = length;
	if (length > room)
		return rig_fail(-EMSGSIZE,
				"queue: a message of %zu bytes, room for %zu",
				(size_t)length, room);
	copy_out(queue, taken + HEADER_BYTES, message, length);
	/* release: the bytes were read before they may be written over. */
	store_release(&queue->taken, taken + taken_by(length));
	/* release: see rig_queue_count(). */
	store_release(&queue->takes, load_relaxed(&queue->takes) + 1);
	/* All: a short message may fit where a long one does not. */
	wake(&queue->emptied, &queue->awaiting_room, INT32_MAX);
	return 1;
}

int rig_queue_take(struct rig_queue *queue, void *message, size_t room,
		   size_t *bytes, uint64_t deadline_ns)
{
	uint32_t seen;
	int r = check_queue(queue);

	if (r == 0 && room)
		r = need(message, "queue: the place for the message");
	if (r == 0)
		r = need(bytes, "queue: the place for its bytes");
	if (r < 0)
		return r;
	for (;;) {
		r = lock(queue);
		if (r < 0)
			return r;
		seen = load_seq(&queue->filled);
		r = take_now(queue, message, room, bytes);
		pthread_mutex_unlock(&queue->lock);
		if (r)
			return r < 0 ? r : 0;
		r = sleep_on(&queue->filled, &queue->awaiting_message, seen,
			     deadline_ns);
		if (r < 0)
			return rig_fail(r, "queue: no message");
	}
}
