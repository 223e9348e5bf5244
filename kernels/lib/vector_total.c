/* SPDX-License-Identifier: MIT */
/*
 * vector_total.c - the sum, the least or the greatest of the values of a block.
 */
#include <kernels/lib/vector_frame.h>

#include <kernels/lib/reals.h>
#include <runner/convert.h>

/* Sums side by side: in a chain each addition waits for the addition before. */
#define SUMS 32

/* Totals of items of a, or of products of items of a and b. */
INLINE double sum_terms(const double *a, const double *b, size_t count)
{
	double sums[SUMS] = { 0 }, total;
	size_t i = 0;

	for (; i + SUMS <= count; i += SUMS)
		for (size_t l = 0; l < SUMS; l++)
			sums[l] += b ? a[i + l] * b[i + l] : a[i + l];
	for (size_t half = SUMS / 2; half; half /= 2)
		for (size_t l = 0; l < half; l++)
			sums[l] += sums[l + half];
	total = sums[0];
	for (; i < count; i++)
		total += b ? a[i] * b[i] : a[i];
	return total;
}

CLONES_WIDE static double sum_doubles(const double *a, const double *b,
				      size_t count)
{
	return b ? sum_terms(a, b, count) : sum_terms(a, NULL, count);
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
