/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the heap of a rank in this process, and when the heap begins and ends.
 */
#ifndef RUNRIG_HEAP_PRIVATE_H
#define RUNRIG_HEAP_PRIVATE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/heap.h>

struct rank;
struct heap_block;

/* Bytes of each heap that keep their pages from run to run. */
#define HEAP_KEEP ((size_t)4 << 20)

/* Free blocks by the power of two that their length reaches. */
#define HEAP_BINS 48

/* In this process.  Numbers are offsets in the rank's part of layout.heaps. */
struct rig_heap {
	struct rank *owner;
	pthread_mutex_t lock; /* over the following fields, and the blocks */
	char *base;           /* NULL: the team has no heaps */
	size_t room;          /* bytes of address space */
	size_t top;           /* blocks lie below */
	size_t last;          /* the highest block; nothing where top is 0 */
	size_t there;         /* pages lie below, but in bare blocks */
	size_t dirty;         /* from here on all bytes are zero */
	uint64_t filled;      /* bit b: bins[b] has blocks */
	struct heap_block *bins[HEAP_BINS];
};

/* A new rank; and a new run: the heap is empty. */
void heap_init(struct rank *rank);
void heap_begin_job(struct rank *rank);

/* The last to finish a run gives the pages of all heaps back, but HEAP_KEEP of
 * each. */
void heap_all_done(struct rank *rank);

#endif
