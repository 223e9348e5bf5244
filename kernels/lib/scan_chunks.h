/* SPDX-License-Identifier: MIT */
/*
 * scan_chunks.h - code shared by the kernel scan and the proof of its result.
 */
#ifndef KERNELS_SCAN_CHUNKS_H
#define KERNELS_SCAN_CHUNKS_H

#include <runrig/kernel.h>

#include <kernels/lib/axis.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

/* Items of a piece.  Few: verify must tolerate the rounding errors of a whole
 * piece. */
#define PIECE  64
#define PIECES (SHARE_CHUNK / PIECE)

enum { X, CHUNKS };

struct scan_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t exclusive;
	uint32_t axis;
	struct axis_lines lines; /* by check */
};

/* The items that make running sums of floats infinite or NaN. */
enum { PLUS, MINUS, NONE, OTHERS };

/* In shared memory. */
struct chunk {
	union number before; /* first the own sum, then that of all before */
	/* Digest writes the following fields for the user's data. */
	union number sum; /* sum of the items */
	/* The sum of each piece's finite running sums, counted from the
	 * beginning of the chunk. */
	union number running[PIECES];
	double size; /* the sum of the absolute values of finite floats */
	uint32_t first[OTHERS]; /* where; SHARE_CHUNK: there is none */
	uint32_t reserved;      /* 0 */
};
_Static_assert(sizeof(struct chunk) % sizeof(double) == 0,
	       "is an array of them");

static inline size_t count_of(const struct scan_args *args)
{
	return args->header.arrays[X].count;
}

static inline enum rig_dtype dtype_of(const struct scan_args *args)
{
	return args->header.arrays[X].dtype;
}

/* Items as 64 bits or doubles; returns how many. */
static inline size_t widen_span(const struct scan_args *args, const void *x,
				struct rig_span span, union number *wide)
{
	if (convert_whole(dtype_of(args)))
		convert_to_64(dtype_of(args), x, span.begin, span.end,
			      &wide->whole);
	else
		convert_to_double(dtype_of(args), x, span.begin, span.end,
				  &wide->real);
	return span.end - span.begin;
}

static inline size_t widen(const struct scan_args *args, const void *x,
			   size_t chunk, union number *wide)
{
	return widen_span(args, x, share_chunk(args->length, chunk), wide);
}

/* The kernel's functions with these names; verify is for the user's data. */
int scan_digest(struct rig_team *team);
int scan_verify_given(struct rig_team *team, const struct scan_args *args);
uint64_t scan_blocks(const void *given);
struct rig_span scan_keeps(const void *given, uint64_t block);
int scan_prove(struct rig_team *team, uint64_t block, const void *before);

#endif
