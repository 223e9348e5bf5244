/* SPDX-License-Identifier: MIT */
/*
 * way.c - trials of all ways, and the choice.
 */
#include "team/way.h"

#include <string.h>

#include "base/clock.h"
#include "team/call.h"
#include "team/rank.h"
#include "team/tray.h"

/* The other way is to be faster by one part of so many. */
#define BETTER_PARTS 16

#define MESSAGE_TRIALS (WAY_MESSAGES * WAY_TRIALS_EACH)

/* A look is a number of rounds of a number of hand-overs; the shortest round counts. */
#define LOOKS     3
#define HANDOVERS 2

/* A sender reads the clock again after so many bytes of messages at most. */
#define CLOCK_BYTES ((size_t)64 << 10)

/* Begin the trials anew. */
static void try_again(struct way *way)
{
	way->calls = 0;
	memset(way->least, 0, sizeof(way->least));
}

int way_next(const struct way *way, int ways, bool *trial)
{
	*trial = way->calls < ways * WAY_TRIALS_EACH;
	return *trial ? way->calls % ways : way->taken;
}

void way_used(struct way *way, int ways, int taken, uint64_t ns)
{
	if (ns > UINT32_MAX)
		ns = UINT32_MAX;
	if (ns && (!way->least[taken] || ns < way->least[taken]))
		way->least[taken] = (uint32_t)ns;
	way->calls++;
	if (way->rest && way->calls >= ways * WAY_TRIALS_EACH + way->rest)
		try_again(way);
}

void way_decide(struct way *way, int ways)
{
	const uint64_t taken = way->least[way->taken];
	int best = way->taken;

	for (int i = 0; i < ways; i++)
		if (way->least[i] && way->least[i] < way->least[best])
			best = i;
	if (taken && way->least[best] + way->least[best] / BETTER_PARTS < taken)
		way->taken = (uint8_t)best;
	way->rest = !way->rest                  ? WAY_REST_FIRST
		    : way->rest < WAY_REST_MOST ? (uint16_t)(2 * way->rest)
						: WAY_REST_MOST;
}

/* The time of the message of the trial under way, once the message has come. */
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

/* All trials of messages are over.  The next trials are as far away as the slower way
 * allows. */
static void decide_messages(struct way *way)
{
	const uint32_t *least = way->least;
	const uint64_t apart =
		least[0] < least[1] ? least[1] - least[0] : least[0] - least[1];
	/* As good as the same: to look is cheap, and changes little. */
	const uint64_t price = apart > least[0] / BETTER_PARTS
				       ? apart
				       : least[0] / BETTER_PARTS;

	way_decide(way, WAY_MESSAGES);
	way->again = clock_after(price * WAY_TRIALS_EACH * WAY_PRICE);
}

/* Are both ways to be tried again?  Now and then the clock says so. */
static void look_at_clock(struct way *way, uint64_t bytes)
{
	if ((way->calls - MESSAGE_TRIALS) * bytes < CLOCK_BYTES)
		return;
	way->calls = MESSAGE_TRIALS + 1;
	if (clock_ns() >= way->again)
		try_again(way);
}

bool way_send(struct way_sent *sent, struct tray_shm *tray, uint64_t bytes,
	      uint64_t *timed)
{
	struct way *way = &sent->ways[way_size(bytes)];
	bool trial, past;

	*timed = 0;
	if (sent->trial)
		end_trial(sent);
	if (way->calls == MESSAGE_TRIALS)
		decide_messages(way);
	else if (way->calls > MESSAGE_TRIALS)
		look_at_clock(way, bytes);
	past = way_next(way, WAY_MESSAGES, &trial);
	way->calls++;
	/* One trial at a time. */
	if (trial && !sent->trial) {
		sent->trial = way;
		sent->tray = tray;
		sent->bytes = bytes;
		sent->past = past;
		*timed = sent->timed = clock_ns();
	}
	return past;
}

void way_distance_seen(struct way_distances *distances, uint64_t ns,
		       bool *fresh)
{
	uint32_t *handover = distances->handover;
	const uint32_t seen = ns < 1            ? 1
			      : ns < UINT32_MAX ? (uint32_t)ns
						: UINT32_MAX;

	*fresh = false;
	for (int i = 0; i < WAY_DISTANCES; i++) {
		const int at = (distances->now + i) % WAY_DISTANCES;

		/* Times of one distance differ by less than a half. */
		if (handover[at] && seen <= handover[at] + handover[at] / 2 &&
		    handover[at] <= seen + seen / 2) {
			distances->now = at;
			return;
		}
	}
	*fresh = true;
	distances->now = (distances->now + 1) % WAY_DISTANCES;
	for (int i = 0; i < WAY_DISTANCES; i++)
		if (!handover[i]) {
			distances->now = i;
			break;
		}
	handover[distances->now] = seen;
}

/* All ranks hand lines to each other, and learn the longest time.  *changed: longer
 * or shorter than at the last look.  0 or -EINVAL. */
static int look(struct rig_team *team, bool *changed)
{
	struct way_distances *distances = &team->distances;
	const int last = distances->now;
	uint64_t least = UINT64_MAX, none = 0;
	/* The first meeting makes all ranks begin at once; the lines of a new team
	 * have no pages yet. */
	int before = distances->handover[last] ? 1 : CALLS_OPEN;
	bool fresh;
	int r = 0;

	for (; r == 0 && before; before--)
		r = reduce_most(team, &none, 1);
	for (int i = 0; r == 0 && i < LOOKS; i++) {
		const uint64_t began = clock_ns();
		uint64_t ns;

		for (int k = 0; r == 0 && k < HANDOVERS; k++)
			r = reduce_most(team, &none, 1);
		ns = clock_ns() - began;
		least = ns < least ? ns : least;
	}
	if (r == 0)
		r = reduce_most(team, &least, 1);
	if (r < 0)
		return r;
	distances->moved = 0;
	distances->due = false;
	way_distance_seen(distances, least, &fresh);
	if (fresh)
		memset(team->ways[distances->now], 0, sizeof(*team->ways));
	*changed = fresh || distances->now != last;
	return 0;
}

/* The time of the slowest rank: all ranks come here in the same call of the verb.
 * Trials at two distances are none. */
static void agree(struct rig_team *team, struct way *way, int ways)
{
	uint64_t least[WAYS];
	bool changed = false;

	for (int i = 0; i < WAYS; i++)
		least[i] = way->least[i];

	/* Ranks that call differently are found by the verb. */
	if ((team->owner->patience.spin_ns && look(team, &changed) < 0) ||
	    reduce_most(team, least, (size_t)ways) < 0)
		return;
	if (changed) {
		try_again(way);
		return;
	}
	for (int i = 0; i < ways; i++)
		way->least[i] = (uint32_t)least[i];
	way_decide(way, ways);
}

/* Is it time to look?  Not where ranks share a core: the time until a rank has the
 * core says nothing about caches. */
static bool is_due(const struct rig_team *team, size_t bytes)
{
	const struct way_distances *distances = &team->distances;

	return team->owner->patience.spin_ns &&
	       (!distances->handover[distances->now] ||
		distances->moved >= WAY_LOOK_BYTES ||
		(distances->due && bytes >= WAY_LOOK_FIRST));
}

/* The ways to lend and to copy are so many.  Ranks may give a bcast the same place in a
 * segment: a rank that copied what is there already might undo what another rank, which
 * has returned, has written there since.  Longer data was read in place no slower than
 * copied. */
static int copies_of(enum way_kind kind, size_t bytes)
{
	return kind == WAY_BCAST || bytes >= WAY_LONG ? WAY_MESSAGES
						      : WAY_COPIES;
}

COLD int way_enter_long(struct rig_team *team, enum way_kind kind, int forms,
			size_t bytes)
{
	const int copies = copies_of(kind, bytes), ways = forms * copies;
	struct way_distances *distances = &team->distances;
	struct rank *owner = team->owner;
	bool trial, changed;
	struct way *way;
	int taken;

	if (is_due(team, bytes))
		(void)look(team, &changed);
	distances->moved += bytes;
	way = &team->ways[distances->now][kind][way_size(bytes)];
	if (way->calls == ways * WAY_TRIALS_EACH) {
		agree(team, way, ways);
		way = &team->ways[distances->now][kind][way_size(bytes)];
	}
	taken = way_next(way, ways, &trial);
	owner->way = way;
	owner->ways = ways;
	owner->way_taken = taken;
	owner->past = taken % copies == WAY_PAST;
	owner->copies = copies == WAY_COPIES && taken % copies != WAY_LENT;
	owner->is_long = bytes >= WAY_LONG;
	owner->way_began = trial ? clock_ns() : 0;
	return taken / copies;
}

void way_leave(struct rank *rank)
{
	const uint64_t began = rank->way_began;

	if (rank->past && TRACE_BRANCH(rank->trace))
		trace_past(rank->span);
	way_used(rank->way, rank->ways, rank->way_taken,
		 began ? clock_ns() - began : 0);
	rank->way = NULL;
	rank->past = rank->copies = rank->is_long = false;
}

void way_begin_job(struct rank *rank)
{
	/* relaxed: written before the job was posted. */
	const uint32_t failures = load_relaxed(&rank->layout.team->failures);

	rank->way = NULL;
	rank->past = rank->copies = rank->is_long = false;
	rank->world.distances.due = true;
	if (rank->way_failures == failures)
		return;
	rank->way_failures = failures;
	memset(rank->world.ways, 0, sizeof(rank->world.ways));
	rank->world.distances = (struct way_distances){ .due = true };
}

void way_all_done(struct rank *rank)
{
	struct team_shm *shm = rank->layout.team;

	/* relaxed, all: no other rank runs, and dispatch_done() releases the stores. */
	if (load_relaxed(&shm->failed))
		store_relaxed(&shm->failures, load_relaxed(&shm->failures) + 1);
}
