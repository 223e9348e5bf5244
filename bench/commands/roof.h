/* SPDX-License-Identifier: MIT */
/*
 * roof.h - the fastest loops through memory: read, write, write past the
 * caches, copy, triad, over memory of this process alone.
 *
 * A pass goes once over all the bytes, and counts the bytes that the program
 * reads and writes: for each of the five loops, the bytes of the working set.
 */
#ifndef RIGBENCH_ROOF_H
#define RIGBENCH_ROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum roof {
	ROOF_READ,     /* add up every word */
	ROOF_WRITE,    /* plain stores */
	ROOF_WRITE_NT, /* stores past the caches */
	ROOF_COPY,     /* from a half to the other half, by plain stores */
	ROOF_TRIAD,    /* a third from two others, plain stores */
	ROOFS
};

extern const char *const roof_names[ROOFS];

/* Bytes that memory moves for each counted byte, where a plain store reads its
 * line first (write-allocate) and nothing stays in a cache. */
extern const double roof_moves[ROOFS];

/* Whether this build has stores past the caches. */
bool roof_has_nt(void);

/* Working sets are a multiple of this size. */
#define ROOF_STEP ((size_t)3072)

/* Private memory, on huge pages where the system gives huge pages, touched by
 * the caller.  NULL: there is no memory.  The caller frees the memory. */
double *roof_memory(size_t bytes);

/* Fill the memory with known values. */
void roof_fill(double *memory, size_t bytes);

/* `count` passes.  Returns the sum of a read, the same for every pass; 0 for
 * the other loops. */
uint64_t roof_run(enum roof roof, double *memory, size_t bytes, uint64_t count);

/* After a pass over freshly filled memory: whether every value is right; `sum`
 * is the sum that the pass returned. */
bool roof_right(enum roof roof, const double *memory, size_t bytes,
		uint64_t sum);

/*
 * The least time in nanoseconds in which `workers` can move `bytes` over arrays
 * of `held` bytes, each worker over its share: as if every worker read and
 * wrote at once, both at the best rate that this process finds in a working set
 * as large.  Takes some ten milliseconds; 0: no memory for the measurement.
 */
double roof_least_ns(double moved, double held, int workers, clockid_t clock);

#endif
