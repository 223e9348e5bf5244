/* SPDX-License-Identifier: MIT */
/*
 * dispatch.h - handing jobs one after another to all workers, and waiting for
 * the workers: a store when hot, a futex wake when somebody sleeps.
 *
 * A poster (the caller) and `size` takers (the workers) share the memory.  Jobs
 * have numbers; a job is posted only when the job before is done.
 *
 * Of a chain of jobs the poster posts the first, and the last taker to finish a job
 * posts the next one instead of saying that the job is done.  For the poster the
 * chain is one job, whose number is that of the last job that was posted.
 */
#ifndef RUNRIG_DISPATCH_H
#define RUNRIG_DISPATCH_H

#include <stdalign.h>
#include <stdbool.h>

#include <runrig/api.h>

#include "base/atomic.h"
#include "machine/wait.h"

/* Words of a job that travel in the line of the announcement. */
#define DISPATCH_WORDS 7

/* In shared memory. */
struct dispatch_shm {
	/* Twice the number of the last job posted.  The poster, or in a chain the
	 * last taker to finish a job, writes the number last on the line. */
	alignas(RIG_LINE) _Atomic uint32_t posted;
	uint32_t reserved;
	/* The job's words; their meaning is the poster's and the takers' affair. */
	uint64_t words[DISPATCH_WORDS];
	/* The number in `done` when the job, or the first of a chain of jobs, was
	 * posted, and while the job is in progress.  The poster writes the word first. */
	_Atomic uint32_t before;

	/* The takers': how many have not finished the job (low half), and how
	 * many of them are awake (high half).  The last taker to finish sets the
	 * word for the next job. */
	alignas(RIG_LINE) _Atomic uint64_t progress;

	/* Twice the number of the last job done, plus ALARM.  Written by the last
	 * taker to finish the job, or by the warden when no taker is left. */
	alignas(RIG_LINE) _Atomic uint32_t done;

	/* Takers asleep on `posted`: each adds itself. */
	alignas(RIG_LINE) _Atomic uint32_t sleepers;
	/* 1: the poster sleeps on `done`, or is about to. */
	_Atomic uint32_t poster_sleeps;
	/* 1: the poster may poll for the end of a job, now or later.  The poster
	 * sets the word once, and nobody takes the word back. */
	_Atomic uint32_t polled;
};
_Static_assert(sizeof(struct dispatch_shm) == 4 * RIG_LINE,
	       "part of the format");

/* Lay out for `size` takers, none of which runs; keeps job numbers going.  To
 * be called in zeroed memory first. */
void dispatch_init(struct dispatch_shm *dispatch, int size);

/* Poster: announce the next job, its words and all earlier writes. */
void dispatch_post(struct dispatch_shm *dispatch);

/*
 * Poster: wait until job `posted` is done, with patience, then asleep, until
 * deadline_ns.  Returns 0 when done, -ETIMEDOUT, or, where `heed` is set,
 * -EINTR when a taker has raised the alarm.
 */
int dispatch_wait(struct dispatch_shm *dispatch,
		  const struct patience *patience, bool heed,
		  uint64_t deadline_ns);

/* Poster: only poll for the job, with patience.  Is the job done? */
bool dispatch_poll(const struct dispatch_shm *dispatch,
		   const struct patience *patience);

/* Poster: is the job done?  Never waits. */
bool dispatch_is_done(const struct dispatch_shm *dispatch);

/* Poster: is the job done, or has a taker raised the alarm?  Never waits. */
bool dispatch_has_news(const struct dispatch_shm *dispatch);

/* Taker, in a job: the poster should look (another word tells the reason). */
void dispatch_alarm(struct dispatch_shm *dispatch);

/* Any thread of the poster's process, and its signal handlers: raise the alarm
 * of the job in progress, if there is one.  The poster may also hear the alarm in
 * the next job, where no reason is written. */
void dispatch_interrupt(struct dispatch_shm *dispatch);

/* Poster: take the alarm down, before looking for the reason.  A reason written
 * later raises the alarm anew. */
void dispatch_heard(struct dispatch_shm *dispatch);

/* Poster: from now on takers and warden ring whenever they have woken the poster.
 * The poster looks after that whether the job is done. */
void dispatch_set_polled(struct dispatch_shm *dispatch);
bool dispatch_is_polled(struct dispatch_shm *dispatch);

/* Taker or warden, after dispatch_alarm(), _done() or _wake(): write to the
 * eventfd `bell`, if the poster polls.  Also in a signal handler. */
void dispatch_ring(struct dispatch_shm *dispatch, int bell);

/* Taker: wait until `posted` is no longer `last`, and return `posted`. */
uint32_t dispatch_take(struct dispatch_shm *dispatch, uint32_t last,
		       const struct patience *patience);

/* Taker: asleep in a wait, and awake again.  sleeps returns true to the taker
 * after whom nobody is awake, who then looks for a deadlock. */
bool dispatch_sleeps(struct dispatch_shm *dispatch);
void dispatch_awake(struct dispatch_shm *dispatch);

/* Taker: is anyone awake in the job that is posted now? */
bool dispatch_anyone_awake(const struct dispatch_shm *dispatch);

enum dispatch_finish {
	DISPATCH_OTHERS_RUN,   /* somebody else is awake */
	DISPATCH_OTHERS_SLEEP, /* not all have finished, and nobody is awake */
	DISPATCH_ALL_DONE /* the caller was the last taker: dispatch_done() is to follow */
};

/* Taker: finished the job. */
enum dispatch_finish dispatch_finish(struct dispatch_shm *dispatch, int size);

/* Last taker, where the chain has another job: post that job, instead of
 * dispatch_done(). */
void dispatch_next(struct dispatch_shm *dispatch);

/* The jobs that come before job `posted`, as dispatch_take() gave it, in its chain.
 * Poster, or taker of the job. */
uint32_t dispatch_place(const struct dispatch_shm *dispatch, uint32_t posted);

/* The poster, any time: job `posted`. */
uint32_t dispatch_posted(const struct dispatch_shm *dispatch);

/* Last taker, or the warden: job `posted` is done. */
void dispatch_done(struct dispatch_shm *dispatch);

/* Taker, or the warden: wake the poster, which may have been told but not woken. */
void dispatch_wake(struct dispatch_shm *dispatch);

#endif
