/* SPDX-License-Identifier: MIT */
/*
 * start.c - how speed-ups are found that are not there.
 */
#include "lab.h"

/* The mean of the old or of the new program's times. */
static double typical(const struct lab_time *times, bool is_new)
{
	double sum = 0;

	/* TODO(1): what does a single disturbed run do to a mean?  And a single
	 * lucky run to the best time? */
	for (int i = 0; i < LAB_TIMES; i++)
		if (times[i].is_new == is_new)
			sum += times[i].ns;
	return sum / (LAB_TIMES / 2);
}

enum lab_verdict judge(const struct lab_time *times)
{
	/* TODO(2): have both programs done the same work, and is the result the
	 * same? */

	/* TODO(3): when were the runs made?  Does a program's time change from
	 * its first runs to its last?  And when does such a change matter? */

	/* TODO(4): how large is a difference that is no noise? */
	return speedup(times) > 1 ? LAB_FASTER : LAB_SLOWER;
}

double speedup(const struct lab_time *times)
{
	return typical(times, false) / typical(times, true);
}

double parallel_speedup(const struct lab_program *programs, int count,
			int workers)
{
	double one = 0, many = 0;

	/* TODO(5): over which program on a single worker? */
	for (int i = 0; i < count; i++) {
		if (programs[i].workers == 1)
			one = programs[i].ns > one ? programs[i].ns : one;
		if (programs[i].workers == workers &&
		    (many == 0 || programs[i].ns < many))
			many = programs[i].ns;
	}
	return one / many;
}

int measure(struct rig_team *team, double *ns)
{
	double begin = lab_clock(team);

	/* TODO(6): when can all begin, when has the last ended, and is the first
	 * run like the others? */
	lab_work(team);
	if (rig_team_rank(team) == 0)
		*ns = lab_clock(team) - begin;
	return 0;
}
