/* SPDX-License-Identifier: MIT */
/*
 * checker_atomic.h - atomic.h for code that the checker drives.
 *
 * Included by atomic.h in place of its own functions.  Each function stops the
 * calling thread; the checker decides when the thread goes on and which value the
 * thread has read.  The orders that atomic.h does not have are here for mutants.
 */
#ifndef RUNRIG_CHECKER_ATOMIC_H
#define RUNRIG_CHECKER_ATOMIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum order { RELAXED = 0, ACQUIRE = 1, RELEASE = 2, ACQ_REL = 3, SEQ = 7 };

/* `bytes` is the size of *p; `name` is for the trace. */
uint64_t checker_load(const char *name, enum order order,
		      const volatile void *p, unsigned bytes);
void checker_store(const char *name, enum order order, volatile void *p,
		   unsigned bytes, uint64_t value);
uint64_t checker_add(const char *name, enum order order, volatile void *p,
		     unsigned bytes, uint64_t value);
uint64_t checker_or(const char *name, enum order order, volatile void *p,
		    unsigned bytes, uint64_t value);
uint64_t checker_swap(const char *name, enum order order, volatile void *p,
		      unsigned bytes, uint64_t value);
/* `failed` is the order of a failure. */
bool checker_cas(const char *name, enum order order, enum order failed,
		 volatile void *p, unsigned bytes, void *expected,
		 uint64_t value);

/* The C library's, as the model has them. */
int checker_block_init(pthread_barrier_t *block,
		       const pthread_barrierattr_t *attr, unsigned parties);
int checker_block(pthread_barrier_t *block);
#define pthread_barrier_init checker_block_init
#define pthread_barrier_wait checker_block

/* A mutex that is robust; a scenario has one. */
int checker_lock(pthread_mutex_t *mutex);
int checker_unlock(pthread_mutex_t *mutex);
int checker_consistent(pthread_mutex_t *mutex);
#define pthread_mutex_lock       checker_lock
#define pthread_mutex_unlock     checker_unlock
#define pthread_mutex_consistent checker_consistent

/* The type that the function would return: the type of *p, not atomic. */
static inline uint32_t checker_u32(uint64_t value)
{
	return (uint32_t)value;
}
static inline uint64_t checker_u64(uint64_t value)
{
	return value;
}
#define AS_VALUE(p, x)                                                         \
	_Generic(*(p) + 0u, uint32_t : checker_u32, uint64_t : checker_u64)(x)
#define AT(p) (p), (unsigned)sizeof(*(p))

#define load_relaxed(p)                                                        \
	AS_VALUE(p, checker_load("load_relaxed", RELAXED, AT(p)))
#define load_acquire(p)                                                        \
	AS_VALUE(p, checker_load("load_acquire", ACQUIRE, AT(p)))
#define load_seq(p) AS_VALUE(p, checker_load("load_seq", SEQ, AT(p)))

#define store_relaxed(p, v)                                                    \
	checker_store("store_relaxed", RELAXED, AT(p), (uint64_t)(v))
#define store_release(p, v) checker_store("store_release", RELEASE, AT(p), (v))
#define store_seq(p, v)     checker_store("store_seq", SEQ, AT(p), (v))

#define add_relaxed(p, v)                                                      \
	AS_VALUE(p, checker_add("add_relaxed", RELAXED, AT(p), (v)))
#define add_acquire(p, v)                                                      \
	AS_VALUE(p, checker_add("add_acquire", ACQUIRE, AT(p), (v)))
#define add_release(p, v)                                                      \
	AS_VALUE(p, checker_add("add_release", RELEASE, AT(p), (v)))
#define add_acq_rel(p, v)                                                      \
	AS_VALUE(p, checker_add("add_acq_rel", ACQ_REL, AT(p), (v)))
#define add_seq(p, v) AS_VALUE(p, checker_add("add_seq", SEQ, AT(p), (v)))
#define sub_relaxed(p, v)                                                      \
	AS_VALUE(p, checker_add("sub_relaxed", RELAXED, AT(p), -(uint64_t)(v)))
#define sub_acquire(p, v)                                                      \
	AS_VALUE(p, checker_add("sub_acquire", ACQUIRE, AT(p), -(uint64_t)(v)))
#define sub_release(p, v)                                                      \
	AS_VALUE(p, checker_add("sub_release", RELEASE, AT(p), -(uint64_t)(v)))
#define sub_acq_rel(p, v)                                                      \
	AS_VALUE(p, checker_add("sub_acq_rel", ACQ_REL, AT(p), -(uint64_t)(v)))
#define sub_seq(p, v)                                                          \
	AS_VALUE(p, checker_add("sub_seq", SEQ, AT(p), -(uint64_t)(v)))
#define or_acq_rel(p, v)                                                       \
	AS_VALUE(p, checker_or("or_acq_rel", ACQ_REL, AT(p), (v)))
#define or_seq(p, v) AS_VALUE(p, checker_or("or_seq", SEQ, AT(p), (v)))
#define swap_acq_rel(p, v)                                                     \
	AS_VALUE(p, checker_swap("swap_acq_rel", ACQ_REL, AT(p), (v)))

#define cas_relaxed(p, expected, v)                                            \
	checker_cas("cas_relaxed", RELAXED, RELAXED, AT(p), (expected), (v))
#define cas_acquire(p, expected, v)                                            \
	checker_cas("cas_acquire", ACQUIRE, ACQUIRE, AT(p), (expected), (v))
#define cas_release(p, expected, v)                                            \
	checker_cas("cas_release", RELEASE, RELAXED, AT(p), (expected), (v))
#define cas_acq_rel(p, expected, v)                                            \
	checker_cas("cas_acq_rel", ACQ_REL, ACQUIRE, AT(p), (expected), (v))
#define cas_seq(p, expected, v)                                                \
	checker_cas("cas_seq", SEQ, SEQ, AT(p), (expected), (v))

#endif
