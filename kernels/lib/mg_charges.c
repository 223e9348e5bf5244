/* SPDX-License-Identifier: MIT */
/*
 * mg_charges.c - the points of NPB's MG that have a charge: each point has a random
 * number; the points with the largest numbers are 1, the points with the smallest
 * numbers -1.
 */
#include <kernels/lib/mg_charges.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <runrig/collective.h>

#include <kernels/lib/npb.h>

#define SEED UINT64_C(314159265)

/* A point with its random number: two words of 64 bits. */
struct charge {
	uint64_t number;
	uint64_t point;
};

/* Put `charge` in order among the CHARGES largest so far (where `least` is set:
 * the smallest); the last of these falls out. */
static void rank_charge(struct charge *charges, struct charge charge,
			bool least)
{
	int at = CHARGES;

	for (; at > 0; at--) {
		bool before = least ? charge.number < charges[at - 1].number
				    : charge.number > charges[at - 1].number;

		if (!before)
			break;
		if (at < CHARGES)
			charges[at] = charges[at - 1];
	}
	if (at < CHARGES)
		charges[at] = charge;
}

static void rank_points(struct charge most[CHARGES],
			struct charge least[CHARGES], size_t begin, size_t end)
{
	uint64_t state = npb_at(SEED, begin);

	for (size_t i = begin; i < end; i++) {
		struct charge charge = { npb_next(&state), i };

		if (charge.number > most[CHARGES - 1].number)
			rank_charge(most, charge, false);
		if (charge.number < least[CHARGES - 1].number)
			rank_charge(least, charge, true);
	}
}

size_t mg_charges_bytes(int size)
{
	return (size_t)size * 2 * CHARGES * sizeof(struct charge);
}

int mg_charges_find(struct rig_team *team, size_t begin, size_t end,
		    struct mg_charges *charges)
{
	size_t size = (size_t)rig_team_size(team);
	struct charge mine[2 * CHARGES], most[CHARGES], least[CHARGES];
	size_t words = 2 * CHARGES * 2;
	struct charge *all = calloc(size, sizeof(mine));
	int r;

	if (!all)
		return rig_team_fail(team, -ENOMEM, "mg: no memory");
	for (int i = 0; i < CHARGES; i++) {
		mine[i] = most[i] = (struct charge){ 0, 0 };
		mine[CHARGES + i] = least[i] = (struct charge){ UINT64_MAX, 0 };
	}
	rank_points(mine, mine + CHARGES, begin, end);
	r = rig_team_allgather(team, mine, words, RIG_UINT64, all, words,
			       RIG_UINT64);
	for (size_t i = 0; i < size * 2 * CHARGES; i++) {
		bool lesser = i / CHARGES % 2;

		rank_charge(lesser ? least : most, all[i], lesser);
	}
	free(all);
	for (int i = 0; i < CHARGES; i++) {
		charges->positive[i] = most[i].point;
		charges->negative[i] = least[i].point;
	}
	return r;
}
