/* SPDX-License-Identifier: MIT */
/*
 * pi.c - pi by points thrown into a square, the same points for any number of
 * workers.
 *
 * The generator is Philox4x32-10 (Salmon et al., 2011): a number is a function
 * of its place alone, there is no state to hand on, and the numbers depend
 * neither on rank nor on size.  Points have 32 bits a side, and x^2 + y^2 <
 * 2^64 is tested exactly.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define POINTS_MAX 9007199254740992.0 /* 2^53 */
#define SEED_MAX   4294967295.0
#define ROUNDS     10
#define SIGMAS     5

enum { HITS, POINTS, ANSWER_COUNT };

struct pi_args {
	struct rig_kernel_args header;
	size_t points;
	size_t seed;
};

static const struct rig_param params[] = {
	{ .name = "points",
	  .help = "how many are thrown",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct pi_args, points),
	  .fallback = "64Mi",
	  .max = POINTS_MAX },
	{ .name = "seed",
	  .help = "which of the generator's streams",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct pi_args, seed),
	  .fallback = "0",
	  .max = SEED_MAX },
	{ 0 },
};

static uint64_t count(const void *given)
{
	(void)given;
	return ANSWER_COUNT;
}

static double flops(const void *given)
{
	const struct pi_args *args = given;

	return 3 * (double)args->points;
}

struct block {
	uint32_t word[4];
};

INLINE struct block philox(struct block counter, uint32_t key0, uint32_t key1)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t low = UINT64_C(0xd2511f53) * counter.word[0];
		uint64_t high = UINT64_C(0xcd9e8d57) * counter.word[2];

		counter = (struct block){
			{ (uint32_t)(high >> 32) ^ counter.word[1] ^ key0,
			  (uint32_t)high,
			  (uint32_t)(low >> 32) ^ counter.word[3] ^ key1,
			  (uint32_t)low }
		};
		key0 += 0x9e3779b9;
		key1 += 0xbb67ae85;
	}
	return counter;
}

/* 1 where the point is in the quarter disc: the sum does not wrap. */
INLINE uint64_t inside(uint32_t x, uint32_t y)
{
	uint64_t xx = (uint64_t)x * x;

	return xx + (uint64_t)y * y >= xx;
}

/* Block i has the points 2 i and 2 i + 1. */
CLONES static uint64_t throw(uint32_t seed, uint64_t begin, uint64_t end)
{
	uint64_t hits = 0;

	for (uint64_t i = begin; i < end; i++) {
		struct block b = philox(
			(struct block){ { (uint32_t)i, (uint32_t)(i >> 32) } },
			seed, 0);

		hits += inside(b.word[0], b.word[1]);
		hits += inside(b.word[2], b.word[3]);
	}
	return hits;
}

/* The second point of the last block, which an odd number of points lacks. */
static uint64_t beyond(uint32_t seed, uint64_t last)
{
	struct block b = philox(
		(struct block){ { (uint32_t)last, (uint32_t)(last >> 32) } },
		seed, 0);

	return inside(b.word[2], b.word[3]);
}

/* Blocks after which a rank reports its progress. */
#define ROUND ((size_t)1 << 20)

static int run(struct rig_team *team)
{
	const struct pi_args *args = rig_team_args(team);
	size_t blocks = args->points / 2 + args->points % 2;
	struct rig_span strip = world_strip(team, blocks);
	uint64_t *answer = rig_team_data(team, 0), all = 0;
	uint32_t seed = (uint32_t)args->seed;
	uint64_t hits = 0;
	int r;

	for (size_t at = strip.begin; at < strip.end; at += ROUND) {
		size_t left = strip.end - at;

		hits += throw(seed, at, at + (left < ROUND ? left : ROUND));
		share_done(team, at - strip.begin, strip.end - strip.begin);
	}
	if (args->points % 2 && strip.begin < blocks && strip.end == blocks)
		hits -= beyond(seed, blocks - 1);
	r = rig_team_allreduce(rig_team_world(team), &hits, &all, 1, RIG_UINT64,
			       RIG_SUM);
	if (rig_team_rank(team) == 0) {
		answer[HITS] = all;
		answer[POINTS] = args->points;
	}
	return r < 0 ? r : rig_team_barrier(team);
}

/* The generator's published answers. */
static bool generator_is_right(void)
{
	struct block zeros = philox((struct block){ { 0 } }, 0, 0);
	struct block ones = philox((struct block){ { UINT32_MAX, UINT32_MAX,
						     UINT32_MAX, UINT32_MAX } },
				   UINT32_MAX, UINT32_MAX);

	return zeros.word[0] == 0x6627e8d5 && zeros.word[1] == 0xe169c58d &&
	       zeros.word[2] == 0xbc57ac4c && zeros.word[3] == 0x9b00dbd8 &&
	       ones.word[0] == 0x408f276d && ones.word[1] == 0x41c83b0e &&
	       ones.word[2] == 0xa20bc7c6 && ones.word[3] == 0x6d5451fd;
}

static int verify(struct rig_team *team)
{
	const struct pi_args *args = rig_team_args(team);
	const uint64_t *answer = rig_team_data(team, 0);
	double points = (double)args->points;
	double share = M_PI / 4;
	double sigma = sqrt(points * share * (1 - share));
	double hits = (double)answer[HITS];

	if (!generator_is_right())
		return rig_team_fail(team, -EBADMSG,
				     "pi: the generator is not Philox4x32-10");
	if (answer[POINTS] != args->points || hits > points ||
	    fabs(hits - share * points) > SIGMAS * sigma)
		return rig_team_fail(team, -EBADMSG,
				     "pi: %" PRIu64 " of %zu points hit",
				     answer[HITS], args->points);
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const uint64_t *answer = data[0];

	(void)given;
	snprintf(text, bytes, "pi = %.10g, hits = %" PRIu64,
		 answer[POINTS]
			 ? 4 * (double)answer[HITS] / (double)answer[POINTS]
			 : 0.0,
		 answer[HITS]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "answer",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT64,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_pi = {
	.version = RIG_KERNEL_VERSION,
	.name = "pi",
	.summary = "pi by random points, the same for any number of workers",
	.verified = "Philox4x32-10's published numbers, and pi within 5 "
		    "standard deviations",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct pi_args),
	.flops = flops,
	.run = run,
	.verify = verify,
	.result = result,
	.hosts = 1,
};
