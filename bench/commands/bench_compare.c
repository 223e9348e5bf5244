/* SPDX-License-Identifier: MIT */
/*
 * bench_compare.c - rigbench compare: two results, cell by cell.
 *
 * Runs are not interleaved, and the machine may have changed between the runs.
 * A difference is therefore claimed only where the unpaired interval of launch
 * medians excludes 1 by more than the machine's own noise.  The noise is the
 * larger of two numbers: the difference that A against A showed in either run,
 * and the change of the controls from run to run.  A control is a loop on a
 * single core that has nothing to do with the compared cells.  The interval has
 * 99 %, for many cells are looked at.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "report/result_read.h"
#include "driver/measure.h"

#define LAUNCHES_MAX 1000
#define PAIRS_LOOKED 256
#define TAIL         0.005

/* The distance from 1 of the same cell measured twice, in logarithms: the
 * median over a run's pairs of their intervals' far ends. */
static double noise_of(const json_t *result)
{
	const json_t *list = json_object_get(result, "comparisons");
	double far[PAIRS_LOOKED];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < PAIRS_LOOKED; i++) {
		const json_t *c = json_array_get(list, i);
		double low, high;

		if (json_is_true(json_object_get(c, "aa")) &&
		    result_read_interval(c, &low, &high))
			far[n++] = fmax(fabs(log(low)), fabs(log(high)));
	}
	return n ? stats_median(far, n) : 0;
}

static int shift_of(const json_t *old, const json_t *new,
		    struct stats_interval *shift)
{
	static double a[LAUNCHES_MAX];
	static double b[LAUNCHES_MAX];
	size_t na = result_read_launch_logs(old, a, LAUNCHES_MAX);
	size_t nb = result_read_launch_logs(new, b, LAUNCHES_MAX);

	if (!na || !nb)
		return -ENODATA;
	return stats_shift(a, na, b, nb, TAIL, shift);
}

static bool is_control(const json_t *cell)
{
	const char *transport = result_read_axis(cell, "transport");

	return strcmp(transport, "null") == 0 ||
	       strcmp(transport, "memcpy") == 0 ||
	       strcmp(transport, "serialise") == 0;
}

/* How far the controls moved: the median of the controls' shifts, either
 * way. */
static double drift_of(const json_t *a, const json_t *b)
{
	const json_t *cells = json_object_get(b, "cells");
	double moved[PAIRS_LOOKED];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(cells) && n < PAIRS_LOOKED;
	     i++) {
		const json_t *new = json_array_get(cells, i);
		const json_t *old =
			is_control(new)
				? result_read_cell(a,
						   result_read_text(new, "id"))
				: NULL;
		struct stats_interval shift;

		if (old && shift_of(old, new, &shift) == 0)
			moved[n++] = fabs(shift.estimate);
	}
	return n ? stats_median(moved, n) : 0;
}

/* The ratio of new to old, with the interval widened by the noise. */
static int ratio_of(const json_t *old, const json_t *new, double noise,
		    struct stats_interval *ratio)
{
	int r = shift_of(old, new, ratio);

	if (r < 0)
		return r;
	ratio->estimate = exp(ratio->estimate);
	ratio->low = exp(ratio->low - noise);
	ratio->high = exp(ratio->high + noise);
	return 0;
}

struct compare_tally {
	int cells, slower, faster;
};

static void compare_cell(const json_t *old, const json_t *new, double noise,
			 double min_effect, struct compare_tally *tally)
{
	struct stats_interval ratio;
	enum verdict verdict;
	const char *words;

	if (ratio_of(old, new, noise, &ratio) < 0)
		return;
	if (!result_read_trusted(old) || !result_read_trusted(new)) {
		printf("  %-52.52s not a result: A/A beyond %.1f\n",
		       result_read_text(new, "id"), AGAIN_MAX);
		tally->cells++;
		return;
	}
	/* new / old: A is the old cell. */
	verdict = verdict_of(&ratio, min_effect);
	words = verdict == VERDICT_NOT_SHOWN  ? "not shown"
		: verdict == VERDICT_A_FASTER ? "SLOWER"
					      : "faster";
	tally->cells++;
	tally->slower += verdict == VERDICT_A_FASTER;
	tally->faster += verdict == VERDICT_B_FASTER;
	if (ratio.known)
		printf("  %-52.52s %6.3f [%.3f,%.3f] %s\n",
		       result_read_text(new, "id"), ratio.estimate, ratio.low,
		       ratio.high, words);
	else
		printf("  %-52.52s %6.3f [too few launches] %s\n",
		       result_read_text(new, "id"), ratio.estimate, words);
}

static struct compare_tally compare(const json_t *a, const json_t *b,
				    double min_effect)
{
	const json_t *cells = json_object_get(b, "cells");
	double again = fmax(noise_of(a), noise_of(b));
	double drift = drift_of(a, b);
	double noise = fmax(again, drift);
	struct compare_tally tally = { 0 };

	printf("%-54s  new / old [99%% CI], A/A within %.1f %%, controls moved "
	       "by %.1f %%\n",
	       "cell", 100 * expm1(again), 100 * expm1(drift));
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *new = json_array_get(cells, i);
		const json_t *old =
			result_read_cell(a, result_read_text(new, "id"));

		if (old)
			compare_cell(old, new, noise, min_effect, &tally);
	}
	return tally;
}

static int command_compare(struct command *c)
{
	struct compare_tally tally;
	json_t *a;
	json_t *b;

	if (c->word_count != 3) {
		fprintf(stderr, "rigbench: compare OLD.json NEW.json\n");
		return 1;
	}
	a = result_read_load(c->words[1]);
	b = a ? result_read_load(c->words[2]) : NULL;
	if (!b) {
		json_decref(a);
		return 5;
	}
	tally = compare(a, b, c->plan.min_effect);
	if (!tally.cells) {
		fprintf(stderr,
			"rigbench: %s and %s have no measured cell in common: "
			"two runs of one command are compared\n",
			c->words[1], c->words[2]);
		json_decref(a);
		json_decref(b);
		return 1;
	}
	printf("\nof %d cells %d are shown slower, %d faster, %d not shown to "
	       "differ (%.0f %%)\n",
	       tally.cells, tally.slower, tally.faster,
	       tally.cells - tally.slower - tally.faster,
	       100.0 * (tally.cells - tally.slower - tally.faster) /
		       tally.cells);
	json_decref(a);
	json_decref(b);
	return tally.slower ? 4 : 0;
}

const struct bench_command bench_compare = {
	.name = "compare",
	.words = "OLD.json NEW.json",
	.summary = "Say what has changed between two results.",
	.run = command_compare,
	.about =
		"Both are what --json=FILE wrote.  Exits with 4 where something is "
		"shown slower.",
};
