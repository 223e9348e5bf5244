/* SPDX-License-Identifier: MIT */
/*
 * wait.c - spin, yield, sleep on a word, in that order of price.
 */
#include "machine/wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <runrig/api.h>

#include "base/clock.h"

/* Polls between two looks at the clock: a look costs about as much as 20. */
#define POLLS 128

/* The polls between two times that the CPU is given away, where it is shared: half a
 * microsecond. */
#define POLLS_SHARED 16

/* A yield that lasts so long has let other work have its turn.  Then no wary wait
 * yields for so many times as long as the yield lasted. */
#define YIELD_LONG_NS    500000u
#define YIELD_LONG_PRICE 8u

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

struct patience wait_patience_on(int parties, uint32_t cpus)
{
	if ((uint32_t)parties > cpus)
		return (struct patience){ .yields = 4 };
	return (struct patience){ .spin_ns = 100000 };
}

struct patience wait_patience(int parties)
{
	/* The number of CPUs this process may use; 0: not known yet. */
	static _Atomic uint32_t cpus;
	uint32_t usable = load_relaxed(&cpus);

	/* relaxed: every thread finds the same number. */
	if (!usable) {
		cpu_set_t set;

		/* More CPUs than cpu_set_t holds are many enough. */
		usable = UINT32_MAX;
		if (sched_getaffinity(0, sizeof(set), &set) == 0)
			usable = (uint32_t)CPU_COUNT(&set);
		store_relaxed(&cpus, usable);
	}
	return wait_patience_on(parties, usable);
}

/* Give the CPU away, unless a yield was long of late: then false. */
static bool yield_warily(void)
{
	/* When yields may be tried again, on the clock. */
	static _Atomic uint64_t again_ns;
	const uint64_t began = clock_ns();
	uint64_t lasted;

	/* relaxed, both: a guess, which orders nothing. */
	if (began < load_relaxed(&again_ns))
		return false;
	sched_yield();
	lasted = clock_ns() - began;
	if (lasted > YIELD_LONG_NS)
		store_relaxed(&again_ns,
			      clock_after(YIELD_LONG_PRICE * lasted));
	return true;
}

/* The first POLLS polls do not look at the clock, for short waits; later polls
 * do. */
bool wait_more(struct wait *wait, const struct patience *patience)
{
	if (wait->yields == 0 && patience->spin_ns) {
		relax();
		wait->polls++;
		if (patience->shares && wait->polls % POLLS_SHARED == 0)
			sched_yield();
		if (wait->polls % POLLS)
			return true;
		if (!wait->end_ns)
			wait->end_ns = clock_after(patience->spin_ns);
		if (clock_ns() < wait->end_ns)
			return true;
	}
	if (wait->yields >= patience->yields)
		return false;
	wait->yields++;
	if (patience->wary)
		return yield_warily();
	sched_yield();
	return true;
}

uint32_t wait_change(const _Atomic uint32_t *word, uint32_t value,
		     const struct patience *patience)
{
	struct wait wait = { 0 };
	uint32_t seen;

	do
		seen = load_acquire(word);
	while (seen == value && wait_more(&wait, patience));
	return seen;
}

uint64_t wait_reach(const _Atomic uint64_t *word, uint64_t target,
		    uint64_t stop, const struct patience *patience)
{
	struct wait wait = { 0 };
	uint64_t seen;

	do
		seen = load_acquire(word);
	while (seen < target && !(seen & stop) && wait_more(&wait, patience));
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
