/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a token goes around all ranks.  The MPI form is mpi/ring.c.
 */
#include <stdio.h>

#include <runrig/runrig.h>

#define ROUNDS 10

static int ring(struct rig_team *team) /* runs on every rank */
{
	int rank = rig_team_rank(team), size = rig_team_size(team);
	int next = (rank + 1) % size, before = (rank + size - 1) % size;
	int token = 0, r = 0;

	for (int i = 0; r == 0 && i < ROUNDS; i++) {
		if (rank > 0)
			r = rig_team_recv(team, &token, 1, RIG_INT32, before, 0,
					  NULL);
		token++;
		if (r == 0)
			r = rig_team_send(team, &token, 1, RIG_INT32, next, 0);
		if (r == 0 && rank == 0)
			r = rig_team_recv(team, &token, 1, RIG_INT32, before, 0,
					  NULL);
	}
	if (rank == 0)
		printf("%d hops a rank: %s\n", ROUNDS,
		       token == ROUNDS * size ? "all counted" : "wrong");
	return r;
}

int main(void)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool, NULL); /* a worker per usable core */

	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){ .kernel = ring });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	rig_pool_destroy(pool);
	return r < 0;
}
