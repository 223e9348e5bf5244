/* SPDX-License-Identifier: MIT */
/*
 * stream.h - loops through more than the caches hold.
 *
 * A plain store first reads the line of the store.  Where a kernel writes more
 * than the caches hold and does not read the bytes again soon, the read is a
 * third of triad's traffic for nothing.  Measured on two cores: 33 - 44 GB/s of
 * triad against 20 - 30 with plain stores.
 *
 * A rank that has streamed calls stream_fence() before it arrives at a barrier.
 */
#ifndef RUNRIG_KERNELS_STREAM_H
#define RUNRIG_KERNELS_STREAM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The least bytes that a rank must write for streaming to pay: more than the
 * rank's share of a last-level cache of today. */
#define STREAM_BYTES ((size_t)8 << 20)

/* The alignment of `to` in stream_two(), in bytes. */
#define STREAM_ALIGN 16

#if defined(__SSE2__)

static inline void stream_two(double *to, double first, double second)
{
	_mm_stream_pd(to, _mm_set_pd(second, first));
}

static inline void stream_fence(void)
{
	_mm_sfence();
}

#else

static inline void stream_two(double *to, double first, double second)
{
	to[0] = first;
	to[1] = second;
}

static inline void stream_fence(void)
{
}

#endif

#endif
