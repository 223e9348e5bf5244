/* SPDX-License-Identifier: MIT */
/*
 * way.c - trials of both ways of copying, and what comes of them.
 */
#include "team/way.h"

#include <string.h>

#include "base/clock.h"
#include "team/call.h"
#include "team/rank.h"
#include "team/tray.h"

/* The way that is not taken is to be faster by one part of so many. */
#define BETTER_PARTS 16

bool way_next(const struct way *way, bool *trial)
{
	*trial = way->calls < WAY_TRIALS;
	return *trial ? way->calls % 2 : way->past;
}

void way_used(struct way *way, bool past, uint64_t ns)
{
	if (ns > UINT32_MAX)
		ns = UINT32_MAX;
	if (ns && (!way->least[past] || ns < way->least[past]))
		way->least[past] = (uint32_t)ns;
	way->calls++;
	if (way->rest && way->calls >= WAY_TRIALS + way->rest) {
		way->calls = 0;
		way->least[0] = way->least[1] = 0;
	}
}

void way_decide(struct way *way)
{
	const uint64_t taken = way->least[way->past];
	const uint64_t other = way->least[!way->past];

	if (taken && other && other + other / BETTER_PARTS < taken)
		way->past = !way->past;
	way->rest = !way->rest                  ? WAY_REST_FIRST
		    : way->rest < WAY_REST_MOST ? (uint16_t)(2 * way->rest)
						: WAY_REST_MOST;
}

/* How long the message of the trial under way was on its way, once it has come. */
static void end_trial(struct way_sent *sent)
{
	const uint64_t ended =
		sent->trial ? tray_ended(sent->tray, sent->bytes, sent->timed)
			    : 0;
	uint32_t *least;
	uint64_t ns;

	if (sent->trial && (ended || !tray_has(sent->tray, sent->timed))) {
		least = &sent->trial->least[sent->past];
		ns = ended - sent->timed;
		if (ended > sent->timed && ns < UINT32_MAX &&
		    (!*least || ns < *least))
			*least = (uint32_t)ns;
		sent->trial = NULL;
	}
}

bool way_send(struct way_sent *sent, struct tray_shm *tray, uint64_t bytes,
	      uint64_t *timed)
{
	struct way *way = &sent->ways[way_size(bytes)];
	bool trial, past;

	*timed = 0;
	if (sent->trial)
		end_trial(sent);
	if (way->calls == WAY_TRIALS)
		way_decide(way);
	past = way_next(way, &trial);
	way_used(way, past, 0);
	/* One at a time. */
	if (trial && !sent->trial) {
		sent->trial = way;
		sent->tray = tray;
		sent->bytes = bytes;
		sent->past = past;
		*timed = sent->timed = clock_ns();
	}
	return past;
}

/* The time of the slowest rank: all ranks come here in the same call of the verb. */
static void agree(struct rig_team *team, struct way *way)
{
	uint64_t least[2] = { way->least[0], way->least[1] };

	/* Ranks that call differently are found by the verb. */
	if (reduce_most(team, least, 2) < 0)
		return;
	way->least[0] = (uint32_t)least[0];
	way->least[1] = (uint32_t)least[1];
	way_decide(way);
}

COLD void way_enter_long(struct rig_team *team, enum way_kind kind,
			 size_t bytes)
{
	struct rank *owner = team->owner;
	struct way *way = &team->ways[kind][way_size(bytes)];
	bool trial;

	if (way->calls == WAY_TRIALS)
		agree(team, way);
	owner->past = way_next(way, &trial);
	owner->way = way;
	owner->way_began = trial ? clock_ns() : 0;
}

void way_leave(struct rank *rank)
{
	const uint64_t began = rank->way_began;

	if (rank->past && TRACE_BRANCH(rank->trace))
		trace_past(rank->span);
	way_used(rank->way, rank->past, began ? clock_ns() - began : 0);
	rank->way = NULL;
	rank->past = false;
}

void way_begin_job(struct rank *rank)
{
	/* relaxed: written before this job was posted. */
	const uint32_t failures = load_relaxed(&rank->layout.team->failures);

	rank->way = NULL;
	rank->past = false;
	if (rank->way_failures == failures)
		return;
	rank->way_failures = failures;
	memset(rank->world.ways, 0, sizeof(rank->world.ways));
}

void way_all_done(struct rank *rank)
{
	struct team_shm *shm = rank->layout.team;

	/* relaxed, all: nobody else runs, and dispatch_done() releases it. */
	if (load_relaxed(&shm->failed))
		store_relaxed(&shm->failures, load_relaxed(&shm->failures) + 1);
}
