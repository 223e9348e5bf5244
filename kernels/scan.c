/* SPDX-License-Identifier: MIT */
/*
 * scan.c - the running sum of an array, in place.
 *
 *	1  each rank adds up each of its chunks (share.h)
 *	2  rank 0 adds up the chunks' sums, and finds the sum with which each
 *	   chunk begins
 *	3  each rank replaces the items of its chunks by their running sums
 *
 * The borders of chunks, and the order in which a chunk is added up, do not
 * depend on the team, and neither do the bits of floats.  Integers wrap, as in
 * NumPy; float16 and float32 are added up in double precision.
 *
 * The user's data is verified without a copy of the data.  Before the run,
 * digest keeps the sum of each chunk, and for each *piece* of a chunk the sum
 * of the expected running sums: an item has a part in each running sum that
 * follows, and so the sum also changes with the order of the items.  Digest
 * also keeps the places of the first infinite items and of the first NaN: from
 * there on running sums are infinite or NaN too.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/scan_lines.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct scan_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ .name = "kind",
	  .help = "whether an item is in its own sum",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct scan_args, exclusive),
	  .fallback = "inclusive",
	  .choices = "inclusive exclusive" },
	AXIS_PARAM(struct scan_args,
		   "along which elements are added up: 0 goes down the columns "
		   "of a matrix; none: through all of them"),
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct scan_args *args = given;

	return args->length;
}

/* The element after the last has the sum of all before. */
static uint64_t count_chunks(const void *given)
{
	return (share_chunks(count_of(given)) + 1) * sizeof(struct chunk) /
	       sizeof(double);
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct scan_args *args = given;
	struct rig_array rest;
	int r;

	if (!convert_knows(&args->header.arrays[X]) ||
	    dtype_of(args) == RIG_BOOL) {
		snprintf(why, why_bytes,
			 "scan takes integers, float16, float32 and float64, "
			 "in this machine's byte order");
		return -EINVAL;
	}
	r = arguments_length(&args->header, LENGTH_DEFAULT, &args->length, why,
			     why_bytes);
	return r < 0 ? r
		     : axis_find(&args->header.arrays[X], args->axis,
				 &args->lines, &rest, why, why_bytes);
}

/* Items are read to be added up, then read again and written. */
static double bytes_moved(const void *given)
{
	const struct scan_args *args = given;

	return 3 * (double)args->length * args->header.arrays[X].item_bytes;
}

/* A rank owns whole chunks. */
static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct scan_args *args = given;
	struct rig_span own = rig_strip(share_chunks(args->length), rank, size);
	size_t item = args->header.arrays[X].item_bytes;
	size_t end = own.end * SHARE_CHUNK;

	if (index == CHUNKS)
		return share_rows(1, bytes, rank, size, spans);
	if (own.begin == own.end)
		return 0;
	if (end > args->length)
		end = args->length;
	spans[0] =
		(struct rig_span){ own.begin * SHARE_CHUNK * item, end * item };
	return 1;
}

static int prepare(struct rig_team *team)
{
	const struct scan_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	double *x = rig_team_data(team, X);

	for (size_t i = own.begin * SHARE_CHUNK;
	     i < own.end * SHARE_CHUNK && i < args->length; i++)
		x[i] = (double)(i % PERIOD);
	return rig_team_barrier(team);
}

static union number add_chunk(const struct scan_args *args, const void *x,
			      size_t chunk)
{
	union number wide[SHARE_CHUNK];
	size_t count = widen(args, x, chunk, wide);
	uint64_t sum = 0;

	if (!convert_whole(dtype_of(args)))
		return (union number){ .real = reals_sum(&wide->real, count) };
	for (size_t i = 0; i < count; i++)
		sum += wide[i].whole;
	return (union number){ .whole = sum };
}

/* The running sums of items begin to end - 1, from `sum` on. */
#define RUN(type, wide)                                                        \
	{                                                                      \
		type *to = x;                                                  \
		for (size_t i = span.begin; i < span.end; i++) {               \
			wide item = (wide)to[i];                               \
			to[i] = (type)(exclusive ? sum : sum + item);          \
			sum += item;                                           \
		}                                                              \
		break;                                                         \
	}

static void run_halves(any_uint16 *x, struct rig_span span, double sum,
		       bool exclusive)
{
	for (size_t i = span.begin; i < span.end; i++) {
		double item;

		convert_to_double(RIG_FLOAT16, x, i, i + 1, &item);
		x[i] = convert_float16_of(exclusive ? sum : sum + item);
		sum += item;
	}
}

static void run_reals(enum rig_dtype dtype, void *x, struct rig_span span,
		      double sum, bool exclusive)
{
	switch (dtype) {
	case RIG_FLOAT16:
		run_halves(x, span, sum, exclusive);
		break;
	case RIG_FLOAT32:
		RUN(any_float, double)
	default:
		RUN(any_double, double)
	}
}

/* Sums of integers have the same bits with and without a sign. */
static void run_wholes(uint32_t bytes, void *x, struct rig_span span,
		       uint64_t sum, bool exclusive)
{
	switch (bytes) {
	case 1:
		RUN(any_uint8, uint64_t)
	case 2:
		RUN(any_uint16, uint64_t)
	case 4:
		RUN(any_uint32, uint64_t)
	default:
		RUN(any_uint64, uint64_t)
	}
}

#undef RUN

static void run_chunk(const struct scan_args *args, void *x, size_t chunk,
		      union number before)
{
	struct rig_span span = share_chunk(args->length, chunk);

	if (convert_whole(dtype_of(args)))
		run_wholes(args->header.arrays[X].item_bytes, x, span,
			   before.whole, args->exclusive);
	else
		run_reals(dtype_of(args), x, span, before.real,
			  args->exclusive);
}

/* Each chunk's sum is replaced by the sum of all chunks before. */
static void add_chunks(const struct scan_args *args, struct chunk *chunks)
{
	size_t count = share_chunks(args->length);
	union number sum = { .whole = 0 };

	for (size_t c = 0; c <= count; c++) {
		union number own = chunks[c].before;

		chunks[c].before = sum;
		if (c == count)
			break;
		if (convert_whole(dtype_of(args)))
			sum.whole += own.whole;
		else
			sum.real += own.real;
	}
}

static int run(struct rig_team *team)
{
	const struct scan_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	struct chunk *chunks = rig_team_data(team, CHUNKS);
	void *x = rig_team_data(team, X);

	if (scan_has_lines(args))
		return scan_lines(team, args);
	for (size_t c = own.begin; c < own.end; c++)
		chunks[c].before = add_chunk(args, x, c);
	rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		add_chunks(args, chunks);
	rig_team_barrier(team);
	for (size_t c = own.begin; c < own.end; c++)
		run_chunk(args, x, c, chunks[c].before);
	return rig_team_barrier(team);
}

/* The sum of i % PERIOD for i below n: whole periods, and the rest. */
static double sum_below(size_t n)
{
	double left = (double)(n % PERIOD);

	return (double)(n / PERIOD) * (PERIOD * (PERIOD - 1) / 2) +
	       left * (left - 1) / 2;
}

static int verify(struct rig_team *team)
{
	const struct scan_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	const double *x = rig_team_data(team, X);

	if (args->header.given)
		return scan_verify_given(team, args);
	for (size_t i = strip.begin; i < strip.end; i++) {
		double want = sum_below(args->exclusive ? i : i + 1);

		if (x[i] != want)
			return rig_team_fail(team, -EBADMSG,
					     "scan: element %zu is %.17g, "
					     "expected %.17g",
					     i, x[i], want);
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
	{ .name = "chunks",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_chunks },
	{ 0 },
};

const struct rig_kernel kernel_scan = {
	.version = RIG_KERNEL_VERSION,
	.name = "scan",
	.summary = "the running sum of an array, or along an axis, in place",
	.verified = "the closed form, each element; the user's data by sums "
		    "of its running sums, where these are in the dtype's "
		    "range",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct scan_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.owns = owns,
	.prepare = prepare,
	.digest = scan_digest,
	.run = run,
	.verify = verify,
	.blocks = scan_blocks,
	.keeps = scan_keeps,
	.prove = scan_prove,
};
