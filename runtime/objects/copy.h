/* SPDX-License-Identifier: MIT */
/*
 * copy.h - copies to memory that another CPU reads next, past the caches where
 * the way past the caches is faster.
 *
 * A plain store must own the line that the store goes to, and the line is in the
 * cache of the last reader.  To get the line back costs little between CPUs that
 * share a cache, and most of the time of a message between others.  A store past
 * the caches owns no line, but the reader has to read memory.  Which of the two is
 * faster is found by trying both: see team/way.h.
 * (Measured in docs/decisions/0015-past-the-caches.md.)
 */
#ifndef RUNRIG_COPY_H
#define RUNRIG_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A shorter copy is not worth a look at the way (team/way.h). */
#define COPY_BYPASS_BYTES 8192

/* Copy, past the caches if `bypass`.  Later stores are seen after the copy's own,
 * as releases are. */
static inline void copy_bypass_copy(void *to, const void *from, size_t bytes,
				    bool bypass)
{
#if defined(__SSE2__)
	char *at = to;
	const char *data = from;

	/* A whole line of `to` at least. */
	if (bypass && bytes >= 128) {
		size_t head = -(uintptr_t)at % 64;

		memcpy(at, data, head);
		at += head;
		data += head;
		bytes -= head;
		for (; bytes >= 64; bytes -= 64, at += 64, data += 64) {
			const __m128i *words = (const void *)data;
			__m128i *line = (void *)at;
			__m128i a = _mm_loadu_si128(words);
			__m128i b = _mm_loadu_si128(words + 1);
			__m128i c = _mm_loadu_si128(words + 2);
			__m128i d = _mm_loadu_si128(words + 3);

			_mm_stream_si128(line, a);
			_mm_stream_si128(line + 1, b);
			_mm_stream_si128(line + 2, c);
			_mm_stream_si128(line + 3, d);
		}
		_mm_sfence();
		to = at;
		from = data;
	}
#else
	(void)bypass;
#endif
	if (bytes)
		memcpy(to, from, bytes);
}

#endif
