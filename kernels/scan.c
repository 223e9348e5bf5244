/* SPDX-License-Identifier: MIT */
/*
 * scan.c - the running sum of an array, in place.
 *
 *	1  each chunk of a rank's strip is added up
 *	2  rank 0 adds the chunks' sums up: what comes before each chunk
 *	3  each chunk is gone through again from there
 *
 * Chunks do not depend on the team, and each sum is taken in one order, so the
 * bits of floats do not either.  Integers wrap, as NumPy's do; float32 is added
 * up in double precision.
 *
 * The user's data is judged without a copy of it: of each chunk digest keeps
 * the sum of its items, and the sum of its running sums, which is that of its
 * items by how many follow each.  That tells their order.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include "arguments.h"
#include "builtin.h"
#include "reals.h"
#include "share.h"
#include "widen.h"

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

enum { X, CHUNKS };

struct scan_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t exclusive;
};

/* In shared memory. */
struct chunk {
	union number before; /* its sum; then, of all chunks before it */
	/* Of the user's data, by digest. */
	union number sum, running;
	double size; /* of floats: the sum of absolute values */
};

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
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct scan_args *args = given;

	return args->length;
}

static size_t count_of(const struct scan_args *args)
{
	return args->header.arrays[X].count;
}

/* And one more: the sum of all. */
static uint64_t count_chunks(const void *given)
{
	return (share_chunks(count_of(given)) + 1) * sizeof(struct chunk) /
	       sizeof(double);
}

static enum rig_dtype dtype_of(const struct scan_args *args)
{
	return args->header.arrays[X].dtype;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct scan_args *args = given;

	if (!widen_knows(&args->header.arrays[X]) ||
	    dtype_of(args) == RIG_BOOL || dtype_of(args) == RIG_FLOAT16) {
		snprintf(why, why_bytes,
			 "scan takes integers, float32 and float64, in this "
			 "machine's byte order");
		return -EINVAL;
	}
	return arguments_length(&args->header, LENGTH_DEFAULT, &args->length,
				why, why_bytes);
}

/* Read to be added up, read again, and written. */
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

/* The items of a chunk as 64 bits or doubles; returns how many. */
static size_t widen(const struct scan_args *args, const void *x, size_t chunk,
		    union number wide[SHARE_CHUNK])
{
	struct rig_span span = share_chunk(args->length, chunk);

	if (widen_whole(dtype_of(args)))
		widen_to_64(dtype_of(args), x, span.begin, span.end,
			    &wide->whole);
	else
		widen_to_double(dtype_of(args), x, span.begin, span.end,
				&wide->real);
	return span.end - span.begin;
}

static union number add_chunk(const struct scan_args *args, const void *x,
			      size_t chunk)
{
	union number wide[SHARE_CHUNK];
	size_t count = widen(args, x, chunk, wide);
	uint64_t sum = 0;

	if (!widen_whole(dtype_of(args)))
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

static void run_reals(enum rig_dtype dtype, void *x, struct rig_span span,
		      double sum, bool exclusive)
{
	switch (dtype) {
	case RIG_FLOAT32:
		RUN(any_float, double)
	default:
		RUN(any_double, double)
	}
}

/* Whatever their sign, items wrap alike. */
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

	if (widen_whole(dtype_of(args)))
		run_wholes(args->header.arrays[X].item_bytes, x, span,
			   before.whole, args->exclusive);
	else
		run_reals(dtype_of(args), x, span, before.real,
			  args->exclusive);
}

/* Each chunk's sum becomes what comes before it. */
static void add_chunks(const struct scan_args *args, struct chunk *chunks)
{
	size_t count = share_chunks(args->length);
	union number sum = { .whole = 0 };

	for (size_t c = 0; c <= count; c++) {
		union number own = chunks[c].before;

		chunks[c].before = sum;
		if (c == count)
			break;
		if (widen_whole(dtype_of(args)))
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

/* What a chunk's running sums, without what comes before it, add up to. */
static void keep_chunk(const struct scan_args *args, const void *x,
		       size_t chunk, struct chunk *to)
{
	union number wide[SHARE_CHUNK];
	size_t count = widen(args, x, chunk, wide);
	bool whole = widen_whole(dtype_of(args));
	long double sum = 0, running = 0, size = 0;
	uint64_t wsum = 0, wrunning = 0;

	for (size_t i = 0; i < count; i++) {
		if (!whole && args->exclusive)
			running += sum;
		if (whole && args->exclusive)
			wrunning += wsum;
		if (whole) {
			wsum += wide[i].whole;
		} else {
			sum += wide[i].real;
			size += fabs(wide[i].real);
		}
		if (!args->exclusive) {
			running += sum;
			wrunning += wsum;
		}
	}
	if (whole) {
		to->sum.whole = wsum;
		to->running.whole = wrunning;
	} else {
		to->sum.real = (double)sum;
		to->running.real = (double)running;
		to->size = (double)size;
	}
}

static int digest(struct rig_team *team)
{
	const struct scan_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	struct chunk *chunks = rig_team_data(team, CHUNKS);

	for (size_t c = own.begin; c < own.end && !args->header.after; c++)
		keep_chunk(args, rig_team_data(team, X), c, &chunks[c]);
	return rig_team_barrier(team);
}

/* Are running sums and sum of an integer chunk what they must be?  Modulo the
 * size of an item. */
static bool whole_is_right(const struct scan_args *args, const void *x,
			   const struct chunk *chunk, size_t index)
{
	uint32_t bits = 8 * args->header.arrays[X].item_bytes;
	union number wide[SHARE_CHUNK];
	size_t count = widen(args, x, index, wide);
	uint64_t running = 0;

	for (size_t i = 0; i < count; i++)
		running += wide[i].whole - chunk->before.whole;
	return (running - chunk->running.whole) << (64 - bits) == 0 &&
	       chunk[1].before.whole - chunk->before.whole == chunk->sum.whole;
}

static bool real_is_right(const struct scan_args *args, const void *x,
			  const struct chunk *chunk, size_t index)
{
	double unit = dtype_of(args) == RIG_FLOAT32 ? 0x1p-23 : 0x1p-50;
	union number wide[SHARE_CHUNK];
	size_t count = widen(args, x, index, wide);
	double most = fabs(chunk->before.real) + chunk->size;
	double error = most * unit * SHARE_CHUNK;
	long double running = 0;

	for (size_t i = 0; i < count; i++)
		running += (long double)wide[i].real - chunk->before.real;
	/* What is infinite or no number has no order to check. */
	if (!isfinite(most) || !isfinite(chunk->running.real) ||
	    !isfinite(chunk[1].before.real))
		return true;
	return fabsl(running - chunk->running.real) <= error * SHARE_CHUNK &&
	       fabs(chunk[1].before.real - chunk->before.real -
		    chunk->sum.real) <= error;
}

static int verify_given(struct rig_team *team, const struct scan_args *args)
{
	struct rig_span own = share_next(team, share_chunks(args->length));
	const struct chunk *chunks = rig_team_data(team, CHUNKS);
	const void *x = rig_team_data(team, X);

	for (size_t c = own.begin; c < own.end; c++)
		if (!(widen_whole(dtype_of(args))
			      ? whole_is_right(args, x, &chunks[c], c)
			      : real_is_right(args, x, &chunks[c], c)))
			return rig_team_fail(team, -EBADMSG,
					     "scan: the running sums from "
					     "element %zu on are wrong",
					     c * SHARE_CHUNK);
	return 0;
}

/* The sum of i % PERIOD for i below n: whole periods, and what is left. */
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
		return verify_given(team, args);
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

const struct rig_kernel kernel_scan = {
	.name = "scan",
	.summary = "the running sum of an array, in place",
	.verified = "the closed form, each element; the user's data by each "
		    "chunk's sum and sum of running sums",
	.params = params,
	.arrays = { { .name = "x",
		      .dtype = RIG_FLOAT64,
		      .any_dtype = true,
		      .input = true,
		      .output = true,
		      .count = count_generated },
		    { .name = "chunks",
		      .dtype = RIG_FLOAT64,
		      .count = count_chunks } },
	.args_bytes = sizeof(struct scan_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.owns = owns,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
