/* SPDX-License-Identifier: MIT */
/*
 * extreme_place.c - the place of the least or of the greatest element of an
 * array: the kernels argmin and argmax.
 *
 * Each chunk (strips.h) has a place, and the best of these places is the
 * result.  Among equal elements the first counts; where the array has a NaN,
 * the place of the first NaN is the result, as in NumPy.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

enum { X, CHUNKS, RESULT };

struct place_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t greatest; /* by check: 1: argmax */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct place_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct place_args *args = given;

	return args->length;
}

static uint64_t count_chunks(const void *given)
{
	const struct place_args *args = given;

	return share_chunks(args->header.arrays[X].count);
}

static uint64_t count_result(const void *given)
{
	(void)given;
	return 1;
}

static const char *word_of(const struct place_args *args)
{
	return args->greatest ? "argmax" : "argmin";
}

static int check(struct place_args *args, bool greatest, char *why,
		 size_t why_bytes)
{
	int r;

	args->greatest = greatest;
	r = convert_check(&args->header.arrays[X], word_of(args), why,
			  why_bytes);
	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r == 0 && args->length == 0) {
		snprintf(why, why_bytes, "no elements: none is the %s",
			 greatest ? "greatest" : "least");
		return -EINVAL;
	}
	return r;
}

static int check_least(void *given, char *why, size_t why_bytes)
{
	return check(given, false, why, why_bytes);
}

static int check_greatest(void *given, char *why, size_t why_bytes)
{
	return check(given, true, why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct place_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

/* The least and the greatest, which occur once, lie somewhere in the middle. */
static int prepare(struct rig_team *team)
{
	const struct place_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(int64_t)share_scatter(i) * 0x1p-63;
	return rig_team_barrier(team);
}

/* Whether the first item is better than the second, which lies before it. */
static bool real_better(double item, double best, bool greatest)
{
	if (best != best)
		return false;
	return item != item || (greatest ? item > best : item < best);
}

/* Integers with the sign bit turned where there is a sign: all integers are
 * then compared without a sign. */
static uint64_t sign_of(const struct place_args *args)
{
	return convert_signed(args->header.arrays[X].dtype) ? UINT64_C(1) << 63
							    : 0;
}

static bool whole_better(uint64_t item, uint64_t best, bool greatest)
{
	return greatest ? item > best : item < best;
}

static uint64_t real_place(const struct place_args *args, const any_double *x,
			   size_t count)
{
	double best = x[0];
	uint64_t place = 0;

	for (size_t i = 1; i < count; i++) {
		if (real_better(x[i], best, args->greatest)) {
			best = x[i];
			place = i;
		}
	}
	return place;
}

static uint64_t whole_place(const struct place_args *args, const uint64_t *x,
			    size_t count)
{
	uint64_t sign = sign_of(args), best = x[0] ^ sign, place = 0;

	for (size_t i = 1; i < count; i++) {
		if (whole_better(x[i] ^ sign, best, args->greatest)) {
			best = x[i] ^ sign;
			place = i;
		}
	}
	return place;
}

static uint64_t chunk_place(const struct place_args *args, const void *x,
			    size_t chunk)
{
	struct rig_span span = share_chunk(args->length, chunk);
	enum rig_dtype dtype = args->header.arrays[X].dtype;
	size_t count = span.end - span.begin;
	union number room[SHARE_CHUNK];

	if (convert_whole(dtype)) {
		convert_to_64(dtype, x, span.begin, span.end, &room->whole);
		return span.begin + whole_place(args, &room->whole, count);
	}
	return span.begin + real_place(args,
				       convert_doubles(dtype, x, span.begin,
						       span.end, &room->real),
				       count);
}

/* Is item `place` better than item `best`? */
static bool better(const struct place_args *args, const void *x, uint64_t place,
		   uint64_t best)
{
	enum rig_dtype dtype = args->header.arrays[X].dtype;
	union number items[2];

	if (convert_whole(dtype)) {
		uint64_t sign = sign_of(args);

		convert_to_64(dtype, x, place, place + 1, &items[0].whole);
		convert_to_64(dtype, x, best, best + 1, &items[1].whole);
		return whole_better(items[0].whole ^ sign,
				    items[1].whole ^ sign, args->greatest);
	}
	convert_to_double(dtype, x, place, place + 1, &items[0].real);
	convert_to_double(dtype, x, best, best + 1, &items[1].real);
	return real_better(items[0].real, items[1].real, args->greatest);
}

static int run(struct rig_team *team)
{
	const struct place_args *args = rig_team_args(team);
	size_t count = share_chunks(args->length);
	struct rig_span own = rig_team_strip(team, count);
	uint64_t *chunks = rig_team_data(team, CHUNKS);
	uint64_t *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);

	for (size_t c = own.begin; c < own.end; c++)
		chunks[c] = chunk_place(args, x, c);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0) {
		*result = chunks[0];
		for (size_t c = 1; c < count; c++)
			if (better(args, x, chunks[c], *result))
				*result = chunks[c];
	}
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	const struct place_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

/* No item after the result is better, and each item before is worse. */
static int check_span(struct rig_team *team, struct rig_span span)
{
	const struct place_args *args = rig_team_args(team);
	const uint64_t *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);
	bool right = *result < args->length;

	for (size_t i = span.begin; i < span.end && right; i++)
		right = i < *result ? better(args, x, *result, i)
				    : !better(args, x, i, *result);
	return right ? 0
		     : rig_team_fail(team, -EBADMSG,
				     "%s: it is not at %" PRIu64, word_of(args),
				     *result);
}

static int verify(struct rig_team *team)
{
	const struct place_args *args = rig_team_args(team);

	if (args->header.found[0] != args->header.digest[0])
		return rig_team_fail(team, -EBADMSG, "%s: x was changed",
				     word_of(args));
	return check_span(team, share_next(team, args->length));
}

/* Each chunk is a block; the last block is empty. */
static uint64_t blocks(const void *given)
{
	return count_chunks(given) + 1;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct place_args *args = rig_team_args(team);

	(void)before;
	if (block == share_chunks(args->length))
		return 0;
	return check_span(team, share_chunk(args->length, block));
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	snprintf(text, bytes, "%s = %" PRIu64, word_of(given),
		 *(const uint64_t *)data[RESULT]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "chunks",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_chunks },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_INT64,
	  .count = count_result },
	{ 0 },
};

#define KERNEL(symbol, own_check, what)                                        \
	const struct rig_kernel kernel_##symbol = {                            \
		.version = RIG_KERNEL_VERSION,                                 \
		.name = #symbol,                                               \
		.summary = what,                                               \
		.verified = "each element against the one that was found",     \
		.params = params,                                              \
		.arrays = arrays,                                              \
		.args_bytes = sizeof(struct place_args),                       \
		.check = own_check,                                            \
		.bytes_moved = bytes_moved,                                    \
		.prepare = prepare,                                            \
		.digest = digest,                                              \
		.run = run,                                                    \
		.verify = verify,                                              \
		.blocks = blocks,                                              \
		.prove = prove,                                                \
		.result = result,                                              \
	};

KERNEL(argmin, check_least, "where the least element of an array is")
KERNEL(argmax, check_greatest, "where the greatest element of an array is")
