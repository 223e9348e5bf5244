/* SPDX-License-Identifier: MIT */
/*
 * queue.h - messages of any size through shared memory, from whoever puts to
 * whoever takes.
 *
 *	struct rig_queue *queue = rig_segment_data(segment);
 *
 *	rig_queue_init(queue, rig_segment_bytes(segment));     the maker, once
 *	rig_queue_put(queue, text, strlen(text), RIG_FOREVER);
 *	rig_queue_take(queue, text, sizeof(text), &bytes, RIG_FOREVER);
 *
 * A queue is memory that processes or threads see, at whatever address: a segment,
 * or a part of one.  Any number of them put, any number take; messages come out in
 * the order in which they went in, each once.  There is room for some bytes of
 * messages; who finds none waits, as who finds no message does.
 *
 * Whoever dies in a call, at whatever instant, leaves a queue that the others go
 * on with.  A message whose putter dies is in the queue or is not; one whose taker
 * dies is still in it, or lost with the taker: never more than the one in hand.
 *
 * Life: rig_queue_init() before anyone else can see the memory; the queue is never
 * destroyed, and goes with its memory.
 */
#ifndef RUNRIG_QUEUE_H
#define RUNRIG_QUEUE_H

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In shared memory, aligned to RIG_LINE. */
struct rig_queue;

/* Bytes of memory for a queue with room for `count` messages of `bytes` bytes
 * each; 0: that is more than there can be.  Shorter messages take less. */
RIG_API size_t rig_queue_bytes(size_t count, size_t bytes);

/*
 * Lay a queue out in `bytes` bytes at `queue`.  Returns 0, -EINVAL for alignment or
 * for less than rig_queue_bytes(1, 1), or what pthread_mutex_init() said.  One
 * thread, before the queue is shared.
 */
RIG_API int rig_queue_init(struct rig_queue *queue, size_t bytes);

/*
 * Put a message of `bytes` bytes (0 is one, too) into the queue.  Returns 0, or
 *
 *	-ETIMEDOUT  there was no room until `deadline_ns` on CLOCK_MONOTONIC; 0
 *	            does not wait, RIG_FOREVER waits for ever
 *	-EMSGSIZE   it is longer than rig_queue_longest()
 *	-EPROTO     this memory is no queue, or is damaged
 *	-EINVAL     queue or message is NULL
 *
 * Any thread of any process that sees the memory.
 */
RIG_API int rig_queue_put(struct rig_queue *queue, const void *message,
			  size_t bytes, uint64_t deadline_ns);

/*
 * Take the oldest message: its bytes to `message`, which has room for `room`, how
 * many to *bytes.  Returns 0, or -ETIMEDOUT and -EPROTO as above, or -EMSGSIZE: it
 * has *bytes bytes, which is more than `room`, and stays.  Any thread likewise.
 */
RIG_API int rig_queue_take(struct rig_queue *queue, void *message, size_t room,
			   size_t *bytes, uint64_t deadline_ns);

/* Bytes of the longest message it can have; 0: this memory is no queue. */
RIG_API size_t rig_queue_longest(const struct rig_queue *queue);

/* Messages in it now: a number that was true; 0: this memory is no queue.  Never
 * waits. */
RIG_API uint64_t rig_queue_count(const struct rig_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
