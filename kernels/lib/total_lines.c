/* SPDX-License-Identifier: MIT */
/*
 * total_lines.c - the loops of totals: along a line, and down lines side by side.
 */
#include <kernels/lib/total_lines.h>

#include <string.h>

#include <kernels/lib/clones.h>
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

/* Items that are compared side by side: each comparison waits for the
 * comparison before in its lane. */
#define WIDE_LANES 32

INLINE bool before(double a, double b, bool greatest)
{
	return greatest ? a > b : a < b;
}

/* The least or the greatest; a not-a-number wins. */
INLINE double extreme(const any_double *x, size_t count, bool greatest)
{
	double best = x[0], lanes[WIDE_LANES];
	int64_t none[WIDE_LANES] = { 0 }, any = 0;
	size_t i = 0;

	for (size_t l = 0; l < WIDE_LANES; l++)
		lanes[l] = best;
	for (; i + WIDE_LANES <= count; i += WIDE_LANES) {
		for (size_t l = 0; l < WIDE_LANES; l++) {
			double item = x[i + l];

			none[l] |= -(int64_t)(item != item);
			lanes[l] = before(item, lanes[l], greatest) ? item
								    : lanes[l];
		}
	}
	for (; i < count; i++) {
		any |= x[i] != x[i];
		best = before(x[i], best, greatest) ? x[i] : best;
	}
	for (size_t l = 0; l < WIDE_LANES; l++) {
		any |= none[l];
		best = before(lanes[l], best, greatest) ? lanes[l] : best;
	}
	return any ? not_a_number(x) : best;
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
