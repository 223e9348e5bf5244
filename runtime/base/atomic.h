/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - C11 atomics under names that tell the order.
 *
 * The macros work on _Atomic uint32_t and _Atomic uint64_t in shared memory.
 * There are no fences: every order sits on an operation, where ThreadSanitizer
 * sees the order.
 *
 * A checker replaces this file by a file of the same names, and so drives the
 * very code of the product through every interleaving: nothing may touch an
 * _Atomic object but through here.
 */
#ifndef RUNRIG_ATOMIC_H
#define RUNRIG_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
	       "atomics in shared memory must be lock-free");
_Static_assert(sizeof(_Atomic uint32_t) == 4 && sizeof(_Atomic uint64_t) == 8,
	       "atomics in shared memory have the size of their values");

#ifdef RIG_ATOMIC_CHECKER
#include RIG_ATOMIC_CHECKER
#else

#define load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define load_seq(p)     atomic_load_explicit((p), memory_order_seq_cst)

#define store_relaxed(p, v)                                                    \
	atomic_store_explicit((p), (v), memory_order_relaxed)
#define store_release(p, v)                                                    \
	atomic_store_explicit((p), (v), memory_order_release)
#define store_seq(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)

/* Each returns the value before. */
#define add_relaxed(p, v)                                                      \
	atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define add_acq_rel(p, v)                                                      \
	atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define add_seq(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define sub_acq_rel(p, v)                                                      \
	atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define sub_seq(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define or_seq(p, v)  atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
#define swap_acq_rel(p, v)                                                     \
	atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define swap_seq(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)

/* Each returns whether *p was *expected; if not, *expected becomes *p. */
#define cas_relaxed(p, expected, v)                                            \
	atomic_compare_exchange_strong_explicit((p), (expected), (v),          \
						memory_order_relaxed,          \
						memory_order_relaxed)
#define cas_acquire(p, expected, v)                                            \
	atomic_compare_exchange_strong_explicit((p), (expected), (v),          \
						memory_order_acquire,          \
						memory_order_acquire)
#define cas_release(p, expected, v)                                            \
	atomic_compare_exchange_strong_explicit((p), (expected), (v),          \
						memory_order_release,          \
						memory_order_relaxed)
#define cas_acq_rel(p, expected, v)                                            \
	atomic_compare_exchange_strong_explicit((p), (expected), (v),          \
						memory_order_acq_rel,          \
						memory_order_acquire)
#define cas_seq(p, expected, v)                                                \
	atomic_compare_exchange_strong_explicit((p), (expected), (v),          \
						memory_order_seq_cst,          \
						memory_order_seq_cst)

#endif

/* Hints, which change nothing but time: have the line of *p in this CPU's cache,
 * to write or to read.  (GCC's builtin asks for a line to write only with
 * -mprfchw.) */
#if defined(__x86_64__)
#define fetch_to_write(p) __asm__ volatile("prefetchw %0" : : "m"(*(p)))
#else
#define fetch_to_write(p) __builtin_prefetch((p), 1)
#endif
#define fetch_to_read(p) __builtin_prefetch((p))

#endif
