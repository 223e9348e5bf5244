/* SPDX-License-Identifier: MIT */
/*
 * dot.c - the dot product of two arrays.
 *
 * Made of chunks (share.h), each added up in one order, so that the bits do not
 * depend on the team.  Integers are multiplied and added modulo 2^64.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include "builtin.h"
#include "clones.h"
#include "share.h"
#include "sum.h"
#include "widen.h"

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X, Y, CHUNKS, RESULT };

struct dot_args {
	struct rig_kernel_args header;
	size_t length;
};

union number {
	double real;
	uint64_t whole;
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
	return widen_whole(args->header.arrays[X].dtype) &&
	       widen_whole(args->header.arrays[Y].dtype);
}

static bool has_sign(const struct rig_array *array)
{
	return array->dtype >= RIG_INT8 && array->dtype <= RIG_INT64;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct dot_args *args = given;
	struct rig_array *arrays = args->header.arrays;
	size_t length = arrays[X].count;

	if (!widen_knows(&arrays[X]) || !widen_knows(&arrays[Y])) {
		snprintf(why, why_bytes,
			 "dot takes integers, bool, float32 and float64, in "
			 "this machine's byte order");
		return -EINVAL;
	}
	if (arrays[Y].count != length) {
		snprintf(why, why_bytes,
			 "x has %zu elements and y has %zu: dot takes as many "
			 "of both",
			 length, (size_t)arrays[Y].count);
		return -EINVAL;
	}
	if (args->header.given && args->length != length &&
	    args->length != LENGTH_DEFAULT) {
		snprintf(why, why_bytes,
			 "length=%zu, but the arrays given have %zu elements",
			 args->length, length);
		return -EINVAL;
	}
	args->length = length;
	arrays[RESULT].dtype = !whole(args) ? RIG_FLOAT64
			       : has_sign(&arrays[X]) || has_sign(&arrays[Y])
				       ? RIG_INT64
				       : RIG_UINT64;
	return 0;
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

/* Eight at a time: a chain of additions waits for itself. */
CLONES static double multiply_reals(const double *x, const double *y,
				    size_t count)
{
	double lanes[8] = { 0 };
	size_t i = 0;

	for (; i + 8 <= count; i += 8)
		for (size_t l = 0; l < 8; l++)
			lanes[l] += x[i + l] * y[i + l];
	for (; i < count; i++)
		lanes[0] += x[i] * y[i];
	return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
	       ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
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
		widen_to_double(of_x, x, span.begin, span.end, &wide_x->real);
		widen_to_double(of_y, y, span.begin, span.end, &wide_y->real);
		return (union number){ .real = multiply_reals(&wide_x->real,
							      &wide_y->real,
							      count) };
	}
	widen_to_64(of_x, x, span.begin, span.end, &wide_x->whole);
	widen_to_64(of_y, y, span.begin, span.end, &wide_y->whole);
	for (size_t i = 0; i < count; i++)
		sum += wide_x[i].whole * wide_y[i].whole;
	return (union number){ .whole = sum };
}

static int run(struct rig_team *team)
{
	const struct dot_args *args = rig_team_args(team);
	size_t count = share_chunks(args->length);
	struct rig_span own = rig_team_strip(team, count);
	union number *chunks = rig_team_data(team, CHUNKS);
	union number *result = rig_team_data(team, RESULT);
	union number sum = { .whole = 0 };

	for (size_t c = own.begin; c < own.end; c++)
		chunks[c] = multiply_chunk(args, rig_team_data(team, X),
					   rig_team_data(team, Y), c);
	rig_team_barrier(team);
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
	struct rig_span strip = share_next(team, args->length);
	uint64_t *sums = rig_team_result(team);

	for (int a = X; a <= Y; a++) {
		size_t bytes = args->header.arrays[a].item_bytes;
		const char *items = rig_team_data(team, a);

		sums[a] = sum_items(items + strip.begin * bytes,
				    strip.end - strip.begin, bytes, strip.begin,
				    1);
	}
	return 0;
}

static int verify_whole(struct rig_team *team, const struct dot_args *args)
{
	const uint64_t *result = rig_team_data(team, RESULT);
	uint64_t want = 0;

	for (size_t i = 0; i < args->length; i++) {
		uint64_t x, y;

		widen_to_64(args->header.arrays[X].dtype,
			    rig_team_data(team, X), i, i + 1, &x);
		widen_to_64(args->header.arrays[Y].dtype,
			    rig_team_data(team, Y), i, i + 1, &y);
		want += x * y;
	}
	if (*result == want)
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "dot: the result is %lld, expected %lld",
			     (long long)*result, (long long)want);
}

static int verify_real(struct rig_team *team, const struct dot_args *args)
{
	const double *result = rig_team_data(team, RESULT);
	long double want = 0, size = 0;

	for (size_t i = 0; i < args->length; i++) {
		double x, y;

		widen_to_double(args->header.arrays[X].dtype,
				rig_team_data(team, X), i, i + 1, &x);
		widen_to_double(args->header.arrays[Y].dtype,
				rig_team_data(team, Y), i, i + 1, &y);
		want += (long double)x * y;
		size += fabsl((long double)x * y);
	}
	if (fabsl(*result - want) <=
		    size * (long double)(args->length + 2) * 0x1p-53L ||
	    *result == (double)want || (*result != *result && want != want))
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "dot: the result is %.17g, expected %.17Lg",
			     *result, want);
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
	return whole(args) ? verify_whole(team, args) : verify_real(team, args);
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct dot_args *args = given;
	const union number *dot = data[RESULT];

	if (!whole(args))
		snprintf(text, bytes, "dot = %.17g", dot->real);
	else if (args->header.arrays[RESULT].dtype == RIG_INT64)
		snprintf(text, bytes, "dot = %" PRId64, (int64_t)dot->whole);
	else
		snprintf(text, bytes, "dot = %" PRIu64, dot->whole);
}

const struct rig_kernel kernel_dot = {
	.name = "dot",
	.summary = "the dot product of two arrays",
	.verified = "item after item in extended precision, within the "
		    "rounding that is due; integers exactly",
	.params = params,
	.arrays = { { .name = "x",
		      .dtype = RIG_FLOAT64,
		      .any_dtype = true,
		      .input = true,
		      .count = count_generated },
		    { .name = "y",
		      .dtype = RIG_FLOAT64,
		      .any_dtype = true,
		      .input = true,
		      .count = count_generated },
		    { .name = "chunks",
		      .dtype = RIG_FLOAT64,
		      .count = count_chunks },
		    { .name = "result",
		      .dtype = RIG_FLOAT64,
		      .output = true,
		      .count = count_result } },
	.args_bytes = sizeof(struct dot_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.result = result,
};
