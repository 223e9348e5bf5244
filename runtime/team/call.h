/* SPDX-License-Identifier: MIT */
/*
 * call.h - one collective call: who says what in it, and who has heard.
 *
 * A verb is one call or, where its data is long, several, one for each piece:
 *
 *	call_enter()    what the kernel calls, for the check and the report
 *	call_begin()    the next call; every rank of the team begins it
 *	call_offer()    what this rank brings: others call_see() it
 *	call_answer()   what came of it: others call_hear() it
 *	call_end()      this rank has seen and heard all that it wants
 *	call_leave()    back to the kernel
 *
 * A rank may begin a call before others have ended earlier ones, up to
 * CALLS_OPEN of them; so what is offered is not overwritten while somebody may
 * still look, and nobody waits for ranks that have nothing to say.
 */
#ifndef RUNRIG_CALL_H
#define RUNRIG_CALL_H

#include <errno.h>
#include <string.h>

#include "team/match.h"
#include "objects/copy.h"
#include "team/fold.h"
#include "base/size.h"
#include "team/tree.h"
#include "team/way.h"

/* Ranks that look at each other directly: beyond, lines are handed on in a
 * tree, so that no line has more readers. */
#ifndef CALL_FLAT
#define CALL_FLAT 16 /* fewer for the checker */
#endif
_Static_assert(CALL_FLAT <= TREE_CHILDREN_MAX, "a fan may be the size");

/* In this process. */
struct call {
	struct rig_team *team;
	uint64_t number;
	uint64_t sign;
	bool lent;     /* others read what the kernel gave, in place */
	bool staged;   /* this rank has said more than fits a line */
	bool ended;    /* the team has: nothing is said or seen any more */
	size_t there;  /* bytes that lie where call_see() looked last, */
	bool in_place; /* and these are lent: they lie in no stage */
};

/* Bytes said at a time: long enough to be worth a call, short enough that the
 * ranks work on neighbouring pieces at once. */
#define CALL_PIECE ((size_t)32 << 10)

/* One word is the rule, and soon done.  NULL where there is nothing to copy. */
static inline void call_copy(void *to, const void *from, size_t bytes)
{
	if (bytes == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (bytes)
		memcpy(to, from, bytes);
}

/* Do the two share a byte?  RIG_IN_PLACE is no buffer. */
static inline bool buffers_overlap(const void *a, size_t a_bytes, const void *b,
				   size_t b_bytes)
{
	const uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	return (x <= y ? y - x < a_bytes : x - y < b_bytes) && a_bytes &&
	       b_bytes && a != RIG_IN_PLACE && b != RIG_IN_PLACE;
}

/* To where other ranks read it. */
static inline void call_say(const struct call *call, void *to, const void *from,
			    size_t bytes)
{
	if (bytes >= COPY_BYPASS_BYTES)
		copy_bypass_copy(to, from, bytes, call->team->owner->past);
	else
		call_copy(to, from, bytes);
}

/* values[i] = the most that any rank has there; `count` of them fit a line.  All ranks
 * call it within a verb.  0 or -EINVAL. */
int reduce_most(struct rig_team *team, uint64_t *values, size_t count);

/*
 * Are these terms that can be met?  Returns 0, with the bytes of an element in
 * *item and of `count` in *bytes, or -EINVAL: also for a type that the verb has
 * not among its terms, and in another thread than the rank's.  (Terms that are all right
 * stay in registers: only a copy of the terms goes elsewhere.)
 */
static inline int terms_check(struct rig_team *team, const struct terms *terms,
			      size_t *item, size_t *bytes)
{
	const bool root = terms_have(terms, TERM_ROOT);
	const bool op = terms_have(terms, TERM_OP);

	*item = rig_type_bytes(terms->type);
	*bytes = 0;
	if (*item == 0 || rank_check_thread(team->owner, "") < 0 ||
	    (root && (terms->root < 0 || terms->root >= team->size)) ||
	    (op && !fold_has(terms->op, terms->type)) ||
	    !size_mul(*item, terms->count, bytes)) {
		const struct terms refused = *terms;

		terms_refuse(team, &refused);
		return -EINVAL;
	}
	return 0;
}

/* The kernel calls a verb from `where`.  Here, so that what of the terms is the
 * same in every call of a verb costs it nothing. */
static inline void call_enter(struct rig_team *team, const struct terms *terms,
			      const void *where)
{
	const uint64_t from = (uint64_t)(uintptr_t)where;
	struct rank *owner = team->owner;
	struct rank_shm *mine = owner->mine;

	match_note(team, terms, from);
	/* relaxed: for the report, which reads it when nobody runs. */
	store_relaxed(&mine->where, from);
	store_relaxed(&mine->calls, terms->verb);
	if (TRACE_BRANCH(owner->trace))
		owner->span = trace_begin(owner->trace, RIG_TRACE_WAIT,
					  terms->verb, from);
}

/* All calls are ended.  Waits, where a buffer was lent, until every rank has.
 * Returns `r`. */
int call_leave(struct rig_team *team, bool lent, int r);

struct call call_begin(struct rig_team *team);

/*
 * Say `bytes` bytes, at most STAGE_HALF; `lend`: they stay as they are until
 * call_leave(), so that others may read them in place if they lie in a segment.
 */
void call_offer(struct call *call, const void *data, size_t bytes, bool lend);
void call_answer(struct call *call, const void *data, size_t bytes, bool lend);

/* The same of what fits a line, and is not lent. */
void call_offer_line(struct call *call, const void *data, size_t bytes);

/* Say all of these, however many, where they lie: or nothing, and false, where
 * that is not in a segment. */
bool call_offer_lent(struct call *call, const void *data, size_t bytes);

/* The same where the bytes are yet to be written: room for them, and when they
 * are there. */
void *call_offer_room(struct call *call, size_t bytes);
void *call_answer_room(struct call *call, size_t bytes);
void call_offer_ready(struct call *call);
void call_answer_ready(struct call *call);

/* Wait for what `rank` says, and return where its bytes are; NULL: the ranks do
 * not call the same, and the run fails (-EINVAL). */
const void *call_see(struct call *call, int rank, size_t bytes);
const void *call_hear(struct call *call, int rank, size_t bytes);

/* `rank` does not wait for this one: what it brings to the next call may be there
 * already, and is fetched. */
void call_look_ahead(const struct call *call, int rank);

/* `met`: this rank has heard, maybe through others, from every rank, so it
 * knows that all have called the same so far. */
void call_end(struct call *call, bool met);

/* A barrier of any team, by lines; the kernel's. */
int call_barrier(struct rig_team *team);

/* The same within a verb.  0 or -EINVAL. */
int call_meet(struct rig_team *team);

/* Begin and end a job; the last to end it settles what the next begins with. */
void call_begin_job(struct rank *rank);
void call_end_job(struct rank *rank);
void call_all_done(struct rank *rank);

#endif
