/* SPDX-License-Identifier: MIT */
/*
 * dgemm.c - PRK's dgemm: C += A B, of square matrices.
 *
 * Each rank owns a strip of the rows of A and C, and reads all of B in place.
 * Where there is an OpenBLAS, each worker loads a copy, with a single thread,
 * and OpenBLAS multiplies the worker's strip.  Otherwise a loop of our own
 * multiplies, tile by tile, four rows of C at a time.  A(i, j) = B(i, j) = j.
 */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define N_MAX   1048576.0
#define EPSILON 1e-8

/* Memory for the packed tiles of an OpenBLAS thread. */
#define OPENBLAS_BYTES ((size_t)32 << 20)

/* Rows of C that our own loop handles together. */
#define ROWS 4

enum { A, B, C, RAN };
enum method { AUTO, OPENBLAS, OWN };

/* Constants of cblas.h, whose enumerations are part of the interface. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111 };

typedef void dgemm_fn(int order, int transpose_a, int transpose_b, int m, int n,
		      int k, double alpha, const double *a, int lda,
		      const double *b, int ldb, double beta, double *c,
		      int ldc);
typedef void threads_fn(int threads);

struct dgemm_args {
	struct rig_kernel_args header;
	size_t n;
	size_t tile;
	size_t iterations;
	uint32_t method;
};

static const struct rig_param params[] = {
	{ .name = "n",
	  .help = "rows and columns of the matrices",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct dgemm_args, n),
	  .fallback = "500",
	  .max = N_MAX },
	{ .name = "method",
	  .help = "auto: OpenBLAS where there is one, else the own loop",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct dgemm_args, method),
	  .fallback = "auto",
	  .choices = "auto openblas own" },
	{ .name = "tile",
	  .help = "of the own loop: rows and columns of a tile of B",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct dgemm_args, tile),
	  .fallback = "128",
	  .min = 1,
	  .max = N_MAX },
	{ .name = "iterations",
	  .help = "products after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct dgemm_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct dgemm_args *args = given;

	return args->n * args->n;
}

/* The method that ran, an enum method. */
static uint64_t count_ran(const void *given)
{
	(void)given;
	return 1;
}

static double flops(const void *given)
{
	const struct dgemm_args *args = given;
	double n = (double)args->n;

	return (double)(args->iterations + 1) * 2 * n * n * n;
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct dgemm_args *args = given;

	if (index == RAN)
		return share_rows(1, bytes, rank, size, spans);
	return share_rows(args->n, args->n * sizeof(double), rank, size, spans);
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	const struct dgemm_args *args = given;

	return args->method == OWN ? 0 : OPENBLAS_BYTES;
}

static int prepare(struct rig_team *team)
{
	const struct dgemm_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->n);
	double *a = rig_team_data(team, A);
	double *b = rig_team_data(team, B);
	double *c = rig_team_data(team, C);

	for (size_t i = rows.begin; i < rows.end; i++) {
		for (size_t j = 0; j < args->n; j++) {
			a[i * args->n + j] = (double)j;
			b[i * args->n + j] = (double)j;
			c[i * args->n + j] = 0;
		}
	}
	return rig_team_barrier(team);
}

/* OpenBLAS's dgemm with a single thread, or NULL.  The library stays loaded.
 * The number of threads is set before the load, for OpenBLAS starts threads
 * while it is loaded. */
static dgemm_fn *openblas(void)
{
	threads_fn *set_threads;
	dgemm_fn *dgemm;
	void *library;

	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return NULL;
	*(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
	if (set_threads)
		set_threads(1);
	*(void **)&dgemm = dlsym(library, "cblas_dgemm");
	return dgemm;
}

/* Four rows of C from `to` on, over `columns` columns and `depth` rows of B. */
INLINE void four_rows(double *restrict c, const double *restrict a,
		      const double *restrict b, size_t n, size_t columns,
		      size_t depth)
{
	for (size_t k = 0; k < depth; k++) {
		double a0 = a[k], a1 = a[n + k];
		double a2 = a[2 * n + k], a3 = a[3 * n + k];

		for (size_t j = 0; j < columns; j++) {
			double at = b[k * n + j];

			c[j] += a0 * at;
			c[n + j] += a1 * at;
			c[2 * n + j] += a2 * at;
			c[3 * n + j] += a3 * at;
		}
	}
}

INLINE void one_row(double *restrict c, const double *restrict a,
		    const double *restrict b, size_t n, size_t columns,
		    size_t depth)
{
	for (size_t k = 0; k < depth; k++)
		for (size_t j = 0; j < columns; j++)
			c[j] += a[k] * b[k * n + j];
}

/* All rows of C with a tile of B. */
CLONES static void tile_of(double *restrict c, const double *restrict a,
			   const double *restrict b, size_t n,
			   struct rig_span rows, size_t columns, size_t depth)
{
	size_t i = rows.begin;

	for (; i + ROWS <= rows.end; i += ROWS)
		four_rows(c + i * n, a + i * n, b, n, columns, depth);
	for (; i < rows.end; i++)
		one_row(c + i * n, a + i * n, b, n, columns, depth);
}

/* `before`: the number of earlier products. */
static void multiply(struct rig_team *team, const struct dgemm_args *args,
		     struct rig_span rows, size_t before)
{
	const double *a = rig_team_data(team, A);
	const double *b = rig_team_data(team, B);
	double *c = rig_team_data(team, C);
	size_t n = args->n, tile = args->tile;

	for (size_t k = 0; k < n; k += tile) {
		size_t depth = n - k < tile ? n - k : tile;

		for (size_t j = 0; j < n; j += tile)
			tile_of(c + j, a + k, b + k * n + j, n, rows,
				n - j < tile ? n - j : tile, depth);
		share_done(team, before * n + k, (args->iterations + 1) * n);
	}
}

static void multiply_by(dgemm_fn *blas, struct rig_team *team, size_t n,
			struct rig_span rows)
{
	const double *a = rig_team_data(team, A);
	double *c = rig_team_data(team, C);
	int side = (int)n;

	blas(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE,
	     (int)(rows.end - rows.begin), side, side, 1, a + rows.begin * n,
	     side, rig_team_data(team, B), side, 1, c + rows.begin * n, side);
}

static int run(struct rig_team *team)
{
	const struct dgemm_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->n);
	dgemm_fn *blas = args->method == OWN ? NULL : openblas();
	uint8_t *ran = rig_team_data(team, RAN);

	if (args->method == OPENBLAS && !blas)
		return rig_team_fail(team, -ENOENT,
				     "dgemm: no libopenblas.so.0; "
				     "method=own needs none");
	if (rig_team_rank(team) == 0)
		*ran = blas ? OPENBLAS : OWN;
	for (size_t k = 0; k <= args->iterations; k++) {
		if (rows.begin == rows.end)
			break;
		if (blas)
			multiply_by(blas, team, args->n, rows);
		else
			multiply(team, args, rows, k);
		share_done(team, k + 1, args->iterations + 1);
	}
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct dgemm_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->n);
	const double *c = rig_team_data(team, C);
	double n = (double)args->n;
	double column = (double)(args->iterations + 1) * n * (n - 1) / 2;

	for (size_t i = rows.begin; i < rows.end; i++) {
		for (size_t j = 0; j < args->n; j++) {
			double found = c[i * args->n + j];
			double want = column * (double)j;

			if (!(fabs(found - want) <= EPSILON * want))
				return rig_team_fail(team, -EBADMSG,
						     "dgemm: C(%zu, %zu) is "
						     "%.17g, expected %.17g",
						     i, j, found, want);
		}
	}
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const uint8_t *ran = data[RAN];

	(void)given;
	snprintf(text, bytes, "method = %s",
		 *ran == OPENBLAS ? "OpenBLAS" : "own loop");
}

static const struct rig_array_spec arrays[] = {
	{ .name = "a",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "b",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "c",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "ran",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_ran },
	{ 0 },
};

const struct rig_kernel kernel_dgemm = {
	.version = RIG_KERNEL_VERSION,
	.name = "dgemm",
	.summary = "C += A B, of square matrices",
	.verified = "PRK's closed form, each element to 1e-8",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct dgemm_args),
	.flops = flops,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
