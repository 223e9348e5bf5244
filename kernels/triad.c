/* SPDX-License-Identifier: MIT */
/*
 * triad.c - a = b + s * c over three arrays of float64, the loop of STREAM.
 *
 * Each rank owns the same strip of all three arrays.  Generated data is small
 * whole numbers that repeat: every element of the result is known and, with a
 * whole s, exact.  With the user's data b and c are still there afterwards:
 * each element is computed again and compared, and sums before and after show
 * that b and c have not changed.
 */
#include <errno.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/stream.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/omp_threads.h>

/* b and c repeat after PERIOD elements. */
#define B_PERIOD 1000
#define C_PERIOD 77

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

enum { A, B, C };

struct triad_args {
	struct rig_kernel_args header;
	size_t length; /* length of generated data */
	double s;
	int64_t threads;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data, of each array",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct triad_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ .name = "s",
	  .help = "the factor of c",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct triad_args, s),
	  .fallback = "3",
	  .min = -1e300,
	  .max = 1e300 },
	THREADS_PARAM(struct triad_args, threads),
	{ 0 },
};

/* Elements of an array that is not given: as many as b has, where b is
 * given. */
static uint64_t count_elements(const void *given)
{
	const struct triad_args *args = given;

	return args->header.given ? args->header.arrays[B].count : args->length;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct triad_args *args = given;
	const struct rig_array *arrays = args->header.arrays;

	if (arrays[B].count != arrays[C].count ||
	    arrays[A].count != arrays[B].count) {
		snprintf(why, why_bytes,
			 "a has %zu elements, b %zu, c %zu: they must be equal",
			 (size_t)arrays[A].count, (size_t)arrays[B].count,
			 (size_t)arrays[C].count);
		return -EINVAL;
	}
	return arguments_length(&args->header, LENGTH_DEFAULT, &args->length,
				why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct triad_args *args = given;

	return 3.0 * (double)args->length * sizeof(double);
}

static double flops(const void *given)
{
	const struct triad_args *args = given;

	return 2.0 * (double)args->length;
}

/* The arrays may lie at any address. */
typedef double any_double __attribute__((aligned(1)));

static double b_at(size_t i)
{
	return (double)(i % B_PERIOD);
}

static double c_at(size_t i)
{
	return (double)(i % C_PERIOD);
}

static int prepare(struct rig_team *team)
{
	const struct triad_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	any_double *a = rig_team_data(team, A);
	any_double *b = rig_team_data(team, B);
	any_double *c = rig_team_data(team, C);

	for (size_t i = strip.begin; i < strip.end; i++) {
		a[i] = -1;
		b[i] = b_at(i);
		c[i] = c_at(i);
	}
	return rig_team_barrier(team);
}

/* The strips do not overlap. */
static void compute(any_double *restrict a, const any_double *restrict b,
		    const any_double *restrict c, double s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		a[i] = b[i] + s * c[i];
}

/* The same past the caches; `a` is aligned to STREAM_ALIGN. */
static void compute_streaming(double *restrict a, const any_double *restrict b,
			      const any_double *restrict c, double s,
			      size_t count)
{
	size_t i;

	for (i = 0; i + 1 < count; i += 2)
		stream_two(a + i, b[i] + s * c[i], b[i + 1] + s * c[i + 1]);
	if (i < count)
		a[i] = b[i] + s * c[i];
	stream_fence();
}

static void compute_strip(any_double *a, const any_double *b,
			  const any_double *c, double s, size_t count)
{
	size_t head = (uintptr_t)a % STREAM_ALIGN ? 1 : 0;

	/* The user's window may begin at any byte: no streaming there. */
	if (count * sizeof(*a) < STREAM_BYTES ||
	    (uintptr_t)(a + head) % STREAM_ALIGN) {
		compute(a, b, c, s, count);
		return;
	}
	compute(a, b, c, s, head);
	compute_streaming((double *)(void *)(a + head), b + head, c + head, s,
			  count - head);
}

/* A rank's strip, for its threads. */
struct part {
	any_double *a;
	const any_double *b, *c;
	double s;
};

static void compute_part(void *arg, size_t begin, size_t end)
{
	const struct part *part = arg;

	compute_strip(part->a + begin, part->b + begin, part->c + begin,
		      part->s, end - begin);
}

static int run(struct rig_team *team)
{
	const struct triad_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	any_double *a = rig_team_data(team, A);
	const any_double *b = rig_team_data(team, B);
	const any_double *c = rig_team_data(team, C);
	struct part part = { a + strip.begin, b + strip.begin, c + strip.begin,
			     args->s };

	threads_run(team, args->threads, strip.end - strip.begin, compute_part,
		    &part);
	return rig_team_barrier(team);
}

/* The strip of the rank after this rank: no rank judges its own work. */
static struct rig_span next_strip(const struct rig_team *team, size_t count)
{
	int size = rig_team_size(team);

	return rig_strip(count, (rig_team_rank(team) + 1) % size, size);
}

/* Sums of b and c, which must not change. */
static int digest(struct rig_team *team)
{
	const struct triad_args *args = rig_team_args(team);
	struct rig_span strip = next_strip(team, args->length);
	uint64_t *sums = rig_team_result(team);

	for (int index = B; index <= C; index++) {
		const any_double *x = rig_team_data(team, index);

		sums[index] =
			sum_items(x + strip.begin, strip.end - strip.begin,
				  sizeof(*x), strip.begin, 1);
	}
	return 0;
}

static int verify_inputs(struct rig_team *team,
			 const struct rig_kernel_args *header)
{
	for (int index = B; index <= C; index++)
		if (header->digest[index] != header->found[index])
			return rig_team_fail(team, -EBADMSG,
					     "triad: %c was changed",
					     'a' + index);
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct triad_args *args = rig_team_args(team);
	struct rig_span strip = next_strip(team, args->length);
	bool given = args->header.given;
	const any_double *a = rig_team_data(team, A);
	const any_double *b = rig_team_data(team, B);
	const any_double *c = rig_team_data(team, C);

	for (size_t i = strip.begin; i < strip.end; i++) {
		double want = given ? b[i] + args->s * c[i]
				    : b_at(i) + args->s * c_at(i);

		/* A NaN is right where a NaN is due. */
		if (a[i] != want && (a[i] == a[i] || want == want))
			return rig_team_fail(team, -EBADMSG,
					     "triad: element %zu is %.17g, "
					     "expected %.17g",
					     i, a[i], want);
	}
	return given ? verify_inputs(team, &args->header) : 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "a",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .any_byte = true,
	  .count = count_elements },
	{ .name = "b",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_byte = true,
	  .count = count_elements },
	{ .name = "c",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_byte = true,
	  .count = count_elements },
	{ 0 },
};

const struct rig_kernel kernel_triad = {
	.version = RIG_KERNEL_VERSION,
	.name = "triad",
	.summary = "a = b + s * c over three arrays, the loop of STREAM",
	.verified = "the closed form, each element; with the user's b and c "
		    "computed again, and b and c unchanged",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct triad_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.flops = flops,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
