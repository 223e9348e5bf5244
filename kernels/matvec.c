/* SPDX-License-Identifier: MIT */
/*
 * matvec.c - y = A x, for a dense matrix A.
 *
 * Each rank owns a strip of the rows of A and of y, and reads all of x in
 * place.  A row's products are added up in a fixed order: y has the same bits
 * for any number of workers.  With the user's A and x, A has as many columns as
 * x has elements.
 *
 * A and x may each have any real dtype, and y is float64.  An array that is not
 * float64 is converted: each rank converts x to a copy of its own, and A chunk
 * by chunk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/shapes.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/order_sum.h>
#include <runner/convert.h>

#define N_MAX 1048576.0

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

/* The runner has counted A and x before y: where A and x are given, they tell
 * the number of rows.  An A with a single dimension is the rows of A, row after
 * row. */
static uint64_t count_y(const void *given)
{
	const struct matvec_args *args = given;
	const struct rig_array *arrays = args->header.arrays;

	if (!args->header.given)
		return args->rows;
	if (arrays[A].dims > 1)
		return shape_rows(&arrays[A]);
	return arrays[X].count ? arrays[A].count / arrays[X].count : 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct matvec_args *args = given;
	const struct rig_array *arrays = args->header.arrays;
	uint64_t rows = count_y(args);
	int r = 0;

	for (int a = A; a <= X && r == 0; a++)
		r = convert_check(&arrays[a], "matvec", why, why_bytes);
	if (r < 0)
		return r;
	if (arrays[A].dims > 1 &&
	    (arrays[A].dims > 2 ||
	     shape_columns(&arrays[A]) != arrays[X].count)) {
		snprintf(why, why_bytes,
			 "a has %u dimensions, the last of %zu elements, and x "
			 "%zu elements: a is to have 2, and as many",
			 arrays[A].dims, shape_columns(&arrays[A]),
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
	const struct matvec_args *args = given;

	return (double)args->header.arrays[A].item_bytes *
		       (double)count_a(args) +
	       sizeof(double) * (double)args->rows;
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
	size_t item = args->header.arrays[index].item_bytes;

	if (index == X)
		return share_rows(args->columns, item, rank, size, spans);
	return share_rows(args->rows, index == A ? args->columns * item : item,
			  rank, size, spans);
}

static bool is_double(const struct matvec_args *args, int index)
{
	return args->header.arrays[index].dtype == RIG_FLOAT64;
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	const struct matvec_args *args = given;

	return is_double(args, X) ? 0 : args->columns * sizeof(double);
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

/* Rows multiplied together: the memory has more lines to fetch at a time. */
#define AT_ONCE 4

/* As reals_dot() of each of AT_ONCE rows, in the same order. */
INLINE void dots(any_double *restrict y, const any_double *restrict a,
		 const any_double *restrict x, size_t columns)
{
	double lanes[AT_ONCE][REALS_LANES] = { 0 };
	size_t j = 0;

	for (; j + REALS_LANES <= columns; j += REALS_LANES)
		for (size_t r = 0; r < AT_ONCE; r++)
			for (size_t l = 0; l < REALS_LANES; l++)
				lanes[r][l] +=
					a[r * columns + j + l] * x[j + l];
	for (; j < columns; j++)
		for (size_t r = 0; r < AT_ONCE; r++)
			lanes[r][0] += a[r * columns + j] * x[j];
	for (size_t r = 0; r < AT_ONCE; r++)
		y[r] = reals_join(lanes[r]);
}

CLONES static void multiply(any_double *restrict y,
			    const any_double *restrict a,
			    const any_double *restrict x, struct rig_span rows,
			    size_t columns)
{
	size_t i = rows.begin;

	for (; i + AT_ONCE <= rows.end; i += AT_ONCE)
		dots(y + i, a + i * columns, x, columns);
	for (; i < rows.end; i++)
		y[i] = reals_dot(a + i * columns, x, columns);
}

static void multiply_widened(any_double *y, const struct matvec_args *args,
			     const void *a, const any_double *x,
			     struct rig_span rows)
{
	double wide[SHARE_CHUNK];

	for (size_t i = rows.begin; i < rows.end; i++) {
		size_t at = i * args->columns;
		double sum = 0, piece;

		for (size_t c = 0; c < share_chunks(args->columns); c++) {
			struct rig_span span = share_chunk(args->columns, c);

			convert_to_double(args->header.arrays[A].dtype, a,
					  at + span.begin, at + span.end, wide);
			multiply(&piece, wide, x + span.begin,
				 (struct rig_span){ 0, 1 },
				 span.end - span.begin);
			sum += piece;
		}
		y[i] = sum;
	}
}

static void multiply_any(struct rig_team *team, const struct matvec_args *args,
			 const any_double *x)
{
	struct rig_span rows = rig_team_strip(team, args->rows);

	if (is_double(args, A))
		multiply(rig_team_data(team, Y), rig_team_data(team, A), x,
			 rows, args->columns);
	else
		multiply_widened(rig_team_data(team, Y), args,
				 rig_team_data(team, A), x, rows);
}

static int run(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	double *x;

	if (is_double(args, X)) {
		multiply_any(team, args, rig_team_data(team, X));
		return rig_team_barrier(team);
	}
	x = malloc(private_bytes(args, 1) + 1);
	if (!x)
		return rig_team_fail(team, -ENOMEM,
				     "matvec: no memory for x as doubles");
	convert_to_double(args->header.arrays[X].dtype, rig_team_data(team, X),
			  0, args->columns, x);
	multiply_any(team, args, x);
	free(x);
	return rig_team_barrier(team);
}

/* A and x, which are only read: the same before and after. */
static int digest(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->rows);
	const struct rig_array *arrays = args->header.arrays;
	uint64_t *sums = rig_team_result(team);

	rows.begin *= args->columns;
	rows.end *= args->columns;
	sums[A] = sum_strip(team, A, arrays[A].item_bytes, rows);
	sums[X] = sum_strip(team, X, arrays[X].item_bytes,
			    share_next(team, args->columns));
	return 0;
}

/* Product after product, in extended precision. */
static int verify_row(struct rig_team *team, const struct matvec_args *args,
		      size_t i)
{
	const any_double *y = rig_team_data(team, Y);
	struct reals_due due = { 0 };

	for (size_t j = 0; j < args->columns; j++) {
		size_t at = i * args->columns + j;
		double a, x;

		convert_to_double(args->header.arrays[A].dtype,
				  rig_team_data(team, A), at, at + 1, &a);
		convert_to_double(args->header.arrays[X].dtype,
				  rig_team_data(team, X), j, j + 1, &x);
		reals_due_add(&due, (long double)a * x);
	}
	if (reals_due_is(&due, y[i]))
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "matvec: y(%zu) is %.17g, expected %.17Lg", i,
			     y[i], due.sum + due.others);
}

static int verify(struct rig_team *team)
{
	const struct matvec_args *args = rig_team_args(team);
	const struct rig_kernel_args *header = &args->header;
	struct rig_span rows = share_next(team, args->rows);
	int r = 0;

	if (header->found[A] != header->digest[A] ||
	    header->found[X] != header->digest[X])
		return rig_team_fail(team, -EBADMSG,
				     "matvec: a or x has changed");
	for (size_t i = rows.begin; i < rows.end && r == 0; i++)
		r = verify_row(team, args, i);
	return r;
}

/* Each row is a block. */
static uint64_t blocks(const void *given)
{
	const struct matvec_args *args = given;

	return args->rows;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	return verify_row(team, rig_team_args(team), block);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "a",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_a },
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_x },
	{ .name = "y",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .any_byte = true,
	  .count = count_y },
	{ 0 },
};

const struct rig_kernel kernel_matvec = {
	.version = RIG_KERNEL_VERSION,
	.name = "matvec",
	.summary = "y = A x, of a dense matrix; y is float64",
	.verified = "each element in extended precision by another rank, "
		    "within the rounding that is due",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct matvec_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
};
