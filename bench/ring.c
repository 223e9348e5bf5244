/* SPDX-License-Identifier: MIT */
/*
 * ring.c - bells and slots.
 *
 * A bell's sleeper says so before it looks a last time, and who rings looks
 * for sleepers after it has rung; both are seq_cst, so one of them sees the
 * other.  A spinner needs none of that.
 */
#include "ring.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "case.h"
#include "stopwatch.h"

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

static size_t direction_bytes(const struct link *link)
{
	return RING_HEAD + (size_t)link->slots * link->stride;
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
	int r;

	link->stride = stride ? stride : RING_LINE;
	r = rig_segment_create(&link->segment, NULL, 2 * direction_bytes(link),
			       NULL);
	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
		return r;
	}
	link->shared = rig_segment_data(link->segment);
	return 0;
}

/* Its own handle, from the name; and its own slots touched first. */
int ring_attach(struct link *link, char *why)
{
	struct rig_segment *own = NULL;
	int r;

	if (link->threads)
		return 0;
	r = rig_segment_attach(&own, rig_segment_name(link->segment), NULL);
	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
		return r;
	}
	/* The side ends by _exit(): the mapping goes with it. */
	link->shared = rig_segment_data(own);
	memset(ring_slots(link, link->side), 0,
	       (size_t)link->slots * link->stride);
	return 0;
}

void ring_destroy(struct link *link)
{
	rig_segment_destroy(link->segment);
	link->segment = NULL;
}
