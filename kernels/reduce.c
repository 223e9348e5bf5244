/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - PRK's reduce: vectors added up, element by element.
 *
 * There are `vectors` of them, vector v all v + 1, whatever the number of
 * workers; PRK has two a thread.
 *
 *	method=strips    each rank adds a strip of all vectors: every element is
 *	                 read once, nothing is written but the result (PRK's
 *	                 long-optimal)
 *	method=tree      pairs, then pairs of pairs, with a barrier between
 *	                 rounds (binary-barrier)
 *	method=tree-p2p  the same, but whoever adds a pair waits for the two
 *	                 alone (binary-p2p)
 *	method=linear    rank 0 adds them all, and the others look on
 */
#include <errno.h>
#include <stdatomic.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define LENGTH_MAX  1099511627776.0 /* 2^40 */
#define VECTORS_MAX 4096.0
#define STRIDE      (RIG_LINE / sizeof(uint64_t))

enum { VECTORS, RESULT, ROUNDS };
enum method { STRIPS, TREE, TREE_P2P, LINEAR };

struct reduce_args {
	struct rig_kernel_args header;
	size_t length;
	size_t vectors;
	size_t iterations;
	uint32_t method;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of a vector",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reduce_args, length),
	  .fallback = "2M",
	  .max = LENGTH_MAX },
	{ .name = "vectors",
	  .help = "how many are added up: PRK's two a thread",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reduce_args, vectors),
	  .fallback = "8",
	  .min = 1,
	  .max = VECTORS_MAX },
	{ .name = "method",
	  .help = "strips of all vectors, a tree of pairs with barriers or "
		  "flags, or one rank alone",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct reduce_args, method),
	  .fallback = "strips",
	  .choices = "strips tree tree-p2p linear" },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reduce_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count_vectors(const void *given)
{
	const struct reduce_args *args = given;

	return args->length * args->vectors;
}

static uint64_t count_result(const void *given)
{
	const struct reduce_args *args = given;

	return args->length;
}

/* The round of each vector, on a separate line. */
static uint64_t count_rounds(const void *given)
{
	const struct reduce_args *args = given;

	return args->vectors * STRIDE;
}

/* By strips, once each; a tree moves more. */
static double bytes_moved(const void *given)
{
	const struct reduce_args *args = given;

	return (double)(args->iterations + 1) * sizeof(double) *
	       (double)args->length * (double)(args->vectors + 1);
}

static double flops(const void *given)
{
	const struct reduce_args *args = given;

	return (double)(args->iterations + 1) * (double)args->length *
	       (double)(args->vectors - 1);
}

/* A strip of each vector, where ranks add up strips. */
static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct reduce_args *args = given;
	struct rig_span strip = rig_strip(args->length, rank, size);
	int count = 0;

	if (index != VECTORS || args->method != STRIPS ||
	    args->vectors > RIG_SPANS_MAX)
		return share_rows(bytes / sizeof(double), sizeof(double), rank,
				  size, spans);
	for (size_t v = 0; v < args->vectors && strip.begin < strip.end; v++)
		spans[count++] = (struct rig_span){
			(v * args->length + strip.begin) * sizeof(double),
			(v * args->length + strip.end) * sizeof(double)
		};
	return count;
}

/* Whole vectors: about the vectors that the tree has this rank write. */
static void fill(const struct reduce_args *args, double *vectors,
		 struct rig_span mine)
{
	for (size_t v = mine.begin; v < mine.end; v++)
		for (size_t i = 0; i < args->length; i++)
			vectors[v * args->length + i] = (double)(v + 1);
}

static int prepare(struct rig_team *team)
{
	const struct reduce_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *result = rig_team_data(team, RESULT);

	fill(args, rig_team_data(team, VECTORS),
	     rig_team_strip(team, args->vectors));
	for (size_t i = strip.begin; i < strip.end; i++)
		result[i] = 0;
	return rig_team_barrier(team);
}

/* The sum of `many` vectors, `n` apart, in `to`, or on top of the old elements:
 * with constants for `many` and `on_top`, each sum is written once. */
INLINE void sum_up(double *restrict to, const double *restrict from, size_t n,
		   size_t count, size_t many, bool on_top)
{
	for (size_t i = 0; i < count; i++) {
		double sum = on_top ? to[i] + from[i] : from[i];

		for (size_t v = 1; v < many; v++)
			sum += from[v * n + i];
		to[i] = sum;
	}
}

#define AT_ONCE 8 /* vectors */

#define SUM_UP(many)                                                           \
	case many:                                                             \
		sum_up(to, from, n, count, many, on_top);                      \
		break

/* With a constant for `many`, 1 to AT_ONCE. */
INLINE void sum_up_any(double *restrict to, const double *restrict from,
		       size_t n, size_t count, size_t many, bool on_top)
{
	switch (many) {
		SUM_UP(1);
		SUM_UP(2);
		SUM_UP(3);
		SUM_UP(4);
		SUM_UP(5);
		SUM_UP(6);
		SUM_UP(7);
		SUM_UP(AT_ONCE);
	}
}

#undef SUM_UP

CLONES static void set(double *restrict to, const double *restrict from,
		       size_t n, size_t count, size_t many)
{
	sum_up_any(to, from, n, count, many, false);
}

CLONES static void add(double *restrict to, const double *restrict from,
		       size_t n, size_t count, size_t many)
{
	sum_up_any(to, from, n, count, many, true);
}

static size_t at_once(size_t left)
{
	return left < AT_ONCE ? left : AT_ONCE;
}

/* A strip of all vectors, a chunk at a time that stays in the cache. */
static void strips(const struct reduce_args *args, double *result,
		   const double *vectors, struct rig_span strip)
{
	size_t n = args->length;

	for (size_t at = strip.begin; at < strip.end; at += SHARE_CHUNK) {
		size_t left = strip.end - at;
		size_t count = left < SHARE_CHUNK ? left : SHARE_CHUNK;
		size_t v = at_once(args->vectors);

		set(result + at, vectors + at, n, count, v);
		for (size_t many; v < args->vectors; v += many) {
			many = at_once(args->vectors - v);
			add(result + at, vectors + v * n + at, n, count, many);
		}
	}
}

/* In shared memory: the last round in which another vector was added to vector
 * v, counted from 1 through all sweeps. */
static _Atomic uint64_t *rounds_of(const struct rig_team *team, size_t v)
{
	_Atomic uint64_t *rounds = rig_team_data(team, ROUNDS);

	return rounds + v * STRIDE;
}

/* Wait until all earlier additions to a vector are done: those of the last
 * round before `round` in which the vector has a partner, if there is such a
 * round.  `before` rounds came before this sweep. */
static void await_vector(const struct rig_team *team,
			 const struct reduce_args *args, size_t v,
			 uint64_t before, unsigned round)
{
	while (round > 0 && v + ((size_t)1 << (round - 1)) >= args->vectors)
		round--;
	if (round > 0)
		share_await(rounds_of(team, v), before + round);
}

/* Pairs (v, v + 2^round), shared out.  Returns how many rounds there were:
 * vector 0 is then the sum. */
static unsigned add_pairs(struct rig_team *team, const struct reduce_args *args,
			  double *vectors, uint64_t before)
{
	bool p2p = args->method == TREE_P2P;
	unsigned round = 0;

	for (size_t stride = 1; stride < args->vectors; stride *= 2, round++) {
		size_t pairs = (args->vectors - stride + 2 * stride - 1) /
			       (2 * stride);
		struct rig_span mine = rig_team_strip(team, pairs);

		for (size_t p = mine.begin; p < mine.end; p++) {
			size_t to = 2 * p * stride, from = to + stride;

			if (p2p) {
				await_vector(team, args, to, before, round);
				await_vector(team, args, from, before, round);
			}
			add(vectors + to * args->length,
			    vectors + from * args->length, 0, args->length, 1);
			/* release: the sum, for await_vector(). */
			if (p2p)
				atomic_store_explicit(rounds_of(team, to),
						      before + round + 1,
						      memory_order_release);
		}
		if (!p2p)
			rig_team_barrier(team);
	}
	if (p2p)
		await_vector(team, args, 0, before, round);
	return round;
}

/* A sweep by a tree; returns the number of rounds before the next sweep. */
static uint64_t tree(struct rig_team *team, const struct reduce_args *args,
		     double *vectors, uint64_t before)
{
	struct rig_span strip = rig_team_strip(team, args->length);
	double *result = rig_team_data(team, RESULT);

	before += add_pairs(team, args, vectors, before);
	for (size_t i = strip.begin; i < strip.end; i++)
		result[i] = vectors[i];
	/* The tree has changed the vectors: fill them again for the next
	 * sweep. */
	rig_team_barrier(team);
	fill(args, vectors, rig_team_strip(team, args->vectors));
	return before;
}

static int run(struct rig_team *team)
{
	const struct reduce_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	struct rig_span own = rig_team_strip(team, args->vectors);
	double *vectors = rig_team_data(team, VECTORS);
	double *result = rig_team_data(team, RESULT);
	uint64_t rounds = 0;

	if (args->method == LINEAR)
		strip = (struct rig_span){ 0, rig_team_rank(team) == 0
						      ? args->length
						      : 0 };
	for (size_t v = own.begin; v < own.end; v++)
		atomic_store_explicit(rounds_of(team, v), 0,
				      memory_order_relaxed);
	rig_team_barrier(team);
	for (size_t k = 0; k <= args->iterations; k++) {
		if (args->method == TREE || args->method == TREE_P2P)
			rounds = tree(team, args, vectors, rounds);
		else
			strips(args, result, vectors, strip);
		rig_team_barrier(team);
		share_done(team, k + 1, args->iterations + 1);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct reduce_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	const double *result = rig_team_data(team, RESULT);
	double count = (double)args->vectors;
	double want = count * (count + 1) / 2;

	for (size_t i = strip.begin; i < strip.end; i++)
		if (result[i] != want)
			return rig_team_fail(team, -EBADMSG,
					     "reduce: element %zu is %.17g, "
					     "expected %.17g",
					     i, result[i], want);
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "vectors",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_vectors },
	{ .name = "result",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_result },
	{ .name = "rounds",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_rounds },
	{ 0 },
};

const struct rig_kernel kernel_reduce = {
	.version = RIG_KERNEL_VERSION,
	.name = "reduce",
	.summary = "vectors added up, element by element",
	.verified = "PRK's closed form T(2T + 1) for 2T vectors, each element, "
		    "exactly",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct reduce_args),
	.bytes_moved = bytes_moved,
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
