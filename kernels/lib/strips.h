/* SPDX-License-Identifier: MIT */
/*
 * strips.h - parts of the work for ranks, beyond rig_team_strip().
 *
 * Sums that must have the same bits for any number of workers are made of
 * *chunks* of SHARE_CHUNK elements.  The elements of a chunk are added up in a
 * fixed order and the sum is stored; then the chunks' sums are added up, also
 * in a fixed order.  Neither order depends on the number of ranks.
 */
#ifndef KERNELS_STRIPS_H
#define KERNELS_STRIPS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sched.h>

#include <runrig/team.h>

/* Elements of a chunk. */
#define SHARE_CHUNK 1024

/* How often a flag is looked at before the CPU is left to somebody else. */
#define SHARE_LOOKS 2000

/* The strip of the rank after this rank: no rank judges its own work. */
static inline struct rig_span share_next(const struct rig_team *team,
					 size_t count)
{
	int size = rig_team_size(team);

	return rig_strip(count, (rig_team_rank(team) + 1) % size, size);
}

/* This rank has done `done` of `count` equal pieces of its part. */
static inline void share_done(struct rig_team *team, size_t done, size_t count)
{
	rig_team_progress(team, (double)done / (double)count);
}

static inline size_t share_chunks(size_t count)
{
	return count / SHARE_CHUNK + (count % SHARE_CHUNK != 0);
}

/* The elements of a chunk of `count` elements. */
static inline struct rig_span share_chunk(size_t count, size_t chunk)
{
	size_t begin = chunk * SHARE_CHUNK;
	size_t left = count - begin;

	return (struct rig_span){
		begin, begin + (left < SHARE_CHUNK ? left : SHARE_CHUNK)
	};
}

/* 64 bits that tell nothing of the bits of neighbouring numbers. */
static inline uint64_t share_scatter(uint64_t at)
{
	at = (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
	at = (at ^ at >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	at = (at ^ at >> 27) * UINT64_C(0x94d049bb133111eb);
	return at ^ at >> 31;
}

/* The answer of rig_kernel.owns where a rank owns a strip of `rows` rows. */
static inline int share_rows(size_t rows, size_t row_bytes, int rank, int size,
			     struct rig_span *spans)
{
	struct rig_span strip = rig_strip(rows, rank, size);

	if (strip.begin == strip.end)
		return 0;
	spans[0] = (struct rig_span){ strip.begin * row_bytes,
				      strip.end * row_bytes };
	return 1;
}

/* A hint: fetch the line of *at into this CPU's cache, for writing.  Without
 * -mprfchw GCC's builtin fetches for reading, and a line that another CPU has
 * is then paid for twice. */
static inline void share_fetch_to_write(const void *at)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

/* Wait until a counter of another rank has reached `value`.  acquire: pairs
 * with a release store of the other rank. */
static inline void share_await(const _Atomic uint64_t *counter, uint64_t value)
{
	for (uint32_t looks = 1;
	     atomic_load_explicit(counter, memory_order_acquire) < value;
	     looks++)
		if (looks % SHARE_LOOKS == 0)
			sched_yield();
}

#endif
