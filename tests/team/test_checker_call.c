/* SPDX-License-Identifier: MIT */
/*
 * test_checker_call.c - the lines of a call, call.c compiled, in every interleaving.
 *
 * The contributions of a rank lie in cells, two sets for the two calls that may be
 * open: a cell is written before the offer or the answer, and read after another rank
 * has seen or heard.  So a slot that is written again while a rank may look there is
 * a race, and so is a read that comes too early.  Three ranks are many here: the
 * ranks meet by a tree.
 *
 * The wait for a word is not tested here: the two functions below are the functions
 * for ranks that have a CPU each and do not sleep (team.c).
 */
#include "checker.h"

#include <string.h>

#include "team/call.h"
#include "team/fold.h"

enum kind {
	FROM_ROOT, /* the root offers, the others see */
	TO_ROOT,   /* the others offer, the root sees */
	ALL,       /* all offer, and see all */
	AROUND,    /* to the root, which answers */
	LENT,      /* as from the root, out of memory that is written again */
	KINDS
};

#define CALLS_MAX 6

static struct member_shm members[CHECKER_THREADS];
static struct rank_shm ranks[CHECKER_THREADS];
static struct rank owners[CHECKER_THREADS]; /* constant during the search */
static struct team_shm shm;
static int size;
static enum kind kinds[CALLS_MAX];
static int roots[CALLS_MAX];
static int calls;

/* --- functions that call.c needs --- */

uint64_t rank_await(struct rank *owner, const _Atomic uint64_t *word,
		    uint64_t target)
{
	static const struct patience endless = { .yields = CHECKER_ENDLESS };

	return wait_reach(word, target, 0, &endless);
}

void rank_advance(struct rank *owner, _Atomic uint64_t *word, uint64_t value)
{
	store_release(word, value);
}

int rank_ended(const struct rank *owner)
{
	checker_fail(CHECKER_WRONG, "the team has ended");
}

void *match_fail(struct rig_team *team, int rank)
{
	checker_fail(CHECKER_WRONG, "the signs differ");
}

void match_begin(struct rig_team *team)
{
}

void match_end_job(struct rank *owner)
{
}

void match_all_done(struct rank *owner)
{
}

void way_leave(struct rank *rank)
{
}

struct trace_event_shm *trace_begin(struct trace_shm *trace,
				    enum rig_trace_kind kind, uint32_t verb,
				    uint64_t where)
{
	return NULL;
}

/* --- ranks --- */

static int cell_of(const struct call *call, int rank, bool down)
{
	return (down * size + rank) * CALLS_OPEN +
	       (int)(call->number % CALLS_OPEN);
}

static void says(struct call *call, bool down)
{
	checker_write(cell_of(call, call->team->rank, down),
		      (uint32_t)call->number);
	if (down)
		call_answer(call, NULL, 0, false);
	else
		call_offer(call, NULL, 0, false);
}

static void finds(struct call *call, int rank, bool down)
{
	const void *found =
		down ? call_hear(call, rank, 0) : call_see(call, rank, 0);

	if (!found ||
	    checker_read(cell_of(call, rank, down)) != (uint32_t)call->number)
		checker_fail(CHECKER_WRONG, "rank %d of call %d: another's",
			     rank, (int)call->number);
}

static void finds_others(struct call *call)
{
	for (int i = 0; i < size; i++)
		if (i != call->team->rank)
			finds(call, i, false);
}

/* The last cell is the root's memory. */
static void lends(struct call *call, int root)
{
	const int memory = CHECKER_CELLS - 1;

	if (call->team->rank == root) {
		checker_write(memory, (uint32_t)call->number);
		says(call, false);
		call_end(call, false);
		(void)call_leave(call->team, true, 0);
		checker_write(memory, 0);
		return;
	}
	finds(call, root, false);
	if (checker_read(memory) != (uint32_t)call->number)
		checker_fail(CHECKER_WRONG, "what was lent has changed");
	call_end(call, false);
}

static void calls_one(struct call *call, enum kind kind, int root)
{
	const bool is_root = call->team->rank == root;

	switch (kind) {
	case FROM_ROOT:
		if (is_root)
			says(call, false);
		else
			finds(call, root, false);
		call_end(call, false);
		break;
	case TO_ROOT:
		if (is_root)
			finds_others(call);
		else
			says(call, false);
		call_end(call, false);
		break;
	case ALL:
		says(call, false);
		finds_others(call);
		call_end(call, true);
		break;
	case AROUND:
		if (is_root) {
			finds_others(call);
			says(call, true);
		} else {
			says(call, false);
			finds(call, root, true);
		}
		call_end(call, true);
		break;
	default:
		lends(call, root);
	}
}

static void rank(int self)
{
	/* On the stack, and so part of the state. */
	struct rig_team team;

	memset(&team, 0, sizeof(team));
	team.rank = self;
	team.size = size;
	team.owner = &owners[self];
	team.members = members;
	team.self = &members[self];
	for (int i = 0; i < calls; i++) {
		struct call call = call_begin(&team);

		calls_one(&call, kinds[i], roots[i]);
	}
}

static void lay_out(int n, int count, const enum kind *what, const int *by)
{
	size = n;
	calls = count;
	memcpy(kinds, what, (size_t)count * sizeof(*what));
	memcpy(roots, by, (size_t)count * sizeof(*by));
	checker_location(&shm.called, "called");
	checker_location(&shm.ended, "ended");
	for (int i = 0; i < n; i++) {
		owners[i].mine = &ranks[i];
		owners[i].layout.team = &shm;
		checker_location(&members[i].finished, "finished");
		for (int k = 0; k < CALLS_OPEN; k++) {
			checker_location(&members[i].calls[k].up.number, "up");
			checker_location(&members[i].calls[k].down.number,
					 "down");
		}
		if (n > 2)
			continue;
		checker_location(&ranks[i].where, "where");
		checker_location(&ranks[i].calls, "calls");
	}
}

static void one_ahead(void)
{
	lay_out(2, 5,
		(enum kind[]){ FROM_ROOT, FROM_ROOT, FROM_ROOT, FROM_ROOT,
			       FROM_ROOT },
		(int[]){ 0, 0, 0, 0, 0 });
}

static void by_turns(void)
{
	lay_out(2, 5,
		(enum kind[]){ FROM_ROOT, TO_ROOT, TO_ROOT, FROM_ROOT,
			       FROM_ROOT },
		(int[]){ 0, 0, 1, 1, 0 });
}

static void all_and_one(void)
{
	lay_out(2, 5, (enum kind[]){ ALL, FROM_ROOT, ALL, AROUND, TO_ROOT },
		(int[]){ 0, 1, 0, 1, 0 });
}

static void met_and_ahead(void)
{
	lay_out(2, 6,
		(enum kind[]){ FROM_ROOT, ALL, FROM_ROOT, FROM_ROOT, AROUND,
			       FROM_ROOT },
		(int[]){ 0, 0, 0, 0, 1, 0 });
}

static void lent(void)
{
	lay_out(2, 4, (enum kind[]){ FROM_ROOT, LENT, FROM_ROOT, LENT },
		(int[]){ 0, 0, 0, 0 });
}

static void tree(void)
{
	lay_out(3, 3, (enum kind[]){ FROM_ROOT, FROM_ROOT, FROM_ROOT },
		(int[]){ 1, 1, 1 });
}

static const char *const names[] = { "rank 0", "rank 1", "rank 2" };

#define SCENARIO(n, f)                                                         \
	{                                                                      \
		.name = #f, .threads = (n), .names = names, .set_up = (f),     \
		.thread = rank                                                 \
	}

int main(int argc, char **argv)
{
	static const struct checker_scenario scenarios[] = {
		SCENARIO(2, one_ahead),   SCENARIO(2, by_turns),
		SCENARIO(2, all_and_one), SCENARIO(2, met_and_ahead),
		SCENARIO(2, lent),        SCENARIO(3, tree),
	};

	return checker_main(scenarios,
			    (int)(sizeof(scenarios) / sizeof(*scenarios)), argc,
			    argv);
}
