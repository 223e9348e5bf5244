/* SPDX-License-Identifier: MIT */
/*
 * stock.c - where every rank was when the team was ended.
 */
#include <string.h>

#include "base/clock.h"
#include "pool/report.h"

void report_take_stock(const struct layout *layout, int size)
{
	uint32_t job = load_relaxed(&layout->dispatch->posted);

	for (int i = 0; i < size; i++) {
		struct rank_shm *rank = &layout->ranks[i];
		struct about_shm *about = &layout->about[i];

		*about = (struct about_shm){ .pid = about->pid,
					     .was = about->pid };
		/* The calls of an earlier job are no calls of this job. */
		if (load_relaxed(&rank->job) != job)
			continue;
		/* acquire: pairs with the reporter's release. */
		about->signal = load_acquire(&rank->signal);
		about->signal_code = rank->signal_code;
		about->address = rank->address;
		about->instruction = rank->instruction;
		about->segment = rank->segment;
		about->offset = rank->offset;
		about->state = load_acquire(&rank->state);
		about->entered = load_relaxed(&rank->entered);
		about->where = load_relaxed(&rank->where);
		about->calls = load_relaxed(&rank->calls);
		about->unasked = load_relaxed(&rank->unasked);
		about->code = load_relaxed(&rank->code);
		memcpy(about->why, rank->why, sizeof(about->why));
	}
	layout->control->failed = load_acquire(&layout->team->failed);
	layout->control->ended_ns = clock_ns();
}
