/* SPDX-License-Identifier: MIT */
/*
 * total.c - one number of an array: its sum, least, greatest, or norm.
 *
 * Chunks (share.h) are totalled by the ranks and then by rank 0, each in one
 * order, so that floats too have the same bits for any number of workers.
 * Integers are added modulo 2^64, as NumPy does; the norm is the square root of
 * the sum of squares, with no guard against squares that overflow.  A
 * not-a-number makes the least and the greatest one too.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include "builtin.h"
#include "clones.h"
#include "share.h"
#include "sum.h"
#include "widen.h"

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X, CHUNKS, RESULT };
enum op { SUM, MIN, MAX, NORM };

static const char *const words[] = { "sum", "min", "max", "norm" };

struct total_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t op;
};

/* A total so far, of either kind. */
union total {
	double real;
	uint64_t whole;
};

/* One kernel a number: they differ in what is the default. */
#define PARAMS(word)                                                           \
	{                                                                      \
		{ .name = "length",                                            \
		  .help = "elements of generated data",                        \
		  .kind = RIG_PARAM_SIZE,                                      \
		  .offset = offsetof(struct total_args, length),               \
		  .fallback = "20M",                                           \
		  .max = LENGTH_MAX },                                         \
			{ .name = "op",                                        \
			  .help = "which number",                              \
			  .kind = RIG_PARAM_CHOICE,                            \
			  .offset = offsetof(struct total_args, op),           \
			  .fallback = word,                                    \
			  .choices = "sum min max norm" },                     \
		{                                                              \
			0                                                      \
		}                                                              \
	}

static const struct rig_param params_sum[] = PARAMS("sum");
static const struct rig_param params_min[] = PARAMS("min");
static const struct rig_param params_max[] = PARAMS("max");
static const struct rig_param params_norm[] = PARAMS("norm");

static uint64_t count_generated(const void *given)
{
	const struct total_args *args = given;

	return args->length;
}

static uint64_t count_chunks(const void *given)
{
	const struct total_args *args = given;

	return share_chunks(args->header.arrays[X].count);
}

static uint64_t count_result(const void *given)
{
	(void)given;
	return 1;
}

static enum rig_dtype dtype_of(const struct total_args *args)
{
	return args->header.arrays[X].dtype;
}

/* Totalled as integers? */
static bool whole(const struct total_args *args)
{
	return args->op != NORM && widen_whole(dtype_of(args));
}

static bool has_sign(enum rig_dtype dtype)
{
	return dtype >= RIG_INT8 && dtype <= RIG_INT64;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct total_args *args = given;
	struct rig_array *arrays = args->header.arrays;
	size_t length = arrays[X].count;

	if (!widen_knows(&arrays[X])) {
		snprintf(why, why_bytes,
			 "%s takes integers, bool, float32 and float64, in "
			 "this machine's byte order",
			 words[args->op]);
		return -EINVAL;
	}
	if (args->header.given && args->length != length &&
	    args->length != LENGTH_DEFAULT) {
		snprintf(why, why_bytes,
			 "length=%zu, but the array given has %zu elements",
			 args->length, length);
		return -EINVAL;
	}
	if (length == 0 && (args->op == MIN || args->op == MAX)) {
		snprintf(why, why_bytes, "no elements: none is the %s",
			 args->op == MIN ? "least" : "greatest");
		return -EINVAL;
	}
	args->length = length;
	arrays[RESULT].dtype = !whole(args)               ? RIG_FLOAT64
			       : has_sign(dtype_of(args)) ? RIG_INT64
							  : RIG_UINT64;
	return 0;
}

static double bytes_moved(const void *given)
{
	const struct total_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

static size_t private_bytes(const void *given, int size)
{
	(void)given;
	(void)size;
	return SHARE_CHUNK * sizeof(double);
}

static int prepare(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(i % PERIOD);
	return rig_team_barrier(team);
}

/* Eight at a time: a chain of additions waits for itself. */
CLONES static double add_reals(const double *x, size_t count, bool squares)
{
	double lanes[8] = { 0 };
	size_t i = 0;

	if (squares) {
		for (; i + 8 <= count; i += 8)
			for (size_t l = 0; l < 8; l++)
				lanes[l] += x[i + l] * x[i + l];
		for (; i < count; i++)
			lanes[0] += x[i] * x[i];
	} else {
		for (; i + 8 <= count; i += 8)
			for (size_t l = 0; l < 8; l++)
				lanes[l] += x[i + l];
		for (; i < count; i++)
			lanes[0] += x[i];
	}
	return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
	       ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* The first that is not a number. */
static double not_a_number(const double *x)
{
	while (*x == *x)
		x++;
	return *x;
}

/* The least, or the greatest by turning signs; a not-a-number wins.  Eight at a
 * time, for they are compared side by side. */
CLONES static double least(const double *x, size_t count, bool greatest)
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

static double real_of(const double *x, size_t count, enum op op)
{
	if (op == MIN || op == MAX)
		return least(x, count, op == MAX);
	return add_reals(x, count, op == NORM);
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

static uint64_t sign_of(const struct total_args *args)
{
	return has_sign(dtype_of(args)) ? UINT64_C(1) << 63 : 0;
}

static union total chunk_total(const struct total_args *args, const void *x,
			       size_t chunk)
{
	struct rig_span span = share_chunk(args->length, chunk);
	size_t count = span.end - span.begin;
	union {
		double real[SHARE_CHUNK];
		uint64_t whole[SHARE_CHUNK];
	} wide;

	if (whole(args)) {
		widen_to_64(dtype_of(args), x, span.begin, span.end,
			    wide.whole);
		return (union total){ .whole = whole_of(wide.whole, count,
							args->op,
							sign_of(args)) };
	}
	widen_to_double(dtype_of(args), x, span.begin, span.end, wide.real);
	return (union total){ .real = real_of(wide.real, count, args->op) };
}

/* Of the chunks' totals, squares are squared already. */
static union total total_of(const struct total_args *args,
			    const union total *chunks)
{
	size_t count = share_chunks(args->length);
	enum op op = args->op == NORM ? SUM : args->op;
	union total total = { .whole = 0 };

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
static double scaled_norm(const struct total_args *args, const void *x)
{
	double greatest = 0, sum = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < args->length; i++) {
			double item;

			widen_to_double(dtype_of(args), x, i, i + 1, &item);
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
	const struct total_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	union total *chunks = rig_team_data(team, CHUNKS);
	union total *result = rig_team_data(team, RESULT);
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
	const struct total_args *args = rig_team_args(team);
	size_t bytes = args->header.arrays[X].item_bytes;
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_items(x + strip.begin * bytes, strip.end - strip.begin,
			    bytes, strip.begin, 1);
	return 0;
}

/* One item after the other, and how large a rounding error may be. */
static long double plainly(const struct total_args *args, const void *x,
			   long double *error)
{
	long double total = 0, size = 0;

	for (size_t i = 0; i < args->length; i++) {
		double item;

		widen_to_double(dtype_of(args), x, i, i + 1, &item);
		if (args->op == SUM)
			total += item;
		else if (args->op == NORM)
			total += (long double)item * item;
		else if (i == 0 || item != item ||
			 (args->op == MIN ? item < total : item > total))
			total = item;
		if (total != total && args->op != SUM && args->op != NORM)
			break;
		size += args->op == NORM ? (long double)item * item
					 : fabs(item);
	}
	*error = args->op == SUM || args->op == NORM
			 ? size * (long double)args->length * 0x1p-53L
			 : 0;
	if (args->op == NORM) {
		total = sqrtl(total);
		*error = total * (long double)(args->length + 2) * 0x1p-52L +
			 0x1p-1074L;
	}
	return total;
}

static int verify_real(struct rig_team *team, const struct total_args *args)
{
	const double *result = rig_team_data(team, RESULT);
	long double error;
	long double want = plainly(args, rig_team_data(team, X), &error);
	long double off = fabsl(*result - want);

	if (off <= error || *result == (double)want ||
	    (*result != *result && want != want))
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "%s: the result is %.17g, expected %.17Lg",
			     words[args->op], *result, want);
}

static int verify_whole(struct rig_team *team, const struct total_args *args)
{
	const uint64_t *result = rig_team_data(team, RESULT);
	const void *x = rig_team_data(team, X);
	uint64_t sign = sign_of(args);
	uint64_t want = 0;

	for (size_t i = 0; i < args->length; i++) {
		uint64_t item;

		widen_to_64(dtype_of(args), x, i, i + 1, &item);
		if (args->op == SUM)
			want += item;
		else if (i == 0 ||
			 (args->op == MIN ? (item ^ sign) < (want ^ sign)
					  : (item ^ sign) > (want ^ sign)))
			want = item;
	}
	if (*result == want)
		return 0;
	return rig_team_fail(
		team, -EBADMSG, "%s: the result is %lld, expected %lld",
		words[args->op], (long long)*result, (long long)want);
}

static int verify(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);

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
	const struct total_args *args = given;
	const union total *total = data[RESULT];

	if (!whole(args))
		snprintf(text, bytes, "%s = %.17g", words[args->op],
			 total->real);
	else if (has_sign(dtype_of(args)))
		snprintf(text, bytes, "%s = %" PRId64, words[args->op],
			 (int64_t)total->whole);
	else
		snprintf(text, bytes, "%s = %" PRIu64, words[args->op],
			 total->whole);
}

#define KERNEL(word, what, own_params)                                         \
	{                                                                      \
		.name = word, .summary = what,                                 \
		.verified = "item after item in extended precision, within "   \
			    "the rounding that is due; integers exactly",      \
		.params = own_params,                                          \
		.arrays = { { .name = "x",                                     \
			      .dtype = RIG_FLOAT64,                            \
			      .any_dtype = true,                               \
			      .input = true,                                   \
			      .count = count_generated },                      \
			    { .name = "chunks",                                \
			      .dtype = RIG_FLOAT64,                            \
			      .count = count_chunks },                         \
			    { .name = "result",                                \
			      .dtype = RIG_FLOAT64,                            \
			      .output = true,                                  \
			      .count = count_result } },                       \
		.args_bytes = sizeof(struct total_args), .check = check,       \
		.bytes_moved = bytes_moved, .private_bytes = private_bytes,    \
		.prepare = prepare, .digest = digest, .run = run,              \
		.verify = verify, .result = result                             \
	}

const struct rig_kernel kernel_total = KERNEL(
	"sum", "the sum of an array; by op= also the other three", params_sum);
const struct rig_kernel kernel_min =
	KERNEL("min", "the least element of an array", params_min);
const struct rig_kernel kernel_max =
	KERNEL("max", "the greatest element of an array", params_max);
const struct rig_kernel kernel_norm =
	KERNEL("norm", "the Euclidean norm of an array", params_norm);
