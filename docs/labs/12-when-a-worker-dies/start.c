/* SPDX-License-Identifier: MIT */
/*
 * start.c - a computation that no death may change, and that every death does.
 */
#include "lab.h"

#include <errno.h>

int advance(struct rig_team *team)
{
	struct lab_state *state = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, LAB_N);

	/* TODO(2): this team may not be the first. */
	for (uint64_t step = 0; step < LAB_STEPS; step++) {
		/* TODO(3): what is in x when somebody dies half way? */
		const double *from = state->x[0];
		double *to = state->x[0];

		for (size_t i = strip.begin; i < strip.end; i++) {
			to[i] = lab_next(from[i], i);
			lab_point(team);
		}
		lab_barrier(team);
		if (rig_team_rank(team) == 0)
			lab_record(team, state, step + 1);
		/* TODO(4): when may the others overwrite what this step was
		 * computed from? */
	}
	return 0;
}

int persist(struct rig_pool *pool, const struct rig_job *job)
{
	/* TODO(1): what does -EOWNERDEAD say about the pool, and what about the
	 * segment? */
	return lab_run(pool, job);
}
