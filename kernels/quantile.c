/* SPDX-License-Identifier: MIT */
/*
 * quantile.c - the element below which a part of an array lies: the median, or
 * another quantile.
 *
 * For q = 0.3 of eleven elements the result is number 3 in ascending order,
 * counted from 0.  Between two elements the result is interpolated, as NumPy's
 * method "linear" does.
 *
 * Nothing is sorted.  Elements become keys of the same order (sort_keys.h).  The
 * ranks count how often each value of the keys' upper 16 bits occurs, which tells
 * the upper bits of the key that is looked for; then, of the keys that have
 * these, the next 16 bits, and so on.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/sort_keys.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

#define DIGIT_BITS 16
#define DIGITS     (1 << DIGIT_BITS)

enum { X, NEIGHBOURS, RESULT };

struct quantile_args {
	struct rig_kernel_args header;
	size_t length;
	double q;
	uint32_t median; /* set by check: 1: the kernel is called median */
};

#define LENGTH                                                                 \
	{                                                                      \
		.name = "length", .help = "elements of generated data",        \
		.kind = RIG_PARAM_SIZE,                                        \
		.offset = offsetof(struct quantile_args, length),              \
		.fallback = "10M", .max = LENGTH_MAX                           \
	}

static const struct rig_param median_params[] = { LENGTH, { 0 } };
static const struct rig_param params[] = {
	LENGTH,
	{ .name = "q",
	  .help = "the part of the elements that lies below the result",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct quantile_args, q),
	  .fallback = "0.5",
	  .min = 0,
	  .max = 1 },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct quantile_args *args = given;

	return args->length;
}

static uint64_t count_neighbours(const void *given)
{
	(void)given;
	return 2;
}

static uint64_t count_result(const void *given)
{
	(void)given;
	return 1;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct quantile_args *args = given;
	int r = convert_check(&args->header.arrays[X],
			      args->median ? "median" : "quantile", why,
			      why_bytes);

	return r < 0 ? r
		     : arguments_length(&args->header, LENGTH_DEFAULT,
					&args->length, why, why_bytes);
}

static int check_median(void *given, char *why, size_t why_bytes)
{
	struct quantile_args *args = given;

	args->median = 1;
	args->q = 0.5;
	return check(given, why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct quantile_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

static size_t private_bytes(const void *given, int size)
{
	(void)given;
	(void)size;
	return DIGITS * sizeof(uint64_t);
}

/* Uniform in -1 to 1. */
static int prepare(struct rig_team *team)
{
	const struct quantile_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(int64_t)share_scatter(i) * 0x1p-63;
	return rig_team_barrier(team);
}

/* In this process: a rank's view of a run. */
struct picking {
	struct rig_team *team;
	struct sort_order by;
	const char *x;
	size_t bytes;
	struct rig_span own;
	uint64_t *counts; /* counts of this rank's items, then of all items */
};

static struct picking view(struct rig_team *team, struct rig_span own)
{
	const struct quantile_args *args = rig_team_args(team);
	const struct rig_array *x = &args->header.arrays[X];

	return (struct picking){
		.team = team,
		.by = sort_order_of(x->dtype, x->item_bytes, true),
		.x = rig_team_data(team, X),
		.bytes = x->item_bytes,
		.own = own,
	};
}

INLINE uint64_t key_at(const struct sort_order *by, const char *x, size_t i,
		       size_t bytes)
{
	return sort_key(by, sort_load(x, i, bytes), bytes);
}

/* Where an item is no number there is no quantile. */
INLINE void count_sized(const struct picking *p, size_t bytes, unsigned shift,
			unsigned bits, uint64_t prefix, uint64_t *nans)
{
	const struct sort_order by = p->by;
	uint64_t *counts = p->counts, none = 0;

	for (size_t i = p->own.begin; i < p->own.end; i++) {
		uint64_t key = key_at(&by, p->x, i, bytes);

		none += key >= by.nan;
		if (shift + bits >= 64 || key >> (shift + bits) == prefix)
			counts[key >> shift & ((UINT64_C(1) << bits) - 1)]++;
	}
	*nans = by.kind == SORT_FLOAT ? none : 0;
}

static void count_digits(const struct picking *p, unsigned shift, unsigned bits,
			 uint64_t prefix, uint64_t *nans)
{
	memset(p->counts, 0, DIGITS * sizeof(*p->counts));
	switch (p->bytes) {
	case 1:
		count_sized(p, 1, shift, bits, prefix, nans);
		break;
	case 2:
		count_sized(p, 2, shift, bits, prefix, nans);
		break;
	case 4:
		count_sized(p, 4, shift, bits, prefix, nans);
		break;
	default:
		count_sized(p, 8, shift, bits, prefix, nans);
	}
}

/* The least key above `key` of all ranks' items. */
static int find_next(const struct picking *p, uint64_t key, uint64_t *next)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = p->own.begin; i < p->own.end; i++) {
		uint64_t other = key_at(&p->by, p->x, i, p->bytes);

		least = other > key && other < least ? other : least;
	}
	return rig_team_allreduce(p->team, &least, next, 1, RIG_UINT64,
				  RIG_MIN);
}

/*
 * Keys number `place` and place + 1 in ascending order; the second is the first
 * where there is none.  Sets *nans to how many items are no numbers, and then no
 * more.
 */
static int pick(const struct picking *p, uint64_t place, uint64_t last,
		uint64_t keys[2], uint64_t *nans)
{
	unsigned width = 8 * (unsigned)p->bytes;
	unsigned bits = width < DIGIT_BITS ? width : DIGIT_BITS;
	uint64_t prefix = 0, left = place, digit = 0, own_nans;
	int r;

	for (unsigned shift = width - bits;; shift -= bits) {
		count_digits(p, shift, bits, prefix, &own_nans);
		r = rig_team_allreduce(p->team, RIG_IN_PLACE, p->counts,
				       (size_t)1 << bits, RIG_UINT64, RIG_SUM);
		if (r == 0 && shift + bits == width)
			r = rig_team_allreduce(p->team, &own_nans, nans, 1,
					       RIG_UINT64, RIG_SUM);
		if (r < 0 || *nans)
			return r;
		for (digit = 0; left >= p->counts[digit]; digit++)
			left -= p->counts[digit];
		prefix = prefix << bits | digit;
		if (shift == 0)
			break;
	}
	keys[0] = keys[1] = prefix;
	if (place == last || left + 1 < p->counts[digit])
		return 0;
	return find_next(p, prefix, &keys[1]);
}

/* Where the result lies: between which elements, and how far. */
static uint64_t place_of(const struct quantile_args *args, double *part)
{
	double at = args->q * (double)(args->length - 1), below = floor(at);

	*part = at - below;
	return (uint64_t)below;
}

static double value_of(const struct picking *p, uint64_t key, uint32_t dtype)
{
	uint64_t item = sort_item(&p->by, key, p->bytes);
	double value;

	convert_to_double(dtype, &item, 0, 1, &value);
	return value;
}

/* From the nearer end, as NumPy does; between equal infinities too. */
static double between(double low, double high, double part)
{
	if (low == high || part == 0)
		return low;
	return part < 0.5 ? low + (high - low) * part
			  : high - (high - low) * (1 - part);
}

static double result_of(const struct picking *p, const uint64_t keys[2])
{
	const struct quantile_args *args = rig_team_args(p->team);
	uint32_t dtype = args->header.arrays[X].dtype;
	double part;

	(void)place_of(args, &part);
	return between(value_of(p, keys[0], dtype), value_of(p, keys[1], dtype),
		       part);
}

static int run(struct rig_team *team)
{
	const struct quantile_args *args = rig_team_args(team);
	struct picking p = view(team, rig_team_strip(team, args->length));
	uint64_t keys[2] = { 0, 0 }, nans = 0;
	uint64_t *neighbours = rig_team_data(team, NEIGHBOURS);
	double *result = rig_team_data(team, RESULT), part;
	int r = 0;

	p.counts = malloc(DIGITS * sizeof(*p.counts));
	if (!p.counts)
		return rig_team_fail(team, -ENOMEM, "quantile: no memory");
	if (args->length)
		r = pick(&p, place_of(args, &part), args->length - 1, keys,
			 &nans);
	free(p.counts);
	if (r < 0)
		return r;
	if (rig_team_rank(team) == 0) {
		memcpy(neighbours, keys, sizeof(keys));
		*result = args->length && !nans ? result_of(&p, keys)
						: (double)NAN;
	}
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	const struct quantile_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

/* How many keys are below each of the neighbours, how many at most as great, and
 * how many are no numbers. */
enum { BELOW, UP_TO, BELOW_SECOND, UP_TO_SECOND, NANS, TALLIES };

static int count_around(const struct picking *p, uint64_t tallies[TALLIES])
{
	const uint64_t *keys = rig_team_data(p->team, NEIGHBOURS);

	for (size_t i = p->own.begin; i < p->own.end; i++) {
		uint64_t key = key_at(&p->by, p->x, i, p->bytes);

		tallies[BELOW] += key < keys[0];
		tallies[UP_TO] += key <= keys[0];
		tallies[BELOW_SECOND] += key < keys[1];
		tallies[UP_TO_SECOND] += key <= keys[1];
		tallies[NANS] += p->by.kind == SORT_FLOAT && key >= p->by.nan;
	}
	return rig_team_allreduce(p->team, RIG_IN_PLACE, tallies, TALLIES,
				  RIG_UINT64, RIG_SUM);
}

static bool is_right(const struct picking *p, const uint64_t tallies[TALLIES])
{
	const struct quantile_args *args = rig_team_args(p->team);
	const double *result = rig_team_data(p->team, RESULT);
	double want, part;
	uint64_t place, next;

	if (args->length == 0 || tallies[NANS])
		return *result != *result;
	place = place_of(args, &part);
	next = place + 1 < args->length ? place + 1 : place;
	want = result_of(p, rig_team_data(p->team, NEIGHBOURS));
	return tallies[BELOW] <= place && place < tallies[UP_TO] &&
	       tallies[BELOW_SECOND] <= next && next < tallies[UP_TO_SECOND] &&
	       (*result == want || (*result != *result && want != want));
}

static int verify(struct rig_team *team)
{
	const struct quantile_args *args = rig_team_args(team);
	struct picking p = view(team, share_next(team, args->length));
	uint64_t tallies[TALLIES] = { 0 };
	int r;

	if (args->header.found[0] != args->header.digest[0])
		return rig_team_fail(team, -EBADMSG, "quantile: x was changed");
	r = count_around(&p, tallies);
	if (r == 0 && !is_right(&p, tallies))
		r = rig_team_fail(team, -EBADMSG,
				  "quantile: not as many elements as are due "
				  "lie below %.17g",
				  *(double *)rig_team_data(team, RESULT));
	return r;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct quantile_args *args = given;
	double found = *(const double *)data[RESULT];

	snprintf(text, bytes, "%s = %.17g",
		 args->median ? "median" : "quantile",
		 isnan(found) ? (double)NAN : found);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .any_order = true,
	  .count = count_generated },
	{ .name = "neighbours",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_neighbours },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_result },
	{ 0 },
};

#define KERNEL(symbol, word, own_params, own_check, what)                      \
	const struct rig_kernel kernel_##symbol = {                            \
		.version = RIG_KERNEL_VERSION,                                 \
		.name = word,                                                  \
		.summary = what,                                               \
		.verified = "how many elements lie below, and how many are "   \
			    "not above, counted by other ranks",               \
		.params = own_params,                                          \
		.arrays = arrays,                                              \
		.args_bytes = sizeof(struct quantile_args),                    \
		.check = own_check,                                            \
		.bytes_moved = bytes_moved,                                    \
		.private_bytes = private_bytes,                                \
		.prepare = prepare,                                            \
		.digest = digest,                                              \
		.run = run,                                                    \
		.verify = verify,                                              \
		.result = result,                                              \
	};

KERNEL(quantile, "quantile", params, check,
       "the element below which a part of an array lies")
KERNEL(median, "median", median_params, check_median,
       "the element below which half of an array lies")
