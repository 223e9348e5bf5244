/* SPDX-License-Identifier: MIT */
/*
 * ep.c - NPB's EP: pairs of Gaussian deviates, counted by square annuli.
 *
 * Ranks share only the answer: EP is the control among the kernels.  The stream
 * of random numbers is cut in batches of 2^16 pairs.  Batches are put together
 * in CHUNKS chunks, or fewer, which ranks take by strips.  A chunk's sums are
 * taken in a fixed order and stored, and the sums of all chunks are added up in
 * a fixed order too: the answer has the same bits for any number of workers.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/npb.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define SEED      UINT64_C(271828183)
#define BATCH_LOG 16
#define CHUNKS    16384
#define ANNULI    10
#define EPSILON   1e-8

enum { SUMS, ANSWER };

/* In shared memory, as doubles: the sums of a batch, or of a chunk. */
struct sums {
	double x, y;         /* sums of the deviates */
	double x_abs, y_abs; /* sums of the deviates' absolute values */
	double counts[ANNULI];
	double reserved[2];
};

/* In shared memory, as doubles: the answers that NPB prints. */
struct answer {
	double x, y, x_abs, y_abs;
	double accepted;
	double counts[ANNULI];
};

static const struct {
	int log; /* 2^log pairs */
	double x, y;
	/* The later check, against sums of absolute values. */
	double x_abs, y_abs, accepted;
} classes[] = {
	{ 24, -3.247834652034740e+3, -6.958407078382297e+3,
	  1.051299420395306e+7, 1.051517131857535e+7, 13176389 },
	{ 25, -2.863319731645753e+3, -6.320053679109499e+3,
	  2.102505525182392e+7, 2.103162209578822e+7, 26354769 },
	{ 28, -4.295875165629892e+3, -1.580732573678431e+4,
	  1.682235632304711e+8, 1.682195123368299e+8, 210832767 },
	{ 30, 4.033815542441498e+4, -2.660669192809235e+4, 6.728927543423024e+8,
	  6.728951822504275e+8, 843345606 },
	{ 32, 4.764367927995374e+4, -8.084072988043731e+4, 2.691444083862931e+9,
	  2.691519118724585e+9, 3373275903 },
	{ 36, 1.982481200946593e+5, -1.020596636361769e+5,
	  4.306350280812112e+10, 4.306347571859157e+10, 53972171957 },
	{ 40, -5.319717441530e+5, -3.688834557731e+5, 6.890169663167274e+11,
	  6.890164670688535e+11, 863554308186 },
	/* Published with the later check alone. */
	{ 44, 0, 0, 1.102426773788175e+13, 1.102426773787993e+13,
	  13816870608324 },
};

/* Pairs by annuli, for the classes with published counts: S and A. */
static const struct {
	int log;
	double counts[ANNULI];
} annuli[] = {
	{ 24, { 6140517, 5865300, 1100361, 68546, 1648, 17 } },
	{ 28, { 98257395, 93827014, 17611549, 1110028, 26536, 245 } },
};

struct ep_args {
	struct rig_kernel_args header;
	uint32_t class;
};

static const struct rig_param params[] = {
	{ .name = "class",
	  .help = NPB_CLASS_HELP,
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct ep_args, class),
	  .fallback = "S",
	  .choices = "S W A B C D E F" },
	{ 0 },
};

static uint64_t batches(const struct ep_args *args)
{
	return UINT64_C(1) << (classes[args->class].log - BATCH_LOG);
}

static uint64_t chunks(const struct ep_args *args)
{
	return batches(args) < CHUNKS ? batches(args) : CHUNKS;
}

static uint64_t count_sums(const void *given)
{
	return chunks(given) * sizeof(struct sums) / sizeof(double);
}

static uint64_t count_answer(const void *given)
{
	(void)given;
	return sizeof(struct answer) / sizeof(double);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	if (index == SUMS)
		return share_rows(chunks(given), sizeof(struct sums), rank,
				  size, spans);
	return share_rows(1, bytes, rank, size, spans);
}

static struct sums sums_of_batch(uint64_t index)
{
	uint64_t state = npb_at(SEED, index << (BATCH_LOG + 1));
	struct sums sums = { 0 };

	for (int i = 0; i < 1 << BATCH_LOG; i++) {
		double x = 2 * NPB_UNIT * (double)(int64_t)npb_next(&state) - 1;
		double y = 2 * NPB_UNIT * (double)(int64_t)npb_next(&state) - 1;
		double t = x * x + y * y;
		double factor, larger;

		if (t > 1)
			continue;
		factor = sqrt(-2 * log(t) / t);
		x *= factor;
		y *= factor;
		sums.x += x;
		sums.y += y;
		sums.x_abs += fabs(x);
		sums.y_abs += fabs(y);
		larger = fabs(x) > fabs(y) ? fabs(x) : fabs(y);
		sums.counts[(int)larger]++;
	}
	return sums;
}

static void add(struct sums *to, const struct sums *more)
{
	to->x += more->x;
	to->y += more->y;
	to->x_abs += more->x_abs;
	to->y_abs += more->y_abs;
	for (int a = 0; a < ANNULI; a++)
		to->counts[a] += more->counts[a];
}

static struct sums sums_of_chunk(const struct ep_args *args, uint64_t chunk)
{
	uint64_t each = batches(args) / chunks(args); /* powers of two */
	struct sums sums = { 0 };

	for (uint64_t i = chunk * each; i < (chunk + 1) * each; i++) {
		struct sums batch = sums_of_batch(i);

		add(&sums, &batch);
	}
	return sums;
}

static int run(struct rig_team *team)
{
	const struct ep_args *args = rig_team_args(team);
	struct rig_span strip = world_strip(team, chunks(args));
	struct sums *all = rig_team_data(team, SUMS);
	struct answer *answer = rig_team_data(team, ANSWER);
	struct sums sums = { 0 };
	int r;

	for (size_t i = strip.begin; i < strip.end; i++) {
		all[i] = sums_of_chunk(args, i);
		share_done(team, i + 1 - strip.begin, strip.end - strip.begin);
	}
	r = world_rows(team, all, chunks(args), sizeof(*all));
	if (r < 0 || rig_team_rank(team) > 0)
		return r;
	for (size_t i = 0; i < chunks(args); i++)
		add(&sums, &all[i]);
	*answer = (struct answer){ .x = sums.x,
				   .y = sums.y,
				   .x_abs = sums.x_abs,
				   .y_abs = sums.y_abs };
	for (int a = 0; a < ANNULI; a++) {
		answer->counts[a] = sums.counts[a];
		answer->accepted += sums.counts[a];
	}
	return 0;
}

static bool near(double found, double want)
{
	return fabs((found - want) / want) <= EPSILON;
}

static int verify_annuli(struct rig_team *team, const double *counts,
			 const double *want)
{
	for (int a = 0; a < ANNULI; a++)
		if (counts[a] != want[a])
			return rig_team_fail(team, -EBADMSG,
					     "ep: unsuccessful: %.0f pairs in "
					     "annulus %d, expected %.0f",
					     counts[a], a, want[a]);
	return 0;
}

static int verify_counts(struct rig_team *team, uint32_t class)
{
	const struct answer *answer = rig_team_data(team, ANSWER);
	double counted = 0;
	int r = 0;

	for (int a = 0; a < ANNULI; a++)
		counted += answer->counts[a];
	if (counted != classes[class].accepted || answer->accepted != counted)
		return rig_team_fail(team, -EBADMSG,
				     "ep: unsuccessful: %.0f pairs, %.0f by "
				     "annuli, expected %.0f",
				     answer->accepted, counted,
				     classes[class].accepted);
	for (size_t i = 0; i < sizeof(annuli) / sizeof(*annuli) && r == 0; i++)
		if (annuli[i].log == classes[class].log)
			r = verify_annuli(team, answer->counts,
					  annuli[i].counts);
	return r;
}

/* The classic check, for the published classes, and the later check. */
static int verify(struct rig_team *team)
{
	const struct ep_args *args = rig_team_args(team);
	const struct answer *answer = rig_team_data(team, ANSWER);
	double x = classes[args->class].x;
	double y = classes[args->class].y;
	double x_abs = classes[args->class].x_abs;
	double y_abs = classes[args->class].y_abs;

	if (x != 0 && (!near(answer->x, x) || !near(answer->y, y)))
		return rig_team_fail(team, -EBADMSG,
				     "ep: unsuccessful: sums %.15e and %.15e, "
				     "expected %.15e and %.15e",
				     answer->x, answer->y, x, y);
	if (!near(answer->x_abs, x_abs) || !near(answer->y_abs, y_abs))
		return rig_team_fail(team, -EBADMSG,
				     "ep: unsuccessful: absolute sums %.15e "
				     "and %.15e, expected %.15e and %.15e",
				     answer->x_abs, answer->y_abs, x_abs,
				     y_abs);
	return verify_counts(team, args->class);
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct answer *answer = data[ANSWER];

	(void)given;
	snprintf(text, bytes, "x = %.15e, y = %.15e, accepted = %.0f",
		 answer->x, answer->y, answer->accepted);
}

/* NPB's count of operations: the numbers that are drawn, two a pair. */
static double items(const void *given, void *const data[])
{
	const struct ep_args *args = given;

	(void)data;
	return ldexp(2, classes[args->class].log);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "sums",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_sums },
	{ .name = "answer",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_answer },
	{ 0 },
};

const struct rig_kernel kernel_ep = {
	.version = RIG_KERNEL_VERSION,
	.name = "ep",
	.summary = "pairs of Gaussian deviates, nothing shared (NPB EP)",
	.verified = "successful: NPB 3.4's sums to 1e-8, its count of pairs "
		    "exactly, and that of each annulus for S and A (own "
		    "implementation)",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct ep_args),
	.items = items,
	.item = "numbers",
	.owns = owns,
	.run = run,
	.hosts = 1,
	.verify = verify,
	.result = result,
};
