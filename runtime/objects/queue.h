/* SPDX-License-Identifier: MIT */
/*
 * queue.h - the memory of a queue.
 */
#ifndef RUNRIG_QUEUE_PRIVATE_H
#define RUNRIG_QUEUE_PRIVATE_H

#include <pthread.h>
#include <stdalign.h>

#include <runrig/queue.h>

#include "base/atomic.h"

#define QUEUE_MAGIC UINT64_C(0x7565756571676972) /* "rigqueue" */

/*
 * In shared memory.  `put` and `taken` count the bytes that went in and came out,
 * headers and padding with them; the ring is read and written modulo its size.
 * Between them lie whole messages, each an 8-byte length and its bytes, padded to
 * QUEUE_UNIT.
 *
 * Invariant: 0 <= put - taken <= ring, and what lies between is whole.  One store
 * to `put` adds a message whose bytes are there already; one store to `taken`
 * removes a message.  Both happen with the lock held.  So whoever dies with the
 * lock leaves the queue as it was before the store, or as it is after.
 */
struct rig_queue {
	uint64_t magic; /* QUEUE_MAGIC; written last */
	uint64_t ring;  /* bytes of messages; a multiple of QUEUE_UNIT */

	/* Process-shared and robust. */
	alignas(RIG_LINE) pthread_mutex_t lock;
	_Atomic uint64_t put;
	_Atomic uint64_t taken;
	_Atomic uint64_t puts;  /* messages */
	_Atomic uint64_t takes; /* likewise */

	/* What sleepers sleep on: it changes with each message put, and with
	 * each taken; and how many there are, who may have died asleep. */
	alignas(RIG_LINE) _Atomic uint32_t filled;
	_Atomic uint32_t awaiting_message;
	alignas(RIG_LINE) _Atomic uint32_t emptied;
	_Atomic uint32_t awaiting_room;

	alignas(RIG_LINE) unsigned char bytes[];
};

#define QUEUE_UNIT ((size_t)8)

#endif
