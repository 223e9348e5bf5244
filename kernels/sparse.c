/* SPDX-License-Identifier: MIT */
/*
 * sparse.c - PRK's sparse matrix times vector, with columns far apart.
 *
 * The matrix is a star stencil on a periodic grid of 2^log by 2^log points.
 * The columns are renamed by reversing the bits of their numbers, and the
 * vector is read at places far apart.  With vector(j) = k (j + 1) in sweep k
 * and matrix(i, j) = 1 / (j + 1) every product is k.  Each rank owns a strip of
 * the rows; the vector is read in place.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define LOG_MAX    16 /* columns are 32 bits */
#define RADIUS_MAX 32
#define EPSILON    1e-8

enum { MATRIX, COLUMNS, VECTOR, RESULT };

struct sparse_args {
	struct rig_kernel_args header;
	size_t log;
	size_t radius;
	size_t iterations;
};

static const struct rig_param params[] = {
	{ .name = "log",
	  .help = "the grid has 2^log by 2^log points, each a row",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sparse_args, log),
	  .fallback = "10",
	  .max = LOG_MAX },
	{ .name = "radius",
	  .help = "points from the middle of the star to its rim",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sparse_args, radius),
	  .fallback = "4",
	  .max = RADIUS_MAX },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sparse_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static int check(void *given, char *why, size_t why_bytes)
{
	const struct sparse_args *args = given;
	size_t side = (size_t)1 << args->log;

	if (2 * args->radius + 1 <= side)
		return 0;
	snprintf(why, why_bytes,
		 "radius=%zu: the star is wider than the grid of %zu points",
		 args->radius, side);
	return -EINVAL;
}

static uint64_t count_rows(const void *given)
{
	const struct sparse_args *args = given;

	return UINT64_C(1) << 2 * args->log;
}

static size_t star(const struct sparse_args *args)
{
	return 4 * args->radius + 1;
}

static uint64_t count_entries(const void *given)
{
	return count_rows(given) * star(given);
}

/* Entries and columns once, and each word of the vectors at least once. */
static double bytes_moved(const void *given)
{
	const struct sparse_args *args = given;

	return (double)(args->iterations + 1) *
	       ((double)count_entries(args) *
			(sizeof(double) + sizeof(uint32_t)) +
		(double)count_rows(args) * 5 * sizeof(double));
}

static double flops(const void *given)
{
	const struct sparse_args *args = given;

	return (double)(args->iterations + 1) * 2 * (double)count_entries(args);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	const struct sparse_args *args = given;
	size_t row = index == MATRIX    ? star(args) * sizeof(double)
		     : index == COLUMNS ? star(args) * sizeof(uint32_t)
					: sizeof(double);

	return share_rows(count_rows(args), row, rank, size, spans);
}

static uint32_t reverse(uint32_t number, size_t bits)
{
	uint32_t reversed = 0;

	for (size_t b = 0; b < bits; b++)
		reversed |= (number >> b & 1) << (bits - 1 - b);
	return reversed;
}

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The columns of a row, in order. */
static void fill(const struct sparse_args *args, size_t row, uint32_t *columns)
{
	size_t side = (size_t)1 << args->log;
	size_t i = row % side;
	size_t j = row / side;
	size_t at = 0;

	columns[at++] = (uint32_t)row;
	for (size_t r = 1; r <= args->radius; r++) {
		size_t up = (i + r) % side, down = (i + side - r) % side;
		size_t left = (j + side - r) % side, right = (j + r) % side;

		columns[at++] = (uint32_t)(up + j * side);
		columns[at++] = (uint32_t)(down + j * side);
		columns[at++] = (uint32_t)(i + left * side);
		columns[at++] = (uint32_t)(i + right * side);
	}
	for (size_t e = 0; e < at; e++)
		columns[e] = reverse(columns[e], 2 * args->log);
	qsort(columns, at, sizeof(*columns), order);
}

static int prepare(struct rig_team *team)
{
	const struct sparse_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, count_rows(args));
	double *matrix = rig_team_data(team, MATRIX);
	uint32_t *columns = rig_team_data(team, COLUMNS);
	double *vector = rig_team_data(team, VECTOR);
	double *result = rig_team_data(team, RESULT);
	size_t width = star(args);

	for (size_t row = rows.begin; row < rows.end; row++) {
		fill(args, row, columns + row * width);
		for (size_t e = row * width; e < (row + 1) * width; e++)
			matrix[e] = 1 / ((double)columns[e] + 1);
		vector[row] = 0;
		result[row] = 0;
	}
	return rig_team_barrier(team);
}

/* Four sums a row: in a chain each addition waits for the addition before.  A
 * star has a point in the middle and four points at each distance up to the
 * radius: with a constant radius the loop over distances is unrolled. */
INLINE void rows_of_star(double *restrict result, const double *restrict matrix,
			 const uint32_t *restrict columns,
			 const double *restrict vector, struct rig_span rows,
			 size_t radius)
{
	size_t width = 4 * radius + 1;

	for (size_t row = rows.begin; row < rows.end; row++) {
		const double *m = matrix + row * width;
		const uint32_t *c = columns + row * width;
		double sum[4] = { m[0] * vector[c[0]] };

		for (size_t e = 1; e < width; e += 4)
			for (size_t k = 0; k < 4; k++)
				sum[k] += m[e + k] * vector[c[e + k]];
		result[row] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
	}
}

static void multiply(double *restrict result, const double *restrict matrix,
		     const uint32_t *restrict columns,
		     const double *restrict vector, struct rig_span rows,
		     size_t radius)
{
	switch (radius) {
	case 1:
		rows_of_star(result, matrix, columns, vector, rows, 1);
		break;
	case 2:
		rows_of_star(result, matrix, columns, vector, rows, 2);
		break;
	case 3:
		rows_of_star(result, matrix, columns, vector, rows, 3);
		break;
	case 4:
		rows_of_star(result, matrix, columns, vector, rows, 4);
		break;
	default:
		rows_of_star(result, matrix, columns, vector, rows, radius);
	}
}

static int run(struct rig_team *team)
{
	const struct sparse_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, count_rows(args));
	double *vector = rig_team_data(team, VECTOR);

	for (size_t k = 0; k <= args->iterations; k++) {
		for (size_t row = rows.begin; row < rows.end; row++)
			vector[row] += (double)(row + 1);
		rig_team_barrier(team);
		multiply(rig_team_data(team, RESULT),
			 rig_team_data(team, MATRIX),
			 rig_team_data(team, COLUMNS), vector, rows,
			 args->radius);
		rig_team_barrier(team);
		share_done(team, k + 1, args->iterations + 1);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct sparse_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, count_rows(args));
	const double *result = rig_team_data(team, RESULT);
	double sweeps = (double)(args->iterations + 1);
	double want = (double)star(args) * sweeps * (sweeps + 1) / 2;

	for (size_t row = rows.begin; row < rows.end; row++)
		if (!(fabs(result[row] - want) <= EPSILON * want))
			return rig_team_fail(team, -EBADMSG,
					     "sparse: row %zu is %.17g, "
					     "expected %.17g",
					     row, result[row], want);
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "matrix",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_entries },
	{ .name = "columns",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT32,
	  .count = count_entries },
	{ .name = "vector",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_rows },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_rows },
	{ 0 },
};

const struct rig_kernel kernel_sparse = {
	.version = RIG_KERNEL_VERSION,
	.name = "sparse",
	.summary = "a sparse matrix times a vector, columns far apart",
	.verified = "PRK's closed form, each row to 1e-8",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct sparse_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
