/* SPDX-License-Identifier: MIT */
/*
 * ring.h - slots in shared memory, one writer and one reader, and how writer and
 * reader wait for each other.
 */
#ifndef RIGBENCH_RING_H
#define RIGBENCH_RING_H

#include <stdalign.h>
#include <stdatomic.h>

#include "ipc/transport.h"

/* The distance that the library keeps between lines. */
#define RING_LINE 128

/* In shared memory: a count that one side raises, and for which the other side waits. */
struct bell {
	alignas(RING_LINE) _Atomic uint32_t count;
	_Atomic uint32_t sleeping; /* 1: the waiter sleeps, or is about to */
};

/* In shared memory: one direction. */
struct ring_shm {
	struct bell produced;                    /* by the writer */
	struct bell consumed;                    /* by the reader */
	alignas(RING_LINE) char note[RING_LINE]; /* a transport's own */
};

/* Raise to `count`, and wake the sleeping side. */
void bell_ring(struct bell *bell, uint32_t count, enum waiting waiting);

/* Wait until the count is `target` or beyond. */
void bell_wait(struct bell *bell, uint32_t target, enum waiting waiting);

/* Bytes before the slots, and the slots of a direction. */
#define RING_HEAD 4096
struct ring_shm *ring_of(const struct link *link, int direction);
char *ring_slots(const struct link *link, int direction);

/* Shared memory with two rings of link->slots slots of `stride` bytes each. */
int ring_create(struct link *link, size_t stride, char *why);

/* Attach to the memory, and settle the slots on the right node. */
int ring_attach(struct link *link, char *why);
void ring_destroy(struct link *link);

#endif
