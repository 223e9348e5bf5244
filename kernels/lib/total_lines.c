/* SPDX-License-Identifier: MIT */
/*
 * total_lines.c - the loops of totals: along a line, and down lines side by side.
 */
#include <kernels/lib/total_lines.h>

#include <string.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/fours.h>
#include <kernels/lib/reals.h>

#define LANES REALS_LANES

/* ---- a line whose items lie without gaps ---- */

/* The first NaN. */
static double not_a_number(const any_double *x)
{
	while (*x == *x)
		x++;
	return *x;
}

/* Items that are compared side by side: each comparison waits for the comparison
 * before in its lane. */
#define WIDE_LANES (2 * FOUR)

/* In this process: the least or the greatest of each lane of a line, and where a
 * lane had a NaN. */
struct lane_range {
	four best[2];
	four_masks none;
};

INLINE bool before(double a, double b, bool greatest)
{
	return greatest ? a > b : a < b;
}

INLINE void best_begin(struct lane_range *found, double first)
{
	const four all = { first, first, first, first };

	found->best[0] = found->best[1] = all;
	found->none = (four_masks){ 0 };
}

INLINE void best_add(struct lane_range *found, const any_double *x,
		     size_t count, bool greatest)
{
	struct lane_range here = *found;

	for (size_t i = 0; i + WIDE_LANES <= count; i += WIDE_LANES) {
		for (size_t k = 0; k < 2; k++) {
			four items = *(const any_four *)(x + i + FOUR * k);
			four_masks better = greatest ? items > here.best[k]
						     : items < here.best[k];

			here.none |= items != items;
			here.best[k] =
				(four)((better & (four_masks)items) |
				       (~better & (four_masks)here.best[k]));
		}
	}
	*found = here;
}

/* A not-a-number wins. */
INLINE double best_end(const struct lane_range *found, const any_double *x,
		       size_t count, bool greatest)
{
	double best = x[0];
	int64_t any = 0;

	for (size_t i = count - count % WIDE_LANES; i < count; i++) {
		any |= x[i] != x[i];
		best = before(x[i], best, greatest) ? x[i] : best;
	}
	for (size_t l = 0; l < WIDE_LANES; l++) {
		double lane = found->best[l / FOUR][l % FOUR];

		any |= found->none[l % FOUR];
		best = before(lane, best, greatest) ? lane : best;
	}
	return any ? not_a_number(x) : best;
}

/* The least or the greatest. */
INLINE double extreme(const any_double *x, size_t count, bool greatest)
{
	struct lane_range found;

	best_begin(&found, x[0]);
	best_add(&found, x, count, greatest);
	return best_end(&found, x, count, greatest);
}

INLINE double product(const any_double *x, size_t count)
{
	double lanes[LANES], all = 1;
	size_t i = 0;

	for (size_t l = 0; l < LANES; l++)
		lanes[l] = 1;
	for (; i + LANES <= count; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lanes[l] *= x[i + l];
	for (; i < count; i++)
		lanes[0] *= x[i];
	for (size_t l = 0; l < LANES; l++)
		all *= lanes[l];
	return all;
}

INLINE double deviations(const any_double *x, size_t count, double mean)
{
	double lanes[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= count; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lanes[l] += (x[i + l] - mean) * (x[i + l] - mean);
	for (; i < count; i++)
		lanes[0] += (x[i] - mean) * (x[i] - mean);
	return reals_join(lanes);
}

CLONES_WIDE static double real_line(const any_double *x, size_t count,
				    enum total_step step, double mean)
{
	switch (step) {
	case STEP_MIN:
		return extreme(x, count, false);
	case STEP_MAX:
		return extreme(x, count, true);
	case STEP_PROD:
		return product(x, count);
	case STEP_SQUARES:
		return reals_dot(x, x, count);
	case STEP_DEVIATIONS:
		return deviations(x, count, mean);
	default:
		return reals_sum(x, count);
	}
}

/* ---- lines in several places, side by side ---- */

/* Items of a line until the next line's turn: a multiple of the lanes. */
#define TURN 64

INLINE size_t turn_of(size_t begin, size_t count)
{
	return count - begin < TURN ? count - begin : TURN;
}

INLINE void extreme_streams(const any_double *const x[TOTAL_STREAMS],
			    size_t count, bool greatest,
			    double to[TOTAL_STREAMS])
{
	struct lane_range found[TOTAL_STREAMS];

	for (size_t s = 0; s < TOTAL_STREAMS; s++)
		best_begin(&found[s], x[s][0]);
	for (size_t i = 0; i < count; i += TURN)
		for (size_t s = 0; s < TOTAL_STREAMS; s++)
			best_add(&found[s], x[s] + i, turn_of(i, count),
				 greatest);
	for (size_t s = 0; s < TOTAL_STREAMS; s++)
		to[s] = best_end(&found[s], x[s], count, greatest);
}

/* Sums of items or of squares, in the order of reals_sum() and reals_dot(), or of
 * deviations from a mean. */
INLINE void sums_add(double lanes[LANES], const any_double *x, size_t count,
		     enum total_step step, double mean)
{
	double here[LANES];

	memcpy(here, lanes, sizeof(here));
	for (size_t i = 0; i + LANES <= count; i += LANES) {
		for (size_t l = 0; l < LANES; l++) {
			double item = x[i + l];

			here[l] += step == STEP_SQUARES ? item * item
				   : step == STEP_DEVIATIONS
					   ? (item - mean) * (item - mean)
					   : item;
		}
	}
	memcpy(lanes, here, sizeof(here));
}

INLINE void sum_streams(const any_double *const x[TOTAL_STREAMS], size_t count,
			enum total_step step, const double mean[TOTAL_STREAMS],
			double to[TOTAL_STREAMS])
{
	double lanes[TOTAL_STREAMS][LANES] = { { 0 } };

	for (size_t i = 0; i < count; i += TURN)
		for (size_t s = 0; s < TOTAL_STREAMS; s++)
			sums_add(lanes[s], x[s] + i, turn_of(i, count), step,
				 mean[s]);
	for (size_t s = 0; s < TOTAL_STREAMS; s++)
		to[s] = reals_join(lanes[s]);
}

CLONES_WIDE static void real_streams(const any_double *const x[TOTAL_STREAMS],
				     size_t count, enum total_step step,
				     const double mean[TOTAL_STREAMS],
				     double to[TOTAL_STREAMS])
{
	if (step == STEP_MIN)
		extreme_streams(x, count, false, to);
	else if (step == STEP_MAX)
		extreme_streams(x, count, true, to);
	else if (step == STEP_SQUARES)
		sum_streams(x, count, STEP_SQUARES, mean, to);
	else if (step == STEP_DEVIATIONS)
		sum_streams(x, count, STEP_DEVIATIONS, mean, to);
	else
		sum_streams(x, count, STEP_SUM, mean, to);
}

/* The sums keep whole lanes alone. */
bool total_streams_take(const struct total_args *args, enum total_step step,
			size_t count)
{
	return args->dtype == RIG_FLOAT64 && !total_whole(args) &&
	       step != STEP_PROD && count > 0 && count % LANES == 0;
}

void total_streams(const void *const x[TOTAL_STREAMS], size_t count,
		   enum total_step step, const double mean[TOTAL_STREAMS],
		   double to[TOTAL_STREAMS])
{
	const any_double *items[TOTAL_STREAMS];

	for (size_t s = 0; s < TOTAL_STREAMS; s++)
		items[s] = x[s];
	real_streams(items, count, step, mean, to);
}

/* ---- whole numbers ---- */

/* Numbers with a sign are compared with the sign bit turned. */
CLONES static uint64_t whole_line(const uint64_t *x, size_t count,
				  enum total_step step, uint64_t sign)
{
	uint64_t total = step == STEP_SUM ? 0 : step == STEP_PROD ? 1 : x[0];

	for (size_t i = 0; i < count && step == STEP_SUM; i++)
		total += x[i];
	for (size_t i = 0; i < count && step == STEP_PROD; i++)
		total *= x[i];
	for (size_t i = 0; i < count && step == STEP_MIN; i++)
		total = (x[i] ^ sign) < (total ^ sign) ? x[i] : total;
	for (size_t i = 0; i < count && step == STEP_MAX; i++)
		total = (x[i] ^ sign) > (total ^ sign) ? x[i] : total;
	return total;
}

/* ---- lines that lie side by side ---- */

CLONES static void real_row(double *restrict to, const any_double *x,
			    size_t count, enum total_step step,
			    const double *means)
{
	switch (step) {
	case STEP_MIN:
		for (size_t i = 0; i < count; i++)
			to[i] = x[i] < to[i] || x[i] != x[i] ? x[i] : to[i];
		break;
	case STEP_MAX:
		for (size_t i = 0; i < count; i++)
			to[i] = x[i] > to[i] || x[i] != x[i] ? x[i] : to[i];
		break;
	case STEP_PROD:
		for (size_t i = 0; i < count; i++)
			to[i] *= x[i];
		break;
	case STEP_DEVIATIONS:
		for (size_t i = 0; i < count; i++)
			to[i] += (x[i] - means[i]) * (x[i] - means[i]);
		break;
	default:
		for (size_t i = 0; i < count; i++)
			to[i] += x[i];
	}
}

CLONES static void whole_row(uint64_t *restrict to, const uint64_t *x,
			     size_t count, enum total_step step, uint64_t sign)
{
	switch (step) {
	case STEP_MIN:
		for (size_t i = 0; i < count; i++)
			to[i] = (x[i] ^ sign) < (to[i] ^ sign) ? x[i] : to[i];
		break;
	case STEP_MAX:
		for (size_t i = 0; i < count; i++)
			to[i] = (x[i] ^ sign) > (to[i] ^ sign) ? x[i] : to[i];
		break;
	case STEP_PROD:
		for (size_t i = 0; i < count; i++)
			to[i] *= x[i];
		break;
	default:
		for (size_t i = 0; i < count; i++)
			to[i] += x[i];
	}
}

void total_row_begin(const struct total_args *args, union number *to,
		     const union number *first, size_t count,
		     enum total_step step)
{
	bool one = step == STEP_PROD;

	if (step == STEP_MIN || step == STEP_MAX)
		memcpy(to, first, count * sizeof(*to));
	else
		for (size_t i = 0; i < count; i++)
			to[i] = total_whole(args)
					? (union number){ .whole = one }
					: (union number){ .real = one };
}

void total_row_add(const struct total_args *args, union number *to,
		   const union number *x, size_t count, enum total_step step,
		   const double *means)
{
	if (total_whole(args))
		whole_row(&to->whole, &x->whole, count, step, total_sign(args));
	else
		real_row(&to->real, (const any_double *)x, count, step, means);
}

union number total_line(const struct total_args *args, const union number *x,
			size_t count, enum total_step step, double mean)
{
	if (total_whole(args))
		return (union number){ .whole = whole_line(&x->whole, count,
							   step,
							   total_sign(args)) };
	return (union number){ .real = real_line((const any_double *)x, count,
						 step, mean) };
}
