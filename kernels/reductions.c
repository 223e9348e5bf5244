/* SPDX-License-Identifier: MIT */
/*
 * reductions.c - one number of an array: its sum, least, greatest, or norm.
 *
 * Each chunk (share.h) has a total, and rank 0 makes one of all these.  Both are
 * done in a fixed order, so that floats too have the same bits for any number of
 * workers.  Integers are added modulo 2^64, as NumPy does.  The norm is the
 * square root of the sum of squares; where these are too large or too small for
 * a double, that of items divided by the greatest.  Where an item is no number,
 * neither is the least nor the greatest.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/judge.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/order_sum.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X, CHUNKS, RESULT };
enum op { SUM, MIN, MAX, NORM };

static const char *const words[] = { "sum", "min", "max", "norm" };

struct reduction_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t op; /* by check: which kernel this is */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reduction_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct reduction_args *args = given;

	return args->length;
}

static uint64_t count_chunks(const void *given)
{
	const struct reduction_args *args = given;

	return share_chunks(args->header.arrays[X].count);
}

static uint64_t count_result(const void *given)
{
	(void)given;
	return 1;
}

static enum rig_dtype dtype_of(const struct reduction_args *args)
{
	return args->header.arrays[X].dtype;
}

/* Totalled as integers? */
static bool whole(const struct reduction_args *args)
{
	return args->op != NORM && convert_whole(dtype_of(args));
}

static int check(struct reduction_args *args, enum op op, char *why,
		 size_t why_bytes)
{
	struct rig_array *arrays = args->header.arrays;
	int r = convert_check(&arrays[X], words[op], why, why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r < 0)
		return r;
	if (args->length == 0 && (op == MIN || op == MAX)) {
		snprintf(why, why_bytes, "no elements: none is the %s",
			 op == MIN ? "least" : "greatest");
		return -EINVAL;
	}
	args->op = op;
	return convert_result(&arrays[RESULT],
			      !whole(args)                     ? RIG_FLOAT64
			      : convert_signed(dtype_of(args)) ? RIG_INT64
							       : RIG_UINT64,
			      why, why_bytes);
}

static int check_sum(void *given, char *why, size_t why_bytes)
{
	return check(given, SUM, why, why_bytes);
}

static int check_min(void *given, char *why, size_t why_bytes)
{
	return check(given, MIN, why, why_bytes);
}

static int check_max(void *given, char *why, size_t why_bytes)
{
	return check(given, MAX, why, why_bytes);
}

static int check_norm(void *given, char *why, size_t why_bytes)
{
	return check(given, NORM, why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct reduction_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

static int prepare(struct rig_team *team)
{
	const struct reduction_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(i % PERIOD);
	return rig_team_barrier(team);
}

/* The first that is not a number. */
static double not_a_number(const any_double *x)
{
	while (*x == *x)
		x++;
	return *x;
}

/* The least, or the greatest by turning signs; a not-a-number wins.  Eight at a
 * time, for they are compared side by side. */
INLINE double least(const any_double *x, size_t count, bool greatest)
{
	double sign = greatest ? -1 : 1, best = sign * x[0];
	double lanes[8];
	int64_t none = 0;
	size_t i = 0;

	for (size_t l = 0; l < 8; l++)
		lanes[l] = best;
	for (; i + 8 <= count; i += 8) {
		for (size_t l = 0; l < 8; l++) {
			double item = sign * x[i + l];

			none |= item != item;
			lanes[l] = item < lanes[l] ? item : lanes[l];
		}
	}
	for (; i < count; i++) {
		none |= x[i] != x[i];
		best = sign * x[i] < best ? sign * x[i] : best;
	}
	for (size_t l = 0; l < 8; l++)
		best = lanes[l] < best ? lanes[l] : best;
	return none ? not_a_number(x) : sign * best;
}

CLONES static double real_of(const any_double *x, size_t count, enum op op)
{
	if (op == MIN || op == MAX)
		return least(x, count, op == MAX);
	return op == NORM ? reals_dot(x, x, count) : reals_sum(x, count);
}

/* Numbers with a sign are compared with that bit turned. */
static uint64_t whole_of(const uint64_t *x, size_t count, enum op op,
			 uint64_t sign)
{
	uint64_t total = op == SUM ? 0 : x[0];

	for (size_t i = 0; i < count; i++) {
		if (op == SUM)
			total += x[i];
		else if (op == MIN ? (x[i] ^ sign) < (total ^ sign)
				   : (x[i] ^ sign) > (total ^ sign))
			total = x[i];
	}
	return total;
}

static uint64_t sign_of(const struct reduction_args *args)
{
	return convert_signed(dtype_of(args)) ? UINT64_C(1) << 63 : 0;
}

static union number chunk_total(const struct reduction_args *args,
				const void *x, size_t chunk)
{
	struct rig_span span = share_chunk(args->length, chunk);
	size_t count = span.end - span.begin;
	union number wide[SHARE_CHUNK];

	if (whole(args)) {
		convert_to_64(dtype_of(args), x, span.begin, span.end,
			      &wide->whole);
		return (union number){ .whole = whole_of(&wide->whole, count,
							 args->op,
							 sign_of(args)) };
	}
	return (union number){
		.real = real_of(convert_doubles(dtype_of(args), x, span.begin,
						span.end, &wide->real),
				count, args->op)
	};
}

/* Of the chunks' totals: those of a norm are sums of squares already. */
static union number total_of(const struct reduction_args *args,
			     const union number *chunks)
{
	size_t count = share_chunks(args->length);
	enum op op = args->op == NORM ? SUM : args->op;
	union number total = { .whole = 0 };

	if (count == 0)
		return total;
	if (whole(args))
		total.whole =
			whole_of(&chunks->whole, count, op, sign_of(args));
	else
		total.real = real_of(&chunks->real, count, op);
	if (args->op == NORM)
		total.real = sqrt(total.real);
	return total;
}

/* Below it squares lose bits; above its inverse they may overflow. */
#define SQUARES_MIN 0x1p-480

/* A norm whose squares are out of a double's range: seldom, and by one rank. */
static double scaled_norm(const struct reduction_args *args, const void *x)
{
	double greatest = 0, sum = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < args->length; i++) {
			double item;

			convert_to_double(dtype_of(args), x, i, i + 1, &item);
			item = fabs(item);
			if (pass)
				sum += item / greatest * (item / greatest);
			else if (item > greatest)
				greatest = item;
		}
		if (greatest == 0 || isinf(greatest))
			return greatest;
	}
	return greatest * sqrt(sum);
}

static int run(struct rig_team *team)
{
	const struct reduction_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	union number *chunks = rig_team_data(team, CHUNKS);
	union number *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);

	for (size_t c = own.begin; c < own.end; c++)
		chunks[c] = chunk_total(args, x, c);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		*result = total_of(args, chunks);
	if (rig_team_rank(team) == 0 && args->op == NORM &&
	    (result->real < SQUARES_MIN || result->real > 1 / SQUARES_MIN))
		result->real = scaled_norm(args, x);
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	const struct reduction_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

static uint64_t whole_item(const struct items *items, size_t i)
{
	uint64_t item;

	convert_to_64(items->dtype, items->at, i, i + 1, &item);
	return item;
}

static bool is_whole(const struct items *items,
		     const struct reduction_args *args, uint64_t result,
		     uint64_t *want)
{
	uint64_t sign = sign_of(args);

	*want = 0;
	for (size_t i = items->begin; i < items->end; i++) {
		uint64_t item = whole_item(items, i);

		if (args->op == SUM)
			*want += item;
		else if (i == items->begin ||
			 (args->op == MIN ? (item ^ sign) < (*want ^ sign)
					  : (item ^ sign) > (*want ^ sign)))
			*want = item;
	}
	return result == *want;
}

static int fail_whole(struct rig_team *team, const struct reduction_args *args,
		      const char *what, uint64_t result, uint64_t want)
{
	return rig_team_fail(team, -EBADMSG,
			     convert_signed(dtype_of(args))
				     ? "%s: %s is %lld, expected %lld"
				     : "%s: %s is %llu, expected %llu",
			     words[args->op], what, (long long)result,
			     (long long)want);
}

static int fail_real(struct rig_team *team, const struct reduction_args *args,
		     const char *what, double result, long double want)
{
	return rig_team_fail(team, -EBADMSG, "%s: %s is %.17g, expected %.17Lg",
			     words[args->op], what, result, want);
}

static struct items all_of(struct rig_team *team,
			   const struct reduction_args *args)
{
	return (struct items){ dtype_of(args), rig_team_data(team, X), 0,
			       args->length };
}

static int verify_real(struct rig_team *team, const struct reduction_args *args)
{
	const double *result = rig_team_data(team, RESULT);
	struct items all = all_of(team, args);
	long double want;
	bool right = args->op == SUM    ? is_sum(&all, *result, &want)
		     : args->op == NORM ? is_norm(&all, *result, &want)
					: is_extreme(&all, args->op == MIN,
						     *result, &want);

	return right ? 0 : fail_real(team, args, "the result", *result, want);
}

static int verify_whole(struct rig_team *team,
			const struct reduction_args *args)
{
	const uint64_t *result = rig_team_data(team, RESULT);
	struct items all = all_of(team, args);
	uint64_t want;

	if (is_whole(&all, args, *result, &want))
		return 0;
	return fail_whole(team, args, "the result", *result, want);
}

/* Each chunk is a block, and the result that follows from their totals is the
 * last one. */
static uint64_t blocks(const void *given)
{
	const struct reduction_args *args = given;

	return share_chunks(args->length) + 1;
}

static int prove_chunk(struct rig_team *team, const struct reduction_args *args,
		       size_t chunk)
{
	struct rig_span span = share_chunk(args->length, chunk);
	const union number *total = rig_team_data(team, CHUNKS);
	struct items items = all_of(team, args);
	uint64_t whole_want;
	long double want;
	bool right;

	total += chunk;
	items.begin = span.begin;
	items.end = span.end;
	if (whole(args))
		return is_whole(&items, args, total->whole, &whole_want)
			       ? 0
			       : fail_whole(team, args, "a chunk's total",
					    total->whole, whole_want);
	right = args->op == SUM    ? is_sum(&items, total->real, &want)
		: args->op == NORM ? is_squares(&items, total->real, &want)
				   : is_extreme(&items, args->op == MIN,
						total->real, &want);
	return right ? 0
		     : fail_real(team, args, "a chunk's total", total->real,
				 want);
}

static int prove_total(struct rig_team *team, const struct reduction_args *args)
{
	const union number *result = rig_team_data(team, RESULT);
	struct items totals = { whole(args) ? RIG_UINT64 : RIG_FLOAT64,
				rig_team_data(team, CHUNKS), 0,
				share_chunks(args->length) };
	uint64_t whole_want;
	long double want;
	bool right;

	/* What was scaled does not follow from the squares. */
	if (args->op == NORM &&
	    (!(result->real >= SQUARES_MIN) || result->real > 1 / SQUARES_MIN))
		return verify_real(team, args);
	if (whole(args))
		return is_whole(&totals, args, result->whole, &whole_want)
			       ? 0
			       : fail_whole(team, args, "the result",
					    result->whole, whole_want);
	right = args->op == SUM    ? is_sum(&totals, result->real, &want)
		: args->op == NORM ? is_root(&totals, result->real, &want)
				   : is_extreme(&totals, args->op == MIN,
						result->real, &want);
	return right ? 0
		     : fail_real(team, args, "the result", result->real, want);
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	const struct reduction_args *args = rig_team_args(team);

	if (block == share_chunks(args->length))
		return prove_total(team, args);
	return prove_chunk(team, args, block);
}

static int verify(struct rig_team *team)
{
	const struct reduction_args *args = rig_team_args(team);

	if (args->header.given &&
	    args->header.digest[0] != args->header.found[0])
		return rig_team_fail(team, -EBADMSG, "%s: x was changed",
				     words[args->op]);
	if (rig_team_rank(team) > 0)
		return 0;
	return whole(args) ? verify_whole(team, args) : verify_real(team, args);
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct reduction_args *args = given;
	const union number *total = data[RESULT];

	if (!whole(args))
		snprintf(text, bytes, "%s = %.17g", words[args->op],
			 isnan(total->real) ? (double)NAN : total->real);
	else if (convert_signed(dtype_of(args)))
		snprintf(text, bytes, "%s = %" PRId64, words[args->op],
			 (int64_t)total->whole);
	else
		snprintf(text, bytes, "%s = %" PRIu64, words[args->op],
			 total->whole);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .any_order = true,
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

#define KERNEL(word, what, own_check)                                          \
	{                                                                      \
		.version = RIG_KERNEL_VERSION, .name = word, .summary = what,  \
		.verified = "item after item in extended precision, within "   \
			    "the rounding that is due; integers exactly",      \
		.params = params, .arrays = arrays,                            \
		.args_bytes = sizeof(struct reduction_args),                   \
		.check = own_check, .bytes_moved = bytes_moved,                \
		.prepare = prepare, .digest = digest, .run = run,              \
		.verify = verify, .blocks = blocks, .prove = prove,            \
		.result = result                                               \
	}

const struct rig_kernel kernel_total =
	KERNEL("sum", "the sum of an array", check_sum);
const struct rig_kernel kernel_min =
	KERNEL("min", "the least element of an array", check_min);
const struct rig_kernel kernel_max =
	KERNEL("max", "the greatest element of an array", check_max);
const struct rig_kernel kernel_norm =
	KERNEL("norm", "the Euclidean norm of an array", check_norm);
