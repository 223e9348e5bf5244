/* SPDX-License-Identifier: MIT */
/*
 * vector_total.c - the sum, the least or the greatest of the values of a block.
 */
#include <kernels/lib/vector_frame.h>

#include <kernels/lib/fours.h>
#include <kernels/lib/reals.h>
#include <runner/convert.h>

/* Sums side by side: in a chain each addition waits for the addition before. */
#define SUMS 32

/* In this process: the sums of a block in the making. */
struct lane_sums {
	four lanes[SUMS / FOUR];
};

/* Items of a block until the other block's turn: a multiple of the sums. */
#define TURN 128

/* Add items of a, or products of items of a and b, whole rounds of lanes. */
INLINE void sums_add(struct lane_sums *sums, const double *a, const double *b,
		     size_t count)
{
	struct lane_sums here = *sums;

	for (size_t i = 0; i + SUMS <= count; i += SUMS) {
		for (size_t k = 0; k < SUMS / FOUR; k++) {
			size_t at = i + k * FOUR;
			four items = *(const any_four *)(a + at);

			if (b)
				items *= *(const any_four *)(b + at);
			here.lanes[k] += items;
		}
	}
	*sums = here;
}

/* The total, with the items that are left of all `count`. */
INLINE double sums_end(struct lane_sums *sums, const double *a, const double *b,
		       size_t count)
{
	double total;

	for (size_t half = SUMS / FOUR / 2; half; half /= 2)
		for (size_t k = 0; k < half; k++)
			sums->lanes[k] += sums->lanes[k + half];
	total = (sums->lanes[0][0] + sums->lanes[0][2]) +
		(sums->lanes[0][1] + sums->lanes[0][3]);
	for (size_t i = count - count % SUMS; i < count; i++)
		total += b ? a[i] * b[i] : a[i];
	return total;
}

CLONES_WIDE static double sum_doubles(const double *a, const double *b,
				      size_t count)
{
	struct lane_sums sums = { 0 };

	if (b)
		sums_add(&sums, a, b, count);
	else
		sums_add(&sums, a, NULL, count);
	return sums_end(&sums, a, b, count);
}

/* The products of two blocks, in turns. */
CLONES_WIDE static void sum_pair(const double *const a[2],
				 const double *const b[2], size_t count,
				 double to[2])
{
	struct lane_sums sums[2] = { 0 };

	for (size_t i = 0; i < count; i += TURN)
		for (int s = 0; s < 2; s++)
			sums_add(&sums[s], a[s] + i, b[s] + i,
				 count - i < TURN ? count - i : TURN);
	for (int s = 0; s < 2; s++)
		to[s] = sums_end(&sums[s], a[s], b[s], count);
}

void vector_total_pair(const double *const a[2], const double *const b[2],
		       size_t count, double to[2])
{
	sum_pair(a, b, count, to);
}

/* The least, or by its sign the greatest; a not-a-number wins. */
CLONES_WIDE static double least_of(const double *x, size_t count, double sign)
{
	double lanes[REALS_LANES];
	size_t i = 0;

	for (size_t l = 0; l < REALS_LANES; l++)
		lanes[l] = sign * x[0];
	for (; i + REALS_LANES <= count; i += REALS_LANES)
		for (size_t l = 0; l < REALS_LANES; l++)
			lanes[l] = lanes[l] < sign * x[i + l] ||
						   lanes[l] != lanes[l]
					   ? lanes[l]
					   : sign * x[i + l];
	for (; i < count; i++)
		lanes[0] = lanes[0] < sign * x[i] || lanes[0] != lanes[0]
				   ? lanes[0]
				   : sign * x[i];
	for (size_t l = 1; l < REALS_LANES; l++)
		if (lanes[l] < lanes[0] || lanes[l] != lanes[l])
			lanes[0] = lanes[l];
	return lanes[0] == lanes[0] ? sign * lanes[0] : lanes[0];
}

static uint64_t total_whole(const struct vector_program *program,
			    const uint64_t *x, size_t count)
{
	bool natural = program->inner == RIG_UINT64;
	uint64_t total = program->whole == EXPRESSION_SUM ? 0 : x[0];

	for (size_t i = 0; i < count; i++) {
		if (program->whole == EXPRESSION_SUM)
			total += x[i];
		else if (program->whole == EXPRESSION_MIN
				 ? is_less(x[i], natural, total, natural)
				 : is_less(total, natural, x[i], natural))
			total = x[i];
	}
	return total;
}

uint64_t vector_total(const struct vector_program *program,
		      void *const *registers, size_t count)
{
	enum rig_dtype dtype = (enum rig_dtype)program->inner;
	const void *x = registers[program->result];
	double wide[VECTOR_BLOCK];
	union number total;

	if (vector_class_of(dtype) == VECTOR_WHOLE)
		return total_whole(program, x, count);
	if (vector_class_of(dtype) == VECTOR_FLOAT) {
		convert_to_double(RIG_FLOAT32, x, 0, count, wide);
		x = wide;
	}
	total.real =
		program->whole == EXPRESSION_SUM
			? sum_doubles(x,
				      program->product
					      ? registers[program->factor]
					      : NULL,
				      count)
			: least_of(x, count,
				   program->whole == EXPRESSION_MAX ? -1 : 1);
	return total.whole;
}
