/* SPDX-License-Identifier: MIT */
/*
 * checker_dispatch.h - the dispatch under the checker, as the scenarios of
 * test_checker_dispatch.c and checker_meeting.c lay the dispatch out.
 */
#ifndef RUNRIG_CHECKER_DISPATCH_H
#define RUNRIG_CHECKER_DISPATCH_H

#include "checker.h"

#include "machine/wait.h"
#include "objects/dispatch.h"

/* The number of takers that meet in a job that has been posted from the first. */
#define MEETING 3

enum {
	CELL_JOB = 0,   /* the poster's */
	CELL_RESULT = 4 /* the next locations are the takers' */
};

/* The real events. */
struct ghost {
	uint32_t posted;
	uint32_t left;     /* jobs of the chain after that */
	uint32_t finished; /* takers that have finished that job */
	uint32_t all_done; /* takers told that they were the last, over all */
	uint32_t given_up; /* the last job that the warden ended */
	uint32_t seen;     /* by the takers to start next */
	uint32_t notices;  /* takers told that no taker is awake */
	uint32_t asleep;   /* bit t: t sleeps or has finished, for good */
};

extern struct dispatch_shm dispatch;
extern struct patience patience;

struct ghost *ghost(void);

/* Fail with the words, unless the condition holds. */
void expect(bool holds, const char *what);

/* Set the patience of the threads, and lay the dispatch out for the takers: in
 * set_up. */
void lay_out(uint32_t yields, uint64_t deadline, uint32_t job_count,
	     uint32_t taker_count);

/* The scenarios of checker_meeting.c: set_up, threads and ends. */
void meeting(void);
void thread_meeting(int self);
void thread_meet_twice(int self);
const char *end_meeting(bool stuck);
void thread_all_meet(int self);
const char *end_all_meet(bool stuck);

#endif
