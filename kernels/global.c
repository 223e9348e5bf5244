/* SPDX-License-Identifier: MIT */
/*
 * global.c - PRK's synch_global: a string dealt out and gathered, over and over.
 *
 * The string is `parts` parts of `length` digits.  A sweep deals the digits of
 * every part out round robin, which is a transposition of a parts by length
 * matrix: each rank reads digits from the whole string and writes its own
 * strip, and no rank may begin the next sweep before all ranks have ended this
 * sweep.
 *
 * The sum of the digits never changes, and the digit that ends at p began at p
 * length^sweeps modulo the string's length less one.
 */
#include <errno.h>
#include <stdio.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define LENGTH_MAX 4294967296.0 /* 2^32 */
#define PARTS_MAX  65536.0

/* PRK's digits, repeated. */
static const char digits[] = "27638472638746283742712311207892";

enum { FROM, TO };

struct global_args {
	struct rig_kernel_args header;
	size_t length;
	size_t parts;
	size_t iterations;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "digits of a part",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct global_args, length),
	  .fallback = "10000",
	  .max = LENGTH_MAX },
	{ .name = "parts",
	  .help = "parts of the string: PRK's threads",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct global_args, parts),
	  .fallback = "4",
	  .min = 1,
	  .max = PARTS_MAX },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct global_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct global_args *args = given;

	return args->length * args->parts;
}

static double bytes_moved(const void *given)
{
	const struct global_args *args = given;

	return (double)(args->iterations + 1) * 2 * (double)count(args);
}

static uint8_t digit_at(const struct global_args *args, size_t at)
{
	return (uint8_t)(digits[at % args->length % (sizeof(digits) - 1)] -
			 '0');
}

static int prepare(struct rig_team *team)
{
	const struct global_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, count(args));
	uint8_t *from = rig_team_data(team, FROM);
	uint8_t *to = rig_team_data(team, TO);

	for (size_t i = strip.begin; i < strip.end; i++) {
		from[i] = digit_at(args, i);
		to[i] = 0;
	}
	return rig_team_barrier(team);
}

/* Digits p to end - 1 of row i: to[i * parts + p] = from[p * length + i] */
INLINE void deal_row(uint8_t *restrict to, const uint8_t *restrict from,
		     size_t parts, size_t length, size_t i, size_t p,
		     size_t end)
{
	for (; p < end; p++)
		to[i * parts + p] = from[p * length + i];
}

/* Whole rows; with `parts` a constant, by the vector code. */
INLINE void deal_rows(uint8_t *restrict to, const uint8_t *restrict from,
		      size_t parts, size_t length, struct rig_span rows)
{
	for (size_t i = rows.begin; i < rows.end; i++)
		deal_row(to, from, parts, length, i, 0, parts);
}

CLONES static void deal_all(uint8_t *restrict to, const uint8_t *restrict from,
			    size_t parts, size_t length, struct rig_span rows)
{
	if (parts == 2)
		deal_rows(to, from, 2, length, rows);
	else if (parts == 4)
		deal_rows(to, from, 4, length, rows);
	else if (parts == 8)
		deal_rows(to, from, 8, length, rows);
	else
		deal_rows(to, from, parts, length, rows);
}

/* A strip begins and ends anywhere in a row. */
static void deal(const struct global_args *args, uint8_t *restrict to,
		 const uint8_t *restrict from, struct rig_span strip)
{
	size_t parts = args->parts, length = args->length;
	size_t first = strip.begin / parts, last = strip.end / parts;
	size_t left = strip.begin % parts, right = strip.end % parts;

	if (left) {
		deal_row(to, from, parts, length, first, left,
			 first == last ? right : parts);
		if (first == last)
			return;
		first++;
	}
	deal_all(to, from, parts, length, (struct rig_span){ first, last });
	deal_row(to, from, parts, length, last, 0, right);
}

static int run(struct rig_team *team)
{
	const struct global_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, count(args));
	uint8_t *strings[] = { rig_team_data(team, FROM),
			       rig_team_data(team, TO) };

	for (size_t k = 0; k <= args->iterations; k++) {
		deal(args, strings[(k + 1) % 2], strings[k % 2], strip);
		rig_team_barrier(team);
		share_done(team, k + 1, args->iterations + 1);
	}
	return 0;
}

/* Products of two size_t. */
__extension__ typedef unsigned __int128 wide;

/* base^exponent modulo `modulus` */
static size_t power(size_t base, size_t exponent, size_t modulus)
{
	wide result = 1 % modulus;
	wide square = base % modulus;

	for (; exponent; exponent >>= 1, square = square * square % modulus)
		if (exponent & 1)
			result = result * square % modulus;
	return (size_t)result;
}

static int verify(struct rig_team *team)
{
	const struct global_args *args = rig_team_args(team);
	size_t sweeps = args->iterations + 1;
	size_t total = count(args);
	struct rig_span strip = share_next(team, total);
	const uint8_t *string = rig_team_data(team, sweeps % 2 ? TO : FROM);
	size_t step = total > 1 ? power(args->length, sweeps, total - 1) : 0;

	for (size_t i = strip.begin; i < strip.end; i++) {
		/* The last digit never moves. */
		size_t began = i + 1 == total
				       ? i
				       : (size_t)((wide)i * step % (total - 1));

		if (string[i] != digit_at(args, began))
			return rig_team_fail(team, -EBADMSG,
					     "global: digit %zu is %d, "
					     "expected %d",
					     i, string[i],
					     digit_at(args, began));
	}
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "string",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count },
	{ .name = "other",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_global = {
	.version = RIG_KERNEL_VERSION,
	.name = "global",
	.summary = "a string dealt out and gathered, a barrier a sweep",
	.verified = "PRK's digits, each where number theory says it must end",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct global_args),
	.bytes_moved = bytes_moved,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
