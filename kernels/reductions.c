/* SPDX-License-Identifier: MIT */
/*
 * reductions.c - a number from an array, or from each line of an array along an
 * axis: the sum, the least, the mean, ... (totals.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/totals.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define PERIOD         1000

static const char *const words[] = { "sum",           "min",  "max", "norm",
				     "prod",          "mean", "var", "std",
				     "count-nonzero", "any",  "all" };

#define LENGTH                                                                 \
	{                                                                      \
		.name = "length", .help = "elements of generated data",        \
		.kind = RIG_PARAM_SIZE,                                        \
		.offset = offsetof(struct total_args, length),                 \
		.fallback = "20M", .max = LENGTH_MAX                           \
	}
#define AXIS                                                                   \
	AXIS_PARAM(struct total_args,                                          \
		   "along which elements belong together: 0 is down the "      \
		   "columns of a matrix; none: all")

static const struct rig_param flat_params[] = { LENGTH, { 0 } };
#define COLUMNS AXIS_COLUMNS(struct total_args)

static const struct rig_param params[] = { LENGTH, AXIS, COLUMNS, { 0 } };
static const struct rig_param varying_params[] = {
	LENGTH,
	AXIS,
	COLUMNS,
	{ .name = "ddof",
	  .help = "subtracted from the number of elements before the "
		  "division, 1 for a sample",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct total_args, ddof),
	  .fallback = "0",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct total_args *args = given;

	return args->length;
}

/* Before check has found the lines there are none. */
static uint64_t count_chunks(const void *given)
{
	const struct total_args *args = given;

	return total_chunks(args) * total_lines(args) *
	       (total_varies(args) ? 2 : 1);
}

static uint64_t count_means(const void *given)
{
	return total_lines(given);
}

static uint64_t count_results(const void *given)
{
	const struct total_args *args = given;

	return total_lines(args) / (args->parts ? args->parts : 1);
}

/* The dtype of a part. */
static uint32_t part_of(uint32_t dtype)
{
	return dtype == RIG_COMPLEX64    ? RIG_FLOAT32
	       : dtype == RIG_COMPLEX128 ? RIG_FLOAT64
					 : dtype;
}

/* Complex numbers have a sum and a mean, are zero or not, and have a deviation
 * from the mean. */
static bool takes_complex(enum total_op op)
{
	return op == TOTAL_SUM || op >= TOTAL_MEAN;
}

static int check_dtype(struct total_args *args, enum total_op op, char *why,
		       size_t why_bytes)
{
	const struct rig_array *x = &args->header.arrays[X];
	struct rig_array part = *x;

	part.dtype = part_of(x->dtype);
	args->parts = 1 + (part.dtype != x->dtype);
	args->dtype = part.dtype;
	if (args->parts == 1 || !takes_complex(op))
		return convert_check(x, words[op], why, why_bytes);
	return convert_check(&part, words[op], why, why_bytes);
}

static enum rig_dtype result_of(const struct total_args *args)
{
	if (args->op == TOTAL_ANY || args->op == TOTAL_ALL)
		return RIG_BOOL;
	if (args->op == TOTAL_COUNT)
		return RIG_INT64;
	if (total_is_item(args))
		return args->dtype;
	if (total_whole(args))
		return convert_signed(args->dtype) || args->dtype == RIG_BOOL
			       ? RIG_INT64
			       : RIG_UINT64;
	return args->parts == 2 && !total_varies(args) ? RIG_COMPLEX128
						       : RIG_FLOAT64;
}

static int check_result(struct total_args *args, const struct rig_array *rest,
			char *why, size_t why_bytes)
{
	struct rig_array *result = &args->header.arrays[RESULT];
	bool given = result->dims > 0;
	int r = convert_result(result, result_of(args), why, why_bytes);

	if (r < 0 || given)
		return r;
	result->dims = rest->dims;
	for (uint32_t d = 0; d < rest->dims; d++)
		result->shape[d] = rest->shape[d];
	return 0;
}

static int check(struct total_args *args, enum total_op op, char *why,
		 size_t why_bytes)
{
	struct rig_array rest;
	int r = check_dtype(args, op, why, why_bytes);

	args->op = op;
	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r == 0)
		r = axis_find_generated(&args->header, args->axis,
					args->columns, &args->lines, &rest, why,
					why_bytes);
	if (r < 0)
		return r;
	args->lines.inner *= args->parts;
	if (args->lines.along == 0 && (op == TOTAL_MIN || op == TOTAL_MAX)) {
		snprintf(why, why_bytes, "no elements: none is the %s",
			 op == TOTAL_MIN ? "least" : "greatest");
		return -EINVAL;
	}
	return check_result(args, &rest, why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct total_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes *
	       (total_varies(args) ? 2 : 1);
}

/* Factors are about 1, and no product leaves a double's range. */
static double value_at(const struct total_args *args, size_t i)
{
	double item = (double)(i % PERIOD);

	return args->op == TOTAL_PROD ? 1 + (item - PERIOD / 2) * 0x1p-30
				      : item;
}

static int prepare(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = value_at(args, i);
	return rig_team_barrier(team);
}

/* The sign of a NaN does not count here. */
static double unsigned_nan(double real)
{
	return isnan(real) ? (double)NAN : real;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct total_args *args = given;
	enum rig_dtype dtype = result_of(args);
	const char *word = words[args->op];
	const double *parts = data[RESULT];
	union number total;

	*text = 0;
	if (args->lines.outer * args->lines.inner != args->parts)
		return;
	if (convert_whole(dtype))
		convert_to_64(dtype, data[RESULT], 0, 1, &total.whole);
	else if (dtype != RIG_COMPLEX128)
		convert_to_double(dtype, data[RESULT], 0, 1, &total.real);
	if (dtype == RIG_COMPLEX128)
		snprintf(text, bytes, "%s = %.17g, imaginary = %.17g", word,
			 unsigned_nan(parts[0]), unsigned_nan(parts[1]));
	else if (!convert_whole(dtype))
		snprintf(text, bytes, "%s = %.17g", word,
			 unsigned_nan(total.real));
	else if (convert_signed(dtype))
		snprintf(text, bytes, "%s = %" PRId64, word,
			 (int64_t)total.whole);
	else
		snprintf(text, bytes, "%s = %" PRIu64, word, total.whole);
}

#define ARRAYS                                                                 \
	{ .name = "x",                                                         \
	  .role = RIG_INPUT,                                                   \
	  .dtype = RIG_FLOAT64,                                                \
	  .any_dtype = true,                                                   \
	  .any_byte = true,                                                    \
	  .any_order = true,                                                   \
	  .count = count_generated },                                          \
		{ .name = "chunks",                                            \
		  .role = RIG_SCRATCH,                                         \
		  .dtype = RIG_FLOAT64,                                        \
		  .count = count_chunks },                                     \
	{                                                                      \
		.name = "result", .role = RIG_OUTPUT, .dtype = RIG_FLOAT64,    \
		.any_dtype = true, .count = count_results                      \
	}

static const struct rig_array_spec arrays[] = { ARRAYS, { 0 } };
static const struct rig_array_spec varying_arrays[] = {
	ARRAYS,
	{ .name = "means",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_means },
	{ 0 },
};

#define KERNEL(symbol, word, op, own_params, own_arrays, what)                 \
	static int check_##symbol(void *given, char *why, size_t why_bytes)    \
	{                                                                      \
		return check(given, op, why, why_bytes);                       \
	}                                                                      \
	const struct rig_kernel kernel_##symbol = {                            \
		.version = RIG_KERNEL_VERSION,                                 \
		.name = word,                                                  \
		.summary = what,                                               \
		.verified = "item after item in extended precision, within "   \
			    "the rounding that is due; integers exactly",      \
		.params = own_params,                                          \
		.arrays = own_arrays,                                          \
		.args_bytes = sizeof(struct total_args),                       \
		.check = check_##symbol,                                       \
		.bytes_moved = bytes_moved,                                    \
		.prepare = prepare,                                            \
		.digest = total_digest,                                        \
		.run = total_run,                                              \
		.hosts = 1,                                                    \
		.verify = total_verify,                                        \
		.blocks = total_blocks,                                        \
		.prove = total_prove,                                          \
		.result = result                                               \
	};

KERNEL(total, "sum", TOTAL_SUM, params, arrays,
       "the sum of an array, or along an axis")
KERNEL(min, "min", TOTAL_MIN, params, arrays,
       "the least element of an array, or along an axis")
KERNEL(max, "max", TOTAL_MAX, params, arrays,
       "the greatest element of an array, or along an axis")
KERNEL(norm, "norm", TOTAL_NORM, flat_params, arrays,
       "the Euclidean norm of an array")
KERNEL(prod, "prod", TOTAL_PROD, params, arrays,
       "the product of an array, or along an axis")
KERNEL(mean, "mean", TOTAL_MEAN, params, arrays,
       "the mean of an array, or along an axis")
KERNEL(var, "var", TOTAL_VAR, varying_params, varying_arrays,
       "the variance of an array, or along an axis")
KERNEL(std, "std", TOTAL_STD, varying_params, varying_arrays,
       "the standard deviation of an array, or along an axis")
KERNEL(count_nonzero, "count-nonzero", TOTAL_COUNT, params, arrays,
       "how many elements are not zero, in all or along an axis")
KERNEL(any, "any", TOTAL_ANY, params, arrays,
       "whether an element is not zero, in all or along an axis")
KERNEL(all, "all", TOTAL_ALL, params, arrays,
       "whether no element is zero, in all or along an axis")
