/* SPDX-License-Identifier: MIT */
/*
 * trailer.h - the page behind the user's bytes of a segment made for a pool, or for a
 * number of parties.
 *
 *	+-------------------+ 0
 *	| the user's bytes  |
 *	+-------------------+ bytes, rounded up to a page
 *	| rig_barrier       |
 *	| ...               |
 *	| trailer_shm       |  the last 64 bytes of the file, magic last
 *	+-------------------+ one page later
 */
#ifndef RUNRIG_TRAILER_H
#define RUNRIG_TRAILER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/api.h>

#include "objects/barrier.h"

/* In shared memory.  Written before the segment has a name, never after. */
struct trailer_shm {
	uint64_t reserved[2]; /* 0 */
	uint64_t bytes;       /* the user's, before the trailer's page */
	uint64_t pool;        /* the pool of the segment; 0: none */
	uint32_t parties;     /* parties of the barrier */
	uint32_t owner;       /* pid of the maker, for display */
	uint32_t kind;        /* enum rig_barrier_kind */
	uint32_t reserved2;   /* 0 */
	uint64_t layout;      /* TRAILER_LAYOUT */
	uint64_t magic;       /* TRAILER_MAGIC */
};
_Static_assert(sizeof(struct trailer_shm) == 64, "part of the format");

#define TRAILER_MAGIC UINT64_C(0x72656c6961727467) /* "gtrailer" */

/* Version, cache line, barrier and C library: a process with another value of
 * any of these must not use the barrier. */
#define LAYOUT_VERSION UINT64_C(1)
#ifdef __GLIBC__
#define LAYOUT_LIBC UINT64_C(1)
#else
#define LAYOUT_LIBC UINT64_C(2)
#endif
#define TRAILER_LAYOUT                                                         \
	(LAYOUT_VERSION | LAYOUT_LIBC << 8 | (uint64_t)RIG_LINE << 16 |        \
	 (uint64_t)sizeof(pthread_barrier_t) << 32 |                           \
	 (uint64_t)sizeof(struct rig_barrier) << 48)

/* Bytes of a file with `bytes` user bytes and a trailer; 0: the size does not
 * fit. */
size_t trailer_file_bytes(size_t bytes);

/*
 * Whether a file of `file_bytes` has a trailer; *trailer is a copy of the
 * file's last 64 bytes.  1: yes, and the trailer is sound; 0: no; -EPROTO: the
 * trailer is not ours or not sound.  `name` is for the words.
 */
int trailer_check(const struct trailer_shm *trailer, size_t file_bytes,
		  const char *name);

#endif
