/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - a collective call as a list of steps, done as they can be.
 *
 * A verb writes down what this rank does in it: what it sends whom, what it
 * receives, where it has to have received all so far, what it folds.  Then the
 * list is begun, once or, where it is a plan, again and again; and goes on from
 * within mail_progress().  See docs/decisions/0010-progress.md.
 */
#ifndef RUNRIG_SCHEDULE_H
#define RUNRIG_SCHEDULE_H

#include "team/call.h"
#include "team/mail.h"

/* In this process: what the kernel calls, from where, and what it is to be
 * given. */
struct asked {
	struct terms terms;
	const void *where;
	struct rig_request **request;
};

/* The public function that this stands in is called: `verb`, its terms yet to
 * be filled in. */
#define ASKED(verb_, request_)                                                 \
	((struct asked){ .terms = { .verb = (verb_) },                         \
			 .where = __builtin_return_address(0),                 \
			 .request = (request_) })

struct schedule;

/* An empty schedule; NULL: no memory, or another thread than the rank's calls.  Where
 * memory fails later, or has failed, what is asked of the schedule does nothing, and
 * schedule_begin() says so. */
struct schedule *schedule_make(struct rig_team *team,
			       const struct asked *asked);

/* Memory that goes with it, for any type; NULL: no memory. */
void *schedule_room(struct schedule *schedule, size_t bytes);

/* Rank `peer` of the team gets the bytes; they stay as they are to the end. */
void schedule_send(struct schedule *schedule, int peer, const void *data,
		   size_t bytes);
void schedule_receive(struct schedule *schedule, int peer, void *data,
		      size_t bytes);

/* All that was to be received so far has come. */
void schedule_await(struct schedule *schedule);

void schedule_copy(struct schedule *schedule, void *to, const void *from,
		   size_t bytes);

/* Copy `runs` times `bytes` bytes, which are a stride apart on each side. */
void schedule_copy_runs(struct schedule *schedule, size_t runs, size_t bytes,
			void *to, size_t to_stride, const void *from,
			size_t from_stride);

/*
 * What is to be folded, in the order of ranks: what this rank has, and what
 * comes from another, into `room` or, where that is NULL, where it can be read.
 * Then all of that into `out`.  The elements are as asked.
 */
void schedule_fold_own(struct schedule *schedule, const void *data);
void schedule_fold_from(struct schedule *schedule, int peer, void *room,
			size_t bytes);
void schedule_fold(struct schedule *schedule, void *out, size_t count);

/* Bytes of room for one such message; 0: it is read where it can be. */
size_t schedule_fold_room(size_t bytes);

/* It is written down: begin it, or, a plan, keep it.  0, and *asked.request is
 * set, or -ENOMEM. */
int schedule_begin(struct rig_team *team, struct schedule *schedule,
		   const struct asked *asked);

/* Whatever can be done now of all that are begun; was anything? */
bool schedule_progress(struct mail *mail);

/* A new run: drop all of the last. */
void schedule_drop_all(struct mail *mail);

/* The team has ended: all are complete, with an error. */
void schedule_abandon(struct mail *mail);

/* Has the team any, begun or not? */
bool schedule_has(const struct rig_team *team);

/* Of mail.open, those that are steps of one that the kernel has begun. */
int schedule_steps_open(const struct mail *mail);

/* Is it a plan that is not begun, or was waited for? */
bool schedule_rests(const struct schedule *schedule);

/* It is complete, and was waited for: 0 or what went wrong, in words.  NULL in
 * *request, but for a plan. */
int schedule_collect(struct rig_request **request);

/* What waits for it is told to wait in. */
enum verb schedule_verb(const struct schedule *schedule);

#endif
