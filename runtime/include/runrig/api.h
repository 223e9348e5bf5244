/* SPDX-License-Identifier: MIT */
/*
 * api.h - version, visibility, limits and spans, which every runrig header needs.
 *
 * Every limit of the interface stands here with its reason.  A call that reaches
 * a limit returns an error that names the limit; nothing is ever cut short.
 *
 * Each struct that a program fills in and passes to the library ends in
 * `reserved`, from which later versions take new fields.  The words are zero,
 * as in a struct that begins as { 0 } or has an initializer: any other value is
 * -EINVAL.  CHANGELOG.md says what a version of the library promises.
 */
#ifndef RUNRIG_API_H
#define RUNRIG_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIG_API __attribute__((visibility("default")))

/* The version of these headers: 10000 * major + 100 * minor + patch. */
#define RIG_VERSION 100

/* Words at the end of each struct that a program fills in. */
#define RIG_RESERVED_WORDS 8

/* Two 64-byte lines: x86 prefetches lines in pairs, and Arm has lines of 128. */
#define RIG_LINE 128

/* Workers of a pool.  No host of today has as many cores. */
#define RIG_WORKERS_MAX 1024

/* Hosts of a run, and ranks of the world of all hosts: a report has 16 bits for
 * the number of a rank. */
#define RIG_HOSTS_MAX 1024
#define RIG_WORLD_MAX 32767

/* Bytes of a segment's name: NAME_MAX of the file system.  Python makes names
 * as long. */
#define RIG_NAME_MAX 255

/* Segments handed to one job: as many as a kernel may have arrays. */
#define RIG_SEGMENTS_MAX 16

/* Bytes of arguments copied to a job: they travel by value. */
#define RIG_ARGS_MAX 8192

/* Bytes of a rank's result slot. */
#define RIG_RESULT_MAX 240

/* Spans of a segment that a rank may own: reverse needs two, cg six, and reduce
 * a span a vector. */
#define RIG_SPANS_MAX 16

/* A deadline that never comes. */
#define RIG_FOREVER UINT64_MAX

/* The version of the library that the program runs with, counted as RIG_VERSION.
 * Any thread; never waits. */
RIG_API int rig_version(void);

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
