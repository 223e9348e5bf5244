/* SPDX-License-Identifier: MIT */
/*
 * lines_atomic.h - atomic.h for code whose line transfers are counted.
 *
 * Included by atomic.h in place of atomic.h's functions.  Each function tells the
 * model (lines.c) the line that the function is about to read or write, and then does
 * the plain operation: only one rank runs at a time.
 */
#ifndef RUNRIG_LINES_ATOMIC_H
#define RUNRIG_LINES_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/* This rank reads, or writes, the object at `p`. */
void lines_read(const volatile void *p);
void lines_write(const volatile void *p);

#define LINES_PLAIN memory_order_relaxed

#define load_relaxed(p) (lines_read(p), atomic_load_explicit((p), LINES_PLAIN))
#define load_acquire(p) load_relaxed(p)
#define load_seq(p)     load_relaxed(p)

#define store_relaxed(p, v)                                                    \
	(lines_write(p), atomic_store_explicit((p), (v), LINES_PLAIN))
#define store_release(p, v) store_relaxed(p, v)
#define store_seq(p, v)     store_relaxed(p, v)

#define add_relaxed(p, v)                                                      \
	(lines_write(p), atomic_fetch_add_explicit((p), (v), LINES_PLAIN))
#define add_acq_rel(p, v) add_relaxed(p, v)
#define add_seq(p, v)     add_relaxed(p, v)
#define sub_acq_rel(p, v)                                                      \
	(lines_write(p), atomic_fetch_sub_explicit((p), (v), LINES_PLAIN))
#define sub_seq(p, v) sub_acq_rel(p, v)
#define or_seq(p, v)                                                           \
	(lines_write(p), atomic_fetch_or_explicit((p), (v), LINES_PLAIN))
#define swap_acq_rel(p, v)                                                     \
	(lines_write(p), atomic_exchange_explicit((p), (v), LINES_PLAIN))
#define swap_seq(p, v) swap_acq_rel(p, v)

#define cas_relaxed(p, expected, v)                                            \
	(lines_write(p),                                                       \
	 atomic_compare_exchange_strong_explicit((p), (expected), (v),         \
						 LINES_PLAIN, LINES_PLAIN))
#define cas_acquire(p, expected, v) cas_relaxed(p, expected, v)
#define cas_release(p, expected, v) cas_relaxed(p, expected, v)
#define cas_acq_rel(p, expected, v) cas_relaxed(p, expected, v)
#define cas_seq(p, expected, v)     cas_relaxed(p, expected, v)

#endif
