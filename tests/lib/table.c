/* SPDX-License-Identifier: MIT */
/*
 * table.c - how each verb is called, and what must come of the call.
 */
#include "lib/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/elements.h"
#include "lib/table_messages.h"
#include "team/type.h"

/* --- contributions of ranks --- */

size_t table_length(const struct trial *t, int from, int to)
{
	const int low = from < to ? from : to, high = from < to ? to : from;

	if (t->count == 0)
		return 0;
	/* In place what goes and what comes has the same length. */
	if (t->in_place) {
		from = low;
		to = high;
	}
	return (from + 2 * to + (int)t->turn) % 3 ? t->count + (size_t)from : 0;
}

void table_brought(const struct trial *t, int rank, size_t index, void *out)
{
	const struct element_of which = { rank, index, t->size, t->turn };

	elements_put(out, t->type, &which);
}

/* --- words --- */

const char *const table_forms[] = { "", "i", "_init" };

void table_name(const struct trial *t, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s%s%s of %zu %s, %s%s, root %d, rank %d of %d",
		 t->form == FORM_BEGUN ? "i" : "", verb_name(t->row->verb),
		 t->form == FORM_PLAN ? table_forms[FORM_PLAN] : "", t->count,
		 type_name(t->type).text,
		 t->row->reduces ? op_name(t->op).text : "no operation",
		 t->in_place ? ", in place" : "", t->root, t->rank, t->size);
}

int table_fails(const struct trial *t, const char *what, size_t index)
{
	char name[160];

	table_name(t, name, sizeof(name));
	return rig_team_fail(t->team, -EBADMSG, "%s: %s %zu (turn %u)", name,
			     what, index, t->turn);
}

/* --- buffers --- */

#define BUFFER_BYTES (SHARED_BYTES / 2)

static char memory[3][BUFFER_BYTES];

/* Memory of the heap; the memory of the trial before is given back.  (The memory of
 * a run before is no block of the heap, and is refused.) */
static char *in_heap(struct rig_team *team, size_t bytes)
{
	static char *lent;
	struct rig_heap *heap = rig_team_heap(team);

	(void)rig_heap_free(heap, lent);
	lent = rig_heap_malloc(heap, bytes);
	return lent;
}

bool table_buffers(struct trial *t)
{
	/* In a ring a rank has two neighbours, and may be both. */
	const size_t parts = t->size > 2 ? (size_t)t->size : 2;
	const size_t longest = (t->count + 8) * parts * t->item;
	/* In the heap: and with neighbours, of which a rank alone has many. */
	const size_t room =
		(t->count + 8) * ((size_t)t->size + 16) * t->item + GUARD;
	char *shared = rig_team_data(t->team, 0);

	if (longest + GUARD > BUFFER_BYTES)
		return false;
	t->expect = memory[2];
	t->send = memory[0];
	t->recv = memory[1];
	/* By turns in a segment or in the heap, where others read them in place. */
	shared += (size_t)t->rank * SHARED_BYTES;
	if (t->turn % 3 && t->turn / 3 % 2)
		shared = in_heap(t->team, 2 * room);
	if (!shared)
		return false;
	if (t->turn % 3)
		t->send = shared;
	if (t->turn % 3 == 2)
		t->recv = shared + (t->turn / 3 % 2 ? room : BUFFER_BYTES);
	return true;
}

bool table_is_short(int op, int type)
{
	return op < RIG_OPS || op == (RIG_SUM | RIG_REPRODUCIBLE) ||
	       op == (type % 2 ? elements_first_op() : elements_last_op());
}

/* NULL where there is nothing. */
static const void *from(const struct trial *t)
{
	if (t->in_place)
		return RIG_IN_PLACE;
	return t->buffers.sent ? t->send : NULL;
}

static void *into(const struct trial *t)
{
	return t->room ? t->recv : NULL;
}

/* In place at the root, and only there. */
static const void *from_root(const struct trial *t)
{
	if (t->in_place && t->rank == t->root)
		return RIG_IN_PLACE;
	return t->buffers.sent ? t->send : NULL;
}

/* The blocks that `rank` sends to all, or gets from all: from the last to the
 * first, an element between each.  Returns where they end. */
static size_t lay(const struct trial *t, int rank, bool sends, size_t *counts,
		  size_t *displs)
{
	size_t at = 0;

	for (int i = t->size - 1; i >= 0; i--) {
		counts[i] = sends ? table_length(t, rank, i)
				  : table_length(t, i, rank);
		at += t->count ? 1 : 0;
		displs[i] = at;
		at += counts[i];
	}
	return at;
}

/* --- expected results --- */

/* `count` elements of `rank`, from `index` on, are at `at`. */
static void moved(struct trial *t, size_t at, int rank, size_t index,
		  size_t count)
{
	for (size_t i = 0; i < count; i++)
		table_brought(t, rank, index + i,
			      t->expect + (at + i) * t->item);
}

/* Elements from `index` on of ranks 0 to `last`, folded, are at 0. */
static void folded(struct trial *t, int last, size_t index, size_t count)
{
	static _Alignas(16) char each[TABLE_RANKS_MAX][ELEMENT_BYTES];
	const void *all[TABLE_RANKS_MAX];

	for (size_t i = 0; i < count; i++) {
		for (int k = 0; k <= last; k++) {
			table_brought(t, k, index + i, each[k]);
			all[k] = each[k];
		}
		elements_fold(t->expect + i * t->item, all, last + 1, t->type,
			      t->op);
	}
	t->folded = count;
}

/* --- the calls in three forms --- */

#define CALLS(NAME, ...)                                                       \
	static int call_##NAME(struct trial *t, struct rig_request **request)  \
	{                                                                      \
		switch (t->form) {                                             \
		case FORM_PLAIN:                                               \
			return rig_team_##NAME(t->team, __VA_ARGS__);          \
		case FORM_BEGUN:                                               \
			return rig_team_i##NAME(t->team, __VA_ARGS__,          \
						request);                      \
		case FORM_PLAN:                                                \
			return rig_team_##NAME##_init(t->team, __VA_ARGS__,    \
						      request);                \
		}                                                              \
		return -1;                                                     \
	}

/* --- bcast --- */

CALLS(bcast, into(t), t->count, t->type, t->root)

static void lay_bcast(struct trial *t)
{
	t->room = t->count;
	if (t->rank == t->root)
		t->buffers.kept = t->count;
}

static void expect_bcast(struct trial *t)
{
	moved(t, 0, t->root, 0, t->count);
}

/* --- reductions --- */

CALLS(reduce, from_root(t), into(t), t->count, t->type, t->op, t->root)
CALLS(allreduce, from(t), into(t), t->count, t->type, t->op)
CALLS(scan, from(t), into(t), t->count, t->type, t->op)
CALLS(exscan, from(t), into(t), t->count, t->type, t->op)
CALLS(reduce_scatter, from(t), into(t), t->recv_counts, t->type, t->op)
CALLS(reduce_scatter_block, from(t), into(t), t->count, t->type, t->op)

static void lay_reduction(struct trial *t)
{
	t->room = t->count;
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) = t->count;
}

static void lay_reduce(struct trial *t)
{
	if (t->rank == t->root) {
		lay_reduction(t);
		return;
	}
	t->buffers.sent = t->count;
}

static void expect_reduce(struct trial *t)
{
	if (t->rank == t->root)
		folded(t, t->size - 1, 0, t->count);
}

static void expect_allreduce(struct trial *t)
{
	folded(t, t->size - 1, 0, t->count);
}

static void expect_scan(struct trial *t)
{
	folded(t, t->rank, 0, t->count);
}

static void expect_exscan(struct trial *t)
{
	if (t->rank)
		folded(t, t->rank - 1, 0, t->count);
}

/* Elements of the ranks before, and of all. */
static size_t counts_before(const struct trial *t, int rank)
{
	size_t sum = 0;

	for (int i = 0; i < rank; i++)
		sum += t->recv_counts[i];
	return sum;
}

static void lay_reduce_scatter(struct trial *t)
{
	size_t all;

	for (int i = 0; i < t->size; i++)
		t->recv_counts[i] = t->row->verb == VERB_REDUCE_SCATTER
					    ? table_length(t, i, 0)
					    : t->count;
	all = counts_before(t, t->size);
	t->room = t->in_place ? all : t->recv_counts[t->rank];
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) = all;
}

/* In place the rest of the buffer is the library's. */
static void expect_reduce_scatter(struct trial *t)
{
	folded(t, t->size - 1, counts_before(t, t->rank),
	       t->recv_counts[t->rank]);
	t->open = t->room - t->recv_counts[t->rank];
}

/* --- gather and scatter --- */

CALLS(gather, from_root(t), t->count, t->type, into(t), t->count, t->type,
      t->root)
CALLS(gatherv, from_root(t), table_length(t, t->rank, t->root), t->type,
      into(t), t->rank == t->root ? t->recv_counts : NULL,
      t->rank == t->root ? t->recv_displs : NULL, t->type, t->root)

static void lay_gather(struct trial *t)
{
	const bool is_root = t->rank == t->root;

	if (is_root)
		t->room = t->count * (size_t)t->size;
	if (is_root && t->in_place) {
		t->buffers.kept = t->count;
		t->buffers.kept_at = (size_t)t->rank * t->count;
	} else {
		t->buffers.sent = t->count;
	}
}

static void expect_gather(struct trial *t)
{
	for (int i = 0; t->rank == t->root && i < t->size; i++)
		moved(t, (size_t)i * t->count, i, 0, t->count);
}

static void lay_gatherv(struct trial *t)
{
	const size_t own = table_length(t, t->rank, t->root);

	if (t->rank == t->root)
		t->room =
			lay(t, t->root, false, t->recv_counts, t->recv_displs);
	if (t->rank == t->root && t->in_place) {
		t->buffers.kept = own;
		t->buffers.kept_at = t->recv_displs[t->rank];
	} else {
		t->buffers.sent = own;
	}
}

static void expect_gatherv(struct trial *t)
{
	for (int i = 0; t->rank == t->root && i < t->size; i++)
		moved(t, t->recv_displs[i], i, 0, t->recv_counts[i]);
}

/* At the root, in place: the block stays where it is. */
static void *into_or_kept(const struct trial *t)
{
	return t->in_place && t->rank == t->root ? RIG_IN_PLACE : into(t);
}

static const void *from_here(const struct trial *t)
{
	return t->buffers.sent ? t->send : NULL;
}

CALLS(scatter, from_here(t), t->count, t->type, into_or_kept(t), t->count,
      t->type, t->root)
CALLS(scatterv, from_here(t), t->rank == t->root ? t->send_counts : NULL,
      t->rank == t->root ? t->send_displs : NULL, t->type, into_or_kept(t),
      table_length(t, t->root, t->rank), t->type, t->root)

static void lay_scatter(struct trial *t)
{
	if (t->rank == t->root)
		t->buffers.sent = t->count * (size_t)t->size;
	t->room = t->in_place && t->rank == t->root ? 0 : t->count;
}

static void expect_scatter(struct trial *t)
{
	moved(t, 0, t->root, (size_t)t->rank * t->count, t->room);
}

static void lay_scatterv(struct trial *t)
{
	const size_t end =
		lay(t, t->root, true, t->send_counts, t->send_displs);

	if (t->rank == t->root)
		t->buffers.sent = end;
	t->room =
		t->in_place && t->rank == t->root ? 0 : t->send_counts[t->rank];
}

static void expect_scatterv(struct trial *t)
{
	moved(t, 0, t->root, t->send_displs[t->rank], t->room);
}

/* --- allgather and alltoall --- */

CALLS(allgather, from(t), t->count, t->type, into(t), t->count, t->type)
CALLS(allgatherv, from(t), table_length(t, t->rank, 0), t->type, into(t),
      t->recv_counts, t->recv_displs, t->type)
CALLS(alltoall, from(t), t->count, t->type, into(t), t->count, t->type)
CALLS(alltoallv, from(t), t->in_place ? NULL : t->send_counts,
      t->in_place ? NULL : t->send_displs, t->type, into(t), t->recv_counts,
      t->recv_displs, t->type)

static void lay_allgather(struct trial *t)
{
	t->room = t->count * (size_t)t->size;
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) = t->count;
	t->buffers.kept_at = (size_t)t->rank * t->count;
}

static void expect_allgather(struct trial *t)
{
	for (int i = 0; i < t->size; i++)
		moved(t, (size_t)i * t->count, i, 0, t->count);
}

static void lay_allgatherv(struct trial *t)
{
	t->room = lay(t, 0, false, t->recv_counts, t->recv_displs);
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) =
		table_length(t, t->rank, 0);
	t->buffers.kept_at = t->recv_displs[t->rank];
}

static void expect_allgatherv(struct trial *t)
{
	for (int i = 0; i < t->size; i++)
		moved(t, t->recv_displs[i], i, 0, t->recv_counts[i]);
}

static void lay_alltoall(struct trial *t)
{
	t->room = t->count * (size_t)t->size;
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) = t->room;
}

static void expect_alltoall(struct trial *t)
{
	for (int i = 0; i < t->size; i++)
		moved(t, (size_t)i * t->count, i, (size_t)t->rank * t->count,
		      t->count);
}

/* In place all that lies there is this rank's, gaps too. */
static void lay_alltoallv(struct trial *t)
{
	size_t sent = lay(t, t->rank, true, t->send_counts, t->send_displs);

	t->room = lay(t, t->rank, false, t->recv_counts, t->recv_displs);
	*(t->in_place ? &t->buffers.kept : &t->buffers.sent) = sent;
}

static void expect_alltoallv(struct trial *t)
{
	size_t counts[TABLE_RANKS_MAX], displs[TABLE_RANKS_MAX];

	for (int i = 0; i < t->size; i++) {
		(void)lay(t, i, true, counts, displs);
		moved(t, t->recv_displs[i], i, displs[t->rank],
		      counts[t->rank]);
	}
}

/* --- the rows --- */

#define BUFFERS(VERB, name, layout, expected, ...)                             \
	{                                                                      \
		.verb = VERB_##VERB, .lay = lay_##layout, .call = call_##name, \
		.expect = expect_##expected, __VA_ARGS__                       \
	}
#define MOVES(VERB, name) BUFFERS(VERB, name, name, name, .in_place = true)
#define REDUCES(VERB, name, layout, expected)                                  \
	BUFFERS(VERB, name, layout, expected, .in_place = true, .reduces = true)
#define WHOLE(VERB, name)                                                      \
	{                                                                      \
		.verb = VERB_##VERB, .whole = try_##name                       \
	}
#define UNTYPED(VERB, name)                                                    \
	{                                                                      \
		.verb = VERB_##VERB, .whole = try_##name, .untyped = true      \
	}

const struct row table_rows[] = {
	BUFFERS(BCAST, bcast, bcast, bcast, .in_place = false),
	REDUCES(REDUCE, reduce, reduce, reduce),
	REDUCES(ALLREDUCE, allreduce, reduction, allreduce),
	REDUCES(REDUCE_SCATTER, reduce_scatter, reduce_scatter, reduce_scatter),
	REDUCES(REDUCE_SCATTER_BLOCK, reduce_scatter_block, reduce_scatter,
		reduce_scatter),
	REDUCES(SCAN, scan, reduction, scan),
	REDUCES(EXSCAN, exscan, reduction, exscan),
	MOVES(GATHER, gather),
	MOVES(GATHERV, gatherv),
	MOVES(SCATTER, scatter),
	MOVES(SCATTERV, scatterv),
	MOVES(ALLGATHER, allgather),
	MOVES(ALLGATHERV, allgatherv),
	MOVES(ALLTOALL, alltoall),
	MOVES(ALLTOALLV, alltoallv),
	UNTYPED(BARRIER, barrier),
	WHOLE(SUM, sum),
	UNTYPED(SHARE, share),
	UNTYPED(SPLIT, split),
	UNTYPED(SPLIT_TYPE, split_type),
	UNTYPED(DUP, dup),
	UNTYPED(FREE, dup),
	WHOLE(SEND, send),
	WHOLE(SSEND, ssend),
	WHOLE(RECV, send),
	WHOLE(SENDRECV, sendrecv),
	WHOLE(PROBE, probe),
	WHOLE(WAIT, wait),
	WHOLE(LEND, lend),
	WHOLE(BORROW, lend),
	WHOLE(NEIGHBOR_ALLTOALL, neighbor_alltoall),
	WHOLE(NEIGHBOR_ALLTOALLV, neighbor_alltoallv),
	WHOLE(NEIGHBOR_ALLGATHER, neighbor_allgather),
	WHOLE(HALO, halo),
	UNTYPED(WAIT_UNTIL, wait_until),
	UNTYPED(LOCK, lock),
	{ .verb = VERB_ACCUMULATE, .whole = try_accumulate, .reduces = true },
};
const int table_row_count = (int)(sizeof(table_rows) / sizeof(*table_rows));

const struct row *table_row_of(unsigned verb)
{
	for (int i = 0; i < table_row_count; i++)
		if (table_rows[i].verb == verb)
			return &table_rows[i];
	return NULL;
}
