/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what more workers can do for a program, said beforehand and found
 * afterwards.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* A program took `ns` on so many workers. */
struct lab_run {
	int workers;
	double ns;
};

/* Yours, in start.c: the speed-up of a problem whose size stays, where a share
 * `serial` of the time on 1 worker cannot be divided (Amdahl, 1967). */
double amdahl(double serial, int workers);

/* Yours: the speed-up of a problem that grows with the workers, where a share
 * `serial` of the time on `workers` workers is not divided (Gustafson, 1988). */
double gustafson(double serial, int workers);

/* Yours: the serial share that a measured speed-up on 2 workers or more points
 * to (Karp and Flatt, 1990). */
double karp_flatt(double speedup, int workers);

/* Yours: how few workers have this speed-up, by Amdahl's law?  0: no number of
 * workers has. */
int workers_for(double serial, double speedup);

/* Yours: the time on so many workers, from runs on fewer, where nothing but a
 * serial share holds the program up.  runs[0] is on 1 worker and exact, the others
 * are off by up to 1 %, and are in order of their workers.  To be right to 10 %. */
double predict(const struct lab_run *runs, int count, int workers);

/* Why is the speed-up less than the workers? */
enum lab_loss {
	LAB_SERIAL,  /* a part is not divided */
	LAB_OVERHEAD /* a part grows with the workers */
};

/* Yours: which of the two?  Runs as above. */
enum lab_loss diagnose(const struct lab_run *runs, int count);

/*
 * Yours: every number of the array is divided by the greatest of all.  Every rank
 * calls the function.  Steps are counted, and nothing is timed: the steps of the
 * rank that has most, on 1, 2 and 8 ranks, are the program's time.
 */
int scale(struct rig_team *team);

/* The lab's, in check.c.  How many numbers; number i, for 1 step; number i divided
 * by `by`, for 3 steps. */
size_t lab_count(struct rig_team *team);
double lab_look(struct rig_team *team, size_t i);
void lab_divide(struct rig_team *team, size_t i, double by);

/* The greatest of the ranks' numbers, to each rank, when all have called: 10 steps
 * for each doubling of the ranks. */
int lab_greatest(struct rig_team *team, double mine, double *all);

#endif
