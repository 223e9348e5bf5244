/* SPDX-License-Identifier: MIT */
/*
 * test_checker_rank.c - how a rank waits for a word, and how the end of a team ends
 * the wait: rank.c compiled, in every interleaving.
 *
 * The ranks have no CPU each, and so sleep; nobody looks for deadlocks.  The last
 * thread ends the team: a watch, or a rank that has found the end.
 */
#include "checker.h"

#include <string.h>

#include <runrig/report.h>

#include "team/call.h"
#include "team/heap.h"
#include "team/mail.h"
#include "team/match.h"
#include "team/rank.h"
#include "team/way.h"
#include "team/wide.h"

/* In shared memory. */
static struct {
	struct inbox_shm inboxes[2];
	struct team_shm team;
	struct rank_shm ranks[2];
	struct rig_barrier barrier;
	/* Rank 0 waits for the word, and rank 1 advances the word. */
	_Atomic uint64_t word;
	_Atomic uint64_t data; /* rank 0 has lent the data to rank 1 */
} shm;
static struct rank owners[CHECKER_THREADS]; /* constant during the search */

/* ---- functions that rank.c needs ---- */

void mail_await(struct rank *rank, const _Atomic uint64_t *word,
		uint64_t target)
{
}

void mail_begin_job(struct rank *rank)
{
}

void mail_all_done(struct rank *rank)
{
}

void symmetric_begin_job(struct rank *rank)
{
}

void team_segments_drop(struct rank *rank)
{
}

void wide_begin_job(struct rank *rank)
{
}

void call_begin_job(struct rank *rank)
{
}

void call_end_job(struct rank *rank)
{
}

void call_all_done(struct rank *rank)
{
}

bool match_asleep_differs(struct rank *rank)
{
	return false;
}

bool match_begun_differs(struct rank *rank)
{
	return false;
}

bool dispatch_sleeps(struct dispatch_shm *dispatch)
{
	return false;
}

void dispatch_awake(struct dispatch_shm *dispatch)
{
}

bool dispatch_anyone_awake(const struct dispatch_shm *dispatch)
{
	return true;
}

enum dispatch_finish dispatch_finish(struct dispatch_shm *dispatch, int size)
{
	return DISPATCH_OTHERS_RUN;
}

void dispatch_done(struct dispatch_shm *dispatch)
{
}

void dispatch_next(struct dispatch_shm *dispatch)
{
}

uint32_t dispatch_place(const struct dispatch_shm *dispatch, uint32_t posted)
{
	return 0;
}

void heap_init(struct rank *rank)
{
}

void heap_begin_job(struct rank *rank)
{
}

void heap_all_done(struct rank *rank)
{
}

void way_begin_job(struct rank *rank)
{
}

void way_all_done(struct rank *rank)
{
}

void dispatch_alarm(struct dispatch_shm *dispatch)
{
}

void dispatch_ring(struct dispatch_shm *dispatch, int bell)
{
}

/* ---- scenarios ---- */

static void lay_out(void)
{
	checker_location(&shm.team.ended, "ended");
	checker_location(&shm.team.sleepers, "sleepers");
	checker_location(&shm.word, "word");
	checker_location(&shm.data, "data");
	checker_location(&shm.barrier.word, "arrivals");
	for (int i = 0; i < 2; i++) {
		checker_location(&shm.inboxes[i].box.bell, "bell");
		checker_location(&shm.ranks[i].state, "state");
		checker_location(&shm.ranks[i].awaited, "awaited");
		checker_location(&shm.ranks[i].target, "target");
		checker_location(&shm.ranks[i].rung, "rung");
	}
	shm.barrier.parties = 2;
	for (int i = 0; i < CHECKER_THREADS; i++) {
		struct rank *owner = &owners[i];

		owner->rank = i;
		owner->size = 2;
		owner->mine = &shm.ranks[i % 2];
		/* Offsets are from here. */
		owner->layout.control = (struct control_shm *)&shm;
		owner->layout.team = &shm.team;
		owner->layout.ranks = shm.ranks;
		owner->layout.inboxes = shm.inboxes;
		owner->layout.barrier = &shm.barrier;
		owner->barrier = &shm.barrier;
	}
}

/* Rank 0 waits, rank 1 advances. */
static void await_or_advance(int self)
{
	if (self == 1)
		rank_advance(&owners[1], &shm.word, 1);
	else if (rank_await(&owners[0], &shm.word, 1) < 1)
		checker_fail(CHECKER_WRONG, "back before its time");
}

/* The same, and the team may end before. */
static void await_or_end(int self)
{
	if (self == 2)
		rank_end(&owners[2], RIG_END_DEADLOCK, 0);
	else if (self == 1)
		rank_advance(&owners[1], &shm.word, 1);
	else if (rank_await(&owners[0], &shm.word, 1) < 1 &&
		 !rank_has_ended(&owners[0]))
		checker_fail(CHECKER_WRONG, "back before its time");
}

/* Rank 1 may die before waking rank 0; the watch of rank 1 sees the death. */
static void await_the_dead(int self)
{
	if (self == 2) {
		(void)checker_wait_death();
		rank_end(&owners[2], RIG_END_DEATH, 1);
		return;
	}
	await_or_end(self);
}

static const char *dead_end(bool stuck)
{
	/* Where nobody died, the watch waits for ever. */
	if (stuck && checker_last(&shm.word) == 0)
		return "rank 0 has not come back";
	return NULL;
}

/* Both ranks meet, or the team ends; a rank that is through has met the other rank. */
static void meet(int self)
{
	if (self == 2) {
		rank_end(&owners[2], RIG_END_DEADLOCK, 0);
		return;
	}
	checker_arrive(1);
	checker_write(self, 1);
	rank_meet_watched(&owners[self]);
	if (!rank_has_ended(&owners[self]) && checker_read(!self) != 1)
		checker_fail(CHECKER_WRONG, "the other had not arrived");
}

/* Nobody ends the team: nobody stays behind. */
static void meet_only(int self)
{
	meet(self);
}

/*
 * Rank 0 has lent data until rank 1 has read the data.  Rank 0 writes to the data
 * again after the news from rank 1, or after the end of the team.  If rank 1 reads
 * the new data, rank 1 finds afterwards that the team has ended.
 */
static void lend(int self)
{
	uint64_t seen;

	if (self == 2) {
		rank_end(&owners[2], RIG_END_DEADLOCK, 0);
	} else if (self == 1) {
		seen = load_relaxed(&shm.data);
		rank_advance(&owners[1], &shm.word, 1);
		if (seen && !rank_has_ended(&owners[1]))
			checker_fail(CHECKER_WRONG, "read what was not lent");
	} else if (rank_await(&owners[0], &shm.word, 1) >= 1 ||
		   rank_has_ended(&owners[0])) {
		store_relaxed(&shm.data, 1);
	}
}

static const char *const names[] = { "rank 0", "rank 1", "end" };

int main(int argc, char **argv)
{
	static const struct checker_scenario scenarios[] = {
		{ .name = "await",
		  .threads = 2,
		  .names = names,
		  .set_up = lay_out,
		  .thread = await_or_advance,
		  .timeouts = 1 },
		{ .name = "await or end",
		  .threads = 3,
		  .names = names,
		  .set_up = lay_out,
		  .thread = await_or_end,
		  .timeouts = 1 },
		{ .name = "await the dead",
		  .threads = 3,
		  .names = names,
		  .set_up = lay_out,
		  .thread = await_the_dead,
		  .end = dead_end,
		  .mortal = 1 << 1,
		  .deaths = 1,
		  .timeouts = 1 },
		{ .name = "meet",
		  .threads = 2,
		  .names = names,
		  .set_up = lay_out,
		  .thread = meet_only,
		  .timeouts = 2 },
		{ .name = "meet or end",
		  .threads = 3,
		  .names = names,
		  .set_up = lay_out,
		  .thread = meet,
		  .timeouts = 2 },
		{ .name = "lend",
		  .threads = 3,
		  .names = names,
		  .set_up = lay_out,
		  .thread = lend,
		  .timeouts = 1 },
	};

	return checker_main(scenarios,
			    (int)(sizeof(scenarios) / sizeof(*scenarios)), argc,
			    argv);
}
