/* SPDX-License-Identifier: MIT */
/*
 * schedule_write.c - the steps of a collective call are written down.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "team/schedule_steps.h"

/* The steps that a new schedule has memory for. */
#define STEPS 16

void schedule_destroy(struct mail *mail, struct schedule *schedule)
{
	struct room *room;

	if (mail)
		TAILQ_REMOVE(&mail->schedules, schedule, entry);
	while ((room = schedule->rooms)) {
		schedule->rooms = room->next;
		free(room);
	}
	free(schedule->steps);
	free(schedule);
}

struct schedule *schedule_make(struct rig_team *team, const struct asked *asked)
{
	const struct wide_teams *wide = &team->owner->wide;
	const struct terms *terms = wide->terms ? wide->terms : &asked->terms;
	const void *where = wide->terms ? wide->where : asked->where;
	struct schedule *schedule = NULL;

	/* schedule_begin() says so. */
	if (rank_check_thread(team->owner, "") < 0)
		return NULL;
	if (mail_of(team))
		schedule = calloc(1, sizeof(*schedule));
	match_begun(team, terms, (uint64_t)(uintptr_t)where);
	if (!schedule)
		return NULL;
	schedule->team = team;
	schedule->terms = asked->terms;
	schedule->plan = verb_is_plan(asked->terms.verb);
	schedule->outer.schedule = schedule;
	schedule->outer.stage = STAGE_DONE;
	schedule->head = (struct head){
		.what = terms_pack(terms),
		.count = terms_count(terms),
		.where = (uint64_t)(uintptr_t)where,
	};
	schedule->tag = MAIL_TAGS +
			(int)(team->begun % (uint64_t)(INT_MAX - MAIL_TAGS));
	return schedule;
}

void *schedule_room(struct schedule *schedule, size_t bytes)
{
	struct room *room;

	if (!schedule || schedule->code)
		return NULL;
	room = malloc(sizeof(*room) + bytes);
	if (!room) {
		schedule->code = -ENOMEM;
		return NULL;
	}
	room->next = schedule->rooms;
	schedule->rooms = room;
	return room->data;
}

static struct step *add_step(struct schedule *schedule, enum step_kind kind)
{
	struct step *steps;
	int capacity;

	if (!schedule || schedule->code)
		return NULL;
	if (schedule->count == schedule->capacity) {
		capacity = schedule->capacity ? 2 * schedule->capacity : STEPS;
		steps = realloc(schedule->steps,
				(size_t)capacity * sizeof(*steps));
		if (!steps) {
			schedule->code = -ENOMEM;
			return NULL;
		}
		schedule->steps = steps;
		schedule->capacity = capacity;
	}
	steps = &schedule->steps[schedule->count++];
	memset(steps, 0, sizeof(*steps));
	steps->kind = kind;
	return steps;
}

void schedule_send(struct schedule *schedule, int peer, const void *data,
		   size_t bytes)
{
	struct step *step = add_step(schedule, STEP_SEND);

	if (!step)
		return;
	step->peer = peer;
	step->data = (char *)(uintptr_t)data;
	step->bytes = bytes;
}

void schedule_receive(struct schedule *schedule, int peer, void *data,
		      size_t bytes)
{
	struct step *step = add_step(schedule, STEP_RECEIVE);

	if (!step)
		return;
	step->peer = peer;
	step->data = data;
	step->bytes = bytes;
}

void schedule_await(struct schedule *schedule)
{
	(void)add_step(schedule, STEP_AWAIT);
}

void schedule_copy(struct schedule *schedule, void *to, const void *from,
		   size_t bytes)
{
	schedule_copy_runs(schedule, 1, bytes, to, 0, from, 0);
}

void schedule_copy_runs(struct schedule *schedule, size_t runs, size_t bytes,
			void *to, size_t to_stride, const void *from,
			size_t from_stride)
{
	struct step *step;

	if (to == from || bytes == 0)
		return;
	step = add_step(schedule, STEP_COPY);
	if (!step)
		return;
	step->data = to;
	step->data_stride = to_stride;
	step->from = from;
	step->from_stride = from_stride;
	step->bytes = bytes;
	step->runs = runs;
}

void schedule_fold_own(struct schedule *schedule, const void *data)
{
	struct step *step = add_step(schedule, STEP_OWN);

	if (!step)
		return;
	step->folded = true;
	step->data = (char *)(uintptr_t)data;
}

void schedule_fold_from(struct schedule *schedule, int peer, void *room,
			size_t bytes)
{
	struct step *step = add_step(schedule, STEP_RECEIVE);

	if (!step)
		return;
	step->peer = peer;
	step->data = room;
	step->bytes = bytes;
	step->folded = true;
	step->borrows = !room;
}

/* The sources of the fold that is being written down. */
static int count_sources(const struct schedule *schedule)
{
	int count = 0;

	for (int i = schedule ? schedule->folds_from : 0;
	     schedule && i < schedule->count; i++)
		count += schedule->steps[i].folded;
	return count;
}

void schedule_fold(struct schedule *schedule, void *out, size_t count)
{
	const void **sources;
	struct step *step;

	schedule_await(schedule);
	sources = schedule_room(schedule, (size_t)count_sources(schedule) *
						  sizeof(*sources));
	step = add_step(schedule, STEP_FOLD);
	if (!step)
		return;
	step->sources = sources;
	step->data = out;
	step->bytes = count;
	step->first = schedule->folds_from;
	schedule->folds_from = schedule->count;
}

size_t schedule_fold_room(size_t bytes)
{
	return bytes < LEND_BYTES ? (bytes + 15) & ~(size_t)15 : 0;
}
