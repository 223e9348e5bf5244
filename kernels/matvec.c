/* SPDX-License-Identifier: MIT */
/*
 * matvec.c - y = A x, of a dense matrix.
 *
 * Each rank owns a strip of the rows of A and of y, and reads all of x where it
 * lies.  A row's sum is taken by eight lanes in one order, so y has the same
 * bits for any number of workers.  With the user's A and x, A has as many
 * columns as x has elements.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include "builtin.h"
#include "clones.h"
#include "share.h"
#include "sum.h"

#define N_MAX 1048576.0
#define LANES 8

/* Generated data is small whole numbers that repeat. */
#define A_PERIOD 13
#define X_PERIOD 7

enum { A, X, Y };

#define ROWS_DEFAULT    4000
#define COLUMNS_DEFAULT 4000

struct matvec_args {
	struct rig_kernel_args header;
	size_t rows, columns;
};

static const struct rig_param params[] = {
	{ .name = "rows",
	  .help = "of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct matvec_args, rows),
	  .fallback = "4000",
	  .max = N_MAX },
	{ .name = "columns",
	  .help = "of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct matvec_args, columns),
	  .fallback = "4000",
	  .max = N_MAX },
	{ 0 },
};

static uint64_t count_a(const void *given)
{
	const struct matvec_args *args = given;

	return args->rows * args->columns;
}

static uint64_t count_x(const void *given)
{
	const struct matvec_args *args = given;

	return args->columns;
}

/* A and x come first: where they are given, they say how many rows.  A of one
 * dimension is its rows, one after another. */
static uint64_t count_y(const void *given)
{
	const struct matvec_args *args = given;
	const struct rig_array *arrays = args->header.arrays;

	if (!args->header.given)
		return args->rows;
	if (arrays[A].dims > 1)
		return arrays[A].rows;
	return arrays[X].count ? arrays[A].count / arrays[X].count : 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct matvec_args *args = given;
	const struct rig_array *arrays = args->header.arrays;
	uint64_t rows = count_y(args);

	if (arrays[A].dims > 1 &&
	    (arrays[A].dims > 2 || arrays[A].columns != arrays[X].count)) {
		snprintf(why, why_bytes,
			 "a has %u dimensions, the last of %zu elements, and x "
			 "%zu elements: a is to have 2, and as many",
			 arrays[A].dims, (size_t)arrays[A].columns,
			 (size_t)arrays[X].count);
		return -EINVAL;
	}
	if (arrays[A].count != rows * arrays[X].count ||
	    arrays[Y].count != rows) {
		snprintf(why, why_bytes,
			 "a has %zu elements, x %zu, y %zu: no whole matrix",
			 (size_t)arrays[A].count, (size_t)arrays[X].count,
			 (size_t)arrays[Y].count);
		return -EINVAL;
	}
	if (args->header.given &&
	    ((args->rows != ROWS_DEFAULT && args->rows != rows) ||
	     (args->columns != COLUMNS_DEFAULT &&
	      args->columns != arrays[X].count))) {
		snprintf(why, why_bytes,
			 "rows=%zu columns=%zu, but what is given is %zu x %zu",
			 args->rows, args->columns, (size_t)rows,
			 (size_t)arrays[X].count);
		return -EINVAL;
	}
	args->rows = rows;
	args->columns = arrays[X].count;
	return 0;
}

static double bytes_moved(const void *given)
{
	return sizeof(double) * (double)(count_a(given) + count_y(given));
}

static double flops(const void *given)
{
	return 2 * (double)count_a(given);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	const struct matvec_args *args = given;

	if (index == X)
		return share_rows(args->columns, sizeof(double), rank, size,
				  spans);
	return share_rows(args->rows,
			  index == A ? args->columns * sizeof(double)
				     : sizeof(double),
			  rank, size, spans);
}

static int prepare(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->rows);
	struct rig_span columns = rig_team_strip(team, args->columns);
	double *a = rig_team_data(team, A);
	double *x = rig_team_data(team, X);

	for (size_t i = rows.begin * args->columns;
	     i < rows.end * args->columns; i++)
		a[i] = (double)(i % A_PERIOD);
	for (size_t j = columns.begin; j < columns.end; j++)
		x[j] = (double)(j % X_PERIOD);
	return rig_team_barrier(team);
}

/* The user's data may lie at any address. */
typedef double any_double __attribute__((aligned(1), may_alias));

CLONES static void multiply(any_double *restrict y,
			    const any_double *restrict a,
			    const any_double *restrict x, struct rig_span rows,
			    size_t columns)
{
	for (size_t i = rows.begin; i < rows.end; i++) {
		const any_double *row = a + i * columns;
		double lanes[LANES] = { 0 };
		size_t j = 0;

		for (; j + LANES <= columns; j += LANES)
			for (size_t l = 0; l < LANES; l++)
				lanes[l] += row[j + l] * x[j + l];
		for (; j < columns; j++)
			lanes[0] += row[j] * x[j];
		y[i] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
		       ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
	}
}

static int run(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);

	multiply(rig_team_data(team, Y), rig_team_data(team, A),
		 rig_team_data(team, X), rig_team_strip(team, args->rows),
		 args->columns);
	return rig_team_barrier(team);
}

/* A and x, which are only read: the same before and after. */
static int digest(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->rows);
	struct rig_span columns = share_next(team, args->columns);
	const any_double *a = rig_team_data(team, A);
	const any_double *x = rig_team_data(team, X);
	uint64_t *sums = rig_team_result(team);

	rows.begin *= args->columns;
	rows.end *= args->columns;
	sums[A] = sum_items(a + rows.begin, rows.end - rows.begin, sizeof(*a),
			    rows.begin, 1);
	sums[X] = sum_items(x + columns.begin, columns.end - columns.begin,
			    sizeof(*x), columns.begin, 1);
	return 0;
}

/* One product after the other, in extended precision. */
static int verify_row(struct rig_team *team, const any_double *row,
		      const any_double *x, size_t columns, double y, size_t i)
{
	long double want = 0, size = 0;

	for (size_t j = 0; j < columns; j++) {
		long double product = (long double)row[j] * x[j];

		want += product;
		size += fabsl(product);
	}
	/* Where doubles end, infinities and what is no number begin. */
	if (!(size <= DBL_MAX))
		return 0;
	size = size * (long double)(columns + 1) * 0x1p-53L +
	       (long double)columns * DBL_TRUE_MIN;
	if (fabsl(y - want) <= size)
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "matvec: y(%zu) is %.17g, expected %.17Lg", i, y,
			     want);
}

static int verify(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	const struct rig_kernel_args *header = &args->header;
	struct rig_span rows = share_next(team, args->rows);
	const any_double *a = rig_team_data(team, A);
	const any_double *x = rig_team_data(team, X);
	const any_double *y = rig_team_data(team, Y);
	int r = 0;

	if (header->found[A] != header->digest[A] ||
	    header->found[X] != header->digest[X])
		return rig_team_fail(team, -EBADMSG,
				     "matvec: a or x has changed");
	for (size_t i = rows.begin; i < rows.end && r == 0; i++)
		r = verify_row(team, a + i * args->columns, x, args->columns,
			       y[i], i);
	return r;
}

const struct rig_kernel kernel_matvec = {
	.name = "matvec",
	.summary = "y = A x, of a dense matrix",
	.verified = "each element in extended precision by another rank, "
		    "within the rounding that is due",
	.params = params,
	.arrays = { { .name = "a",
		      .dtype = RIG_FLOAT64,
		      .input = true,
		      .count = count_a },
		    { .name = "x",
		      .dtype = RIG_FLOAT64,
		      .input = true,
		      .count = count_x },
		    { .name = "y",
		      .dtype = RIG_FLOAT64,
		      .output = true,
		      .count = count_y } },
	.args_bytes = sizeof(struct matvec_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
