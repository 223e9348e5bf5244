/* SPDX-License-Identifier: MIT */
/*
 * ring.c - bells and slots.
 *
 * A sleeper stores the sleep before the last look at the bell, and a ringer looks for
 * sleepers after the ring; both are seq_cst, so the sleeper or the ringer sees the
 * other.  A spinner needs no such order.
 */
#include "ipc/ring.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/shared.h"
#include "driver/stopwatch.h"

#define HYBRID_NS 50000
#define POLLS     64

/* The kernel's numbers for a futex that processes share. */
enum { FUTEX_SLEEP = 0, FUTEX_ROUSE = 1 };

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static bool reached(struct bell *bell, uint32_t target, memory_order order)
{
	uint32_t count = atomic_load_explicit(&bell->count, order);

	return (int32_t)(count - target) >= 0;
}

void bell_ring(struct bell *bell, uint32_t count, enum waiting waiting)
{
	/* release: publishes the slot; pairs with the acquire of bell_wait. */
	if (waiting == WAITING_SPIN) {
		atomic_store_explicit(&bell->count, count,
				      memory_order_release);
		return;
	}
	atomic_store(&bell->count, count);
	if (atomic_load(&bell->sleeping))
		(void)syscall(SYS_futex, &bell->count, FUTEX_ROUSE, 1, NULL,
			      NULL, 0);
}

static void bell_sleep(struct bell *bell, uint32_t target)
{
	atomic_store(&bell->sleeping, 1);
	while (!reached(bell, target, memory_order_seq_cst)) {
		uint32_t seen = atomic_load(&bell->count);

		if ((int32_t)(seen - target) >= 0)
			break;
		(void)syscall(SYS_futex, &bell->count, FUTEX_SLEEP, seen, NULL,
			      NULL, 0);
	}
	atomic_store(&bell->sleeping, 0);
}

void bell_wait(struct bell *bell, uint32_t target, enum waiting waiting)
{
	uint64_t until = 0;

	if (waiting == WAITING_BLOCK) {
		if (!reached(bell, target, memory_order_acquire))
			bell_sleep(bell, target);
		return;
	}
	for (uint32_t polls = 1; !reached(bell, target, memory_order_acquire);
	     polls++) {
		relax();
		if (waiting == WAITING_SPIN || polls % POLLS)
			continue;
		if (!until)
			until = stopwatch_ns(CLOCK_MONOTONIC) + HYBRID_NS;
		else if (stopwatch_ns(CLOCK_MONOTONIC) > until) {
			bell_sleep(bell, target);
			return;
		}
	}
}

/* Each direction begins on a page, of whatever size pages are. */
static size_t direction_bytes(const struct link *link)
{
	size_t page = shared_page(link);
	size_t bytes = RING_HEAD + (size_t)link->slots * link->stride;

	return (bytes + page - 1) / page * page;
}

struct ring_shm *ring_of(const struct link *link, int direction)
{
	return (void *)(link->shared +
			(size_t)direction * direction_bytes(link));
}

char *ring_slots(const struct link *link, int direction)
{
	return link->shared + (size_t)direction * direction_bytes(link) +
	       RING_HEAD;
}

int ring_create(struct link *link, size_t stride, char *why)
{
	link->stride = stride ? stride : RING_LINE;
	link->shared_bytes = 2 * direction_bytes(link);
	return shared_create(link, why);
}

int ring_attach(struct link *link, char *why)
{
	int r = shared_attach(link, why);

	if (r < 0)
		return r;
	for (int d = 0; d < 2; d++)
		shared_settle(link, ring_slots(link, d),
			      (size_t)link->slots * link->stride,
			      (d == link->side) == (link->home != NUMA_READER));
	return shared_granted(link, why);
}

void ring_destroy(struct link *link)
{
	shared_destroy(link);
}
