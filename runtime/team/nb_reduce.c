/* SPDX-License-Identifier: MIT */
/*
 * nb_reduce.c - schedules of what reduces: reduce, allreduce, reduce_scatter,
 * scan and exscan.
 *
 * All fold in the order, and associate as, reduce.c does: the same bits as
 * there.  What fits a line goes up a tree where there are many ranks; what is
 * short goes whole to all that want it; and of what is long each rank folds the
 * same slice of all.  What a rank brings in place is copied first, for the
 * result may come while others still read.
 */
#include <errno.h>
#include <string.h>

#include <runrig/nonblocking.h>

#include "team/call.h"
#include "team/fold.h"
#include "team/schedule.h"

/* Longer is folded in slices. */
#define WHOLE_BYTES 1024

/* What all of these are given, in this process. */
struct reduction {
	const void *send;
	char *recv;
	size_t item;
	size_t bytes; /* of all elements */
	int root;     /* -1: everybody is */
};

/* What this rank brings, and where it stays. */
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

/* out = what ranks 0 to `last` have sent; this one's is at `mine`. */
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

/* The tree of reduce.c: the children of rank r are r + i * width for every power
 * of the width that r is a multiple of. */
static void reduce_tree(struct rig_team *team, struct schedule *schedule,
			const struct reduction *r, const char *mine,
			size_t count)
{
	const int rank = team->rank, size = team->size;
	const size_t each = schedule_fold_room(r->bytes);
	char *room = schedule_room(schedule, each * CALL_WIDTH * 4);
	char *out = schedule_room(schedule, r->bytes);
	int children[CALL_WIDTH * 4];
	int width = 1, count_below = 0;

	if (!room || !out)
		return;
	schedule_fold_own(schedule, mine);
	for (; width < size && rank % (width * CALL_WIDTH) == 0;
	     width *= CALL_WIDTH)
		for (int i = 1; i < CALL_WIDTH && rank + i * width < size;
		     i++) {
			char *at = room + (size_t)count_below * each;

			children[count_below] = rank + i * width;
			schedule_fold_from(schedule, children[count_below++],
					   at, r->bytes);
		}
	schedule_fold(schedule, out, count);
	if (rank)
		schedule_send(schedule, rank - rank % (width * CALL_WIDTH), out,
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
		schedule_receive(schedule, rank - rank % (width * CALL_WIDTH),
				 r->recv, r->bytes);
	schedule_await(schedule);
	for (int i = count_below - 1; i >= 0; i--)
		schedule_send(schedule, children[i], r->recv, r->bytes);
}

/* Everybody's elements begins[i] to begins[i + 1] go to rank i, which folds
 * them. */
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

static int reduce(struct rig_team *team, const struct asked *asked,
		  struct reduction *r)
{
	const struct terms *terms = &asked->terms;
	struct schedule *schedule;
	const char *mine;
	int result = terms_check(team, terms, &r->item, &r->bytes);

	if (result < 0)
		return result;
	schedule = schedule_make(team, asked);
	mine = bring(schedule, r);
	if (team->size > CALL_FLAT && r->bytes <= LINE_PAYLOAD &&
	    !fold_all_at_once(terms->op, terms->type))
		reduce_tree(team, schedule, r, mine, terms->count);
	else if (r->bytes <= WHOLE_BYTES || team->size == 1)
		reduce_whole(team, schedule, r, mine, terms->count);
	else if (mine)
		reduce_slices(team, schedule, r, mine, terms->count);
	return schedule_begin(team, schedule, asked);
}

int rig_team_ireduce(struct rig_team *team, const void *send, void *recv,
		     size_t count, int type, int op, int root,
		     struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_IREDUCE,
				       .count = count,
				       .type = type,
				       .op = op,
				       .root = root },
				     false,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv, .root = root };

	return reduce(team, &asked, &r);
}

int rig_team_reduce_init(struct rig_team *team, const void *send, void *recv,
			 size_t count, int type, int op, int root,
			 struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_REDUCE_INIT,
				       .count = count,
				       .type = type,
				       .op = op,
				       .root = root },
				     true,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv, .root = root };

	return reduce(team, &asked, &r);
}

int rig_team_iallreduce(struct rig_team *team, const void *send, void *recv,
			size_t count, int type, int op,
			struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_IALLREDUCE,
				       .count = count,
				       .type = type,
				       .op = op },
				     false,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv, .root = -1 };

	return reduce(team, &asked, &r);
}

int rig_team_allreduce_init(struct rig_team *team, const void *send, void *recv,
			    size_t count, int type, int op,
			    struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_ALLREDUCE_INIT,
				       .count = count,
				       .type = type,
				       .op = op },
				     true,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv, .root = -1 };

	return reduce(team, &asked, &r);
}

/* `counts`, or asked->terms.count of everybody. */
static int scatter_reduced(struct rig_team *team, struct asked *asked,
			   struct reduction *r, const size_t *counts)
{
	const size_t size = (size_t)team->size, each = asked->terms.count;
	struct schedule *schedule;
	const char *mine;
	size_t *begins;
	size_t all = 0;
	int result;

	for (size_t i = 0; i < size; i++)
		all += counts ? counts[i] : each;
	asked->terms.count = all;
	result = terms_check(team, &asked->terms, &r->item, &r->bytes);
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
	struct asked asked = {
		{ .verb = VERB_IREDUCE_SCATTER, .type = type, .op = op },
		false,
		__builtin_return_address(0),
		request
	};
	struct reduction r = { .send = send, .recv = recv };

	return scatter_reduced(team, &asked, &r, counts);
}

int rig_team_reduce_scatter_init(struct rig_team *team, const void *send,
				 void *recv, const size_t *counts, int type,
				 int op, struct rig_request **request)
{
	struct asked asked = {
		{ .verb = VERB_REDUCE_SCATTER_INIT, .type = type, .op = op },
		true,
		__builtin_return_address(0),
		request
	};
	struct reduction r = { .send = send, .recv = recv };

	return scatter_reduced(team, &asked, &r, counts);
}

int rig_team_ireduce_scatter_block(struct rig_team *team, const void *send,
				   void *recv, size_t count, int type, int op,
				   struct rig_request **request)
{
	struct asked asked = { { .verb = VERB_IREDUCE_SCATTER_BLOCK,
				 .count = count,
				 .type = type,
				 .op = op },
			       false,
			       __builtin_return_address(0),
			       request };
	struct reduction r = { .send = send, .recv = recv };

	return scatter_reduced(team, &asked, &r, NULL);
}

int rig_team_reduce_scatter_block_init(struct rig_team *team, const void *send,
				       void *recv, size_t count, int type,
				       int op, struct rig_request **request)
{
	struct asked asked = { { .verb = VERB_REDUCE_SCATTER_BLOCK_INIT,
				 .count = count,
				 .type = type,
				 .op = op },
			       true,
			       __builtin_return_address(0),
			       request };
	struct reduction r = { .send = send, .recv = recv };

	return scatter_reduced(team, &asked, &r, NULL);
}

/* Each rank folds the lower ones', and its own with `own`. */
static int scan(struct rig_team *team, const struct asked *asked,
		struct reduction *r, bool own)
{
	const int last = own ? team->rank : team->rank - 1;
	struct schedule *schedule;
	const char *mine;
	int result = terms_check(team, &asked->terms, &r->item, &r->bytes);

	if (result < 0)
		return result;
	schedule = schedule_make(team, asked);
	mine = bring(schedule, r);
	for (int i = team->rank + 1; i < team->size; i++)
		schedule_send(schedule, i, mine, r->bytes);
	if (last >= 0)
		fold_ranks(schedule, team->rank, last, mine, r->recv,
			   asked->terms.count, r->item);
	return schedule_begin(team, schedule, asked);
}

int rig_team_iscan(struct rig_team *team, const void *send, void *recv,
		   size_t count, int type, int op, struct rig_request **request)
{
	const struct asked asked = {
		{ .verb = VERB_ISCAN, .count = count, .type = type, .op = op },
		false,
		__builtin_return_address(0),
		request
	};
	struct reduction r = { .send = send, .recv = recv };

	return scan(team, &asked, &r, true);
}

int rig_team_scan_init(struct rig_team *team, const void *send, void *recv,
		       size_t count, int type, int op,
		       struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_SCAN_INIT,
				       .count = count,
				       .type = type,
				       .op = op },
				     true,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv };

	return scan(team, &asked, &r, true);
}

int rig_team_iexscan(struct rig_team *team, const void *send, void *recv,
		     size_t count, int type, int op,
		     struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_IEXSCAN,
				       .count = count,
				       .type = type,
				       .op = op },
				     false,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv };

	return scan(team, &asked, &r, false);
}

int rig_team_exscan_init(struct rig_team *team, const void *send, void *recv,
			 size_t count, int type, int op,
			 struct rig_request **request)
{
	const struct asked asked = { { .verb = VERB_EXSCAN_INIT,
				       .count = count,
				       .type = type,
				       .op = op },
				     true,
				     __builtin_return_address(0),
				     request };
	struct reduction r = { .send = send, .recv = recv };

	return scan(team, &asked, &r, false);
}
