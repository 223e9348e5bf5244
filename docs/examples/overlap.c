/* SPDX-License-Identifier: MIT */
/*
 * overlap.c - a sum that is under way while the rank computes: an iallreduce of
 * a step's residual, and a plan for the same sum, started once a step.
 */
#include <stdio.h>

#include <runrig/runrig.h>

#define STEPS 100
#define CELLS 10000

/* A step of work; returns the residual. */
static double relax(double *cells, size_t count)
{
	double left = 0;

	for (size_t i = 0; i < count; i++) {
		cells[i] *= 0.9;
		left += cells[i];
	}
	return left;
}

static int overlap(struct rig_team *team) /* runs on every rank */
{
	const struct rig_span mine = rig_team_strip(team, CELLS);
	const size_t count = mine.end - mine.begin;
	double cells[CELLS], own, next, all = 0;
	struct rig_request *sum = NULL;
	int r;

	for (size_t i = 0; i < count; i++)
		cells[i] = 1;
	r = rig_team_allreduce_init(team, &own, &all, 1, RIG_FLOAT64, RIG_SUM,
				    &sum);
	next = relax(cells, count);
	for (int step = 1; r == 0 && step <= STEPS; step++) {
		own = next;
		r = rig_team_start(team, &sum);
		/* Compute the next step, while the sum of this step is on its
		 * way. */
		if (step < STEPS)
			next = relax(cells, count);
		if (r == 0)
			r = rig_team_wait(team, &sum, NULL);
	}
	if (r == 0)
		r = rig_team_request_free(team, &sum);
	*(double *)rig_team_result(team) = all;
	return r;
}

int main(void)
{
	struct rig_pool *pool = NULL;
	double left = 0, wanted = CELLS;
	int r = rig_pool_create(&pool, NULL); /* a worker per usable core */

	for (int step = 0; step < STEPS; step++)
		wanted *= 0.9;
	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){
					       .kernel = overlap,
					       .result = &left,
					       .result_bytes = sizeof(left) });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	else
		printf("%.6f is left after %d steps\n", left, STEPS);
	rig_pool_destroy(pool);
	return r < 0 || left - wanted > 1e-6 || wanted - left > 1e-6;
}
