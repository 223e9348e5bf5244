/* SPDX-License-Identifier: MIT */
/*
 * lab.h - claims that a program has become faster, and a measuring that can be
 * believed.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* Runs of a claim: half of the runs are of the old program. */
#define LAB_TIMES 30

/* A run of the old or the new program. */
struct lab_time {
	bool is_new;
	double ns;
	size_t elements; /* the run's work */
	uint64_t result; /* a checksum */
};

/* Flaws that a claim's runs show.  No claim has two flaws. */
enum lab_verdict {
	LAB_FASTER,       /* by 10 % at least */
	LAB_SLOWER,       /* likewise */
	LAB_NO_CHANGE,    /* less than 5 %: noise */
	LAB_OTHER_WORK,   /* the programs have not done the same work */
	LAB_OTHER_RESULT, /* the new program's result is another */
	LAB_DRIFT         /* the machine has changed, not the program */
};

/* Yours, in start.c: the verdict on LAB_TIMES runs, in the order of the runs.  A
 * run without a disturbance is off by up to 2 %; some runs are disturbed, and some
 * are lucky. */
enum lab_verdict judge(const struct lab_time *times);

/* Yours: the speed-up of the new program over the old, for runs that have no flaw;
 * to be right to 5 %. */
double speedup(const struct lab_time *times);

/* A program's best time on so many workers. */
struct lab_program {
	int workers;
	double ns;
};

/* Yours: the speed-up on `workers` workers over a single worker, by the best
 * program of each. */
double parallel_speedup(const struct lab_program *programs, int count,
			int workers);

/* Runs of one measuring. */
#define LAB_RUNS 9

/*
 * Yours: how long does lab_work() take a team?  From the moment when all ranks
 * could begin until the last has ended.  Ranks come to the function late.  The
 * first run is slow, and some runs are disturbed.  All ranks call the function; rank
 * 0 writes *ns, which is to be right to 2 %.
 */
int measure(struct rig_team *team, double *ns);

/* The lab's, in check.c.  The clock is the check's: each rank's, set as each rank
 * likes.  All ranks call lab_barrier() and lab_longest(). */
double lab_clock(struct rig_team *team);
void lab_work(struct rig_team *team);
int lab_barrier(struct rig_team *team);
/* The greatest of the ranks' numbers, to each rank. */
int lab_longest(struct rig_team *team, double mine, double *all);

#endif
