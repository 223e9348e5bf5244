/* SPDX-License-Identifier: MIT */
/*
 * checker_meeting.c - takers that meet in the barrier within a job: the taker that
 * notices that no taker is awake.
 */
#include "checker_dispatch.h"

#include <stddef.h>

#include <runrig/api.h>

#include "objects/barrier.h"

static struct rig_barrier barrier;

#define ALL_ASLEEP ((1u << MEETING) - 1)

static void look(int self)
{
	ghost()->notices++;
	for (int i = 0; i < MEETING; i++)
		if (i != self)
			expect(checker_read(CELL_RESULT + i) != 0,
			       "one awake was taken for asleep");
}

static void sleeps(void *arg, uint64_t target)
{
	int self = (int)(intptr_t)arg;

	checker_write(CELL_RESULT + self, 1);
	if (dispatch_sleeps(&dispatch))
		look(self);
}

static void awake(void *arg)
{
	dispatch_awake(&dispatch);
}

/* Thread 0 does not come. */
void thread_meeting(int self)
{
	const struct barrier_watch watch = { sleeps, awake,
					     (void *)(intptr_t)self };

	if (self)
		barrier_wait(&barrier, &patience, &watch);
	checker_write(CELL_RESULT + self, 1);
	if (dispatch_finish(&dispatch, MEETING) == DISPATCH_OTHERS_SLEEP)
		look(self);
}

const char *end_meeting(bool stuck)
{
	if (!stuck)
		return "the barrier opened without one";
	return ghost()->notices == 1 ? NULL : "not exactly one noticed";
}

void meeting(void)
{
	lay_out(0, RIG_FOREVER, 1, MEETING);
	checker_location(&barrier.word, "word");
	checker_location(&barrier.blocked, "blocked");
	rig_barrier_init(&barrier, MEETING, RIG_BARRIER_ADAPTIVE);
}

/*
 * All takers come, then all but the last: only threads that still sleep count
 * as asleep.  A late notice may come from the first meeting; the thread that
 * gets the notice looks, and sees that another thread has moved on.
 */
static void sleeps_twice(void *arg, uint64_t target)
{
	bool again = target > 2 * MEETING;
	uint32_t bit = 1u << (int)(intptr_t)arg;

	if (again)
		ghost()->asleep |= bit;
	if (dispatch_sleeps(&dispatch) && ghost()->asleep == ALL_ASLEEP)
		ghost()->notices++;
}

void thread_meet_twice(int self)
{
	const struct barrier_watch watch = { sleeps_twice, awake,
					     (void *)(intptr_t)self };

	barrier_wait(&barrier, &patience, &watch);
	if (self)
		barrier_wait(&barrier, &patience, &watch);
	ghost()->asleep |= 1u << self;
	if (dispatch_finish(&dispatch, MEETING) == DISPATCH_OTHERS_SLEEP &&
	    ghost()->asleep == ALL_ASLEEP)
		ghost()->notices++;
}

/* All come, sleeping or not: then all are awake for the next job. */
static void sleeps_once(void *arg, uint64_t target)
{
	(void)dispatch_sleeps(&dispatch);
}

void thread_all_meet(int self)
{
	const struct barrier_watch watch = { sleeps_once, awake, NULL };

	barrier_wait(&barrier, &patience, &watch);
	if (dispatch_finish(&dispatch, MEETING) == DISPATCH_ALL_DONE)
		ghost()->all_done++;
}

const char *end_all_meet(bool stuck)
{
	if (stuck)
		return "nobody can go on";
	if (checker_last(&dispatch.progress) !=
	    (MEETING | (uint64_t)MEETING << 32))
		return "progress is not that of a new job";
	return ghost()->all_done == 1 ? NULL : "not one was the last";
}
