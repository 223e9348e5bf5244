/* SPDX-License-Identifier: MIT */
/*
 * schedule.c - steps of collective calls, and when each step is done.
 *
 * The ranks exchange messages of a context apart, with a tag that no other call of
 * the team has: messages of two calls never meet, and the messages of one call
 * between two ranks keep their order.  Each message is a head and, where the data
 * does not fit the head, a second message.  The head has the sender's call, the
 * caller, and the length of the data: the receiver compares the head with the
 * receiver's own call.
 *
 * A send is begun and left; only the end of the whole schedule waits for sends.  A
 * rank that waited for its sends before the fold, and so before giving back borrowed
 * memory, would wait for ranks that wait likewise.
 */
#include "team/schedule_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/nonblocking.h>

#include "base/error.h"
#include "team/reproducible.h"
#include "team/fold.h"

/* --- doing the steps --- */

/* Does the data go beside the head? */
static bool is_apart(const struct step *step)
{
	return step->bytes > sizeof(step->head.payload);
}

static struct rig_request message(const struct schedule *schedule, int peer,
				  void *data, size_t bytes)
{
	const struct rig_team *team = schedule->team;

	return (struct rig_request){ .context = team->id | MAIL_APART,
				     .peer = team_world_rank(team, peer),
				     .tag = schedule->tag,
				     .from = team->rank,
				     .buffer = data,
				     .bytes = bytes };
}

static void post_send(struct schedule *schedule, struct step *step)
{
	struct mail *mail = schedule->team->owner->mail;

	step->head = schedule->head;
	step->head.bytes = step->bytes;
	if (!is_apart(step) && step->bytes)
		memcpy(step->head.payload, step->data, step->bytes);
	step->head_request =
		message(schedule, step->peer, &step->head, sizeof(step->head));
	mail_send(mail, &step->head_request);
	if (!is_apart(step))
		return;
	step->request = message(schedule, step->peer, step->data, step->bytes);
	mail_send(mail, &step->request);
}

static void post_receive(struct schedule *schedule, struct step *step)
{
	struct mail *mail = schedule->team->owner->mail;

	step->checked = step->arrived = false;
	step->head_request =
		message(schedule, step->peer, &step->head, sizeof(step->head));
	mail_receive(mail, &step->head_request);
	if (!is_apart(step))
		return;
	step->request = message(schedule, step->peer,
				step->borrows ? NULL : step->data, step->bytes);
	step->request.borrow = step->borrows;
	mail_receive(mail, &step->request);
}

/* The schedule is over, well or not. */
static void finish(struct schedule *schedule, int code)
{
	schedule->code = code;
	schedule->broken = code < 0;
	schedule->outer.stage = STAGE_DONE;
	schedule->team->owner->mail->open--;
}

/* The run has failed: say why, and be over. */
static bool fail(struct schedule *schedule, int code)
{
	rank_failed(schedule->team->owner, code, rig_why());
	finish(schedule, code);
	return false;
}

static struct said_shm said(const struct head *head)
{
	return (struct said_shm){ .number = 1, /* the place of the call */
				  .what = head->what,
				  .count = head->count,
				  .where = head->where };
}

/* Is the head as this rank expects from the sender? */
static bool is_agreed(struct schedule *schedule, const struct step *step)
{
	const struct head *mine = &schedule->head, *theirs = &step->head;
	const struct said_shm calls[2] = { said(mine), said(theirs) };
	const int ranks[2] = { schedule->team->rank, step->peer };

	if (mine->what != theirs->what || mine->count != theirs->count) {
		finish(schedule, match_fail_said(schedule->team, ranks, calls));
		return false;
	}
	if (theirs->bytes != step->bytes)
		return fail(schedule,
			    rig_fail(-EINVAL,
				     "%s: rank %d sends %zu bytes, %zu are "
				     "expected",
				     verb_name(schedule->terms.verb),
				     step->peer, (size_t)theirs->bytes,
				     step->bytes));
	return true;
}

static bool has_arrived(struct schedule *schedule, struct step *step)
{
	if (step->arrived)
		return true;
	if (step->head_request.stage != STAGE_DONE)
		return false;
	if (!step->checked && !is_agreed(schedule, step))
		return false;
	step->checked = true;
	if (!is_apart(step)) {
		if (step->borrows)
			step->data = (char *)step->head.payload;
		else if (step->bytes)
			memcpy(step->data, step->head.payload, step->bytes);
	} else if (step->request.stage != STAGE_DONE) {
		return false;
	} else if (step->request.code < 0) {
		return fail(schedule,
			    rig_fail(-ENOMEM, "%s: no memory",
				     verb_name(schedule->terms.verb)));
	} else if (step->borrows) {
		step->data = step->request.buffer;
	}
	step->arrived = true;
	return true;
}

/* Looks at all messages under way, so that no disagreement waits for others. */
static bool have_arrived(struct schedule *schedule)
{
	bool all = true;

	for (int i = schedule->left; i < schedule->at; i++) {
		struct step *step = &schedule->steps[i];

		if (step->kind == STEP_RECEIVE && !has_arrived(schedule, step))
			all = false;
		if (schedule->code)
			return false;
		if (all)
			schedule->left = i + 1;
	}
	return all;
}

static bool are_sent(const struct schedule *schedule)
{
	for (int i = 0; i < schedule->count; i++) {
		const struct step *step = &schedule->steps[i];

		if (step->kind == STEP_SEND &&
		    (step->head_request.stage != STAGE_DONE ||
		     (is_apart(step) && step->request.stage != STAGE_DONE)))
			return false;
	}
	return true;
}

static void do_copy(const struct step *step)
{
	for (size_t i = 0; i < step->runs; i++)
		memmove(step->data + i * step->data_stride,
			step->from + i * step->from_stride, step->bytes);
}

static void do_fold(struct schedule *schedule, const struct step *step)
{
	const void **from = step->sources;
	const struct terms *terms = &schedule->terms;
	struct mail *mail = schedule->team->owner->mail;
	const size_t n = step->bytes;
	int count = 0;

	for (const struct step *s = &schedule->steps[step->first]; s < step;
	     s++)
		if (s->folded)
			from[count++] = s->data;
	fold_all(step->data, from, count, n, terms->type, terms->op);
	for (const struct step *s = &schedule->steps[step->first]; s < step;
	     s++)
		if (s->borrows && is_apart(s))
			mail_release_of(mail, &s->request);
}

/* Go on as far as possible; has the schedule gone on? */
static bool advance(struct schedule *schedule)
{
	const int before = schedule->at;

	for (; schedule->at < schedule->count; schedule->at++) {
		struct step *step = &schedule->steps[schedule->at];

		switch (step->kind) {
		case STEP_SEND:
			post_send(schedule, step);
			break;
		case STEP_RECEIVE:
			post_receive(schedule, step);
			break;
		case STEP_AWAIT:
			if (!have_arrived(schedule))
				return schedule->code || schedule->at != before;
			break;
		case STEP_COPY:
			do_copy(step);
			break;
		case STEP_OWN:
			break;
		case STEP_FOLD:
			do_fold(schedule, step);
			break;
		}
	}
	if (!have_arrived(schedule) || !are_sent(schedule))
		return schedule->code || schedule->at != before;
	finish(schedule, 0);
	return true;
}

bool schedule_progress(struct mail *mail)
{
	struct schedule *schedule;
	bool moved = false;

	TAILQ_FOREACH (schedule, &mail->schedules, entry)
		if (schedule->outer.stage != STAGE_DONE)
			moved |= advance(schedule);
	return moved;
}

static void start(struct schedule *schedule)
{
	schedule->at = schedule->left = 0;
	schedule->active = true;
	schedule->outer.stage = STAGE_POSTED;
	schedule->team->owner->mail->open++;
	(void)advance(schedule);
}

int schedule_begin(struct rig_team *team, struct schedule *schedule,
		   const struct asked *asked)
{
	const char *name = verb_name(asked->terms.verb);

	if (rank_check_thread(team->owner, name) < 0)
		return -EINVAL;
	if (!schedule || schedule->code) {
		if (schedule)
			schedule_destroy(NULL, schedule);
		return rig_team_fail(team, -ENOMEM, "%s: no memory", name);
	}
	if (rank_has_ended(team->owner)) {
		schedule_destroy(NULL, schedule);
		return rank_ended(team->owner);
	}
	TAILQ_INSERT_TAIL(&team->owner->mail->schedules, schedule, entry);
	if (!schedule->plan)
		start(schedule);
	*asked->request = &schedule->outer;
	return 0;
}

/* --- requests of the kernel --- */

bool schedule_rests(const struct schedule *schedule)
{
	return !schedule->active;
}

enum verb schedule_verb(const struct schedule *schedule)
{
	return (enum verb)(schedule->head.what & 0xff);
}

int schedule_collect(struct rig_request **request)
{
	struct schedule *schedule = (*request)->schedule;
	const int code = schedule->code;

	schedule->active = false;
	if (schedule->plan)
		return code;
	if (!schedule->broken)
		schedule_destroy(schedule->team->owner->mail, schedule);
	*request = NULL;
	return code;
}

bool schedule_has(const struct rig_team *team)
{
	const struct mail *mail = team->owner->mail;
	const struct schedule *schedule;

	if (!mail)
		return false;
	TAILQ_FOREACH (schedule, &mail->schedules, entry)
		if (schedule->team == team)
			return true;
	return false;
}

int schedule_steps_open(const struct mail *mail)
{
	const struct schedule *schedule;
	int open = 0;

	TAILQ_FOREACH (schedule, &mail->schedules, entry)
		for (int i = 0; schedule->active && i < schedule->at; i++) {
			const struct step *step = &schedule->steps[i];

			if (step->kind != STEP_SEND &&
			    step->kind != STEP_RECEIVE)
				continue;
			open += step->head_request.stage != STAGE_DONE;
			open += is_apart(step) &&
				step->request.stage != STAGE_DONE;
		}
	return open;
}

void schedule_abandon(struct mail *mail)
{
	struct schedule *schedule;

	TAILQ_FOREACH (schedule, &mail->schedules, entry) {
		if (schedule->outer.stage == STAGE_DONE)
			continue;
		schedule->outer.stage = STAGE_DONE;
		schedule->code = -EOWNERDEAD;
		schedule->broken = true;
	}
}

void schedule_drop_all(struct mail *mail)
{
	struct schedule *schedule;

	while ((schedule = TAILQ_FIRST(&mail->schedules)))
		schedule_destroy(mail, schedule);
}

static struct schedule *plan_of(const struct rig_request *request)
{
	return request && request->schedule && request->schedule->plan
		       ? request->schedule
		       : NULL;
}

int rig_team_start(struct rig_team *team, struct rig_request **request)
{
	struct schedule *schedule;

	if (rank_check_thread(team->owner, "start") < 0)
		return -EINVAL;
	schedule = plan_of(*request);
	if (!schedule)
		return rig_team_fail(team, -EINVAL,
				     "start: the request is no plan, as "
				     "rig_team_..._init() makes one");
	if (schedule->active)
		return rig_team_fail(team, -EINVAL,
				     "start: the plan of %s is started "
				     "already: wait for it first",
				     verb_name(schedule->terms.verb));
	if (rank_has_ended(team->owner))
		return rank_ended(team->owner);
	start(schedule);
	return 0;
}

int rig_team_startall(struct rig_team *team, int count,
		      struct rig_request **requests)
{
	int r = rank_check_thread(team->owner, "startall");

	for (int i = 0; r == 0 && i < count; i++)
		r = rig_team_start(team, &requests[i]);
	return r;
}

int rig_team_request_free(struct rig_team *team, struct rig_request **request)
{
	struct schedule *schedule;

	if (rank_check_thread(team->owner, "request_free") < 0)
		return -EINVAL;
	if (!*request)
		return 0;
	schedule = plan_of(*request);
	if (!schedule)
		return rig_team_fail(team, -EINVAL,
				     "request_free: the request is no plan: "
				     "wait for it");
	if (schedule->active)
		return rig_team_fail(team, -EINVAL,
				     "request_free: the plan of %s is started: "
				     "wait for it first",
				     verb_name(schedule->terms.verb));
	if (!schedule->broken)
		schedule_destroy(team->owner->mail, schedule);
	*request = NULL;
	return 0;
}
