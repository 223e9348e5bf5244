/* SPDX-License-Identifier: MIT */
/*
 * prefix.c - another result in every rank: reduce_scatter, scan, exscan.
 *
 * All ranks offer elements piece by piece, and each rank folds in rank order the part
 * for this rank: a share of all elements, or the elements of all lower ranks.
 */
#include <errno.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>

#include "team/call.h"
#include "team/reduction.h"
#include "team/wide.h"

/* Each rank folds its part of all elements, piece by piece. */
static int scatter_reduced(struct rig_team *team, const struct reduction *r,
			   struct rig_span own, size_t count)
{
	size_t each = size_least(CALL_PIECE * (size_t)team->size, STAGE_HALF) /
		      r->item;
	bool lent = false;
	size_t done = 0;
	int result = 0;

	way_enter(team, WAY_REDUCE_SCATTER, count * r->item);
	do {
		struct call call = call_begin(team);
		size_t n = size_least(count - done, each);
		size_t begin = own.begin > done ? own.begin : done;
		size_t end = size_least(own.end, done + n);
		const void *mine;

		reduction_offer(&call, r, done, n, &mine);
		if (begin < end)
			result = reduction_fold(&call, r, team->size - 1, mine,
						n, begin - done, end - begin,
						r->recv + (begin - own.begin) *
								  r->item);
		if (result < 0)
			break;
		call_end(&call, begin < end);
		lent |= call.lent;
		done += n;
	} while (done < count);
	return call_leave(team, lent, result);
}

/* More elements in all than a number can tell. */
static int beyond_memory(struct rig_team *team, struct terms *terms)
{
	terms->count = SIZE_MAX;
	terms_refuse(team, terms);
	return -EINVAL;
}

int rig_team_reduce_scatter(struct rig_team *team, const void *send, void *recv,
			    const size_t *counts, int type, int op)
{
	struct terms terms = { .verb = VERB_REDUCE_SCATTER,
			       .type = type,
			       .op = op };
	struct reduction reduction = { type, op, -1, 0, send, recv };
	struct rig_span own = { 0, 0 };
	size_t bytes;
	int r;

	for (int i = 0; i < team->size; i++) {
		own = i == team->rank
			      ? (struct rig_span){ terms.count,
						   terms.count + counts[i] }
			      : own;
		if (!size_add(terms.count, counts[i], &terms.count))
			return beyond_memory(team, &terms);
	}
	r = terms_check(team, &terms, &reduction.item, &bytes);
	if (r == 0 && buffers_overlap(send, bytes, recv,
				      counts[team->rank] * reduction.item))
		r = terms_overlap(team, VERB_REDUCE_SCATTER);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team, rig_team_ireduce_scatter(
				      team, send, recv, counts, type, op,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	return scatter_reduced(team, &reduction, own, terms.count);
}

int rig_team_reduce_scatter_block(struct rig_team *team, const void *send,
				  void *recv, size_t count, int type, int op)
{
	struct terms terms = { .verb = VERB_REDUCE_SCATTER_BLOCK,
			       .count = count,
			       .type = type,
			       .op = op };
	struct reduction reduction = { type, op, -1, 0, send, recv };
	size_t begin = (size_t)team->rank * count, bytes;
	int r;

	if (!size_mul(count, (size_t)team->size, &terms.count))
		return beyond_memory(team, &terms);
	r = terms_check(team, &terms, &reduction.item, &bytes);
	if (r == 0 &&
	    buffers_overlap(send, bytes, recv, count * reduction.item))
		r = terms_overlap(team, VERB_REDUCE_SCATTER_BLOCK);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team, rig_team_ireduce_scatter_block(
				      team, send, recv, count, type, op,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	return scatter_reduced(team, &reduction,
			       (struct rig_span){ begin, begin + count },
			       terms.count);
}

/* Each rank folds the elements of the lower ranks, and the rank's own with `own`. */
static int scan(struct rig_team *team, const struct reduction *r, size_t count,
		bool own)
{
	const int last = own ? team->rank : team->rank - 1;
	const size_t each = CALL_PIECE / r->item ? CALL_PIECE / r->item : 1;
	bool lent = false;
	size_t done = 0;
	int result = 0;

	way_enter(team, WAY_SCAN, count * r->item);
	do {
		struct call call = call_begin(team);
		size_t n = size_least(count - done, each);
		const void *mine;

		reduction_offer(&call, r, done, n, &mine);
		if (last >= 0)
			result = reduction_fold(&call, r, last, mine, n, 0, n,
						r->recv + done * r->item);
		if (result < 0)
			break;
		call_end(&call, false);
		lent |= call.lent;
		done += n;
	} while (done < count);
	return call_leave(team, lent, result);
}

/* scan where `own`, else exscan; `site` is the place of the call. */
static int prefix(struct rig_team *team, const void *send, void *recv,
		  size_t count, int type, int op, bool own, void *site)
{
	const struct terms terms = { .verb = own ? VERB_SCAN : VERB_EXSCAN,
				     .count = count,
				     .type = type,
				     .op = op };
	struct reduction reduction = { type, op, -1, 0, send, recv };
	size_t bytes;
	int r = terms_check(team, &terms, &reduction.item, &bytes);

	if (r == 0 && buffers_overlap(send, bytes, recv, bytes))
		r = terms_overlap(team, terms.verb);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(team,
				  (own ? rig_team_iscan : rig_team_iexscan)(
					  team, send, recv, count, type, op,
					  wide_enter(team, &terms, site)));
	call_enter(team, &terms, site);
	return scan(team, &reduction, count, own);
}

int rig_team_scan(struct rig_team *team, const void *send, void *recv,
		  size_t count, int type, int op)
{
	return prefix(team, send, recv, count, type, op, true,
		      __builtin_return_address(0));
}

int rig_team_exscan(struct rig_team *team, const void *send, void *recv,
		    size_t count, int type, int op)
{
	return prefix(team, send, recv, count, type, op, false,
		      __builtin_return_address(0));
}
