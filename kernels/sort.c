/* SPDX-License-Identifier: MIT */
/*
 * sort.c - an array in ascending order: the kernel, and how it is checked.
 *
 * The work is a sample sort (sample.h), of one of two kinds.  An item of up to
 * 64 bits becomes a key, an unsigned number of the same size and order, and
 * keys are sorted by radix (sort_keys.h).  Complex numbers and those of
 * float128 have no such keys and are merged (sort_wide.h).  Not-a-numbers come
 * last, as NumPy has them.
 *
 * With stable=yes items that compare as equal keep the order they came in:
 * those that differ in their bits all the same, which are the ones with a zero
 * or with what is no number.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/sample.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/axis.h>
#include <kernels/lib/sort_keys.h>
#include <kernels/lib/sort_lines.h>
#include <kernels/lib/sort_wide.h>
#include <kernels/lib/order_sum.h>

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define SEED_MAX       4294967295.0

/* Classes of equal items whose order is checked, at most. */
#define SLOTS 16384

enum { X, DEALT, NOTES, COUNTS };
enum { ITEMS, EQUALS }; /* words of a digest */

struct sort_args {
	struct rig_kernel_args header;
	size_t length;
	uint64_t seed;
	uint32_t stable;
	uint32_t axis;
	size_t columns;
	struct axis_lines lines; /* by check; one line: no axis */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sort_args, length),
	  .fallback = "10M",
	  .max = LENGTH_MAX },
	{ .name = "seed",
	  .help = "of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sort_args, seed),
	  .fallback = "0",
	  .max = SEED_MAX },
	{ .name = "stable",
	  .help = "yes: -0.0 and 0.0, and all that is no number, stay in the "
		  "order they came in; no: in that of their bits",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct sort_args, stable),
	  .fallback = "no",
	  .choices = "no yes" },
	AXIS_PARAM(struct sort_args,
		   "along which elements are put in order: 0 sorts each column "
		   "of a matrix; none: all of them"),
	AXIS_COLUMNS(struct sort_args),
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct sort_args *args = given;

	return args->length;
}

static size_t item_bytes(const struct sort_args *args)
{
	return args->header.arrays[X].item_bytes;
}

static bool is_wide(const struct sort_args *args)
{
	return sort_wide_knows(args->header.arrays[X].dtype);
}

static uint64_t count_dealt(const void *given)
{
	const struct sort_args *args = given;

	return args->header.arrays[X].count * item_bytes(args);
}

static uint64_t count_notes(const void *given)
{
	const struct sort_args *args = given;

	return args->header.arrays[X].count;
}

static uint64_t count_counts(const void *given)
{
	(void)given;
	return SAMPLE_COUNTS;
}

/* More than one? */
static bool has_lines(const struct sort_args *args)
{
	return args->lines.outer != 1 || args->lines.inner != 1;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct sort_args *args = given;
	const struct rig_array *x = &args->header.arrays[X];
	struct rig_array rest;
	int r;

	if ((sort_dtype(x->dtype) == SORT_DTYPES &&
	     !sort_wide_knows(x->dtype)) ||
	    x->swapped) {
		snprintf(why, why_bytes,
			 "sort takes numbers and bool, in this machine's byte "
			 "order");
		return -EINVAL;
	}
	r = arguments_length(&args->header, LENGTH_DEFAULT, &args->length, why,
			     why_bytes);
	if (r == 0)
		r = axis_find_generated(&args->header, args->axis,
					args->columns, &args->lines, &rest, why,
					why_bytes);
	if (r == 0 && args->stable && has_lines(args)) {
		snprintf(why, why_bytes,
			 "stable=yes goes with axis=none: lines along an axis "
			 "are sorted by the elements' bits");
		return -EINVAL;
	}
	return r;
}

static size_t private_bytes(const void *given, int size)
{
	const struct sort_args *args = given;

	(void)size;
	return has_lines(args)
		       ? sort_lines_memory(&args->lines, item_bytes(args))
		       : sample_memory(item_bytes(args));
}

/* Generated data: uniform in -1 to 1. */
static double value_at(const struct sort_args *args, size_t i)
{
	return (double)(int64_t)share_scatter(i + (args->seed << 32)) * 0x1p-63;
}

static int prepare(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = value_at(args, i);
	return rig_team_barrier(team);
}

static struct sort_order order_of(const struct sort_args *args)
{
	return sort_order_of(args->header.arrays[X].dtype, item_bytes(args),
			     args->stable);
}

static int run_flat(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	struct sort_order by;
	struct sample sample = {
		.team = team,
		.length = args->length,
		.x = rig_team_data(team, X),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = rig_team_data(team, COUNTS),
		.memory = malloc(sample_memory(item_bytes(args))),
		.item_bytes = item_bytes(args),
	};
	int r;

	if (!sample.memory)
		return rig_team_fail(team, -ENOMEM, "sort: no memory");
	sample.places = sample.totals + SAMPLE_BUCKETS;
	if (is_wide(args)) {
		r = sort_wide(&sample, args->header.arrays[X].dtype);
	} else {
		by = order_of(args);
		r = sort_keys(&sample, &by, item_bytes(args));
	}
	free(sample.memory);
	return r;
}

static int run(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);

	if (!has_lines(args))
		return run_flat(team);
	return sort_lines(team, rig_team_data(team, X),
			  args->header.arrays[X].dtype, item_bytes(args),
			  &args->lines);
}

/* What does not tell the order: both before and after, the same. */
static uint64_t sum_of(const struct sort_args *args, const char *x,
		       struct rig_span strip)
{
	if (has_lines(args))
		return sort_lines_sum(x, item_bytes(args), &args->lines, strip);
	return sum_items(x + strip.begin * item_bytes(args),
			 strip.end - strip.begin, item_bytes(args), 0, 0);
}

/* In shared memory, in `counts`, while nothing is sorted. */
struct slot {
	uint64_t class; /* of equal items */
	uint64_t count; /* of those seen */
	uint64_t sum;   /* of those, each with its place among its like */
};

_Static_assert(SLOTS * sizeof(struct slot) <= SAMPLE_COUNTS * sizeof(uint64_t),
	       "the slots lie in counts");

/* The same for all items that are equal and may differ in their bits, so that
 * their order can be told; 0: the item has no such equals. */
static uint64_t class_of(const struct sort_args *args,
			 const struct sort_order *by, const char *item)
{
	size_t bytes = item_bytes(args);
	uint64_t key;

	if (is_wide(args))
		return sort_wide_class(args->header.arrays[X].dtype, item);
	if (!by->stable)
		return 0;
	key = sort_key(by, sort_load(item, 0, bytes), bytes);
	if (sort_is_zero(by, key))
		return 1;
	return sort_is_nan(by, key) ? 2 : 0;
}

/*
 * What tells the order of those that are equal.  A class has the slot that its
 * number says; of several classes of one slot it is the least that counts,
 * whatever the order they come in.  Each rank looks at all items, but fills its
 * own strip of the slots.
 */
static uint64_t sum_equals(struct rig_team *team, const struct sort_args *args)
{
	struct rig_span own = rig_team_strip(team, SLOTS);
	struct slot *slots = rig_team_data(team, COUNTS);
	const char *item = rig_team_data(team, X);
	struct sort_order by = { 0 };
	uint64_t sum = 0;

	if (!is_wide(args))
		by = order_of(args);
	for (size_t s = own.begin; s < own.end; s++)
		slots[s] = (struct slot){ .class = UINT64_MAX };
	for (size_t i = 0; i < args->length; i++, item += item_bytes(args)) {
		uint64_t class = class_of(args, &by, item);
		struct slot *slot = &slots[class % SLOTS];

		if (class == 0 || class % SLOTS < own.begin ||
		    class % SLOTS >= own.end || class > slot->class)
			continue;
		if (class < slot->class)
			*slot = (struct slot){ .class = class };
		slot->sum +=
			sum_items(item, 1, item_bytes(args), slot->count++, 1);
	}
	for (size_t s = own.begin; s < own.end; s++)
		sum += slots[s].sum;
	return sum;
}

static int digest(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	uint64_t *sums = rig_team_result(team);

	sums[ITEMS] = sum_of(args, rig_team_data(team, X), strip);
	sums[EQUALS] = args->stable ? sum_equals(team, args) : 0;
	return 0;
}

static int not_in_order(struct rig_team *team, size_t i)
{
	return rig_team_fail(team, -EBADMSG,
			     "sort: element %zu is less than the one before it",
			     i);
}

/* Is the item the last of its line? */
static bool is_first(const struct sort_args *args, size_t i)
{
	return i / args->lines.inner % args->lines.along == 0;
}

static int verify_wide(struct rig_team *team, const struct sort_args *args)
{
	uint32_t dtype = args->header.arrays[X].dtype;
	size_t bytes = item_bytes(args);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		if (!is_first(args, i) &&
		    sort_wide_before(dtype, x + i * bytes,
				     x + (i - args->lines.inner) * bytes))
			return not_in_order(team, i);
	return 0;
}

static uint64_t key_at(const struct sort_order *by, const char *x, size_t i,
		       size_t bytes)
{
	return sort_least(by, sort_key(by, sort_load(x, i, bytes), bytes));
}

static int verify_order(struct rig_team *team, const struct sort_args *args)
{
	size_t bytes = item_bytes(args);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);
	struct sort_order by = order_of(args);
	size_t inner = args->lines.inner;

	for (size_t i = strip.begin; i < strip.end; i++)
		if (!is_first(args, i) &&
		    key_at(&by, x, i, bytes) < key_at(&by, x, i - inner, bytes))
			return not_in_order(team, i);
	return 0;
}

/* Without an axis all elements are of one line. */
static size_t line_of(const struct sort_args *args, size_t i)
{
	const struct axis_lines *lines = &args->lines;

	return i / (lines->along * lines->inner) * lines->inner +
	       i % lines->inner;
}

/* The sums of what was there and of what is: of generated items every rank adds
 * up the next one's. */
static int verify_items(struct rig_team *team, const struct sort_args *args)
{
	struct rig_span strip = share_next(team, args->length);
	uint64_t sums[] = { args->header.digest[ITEMS],
			    args->header.found[ITEMS] };
	int r = 0;

	if (!args->header.given) {
		sums[0] = 0;
		for (size_t i = strip.begin; i < strip.end; i++) {
			double value = value_at(args, i);

			sums[0] += sum_items(&value, 1, sizeof(value),
					     line_of(args, i), 0);
		}
		sums[1] = sum_of(args, rig_team_data(team, X), strip);
		r = rig_team_allreduce(team, RIG_IN_PLACE, sums, 2, RIG_UINT64,
				       RIG_SUM);
	}
	if (r == 0 && sums[0] != sums[1])
		return rig_team_fail(
			team, -EBADMSG,
			"sort: the items are not those that were there "
			"(sum %016" PRIx64 ", expected %016" PRIx64 ")",
			sums[1], sums[0]);
	if (r == 0 && args->header.found[EQUALS] != args->header.digest[EQUALS])
		return rig_team_fail(team, -EBADMSG,
				     "sort: items that are equal are not in "
				     "the order they came in");
	return r;
}

static int verify(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	int r = is_wide(args) ? verify_wide(team, args)
			      : verify_order(team, args);

	return r == 0 ? verify_items(team, args) : r;
}

static double items(const void *given, void *const data[])
{
	const struct sort_args *args = given;

	(void)data;
	return (double)args->length;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INOUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "dealt",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_dealt },
	{ .name = "notes",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_notes },
	{ .name = "counts",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_counts },
	{ 0 },
};

const struct rig_kernel kernel_sort = {
	.version = RIG_KERNEL_VERSION,
	.name = "sort",
	.summary =
		"an array in ascending order, or each line along an axis, in place",
	.verified = "the order of all neighbours, and a sum of the items "
		    "before and after; stable=yes: the order of those that are "
		    "equal too, 16384 different ones at most",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct sort_args),
	.items = items,
	.item = "items",
	.check = check,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.hosts = 1,
	.verify = verify,
};
