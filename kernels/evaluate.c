/* SPDX-License-Identifier: MIT */
/*
 * evaluate.c - an expression over arrays: out = 2*x + sin(y), or a sum, min or max.
 *
 * Each rank has a strip of the elements, and takes it through the program of the
 * expression in blocks that stay in the cache.  A whole sum is that of blocks'
 * sums, whose order does not depend on how many ranks there are.
 *
 * The proof computes each value of a block again, node by node and by the C
 * library, with a bound of what the vector library's error of 4 units may make of
 * it (lib/evaluation.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <kernels/lib/evaluation_blocks.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/stream.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/vector.h>
#include <runner/arguments.h>
#include <runner/convert.h>

#define LENGTH_MAX 1e12

/* Blocks after which a rank says how far it is. */
#define SAY_BLOCKS 64

/* Values of generated items: multiples of 1/64 about 0, each as often. */
#define PERIOD 2001

_Static_assert(VECTOR_BLOCK == SHARE_CHUNK, "a block has a total of its own");

static const struct rig_param params[] = {
	{ .name = "expr",
	  .help = "the expression, NumPy's; what it names are arrays",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct evaluate_args, expr),
	  .fallback = "2*x + sin(y)",
	  .bytes = EXPRESSION_BYTES },
	{ .name = "let",
	  .help = "names in it that are numbers: \"a=2, b=-0.5\"",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct evaluate_args, let),
	  .fallback = "",
	  .bytes = SCALARS_BYTES },
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct evaluate_args, length),
	  .fallback = "4M",
	  .max = LENGTH_MAX },
	{ 0 },
};

/* ---- what arrays there are ---- */

static uint64_t count_generated(const void *given)
{
	const struct evaluate_args *args = given;

	return args->length;
}

static uint64_t count_results(const void *given)
{
	const struct evaluate_args *args = given;

	return args->results;
}

static uint64_t count_chunks(const void *given)
{
	const struct evaluate_args *args = given;

	return share_chunks(args->elements);
}

#define INPUT_ARRAY                                                            \
	.role = RIG_INPUT, .dtype = RIG_FLOAT64, .any_dtype = true,            \
	.any_byte = true, .any_order = true, .count = count_generated
#define RESULT_ARRAY                                                           \
	.role = RIG_OUTPUT, .dtype = RIG_FLOAT64, .any_dtype = true,           \
	.count = count_results

/* Arrays of the default expression. */
static const struct rig_array_spec arrays[] = {
	{ .name = "x", INPUT_ARRAY },
	{ .name = "y", INPUT_ARRAY },
	{ .name = "out", RESULT_ARRAY },
	{ 0 },
};

static int parse(const struct evaluate_args *args, struct expression *e,
		 char *why, size_t why_bytes)
{
	int r = expression_parse(e, args->expr, args->let);

	if (r < 0)
		expression_say(e, args->expr, why, why_bytes);
	return r;
}

static int declare(const void *given, struct rig_declared *declared, char *why,
		   size_t why_bytes)
{
	const struct evaluate_args *args = given;
	struct expression e;
	int r = parse(args, &e, why, why_bytes), n = e.arrays;

	if (r < 0)
		return r;
	/* Some have a sum of each block as well. */
	if (expression_whole(&e) != EXPRESSION_OPS && n == EXPRESSION_ARRAYS) {
		snprintf(why, why_bytes, "expr: a %s is of at most %d arrays",
			 expression_name(expression_whole(&e)),
			 EXPRESSION_ARRAYS - 1);
		return -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		declared->specs[i] = (struct rig_array_spec){ INPUT_ARRAY };
		memcpy(declared->names[i], e.names[i], RIG_DECLARED_BYTES);
	}
	declared->specs[n] = (struct rig_array_spec){ RESULT_ARRAY };
	snprintf(declared->names[n], RIG_DECLARED_BYTES, "out");
	if (expression_whole(&e) == EXPRESSION_OPS)
		return 0;
	declared->specs[n + 1] =
		(struct rig_array_spec){ .dtype = RIG_FLOAT64,
					 .count = count_chunks };
	snprintf(declared->names[n + 1], RIG_DECLARED_BYTES, "out-chunks");
	return 0;
}

int evaluation_read(const struct evaluate_args *args, struct expression *e,
		    struct broadcast *all, char *why, size_t why_bytes)
{
	enum rig_dtype dtypes[EXPRESSION_ARRAYS];
	int r = parse(args, e, why, why_bytes);

	if (r < 0)
		return r;
	for (int k = 0; k < e->arrays; k++)
		dtypes[k] = (enum rig_dtype)args->header.arrays[k].dtype;
	r = expression_type(e, dtypes);
	if (r < 0) {
		expression_say(e, args->expr, why, why_bytes);
		return r;
	}
	return broadcast_shapes(all, args->header.arrays, e->arrays,
				(const char(*)[RIG_DECLARED_BYTES])e->names,
				why, why_bytes);
}

/* The result is of the expression's dtype and shape. */
static int check_result(struct evaluate_args *args, const struct expression *e,
			const struct broadcast *all, char *why,
			size_t why_bytes)
{
	struct rig_array *out = &args->header.arrays[e->arrays];
	enum rig_dtype dtype = (enum rig_dtype)e->nodes[e->count - 1].dtype;
	bool whole = expression_whole(e) != EXPRESSION_OPS;
	uint32_t dims = whole ? 1 : (uint32_t)all->dims;
	int64_t one = 1;
	const int64_t *extent = whole ? &one : all->extent;
	int r = convert_result(out, dtype, why, why_bytes);

	if (r < 0)
		return r;
	if (out->dims == 0) {
		out->dims = dims;
		memcpy(out->shape, extent, dims * sizeof(*extent));
		return 0;
	}
	if (out->dims == dims &&
	    memcmp(out->shape, extent, dims * sizeof(*extent)) == 0)
		return 0;
	snprintf(why, why_bytes,
		 "out has another shape than the expression, which has %llu "
		 "elements in %u dimension%s",
		 (unsigned long long)args->results, dims, dims == 1 ? "" : "s");
	return -EINVAL;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct evaluate_args *args = given;
	struct expression e;
	struct broadcast all;
	int r = evaluation_read(args, &e, &all, why, why_bytes);
	enum expression_op whole;

	if (r < 0)
		return r;
	whole = expression_whole(&e);
	args->elements = all.count;
	args->results = whole == EXPRESSION_OPS ? all.count : 1;
	if (all.count == 0 &&
	    (whole == EXPRESSION_MIN || whole == EXPRESSION_MAX)) {
		snprintf(why, why_bytes, "no elements: none is the %s",
			 whole == EXPRESSION_MIN ? "least" : "greatest");
		return -EINVAL;
	}
	return check_result(args, &e, &all, why, why_bytes);
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	struct evaluation *own;
	size_t bytes, proof = evaluation_proof_bytes();

	if (evaluation_open(given, &own) < 0)
		return sizeof(*own) + proof;
	bytes = sizeof(*own) +
		(size_t)vector_buffers(&own->program) * VECTOR_BYTES;
	evaluation_close(own);
	/* Bytes that malloc() and aligned_alloc() take for themselves. */
	return (bytes > proof ? bytes : proof) + 4096;
}

/* ---- the work ---- */

static void find_data(struct rig_team *team, int count, void **data)
{
	for (int i = 0; i < count; i++)
		data[i] = rig_team_data(team, i);
}

static int run_elements(struct rig_team *team, const struct evaluate_args *args,
			struct evaluation *own)
{
	struct rig_span strip = rig_team_strip(team, args->elements);
	void *data[RIG_ARRAYS_MAX];
	int n = own->program.arrays, r = 0;
	size_t blocks = 0, all = (strip.end - strip.begin) / VECTOR_BLOCK + 1;

	find_data(team, n + 1, data);
	own->streams =
		(strip.end - strip.begin) *
			rig_dtype_bytes((enum rig_dtype)own->program.dtype) >=
		STREAM_BYTES;
	for (size_t at = strip.begin; at < strip.end && r == 0;
	     at += VECTOR_BLOCK, blocks++) {
		size_t count = strip.end - at < VECTOR_BLOCK ? strip.end - at
							     : VECTOR_BLOCK;

		evaluation_aim(own, data[n], at);
		r = evaluation_block(args, own, data, at, count);
		evaluation_store(own, data[n], at, count);
		if (blocks % SAY_BLOCKS == 0)
			share_done(team, blocks, all);
	}
	stream_fence();
	return r;
}

/* Chunks from one stream to the next: a core reads two streams of each array
 * faster than a single stream. */
#define STREAM_CHUNKS 8

/* The factors of a sum of products, where both are arrays as they lie. */
static bool find_factors(const struct evaluate_args *args,
			 const struct evaluation *own, void *const data[],
			 const double *factors[2])
{
	const struct vector_program *program = &own->program;
	const uint16_t registers[2] = { program->result, program->factor };

	if (!program->product || program->count > 0)
		return false;
	for (int i = 0; i < 2; i++) {
		int k = registers[i];
		const struct rig_array *array = &args->header.arrays[k];

		if (k >= program->arrays || array->dtype != RIG_FLOAT64 ||
		    array->swapped || !own->shapes.flat[k] ||
		    (uintptr_t)data[k] % sizeof(double))
			return false;
		factors[i] = data[k];
	}
	return true;
}

/* Chunks of the rank's strip, in windows of two streams; returns the first chunk
 * after the last window. */
static size_t run_products(struct rig_team *team,
			   const double *const factors[2], uint64_t *chunks,
			   struct rig_span strip)
{
	const size_t window = 2 * STREAM_CHUNKS;
	size_t c = strip.begin;

	/* The last chunk of all may be short. */
	for (; c + window < strip.end; c += window) {
		for (size_t k = c; k < c + STREAM_CHUNKS; k++) {
			size_t near = k * SHARE_CHUNK;
			size_t far = (k + STREAM_CHUNKS) * SHARE_CHUNK;
			double totals[2];

			vector_total_pair(
				(const double *[]){ factors[0] + near,
						    factors[0] + far },
				(const double *[]){ factors[1] + near,
						    factors[1] + far },
				SHARE_CHUNK, totals);
			memcpy(&chunks[k], &totals[0], sizeof(*chunks));
			memcpy(&chunks[k + STREAM_CHUNKS], &totals[1],
			       sizeof(*chunks));
		}
		share_done(team, c - strip.begin, strip.end - strip.begin);
	}
	return c;
}

static int run_chunks(struct rig_team *team, const struct evaluate_args *args,
		      struct evaluation *own)
{
	struct rig_span strip =
		rig_team_strip(team, share_chunks(args->elements));
	void *data[RIG_ARRAYS_MAX];
	int n = own->program.arrays, r = 0;
	const double *factors[2];
	size_t first = strip.begin;

	find_data(team, n + 2, data);
	if (find_factors(args, own, data, factors))
		first = run_products(team, factors, data[n + 1], strip);
	for (size_t c = first; c < strip.end && r == 0; c++) {
		struct rig_span span = share_chunk(args->elements, c);
		size_t count = span.end - span.begin;

		r = evaluation_block(args, own, data, span.begin, count);
		((uint64_t *)data[n + 1])[c] =
			vector_total(&own->program, own->registers, count);
		if ((c - strip.begin) % SAY_BLOCKS == 0)
			share_done(team, c - strip.begin,
				   strip.end - strip.begin);
	}
	return r;
}

/* The total of the blocks' totals, a block of totals at a time. */
static uint64_t join_chunks(const struct evaluation *own,
			    const uint64_t *chunks, size_t count)
{
	struct vector_program program = own->program;
	void *registers[1];
	uint64_t pair[2] = { 0 };

	program.product = false;
	program.result = 0;
	if (vector_class_of((enum rig_dtype)program.inner) != VECTOR_WHOLE)
		program.inner = RIG_FLOAT64;
	for (size_t at = 0; at < count; at += VECTOR_BLOCK) {
		registers[0] = (void *)(uintptr_t)(chunks + at);
		pair[1] = vector_total(
			&program, registers,
			count - at < VECTOR_BLOCK ? count - at : VECTOR_BLOCK);
		registers[0] = pair;
		pair[0] = at ? vector_total(&program, registers, 2) : pair[1];
	}
	return pair[0];
}

static int fail_run(struct rig_team *team, int r)
{
	return rig_team_fail(team, r, "%s",
			     r == -EDOM ? "evaluate: a whole number to a "
					  "negative power"
					: "evaluate: out of memory");
}

static int run(struct rig_team *team)
{
	const struct evaluate_args *args = rig_team_args(team);
	struct evaluation *own = NULL;
	int r = evaluation_open(args, &own), n;
	bool whole;

	if (r < 0)
		return fail_run(team, r);
	n = own->program.arrays;
	whole = own->program.whole != EXPRESSION_OPS;
	r = whole ? run_chunks(team, args, own) : run_elements(team, args, own);
	if (r < 0) {
		evaluation_close(own);
		return fail_run(team, r);
	}
	rig_team_barrier(team);
	if (whole && rig_team_rank(team) == 0)
		evaluation_put_total(own,
				     join_chunks(own,
						 rig_team_data(team, n + 1),
						 share_chunks(args->elements)),
				     rig_team_data(team, n));
	evaluation_close(own);
	return whole ? rig_team_barrier(team) : 0;
}

/* The arrays that the expression names; and whether there is a total. */
static int count_inputs(const struct evaluate_args *args, bool *whole)
{
	struct expression e;

	if (expression_parse(&e, args->expr, args->let) < 0)
		return 0;
	*whole = expression_whole(&e) != EXPRESSION_OPS;
	return e.arrays;
}

static int prepare(struct rig_team *team)
{
	const struct evaluate_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	bool whole;
	int n = count_inputs(args, &whole);

	for (int k = 0; k < n; k++) {
		double *x = rig_team_data(team, k);

		for (size_t i = strip.begin; i < strip.end; i++)
			x[i] = (double)(share_scatter(i + (size_t)k * 77) %
					PERIOD) /
				       64 -
			       (double)PERIOD / 128;
	}
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	const struct evaluate_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);
	bool whole;
	int n = count_inputs(args, &whole);

	for (int k = 0; k < n; k++)
		sums[k % RIG_DIGEST_WORDS] += sum_strip(
			team, k, args->header.arrays[k].item_bytes,
			share_next(team, args->header.arrays[k].count));
	return 0;
}

/* Each chunk of elements is a block, and a total of them is the last one. */
static uint64_t blocks(const void *given)
{
	const struct evaluate_args *args = given;
	bool whole = false;
	int n = count_inputs(args, &whole);

	/* Where a job has no array left for the sample, all is proved. */
	if (n + 1 + whole >= RIG_ARRAYS_MAX)
		return 0;
	return share_chunks(args->elements) + 1;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	return evaluation_prove(team, block);
}

static int verify(struct rig_team *team)
{
	const struct evaluate_args *args = rig_team_args(team);
	struct rig_span own =
		share_next(team, share_chunks(args->elements) + 1);
	int r = 0;

	for (int w = 0; args->header.given && w < RIG_DIGEST_WORDS; w++)
		if (args->header.digest[w] != args->header.found[w])
			return rig_team_fail(team, -EBADMSG,
					     "evaluate: an input was changed");
	for (size_t b = own.begin; b < own.end && r == 0; b++)
		r = evaluation_prove(team, b);
	return r;
}

/* The number that a sum, a min or a max is. */
static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct evaluate_args *args = given;
	struct expression e;
	enum expression_op whole;
	enum rig_dtype dtype;
	uint64_t natural = 0;
	double real = 0;

	*text = 0;
	if (expression_parse(&e, args->expr, args->let) < 0)
		return;
	whole = expression_whole(&e);
	if (whole == EXPRESSION_OPS)
		return;
	dtype = (enum rig_dtype)args->header.arrays[e.arrays].dtype;
	if (expression_is_float(dtype)) {
		convert_to_double(dtype, data[e.arrays], 0, 1, &real);
		snprintf(text, bytes, "%s = %.17g", expression_name(whole),
			 isnan(real) ? (double)NAN : real);
		return;
	}
	convert_to_64(dtype, data[e.arrays], 0, 1, &natural);
	snprintf(text, bytes,
		 expression_is_unsigned(dtype) ? "%s = %" PRIu64
					       : "%s = %" PRId64,
		 expression_name(whole), natural);
}

static double bytes_moved(const void *given)
{
	const struct evaluate_args *args = given;
	bool whole;
	int n = count_inputs(args, &whole);
	double bytes = 0;

	for (int k = 0; k <= n; k++)
		bytes += (double)args->header.arrays[k].count *
			 args->header.arrays[k].item_bytes;
	return bytes;
}

static double items(const void *given, void *const data[])
{
	const struct evaluate_args *args = given;

	(void)data;
	return (double)args->elements;
}

const struct rig_kernel kernel_evaluate = {
	.version = RIG_KERNEL_VERSION,
	.name = "evaluate",
	.summary = "an expression over arrays, element by element, or its sum, "
		   "min or max",
	.verified =
		"each value again by the C library, within what errors of 4 "
		"units in the last place make of it",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct evaluate_args),
	.declare = declare,
	.check = check,
	.bytes_moved = bytes_moved,
	.items = items,
	.item = "elements",
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
	.result = result,
};
