/* SPDX-License-Identifier: MIT */
/*
 * checker_queue.h - the clock and the memcpy of queue.c, where the checker drives
 * queue.c.
 *
 * The clock stands.  The bytes of the ring are no atomics: each 8 of them are a cell
 * of the checker, and a process may die between two cells.
 */
#ifndef RUNRIG_CLOCK_H
#define RUNRIG_CLOCK_H

#include <stdint.h>
#include <string.h>

/* The moment at which a sleeper looks again: RIG_FOREVER where nobody dies, so
 * that a sleeper that nobody wakes is a deadlock. */
extern uint64_t checker_look;

static inline uint64_t clock_ns(void)
{
	return 0;
}

static inline uint64_t clock_after(uint64_t ns)
{
	(void)ns;
	return checker_look;
}

void *checker_copy(void *to, const void *from, size_t bytes);
#define memcpy checker_copy

#endif
