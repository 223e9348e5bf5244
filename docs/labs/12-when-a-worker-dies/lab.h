/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 *
 * LAB_STEPS times, every number x[i] becomes lab_next(x[i], i).  Workers die at
 * it, and the result is the same.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

#define LAB_N     1000
#define LAB_STEPS 20

/* In shared memory, the job's segment 0: all that outlives a worker.  To begin
 * with step is 0 and x[0] what is computed from. */
struct lab_state {
	uint64_t step; /* steps that are done, wholly */
	double x[2][LAB_N];
};

/* Yours, in start.c: the kernel.  The result belongs in x[LAB_STEPS % 2]. */
int advance(struct rig_team *team);

/* Yours: run the job, deaths or no deaths.  Returns 0 when it is done. */
int persist(struct rig_pool *pool, const struct rig_job *job);

/* The lab's, in check.c. */
double lab_next(double x, size_t i);

/* rig_pool_run(), and a note of what the report says. */
int lab_run(struct rig_pool *pool, const struct rig_job *job);

/* rig_team_barrier(), and a note that this rank waits. */
int lab_barrier(struct rig_team *team);

/* Call it between two elements: a worker may die here. */
void lab_point(struct rig_team *team);

/*
 * state->step = step; and a worker may die right before it.  It makes the worst
 * case certain: it dies when all the others are as far ahead as they can get.
 */
void lab_record(struct rig_team *team, struct lab_state *state, uint64_t step);

#endif
