/* SPDX-License-Identifier: MIT */
/*
 * roof.h - the loops that memory can be no faster than: read, write, write past
 * the caches, copy, triad, over memory of this process alone.
 *
 * A pass goes once over all the bytes; what it counts is what the program reads
 * and writes, which for each of the five is the bytes of the working set.
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
	ROOF_COPY,     /* one half to the other, plain stores */
	ROOF_TRIAD,    /* a third from two others, plain stores */
	ROOFS
};

extern const char *const roof_names[ROOFS];

/* Bytes that memory moves for each one counted, where a plain store reads its
 * line first (write-allocate) and nothing stays in a cache. */
extern const double roof_moves[ROOFS];

/* Are there stores past the caches in this build? */
bool roof_has_nt(void);

/* Working sets are a multiple of this. */
#define ROOF_STEP ((size_t)3072)

/* Memory of its own, on huge pages where the system gives them, touched by the
 * caller.  NULL: there is none.  The caller frees it. */
double *roof_memory(size_t bytes);

/* Known values in all of it. */
void roof_fill(double *memory, size_t bytes);

/* `count` passes.  Returns what a read adds up to, the same for every pass; 0
 * for the others. */
uint64_t roof_run(enum roof roof, double *memory, size_t bytes, uint64_t count);

/* After one pass over freshly filled memory: is everything as it must be, `sum`
 * being what the pass returned? */
bool roof_right(enum roof roof, const double *memory, size_t bytes,
		uint64_t sum);

/*
 * Nanoseconds that `workers` need at least to move so many bytes over arrays of
 * `held` bytes, each over its share: as if each read and wrote at once, both at
 * the best rate that this process finds in a working set as large.  Takes some
 * ten milliseconds; 0: no memory to find out.
 */
double roof_least_ns(double moved, double held, int workers, clockid_t clock);

#endif
