/* SPDX-License-Identifier: MIT */
/*
 * nstream.c - PRK's nstream: A += B + s C, sweep after sweep.
 *
 * Unlike triad, nstream adds to the old elements: every sweep counts in the
 * result.  Each rank owns the same strip of the three arrays.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define LENGTH_MAX 9007199254740992.0 /* 2^53 */
#define B_AT       2.0
#define C_AT       2.0
#define EPSILON    1e-8

enum { A, B, C };

struct nstream_args {
	struct rig_kernel_args header;
	size_t length;
	size_t iterations;
	double s;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of each array",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct nstream_args, length),
	  .fallback = "2M",
	  .max = LENGTH_MAX },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct nstream_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ .name = "s",
	  .help = "the factor of C",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct nstream_args, s),
	  .fallback = "3",
	  .min = -1e300,
	  .max = 1e300 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct nstream_args *args = given;

	return args->length;
}

static double bytes_moved(const void *given)
{
	const struct nstream_args *args = given;

	return (double)(args->iterations + 1) * 4 * sizeof(double) *
	       (double)args->length;
}

static double flops(const void *given)
{
	const struct nstream_args *args = given;

	return (double)(args->iterations + 1) * 3 * (double)args->length;
}

static int prepare(struct rig_team *team)
{
	const struct nstream_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *a = rig_team_data(team, A);
	double *b = rig_team_data(team, B);
	double *c = rig_team_data(team, C);

	for (size_t i = strip.begin; i < strip.end; i++) {
		a[i] = 0;
		b[i] = B_AT;
		c[i] = C_AT;
	}
	return rig_team_barrier(team);
}

CLONES static void sweep(double *restrict a, const double *restrict b,
			 const double *restrict c, double s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		a[i] += b[i] + s * c[i];
}

static int run(struct rig_team *team)
{
	const struct nstream_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *a = rig_team_data(team, A);
	const double *b = rig_team_data(team, B);
	const double *c = rig_team_data(team, C);

	for (size_t k = 0; k <= args->iterations; k++) {
		sweep(a + strip.begin, b + strip.begin, c + strip.begin,
		      args->s, strip.end - strip.begin);
		rig_team_barrier(team);
		share_done(team, k + 1, args->iterations + 1);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct nstream_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	const double *a = rig_team_data(team, A);
	double want = (double)(args->iterations + 1) * (B_AT + args->s * C_AT);

	for (size_t i = strip.begin; i < strip.end; i++)
		if (!(fabs(a[i] - want) <= EPSILON * fabs(want)))
			return rig_team_fail(team, -EBADMSG,
					     "nstream: element %zu is %.17g, "
					     "expected %.17g",
					     i, a[i], want);
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "a",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "b",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "c",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_nstream = {
	.version = RIG_KERNEL_VERSION,
	.name = "nstream",
	.summary = "A += B + s C over three arrays, sweep after sweep",
	.verified = "PRK's closed form 8 (iterations + 1) for s = 3, each "
		    "element to 1e-8",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct nstream_args),
	.bytes_moved = bytes_moved,
	.flops = flops,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
