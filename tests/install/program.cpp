/* SPDX-License-Identifier: MIT */
/*
 * program.cpp - somebody's program in C++: a pool runs a kernel over a segment,
 * and a list holds a text.
 *
 * test_cxx.py compiles the program and links it: a header without extern "C"
 * compiles, too, and is found out by the linker alone.
 */
#include <cstdio>
#include <cstring>

#include <runrig/runrig.h>

static int sum_of_ranks(rig_team *team)
{
	int *ranks = static_cast<int *>(rig_team_data(team, 0));
	int rank = rig_team_rank(team);
	int sum = 0;

	ranks[rank] = rank + 1;
	if (rig_team_barrier(team) < 0)
		return -1;
	for (int other = 0; other < rig_team_size(team); other++)
		sum += ranks[other];
	std::memcpy(rig_team_result(team), &sum, sizeof(sum));
	return 0;
}

static int run(rig_pool *pool, rig_segment *segment, int *sum)
{
	rig_job job = rig_job();

	job.kernel = sum_of_ranks;
	job.segments[0].name = rig_segment_name(segment);
	job.result = sum;
	job.result_bytes = sizeof(*sum);
	return rig_pool_run(pool, &job);
}

static int keep_text()
{
	rig_value value = rig_str("nine");
	rig_list *list = nullptr;
	int r = rig_list_create(&list, nullptr, &value, 1, nullptr);

	if (r == 0)
		r = rig_list_length(list) == 1 ? 0 : -1;
	rig_list_destroy(list);
	return r;
}

int main()
{
	rig_pool_options options = rig_pool_options();
	rig_pool *pool = nullptr;
	rig_segment *segment = nullptr;
	int sum = 0;

	options.workers = 2;
	int r = rig_pool_create(&pool, &options);
	if (r == 0)
		r = rig_segment_create(&segment, nullptr, 2 * sizeof(int),
				       nullptr);
	if (r == 0)
		r = run(pool, segment, &sum);
	if (r == 0)
		r = keep_text();
	if (r < 0)
		std::fprintf(stderr, "%s\n", rig_why());
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	if (r == 0 && sum != 1 + 2)
		std::fprintf(stderr, "the ranks sum to %d, not 3\n", sum);
	return r < 0 || sum != 3;
}
