/* SPDX-License-Identifier: MIT */
/*
 * program.c - somebody else's program: built outside the tree against what
 * `meson install` put down, by what pkg-config says.
 */
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

static int sum_of_ranks(struct rig_team *team)
{
	int *ranks = rig_team_data(team, 0);
	int sum = 0;

	ranks[rig_team_rank(team)] = rig_team_rank(team) + 1;
	rig_team_barrier(team);
	for (int rank = 0; rank < rig_team_size(team); rank++)
		sum += ranks[rank];
	memcpy(rig_team_result(team), &sum, sizeof(sum));
	return 0;
}

int main(void)
{
	struct rig_segment *segment = NULL;
	struct rig_pool *pool = NULL;
	int sum = 0;
	int r;

	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 });
	if (r == 0)
		r = rig_segment_create(
			&segment, NULL, 2 * sizeof(int),
			&(struct rig_segment_options){ .pool = pool });
	if (r == 0)
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = sum_of_ranks,
				      .segments = { { .name = rig_segment_name(
							      segment) } },
				      .result = &sum,
				      .result_bytes = sizeof(sum) });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	if (r == 0 && sum != 1 + 2)
		fprintf(stderr, "the ranks sum to %d, not 3\n", sum);
	return r < 0 || sum != 3;
}
