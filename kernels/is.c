/* SPDX-License-Identifier: MIT */
/*
 * is.c - NPB's IS: the rank of every key, ten times, with two keys changed each
 * time.
 *
 * Ranks share out the keys, in chunks, and key values are in buckets of
 * consecutive values.  In each iteration
 *
 *	1  each rank counts its keys by bucket
 *	2  each bucket's counts become places: the keys of smaller buckets come
 *	   first, then the keys of earlier ranks
 *	3  each rank deals its keys out to these places
 *	4  each bucket's keys are counted by value: the running sums of the
 *	   counts are the ranks, and all of the bucket stays in the cache
 *
 * with a barrier after each step.  Data moves only through the memory, where
 * the data has to be anyway.  The ranks of five keys are checked in every
 * iteration, and after the last iteration the rank of every value.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/npb.h>
#include <kernels/lib/strips.h>

#define SEED        UINT64_C(314159265)
#define ITERATIONS  10
#define TESTS       5
#define BUCKETS_LOG 8
#define BUCKETS     (1 << BUCKETS_LOG)
#define CHUNK_LOG   13 /* keys of a chunk, at least */
#define TABLES      4  /* tables in which a rank counts its keys */
#define LINE_KEYS   16 /* keys of 64 bytes */
#define CHUNKS_MAX  256

enum { KEYS, DEALT, RANKS, COUNTS };

static const struct {
	int keys_log, values_log;
	uint64_t index[TESTS];
	uint64_t rank[TESTS];
	/* `grows` has a bit for each test whose rank grows with the iteration;
	 * `grow` is added to the iteration for these tests, `shrink` for the
	 * other tests. */
	unsigned grows;
	int grow, shrink;
} classes[] = {
	{ 16,
	  11,
	  { 48427, 17148, 23627, 62548, 4431 },
	  { 0, 18, 346, 64917, 65463 },
	  7,
	  0,
	  0 },
	{ 20,
	  16,
	  { 357773, 934767, 875723, 898999, 404505 },
	  { 1249, 11698, 1039987, 1043896, 1048018 },
	  3,
	  -2,
	  0 },
	{ 23,
	  19,
	  { 2112377, 662041, 5336171, 3642833, 4250760 },
	  { 104, 17523, 123928, 8288932, 8388264 },
	  7,
	  -1,
	  -1 },
	{ 25,
	  21,
	  { 41869, 812306, 5102857, 18232239, 26860214 },
	  { 33422937, 10244, 59149, 33135281, 99 },
	  22,
	  0,
	  0 },
	{ 27,
	  23,
	  { 44172927, 72999161, 74326391, 129606274, 21736814 },
	  { 61147, 882988, 266290, 133997595, 133525895 },
	  7,
	  0,
	  0 },
	{ 31,
	  27,
	  { 1317351170, 995930646, 1157283250, 1503301535, 1453734525 },
	  { 1, 36538729, 1978098519, 2145192618, 2147425337 },
	  3,
	  0,
	  0 },
	{ 35,
	  31,
	  { 21492309536, 24606226181, 12608530949, 4065943607, 3324513396 },
	  { 3, 27580354, 3248475153, 30048754302, 31485259697 },
	  7,
	  -2,
	  -2 },
};

#define CLASS_E 6

struct is_args {
	struct rig_kernel_args header;
	uint32_t class;
};

/* In shared memory: the array `counts`. */
struct counts {
	uint64_t passed;          /* tests, of all iterations */
	uint64_t totals[BUCKETS]; /* keys of a bucket */
	/* Place of a rank's next key of a bucket, in the row of the rank's
	 * first chunk. */
	uint64_t places[][BUCKETS];
};

static const struct rig_param params[] = {
	{ .name = "class",
	  .help = NPB_CLASS_HELP,
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct is_args, class),
	  .fallback = "S",
	  .choices = "S W A B C D E" },
	{ 0 },
};

static uint64_t count_keys(const void *given)
{
	const struct is_args *args = given;

	return UINT64_C(1) << classes[args->class].keys_log;
}

static uint64_t count_values(const void *given)
{
	const struct is_args *args = given;

	return UINT64_C(1) << classes[args->class].values_log;
}

static size_t chunks(const struct is_args *args)
{
	size_t all = count_keys(args) >> CHUNK_LOG;

	return all < CHUNKS_MAX ? all : CHUNKS_MAX;
}

static uint64_t count_counts(const void *given)
{
	return (sizeof(struct counts) +
		chunks(given) * BUCKETS * sizeof(uint64_t)) /
	       sizeof(uint64_t);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct is_args *args = given;
	size_t rows = index == RANKS    ? BUCKETS
		      : index == COUNTS ? 1
					: chunks(args);

	return share_rows(rows, bytes / rows, rank, size, spans);
}

/* The memory in which verify counts a rank's strip of the values. */
static size_t private_bytes(const void *given, int size)
{
	return (count_values(given) / (size_t)size + 2) * sizeof(uint32_t);
}

/* Key i is the mean of four numbers, times the number of values. */
static int prepare(struct rig_team *team)
{
	const struct is_args *args = rig_team_args(team);
	struct rig_span mine = rig_team_strip(team, chunks(args));
	size_t length = count_keys(args) / chunks(args);
	int shift = NPB_BITS + 2 - classes[args->class].values_log;
	uint64_t state = npb_at(SEED, 4 * mine.begin * length);
	uint32_t *keys = rig_team_data(team, KEYS);

	for (size_t i = mine.begin * length; i < mine.end * length; i++) {
		uint64_t sum = 0;

		for (int n = 0; n < 4; n++)
			sum += npb_next(&state);
		keys[i] = (uint32_t)(sum >> shift);
	}
	return rig_team_barrier(team);
}

/* In this process: a rank's view of a run. */
struct ranking {
	struct rig_team *team;
	uint32_t *keys, *dealt;
	uint64_t *ranks;
	struct counts *counts;
	struct rig_span mine;    /* keys */
	struct rig_span buckets; /* an equal part, however full */
	size_t chunk_count, key_count, row;
	size_t width; /* values of a bucket */
	int shift;    /* turns a key into its bucket */
	uint32_t class;
};

/* A counter that was just written is slow to read again, and so neighbouring
 * keys have separate tables.  No class has 2^32 keys in a bucket. */
static void count_keys_of_rank(const struct ranking *r)
{
	uint32_t found[TABLES][BUCKETS] = { 0 };
	const uint32_t *keys = r->keys;
	uint64_t *places = r->counts->places[r->row];
	int shift = r->shift;

	if (r->mine.begin == r->mine.end)
		return;
	for (size_t i = r->mine.begin; i < r->mine.end; i += TABLES)
		for (size_t t = 0; t < TABLES; t++)
			found[t][keys[i + t] >> shift]++;
	for (size_t b = 0; b < BUCKETS; b++) {
		places[b] = 0;
		for (size_t t = 0; t < TABLES; t++)
			places[b] += found[t][b];
	}
}

/* The own buckets get places from 0 on, rank after rank. */
static void place_within(const struct ranking *r)
{
	int size = rig_team_size(r->team);
	uint64_t *totals = r->counts->totals;

	for (size_t b = r->buckets.begin; b < r->buckets.end; b++)
		totals[b] = 0;
	for (int rank = 0; rank < size; rank++) {
		struct rig_span chunks = rig_strip(r->chunk_count, rank, size);
		uint64_t *places = r->counts->places[chunks.begin];

		if (chunks.begin == chunks.end)
			continue;
		for (size_t b = r->buckets.begin; b < r->buckets.end; b++) {
			uint64_t found = places[b];

			places[b] = totals[b];
			totals[b] += found;
		}
	}
}

static void deal(const struct ranking *r)
{
	const uint64_t *places = r->counts->places[r->row];
	const uint32_t *keys = r->keys;
	uint32_t *dealt = r->dealt;
	uint64_t place[BUCKETS], before = 0;
	int shift = r->shift;

	if (r->mine.begin == r->mine.end)
		return;
	for (size_t b = 0; b < BUCKETS; b++) {
		place[b] = before + places[b];
		before += r->counts->totals[b];
	}
	for (size_t i = r->mine.begin; i < r->mine.end; i++) {
		uint32_t key = keys[i];
		uint32_t *to = dealt + place[key >> shift]++;

		/* Another rank had the line last. */
		share_fetch_to_write(to + LINE_KEYS);
		*to = key;
	}
}

/* ranks[v] = keys that are at most v, for the values of a bucket */
static void rank_bucket(const struct ranking *r, size_t bucket, uint64_t before)
{
	uint64_t *ranks = r->ranks + bucket * r->width;
	const uint32_t *dealt = r->dealt + before;
	uint64_t count = r->counts->totals[bucket];
	uint32_t least = (uint32_t)(bucket * r->width);

	memset(ranks, 0, r->width * sizeof(*ranks));
	for (uint64_t i = 0; i < count; i++)
		ranks[dealt[i] - least]++;
	for (size_t v = 0; v < r->width; v++)
		ranks[v] = before += ranks[v];
}

/* The buckets that begin in this rank's strip of the keys, in order.  Ranks get
 * different numbers of buckets, but about equally many keys.  The last bucket
 * is never empty, and so all buckets end: the first iteration makes a key the
 * greatest of all. */
static void rank_buckets(const struct ranking *r)
{
	struct rig_span strip = rig_team_strip(r->team, r->key_count);
	uint64_t before = 0;

	for (size_t b = 0; b < BUCKETS; b++) {
		if (before >= strip.begin && before < strip.end)
			rank_bucket(r, b, before);
		before += r->counts->totals[b];
	}
}

static int64_t expected(uint32_t class, int test, int iteration)
{
	bool grows = classes[class].grows >> test & 1;
	int64_t by = iteration +
		     (grows ? classes[class].grow : classes[class].shrink);

	/* By NPB's rule: two of the keys that are changed later lie below this
	 * key. */
	if (class == CLASS_E && test == 2)
		by -= iteration > 4 ? 2 : iteration > 2 ? 1 : 0;
	return (int64_t)classes[class].rank[test] + (grows ? by : -by);
}

/* How many of the tests pass. */
static uint64_t pass(const struct ranking *r, int iteration)
{
	uint64_t passed = 0;

	for (int t = 0; t < TESTS; t++) {
		uint32_t key = r->keys[classes[r->class].index[t]];

		if (key > 0)
			passed += (int64_t)r->ranks[key - 1] ==
				  expected(r->class, t, iteration);
	}
	return passed;
}

/* Iteration 0 only warms up, and is not counted. */
static void iterate(const struct ranking *r, int iteration, uint32_t values)
{
	bool first = rig_team_rank(r->team) == 0;

	if (first) {
		int i = iteration > 0 ? iteration : 1;

		r->keys[i] = (uint32_t)i;
		r->keys[i + ITERATIONS] = values - (uint32_t)i;
	}
	rig_team_barrier(r->team);
	count_keys_of_rank(r);
	rig_team_barrier(r->team);
	place_within(r);
	rig_team_barrier(r->team);
	deal(r);
	rig_team_barrier(r->team);
	rank_buckets(r);
	rig_team_barrier(r->team);
	if (first && iteration > 0)
		r->counts->passed += pass(r, iteration);
}

static int run(struct rig_team *team)
{
	const struct is_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, chunks(args));
	size_t length = count_keys(args) / chunks(args);
	struct ranking r = {
		.team = team,
		.keys = rig_team_data(team, KEYS),
		.dealt = rig_team_data(team, DEALT),
		.ranks = rig_team_data(team, RANKS),
		.counts = rig_team_data(team, COUNTS),
		.buckets = rig_team_strip(team, BUCKETS),
		.chunk_count = chunks(args),
		.key_count = count_keys(args),
		.width = count_values(args) / BUCKETS,
		.shift = classes[args->class].values_log - BUCKETS_LOG,
		.class = args->class,
	};

	r.row = strip.begin;
	r.mine = (struct rig_span){ strip.begin * length, strip.end * length };
	if (rig_team_rank(team) == 0)
		r.counts->passed = 0;
	for (int i = 0; i <= ITERATIONS; i++) {
		iterate(&r, i, (uint32_t)count_values(args));
		share_done(team, (size_t)i + 1, ITERATIONS + 1);
	}
	return rig_team_barrier(team);
}

/* The ranks of a strip of values, from the keys anew. */
static int verify_ranks(struct rig_team *team, const struct is_args *args,
			uint32_t *found, struct rig_span values)
{
	const uint32_t *keys = rig_team_data(team, KEYS);
	const uint64_t *ranks = rig_team_data(team, RANKS);
	uint64_t rank = 0;

	for (size_t i = 0; i < count_keys(args); i++) {
		rank += keys[i] < values.begin;
		if (keys[i] >= values.begin && keys[i] < values.end)
			found[keys[i] - values.begin]++;
	}
	for (size_t v = values.begin; v < values.end; v++) {
		rank += found[v - values.begin];
		if (ranks[v] != rank)
			return rig_team_fail(team, -EBADMSG,
					     "is: unsuccessful: %" PRIu64
					     " keys up to %zu, "
					     "expected %" PRIu64,
					     ranks[v], v, rank);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct is_args *args = rig_team_args(team);
	const struct counts *counts = rig_team_data(team, COUNTS);
	struct rig_span values = share_next(team, count_values(args));
	uint32_t *found;
	int r;

	if (counts->passed != TESTS * ITERATIONS)
		return rig_team_fail(team, -EBADMSG,
				     "is: unsuccessful: %" PRIu64
				     " of %d partial tests "
				     "passed",
				     counts->passed, TESTS * ITERATIONS);
	found = calloc(values.end - values.begin + 1, sizeof(*found));
	if (!found)
		return rig_team_fail(team, -ENOMEM, "is: no memory to verify");
	r = verify_ranks(team, args, found, values);
	free(found);
	return r;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct counts *counts = data[COUNTS];

	(void)given;
	snprintf(text, bytes, "passed = %" PRIu64, counts->passed);
}

/* NPB's count of operations: the keys that are ranked, the first iteration
 * included. */
static double items(const void *given, void *const data[])
{
	(void)data;
	return (ITERATIONS + 1.0) * (double)count_keys(given);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "keys",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT32,
	  .count = count_keys },
	{ .name = "dealt",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT32,
	  .count = count_keys },
	{ .name = "ranks",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT64,
	  .count = count_values },
	{ .name = "counts",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_counts },
	{ 0 },
};

const struct rig_kernel kernel_is = {
	.version = RIG_KERNEL_VERSION,
	.name = "is",
	.summary = "the rank of every key, ten times over (NPB IS)",
	.verified =
		"successful: NPB 3.4's partial ranks, and the order of all keys (own "
		"implementation)",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct is_args),
	.items = items,
	.item = "keys",
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
