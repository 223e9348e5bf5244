/* SPDX-License-Identifier: MIT */
/*
 * solution.c - medians, what the runs have in common, and the last rank.
 */
#include "lab.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *x, int count)
{
	qsort(x, (size_t)count, sizeof(*x), by_size);
	return (x[(count - 1) / 2] + x[count / 2]) / 2;
}

/* (1) The median of a program's runs `begin` to `end`: as few runs as are
 * disturbed or lucky move the median by no more than the noise. */
static double typical(const struct lab_time *times, bool is_new, int begin,
		      int end)
{
	double found[LAB_TIMES];
	int count = 0, at = 0;

	for (int i = 0; i < LAB_TIMES; i++)
		if (times[i].is_new == is_new) {
			if (at >= begin && at < end)
				found[count++] = times[i].ns;
			at++;
		}
	return median(found, count);
}

/* Has a program's time changed from the first half of its runs to the second? */
static bool has_drifted(const struct lab_time *times, bool is_new)
{
	const int runs = LAB_TIMES / 2;
	double early = typical(times, is_new, 0, runs / 2);
	double late = typical(times, is_new, runs / 2, runs);

	return late > 1.05 * early || early > 1.05 * late;
}

/* Is the mean place of both programs' runs about the same? */
static bool is_mixed(const struct lab_time *times)
{
	int places = 0;

	for (int i = 0; i < LAB_TIMES; i++)
		places += times[i].is_new ? i : -i;
	return abs(places) < LAB_TIMES / 2 * (LAB_TIMES / 4);
}

enum lab_verdict judge(const struct lab_time *times)
{
	double factor = speedup(times);

	/* (2) */
	for (int i = 1; i < LAB_TIMES; i++) {
		if (times[i].result != times[0].result)
			return LAB_OTHER_RESULT;
		if (times[i].elements != times[0].elements)
			return LAB_OTHER_WORK;
	}
	/* (3) A drift is shared out evenly where the runs are mixed. */
	if (!is_mixed(times) &&
	    (has_drifted(times, false) || has_drifted(times, true)))
		return LAB_DRIFT;
	/* (4) */
	if (factor > 1.075)
		return LAB_FASTER;
	return factor < 1 / 1.075 ? LAB_SLOWER : LAB_NO_CHANGE;
}

double speedup(const struct lab_time *times)
{
	return typical(times, false, 0, LAB_TIMES) /
	       typical(times, true, 0, LAB_TIMES);
}

double parallel_speedup(const struct lab_program *programs, int count,
			int workers)
{
	double one = 0, many = 0;

	/* (5) Over the best that a single worker can do. */
	for (int i = 0; i < count; i++) {
		double ns = programs[i].ns;

		if (programs[i].workers == 1 && (one == 0 || ns < one))
			one = ns;
		if (programs[i].workers == workers && (many == 0 || ns < many))
			many = ns;
	}
	return one / many;
}

/* (6) All begin behind a barrier, and the longest rank is the team's time. */
int measure(struct rig_team *team, double *ns)
{
	double found[LAB_RUNS];
	int r = 0;

	for (int i = -1; r == 0 && i < LAB_RUNS; i++) {
		double begin, longest = 0;

		r = lab_barrier(team);
		begin = lab_clock(team);
		lab_work(team);
		if (r == 0)
			r = lab_longest(team, lab_clock(team) - begin,
					&longest);
		if (i >= 0)
			found[i] = longest;
	}
	if (r == 0 && rig_team_rank(team) == 0)
		*ns = median(found, LAB_RUNS);
	return r;
}
