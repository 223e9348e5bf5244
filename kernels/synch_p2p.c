/* SPDX-License-Identifier: MIT */
/*
 * synch_p2p.c - PRK's pipeline: each point needs its left, lower and diagonal
 * neighbours, and ranks follow each other through the rows.
 *
 * Each rank owns a strip of the columns and, on a separate line, a counter of
 * the rows that the rank has done.  A rank begins a row when the rank to its
 * left has done the row.  After a sweep the last point, negated, becomes the
 * first: rank 0 waits for the last rank, which waited for all other ranks.
 * Counters that only grow are therefore enough synchronisation.
 *
 * Pages are owned by equal blocks: a row's strip is usually smaller than a
 * page, and each page has strips of several ranks.
 */
#include <errno.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/shuffle.h>

#define SIDE_MAX 16777216.0
#define STRIDE   (RIG_LINE / sizeof(uint64_t))

enum { GRID, ROWS };

struct pipeline_args {
	struct rig_kernel_args header;
	size_t m;
	size_t n;
	size_t iterations;
};

static const struct rig_param params[] = {
	{ .name = "m",
	  .help = "columns, which the workers share",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct pipeline_args, m),
	  .fallback = "1000",
	  .min = 2,
	  .max = SIDE_MAX },
	{ .name = "n",
	  .help = "rows, which they go through one after another",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct pipeline_args, n),
	  .fallback = "100",
	  .min = 2,
	  .max = SIDE_MAX },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct pipeline_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count_grid(const void *given)
{
	const struct pipeline_args *args = given;

	return args->m * args->n;
}

static uint64_t count_rows(const void *given)
{
	(void)given;
	return RIG_WORKERS_MAX * STRIDE;
}

static double bytes_moved(const void *given)
{
	const struct pipeline_args *args = given;

	return (double)(args->iterations + 1) * 2 * sizeof(double) *
	       (double)(args->m - 1) * (double)(args->n - 1);
}

static double flops(const void *given)
{
	const struct pipeline_args *args = given;

	return (double)(args->iterations + 1) * 2 * (double)(args->m - 1) *
	       (double)(args->n - 1);
}

static int prepare(struct rig_team *team)
{
	const struct pipeline_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->m);
	double *grid = rig_team_data(team, GRID);

	for (size_t j = 0; j < args->n; j++)
		for (size_t i = strip.begin; i < strip.end; i++)
			grid[j * args->m + i] = j == 0   ? (double)i
						: i == 0 ? (double)j
							 : 0;
	return rig_team_barrier(team);
}

typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));

/* A strip of a row is a chain of additions, each of which waits for the last.
 * Four differences are first added up among themselves, and so only a single
 * addition in four is in the chain. */
CLONES static void pass(double *restrict at, const double *restrict below,
			size_t begin, size_t end)
{
	const quad zero = { 0 };
	double left = at[begin - 1];
	size_t i = begin;

	for (; i + 4 <= end; i += 4) {
		quad sum = *(const quad *)(below + i) -
			   *(const quad *)(below + i - 1);

		sum += SHUFFLE(zero, sum, 0, 4, 5, 6);
		sum += SHUFFLE(zero, sum, 0, 1, 4, 5);
		*(quad *)(at + i) = left + sum;
		left += sum[3];
	}
	for (; i < end; i++)
		at[i] = left += below[i] - below[i - 1];
}

/* The counter of a rank. */
static _Atomic uint64_t *rows_of(const struct rig_team *team, int rank)
{
	_Atomic uint64_t *rows = rig_team_data(team, ROWS);

	return rows + (size_t)rank * STRIDE;
}

static int run(struct rig_team *team)
{
	const struct pipeline_args *args = rig_team_args(team);
	int rank = rig_team_rank(team);
	/* The last rank with columns: the ranks after it have nothing to do. */
	int last = rig_team_size(team) - 1;
	struct rig_span strip = rig_team_strip(team, args->m);
	_Atomic uint64_t *mine = rows_of(team, rank);
	double *grid = rig_team_data(team, GRID);
	double *corner = grid + args->n * args->m - 1;
	uint64_t done = 0;

	if ((size_t)last >= args->m)
		last = (int)args->m - 1;
	atomic_store_explicit(mine, 0, memory_order_relaxed);
	rig_team_barrier(team);
	for (size_t k = 0; k <= args->iterations && rank <= last; k++) {
		size_t begin = strip.begin ? strip.begin : 1;

		for (size_t j = 1; j < args->n; j++) {
			double *at = grid + j * args->m;

			done++;
			if (rank > 0)
				share_await(rows_of(team, rank - 1), done);
			pass(at, at - args->m, begin, strip.end);
			/* release: publishes this rank's writes to the next
			 * rank's share_await(). */
			atomic_store_explicit(mine, done, memory_order_release);
		}
		share_done(team, k + 1, args->iterations + 1);
		if (rank > 0)
			continue;
		share_await(rows_of(team, last), done);
		grid[0] = -*corner;
	}
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct pipeline_args *args = rig_team_args(team);
	const double *grid = rig_team_data(team, GRID);
	double corner = grid[args->n * args->m - 1];
	double want = (double)(args->iterations + 1) *
		      (double)(args->m + args->n - 2);

	if (corner != want || grid[0] != -want)
		return rig_team_fail(team, -EBADMSG,
				     "synch-p2p: the corner is %.17g, expected "
				     "%.17g",
				     corner, want);
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "grid",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_grid },
	{ .name = "rows",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_rows },
	{ 0 },
};

const struct rig_kernel kernel_synch_p2p = {
	.version = RIG_KERNEL_VERSION,
	.name = "synch-p2p",
	.summary = "a pipeline: each point waits for its neighbours' values",
	.verified = "PRK's closed form (iterations + 1)(m + n - 2), exactly",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct pipeline_args),
	.bytes_moved = bytes_moved,
	.flops = flops,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
