/* SPDX-License-Identifier: MIT */
/*
 * match.c - finding ranks that do not call the same, and the words of both calls.
 *
 * The sign of a rank in a team is a hash of all verbs that the rank has called in the
 * team, with the terms that must be the same in all ranks.  Signs are compared
 *
 *	in a call      by a rank that reads another rank's line: the sign lies
 *	               beside the data (call.c)
 *	at a barrier   of a team that was split off, likewise, for such a barrier
 *	               is a call; of the team of all, as follows
 *	at the end     of the run, by the last rank of each team to finish
 *
 * A rank begins non-blocking calls and plans without a look at other ranks.  Such
 * calls are numbered apart and not in the sign: a rank that gets a message of such a
 * call compares (schedule.c), and a rank that finds a deadlock, or the end of the run,
 * looks at all calls begun.
 *
 * A call may end before any rank has compared: two ranks that both take themselves for
 * the root of a bcast read nothing.  A team is *settled* in a rank when the rank has
 * heard from all other ranks, in a call, that all had called the same, and the rank
 * has called nothing since.
 *
 * Before the barrier of all, each rank shows the number of its calls and its sign, of
 * every team of the rank, unless shown already.  After the barrier, a rank whose team
 * is not settled looks at the numbers of the next rank.  One look is enough: if not
 * all signs of a team are the same, there is a rank whose sign no other rank has heard
 * of, so that the team is not settled there, and the next rank has another sign.
 * There are two places to show a sign, by turns: a rank that leaves a barrier may show
 * later calls, but cannot leave the next barrier before all ranks have looked, for
 * every rank looks before the next barrier.  The places are plain memory, ordered by
 * the barrier.
 *
 * The numbers of calls only grow, over runs as well.  So a sign from an earlier run,
 * or from another team in the same memory, has a lower number than any call of this
 * team in this run, and counts as no call.
 */
#include "team/match.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <runrig/pool.h>

#include "team/call.h"
#include "team/wide.h"
#include "base/error.h"
#include "team/modules.h"

/* A rank of the two that are compared, and the last call to compare. */
struct party {
	int rank;        /* in the team */
	uint64_t number; /* the last call of the rank that counts */
	/* The caller of the barrier; 0: the rank has returned. */
	uint64_t where;
};

/* The call of a rank, in words. */
struct words {
	char text[200];
};

void match_begin(struct rig_team *team)
{
	team->first = team->number;
	team->sign = team->settled = 0;
	team->shown[0] = team->shown[1] = 0;
}

static struct said_shm *said_by(const struct rig_team *team, int rank)
{
	return team->members[rank].said;
}

static bool counts(const struct rig_team *team, const struct party *party,
		   const struct said_shm *said)
{
	return said->number > team->first && said->number <= party->number;
}

/* The verb may leave words of an earlier verb in place. */
static bool same_terms(const struct said_shm *a, const struct said_shm *b)
{
	if (a->what != b->what || a->count != b->count)
		return false;
	for (int i = 0; i < TERM_WORDS_MAX; i++)
		if (verb_word(a->what & 0xff, i) && a->words[i] != b->words[i])
			return false;
	return true;
}

/* Have both ranks made the call, and with the same terms? */
static bool alike(const struct rig_team *team, const struct party party[2],
		  const struct said_shm said[2])
{
	return counts(team, &party[0], &said[0]) &&
	       counts(team, &party[1], &said[1]) &&
	       said[0].number == said[1].number &&
	       same_terms(&said[0], &said[1]);
}

/*
 * Find the first call that one rank has made and the other rank has not, or with other
 * terms; false: the call is not remembered.  said[i].number is 0 where rank i has not
 * made the call.  The ranks may go on meanwhile: then a place has a higher number than
 * the wanted one.
 */
static bool find_first(const struct rig_team *team, const struct party party[2],
		       struct said_shm said[2])
{
	uint64_t first = UINT64_MAX;

	for (int i = 0; i < SAID_KEPT; i++) {
		const struct said_shm here[2] = {
			said_by(team, party[0].rank)[i],
			said_by(team, party[1].rank)[i],
		};
		uint64_t number = 0;

		for (int k = 0; k < 2; k++)
			if (counts(team, &party[k], &here[k]) &&
			    number < here[k].number)
				number = here[k].number;
		if (number == 0 || number >= first || number < here[0].number ||
		    number < here[1].number || alike(team, party, here))
			continue;
		first = number;
		for (int k = 0; k < 2; k++) {
			said[k] = here[k];
			if (here[k].number != number ||
			    number > party[k].number)
				said[k].number = 0;
		}
	}
	return first != UINT64_MAX;
}

/* As printf(), onto the end of the words. */
static void add(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *format, ...)
{
	size_t used = strlen(words->text);
	va_list list;

	va_start(list, format);
	vsnprintf(words->text + used, sizeof(words->text) - used, format, list);
	va_end(list);
}

/* Add the caller of rank `rank` of the world: each rank that is no fork has the code
 * at other addresses. */
static void add_where(struct words *words, const struct rank *mine, int rank,
		      uint64_t where)
{
	struct symbol symbol;
	char text[120];

	if (modules_find(&mine->layout.modules[rank], where, RIG_FOREVER,
			 &symbol) < 0) {
		add(words, " at 0x%llx", (unsigned long long)where);
		return;
	}
	symbol.name[60] = 0;
	symbol_write(&symbol, true, text, sizeof(text));
	add(words, " at %s", text);
}

/* Write "calls bcast(count 8, type float64, root 1) at f+0x12"; `party` is used only
 * where the rank has not made the call.  `rank` is a rank of the world, or -1: an
 * address in the code of another host means nothing here. */
static void describe(struct words *words, const struct rank *mine, int rank,
		     const struct said_shm *said, const struct party *party)
{
	words->text[0] = 0;
	if (said->number) {
		add(words, "calls ");
		verb_describe(words->text, sizeof(words->text), said->what,
			      said->count, said->words);
		if (rank >= 0)
			add_where(words, mine, rank, said->where);
	} else if (party->where) {
		add(words, "calls barrier");
		add_where(words, mine, rank, party->where);
	} else {
		add(words, "returns");
	}
}

int match_fail_said(struct rig_team *team, const int rank[2],
		    const struct said_shm said[2])
{
	struct words words[2];
	int r;

	for (int k = 0; k < 2; k++)
		describe(&words[k], team->owner,
			 wide_is_far(team, rank[k])
				 ? -1
				 : team_world_rank(team, rank[k]),
			 &said[k], NULL);
	r = rig_fail(-EINVAL, "rank %d %s, rank %d %s",
		     wide_number(team, rank[0]), words[0].text,
		     wide_number(team, rank[1]), words[1].text);
	rank_failed(team->owner, r, rig_why());
	return r;
}

/* Numbers that no other run, and no other team in the same memory, has had: the first
 * calls differ. */
static uint64_t begun_base(const struct rig_team *team)
{
	return team->first << 24;
}

void match_begun(struct rig_team *team, const struct terms *terms,
		 uint64_t where)
{
	/* relaxed: read when all have finished. */
	store_relaxed(&team->owner->layout.team->called, 1);
	team->begun++;
	team->self->begun[team->begun % SAID_KEPT] = (struct said_shm){
		.number = begun_base(team) + team->begun,
		.what = terms_pack(terms),
		.count = terms_count(terms),
		.where = where,
	};
}

/* Do the calls at `place` differ between ranks of the team? */
static bool place_differs(struct rig_team *team, int place)
{
	const uint64_t base = begun_base(team);
	struct said_shm said[2] = { { 0 } };
	int rank[2] = { -1, -1 };

	for (int i = 0; i < team->size; i++) {
		said[1] = team->members[i].begun[place];
		rank[1] = i;
		if (said[1].number <= base ||
		    said[1].number >= base + (UINT64_C(1) << 24))
			continue;
		if (rank[0] < 0 || said[0].number < said[1].number) {
			said[0] = said[1];
			rank[0] = i;
		} else if (said[0].number == said[1].number &&
			   !same_terms(&said[0], &said[1])) {
			(void)match_fail_said(team, rank, said);
			return true;
		}
	}
	return false;
}

bool match_begun_differs(struct rank *rank)
{
	for (struct rig_team *team = &rank->world; team; team = team->next)
		for (int i = 0; i < SAID_KEPT; i++)
			if (place_differs(team, i))
				return true;
	return false;
}

/* The two ranks have not called the same: fail the run, with the words of both calls. */
static int fail_first(struct rig_team *team, const struct party party[2],
		      const struct said_shm said[2])
{
	struct words words[2];
	int r;

	for (int k = 0; k < 2; k++)
		describe(&words[k], team->owner,
			 team_world_rank(team, party[k].rank), &said[k],
			 &party[k]);
	r = rig_fail(-EINVAL, "rank %d %s, rank %d %s",
		     team_world_rank(team, party[0].rank), words[0].text,
		     team_world_rank(team, party[1].rank), words[1].text);
	rank_failed(team->owner, r, rig_why());
	return r;
}

static int fail(struct rig_team *team, const struct party party[2])
{
	struct said_shm said[2];
	int r;

	if (find_first(team, party, said))
		return fail_first(team, party, said);
	r = rig_fail(-EINVAL,
		     "rank %d and rank %d have called differently, "
		     "more than %d calls ago",
		     team_world_rank(team, party[0].rank),
		     team_world_rank(team, party[1].rank), SAID_KEPT);
	rank_failed(team->owner, r, rig_why());
	return r;
}

/* A rank that sleeps or has returned: all its calls count. */
static struct party asleep(const struct rig_team *team, int rank)
{
	const struct rank_shm *shm =
		&team->owner->layout.ranks[team_world_rank(team, rank)];
	struct party party = { rank, UINT64_MAX, 0 };

	/* acquire: the rank has published its last call, and the awaited word;
	 * pairs with the release in rank_sleeps(). */
	if (load_acquire(&shm->state) == RIG_STATE_WAITING &&
	    load_relaxed(&shm->awaited) == 0)
		party.where = shm->at[load_relaxed(&shm->entered) % 2];
	return party;
}

/*
 * A call of both ranks with other terms is a disagreement.  A call that a rank at the
 * barrier of all has not made is a disagreement, too: the other rank made the call
 * before its own barrier.  A rank that waits for anything else may still come to the
 * call.
 */
static bool pair_differs(struct rig_team *team, int first, int second)
{
	const struct party party[2] = { asleep(team, first),
					asleep(team, second) };
	struct said_shm said[2];

	if (!find_first(team, party, said))
		return false;
	for (int k = 0; k < 2; k++)
		if (said[k].number == 0 && party[k].where == 0)
			return false;
	(void)fail_first(team, party, said);
	return true;
}

bool match_asleep_differs(struct rank *rank)
{
	for (struct rig_team *team = &rank->world; team; team = team->next)
		for (int i = 1; i < team->size; i++)
			for (int other = 0; other < i; other++)
				if (pair_differs(team, other, i))
					return true;
	return false;
}

void *match_fail(struct rig_team *team, int rank)
{
	/* Both ranks are in the call, so each has made the calls before. */
	const struct party party[2] = {
		{ team->rank, UINT64_MAX, 0 },
		{ rank, UINT64_MAX, 0 },
	};

	(void)fail(team, party);
	return NULL;
}

void match_show_one(struct rig_team *team, unsigned turn)
{
	team->shown[turn] = team->sign;
	team->self->met[turn] = (struct met_shm){ team->number, team->sign };
}

/* The sign that `rank` has shown: none, if the sign is from another run. */
static struct met_shm shown_by(const struct rig_team *team, int rank, int place)
{
	struct met_shm met = team->members[rank].met[place];

	if (met.number <= team->first)
		met = (struct met_shm){ team->first, 0 };
	return met;
}

static bool differ(const struct met_shm *a, const struct met_shm *b)
{
	return a->number != b->number || a->sign != b->sign;
}

static int check(struct rig_team *team, unsigned turn)
{
	const int next = team->rank + 1 < team->size ? team->rank + 1 : 0;
	const struct met_shm mine = { team->number, team->sign };
	const struct met_shm theirs = shown_by(team, next, (int)turn);
	const struct rank_shm *ranks = team->owner->layout.ranks;
	const struct party party[2] = {
		{ team->rank, mine.number, team->owner->mine->at[turn] },
		{ next, theirs.number,
		  ranks[team_world_rank(team, next)].at[turn] },
	};

	if (differ(&mine, &theirs))
		return fail(team, party);
	team->settled = team->sign;
	return 0;
}

int match_check(struct rank *rank, unsigned turn)
{
	int r = 0;

	for (struct rig_team *team = &rank->world; team && r == 0;
	     team = team->next)
		if (team->settled != team->sign)
			r = check(team, turn);
	return r;
}

/* All ranks of the team have ended the run. */
static void compare_all(struct rig_team *team)
{
	const struct met_shm first = shown_by(team, 0, MET_END);

	/* A rank that failed has left calls out, and has told why.  relaxed: a rank
	 * fails before the rank ends. */
	if (load_relaxed(&team->owner->layout.team->failed))
		return;
	for (int i = 1; i < team->size; i++) {
		const struct met_shm other = shown_by(team, i, MET_END);
		const struct party party[2] = {
			{ 0, first.number, 0 },
			{ i, other.number, 0 },
		};

		if (differ(&first, &other)) {
			(void)fail(team, party);
			return;
		}
	}
}

void match_end_job(struct rank *rank)
{
	for (struct rig_team *team = &rank->world; team; team = team->next) {
		team->self->met[MET_END] =
			(struct met_shm){ team->number, team->sign };
		/* acq_rel: hands on what this rank shows; the last has what all
		 * do.  Of the team of all that is the last to finish the run. */
		if (team != &rank->world &&
		    add_acq_rel(&team->members->ended, 1) ==
			    (uint64_t)team->size - 1)
			compare_all(team);
	}
}

void match_all_done(struct rank *rank)
{
	compare_all(&rank->world);
	/* relaxed: as there. */
	if (!load_relaxed(&rank->layout.team->failed))
		(void)match_begun_differs(rank);
}
