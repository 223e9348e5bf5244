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
 * In shared memory.  `put` and `taken` count the bytes put in and taken out, with
 * headers and padding; positions in the ring are the counts modulo `ring`.
 * Between `taken` and `put` lie whole messages, each an 8-byte length and the bytes,
 * padded to QUEUE_UNIT.
 *
 * Invariant: 0 <= put - taken <= ring, and the messages between are whole.  A single
 * store to `put` adds a message after the bytes are written; a single store to
 * `taken` removes a message.  Both stores happen with the lock held.  A process that
 * dies with the lock leaves the queue as before the store, or as after.
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

	/* Futex words: `filled` changes with each message put, `emptied` with
	 * each message taken; and counts of sleepers, some maybe dead. */
	alignas(RIG_LINE) _Atomic uint32_t filled;
	_Atomic uint32_t awaiting_message;
	alignas(RIG_LINE) _Atomic uint32_t emptied;
	_Atomic uint32_t awaiting_room;

	alignas(RIG_LINE) unsigned char bytes[];
};

#define QUEUE_UNIT ((size_t)8)

#endif
