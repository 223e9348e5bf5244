/* SPDX-License-Identifier: MIT */
/*
 * random.c - PRK's random access (GUPS): updates at random places of a table.
 *
 * A place is the low bits of a number, the update is XOR with the number, and
 * the numbers are x^k in GF(2^64), modulo x^64 + x^2 + x + 1: the next number
 * is a shift, and any number is found by repeated squaring.  A fixed number of
 * streams, apart by equal steps, is shared out among the ranks: the updates are
 * the same for any number of workers.  Each update is atomic, and none is lost.
 *
 * All updates are made twice: XOR undoes itself, and the table ends as it
 * began.  A run without any update would end so too.  A sample of the table is
 * therefore taken between the two passes, and compared with the numbers, which
 * are made again.
 */
#include <errno.h>
#include <inttypes.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

/* PRK's first number is x to this power. */
#define SEED UINT64_C(834568137686317453)
#define POLY UINT64_C(7)

#define LOG_MAX 48
#define STREAMS 256
#define LANES   16 /* streams that go on at the same time */

#define SAMPLES_MAX 256

/* Words of a table whose pages are all in the TLB: asking for a word of such a
 * table costs more than it saves (measured in
 * docs/decisions/0014-kernels.md). */
#define AHEAD_WORDS ((size_t)1 << 20)

enum { TABLE, SAMPLES };

struct random_args {
	struct rig_kernel_args header;
	size_t log;
	size_t ratio;
};

static const struct rig_param params[] = {
	{ .name = "log",
	  .help = "the table has 2^log words",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct random_args, log),
	  .fallback = "16",
	  .max = LOG_MAX },
	{ .name = "ratio",
	  .help = "updates a word of the table, in each of two passes",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct random_args, ratio),
	  .fallback = "16",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count_table(const void *given)
{
	const struct random_args *args = given;

	return UINT64_C(1) << args->log;
}

static uint64_t count_samples(const void *given)
{
	uint64_t words = count_table(given);

	return words < SAMPLES_MAX ? words : SAMPLES_MAX;
}

/* Words of the table for each word of the sample: a power of two. */
static uint64_t sample_step(const struct random_args *args)
{
	return count_table(args) / count_samples(args);
}

/* Updates of a pass. */
static uint64_t updates(const struct random_args *args)
{
	return count_table(args) * args->ratio;
}

static double bytes_moved(const void *given)
{
	return 2 * 2 * sizeof(uint64_t) * (double)updates(given);
}

static int prepare(struct rig_team *team)
{
	const struct random_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, count_table(args));
	uint64_t *table = rig_team_data(team, TABLE);

	for (size_t i = strip.begin; i < strip.end; i++)
		table[i] = i;
	return rig_team_barrier(team);
}

/* The number times x. */
static inline uint64_t next(uint64_t number)
{
	return number << 1 ^ (number >> 63 ? POLY : 0);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (; b; b >>= 1, a = next(a))
		if (b & 1)
			product ^= a;
	return product;
}

/* x^k */
static uint64_t power(uint64_t k)
{
	uint64_t result = 1;

	for (uint64_t base = 2; k; k >>= 1, base = multiply(base, base))
		if (k & 1)
			result = multiply(result, base);
	return result;
}

/* The updates that stream `stream` makes in a pass. */
static struct rig_span stream_of(const struct random_args *args, size_t stream)
{
	return rig_strip(updates(args), (int)stream, STREAMS);
}

/* Make the update of a number, and return the stream's next number.  The next
 * word may be on its way while the words of the other streams are updated. */
INLINE uint64_t update(_Atomic uint64_t *table, uint64_t mask, uint64_t number,
		       bool ahead)
{
	uint64_t after = next(number);

	if (ahead)
		share_fetch_to_write((const void *)(table + (after & mask)));
	atomic_fetch_xor_explicit(table + (number & mask), number,
				  memory_order_relaxed);
	return after;
}

/* Some updates of each of `lanes` streams; with `lanes` and `ahead` constants,
 * without a look at either. */
INLINE void advance(_Atomic uint64_t *table, uint64_t mask, uint64_t *number,
		    size_t lanes, uint64_t steps, bool ahead)
{
	for (uint64_t step = 0; step < steps; step++)
		for (size_t l = 0; l < lanes; l++)
			number[l] = update(table, mask, number[l], ahead);
}

/* Streams `first` to `end` - 1, at most LANES, in step. */
static void pass(const struct random_args *args, _Atomic uint64_t *table,
		 size_t first, size_t end)
{
	uint64_t mask = count_table(args) - 1;
	uint64_t number[LANES], left[LANES], steps = UINT64_MAX;
	size_t lanes = end - first;
	bool ahead = mask >= AHEAD_WORDS;

	for (size_t l = 0; l < lanes; l++) {
		struct rig_span span = stream_of(args, first + l);

		number[l] = power(SEED + span.begin + 1);
		left[l] = span.end - span.begin;
		steps = left[l] < steps ? left[l] : steps;
	}
	if (lanes < LANES)
		advance(table, mask, number, lanes, steps, ahead);
	else if (ahead)
		advance(table, mask, number, LANES, steps, true);
	else
		advance(table, mask, number, LANES, steps, false);
	/* Streams differ by at most 1. */
	for (size_t l = 0; l < lanes; l++)
		if (left[l] > steps)
			update(table, mask, number[l], false);
}

/* A pass of the own streams, which have made `before` updates. */
static void pass_all(struct rig_team *team, struct rig_span streams,
		     size_t before)
{
	const struct random_args *args = rig_team_args(team);
	_Atomic uint64_t *table = rig_team_data(team, TABLE);

	for (size_t s = streams.begin; s < streams.end; s += LANES) {
		size_t end = s + LANES < streams.end ? s + LANES : streams.end;

		pass(args, table, s, end);
		share_done(team, before + end - streams.begin,
			   2 * (streams.end - streams.begin));
	}
}

static int run(struct rig_team *team)
{
	const struct random_args *args = rig_team_args(team);
	struct rig_span streams = rig_team_strip(team, STREAMS);
	struct rig_span own = rig_team_strip(team, count_samples(args));
	_Atomic uint64_t *table = rig_team_data(team, TABLE);
	uint64_t *samples = rig_team_data(team, SAMPLES);

	pass_all(team, streams, 0);
	rig_team_barrier(team);
	for (size_t s = own.begin; s < own.end; s++)
		/* relaxed: the barrier orders the update. */
		samples[s] = atomic_load_explicit(&table[s * sample_step(args)],
						  memory_order_relaxed);
	rig_team_barrier(team);
	pass_all(team, streams, streams.end - streams.begin);
	return rig_team_barrier(team);
}

/* The own streams' updates of the sample, from the numbers alone. */
static void resample(const struct random_args *args, struct rig_span streams,
		     uint64_t *changes)
{
	uint64_t mask = count_table(args) - 1;
	uint64_t step = sample_step(args);

	for (size_t s = streams.begin; s < streams.end; s++) {
		struct rig_span span = stream_of(args, s);
		uint64_t number = power(SEED + span.begin);

		for (size_t k = span.begin; k < span.end; k++) {
			number = next(number);
			if ((number & mask) % step == 0)
				changes[(number & mask) / step] ^= number;
		}
	}
}

static int verify_samples(struct rig_team *team, const struct random_args *args)
{
	const uint64_t *samples = rig_team_data(team, SAMPLES);
	uint64_t mine[SAMPLES_MAX] = { 0 }, all[SAMPLES_MAX];
	int r;

	resample(args, rig_team_strip(team, STREAMS), mine);
	r = rig_team_allreduce(team, mine, all, count_samples(args), RIG_UINT64,
			       RIG_BXOR);
	for (size_t s = 0; s < count_samples(args) && r == 0; s++) {
		size_t at = s * sample_step(args);

		if (samples[s] != (at ^ all[s]))
			r = rig_team_fail(team, -EBADMSG,
					  "random: word %zu was %" PRIx64
					  " after the first pass, expected "
					  "%" PRIx64,
					  at, samples[s], at ^ all[s]);
	}
	return r;
}

static int verify(struct rig_team *team)
{
	const struct random_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, count_table(args));
	const uint64_t *table = rig_team_data(team, TABLE);

	for (size_t i = strip.begin; i < strip.end; i++)
		if (table[i] != i)
			return rig_team_fail(team, -EBADMSG,
					     "random: word %zu is %" PRIx64
					     ": an update was lost",
					     i, table[i]);
	return verify_samples(team, args);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "table",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT64,
	  .count = count_table },
	{ .name = "samples",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_samples },
	{ 0 },
};

const struct rig_kernel kernel_random = {
	.version = RIG_KERNEL_VERSION,
	.name = "random",
	.summary = "atomic updates at random places of a table (GUPS)",
	.verified = "PRK's double pass: every word as it was, no update lost; "
		    "a sample between the passes",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct random_args),
	.bytes_moved = bytes_moved,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
