/* SPDX-License-Identifier: MIT */
/*
 * nb_reduce.c - schedules of reductions: reduce, allreduce, reduce_scatter, scan and
 * exscan.
 *
 * All schedules fold in the order of reduction.c, and associate alike: the bits are the
 * same.  Data that fits a line goes up a tree where there are many ranks; short data
 * goes whole to all ranks that want the result; and of long data each rank folds the
 * same slice of all contributions.  A contribution in place is copied first, for the
 * result may come while other ranks still read.
 */
#include <errno.h>
#include <string.h>

#include <runrig/nonblocking.h>

#include "team/call.h"
#include "team/fold.h"
#include "team/schedule.h"

/* Longer is folded in slices. */
#define WHOLE_BYTES 1024

/* In this process: the arguments of all these calls. */
struct reduction {
	const void *send;
	char *recv;
	size_t count;
	int type;
	int op;
	int root;     /* -1: everybody is */
	size_t item;  /* set by take_terms() */
	size_t bytes; /* likewise, of all elements */
};

static struct reduction reduction_of(const void *send, void *recv, size_t count,
				     int type, int op, int root)
{
	return (struct reduction){ .send = send,
				   .recv = recv,
				   .count = count,
				   .type = type,
				   .op = op,
				   .root = root };
}

/* This rank's contribution, and the place where the contribution stays. */
static const char *bring(struct schedule *schedule, const struct reduction *r)
{
	char *copy;

	if (r->send != RIG_IN_PLACE)
		return r->send;
	copy = schedule_room(schedule, r->bytes);
	if (copy)
		schedule_copy(schedule, copy, r->recv, r->bytes);
	return copy;
}

/* out = the fold of the contributions of ranks 0 to `last`; this rank's is at
 * `mine`. */
static void fold_ranks(struct schedule *schedule, int rank, int last,
		       const void *mine, void *out, size_t count, size_t item)
{
	size_t each = schedule_fold_room(count * item);
	char *room = each ? schedule_room(schedule, each * (size_t)(last + 1))
			  : NULL;

	for (int i = 0; i <= last; i++)
		if (i == rank)
			schedule_fold_own(schedule, mine);
		else
			schedule_fold_from(schedule, i,
					   room ? room + (size_t)i * each
						: NULL,
					   count * item);
	schedule_fold(schedule, out, count);
}

static void reduce_whole(struct rig_team *team, struct schedule *schedule,
			 const struct reduction *r, const char *mine,
			 size_t count)
{
	const int rank = team->rank, size = team->size;

	for (int i = 1; i < size; i++) {
		int to = (rank + i) % size;

		if (r->root < 0 || to == r->root)
			schedule_send(schedule, to, mine, r->bytes);
	}
	if (r->root < 0 || rank == r->root)
		fold_ranks(schedule, rank, size - 1, mine, r->recv, count,
			   r->item);
}

/* The tree of reduction.c. */
static void reduce_tree(struct rig_team *team, struct schedule *schedule,
			const struct reduction *r, const char *mine,
			size_t count)
{
	const int rank = team->rank, size = team->size;
	const size_t each = schedule_fold_room(r->bytes);
	int children[TREE_CHILDREN_MAX];
	const int below = tree_children(rank, size, TREE_FAN, children);
	char *room = schedule_room(schedule, each * (size_t)below);
	char *out = schedule_room(schedule, r->bytes);

	if (!room || !out)
		return;
	schedule_fold_own(schedule, mine);
	for (int i = 0; i < below; i++)
		schedule_fold_from(schedule, children[i],
				   room + (size_t)i * each, r->bytes);
	schedule_fold(schedule, out, count);
	if (rank)
		schedule_send(schedule, tree_parent(rank, TREE_FAN), out,
			      r->bytes);
	if (rank == 0 && r->root > 0)
		schedule_send(schedule, r->root, out, r->bytes);
	else if (rank == 0)
		schedule_copy(schedule, r->recv, out, r->bytes);
	else if (rank == r->root)
		schedule_receive(schedule, 0, r->recv, r->bytes);
	if (r->root >= 0)
		return;
	if (rank)
		schedule_receive(schedule, tree_parent(rank, TREE_FAN), r->recv,
				 r->bytes);
	schedule_await(schedule);
	for (int i = below - 1; i >= 0; i--)
		schedule_send(schedule, children[i], r->recv, r->bytes);
}

/* The elements begins[i] to begins[i + 1] of every rank go to rank i, which folds
 * the elements. */
static void fold_slices(struct rig_team *team, struct schedule *schedule,
			const struct reduction *r, const char *mine,
			const size_t *begins, void *out)
{
	const int rank = team->rank, size = team->size;

	for (int i = 1; i < size; i++) {
		int to = (rank + i) % size;

		schedule_send(schedule, to, mine + begins[to] * r->item,
			      (begins[to + 1] - begins[to]) * r->item);
	}
	fold_ranks(schedule, rank, size - 1, mine + begins[rank] * r->item, out,
		   begins[rank + 1] - begins[rank], r->item);
}

static void reduce_slices(struct rig_team *team, struct schedule *schedule,
			  const struct reduction *r, const char *mine,
			  size_t count)
{
	const int rank = team->rank, size = team->size;
	const bool wanted = r->root < 0 || r->root == rank;
	size_t *begins =
		schedule_room(schedule, ((size_t)size + 1) * sizeof(*begins));
	size_t bytes;
	char *out;

	if (!begins)
		return;
	for (int i = 0; i < size; i++)
		begins[i] = rig_strip(count, i, size).begin;
	begins[size] = count;
	bytes = (begins[rank + 1] - begins[rank]) * r->item;
	out = wanted ? r->recv + begins[rank] * r->item
		     : schedule_room(schedule, bytes);
	if (!out)
		return;
	fold_slices(team, schedule, r, mine, begins, out);
	for (int i = 1; i < size; i++) {
		int to = (rank + i) % size;

		if (r->root < 0 || to == r->root)
			schedule_send(schedule, to, out, bytes);
	}
	for (int i = 1; wanted && i < size; i++) {
		int from = (rank + i) % size;

		schedule_receive(schedule, from,
				 r->recv + begins[from] * r->item,
				 (begins[from + 1] - begins[from]) * r->item);
	}
}

/* The terms, and the sizes that follow from the terms. */
static int take_terms(struct rig_team *team, struct asked *asked,
		      struct reduction *r)
{
	asked->terms.count = r->count;
	asked->terms.type = r->type;
	asked->terms.op = r->op;
	asked->terms.root = r->root;
	return terms_check(team, &asked->terms, &r->item, &r->bytes);
}

/* The rank's own bytes and the `received` bytes do not overlap. */
static int keep_apart(struct rig_team *team, const struct asked *asked,
		      const struct reduction *r, size_t received)
{
	if (buffers_overlap(r->send, r->bytes, r->recv, received))
		return terms_overlap(team, asked->terms.verb);
	return 0;
}

static int reduce(struct rig_team *team, struct asked *asked,
		  struct reduction given)
{
	struct reduction *r = &given;
	struct schedule *schedule;
	const char *mine;
	int result = take_terms(team, asked, r);

	if (result == 0 && (r->root < 0 || r->root == team->rank))
		result = keep_apart(team, asked, r, r->bytes);
	if (result < 0)
		return result;
	schedule = schedule_make(team, asked);
	mine = bring(schedule, r);
	if (team->size > CALL_FLAT && r->bytes <= LINE_PAYLOAD &&
	    !fold_all_at_once(r->op, r->type))
		reduce_tree(team, schedule, r, mine, r->count);
	else if (r->bytes <= WHOLE_BYTES || team->size == 1)
		reduce_whole(team, schedule, r, mine, r->count);
	else if (mine)
		reduce_slices(team, schedule, r, mine, r->count);
	return schedule_begin(team, schedule, asked);
}

int rig_team_ireduce(struct rig_team *team, const void *send, void *recv,
		     size_t count, int type, int op, int root,
		     struct rig_request **request)
{
	return reduce(team, &ASKED(VERB_IREDUCE, request),
		      reduction_of(send, recv, count, type, op, root));
}

int rig_team_reduce_init(struct rig_team *team, const void *send, void *recv,
			 size_t count, int type, int op, int root,
			 struct rig_request **request)
{
	return reduce(team, &ASKED(VERB_REDUCE_INIT, request),
		      reduction_of(send, recv, count, type, op, root));
}

int rig_team_iallreduce(struct rig_team *team, const void *send, void *recv,
			size_t count, int type, int op,
			struct rig_request **request)
{
	return reduce(team, &ASKED(VERB_IALLREDUCE, request),
		      reduction_of(send, recv, count, type, op, -1));
}

int rig_team_allreduce_init(struct rig_team *team, const void *send, void *recv,
			    size_t count, int type, int op,
			    struct rig_request **request)
{
	return reduce(team, &ASKED(VERB_ALLREDUCE_INIT, request),
		      reduction_of(send, recv, count, type, op, -1));
}

/* `counts`, or r->count of everybody. */
static int scatter_reduced(struct rig_team *team, struct asked *asked,
			   struct reduction given, const size_t *counts)
{
	struct reduction *r = &given;
	const size_t size = (size_t)team->size, each = r->count;
	struct schedule *schedule;
	const char *mine;
	size_t *begins;
	size_t all = 0;
	bool fits = true;
	int result;

	for (size_t i = 0; i < size; i++)
		if (!size_add(all, counts ? counts[i] : each, &all))
			fits = false;
	r->count = fits ? all : SIZE_MAX;
	result = take_terms(team, asked, r);
	/* SIZE_MAX elements of one byte would fit. */
	if (result == 0 && !fits) {
		terms_refuse(team, &asked->terms);
		result = -EINVAL;
	}
	if (result == 0)
		result = keep_apart(team, asked, r,
				    (counts ? counts[team->rank] : each) *
					    r->item);
	if (result < 0)
		return result;
	schedule = schedule_make(team, asked);
	mine = bring(schedule, r);
	begins = schedule_room(schedule, (size + 1) * sizeof(*begins));
	if (begins && (mine || all == 0)) {
		begins[0] = 0;
		for (size_t i = 0; i < size; i++)
			begins[i + 1] = begins[i] + (counts ? counts[i] : each);
		fold_slices(team, schedule, r, mine, begins, r->recv);
	}
	return schedule_begin(team, schedule, asked);
}

int rig_team_ireduce_scatter(struct rig_team *team, const void *send,
			     void *recv, const size_t *counts, int type, int op,
			     struct rig_request **request)
{
	return scatter_reduced(team, &ASKED(VERB_IREDUCE_SCATTER, request),
			       reduction_of(send, recv, 0, type, op, -1),
			       counts);
}

int rig_team_reduce_scatter_init(struct rig_team *team, const void *send,
				 void *recv, const size_t *counts, int type,
				 int op, struct rig_request **request)
{
	return scatter_reduced(team, &ASKED(VERB_REDUCE_SCATTER_INIT, request),
			       reduction_of(send, recv, 0, type, op, -1),
			       counts);
}

int rig_team_ireduce_scatter_block(struct rig_team *team, const void *send,
				   void *recv, size_t count, int type, int op,
				   struct rig_request **request)
{
	return scatter_reduced(
		team, &ASKED(VERB_IREDUCE_SCATTER_BLOCK, request),
		reduction_of(send, recv, count, type, op, -1), NULL);
}

int rig_team_reduce_scatter_block_init(struct rig_team *team, const void *send,
				       void *recv, size_t count, int type,
				       int op, struct rig_request **request)
{
	return scatter_reduced(
		team, &ASKED(VERB_REDUCE_SCATTER_BLOCK_INIT, request),
		reduction_of(send, recv, count, type, op, -1), NULL);
}

/* Each rank folds the contributions of the lower ranks, and its own with `own`. */
static int scan(struct rig_team *team, struct asked *asked,
		struct reduction given, bool own)
{
	struct reduction *r = &given;
	const int last = own ? team->rank : team->rank - 1;
	struct schedule *schedule;
	const char *mine;
	int result = take_terms(team, asked, r);

	if (result == 0)
		result = keep_apart(team, asked, r, r->bytes);
	if (result < 0)
		return result;
	schedule = schedule_make(team, asked);
	mine = bring(schedule, r);
	for (int i = team->rank + 1; i < team->size; i++)
		schedule_send(schedule, i, mine, r->bytes);
	if (last >= 0)
		fold_ranks(schedule, team->rank, last, mine, r->recv, r->count,
			   r->item);
	return schedule_begin(team, schedule, asked);
}

int rig_team_iscan(struct rig_team *team, const void *send, void *recv,
		   size_t count, int type, int op, struct rig_request **request)
{
	return scan(team, &ASKED(VERB_ISCAN, request),
		    reduction_of(send, recv, count, type, op, -1), true);
}

int rig_team_scan_init(struct rig_team *team, const void *send, void *recv,
		       size_t count, int type, int op,
		       struct rig_request **request)
{
	return scan(team, &ASKED(VERB_SCAN_INIT, request),
		    reduction_of(send, recv, count, type, op, -1), true);
}

int rig_team_iexscan(struct rig_team *team, const void *send, void *recv,
		     size_t count, int type, int op,
		     struct rig_request **request)
{
	return scan(team, &ASKED(VERB_IEXSCAN, request),
		    reduction_of(send, recv, count, type, op, -1), false);
}

int rig_team_exscan_init(struct rig_team *team, const void *send, void *recv,
			 size_t count, int type, int op,
			 struct rig_request **request)
{
	return scan(team, &ASKED(VERB_EXSCAN_INIT, request),
		    reduction_of(send, recv, count, type, op, -1), false);
}
