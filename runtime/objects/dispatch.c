/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - posting, taking and finishing jobs.
 *
 * Invariant: no job is in progress where `done` is `posted`.  While one is, `done` is
 * `before`, with or without the alarm, and only the last taker to finish a job, or
 * the warden when no taker is left, changes `posted` or the number in `done`.
 *
 * Hot path, nobody asleep: the poster stores `posted` (a line to the takers with
 * the job's words), each taker subtracts itself from `progress`, the last taker
 * stores `done` (a line to the poster).
 *
 * Sleeping is store-then-look on both sides, in both directions:
 *
 *	poster: store posted, load sleepers      taker: add sleepers, load posted
 *	taker:  store done, load poster_sleeps   poster: store poster_sleeps,
 *	                                                 load done
 *
 * All of these are seq_cst, so that of the two looks at least one sees the
 * other's store (with acquire and release both could miss: store buffering).
 * The futex looks once more at the word before the sleep.
 *
 * Progress is a single word, so that exactly one taker sees the moment at which
 * nobody is awake any more: the last taker to fall asleep or to finish.
 */
#include "objects/dispatch.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define ALARM 1u /* in `done` */
#define JOB   2u /* a job more, in `posted` and `done` */

#define RUNNING UINT64_C(1)         /* has not finished the job */
#define AWAKE   (UINT64_C(1) << 32) /* and is not asleep in a wait */

static uint64_t running(uint64_t progress)
{
	return progress & (AWAKE - 1);
}

static uint64_t awake(uint64_t progress)
{
	return progress / AWAKE;
}

void dispatch_init(struct dispatch_shm *dispatch, int size)
{
	/* relaxed: no taker runs, and takers to come are forked afterwards. */
	store_relaxed(&dispatch->progress, (uint64_t)size * (RUNNING + AWAKE));
	store_relaxed(&dispatch->sleepers, 0);
}

/* Job `job` is there, with all earlier writes. */
static void post(struct dispatch_shm *dispatch, uint32_t job)
{
	/* seq_cst: see above; releases the job to dispatch_take(). */
	store_seq(&dispatch->posted, job);
	if (load_seq(&dispatch->sleepers))
		wait_wake(&dispatch->posted, INT_MAX);
}

void dispatch_post(struct dispatch_shm *dispatch)
{
	/* relaxed: nobody else writes the words while no job is in progress. */
	uint32_t before = load_relaxed(&dispatch->posted);

	store_relaxed(&dispatch->before, before);
	post(dispatch, before + JOB);
}

void dispatch_next(struct dispatch_shm *dispatch)
{
	/* relaxed: the poster waits, and the other takers have finished. */
	post(dispatch, load_relaxed(&dispatch->posted) + JOB);
}

uint32_t dispatch_place(const struct dispatch_shm *dispatch, uint32_t posted)
{
	/* relaxed: written before the job was posted. */
	return (posted - load_relaxed(&dispatch->before)) / JOB - 1;
}

uint32_t dispatch_posted(const struct dispatch_shm *dispatch)
{
	/* acquire: pairs with the store in post(); what the last taker wrote of
	 * this job is seen. */
	return load_acquire(&dispatch->posted);
}

/* Is `done` as the poster of the job after `before` wants it? */
static bool settled(uint32_t done, uint32_t before, bool heed)
{
	return (done & ~ALARM) != before || (heed && (done & ALARM));
}

int dispatch_wait(struct dispatch_shm *dispatch,
		  const struct patience *patience, bool heed,
		  uint64_t deadline_ns)
{
	uint32_t before = load_relaxed(&dispatch->before);
	/* acquire in there: pairs with the store in dispatch_done(). */
	uint32_t done = wait_change(&dispatch->done, before, patience);
	int r = 0;

	if (!settled(done, before, heed)) {
		store_seq(&dispatch->poster_sleeps, 1);
		done = load_seq(&dispatch->done);
		while (!settled(done, before, heed) && r != -ETIMEDOUT) {
			r = wait_sleep(&dispatch->done, done, deadline_ns);
			done = load_seq(&dispatch->done);
		}
		/* relaxed: a wake too many does no harm. */
		store_relaxed(&dispatch->poster_sleeps, 0);
	}
	if (settled(done, before, false))
		return 0;
	return settled(done, before, heed) ? -EINTR : -ETIMEDOUT;
}

bool dispatch_poll(const struct dispatch_shm *dispatch,
		   const struct patience *patience)
{
	uint32_t before = load_relaxed(&dispatch->before);

	/* acquire in there: pairs with the store in dispatch_done(). */
	return settled(wait_change(&dispatch->done, before, patience), before,
		       false);
}

bool dispatch_is_done(const struct dispatch_shm *dispatch)
{
	return settled(load_acquire(&dispatch->done),
		       load_relaxed(&dispatch->before), false);
}

bool dispatch_has_news(const struct dispatch_shm *dispatch)
{
	return settled(load_acquire(&dispatch->done),
		       load_relaxed(&dispatch->before), true);
}

void dispatch_wake(struct dispatch_shm *dispatch)
{
	/* seq_cst: see above. */
	if (load_seq(&dispatch->poster_sleeps))
		wait_wake(&dispatch->done, 1);
}

void dispatch_set_polled(struct dispatch_shm *dispatch)
{
	/* seq_cst: store, then look, as for sleeping. */
	store_seq(&dispatch->polled, 1);
}

bool dispatch_is_polled(struct dispatch_shm *dispatch)
{
	return load_seq(&dispatch->polled) != 0;
}

void dispatch_ring(struct dispatch_shm *dispatch, int bell)
{
	const uint64_t one = 1;

	if (dispatch_is_polled(dispatch) && bell >= 0)
		(void)!write(bell, &one, sizeof(one));
}

void dispatch_alarm(struct dispatch_shm *dispatch)
{
	or_seq(&dispatch->done, ALARM);
	dispatch_wake(dispatch);
}

void dispatch_interrupt(struct dispatch_shm *dispatch)
{
	/* relaxed: a job that is posted meanwhile hears an alarm too many. */
	uint32_t before = load_relaxed(&dispatch->before);
	uint32_t done = load_seq(&dispatch->done);

	/* A job that is done has no alarm: `done` stays the number. */
	while (done == before && !cas_seq(&dispatch->done, &done, done | ALARM))
		;
	dispatch_wake(dispatch);
}

void dispatch_heard(struct dispatch_shm *dispatch)
{
	uint32_t done = load_seq(&dispatch->done);

	/* seq_cst: an alarm raised before is taken down, and the poster sees
	 * the reason; where the swap fails, the job is done. */
	if (done & ALARM)
		(void)cas_seq(&dispatch->done, &done, done & ~ALARM);
}

uint32_t dispatch_take(struct dispatch_shm *dispatch, uint32_t last,
		       const struct patience *patience)
{
	/* acquire in there: pairs with the store in dispatch_post(). */
	uint32_t job = wait_change(&dispatch->posted, last, patience);

	if (job != last)
		return job;
	add_seq(&dispatch->sleepers, 1);
	while ((job = load_seq(&dispatch->posted)) == last)
		(void)wait_sleep(&dispatch->posted, last, RIG_FOREVER);
	sub_seq(&dispatch->sleepers, 1);
	return job;
}

bool dispatch_sleeps(struct dispatch_shm *dispatch)
{
	/* acq_rel: whoever sees nobody awake sees the target that each taker
	 * published before its sleep. */
	return awake(sub_acq_rel(&dispatch->progress, AWAKE)) == 1;
}

void dispatch_awake(struct dispatch_shm *dispatch)
{
	add_acq_rel(&dispatch->progress, AWAKE);
}

bool dispatch_anyone_awake(const struct dispatch_shm *dispatch)
{
	return awake(load_acquire(&dispatch->progress)) > 0;
}

enum dispatch_finish dispatch_finish(struct dispatch_shm *dispatch, int size)
{
	/* acq_rel: hands on the writes of this taker; the last taker acquires
	 * them all and hands them to the poster by dispatch_done(). */
	uint64_t before = sub_acq_rel(&dispatch->progress, RUNNING + AWAKE);

	if (running(before) == 1) {
		/* relaxed: dispatch_done() releases the word, to the poster and
		 * through the poster to the takers of the next job. */
		store_relaxed(&dispatch->progress,
			      (uint64_t)size * (RUNNING + AWAKE));
		return DISPATCH_ALL_DONE;
	}
	return awake(before) == 1 ? DISPATCH_OTHERS_SLEEP : DISPATCH_OTHERS_RUN;
}

void dispatch_done(struct dispatch_shm *dispatch)
{
	/* relaxed: whoever finished the job has acquired it. */
	store_seq(&dispatch->done, load_relaxed(&dispatch->posted));
	dispatch_wake(dispatch);
}
