/* hint: every rank makes the transfers of its strip */
#include "lab.h"

/* Rank 0 makes all transfers. */
/* `count` steps of a rank. */
static int *append(int *at, int rank, int count)
{
	for (int i = 0; i < count; i++)
		*at++ = rank;
	return at;
}

/* A store between a load and the store of the other rank is lost. */
void schedule(int k, int want, int *order)
{
	int lost = 2 * k - want;
	int by0 = lost < k - 1 ? lost : k - 1; /* of rank 1's, by rank 0 */
	int by1 = lost - by0;

	order = append(order, 0, 1);
	order = append(order, 1, 2 * by0);
	order = append(order, 0, 1);
	order = append(order, 1, 1);
	order = append(order, 0, 2 * by1);
	order = append(order, 1, 1);
	order = append(order, 0, 2 * (k - 1 - by1));
	append(order, 1, 2 * (k - 1 - by0));
}

struct state {
	const struct lab_step *steps[2];
	int left[2], mine[2], number;
};

static uint64_t explore(struct state state)
{
	uint64_t found = 0;

	if (state.left[0] == 0 && state.left[1] == 0)
		return UINT64_C(1) << state.number;
	for (int rank = 0; rank < 2; rank++) {
		struct state next = state;
		const struct lab_step *step = next.steps[rank];

		if (next.left[rank] == 0)
			continue;
		next.steps[rank]++;
		next.left[rank]--;
		if (step->what == LAB_LOAD)
			next.mine[rank] = next.number;
		else if (step->what == LAB_ADD)
			next.mine[rank] += step->value;
		else
			next.number = next.mine[rank];
		found |= explore(next);
	}
	return found;
}

uint64_t finals(const struct lab_step *first, int n,
		const struct lab_step *second, int m)
{
	return explore(
		(struct state){ .steps = { first, second }, .left = { n, m } });
}

int transfer(struct rig_team *team)
{
	const struct lab_transfer *all = rig_team_data(team, 0);
	struct rig_span strip = { 0, rig_team_bytes(team, 0) / sizeof(*all) };

	if (rig_team_rank(team) != 0)
		return 0;

	for (size_t i = strip.begin; i < strip.end; i++) {
		int from = all[i].from, to = all[i].to;
		int low = from < to ? from : to, high = from < to ? to : from;

		if (from == to)
			continue;
		lab_lock(team, low);
		lab_lock(team, high);
		lab_store(team, from, lab_load(team, from) - all[i].amount);
		lab_store(team, to, lab_load(team, to) + all[i].amount);
		lab_unlock(team, high);
		lab_unlock(team, low);
	}
	return 0;
}
