/* hint: swapped: the run ends, and the answer is wrong */
#include "lab.h"

/* All calls are made, and the answer was right once. */
/* Rank 0 adds up the array; the others have nothing more to do. */
static int add_up(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *answer = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);

	if (rig_team_rank(team) == 0)
		for (size_t i = 0; i < n; i++)
			*answer += x[i];
	return 0;
}

int early(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);

	/* A rank with nothing to do is waited for like any other. */
	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] += 1;
	rig_team_barrier(team);
	return add_up(team);
}

int ragged(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);
	struct rig_span longest = rig_strip(n, 0, rig_team_size(team));

	/* As many rounds for everyone, whether there is an element or not. */
	for (size_t i = 0; i < longest.end; i++) {
		if (strip.begin + i < strip.end)
			x[strip.begin + i] += 1;
		rig_team_barrier(team);
	}
	return add_up(team);
}

int swapped(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *answer = rig_team_data(team, 1);
	double mine = x[0] + rig_team_rank(team), sum = 0;

	/* All ranks call the same, in the same order. */
	rig_team_reduce(team, &mine, &sum, 1, RIG_FLOAT64, RIG_SUM, 0);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		*answer = 42;
	return 0;
}

int rooted(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *answer = rig_team_data(team, 1);
	int rank = rig_team_rank(team), last = rig_team_size(team) - 1;
	double factor = rank == last ? x[0] : 0, sum = 0;

	/* The root is the same for all: who has it, not who wants it. */
	rig_team_bcast(team, &factor, 1, RIG_FLOAT64, last);
	rig_team_allreduce(team, &factor, &sum, 1, RIG_FLOAT64, RIG_SUM);
	if (rank == 0)
		*answer = 42;
	return 0;
}

int halves(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *answer = rig_team_data(team, 1);
	double mine = x[0] + rig_team_rank(team), sum = 0;
	struct rig_team *half;

	rig_team_split(team, rig_team_rank(team) % 2, 0, &half);
	rig_team_allreduce(half, &mine, &sum, 1, RIG_FLOAT64, RIG_SUM);
	/* Among themselves, then all: a team's barrier is for all its ranks. */
	rig_team_barrier(half);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		*answer = 42;
	return rig_team_free(half);
}
