/* SPDX-License-Identifier: MIT */
/*
 * scan_proof.c - are running sums of the user's data right?  scan.c tells which
 * sums are kept for the proof.
 */
#include <errno.h>
#include <float.h>
#include <math.h>

#include <kernels/lib/reals.h>
#include <kernels/lib/scan_lines.h>

/* The values that enum names. */
static const double others[OTHERS] = { INFINITY, -INFINITY, NAN };

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

int scan_digest(struct rig_team *team)
{
	const struct scan_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, share_chunks(args->length));
	struct chunk *chunks = rig_team_data(team, CHUNKS);
	uint64_t *sums = rig_team_result(team);

	if (scan_has_lines(args)) {
		sums[0] = scan_lines_sum(team, args);
		return 0;
	}
	for (size_t c = own.begin; c < own.end && !args->header.after; c++)
		keep_chunk(args, rig_team_data(team, X), c, &chunks[c]);
	return rig_team_barrier(team);
}

/* Sums wrap, and are compared in as many bits as an item has. */
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

/* The effect of storing a running sum as an item: an error of at most `unit` of
 * the sum, or of `tiny` where that is more; beyond `most` the item is infinite.
 * Storing a double changes nothing. */
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

/* The kind of the sum of all items before the chunk and of the first i items of
 * the chunk: infinite, NaN, or finite, for which 0 stands. */
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
 * Whether a chunk's first `count` running sums, which are finite, are right.
 *
 * The sums are compared piece by piece.  The error of an addition is at most u
 * = 2^-53 of the result, and is in all later running sums (Higham, Accuracy and
 * Stability of Numerical Algorithms, 2nd ed., 3.3: running error analysis).  A
 * float of fewer bits is rounded once more when it is stored.  The sums of
 * digest were rounded to a double, and the additions in extended precision,
 * there and here, have errors of less than 2^-63 each.
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

/* Sums of finite items may leave the range of the dtype, and are then infinite.
 * Where leaving the range is neither certain nor excluded, the sums of a chunk
 * are not judged. */
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

/* Whether the next chunk begins with the sum of this chunk's begin and this
 * chunk's sum.  The chunk's sum was taken in lanes (reals.h), where an item
 * goes through at most `deep` additions: the error is at most `deep` times
 * 2^-53 of `size` (Higham, 4.2). */
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

int scan_verify_given(struct rig_team *team, const struct scan_args *args)
{
	struct rig_span own = share_next(team, share_chunks(args->length));
	const struct chunk *chunks = rig_team_data(team, CHUNKS);
	const void *x = rig_team_data(team, X);

	if (scan_has_lines(args))
		return args->header.found[0] == args->header.digest[0]
			       ? 0
			       : rig_team_fail(team, -EBADMSG,
					       "scan: the running sums along "
					       "the axis are not those due");
	for (size_t c = own.begin; c < own.end; c++)
		if (!chunk_is_right(args, x, &chunks[c], c))
			return rig_team_fail(team, -EBADMSG,
					     "scan: the running sums from "
					     "element %zu on are wrong",
					     c * SHARE_CHUNK);
	return 0;
}

/* Each chunk is a block, and needs the items from before the run. */
uint64_t scan_blocks(const void *given)
{
	/* Lines along an axis are proved as a whole. */
	return scan_has_lines(given) ? 0 : share_chunks(count_of(given));
}

struct rig_span scan_keeps(const void *given, uint64_t block)
{
	return share_chunk(count_of(given), block);
}

int scan_prove(struct rig_team *team, uint64_t block, const void *before)
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
