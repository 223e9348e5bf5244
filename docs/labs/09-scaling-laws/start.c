/* SPDX-License-Identifier: MIT */
/*
 * start.c - three laws that are nearly right, and a program with a serial part.
 */
#include "lab.h"

#include <math.h>

double amdahl(double serial, int workers)
{
	/* TODO(1): what of the serial part? */
	return workers * (1 - serial);
}

double gustafson(double serial, int workers)
{
	/* TODO(2): of whose time is `serial` a share? */
	return 1 / (serial + (1 - serial) / workers);
}

double karp_flatt(double speedup, int workers)
{
	/* TODO(3): solve Amdahl's law for the serial share. */
	return 1 - speedup / workers;
}

int workers_for(double serial, double speedup)
{
	int workers = 1;

	/* TODO(4): is there always an end? */
	while (workers < 1000 && amdahl(serial, workers) < speedup)
		workers++;
	return workers;
}

double predict(const struct lab_run *runs, int count, int workers)
{
	/* TODO(5): which share is serial, and which run says most about it? */
	(void)count;
	return runs[0].ns / workers;
}

enum lab_loss diagnose(const struct lab_run *runs, int count)
{
	const struct lab_run *last = &runs[count - 1];

	/* TODO(6): the efficiency falls in either case.  What does not? */
	return runs[0].ns / last->ns < last->workers / 2.0 ? LAB_OVERHEAD
							   : LAB_SERIAL;
}

int scale(struct rig_team *team)
{
	const size_t n = lab_count(team);
	struct rig_span mine = rig_team_strip(team, n);
	double found = -INFINITY, all = 0;
	int r;

	/* TODO(7): how many steps has rank 0, and how many have the others? */
	if (rig_team_rank(team) == 0)
		for (size_t i = 0; i < n; i++)
			found = fmax(found, lab_look(team, i));
	r = lab_greatest(team, found, &all);
	for (size_t i = mine.begin; r == 0 && i < mine.end; i++)
		lab_divide(team, i, all);
	return r;
}
