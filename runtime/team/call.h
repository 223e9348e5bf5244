/* SPDX-License-Identifier: MIT */
/*
 * call.h - one collective call: which rank offers what, and which ranks have read.
 *
 * A verb is one call or, where the data is long, several calls, one for each piece:
 *
 *	call_enter()    the kernel's call, for the check and the report
 *	call_begin()    the next call; every rank of the team begins the call
 *	call_offer()    this rank's contribution: others read by call_see()
 *	call_answer()   the result: others read by call_hear()
 *	call_end()      this rank has seen and heard all that the rank wants
 *	call_leave()    back to the kernel
 *
 * A rank may begin a call before others have ended earlier calls, up to CALLS_OPEN
 * calls.  So an offer is not overwritten while another rank may still look, and no
 * rank waits for ranks that offer nothing.
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

/* Ranks that look at each other directly.  In a larger team lines are handed on in a
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
	bool lent;     /* others read the kernel's memory in place */
	bool staged;   /* this rank has offered more than fits a line */
	bool ended;    /* the team has: nothing is said or seen any more */
	size_t there;  /* bytes at the place that call_see() returned last */
	bool in_place; /* the bytes are lent, and lie in no stage */
};

/* Bytes of one offer: long enough to be worth a call, short enough that the ranks
 * work on neighbouring pieces at the same time. */
#define CALL_PIECE ((size_t)32 << 10)

/* A single word is the usual case, and soon copied.  NULL: nothing to copy. */
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

/* The place where other ranks read this rank's line. */
static inline void call_say(const struct call *call, void *to, const void *from,
			    size_t bytes)
{
	if (bytes >= COPY_BYPASS_BYTES)
		copy_bypass_copy(to, from, bytes, call->team->owner->past);
	else
		call_copy(to, from, bytes);
}

/* values[i] becomes the largest values[i] of all ranks; `count` values fit a line.
 * All ranks call the function within a verb.  0 or -EINVAL. */
int reduce_most(struct rig_team *team, uint64_t *values, size_t count);

/*
 * Can all ranks agree on the terms?  Returns 0, with the bytes of an element in *item
 * and of `count` elements in *bytes, or -EINVAL: also for a type that is not among
 * the verb's terms, and in a thread other than the rank's.  (Correct terms stay in
 * registers: only a copy of the terms goes elsewhere.)
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

/* The kernel calls a verb from `where`.  The function is inline, so that constant
 * terms of a verb cost nothing. */
static inline void call_enter(struct rig_team *team, const struct terms *terms,
			      const void *where)
{
	const uint64_t from = (uint64_t)(uintptr_t)where;
	struct rank *owner = team->owner;
	struct rank_shm *mine = owner->mine;

	match_note(team, terms, from);
	/* relaxed: for the report, which reads the word when no rank runs. */
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
 * Offer `bytes` bytes, at most STAGE_HALF.  `lend`: nobody writes to the bytes until
 * call_leave(), so others may read the bytes in place if the bytes lie in a segment.
 */
void call_offer(struct call *call, const void *data, size_t bytes, bool lend);
void call_answer(struct call *call, const void *data, size_t bytes, bool lend);

/* The same for bytes that fit a line and are not lent. */
void call_offer_line(struct call *call, const void *data, size_t bytes);

/* Offer all bytes, however many, in place: or nothing, and false, where the bytes are
 * not in a segment. */
bool call_offer_lent(struct call *call, const void *data, size_t bytes);

/* The same where the bytes are yet to be written: room for the bytes, and the offer
 * when the bytes are written. */
void *call_offer_room(struct call *call, size_t bytes);
void *call_answer_room(struct call *call, size_t bytes);
void call_offer_ready(struct call *call);
void call_answer_ready(struct call *call);

/* Wait for the offer of `rank`, and return the place of the bytes; NULL: the ranks
 * call different verbs, and the run fails (-EINVAL). */
const void *call_see(struct call *call, int rank, size_t bytes);
const void *call_hear(struct call *call, int rank, size_t bytes);

/* `rank` does not wait for this rank: the offer of `rank` for the next call may be
 * there already, and is fetched. */
void call_look_ahead(const struct call *call, int rank);

/* `met`: this rank has heard, maybe through others, from every rank, and so knows
 * that all ranks have made the same calls. */
void call_end(struct call *call, bool met);

/* A barrier of any team, by lines; the kernel's. */
int call_barrier(struct rig_team *team);

/* The same within a verb.  0 or -EINVAL. */
int call_meet(struct rig_team *team);

/* Begin and end a job; the last rank to end the job sets the numbers for the next
 * job. */
void call_begin_job(struct rank *rank);
void call_end_job(struct rank *rank);
void call_all_done(struct rank *rank);

#endif
