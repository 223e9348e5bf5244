/* SPDX-License-Identifier: MIT */
/*
 * scan.c - the running sum of an array, in place.
 *
 *	1  each rank adds up each of its chunks (share.h)
 *	2  rank 0 adds up the chunks' sums: so it is known what each begins with
 *	3  each rank replaces the items of its chunks by their running sums
 *
 * Where chunks begin, and in which order a chunk is added up, does not depend on
 * the team, so the bits of floats do not either.  Integers wrap, as NumPy's do;
 * float16 and float32 are added up in double precision.
 *
 * The user's data is verified without a copy of it.  Before the run, digest
 * keeps the sum of each chunk, and for each *piece* of a chunk the sum of the
 * running sums that are due there: an item has a part in each of those that
 * follow it, so this sum changes with the order of the items as well.  It also
 * keeps where the first infinite items are, and the first that is not a number:
 * from there on running sums are that too.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

/* Items of a piece.  Few: what verify has to tolerate is the rounding errors of
 * a whole piece. */
#define PIECE  64
#define PIECES (SHARE_CHUNK / PIECE)

enum { X, CHUNKS };

struct scan_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t exclusive;
};

/* The items that make running sums of floats infinite or not a number. */
enum { PLUS, MINUS, NONE, OTHERS };
static const double others[OTHERS] = { INFINITY, -INFINITY, NAN };

/* In shared memory. */
struct chunk {
	union number before; /* first its own sum, then that of all before it */
	/* What follows is of the user's data, written by digest. */
	union number sum; /* of the items */
	/* For each piece, the sum of those running sums that are finite,
	 * counted from the beginning of the chunk. */
	union number running[PIECES];
	double size; /* the sum of the absolute values of finite floats */
	uint32_t first[OTHERS]; /* where; SHARE_CHUNK: there is none */
	uint32_t reserved;      /* 0 */
};
_Static_assert(sizeof(struct chunk) % sizeof(double) == 0,
	       "is an array of them");

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

/* The one after the last has the sum of all before it. */
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

	if (!convert_knows(&args->header.arrays[X]) ||
	    dtype_of(args) == RIG_BOOL) {
		snprintf(why, why_bytes,
			 "scan takes integers, float16, float32 and float64, "
			 "in this machine's byte order");
		return -EINVAL;
	}
	return arguments_length(&args->header, LENGTH_DEFAULT, &args->length,
				why, why_bytes);
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

/* Items as 64 bits or doubles; returns how many. */
static size_t widen_span(const struct scan_args *args, const void *x,
			 struct rig_span span, union number wide[SHARE_CHUNK])
{
	if (convert_whole(dtype_of(args)))
		convert_to_64(dtype_of(args), x, span.begin, span.end,
			      &wide->whole);
	else
		convert_to_double(dtype_of(args), x, span.begin, span.end,
				  &wide->real);
	return span.end - span.begin;
}

static size_t widen(const struct scan_args *args, const void *x, size_t chunk,
		    union number wide[SHARE_CHUNK])
{
	return widen_span(args, x, share_chunk(args->length, chunk), wide);
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

/* In place of its sum, each chunk gets the sum of all chunks before it. */
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

static void keep_wholes(const union number *wide, size_t count, bool exclusive,
			struct chunk *to)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t next = sum + wide[i].whole;

		to->running[i / PIECE].whole += exclusive ? sum : next;
		sum = next;
	}
	to->sum.whole = sum;
}

static void keep_reals(const union number *wide, size_t count, bool exclusive,
		       struct chunk *to)
{
	long double sum = 0, running[PIECES] = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		double item = wide[i].real;
		long double next = sum + item;
		long double own = exclusive ? sum : next;
		uint32_t *first = &to->first[item != item ? NONE
					     : item > 0   ? PLUS
							  : MINUS];

		if (isfinite(item))
			to->size += fabs(item);
		else if (i < *first)
			*first = i;
		if (isfinite(own))
			running[i / PIECE] += own;
		sum = next;
	}
	to->sum.real = (double)sum;
	for (int p = 0; p < PIECES; p++)
		to->running[p].real = (double)running[p];
}

static void keep_items(const struct scan_args *args, const union number *wide,
		       size_t count, struct chunk *to)
{

	*to = (struct chunk){ .first = { SHARE_CHUNK, SHARE_CHUNK,
					 SHARE_CHUNK } };
	if (convert_whole(dtype_of(args)))
		keep_wholes(wide, count, args->exclusive, to);
	else
		keep_reals(wide, count, args->exclusive, to);
}

static void keep_chunk(const struct scan_args *args, const void *x,
		       size_t chunk, struct chunk *to)
{
	union number wide[SHARE_CHUNK];

	keep_items(args, wide, widen(args, x, chunk, wide), to);
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

/* Sums are compared in as many bits as an item has, for they wrap. */
static bool wholes_are_right(const struct scan_args *args,
			     const union number *sums, size_t count,
			     const struct chunk *chunk)
{
	uint32_t bits = 8 * args->header.arrays[X].item_bytes;
	uint64_t off[PIECES] = { 0 }, any = 0;

	for (size_t i = 0; i < count; i++)
		off[i / PIECE] += sums[i].whole - chunk->before.whole;
	for (int p = 0; p < PIECES; p++)
		any |= (off[p] - chunk->running[p].whole) << (64 - bits);
	return any == 0 &&
	       chunk[1].before.whole - chunk->before.whole == chunk->sum.whole;
}

/* What a running sum suffers when it is stored as an item: an error of at most
 * `unit` of it, or of `tiny` where that is more; beyond `most` it is infinite.
 * To store a double changes nothing. */
struct format {
	double unit, tiny, most;
};

static struct format format_of(enum rig_dtype dtype)
{
	switch (dtype) {
	case RIG_FLOAT16:
		return (struct format){ 0x1p-11, 0x1p-25, 65504 };
	case RIG_FLOAT32:
		return (struct format){ 0x1p-24, 0x1p-150, FLT_MAX };
	default:
		return (struct format){ 0, 0, DBL_MAX };
	}
}

/* What the sum of all before the chunk and of its first i items is: infinite,
 * not a number, or, for which 0 stands, finite. */
static double kind_at(const struct chunk *chunk, size_t i)
{
	double kind = isfinite(chunk->before.real) ? 0 : chunk->before.real;

	for (int o = 0; o < OTHERS; o++)
		if (chunk->first[o] < i)
			kind += others[o];
	return kind;
}

static bool same(double a, double b)
{
	return a == b || (a != a && b != b);
}

/*
 * Are a chunk's first `count` running sums, which are finite, what is due?
 *
 * They are compared piece by piece.  The error of an addition is at most
 * u = 2^-53 of its result, and it is in all running sums from there on (Higham,
 * Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.3: running error
 * analysis).  A float of fewer bits is rounded once more when it is stored.
 * What digest kept was rounded to a double, and the additions in extended
 * precision, there and here, have errors of less than 2^-63 each.
 */
static bool runs_right(const struct scan_args *args, const union number *sums,
		       size_t count, const struct chunk *chunk)
{
	struct format format = format_of(dtype_of(args));
	double most = fabs(chunk->before.real) + chunk->size;
	double added = 0; /* the error of a running sum, in u */

	for (size_t i = 0, end; i < count; i = end) {
		double due = chunk->running[i / PIECE].real;
		double error = fabs(due) * 0x1p-53;
		long double off = -(long double)due;

		for (end = i; end < count && end < i + PIECE; end++) {
			double size = fabs(sums[end].real);

			off += (long double)sums[end].real - chunk->before.real;
			added += size;
			error += added * 0x1p-53 + size * format.unit;
		}
		error *= 1 + 0x1p-9;
		error += PIECE * (format.tiny + SHARE_CHUNK * most * 0x1p-63);
		if (!(fabsl(off) <= error))
			return false;
	}
	return true;
}

/* Sums of finite items may be out of the range of the dtype, and are infinite
 * then.  A chunk in which that is not certain, and not excluded, is not judged
 * there. */
static bool reals_are_right(const struct scan_args *args,
			    const union number *sums, size_t count,
			    const struct chunk *chunk)
{
	double most = format_of(dtype_of(args)).most;
	double before = chunk->before.real;
	size_t finite = 0;

	for (size_t i = 0; i < count; i++) {
		double kind = kind_at(chunk, args->exclusive ? i : i + 1);

		if (kind == 0)
			finite++;
		if (kind == 0 && fabs(before) - chunk->size > 2 * most)
			kind = copysign(INFINITY, before);
		if (kind != 0 && !same(sums[i].real, kind))
			return false;
	}
	return fabs(before) + chunk->size > most || !isfinite(before) ||
	       runs_right(args, sums, finite, chunk);
}

/* Does the next chunk begin with what this one begins with, and this one's sum?
 * That was taken in lanes (reals.h), where an item goes through at most `deep`
 * additions: so the error is at most `deep` times 2^-53 of `size` (Higham,
 * 4.2). */
static bool next_is_right(const struct chunk *chunk)
{
	double before = isfinite(chunk->before.real) ? chunk->before.real : 0;
	double next = chunk[1].before.real;
	double due = chunk->before.real + chunk->sum.real;
	double deep = SHARE_CHUNK / REALS_LANES + REALS_LANES + 4;

	if (fabs(before) + chunk->size > DBL_MAX)
		return true;
	if (!isfinite(due))
		return same(next, due);
	return fabsl((long double)next - before - chunk->sum.real) <=
	       (fabs(next) + deep * chunk->size) * 0x1p-53;
}

static bool chunk_is_right(const struct scan_args *args, const void *x,
			   const struct chunk *chunk, size_t index)
{
	union number sums[SHARE_CHUNK];
	size_t count = widen(args, x, index, sums);

	/* The first begins with 0, of which no bit is set in either kind. */
	if (index == 0 && chunk->before.whole != 0)
		return false;
	if (convert_whole(dtype_of(args)))
		return wholes_are_right(args, sums, count, chunk);
	return reals_are_right(args, sums, count, chunk) &&
	       next_is_right(chunk);
}

static int verify_given(struct rig_team *team, const struct scan_args *args)
{
	struct rig_span own = share_next(team, share_chunks(args->length));
	const struct chunk *chunks = rig_team_data(team, CHUNKS);
	const void *x = rig_team_data(team, X);

	for (size_t c = own.begin; c < own.end; c++)
		if (!chunk_is_right(args, x, &chunks[c], c))
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

/* Each chunk is a block, which needs the items that were there. */
static uint64_t blocks(const void *given)
{
	return share_chunks(count_of(given));
}

static struct rig_span keeps(const void *given, uint64_t block)
{
	return share_chunk(count_of(given), block);
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct scan_args *args = rig_team_args(team);
	const struct chunk *chunks = rig_team_data(team, CHUNKS);
	struct rig_span span = share_chunk(args->length, block);
	union number wide[SHARE_CHUNK];
	struct chunk here[2];
	size_t count =
		widen_span(args, before,
			   (struct rig_span){ 0, span.end - span.begin }, wide);

	keep_items(args, wide, count, &here[0]);
	here[0].before = chunks[block].before;
	here[1].before = chunks[block + 1].before;
	if (chunk_is_right(args, rig_team_data(team, X), here, block))
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "scan: the running sums from element %zu on are "
			     "wrong",
			     span.begin);
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
	.summary = "the running sum of an array, in place",
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
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.keeps = keeps,
	.prove = prove,
};
