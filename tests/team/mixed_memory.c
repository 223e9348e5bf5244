/* SPDX-License-Identifier: MIT */
/*
 * mixed_memory.c - steps of test_mixed.c that write to another rank's memory.  Each step
 * has words of its own.
 */
#include "mixed.h"

#include <errno.h>

int mixed_accumulates(struct mix *mix)
{
	uint64_t own[WORDS], wanted = 0;
	int r;

	for (size_t i = 0; i < WORDS; i++)
		own[i] = mixed_value(mix->salt, mix->rank, i);
	r = rig_team_accumulate(mix->team, mix->words, own, WORDS, RIG_UINT64,
				RIG_SUM, mix->root);
	if (r == 0)
		r = rig_team_barrier(mix->team);
	for (size_t i = 0; r == 0 && mix->rank == mix->root && i < WORDS; i++) {
		wanted = 0;
		for (int k = 0; k < mix->size; k++)
			wanted += mixed_value(mix->salt, k, i);
		if (mix->words[i] != wanted)
			r = -EBADMSG;
	}
	return r;
}

/* The numbers that the ranks found before the addition are 0, 1, 2, ...; and a single
 * rank swaps. */
int mixed_counts(struct mix *mix)
{
	uint64_t before[2] = { 0, 0 }, all[2] = { 0, 0 };
	const uint64_t size = (uint64_t)mix->size;
	int r = rig_team_fetch_add(mix->team, &mix->words[0], 1, mix->root,
				   &before[0]);

	if (r == 0)
		r = rig_team_compare_swap(mix->team, &mix->words[1], 0,
					  (uint64_t)mix->rank + 1, mix->root,
					  &before[1]);
	before[1] = before[1] == 0;
	if (r == 0)
		r = rig_team_allreduce(mix->team, before, all, 2, RIG_UINT64,
				       RIG_SUM);
	return r == 0 && (all[0] != size * (size - 1) / 2 || all[1] != 1)
		       ? -EBADMSG
		       : r;
}

/* A plain word, which only the rank with the lock reads and writes. */
int mixed_locks(struct mix *mix)
{
	uint64_t word = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		r = rig_team_lock(mix->team, mix->words, mix->root);
		if (r == 0)
			r = rig_team_get(mix->team, &word, &mix->words[2],
					 sizeof(word), mix->root);
		word++;
		if (r == 0)
			r = rig_team_put(mix->team, &mix->words[2], &word,
					 sizeof(word), mix->root);
		if (r == 0)
			r = rig_team_unlock(mix->team, mix->words, mix->root);
	}
	if (r == 0)
		r = rig_team_barrier(mix->team);
	return r == 0 && mix->rank == mix->root &&
			       mix->words[2] != 3 * (uint64_t)mix->size
		       ? -EBADMSG
		       : r;
}

int mixed_notifies(struct mix *mix)
{
	uint64_t word = mixed_value(mix->salt, mix->rank, 1);
	int to, from, r;

	mixed_neighbours(mix, &to, &from);
	r = rig_team_put(mix->team, &mix->words[0], &word, sizeof(word), to);
	if (r == 0)
		r = rig_team_notify(mix->team, &mix->words[1], to);
	if (r == 0)
		r = rig_team_wait_until(mix->team, &mix->words[1], 1);
	return r == 0 && mix->words[0] != mixed_value(mix->salt, from, 1)
		       ? -EBADMSG
		       : r;
}
