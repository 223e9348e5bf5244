/* SPDX-License-Identifier: MIT */
/*
 * transpose.c - PRK's transpose: B += A transposed, then A += 1, tile by tile.
 *
 * Each rank owns a strip of the rows of B, and reads the same columns of A in
 * place: the reads are the only exchange.  An element of A is read and
 * increased by a single rank: a sweep is a single pass without a barrier
 * inside.
 *
 * Inside a tile, blocks of 4 by 4 are turned round in registers, so that both
 * matrices are read and written along their rows.
 */
#include <errno.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/shuffle.h>

#define N_MAX 1048576.0

/* Rows and columns of a block. */
#define BLOCK 4

enum { A, B };

struct transpose_args {
	struct rig_kernel_args header;
	size_t n;
	size_t tile;
	size_t iterations;
};

static const struct rig_param params[] = {
	{ .name = "n",
	  .help = "rows and columns of the matrices",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct transpose_args, n),
	  .fallback = "2000",
	  .max = N_MAX },
	{ .name = "tile",
	  .help = "rows and columns of a tile",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct transpose_args, tile),
	  .fallback = "64",
	  .min = 1,
	  .max = N_MAX },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct transpose_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct transpose_args *args = given;

	return args->n * args->n;
}

/* As PRK counts: A read, B written. */
static double bytes_moved(const void *given)
{
	const struct transpose_args *args = given;

	return (double)(args->iterations + 1) * 2 * sizeof(double) *
	       (double)count(given);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	(void)index;
	const struct transpose_args *args = given;

	return share_rows(args->n, args->n * sizeof(double), rank, size, spans);
}

static int prepare(struct rig_team *team)
{
	const struct transpose_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->n);
	double *a = rig_team_data(team, A);
	double *b = rig_team_data(team, B);

	for (size_t i = rows.begin * args->n; i < rows.end * args->n; i++) {
		a[i] = (double)i;
		b[i] = 0;
	}
	return rig_team_barrier(team);
}

typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));

/* Four rows of a, `n` apart, added to four rows of b. */
INLINE void turn_block(double *a, double *b, size_t n)
{
	quad r0 = *(quad *)a;
	quad r1 = *(quad *)(a + n);
	quad r2 = *(quad *)(a + 2 * n);
	quad r3 = *(quad *)(a + 3 * n);
	quad t0 = SHUFFLE(r0, r1, 0, 4, 2, 6);
	quad t1 = SHUFFLE(r0, r1, 1, 5, 3, 7);
	quad t2 = SHUFFLE(r2, r3, 0, 4, 2, 6);
	quad t3 = SHUFFLE(r2, r3, 1, 5, 3, 7);

	*(quad *)b += SHUFFLE(t0, t2, 0, 1, 4, 5);
	*(quad *)(b + n) += SHUFFLE(t1, t3, 0, 1, 4, 5);
	*(quad *)(b + 2 * n) += SHUFFLE(t0, t2, 2, 3, 6, 7);
	*(quad *)(b + 3 * n) += SHUFFLE(t1, t3, 2, 3, 6, 7);
	*(quad *)a = r0 + 1;
	*(quad *)(a + n) = r1 + 1;
	*(quad *)(a + 2 * n) = r2 + 1;
	*(quad *)(a + 3 * n) = r3 + 1;
}

INLINE void turn_each(double *restrict a, double *restrict b, size_t n,
		      struct rig_span rows, struct rig_span columns)
{
	for (size_t i = rows.begin; i < rows.end; i++) {
		for (size_t j = columns.begin; j < columns.end; j++) {
			b[j * n + i] += a[i * n + j];
			a[i * n + j] += 1;
		}
	}
}

/* A tile: the given rows and columns of a. */
CLONES static void turn(double *restrict a, double *restrict b, size_t n,
			struct rig_span rows, struct rig_span columns)
{
	size_t j = columns.begin;
	size_t i;

	for (; j + BLOCK <= columns.end; j += BLOCK)
		for (i = rows.begin; i + BLOCK <= rows.end; i += BLOCK)
			turn_block(a + i * n + j, b + j * n + i, n);
	i = rows.end - (rows.end - rows.begin) % BLOCK;
	turn_each(a, b, n, (struct rig_span){ i, rows.end },
		  (struct rig_span){ columns.begin, j });
	turn_each(a, b, n, rows, (struct rig_span){ j, columns.end });
}

static struct rig_span tile(size_t begin, size_t end, size_t length)
{
	return (struct rig_span){ begin,
				  end - begin < length ? end : begin + length };
}

static int run(struct rig_team *team)
{
	const struct transpose_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->n);
	double *a = rig_team_data(team, A);
	double *b = rig_team_data(team, B);
	size_t width = strip.end - strip.begin;

	for (size_t k = 0; k <= args->iterations; k++)
		for (size_t j = strip.begin; j < strip.end; j += args->tile) {
			for (size_t i = 0; i < args->n; i += args->tile)
				turn(a, b, args->n,
				     tile(i, args->n, args->tile),
				     tile(j, strip.end, args->tile));
			share_done(team, k * width + j - strip.begin,
				   (args->iterations + 1) * width);
		}
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct transpose_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->n);
	const double *a = rig_team_data(team, A);
	const double *b = rig_team_data(team, B);
	double k = (double)args->iterations;
	size_t n = args->n;

	for (size_t at = rows.begin * n; at < rows.end * n; at++) {
		size_t turned = at % n * n + at / n;
		double want = (double)turned * (k + 1) + k * (k + 1) / 2;

		if (b[at] != want)
			return rig_team_fail(team, -EBADMSG,
					     "transpose: B(%zu, %zu) is %.17g, "
					     "expected %.17g",
					     at / n, at % n, b[at], want);
		if (a[at] != (double)at + k + 1)
			return rig_team_fail(team, -EBADMSG,
					     "transpose: A(%zu, %zu) is %.17g, "
					     "expected %.17g",
					     at / n, at % n, a[at],
					     (double)at + k + 1);
	}
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "a",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "b",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_transpose = {
	.version = RIG_KERNEL_VERSION,
	.name = "transpose",
	.summary = "B += A transposed, then A += 1, tile by tile",
	.verified = "PRK's closed form, each element, exactly",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct transpose_args),
	.bytes_moved = bytes_moved,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
