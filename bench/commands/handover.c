/* SPDX-License-Identifier: MIT */
/*
 * handover.c - two ranks, and a single word.
 */
#include "commands/handover.h"

/* acquire: pairs with the release below; the line hands on the earlier
 * writes. */
static void await(struct handover_shm *line, uint64_t turn)
{
	while (atomic_load_explicit(&line->turn, memory_order_acquire) != turn)
		;
}

void hand_over(struct handover_shm *line, uint64_t rank, uint64_t from,
	       uint64_t count)
{
	for (uint64_t turn = rank; turn < count; turn += 2) {
		await(line, from + turn);
		/* release: pairs with await() of the other rank. */
		atomic_store_explicit(&line->turn, from + turn + 1,
				      memory_order_release);
	}
	await(line, from + count);
}
