/* SPDX-License-Identifier: MIT */
/*
 * tsan_call.c - the collectives between threads, under ThreadSanitizer.
 *
 * Each thread is a rank of a team without a pool.  The data is plain memory: only
 * the collectives order writers and readers.  Nobody sleeps, for the watch over
 * sleepers keeps its notes in memory of the process, which these ranks share.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>
#include <runrig/pool.h>
#include <runrig/share.h>

#include "team/rank.h"

#define RANKS_MAX 18
#define ROUNDS    40
#define LONG      20000 /* through the stage, in pieces */

static const int sizes[] = { 1, 2, 3, 5, 18 };

static struct rank ranks[RANKS_MAX];
static uint8_t seen[ROUNDS][1000];
static int size;

static size_t count_of(int round)
{
	return round % 8 == 7 && size <= 5 ? LONG : 1 + (size_t)(round % 8) * 9;
}

static int reductions(struct rig_team *team, int round, int64_t *x, int64_t *y)
{
	const int64_t all = (int64_t)size * (size - 1) / 2;
	const size_t n = count_of(round);
	const int root = round % size;
	int r;

	for (size_t i = 0; i < n; i++)
		x[i] = team->rank + (int64_t)i;
	r = rig_team_allreduce(team, x, y, n, RIG_INT64, RIG_SUM);
	if (r || y[n - 1] != all + (int64_t)(n - 1) * size)
		return 1;
	r = rig_team_reduce(team, x, y, n, RIG_INT64, RIG_MAX, root);
	if (r || (team->rank == root && y[0] != size - 1))
		return 1;
	r = rig_team_scan(team, x, y, n, RIG_INT64, RIG_SUM);
	return r || y[0] != (int64_t)team->rank * (team->rank + 1) / 2;
}

static int moves(struct rig_team *team, int round, int64_t *x, int64_t *y)
{
	const size_t n = count_of(round);
	const int root = round * 3 % size;
	int r;

	for (size_t i = 0; i < n; i++)
		x[i] = team->rank == root ? round + (int64_t)i : 0;
	r = rig_team_bcast(team, x, n, RIG_INT64, root);
	if (r || x[n - 1] != round + (int64_t)(n - 1))
		return 1;
	for (int i = 0; i < size; i++)
		x[i] = team->rank * 100 + i;
	r = rig_team_alltoall(team, x, 1, RIG_INT64, y, 1, RIG_INT64);
	if (r || y[size - 1] != (size - 1) * 100 + team->rank)
		return 1;
	r = rig_team_allgather(team, x, 1, RIG_INT64, y, 1, RIG_INT64);
	return r || y[size - 1] != (size - 1) * 100;
}

/* Begun, left, and waited for; and a plan, twice. */
static int later(struct rig_team *team, int round, int64_t *x, int64_t *y)
{
	const size_t n = count_of(round);
	struct rig_request *requests[2] = { NULL };
	int64_t own = team->rank, sum = -1;
	int r;

	for (size_t i = 0; i < n; i++)
		x[i] = team->rank + (int64_t)i;
	r = rig_team_iallreduce(team, x, y, n, RIG_INT64, RIG_MAX,
				&requests[0]);
	if (r == 0)
		r = rig_team_scan_init(team, &own, &sum, 1, RIG_INT64, RIG_SUM,
				       &requests[1]);
	for (int i = 0; r == 0 && i < 2; i++) {
		own = team->rank + i;
		r = rig_team_start(team, &requests[1]);
		if (r == 0)
			r = rig_team_wait(team, &requests[1], NULL);
		if (sum != (int64_t)(team->rank + 1) * (team->rank + 2 * i) / 2)
			return 1;
	}
	if (r == 0)
		r = rig_team_wait(team, &requests[0], NULL);
	if (r || y[n - 1] != size - 1 + (int64_t)(n - 1))
		return 1;
	return rig_team_request_free(team, &requests[1]);
}

/* A single rank writes each number, and after the barrier all ranks read. */
static int shares(struct rig_team *team, int round)
{
	struct rig_share share;
	struct rig_span part;

	if (rig_share_begin(&share, team, sizeof(seen[0]), RIG_SHARE_DYNAMIC,
			    7))
		return 1;
	while (rig_share_next(&share, &part))
		for (size_t i = part.begin; i < part.end; i++)
			seen[round][i]++;
	if (rig_team_barrier(team))
		return 1;
	for (size_t i = 0; i < sizeof(seen[0]); i++)
		if (seen[round][i] != 1)
			return 1;
	return 0;
}

static void *run_rank(void *arg)
{
	static const char wrong;
	struct rig_team *team = arg;
	int64_t *x = calloc(LONG, sizeof(*x)), *y = calloc(LONG, sizeof(*y));
	int failed = !x || !y;

	for (int round = 0; !failed && round < ROUNDS; round++)
		failed = reductions(team, round, x, y) ||
			 moves(team, round, x, y) || later(team, round, x, y) ||
			 shares(team, round);
	free(x);
	free(y);
	return failed ? (void *)(uintptr_t)&wrong : NULL;
}

/* A rank with a CPU of its own releases by other operations than a rank without. */
static int run_team(bool spins)
{
	const struct patience patience = { .spin_ns = spins,
					   .yields = UINT32_MAX };
	const size_t bytes = layout_at(NULL, size).bytes;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_t threads[RANKS_MAX];
	struct layout layout;
	int failed = 0;

	if (memory == MAP_FAILED)
		return 1;
	memset(seen, 0, sizeof(seen));
	layout = layout_at(memory, size);
	if (layout_team(&layout, size, RIG_BARRIER_ADAPTIVE) < 0)
		return 1;
	for (int i = 0; i < size; i++) {
		rank_init(&ranks[i], &layout, i, size, &patience);
		rank_begin(&ranks[i], 1);
	}
	for (int i = 0; i < size; i++)
		if (pthread_create(&threads[i], NULL, run_rank,
				   &ranks[i].world))
			return 1;
	for (int i = 0; i < size; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		failed |= wrong != NULL;
	}
	(void)munmap(memory, bytes);
	return failed;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size = sizes[i];
		if (run_team(false) || run_team(true)) {
			printf("%d ranks: a result is wrong\n", size);
			return 1;
		}
	}
	return 0;
}
