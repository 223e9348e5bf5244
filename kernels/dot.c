/* SPDX-License-Identifier: MIT */
/*
 * dot.c - the dot product of two arrays.
 *
 * Each chunk (share.h) has a product, and rank 0 adds up the products.  Both
 * are done in a fixed order: the bits do not depend on the team.  Integers are
 * multiplied and added modulo 2^64.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>
#include <kernels/lib/order_sum.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X, Y, CHUNKS, RESULT };

struct dot_args {
	struct rig_kernel_args header;
	size_t length;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct dot_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct dot_args *args = given;

	return args->length;
}

static uint64_t count_chunks(const void *given)
{
	const struct dot_args *args = given;

	return share_chunks(args->header.arrays[X].count);
}

static uint64_t count_result(const void *given)
{
	(void)given;
	return 1;
}

static bool whole(const struct dot_args *args)
{
	return convert_whole(args->header.arrays[X].dtype) &&
	       convert_whole(args->header.arrays[Y].dtype);
}

static bool has_sign(const struct dot_args *args)
{
	return convert_signed(args->header.arrays[X].dtype) ||
	       convert_signed(args->header.arrays[Y].dtype);
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct dot_args *args = given;
	struct rig_array *arrays = args->header.arrays;
	int r = 0;

	for (int a = X; a <= Y && r == 0; a++)
		r = convert_check(&arrays[a], "dot", why, why_bytes);
	if (r < 0)
		return r;
	if (arrays[Y].count != arrays[X].count) {
		snprintf(why, why_bytes,
			 "x has %zu elements and y has %zu: dot takes as many "
			 "of both",
			 (size_t)arrays[X].count, (size_t)arrays[Y].count);
		return -EINVAL;
	}
	r = arguments_length(&args->header, LENGTH_DEFAULT, &args->length, why,
			     why_bytes);
	if (r < 0)
		return r;
	return convert_result(&arrays[RESULT],
			      !whole(args)     ? RIG_FLOAT64
			      : has_sign(args) ? RIG_INT64
					       : RIG_UINT64,
			      why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct dot_args *args = given;

	return (double)args->length * (args->header.arrays[X].item_bytes +
				       args->header.arrays[Y].item_bytes);
}

static double flops(const void *given)
{
	const struct dot_args *args = given;

	return 2 * (double)args->length;
}

static int prepare(struct rig_team *team)
{
	const struct dot_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X), *y = rig_team_data(team, Y);

	for (size_t i = strip.begin; i < strip.end; i++) {
		x[i] = (double)(i % PERIOD);
		y[i] = 2;
	}
	return rig_team_barrier(team);
}

CLONES static double multiply_reals(const any_double *x, const any_double *y,
				    size_t count)
{
	return reals_dot(x, y, count);
}

static union number multiply_chunk(const struct dot_args *args, const void *x,
				   const void *y, size_t chunk)
{
	struct rig_span span = share_chunk(args->length, chunk);
	enum rig_dtype of_x = args->header.arrays[X].dtype;
	enum rig_dtype of_y = args->header.arrays[Y].dtype;
	size_t count = span.end - span.begin;
	union number wide_x[SHARE_CHUNK], wide_y[SHARE_CHUNK];
	uint64_t sum = 0;

	if (!whole(args)) {
		const any_double *reals_x = convert_doubles(
			of_x, x, span.begin, span.end, &wide_x->real);
		const any_double *reals_y = convert_doubles(
			of_y, y, span.begin, span.end, &wide_y->real);

		return (union number){ .real = multiply_reals(reals_x, reals_y,
							      count) };
	}
	convert_to_64(of_x, x, span.begin, span.end, &wide_x->whole);
	convert_to_64(of_y, y, span.begin, span.end, &wide_y->whole);
	for (size_t i = 0; i < count; i++)
		sum += wide_x[i].whole * wide_y[i].whole;
	return (union number){ .whole = sum };
}

static int run(struct rig_team *team)
{
	const struct dot_args *args = rig_team_args(team);
	size_t count = share_chunks(args->length);
	struct rig_span own = world_strip(team, count);
	union number *chunks = rig_team_data(team, CHUNKS);
	union number *result = rig_team_data(team, RESULT);
	union number sum = { .whole = 0 };
	int r;

	for (size_t c = own.begin; c < own.end; c++)
		chunks[c] = multiply_chunk(args, rig_team_data(team, X),
					   rig_team_data(team, Y), c);
	r = world_rows(team, chunks, count, sizeof(*chunks));
	if (r < 0)
		return r;
	for (size_t c = 0; c < count && rig_team_rank(team) == 0; c++) {
		if (whole(args))
			sum.whole += chunks[c].whole;
		else
			sum.real += chunks[c].real;
	}
	if (rig_team_rank(team) == 0)
		*result = sum;
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	const struct dot_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	for (int a = X; a <= Y; a++)
		sums[a] = sum_strip(team, a, args->header.arrays[a].item_bytes,
				    share_next(team, args->length));
	return 0;
}

/* The sum of the products of items begin to end - 1. */
static uint64_t whole_due(struct rig_team *team, const struct dot_args *args,
			  struct rig_span span)
{
	uint64_t want = 0;

	for (size_t i = span.begin; i < span.end; i++) {
		uint64_t x, y;

		convert_to_64(args->header.arrays[X].dtype,
			      rig_team_data(team, X), i, i + 1, &x);
		convert_to_64(args->header.arrays[Y].dtype,
			      rig_team_data(team, Y), i, i + 1, &y);
		want += x * y;
	}
	return want;
}

static struct reals_due real_due(struct rig_team *team,
				 const struct dot_args *args,
				 struct rig_span span)
{
	struct reals_due due = { 0 };

	for (size_t i = span.begin; i < span.end; i++) {
		double x, y;

		convert_to_double(args->header.arrays[X].dtype,
				  rig_team_data(team, X), i, i + 1, &x);
		convert_to_double(args->header.arrays[Y].dtype,
				  rig_team_data(team, Y), i, i + 1, &y);
		reals_due_add(&due, (long double)x * y);
	}
	return due;
}

static int judge_whole(struct rig_team *team, const struct dot_args *args,
		       const char *what, uint64_t result, uint64_t want)
{
	if (result == want)
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     has_sign(args) ? "dot: %s is %lld, expected %lld"
					    : "dot: %s is %llu, expected %llu",
			     what, (long long)result, (long long)want);
}

static int judge_real(struct rig_team *team, const char *what, double result,
		      const struct reals_due *due)
{
	if (reals_due_is(due, result))
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "dot: %s is %.17g, expected %.17Lg", what, result,
			     due->sum + due->others);
}

/* Whether `number` is the sum of the products of the span. */
static int judge(struct rig_team *team, const struct dot_args *args,
		 const char *what, const union number *number,
		 struct rig_span span)
{
	struct reals_due due;

	if (whole(args))
		return judge_whole(team, args, what, number->whole,
				   whole_due(team, args, span));
	due = real_due(team, args, span);
	return judge_real(team, what, number->real, &due);
}

/* Each chunk is a block; the last block is the result, which follows from the
 * chunks' totals. */
static uint64_t blocks(const void *given)
{
	const struct dot_args *args = given;

	return share_chunks(args->length) + 1;
}

static int prove_total(struct rig_team *team, const struct dot_args *args)
{
	const union number *chunks = rig_team_data(team, CHUNKS);
	const union number *result = rig_team_data(team, RESULT);
	size_t count = share_chunks(args->length);
	struct reals_due due = { 0 };
	uint64_t sum = 0;

	for (size_t c = 0; c < count; c++) {
		if (whole(args))
			sum += chunks[c].whole;
		else
			reals_due_add(&due, chunks[c].real);
	}
	if (whole(args))
		return judge_whole(team, args, "the result", result->whole,
				   sum);
	return judge_real(team, "the result", result->real, &due);
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	const struct dot_args *args = rig_team_args(team);
	const union number *chunks = rig_team_data(team, CHUNKS);

	if (block == share_chunks(args->length))
		return prove_total(team, args);
	return judge(team, args, "a chunk's total", &chunks[block],
		     share_chunk(args->length, block));
}

static int verify(struct rig_team *team)
{
	const struct dot_args *args = rig_team_args(team);

	for (int a = X; a <= Y; a++)
		if (args->header.given &&
		    args->header.digest[a] != args->header.found[a])
			return rig_team_fail(team, -EBADMSG,
					     "dot: an array was changed");
	if (rig_team_rank(team) > 0)
		return 0;
	return judge(team, args, "the result", rig_team_data(team, RESULT),
		     (struct rig_span){ 0, args->length });
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct dot_args *args = given;
	const union number *dot = data[RESULT];

	if (!whole(args))
		snprintf(text, bytes, "dot = %.17g",
			 isnan(dot->real) ? (double)NAN : dot->real);
	else if (args->header.arrays[RESULT].dtype == RIG_INT64)
		snprintf(text, bytes, "dot = %" PRId64, (int64_t)dot->whole);
	else
		snprintf(text, bytes, "dot = %" PRIu64, dot->whole);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "y",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "chunks",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_chunks },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .count = count_result },
	{ 0 },
};

const struct rig_kernel kernel_dot = {
	.version = RIG_KERNEL_VERSION,
	.name = "dot",
	.summary = "the dot product of two arrays",
	.verified = "item after item in extended precision, within the "
		    "rounding that is due; integers exactly",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct dot_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.hosts = 1,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
	.result = result,
};
