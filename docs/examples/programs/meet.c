/* SPDX-License-Identifier: MIT */
/*
 * meet.c - programs that nobody launched meet under a name, in as many terminals:
 *
 *	./meet solver 2
 *
 * One of them may be in Python: runrig.join(name="solver", size=2).  Without
 * arguments the program is a team of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <runrig/runrig.h>

/* Each tells its process number to all, and all add up their ranks. */
static int meet(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	int64_t *pids = malloc((size_t)size * sizeof(*pids));
	int64_t pid = getpid(), number = rank, sum = 0;
	int r;

	if (!pids)
		return -1;
	r = rig_team_allgather(team, &pid, 1, RIG_INT64, pids, 1, RIG_INT64);
	if (r == 0)
		r = rig_team_allreduce(team, &number, &sum, 1, RIG_INT64,
				       RIG_SUM);
	if (r == 0)
		printf("rank %d of %d: process %lld has met process %lld; the "
		       "sum of the ranks is %lld\n",
		       rank, size, (long long)pid,
		       (long long)pids[(rank + 1) % size], (long long)sum);
	free(pids);
	return r;
}

int main(int argc, char **argv)
{
	const struct rig_join_options by_name = {
		.name = argc > 2 ? argv[1] : NULL,
		.size = argc > 2 ? atoi(argv[2]) : 0,
	};
	struct rig_team *team;
	int r = rig_join(&team, &by_name);

	if (r == 0) {
		r = meet(team);
		if (r == 0)
			r = rig_leave();
	}
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	return r < 0;
}
