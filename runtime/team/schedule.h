/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - a collective call as a list of steps, done when each can be done.
 *
 * A verb writes down the steps of this rank: sends, receives, fences that wait for
 * all receives before, folds.  Then the list is begun, once or, for a plan, again and
 * again; and goes on from within mail_progress().  See
 * docs/decisions/0010-progress.md.
 */
#ifndef RUNRIG_SCHEDULE_H
#define RUNRIG_SCHEDULE_H

#include "team/call.h"
#include "team/mail.h"

/* In this process: the kernel's call, the caller, and the request that the kernel
 * gets. */
struct asked {
	struct terms terms;
	const void *where;
	struct rig_request **request;
};

/* The public function around this macro is called: `verb`, with terms yet to be
 * filled in. */
#define ASKED(verb_, request_)                                                 \
	((struct asked){ .terms = { .verb = (verb_) },                         \
			 .where = __builtin_return_address(0),                 \
			 .request = (request_) })

struct schedule;

/* An empty schedule; NULL: no memory, or another thread than the rank's calls.  Where
 * memory fails later, or has failed, further steps are left out, and schedule_begin()
 * returns the error. */
struct schedule *schedule_make(struct rig_team *team,
			       const struct asked *asked);

/* Memory that is freed with the schedule, for any type; NULL: no memory. */
void *schedule_room(struct schedule *schedule, size_t bytes);

/* Rank `peer` of the team gets the bytes; nobody writes to the bytes until the end. */
void schedule_send(struct schedule *schedule, int peer, const void *data,
		   size_t bytes);
void schedule_receive(struct schedule *schedule, int peer, void *data,
		      size_t bytes);

/* A fence: all receives so far have their data. */
void schedule_await(struct schedule *schedule);

void schedule_copy(struct schedule *schedule, void *to, const void *from,
		   size_t bytes);

/* Copy `runs` times `bytes` bytes, which are a stride apart on each side. */
void schedule_copy_runs(struct schedule *schedule, size_t runs, size_t bytes,
			void *to, size_t to_stride, const void *from,
			size_t from_stride);

/*
 * A fold, in the order of ranks, of this rank's elements and of elements that come
 * from other ranks, received into `room` or, where `room` is NULL, read in place if
 * possible. The result goes to `out`.  The elements are those of the call.
 */
void schedule_fold_own(struct schedule *schedule, const void *data);
void schedule_fold_from(struct schedule *schedule, int peer, void *room,
			size_t bytes);
void schedule_fold(struct schedule *schedule, void *out, size_t count);

/* Bytes of room for one such message; 0: the message can be read in place. */
size_t schedule_fold_room(size_t bytes);

/* The schedule is written down: begin the schedule, or keep a plan.  0, and
 * *asked.request is set, or -ENOMEM. */
int schedule_begin(struct rig_team *team, struct schedule *schedule,
		   const struct asked *asked);

/* Do all steps that can be done now, of all schedules that are begun; was there any? */
bool schedule_progress(struct mail *mail);

/* A new run: drop all of the last. */
void schedule_drop_all(struct mail *mail);

/* The team has ended: all are complete, with an error. */
void schedule_abandon(struct mail *mail);

/* Has the team any, begun or not? */
bool schedule_has(const struct rig_team *team);

/* The number of requests of mail.open that are steps of a schedule of the kernel's. */
int schedule_steps_open(const struct mail *mail);

/* Is the request a plan that is not begun, or that was waited for? */
bool schedule_rests(const struct schedule *schedule);

/* The request is complete, and was waited for: 0 or the error, with words.  *request
 * is NULL then, but for a plan. */
int schedule_collect(struct rig_request **request);

/* The words of the report for a rank that waits for the request. */
enum verb schedule_verb(const struct schedule *schedule);

#endif
