/* SPDX-License-Identifier: MIT */
/*
 * sort_wide.h - items that no unsigned number of 64 bits stands for: complex
 * numbers, and those of float128.
 *
 * They are moved as they are and compared as NumPy does: complex numbers by
 * their real parts, then by the others; what is no number, in either part, comes
 * last.  Those that are equal keep the order they came in.
 */
#ifndef KERNELS_SORT_WIDE_H
#define KERNELS_SORT_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

/* A sample sort's parts; see sort.c. */
#define BUCKETS 256
#define SAMPLES (BUCKETS * 16)
#define CHUNKS  256

/* Items up to which one rank alone is quickest. */
#define ONE_BUCKET 4096

/* In this process: one rank's view of a run. */
struct sort_wide {
	struct rig_team *team;
	uint32_t dtype;
	size_t length;
	char *x, *dealt;
	uint8_t *notes;
	uint64_t *totals, *places; /* BUCKETS; CHUNKS x BUCKETS */
};

bool sort_wide_knows(uint32_t dtype);

/* Is the first item to come before the second? */
bool sort_wide_before(uint32_t dtype, const void *a, const void *b);

/* Private memory of one rank, for items of so many bytes. */
size_t sort_wide_memory(size_t item_bytes);

/* Sort x, with `memory` as said.  Every rank calls it; waits. */
int sort_wide(const struct sort_wide *sort, void *memory);

/* Of these buckets: counts of chunks become places from 0 on, chunk after
 * chunk, and totals. */
void sort_place(uint64_t *totals, uint64_t *places, struct rig_span buckets);

#endif
