/* SPDX-License-Identifier: MIT */
/*
 * cumprod.c - the running product of an array.
 *
 *	1  each rank multiplies the items of each of its chunks (strips.h)
 *	2  rank 0 multiplies the chunks' products, and finds the product with
 *	   which each chunk begins
 *	3  each rank writes the running products of its chunks
 *
 * The borders of chunks do not depend on the team, and neither do the bits of
 * floats.  Integers wrap, as in NumPy; floats are multiplied as doubles.
 *
 * A product of doubles leaves the range of doubles soon, and is 0 or infinite
 * from there on.  A chunk's product alone does not tell whether a running
 * product leaves the range inside of the chunk.  Each chunk therefore has two
 * sums of the items' exponents: of the items above 1, and of the items below.
 * Where the two sums do not exclude it, rank 0 goes through the chunk item by
 * item.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

/* Multiplications side by side. */
#define LANES 8

enum { X, CHUNKS, RESULT };

struct cumprod_args {
	struct rig_kernel_args header;
	size_t length;
};

/* In shared memory: written by the chunk's rank, and `before` by rank 0. */
struct cumprod_chunk {
	union number product, before;
	int64_t grows, shrinks; /* powers of two, at most */
	uint64_t special;       /* 1: a zero, infinite or no number */
	uint64_t negative;      /* items, modulo 2 */
};

_Static_assert(sizeof(struct cumprod_chunk) % sizeof(double) == 0,
	       "is an array of them");

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct cumprod_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct cumprod_args *args = given;

	return args->length;
}

static uint64_t count_items(const void *given)
{
	const struct cumprod_args *args = given;

	return args->header.arrays[X].count;
}

static uint64_t count_chunks(const void *given)
{
	return share_chunks(count_items(given)) * sizeof(struct cumprod_chunk) /
	       sizeof(double);
}

static enum rig_dtype dtype_of(const struct cumprod_args *args)
{
	return args->header.arrays[X].dtype;
}

/* NumPy's: integers become as wide as there are, floats stay. */
static enum rig_dtype result_of(enum rig_dtype dtype)
{
	if (!convert_whole(dtype))
		return dtype;
	return convert_signed(dtype) || dtype == RIG_BOOL ? RIG_INT64
							  : RIG_UINT64;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct cumprod_args *args = given;
	struct rig_array *arrays = args->header.arrays;
	struct rig_array *result = &arrays[RESULT];
	bool made = result->dims == 0;
	int r = convert_check(&arrays[X], "cumprod", why, why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r == 0)
		r = convert_result(result, result_of(arrays[X].dtype), why,
				   why_bytes);
	if (r < 0 || !made || arrays[X].dims > RIG_DIMS_MAX)
		return r;
	result->dims = arrays[X].dims;
	for (uint32_t d = 0; d < result->dims; d++)
		result->shape[d] = arrays[X].shape[d];
	return 0;
}

/* Items are read twice, and products written. */
static double bytes_moved(const void *given)
{
	const struct cumprod_args *args = given;

	return (double)args->length * (2 * args->header.arrays[X].item_bytes +
				       args->header.arrays[RESULT].item_bytes);
}

/* The items are about 1, and no product leaves a double's range. */
static int prepare(struct rig_team *team)
{
	const struct cumprod_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = 1 + ((double)(i % PERIOD) - PERIOD / 2) * 0x1p-30;
	return rig_team_barrier(team);
}

/* ---- 1: chunks ---- */

CLONES static double product(const any_double *x, size_t count)
{
	double lanes[LANES], all = 1;
	size_t i = 0;

	for (size_t l = 0; l < LANES; l++)
		lanes[l] = 1;
	for (; i + LANES <= count; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lanes[l] *= x[i + l];
	for (; i < count; i++)
		lanes[0] *= x[i];
	for (size_t l = 0; l < LANES; l++)
		all *= lanes[l];
	return all;
}

/* The exponent of a double is its bits 52 to 62, with a bias of 1023.  A number
 * from 2^e to 2^(e + 1) makes a product grow by 2^(e + 1) at most, and shrink
 * by 2^e. */
CLONES static void exponents(const any_uint64 *bits, size_t count,
			     struct cumprod_chunk *to)
{
	int64_t grows = 0, shrinks = 0;
	uint64_t special = 0, negative = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t biased = (int64_t)(bits[i] >> 52 & 0x7ff);

		/* The biased exponent is 0 for denormals and zeros, 0x7ff for
		 * infinities and NaNs. */
		special |= biased == 0 || biased == 0x7ff;
		negative ^= bits[i] >> 63;
		grows += biased >= 1023 ? biased - 1022 : 0;
		shrinks += biased < 1023 ? biased - 1023 : 0;
	}
	to->grows = grows;
	to->shrinks = shrinks;
	to->special = special;
	to->negative = negative;
}

static void load(const struct cumprod_args *args, const void *x,
		 struct rig_span span, union number *to)
{
	if (convert_whole(dtype_of(args)))
		convert_to_64(dtype_of(args), x, span.begin, span.end,
			      &to->whole);
	else
		convert_to_double(dtype_of(args), x, span.begin, span.end,
				  &to->real);
}

static void see_chunk(const struct cumprod_args *args, const void *x,
		      size_t chunk, struct cumprod_chunk *to)
{
	struct rig_span span = share_chunk(args->length, chunk);
	size_t count = span.end - span.begin;
	union number room[SHARE_CHUNK];
	const any_double *reals;

	if (convert_whole(dtype_of(args))) {
		load(args, x, span, room);
		to->product.whole = 1;
		for (size_t i = 0; i < count; i++)
			to->product.whole *= room[i].whole;
		return;
	}
	reals = convert_doubles(dtype_of(args), x, span.begin, span.end,
				&room->real);
	to->product.real = product(reals, count);
	exponents((const any_uint64 *)reals, count, to);
}

/* ---- 2: the products with which chunks begin ---- */

static double walk(const struct cumprod_args *args, const void *x, size_t chunk,
		   double before)
{
	struct rig_span span = share_chunk(args->length, chunk);
	union number items[SHARE_CHUNK];

	load(args, x, span, items);
	for (size_t i = 0; i < span.end - span.begin; i++)
		before *= items[i].real;
	return before;
}

/* The product behind a chunk that begins with `before`. */
static double after(const struct cumprod_args *args, const void *x,
		    size_t chunk, const struct cumprod_chunk *seen)
{
	double before = seen->before.real;
	int power = 0;

	if (before != before)
		return before;
	if (seen->special)
		return walk(args, x, chunk, before);
	if (before == 0 || isinf(before))
		return seen->negative ? -before : before;
	frexp(before, &power);
	if (seen->grows > DBL_MAX_EXP - 2 || seen->shrinks < DBL_MIN_EXP + 1 ||
	    power + seen->grows > DBL_MAX_EXP - 2 ||
	    power + seen->shrinks < DBL_MIN_EXP + 2)
		return walk(args, x, chunk, before);
	return before * seen->product.real;
}

static void chain(const struct cumprod_args *args, const void *x,
		  struct cumprod_chunk *chunks)
{
	bool whole = convert_whole(dtype_of(args));
	union number next;

	next = whole ? (union number){ .whole = 1 }
		     : (union number){ .real = 1 };
	for (size_t c = 0; c < share_chunks(args->length); c++) {
		chunks[c].before = next;
		if (whole)
			next.whole *= chunks[c].product.whole;
		else
			next.real = after(args, x, c, &chunks[c]);
	}
}

/* ---- 3: running products ---- */

static void store(enum rig_dtype dtype, void *to, size_t i, double value)
{
	any_uint16 *halves = to;
	any_float *singles = to;
	any_double *doubles = to;

	if (dtype == RIG_FLOAT16)
		halves[i] = convert_float16_of(value);
	else if (dtype == RIG_FLOAT32)
		singles[i] = (float)value;
	else
		doubles[i] = value;
}

static void run_chunk(const struct cumprod_args *args, const void *x,
		      size_t chunk, union number at, void *result)
{
	struct rig_span span = share_chunk(args->length, chunk);
	const any_double *doubles = x;
	any_uint64 *wholes = result;
	any_double *reals = result;
	union number items[SHARE_CHUNK];

	if (dtype_of(args) == RIG_FLOAT64) {
		for (size_t i = span.begin; i < span.end; i++)
			reals[i] = at.real *= doubles[i];
		return;
	}
	load(args, x, span, items);
	for (size_t i = span.begin; i < span.end; i++) {
		if (convert_whole(dtype_of(args)))
			wholes[i] = at.whole *= items[i - span.begin].whole;
		else
			store(dtype_of(args), result, i,
			      at.real *= items[i - span.begin].real);
	}
}

static int run(struct rig_team *team)
{
	const struct cumprod_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	struct cumprod_chunk *chunks = rig_team_data(team, CHUNKS);
	void *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);

	for (size_t c = own.begin; c < own.end; c++)
		see_chunk(args, x, c, &chunks[c]);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		chain(args, x, chunks);
	rig_team_barrier(team);
	for (size_t c = own.begin; c < own.end; c++)
		run_chunk(args, x, c, chunks[c].before, result);
	return rig_team_barrier(team);
}

/* ---- the proof ---- */

static int digest(struct rig_team *team)
{
	const struct cumprod_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

static bool same(double a, double b)
{
	return a == b || (a != a && b != b);
}

/* A chunk's products were multiplied in lanes, not item after item: each order
 * has an error of at most 2^-53 of the result a multiplication (Higham,
 * Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1).  Near the ends
 * of the range of doubles, where a product has fewer bits, rank 0 went item by
 * item. */
static bool follows(double due, double begun)
{
	return same(due, begun) ||
	       fabs(due - begun) <= fabs(due) * 2 * SHARE_CHUNK * 0x1p-53;
}

/* Each stored product is the product of the stored product before and the
 * item. */
static bool reals_are_right(const struct cumprod_args *args, const void *x,
			    const struct cumprod_chunk *chunks, size_t chunk,
			    const void *result)
{
	struct rig_span span = share_chunk(args->length, chunk);
	enum rig_dtype dtype = dtype_of(args);
	double at = chunks[chunk].before.real, item, found, due;
	uint64_t stored;

	for (size_t i = span.begin; i < span.end; i++) {
		convert_to_double(dtype, x, i, i + 1, &item);
		convert_to_double(dtype, result, i, i + 1, &found);
		at *= item;
		store(dtype, &stored, 0, at);
		convert_to_double(dtype, &stored, 0, 1, &due);
		if (!same(found, due))
			return false;
	}
	return chunk + 1 == share_chunks(args->length) ||
	       follows(at, chunks[chunk + 1].before.real);
}

static bool wholes_are_right(const struct cumprod_args *args, const void *x,
			     const struct cumprod_chunk *chunks, size_t chunk,
			     const uint64_t *result)
{
	struct rig_span span = share_chunk(args->length, chunk);
	uint64_t at = chunks[chunk].before.whole, item;

	for (size_t i = span.begin; i < span.end; i++) {
		convert_to_64(dtype_of(args), x, i, i + 1, &item);
		at *= item;
		if (result[i] != at)
			return false;
	}
	return chunk + 1 == share_chunks(args->length) ||
	       at == chunks[chunk + 1].before.whole;
}

static int check_chunk(struct rig_team *team, size_t chunk)
{
	const struct cumprod_args *args = rig_team_args(team);
	const struct cumprod_chunk *chunks = rig_team_data(team, CHUNKS);
	const void *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);
	bool whole = convert_whole(dtype_of(args)), right;

	right = whole ? wholes_are_right(args, x, chunks, chunk, result)
		      : reals_are_right(args, x, chunks, chunk, result);
	/* The first begins with 1. */
	if (chunk == 0)
		right &= whole ? chunks->before.whole == 1
			       : chunks->before.real == 1;
	return right ? 0
		     : rig_team_fail(team, -EBADMSG,
				     "cumprod: the running products from "
				     "element %zu on are wrong",
				     chunk * SHARE_CHUNK);
}

static int verify(struct rig_team *team)
{
	const struct cumprod_args *args = rig_team_args(team);
	struct rig_span own = share_next(team, share_chunks(args->length));
	int r = 0;

	if (args->header.found[0] != args->header.digest[0])
		return rig_team_fail(team, -EBADMSG, "cumprod: x was changed");
	for (size_t c = own.begin; c < own.end && r == 0; c++)
		r = check_chunk(team, c);
	return r;
}

/* Each chunk is a block; the last block is empty. */
static uint64_t blocks(const void *given)
{
	return share_chunks(count_items(given)) + 1;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct cumprod_args *args = rig_team_args(team);

	(void)before;
	return block == share_chunks(args->length) ? 0
						   : check_chunk(team, block);
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
	  .dtype = RIG_FLOAT64,
	  .count = count_chunks },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_items },
	{ 0 },
};

const struct rig_kernel kernel_cumprod = {
	.version = RIG_KERNEL_VERSION,
	.name = "cumprod",
	.summary = "the running product of an array",
	.verified = "each product against the one before it, and those between "
		    "chunks within the rounding that is due; integers exactly",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct cumprod_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
};
