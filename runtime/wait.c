/* SPDX-License-Identifier: MIT */
/*
 * wait.c - spin, yield, sleep on a word, in that order of price.
 */
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <runrig/api.h>

#include "clock.h"

/* Polls between two looks at the clock: a look costs about as much as 20. */
#define POLLS 128

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

uint32_t wait_poll(const _Atomic uint32_t *word, uint32_t mask, uint32_t value,
		   const struct patience *patience)
{
	uint32_t seen = load_acquire(word);

	if ((seen & mask) != value)
		return seen;
	if (patience->spin_ns) {
		uint64_t end = 0;

		for (;;) {
			for (int i = 0; i < POLLS; i++) {
				relax();
				seen = load_acquire(word);
				if ((seen & mask) != value)
					return seen;
			}
			/* The clock is read only by those who wait long. */
			if (!end)
				end = clock_after(patience->spin_ns);
			else if (clock_ns() >= end)
				break;
		}
	}
	for (uint32_t i = 0; i < patience->yields; i++) {
		sched_yield();
		seen = load_acquire(word);
		if ((seen & mask) != value)
			return seen;
	}
	return seen;
}

int wait_sleep(const _Atomic uint32_t *word, uint32_t value,
	       uint64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};

	/* WAIT_BITSET takes an absolute deadline, WAIT does not.  Shared, not
	 * PRIVATE: the sleepers are other processes. */
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value,
		    deadline_ns == RIG_FOREVER ? NULL : &until, NULL,
		    FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno == EAGAIN || errno == ETIMEDOUT ? -errno : 0;
}

void wait_wake(_Atomic uint32_t *word, int count)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}
