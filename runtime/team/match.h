/* SPDX-License-Identifier: MIT */
/*
 * match.h - do all ranks of a team call the same?
 *
 * A rank keeps a sign for each team, a hash of every verb that the rank has called in
 * the team; match.c describes which ranks compare their signs, and when.
 */
#ifndef RUNRIG_MATCH_H
#define RUNRIG_MATCH_H

#include "team/rank.h"
#include "team/verb.h"

/* Odd, with well mixed bits: from the golden ratio. */
#define MATCH_MIX UINT64_C(0x9e3779b97f4a7c15)

/* The ranks have made no call in this team yet. */
void match_begin(struct rig_team *team);

/* This rank calls a verb, from `where`. */
static inline void match_note(struct rig_team *team, const struct terms *terms,
			      uint64_t where)
{
	const uint64_t number = team->number + 1;
	const uint64_t what = terms_pack(terms), count = terms_count(terms);
	struct said_shm *said = &team->self->said[number % SAID_KEPT];

	said->number = number;
	said->what = what;
	said->count = count;
	said->where = where;
	team->sign = (team->sign ^ what) * MATCH_MIX + count;
	for (int i = 0; i < TERM_WORDS_MAX; i++)
		if (verb_word(terms->verb, i)) {
			said->words[i] = terms->words[i];
			team->sign = (team->sign ^ terms->words[i]) * MATCH_MIX;
		}
}

/* Show the number and the sign of this rank's calls in the team. */
void match_show_one(struct rig_team *team, unsigned turn);

/*
 * At a barrier of the team of all, the rank's odd or even barrier as `turn` says: show
 * the number and the sign of this rank's calls, before the rank arrives, in this team
 * and in all teams that were split off.  Returns whether the rank has to look at a
 * neighbour's sign after the barrier.
 */
static inline bool match_show(struct rank *rank, unsigned turn)
{
	bool look = false;

	for (struct rig_team *team = &rank->world; team; team = team->next) {
		if (team->shown[turn] != team->sign)
			match_show_one(team, turn);
		look |= team->settled != team->sign;
	}
	return look;
}

/* And look.  Returns 0, or -EINVAL: the ranks have not called the same, and the
 * run fails. */
int match_check(struct rank *rank, unsigned turn);

/* The same at the end of a run, where any rank has made a call: each rank shows its
 * sign; the last rank compares all. */
void match_end_job(struct rank *rank);
void match_all_done(struct rank *rank);

/* `rank` has another sign in the call at hand: the run fails.  NULL. */
COLD void *match_fail(struct rig_team *team, int rank);

/* Two ranks of the team make the calls of `said`: fail the run, with the words of
 * both.  -EINVAL. */
int match_fail_said(struct rig_team *team, const int rank[2],
		    const struct said_shm said[2]);

/* This rank begins a non-blocking call or makes a plan. */
void match_begun(struct rig_team *team, const struct terms *terms,
		 uint64_t where);

/* No rank runs.  Have ranks begun different calls, in a team of this rank?  Then the
 * run fails. */
bool match_begun_differs(struct rank *rank);

/* Every rank sleeps or has returned.  Has one rank made a call that another rank,
 * which waits in a call or at a barrier, has not made?  Then the run fails, with
 * both calls. */
bool match_asleep_differs(struct rank *rank);

#endif
