/* SPDX-License-Identifier: MIT */
/*
 * totals_proof.c - are the totals of an array's lines right?
 *
 * Each tile (totals.h) is a block of the proof: the total of each of its columns
 * follows from the items.  The last block is the results, which follow from the
 * tiles' totals.
 */
#include <kernels/lib/totals.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include <kernels/lib/judge.h>
#include <kernels/lib/order_sum.h>

/* Numbers to be judged: items of the array, or totals of chunks. */
struct judged_items {
	const struct total_args *args;
	const void *at;
	bool chunks;
	uint64_t first, stride, count;
};

static double real_at(const struct judged_items *what, uint64_t i)
{
	uint64_t at = what->first + i * what->stride;
	double item;

	convert_to_double(what->chunks ? RIG_FLOAT64 : what->args->dtype,
			  what->at, at, at + 1, &item);
	return item;
}

static uint64_t whole_at(const struct judged_items *what, uint64_t i)
{
	uint64_t at = what->first + i * what->stride;
	union number room;

	if (what->chunks)
		return ((const uint64_t *)what->at)[at];
	return total_load(what->args, what->at, at, at + 1, &room)->whole;
}

static int fail_whole(struct rig_team *team, const char *what, uint64_t is,
		      uint64_t want)
{
	return rig_team_fail(team, -EBADMSG,
			     "%s: %s is %" PRId64 ", expected %" PRId64,
			     "total", what, (int64_t)is, (int64_t)want);
}

static uint64_t whole_due(const struct judged_items *what, enum total_step step)
{
	uint64_t sign = total_sign(what->args);
	uint64_t total = step == STEP_SUM    ? 0
			 : step == STEP_PROD ? 1
					     : whole_at(what, 0);

	for (uint64_t i = 0; i < what->count; i++) {
		uint64_t item = whole_at(what, i);

		if (step == STEP_SUM)
			total += item;
		else if (step == STEP_PROD)
			total *= item;
		else if (step == STEP_MIN ? (item ^ sign) < (total ^ sign)
					  : (item ^ sign) > (total ^ sign))
			total = item;
	}
	return total;
}

static void add_to_sum(struct reals_due *due, const struct judged_items *what,
		       enum total_step step, double mean)
{
	for (uint64_t i = 0; i < what->count; i++) {
		long double item = real_at(what, i);

		if (step == STEP_DEVIATIONS)
			item -= mean;
		reals_due_add(due, step == STEP_SUM ? item : item * item);
	}
	/* A deviation is rounded, squared and rounded again. */
	due->count += step == STEP_SUM ? 0 : 4;
}

static bool is_extreme(const struct judged_items *what, bool lowest,
		       double result, long double *want)
{
	double best = real_at(what, 0);

	for (uint64_t i = 1; i < what->count && best == best; i++) {
		double item = real_at(what, i);

		if (item != item || (lowest ? item < best : item > best))
			best = item;
	}
	*want = best;
	return result == best || (result != result && best != best);
}

static bool is_product(const struct judged_items *what, double result,
		       long double *want)
{
	struct product_due due = product_due_begin();

	for (uint64_t i = 0; i < what->count; i++)
		product_due_add(&due, real_at(what, i));
	*want = ldexpl(due.large * due.small,
		       (int)(due.large_power + due.small_power));
	return product_due_is(&due, result);
}

/* Whether `result` may be the step's total of the numbers. */
static bool is_real(const struct judged_items *what, enum total_step step,
		    double mean, double result, long double *want)
{
	struct reals_due due = { 0 };

	if (step == STEP_PROD)
		return is_product(what, result, want);
	if (step == STEP_MIN || step == STEP_MAX)
		return is_extreme(what, step == STEP_MIN, result, want);
	add_to_sum(&due, what, step, mean);
	*want = due.sum + due.others;
	return reals_due_is(&due, result);
}

static int fail_real(struct rig_team *team, const char *what, double is,
		     long double want)
{
	return rig_team_fail(team, -EBADMSG,
			     "total: %s is %.17g, expected %.17Lg", what, is,
			     want);
}

/* ---- tiles ---- */

static int prove_column(struct rig_team *team, const struct judged_items *what,
			enum total_step step, double mean, union number chunk)
{
	long double want;
	uint64_t whole;

	if (total_whole(what->args)) {
		whole = whole_due(what, step);
		return whole == chunk.whole
			       ? 0
			       : fail_whole(team, "the total of a chunk",
					    chunk.whole, whole);
	}
	return is_real(what, step, mean, chunk.real, &want)
		       ? 0
		       : fail_real(team, "the total of a chunk", chunk.real,
				   want);
}

static int prove_tile(struct rig_team *team, const struct total_args *args,
		      uint64_t index)
{
	struct total_tile tile = total_tile_at(args, index);
	const union number *chunks = rig_team_data(team, CHUNKS);
	const double *means =
		total_varies(args) ? rig_team_data(team, MEANS) : NULL;
	uint64_t inner = args->lines.inner, place = total_place(args, &tile);
	uint64_t line = tile.outer * inner + tile.columns.begin;
	uint64_t all = total_chunks(args) * total_lines(args);
	struct judged_items what = {
		.args = args,
		.at = rig_team_data(team, X),
		.stride = inner,
		.count = tile.rows.end - tile.rows.begin,
	};
	int r = 0;

	for (uint64_t c = 0;
	     c < tile.columns.end - tile.columns.begin && r == 0; c++) {
		what.first =
			(tile.outer * args->lines.along + tile.rows.begin) *
				inner +
			tile.columns.begin + c;
		r = prove_column(team, &what, total_first(args), 0,
				 chunks[place + c]);
		if (r == 0 && means)
			r = prove_column(team, &what, STEP_DEVIATIONS,
					 means[line + c],
					 chunks[all + place + c]);
	}
	return r;
}

/* ---- results ---- */

/* The totals of a line's chunks; of a variance, of either pass. */
static struct judged_items chunks_of(struct rig_team *team,
				     const struct total_args *args,
				     uint64_t line, int of_pass)
{
	uint64_t inner = args->lines.inner, count = total_chunks(args);

	return (struct judged_items){
		.args = args,
		.at = rig_team_data(team, CHUNKS),
		.chunks = true,
		.first = (uint64_t)of_pass * count * total_lines(args) +
			 line / inner * count * inner + line % inner,
		.stride = inner,
		.count = count,
	};
}

/* A sum divided: an error more, and of a root half of all. */
static bool is_divided(struct reals_due *due, double divisor, bool root,
		       double result)
{
	double square = result * result;

	if (divisor == 0 || !isfinite((double)due->sum + due->others)) {
		double want = ((double)due->sum + due->others) / divisor;

		return result == want || (result != result && want != want);
	}
	due->sum /= divisor;
	due->size /= divisor;
	due->count += root ? 8 : 4;
	return reals_due_is(due, root ? square : result);
}

static int prove_mean(struct rig_team *team, const struct total_args *args,
		      uint64_t line, double mean)
{
	struct judged_items what = chunks_of(team, args, line, 0);
	struct reals_due due = { 0 };
	double along = (double)args->lines.along;

	add_to_sum(&due, &what, STEP_SUM, 0);
	return is_divided(&due, along, false, mean)
		       ? 0
		       : fail_real(team, "the mean", mean, due.sum);
}

static int prove_variance(struct rig_team *team, const struct total_args *args,
			  uint64_t line, double result)
{
	const double *means = rig_team_data(team, MEANS);
	struct reals_due due = { 0 };
	int r = 0;

	for (uint64_t l = line; l < line + args->parts && r == 0; l++) {
		struct judged_items what = chunks_of(team, args, l, 1);

		add_to_sum(&due, &what, STEP_SUM, 0);
		r = prove_mean(team, args, l, means[l]);
	}
	if (r < 0)
		return r;
	return is_divided(&due, total_divisor(args), args->op == TOTAL_STD,
			  result)
		       ? 0
		       : fail_real(team, "the result", result, due.sum);
}

/* The root of the sum of squares, or, where the sum is out of range, the norm
 * of the items themselves. */
static int prove_norm(struct rig_team *team, const struct total_args *args,
		      double result)
{
	struct judged_items what = chunks_of(team, args, 0, 0);
	bool scaled = !(result >= TOTAL_SQUARES_MIN) ||
		      result > 1 / TOTAL_SQUARES_MIN;
	long double sum = 0, want, nu;

	if (scaled)
		what = (struct judged_items){ .args = args,
					      .at = rig_team_data(team, X),
					      .stride = 1,
					      .count = args->lines.along };
	for (uint64_t i = 0; i < what.count; i++) {
		long double item = real_at(&what, i);

		sum += scaled ? item * item : item;
	}
	want = sqrtl(sum);
	nu = (long double)(what.count + 8) * 0x1p-53L;
	if (!isfinite((double)want)
		    ? result == (double)want || (result != result && sum != sum)
		    : fabsl(result - want) <=
			      want * nu / (1 - nu) + DBL_TRUE_MIN)
		return 0;
	return fail_real(team, "the result", result, want);
}

static int prove_real(struct rig_team *team, const struct total_args *args,
		      uint64_t line, double result)
{
	struct judged_items what = chunks_of(team, args, line, 0);
	long double want;

	if (total_varies(args))
		return prove_variance(team, args, line, result);
	if (args->op == TOTAL_MEAN)
		return prove_mean(team, args, line, result);
	if (args->op == TOTAL_NORM)
		return prove_norm(team, args, result);
	return is_real(&what, total_second(args), 0, result, &want)
		       ? 0
		       : fail_real(team, "the result", result, want);
}

static int prove_whole(struct rig_team *team, const struct total_args *args,
		       uint64_t line, uint64_t index)
{
	struct judged_items what = chunks_of(team, args, line, 0);
	uint64_t want = args->lines.along || args->op != TOTAL_MIN
				? whole_due(&what, total_second(args))
				: 0;
	enum rig_dtype dtype = args->header.arrays[RESULT].dtype;
	uint64_t is;

	/* No bit but the lowest one of a bool is right. */
	convert_to_64(dtype == RIG_BOOL ? RIG_UINT8 : dtype,
		      rig_team_data(team, RESULT), index, index + 1, &is);

	if (args->op == TOTAL_ANY)
		want = want > 0;
	if (args->op == TOTAL_ALL)
		want = want == args->lines.along;
	return is == want ? 0 : fail_whole(team, "the result", is, want);
}

/* A complex result is two. */
static double result_at(struct rig_team *team, const struct total_args *args,
			uint64_t i)
{
	uint32_t dtype = args->header.arrays[RESULT].dtype;
	double result;

	convert_to_double(dtype == RIG_COMPLEX128 ? RIG_FLOAT64 : dtype,
			  rig_team_data(team, RESULT), i, i + 1, &result);
	return result;
}

static int prove_results(struct rig_team *team, const struct total_args *args,
			 struct rig_span results)
{
	uint64_t step = total_counts(args) ? args->parts : total_joined(args);
	int r = 0;

	for (uint64_t i = results.begin; i < results.end && r == 0; i++)
		r = total_whole(args) ? prove_whole(team, args, i * step, i)
				      : prove_real(team, args, i * step,
						   result_at(team, args, i));
	return r;
}

static uint64_t count_results(const struct total_args *args)
{
	return total_lines(args) /
	       (total_counts(args) ? args->parts : total_joined(args));
}

/* ---- the kernel's functions ---- */

uint64_t total_blocks(const void *given)
{
	return total_tiles(given) + 1;
}

int total_prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct total_args *args = rig_team_args(team);

	(void)before;
	if (block < total_tiles(args))
		return prove_tile(team, args, block);
	return prove_results(team, args,
			     (struct rig_span){ 0, count_results(args) });
}

int total_digest(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);
	const struct rig_array *x = &args->header.arrays[X];
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, x->item_bytes, share_next(team, x->count));
	return 0;
}

int total_verify(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);
	struct rig_span tiles = share_next(team, total_tiles(args));
	int r = 0;

	if (args->header.given &&
	    args->header.digest[0] != args->header.found[0])
		return rig_team_fail(team, -EBADMSG, "total: x was changed");
	for (uint64_t i = tiles.begin; i < tiles.end && r == 0; i++)
		r = prove_tile(team, args, i);
	return r < 0 ? r
		     : prove_results(team, args,
				     share_next(team, count_results(args)));
}
