/* SPDX-License-Identifier: MIT */
/*
 * clip.c - clip each element of an array, in place: to low= where the element is
 * less, to high= where the element is greater.
 *
 * Bounds are numbers of the array's dtype, exactly.  A NaN stays.  Where low is
 * above high all elements become high, as in NumPy.
 *
 * The user's data is verified by a sum of the expected elements (order_sum.h),
 * taken before the run.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>
#include <runner/dtype.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X };

/* A bound: for floats a double, for integers 64 bits, with the sign bit turned
 * where there is a sign: all integers are then compared without a sign. */
struct clip_args {
	struct rig_kernel_args header;
	size_t length;
	char low[RIG_TEXT_BYTES], high[RIG_TEXT_BYTES];
	union number least, most; /* by check */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct clip_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ .name = "low",
	  .help = "the least number that stays; nothing: there is none",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct clip_args, low),
	  .fallback = "" },
	{ .name = "high",
	  .help = "the greatest number that stays; nothing: there is none",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct clip_args, high),
	  .fallback = "" },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct clip_args *args = given;

	return args->length;
}

static enum rig_dtype dtype_of(const struct clip_args *args)
{
	return args->header.arrays[X].dtype;
}

static uint64_t sign_of(enum rig_dtype dtype)
{
	return convert_signed(dtype) ? UINT64_C(1) << 63 : 0;
}

/* The least and the greatest integer of a dtype, as bounds are. */
static void range_of(enum rig_dtype dtype, uint64_t *least, uint64_t *most)
{
	unsigned bits = 8 * rig_dtype_bytes(dtype);

	if (dtype == RIG_BOOL)
		bits = 1;
	*least = 0;
	*most = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	if (convert_signed(dtype)) {
		*least = (UINT64_C(1) << 63) - (*most / 2 + 1);
		*most = (UINT64_C(1) << 63) + *most / 2;
	}
}

/* 0, or -EINVAL.  A number beyond 64 bits becomes the nearest number. */
static int parse_whole(const char *text, enum rig_dtype dtype, uint64_t *bound)
{
	char *end = NULL;

	if (convert_signed(dtype)) {
		*bound = (uint64_t)strtoll(text, &end, 10) ^ sign_of(dtype);
	} else if (*text == '-') {
		/* Below every number. */
		(void)strtoll(text, &end, 10);
		*bound = 0;
	} else {
		*bound = strtoull(text, &end, 10);
	}
	return end == text || *end ? -EINVAL : 0;
}

static int refuse(const char *name, const char *text, enum rig_dtype dtype,
		  char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "%s=%.60s is no %s, which x is of", name, text,
		 rig_dtype_name(dtype));
	return -EINVAL;
}

static int whole_bounds(struct clip_args *args, char *why, size_t why_bytes)
{
	enum rig_dtype dtype = dtype_of(args);
	uint64_t least, most;

	range_of(dtype, &least, &most);
	args->least.whole = least;
	args->most.whole = most;
	if (*args->low && (parse_whole(args->low, dtype, &args->least.whole) ||
			   args->least.whole > most))
		return refuse("low", args->low, dtype, why, why_bytes);
	if (*args->high && (parse_whole(args->high, dtype, &args->most.whole) ||
			    args->most.whole < least ||
			    (*args->high == '-' && !convert_signed(dtype))))
		return refuse("high", args->high, dtype, why, why_bytes);
	if (args->least.whole < least)
		args->least.whole = least;
	if (args->most.whole > most)
		args->most.whole = most;
	return 0;
}

/* A bound becomes the nearest number of the dtype. */
static int parse_real(const char *text, enum rig_dtype dtype, double *bound)
{
	char *end = NULL;
	uint16_t half;

	*bound = strtod(text, &end);
	if (dtype == RIG_FLOAT32)
		*bound = (double)(float)*bound;
	if (dtype == RIG_FLOAT16) {
		half = convert_float16_of(*bound);
		convert_to_double(dtype, &half, 0, 1, bound);
	}
	return end == text || *end || *bound != *bound ? -EINVAL : 0;
}

static int real_bounds(struct clip_args *args, char *why, size_t why_bytes)
{
	enum rig_dtype dtype = dtype_of(args);

	args->least.real = -INFINITY;
	args->most.real = INFINITY;
	if (*args->low && parse_real(args->low, dtype, &args->least.real))
		return refuse("low", args->low, dtype, why, why_bytes);
	if (*args->high && parse_real(args->high, dtype, &args->most.real))
		return refuse("high", args->high, dtype, why, why_bytes);
	return 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct clip_args *args = given;
	int r = convert_check(&args->header.arrays[X], "clip", why, why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	/* Half of generated data is clipped. */
	if (r == 0 && !args->header.given && !*args->low && !*args->high)
		snprintf(args->high, sizeof(args->high), "%d", PERIOD / 2);
	if (r < 0)
		return r;
	return convert_whole(dtype_of(args))
		       ? whole_bounds(args, why, why_bytes)
		       : real_bounds(args, why, why_bytes);
}

/* Items are read and written. */
static double bytes_moved(const void *given)
{
	const struct clip_args *args = given;

	return 2 * (double)args->length * args->header.arrays[X].item_bytes;
}

static double value_at(size_t i)
{
	return (double)(i % PERIOD);
}

static int prepare(struct rig_team *team)
{
	const struct clip_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = value_at(i);
	return rig_team_barrier(team);
}

/* Items of a type, with bounds of the same type; a comparison with a NaN is
 * false. */
#define CLIP(type, low, high)                                                  \
	{                                                                      \
		const type least = (type)(low), most = (type)(high);           \
		type *to = x;                                                  \
		for (size_t i = span.begin; i < span.end; i++) {               \
			type item = to[i] < least ? least : to[i];             \
			to[i] = item > most ? most : item;                     \
		}                                                              \
		break;                                                         \
	}
#define CLIP_WHOLE(type) CLIP(type, least_bound ^ sign, most_bound ^ sign)

CLONES static void clip_wholes(enum rig_dtype dtype, void *x,
			       struct rig_span span, uint64_t least_bound,
			       uint64_t most_bound, uint64_t sign)
{
	switch (dtype) {
	case RIG_INT8:
		CLIP_WHOLE(any_int8)
	case RIG_INT16:
		CLIP_WHOLE(any_int16)
	case RIG_INT32:
		CLIP_WHOLE(any_int32)
	case RIG_INT64:
		CLIP_WHOLE(any_int64)
	case RIG_UINT16:
		CLIP_WHOLE(any_uint16)
	case RIG_UINT32:
		CLIP_WHOLE(any_uint32)
	case RIG_UINT64:
		CLIP_WHOLE(any_uint64)
	default:
		CLIP_WHOLE(any_uint8)
	}
}

CLONES static void clip_reals(enum rig_dtype dtype, void *x,
			      struct rig_span span, double low, double high)
{
	switch (dtype) {
	case RIG_FLOAT32:
		CLIP(any_float, low, high)
	default:
		CLIP(any_double, low, high)
	}
}

#undef CLIP
#undef CLIP_WHOLE

static void clip_halves(any_uint16 *x, struct rig_span span, double low,
			double high)
{
	for (size_t i = span.begin; i < span.end; i++) {
		double item;

		convert_to_double(RIG_FLOAT16, x, i, i + 1, &item);
		if (item < low)
			x[i] = convert_float16_of(low);
		else if (!(item > high))
			continue;
		if (item > high || low > high)
			x[i] = convert_float16_of(high);
	}
}

static void clip_span(const struct clip_args *args, void *x,
		      struct rig_span span)
{
	enum rig_dtype dtype = dtype_of(args);

	if (convert_whole(dtype))
		clip_wholes(dtype, x, span, args->least.whole, args->most.whole,
			    sign_of(dtype));
	else if (dtype == RIG_FLOAT16)
		clip_halves(x, span, args->least.real, args->most.real);
	else
		clip_reals(dtype, x, span, args->least.real, args->most.real);
}

static int run(struct rig_team *team)
{
	const struct clip_args *args = rig_team_args(team);

	clip_span(args, rig_team_data(team, X),
		  rig_team_strip(team, args->length));
	return rig_team_barrier(team);
}

/* ---- the proof ---- */

/* The expected item, by comparisons of widened numbers. */
static void due_item(const struct clip_args *args, const char *item, char *due)
{
	enum rig_dtype dtype = dtype_of(args);
	uint64_t sign = sign_of(dtype), whole;
	any_uint16 half;
	any_float single;
	double real;

	memcpy(due, item, args->header.arrays[X].item_bytes);
	if (convert_whole(dtype)) {
		convert_to_64(dtype, item, 0, 1, &whole);
		whole ^= sign;
		if (dtype != RIG_BOOL && whole >= args->least.whole &&
		    whole <= args->most.whole)
			return;
		if (whole < args->least.whole)
			whole = args->least.whole;
		if (whole > args->most.whole)
			whole = args->most.whole;
		whole ^= sign;
		memcpy(due, &whole, args->header.arrays[X].item_bytes);
		return;
	}
	convert_to_double(dtype, item, 0, 1, &real);
	if (!(real < args->least.real) && !(real > args->most.real))
		return;
	real = fmin(fmax(real, args->least.real), args->most.real);
	half = convert_float16_of(real);
	single = (float)real;
	memcpy(due,
	       dtype == RIG_FLOAT16   ? (void *)&half
	       : dtype == RIG_FLOAT32 ? (void *)&single
				      : (void *)&real,
	       args->header.arrays[X].item_bytes);
}

static int digest(struct rig_team *team)
{
	const struct clip_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	size_t bytes = args->header.arrays[X].item_bytes;
	const char *x = rig_team_data(team, X);
	uint64_t *sums = rig_team_result(team);
	char due[8];

	if (args->header.after) {
		sums[0] = sum_strip(team, X, (uint32_t)bytes, strip);
		return 0;
	}
	for (size_t i = strip.begin; i < strip.end; i++) {
		due_item(args, x + i * bytes, due);
		sums[0] += sum_items(due, 1, bytes, i, 1);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct clip_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	const double *x = rig_team_data(team, X);
	double value, due;

	if (args->header.given)
		return args->header.found[0] == args->header.digest[0]
			       ? 0
			       : rig_team_fail(team, -EBADMSG,
					       "clip: the elements are not "
					       "what is due");
	for (size_t i = strip.begin; i < strip.end; i++) {
		value = value_at(i);
		due_item(args, (char *)&value, (char *)&due);
		if (x[i] != due)
			return rig_team_fail(team, -EBADMSG,
					     "clip: element %zu is %.17g, "
					     "expected %.17g",
					     i, x[i], due);
	}
	return 0;
}

/* Items of a block; the last block is empty. */
#define BLOCK 2048

static struct rig_span block_at(const struct clip_args *args, uint64_t block)
{
	size_t begin = block * BLOCK, count = args->header.arrays[X].count;

	if (begin >= count)
		return (struct rig_span){ count, count };
	return (struct rig_span){ begin, count - begin < BLOCK
						 ? count
						 : begin + BLOCK };
}

static uint64_t blocks(const void *given)
{
	const struct clip_args *args = given;

	return args->header.arrays[X].count / BLOCK + 2;
}

static struct rig_span keeps(const void *given, uint64_t block)
{
	return block_at(given, block);
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct clip_args *args = rig_team_args(team);
	struct rig_span span = block_at(args, block);
	size_t bytes = args->header.arrays[X].item_bytes;
	const char *x = rig_team_data(team, X), *old = before;
	char due[8];

	for (size_t i = span.begin; i < span.end; i++) {
		due_item(args, old + (i - span.begin) * bytes, due);
		if (memcmp(x + i * bytes, due, bytes) != 0)
			return rig_team_fail(team, -EBADMSG,
					     "clip: element %zu is not what is "
					     "due",
					     i);
	}
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INOUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ 0 },
};

const struct rig_kernel kernel_clip = {
	.version = RIG_KERNEL_VERSION,
	.name = "clip",
	.summary = "each element within bounds, in place",
	.verified = "each element against a bound or what it was",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct clip_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.keeps = keeps,
	.kept = X,
	.prove = prove,
};
