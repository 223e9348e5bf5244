/* SPDX-License-Identifier: MIT */
/*
 * reduction.c - one result from the elements of all ranks: reduce, allreduce, sum.
 *
 * All folds go in the order of ranks, so that the same ranks with the same data get
 * the same bits, whichever rank folds.  The length decides which rank folds what:
 *
 *	fits a line      every rank reads every rank; with many ranks a tree whose
 *	                 branches are neighbours
 *	short            each rank that wants the result reads every rank
 *	long             each rank folds a slice of all contributions, the own
 *	                 contribution straight from the kernel's memory, and the
 *	                 others fetch the result from there; or the root of two
 *	                 ranks reads both, a choice by trial (way.h)
 */
#include <errno.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>
#include <runrig/sum.h>

#include "team/call.h"
#include "team/fold.h"
#include "team/reduction.h"
#include "team/reproducible.h"
#include "team/type.h"
#include "team/wide.h"

/* Complex numbers whose parts are split at a time. */
#define PARTS 256

/* Shorter data is copied: a fold waits for each line that another core has written, and
 * a copy of these few is sooner read. */
#define LEND_FOLDED ((size_t)8 << 10)

void reduction_offer(struct call *call, const struct reduction *r, size_t first,
		     size_t count, const void **mine)
{
	size_t bytes = count * r->item;

	if (r->send == RIG_IN_PLACE) {
		void *copy = call_offer_room(call, bytes);

		if (bytes)
			memcpy(copy, r->recv + first * r->item, bytes);
		call_offer_ready(call);
		*mine = copy;
	} else {
		*mine = r->send + first * r->item;
		call_offer(call, *mine, bytes, bytes >= LEND_FOLDED);
	}
}

/* As reduction_fold(), where all are folded at once. */
NOINLINE static int fold_at_once(struct call *call, const struct reduction *r,
				 int last, const void *mine, size_t count,
				 size_t at, size_t n, void *out)
{
	static const void *from[RIG_WORKERS_MAX];

	for (int i = 0; i <= last; i++) {
		const bool own = i == call->team->rank;
		const char *all =
			own ? mine : call_see(call, i, count * r->item);

		if (!all && !own)
			return -EINVAL;
		from[i] = n ? all + at * r->item : NULL;
	}
	fold_all(out, from, last + 1, n, r->type, r->op);
	return 0;
}

int reduction_fold(struct call *call, const struct reduction *r, int last,
		   const void *mine, size_t count, size_t at, size_t n,
		   void *out)
{
	const int rank = call->team->rank;
	const char *left = NULL;

	if (fold_all_at_once(r->op, r->type))
		return fold_at_once(call, r, last, mine, count, at, n, out);
	for (int i = 0; i <= last; i++) {
		const char *right =
			i == rank ? mine : call_see(call, i, count * r->item);

		/* Every pointer may be NULL, as the rank likes. */
		if (!right && i != rank)
			return -EINVAL;
		if (n == 0)
			continue;
		right += at * r->item;
		if (i > 0) {
			fold(out, left, right, n, r->type, r->op);
			left = out;
		} else {
			left = right;
		}
	}
	if (last == 0)
		fold_one(out, left, n, r->type, r->op);
	return 0;
}

/* Fold elements that fit a line, over a tree of neighbours: the result is at rank 0. */
NOINLINE static int fold_tree(struct call *call, const struct reduction *r,
			      const void *mine, size_t count, void *out)
{
	const int rank = call->team->rank, size = call->team->size;
	size_t bytes = count * r->item;
	int children[TREE_CHILDREN_MAX];
	const int below = tree_children(rank, size, TREE_FAN, children);

	call_copy(out, mine, bytes);
	for (int i = 0; i < below; i++) {
		const void *right = call_see(call, children[i], bytes);

		if (!right)
			return -EINVAL;
		fold(out, out, right, count, r->type, r->op);
	}
	call_offer(call, out, bytes, false);
	if (r->root >= 0) {
		const void *all;

		if (rank != r->root || rank == 0)
			return 0;
		all = call_see(call, 0, bytes);
		if (!all)
			return -EINVAL;
		call_copy(out, all, bytes);
		return 0;
	}
	if (rank) {
		const void *all =
			call_hear(call, tree_parent(rank, TREE_FAN), bytes);

		if (!all)
			return -EINVAL;
		call_copy(out, all, bytes);
	}
	call_answer(call, out, bytes, false);
	return 0;
}

static int reduce_in_line(struct call *call, const struct reduction *r,
			  size_t count)
{
	const int rank = call->team->rank, size = call->team->size;
	const bool in_place = r->send == RIG_IN_PLACE;
	const void *mine = in_place ? r->recv : r->send;
	bool wanted = r->root < 0 || r->root == rank;
	_Alignas(16) unsigned char copy[LINE_PAYLOAD];
	void *out = in_place || !wanted ? (void *)copy : r->recv;
	int result = 0;

	if (size > CALL_FLAT) {
		result = fold_tree(call, r, mine, count, out);
	} else {
		if (r->root != rank)
			call_offer_line(call, mine, count * r->item);
		if (wanted)
			result = reduction_fold(call, r, size - 1, mine, count,
						0, count, out);
		for (int i = 0; r->root == rank && i < size; i++)
			call_look_ahead(call, i);
	}
	if (wanted && in_place && result == 0)
		call_copy(r->recv, copy, count * r->item);
	return result;
}

/* Everybody, or the root, reads everybody. */
static int reduce_whole(struct call *call, const struct reduction *r,
			size_t first, size_t count)
{
	const int rank = call->team->rank;
	const void *mine;

	reduction_offer(call, r, first, count, &mine);
	if (r->root >= 0 && r->root != rank)
		return 0;
	return reduction_fold(call, r, call->team->size - 1, mine, count, 0,
			      count, r->recv + first * r->item);
}

/* Fetch the slices that the others have folded. */
static int fetch_slices(struct call *call, const struct reduction *r,
			size_t first, size_t count)
{
	const int rank = call->team->rank, size = call->team->size;

	for (int i = 1; i < size; i++) {
		int from = (rank + i) % size;
		struct rig_span slice = rig_strip(count, from, size);
		size_t bytes = (slice.end - slice.begin) * r->item;
		char *to = r->recv + (first + slice.begin) * r->item;
		const void *found;

		if (bytes == 0)
			continue;
		found = call_hear(call, from, bytes);
		if (!found)
			return -EINVAL;
		if (found != to)
			memcpy(to, found, bytes);
	}
	return 0;
}

/* Offer the slices that other ranks fold, each slice at its place.  No other rank
 * reads this rank's own slice: *mine is a copy that stays until the slice is folded. */
static void contribute_slices(struct call *call, const struct reduction *r,
			      size_t first, size_t count, const void **mine)
{
	const int rank = call->team->rank, size = call->team->size;
	const char *send = r->send == RIG_IN_PLACE ? r->recv : r->send;
	/* The fold of ranks 0 and 1 comes first, and overwrites the copy. */
	const bool own = r->send == RIG_IN_PLACE && rank > 1;
	char *to;

	send += first * r->item;
	*mine = send;
	if (r->send != RIG_IN_PLACE &&
	    call_offer_lent(call, send, count * r->item))
		return;
	to = call_offer_room(call, count * r->item);
	for (int i = 0; i < size; i++) {
		const struct rig_span slice = rig_strip(count, i, size);
		const size_t at = slice.begin * r->item;

		if (i != rank || own)
			call_say(call, to + at, send + at,
				 (slice.end - slice.begin) * r->item);
	}
	if (own)
		*mine = to;
	call_offer_ready(call);
}

/* Each rank folds one slice of all contributions. */
static int reduce_slices(struct call *call, const struct reduction *r,
			 size_t first, size_t count)
{
	const int rank = call->team->rank, size = call->team->size;
	struct rig_span slice = rig_strip(count, rank, size);
	size_t n = slice.end - slice.begin;
	bool wanted = r->root < 0 || r->root == rank;
	const void *mine;
	char *out;
	int result;

	contribute_slices(call, r, first, count, &mine);
	if (n) {
		out = wanted ? r->recv + (first + slice.begin) * r->item
			     : call_answer_room(call, n * r->item);
		result = reduction_fold(call, r, size - 1, mine, count,
					slice.begin, n, out);
		if (result < 0)
			return result;
		if (!wanted)
			call_answer_ready(call);
		else if (r->root < 0)
			call_answer(call, out, n * r->item, true);
	}
	return wanted ? fetch_slices(call, r, first, count) : 0;
}

int reduce_most(struct rig_team *team, uint64_t *values, size_t count)
{
	const struct reduction r = { RIG_UINT64,   RIG_MAX,
				     -1,           sizeof(*values),
				     RIG_IN_PLACE, (char *)values };
	struct call call = call_begin(team);
	int result = reduce_in_line(&call, &r, count);

	if (result == 0)
		call_end(&call, true);
	return result;
}

/* A reduction of `bytes` bytes begins.  Does each rank fold a slice?  Two ranks read each
 * other at once where that is over sooner, and the root of two folds alone where a
 * trial says so. */
static bool enter_long(struct rig_team *team, const struct reduction *r,
		       size_t bytes)
{
	const bool pieces = bytes >= 2 * CALL_PIECE;

	if (team->size == 2 && r->root >= 0 && pieces)
		return way_enter_long(team, WAY_REDUCE, 2, bytes) != 0;
	way_enter(team, r->root < 0 ? WAY_ALLREDUCE : WAY_REDUCE, bytes);
	return team->size > 2 ? bytes > 1024 : pieces;
}

NOINLINE static int reduce_long(struct rig_team *team,
				const struct reduction *r, size_t count)
{
	const size_t size = (size_t)team->size;
	bool slices = enter_long(team, r, count * r->item);
	size_t each = (slices ? size_least(CALL_PIECE * size, STAGE_HALF)
			      : CALL_PIECE) /
		      r->item;
	bool lent = false;
	size_t done = 0;
	int result;

	if (each == 0)
		each = 1;
	do {
		struct call call = call_begin(team);
		size_t n = size_least(count - done, each);

		if (slices)
			result = reduce_slices(&call, r, done, n);
		else
			result = reduce_whole(&call, r, done, n);
		if (result < 0)
			break;
		call_end(&call, r->root < 0 && !slices);
		lent |= call.lent;
		done += n;
	} while (done < count);
	return call_leave(team, lent, result);
}

static inline int reduce(struct rig_team *team, const struct reduction *r,
			 size_t count)
{
	struct call call;
	int result;

	/* A tree folds two by two. */
	if (count * r->item > LINE_PAYLOAD ||
	    (team->size > CALL_FLAT && fold_all_at_once(r->op, r->type)))
		return reduce_long(team, r, count);
	call = call_begin(team);
	result = reduce_in_line(&call, r, count);
	if (result == 0)
		call_end(&call, r->root < 0);
	return call_leave(team, false, result);
}

/* A reduction of a team of several hosts. */
COLD static int reduce_wide(struct rig_team *team, const struct terms *terms,
			    const void *send, void *recv, const void *where)
{
	struct rig_request **request = wide_enter(team, terms, where);
	const int op = terms->op;

	return wide_leave(team,
			  team == team->owner->wide.world
				  ? wide_reduce(team, send, recv, terms->count,
						terms->type, op, terms->root)
				  : rig_team_ireduce(team, send, recv,
						     terms->count, terms->type,
						     op, terms->root, request));
}

int rig_team_reduce(struct rig_team *team, const void *send, void *recv,
		    size_t count, int type, int op, int root)
{
	const struct terms terms = { .verb = VERB_REDUCE,
				     .count = count,
				     .type = type,
				     .op = op,
				     .root = root };
	struct reduction reduction = { type, op, root, 0, send, recv };
	size_t bytes;
	int r = terms_check(team, &terms, &reduction.item, &bytes);

	if (r == 0 && team->rank == root &&
	    buffers_overlap(send, bytes, recv, bytes))
		r = terms_overlap(team, VERB_REDUCE);
	if (r < 0)
		return r;
	if (team->wide)
		return reduce_wide(team, &terms, send, recv,
				   __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	return reduce(team, &reduction, count);
}

/* A team of several hosts has allreduce, or the sum of exact sums. */
COLD static int allreduce_wide(struct rig_team *team, const struct terms *terms,
			       const void *send, void *recv, const void *where)
{
	const bool sums = terms->verb == VERB_SUM;
	const int type = sums ? RIG_EXACT : terms->type;
	const int op = sums ? RIG_SUM : terms->op;
	struct rig_request **request = wide_enter(team, terms, where);

	return wide_leave(team,
			  team == team->owner->wide.world
				  ? wide_allreduce(team, send, recv,
						   terms->count, type, op)
				  : rig_team_iallreduce(team, send, recv,
							terms->count, type, op,
							request));
}

int rig_team_allreduce(struct rig_team *team, const void *send, void *recv,
		       size_t count, int type, int op)
{
	const struct terms terms = {
		.verb = VERB_ALLREDUCE, .count = count, .type = type, .op = op
	};
	struct reduction reduction = { type, op, -1, 0, send, recv };
	size_t bytes;
	int r = terms_check(team, &terms, &reduction.item, &bytes);

	if (r == 0 && buffers_overlap(send, bytes, recv, bytes))
		r = terms_overlap(team, VERB_ALLREDUCE);
	if (r < 0)
		return r;
	if (team->wide)
		return allreduce_wide(team, &terms, send, recv,
				      __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	return reduce(team, &reduction, count);
}

/* One sum, or two sums for complex numbers: of real and of imaginary parts. */
static void add_own(struct rig_sum *sums, const void *x, size_t count, int type,
		    size_t parts)
{
	const bool wide = type == RIG_FLOAT64 || type == RIG_COMPLEX128;
	const int part_type = wide ? RIG_FLOAT64 : RIG_FLOAT32;
	double part[PARTS];
	size_t n;

	if (parts == 1) {
		(void)rig_sum_add(sums, x, count, type);
		return;
	}
	for (size_t done = 0; done < 2 * count; done += n) {
		n = size_least(2 * count - done, 2 * PARTS);
		for (size_t p = 0; p < 2; p++) {
			for (size_t i = 0; i < n / 2; i++)
				if (wide)
					part[i] = ((const double *)
							   x)[done + 2 * i + p];
				else
					((float *)part)[i] =
						((const float *)
							 x)[done + 2 * i + p];
			(void)rig_sum_add(&sums[p], part, n / 2, part_type);
		}
	}
}

int rig_team_sum(struct rig_team *team, const void *x, size_t count, int type,
		 void *sum)
{
	struct terms terms = { .verb = VERB_SUM, .type = type, .count = count };
	struct rig_sum own[2] = { 0 }, all[2];
	struct reduction reduction = {
		RIG_EXACT,      RIG_SUM,           -1,
		sizeof(own[0]), (const char *)own, (char *)all
	};
	const bool wide = type == RIG_FLOAT64 || type == RIG_COMPLEX128;
	size_t item, bytes, parts;
	int r = rank_check_thread(team->owner, "sum");

	if (r < 0)
		return r;
	if (!exact_has(type))
		return rig_team_fail(team, -EINVAL, "sum: no sum of type %s",
				     type_name(type).text);
	r = terms_check(team, &terms, &item, &bytes);
	if (r < 0)
		return r;
	parts = item / (wide ? sizeof(double) : sizeof(float));
	add_own(own, x, count, type, parts);
	if (team->wide) {
		terms.count = parts;
		r = allreduce_wide(team, &terms, own, all,
				   __builtin_return_address(0));
	} else {
		call_enter(team, &terms, __builtin_return_address(0));
		r = reduce(team, &reduction, parts);
	}
	for (size_t i = 0; r == 0 && i < parts; i++)
		if (wide)
			((double *)sum)[i] = rig_sum_float64(&all[i]);
		else
			((float *)sum)[i] = rig_sum_float32(&all[i]);
	return r;
}
