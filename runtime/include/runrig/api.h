/* SPDX-License-Identifier: MIT */
/*
 * api.h - visibility, limits and spans, which every runrig header needs.
 *
 * Every limit of the interface stands here with its reason.  A call that reaches
 * a limit returns an error that names the limit; nothing is ever cut short.
 */
#ifndef RUNRIG_API_H
#define RUNRIG_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIG_API __attribute__((visibility("default")))

/* Two 64-byte lines: x86 prefetches lines in pairs, and Arm has lines of 128. */
#define RIG_LINE 128

/* Workers of a pool.  No host of today has as many cores. */
#define RIG_WORKERS_MAX 1024

/* Bytes of a segment's name.  Python's tracker cuts its lines at 512 bytes, and
 * NAME_MAX is 255: the limit leaves enough for both. */
#define RIG_NAME_MAX 200

/* Segments handed to one job. */
#define RIG_SEGMENTS_MAX 8

/* Bytes of arguments copied to a job: they travel by value. */
#define RIG_ARGS_MAX 4096

/* Bytes of a rank's result slot. */
#define RIG_RESULT_MAX 240

/* Spans of a segment that a rank may own: reverse needs two, cg six, and reduce
 * a span a vector. */
#define RIG_SPANS_MAX 16

/* A deadline that never comes. */
#define RIG_FOREVER UINT64_MAX

/* The elements (or bytes) begin, begin + 1, ... end - 1. */
struct rig_span {
	size_t begin;
	size_t end;
};

/*
 * The bytes of a segment of `bytes` bytes that `rank` of `size` owns: writes at
 * most RIG_SPANS_MAX spans, in bytes, to `spans` and returns their number.
 * `args` is the pointer given beside the function.  Called in the caller and in
 * every worker; the answer must be the same in each.
 */
typedef int rig_spans_fn(const void *args, size_t bytes, int rank, int size,
			 struct rig_span *spans);

#ifdef __cplusplus
}
#endif

#endif
