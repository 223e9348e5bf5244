/* SPDX-License-Identifier: MIT */
/*
 * test_nonblocking.c - every non-blocking collective, and plans of all collectives,
 * against a serial reference.  test_nonblocking_beside.c has other calls beside the
 * verbs, and test_nonblocking_ends.c wrong use.
 *
 * A rank computes the expected result from a formula of (rank, element, round), and
 * fails the run with words for any other result.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* Elements: none, one, odd, around the longest data of a head, of a line, of a short
 * reduction, and of copied data. */
static const size_t counts[] = { 0, 1, 2, 7, 128, 129, 513, 5001 };
#define COUNTS ((int)(sizeof(counts) / sizeof(*counts)))

/* The first five, and in the long form all. */
static const int sizes[] = { 1, 2, 3, 5, 17, 4, 6, 7, 8, 9 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

#define UNTOUCHED 4711
#define ROUNDS    3
#define MOST      17

enum verbs {
	BARRIER,
	BCAST,
	REDUCE,
	ALLREDUCE,
	REDUCE_SCATTER,
	REDUCE_SCATTER_BLOCK,
	SCAN,
	EXSCAN,
	GATHER,
	GATHERV,
	SCATTER,
	SCATTERV,
	ALLGATHER,
	ALLGATHERV,
	ALLTOALL,
	ALLTOALLV,
	VERBS_HERE
};

/* The arguments of a kernel. */
struct told {
	size_t count;
	int in_segment;
	int in_place;
	int plan;
};

/* A call of a rank. */
struct work {
	enum verbs verb;
	int rank;
	int size;
	int root;
	size_t n;
	size_t room; /* elements of a buffer */
	bool in_place;
	int64_t *send;
	int64_t *recv;
	struct rig_request *request;
};

static struct rig_segment *segment;

static int run_told(rig_kernel_fn *kernel, const struct told *told)
{
	struct rig_job job = { .kernel = kernel,
			       .args = told,
			       .args_bytes = sizeof(*told) };

	if (told->in_segment)
		job.segments[0].name = rig_segment_name(segment);
	return rig_pool_run(pool, &job);
}

static int64_t value_of(int rank, size_t i, int round)
{
	return (int64_t)((i * 7 + (size_t)rank * 13 + (size_t)round * 5) % 11) -
	       5;
}

static int64_t sum_of(int first, int last, size_t i, int round)
{
	int64_t sum = 0;

	for (int rank = first; rank <= last; rank++)
		sum += value_of(rank, i, round);
	return sum;
}

/* Elements of a block where lengths differ, and the begin of the block. */
static size_t part(size_t n, int from, int to)
{
	return ((size_t)from * 3 + (size_t)to * 5 + n) % (n + 1);
}

static size_t place(size_t n, int rank)
{
	return (size_t)rank * (n + 1);
}

/* --- the calls --- */

static int begin_even(struct rig_team *team, struct work *w, bool plan)
{
	const void *send = w->in_place ? RIG_IN_PLACE : w->send;
	const bool at_root = w->in_place && w->rank == w->root;
	const void *from = at_root ? RIG_IN_PLACE : w->send;
	void *to = at_root ? RIG_IN_PLACE : w->recv;
	struct rig_request **q = &w->request;
	const size_t n = w->n;
	const int t = RIG_INT64, op = RIG_SUM, root = w->root;
	int64_t *recv = w->recv;

	switch (w->verb) {
	case BARRIER:
		return plan ? rig_team_barrier_init(team, q)
			    : rig_team_ibarrier(team, q);
	case BCAST:
		return plan ? rig_team_bcast_init(team, recv, n, t, root, q)
			    : rig_team_ibcast(team, recv, n, t, root, q);
	case REDUCE:
		return plan ? rig_team_reduce_init(team, from, recv, n, t, op,
						   root, q)
			    : rig_team_ireduce(team, from, recv, n, t, op, root,
					       q);
	case ALLREDUCE:
		return plan ? rig_team_allreduce_init(team, send, recv, n, t,
						      op, q)
			    : rig_team_iallreduce(team, send, recv, n, t, op,
						  q);
	case REDUCE_SCATTER_BLOCK:
		return plan ? rig_team_reduce_scatter_block_init(
				      team, send, recv, n, t, op, q)
			    : rig_team_ireduce_scatter_block(team, send, recv,
							     n, t, op, q);
	case SCAN:
		return plan ? rig_team_scan_init(team, send, recv, n, t, op, q)
			    : rig_team_iscan(team, send, recv, n, t, op, q);
	case EXSCAN:
		return plan ? rig_team_exscan_init(team, send, recv, n, t, op,
						   q)
			    : rig_team_iexscan(team, send, recv, n, t, op, q);
	case GATHER:
		return plan ? rig_team_gather_init(team, from, n, t, recv, n, t,
						   root, q)
			    : rig_team_igather(team, from, n, t, recv, n, t,
					       root, q);
	case SCATTER:
		return plan ? rig_team_scatter_init(team, w->send, n, t, to, n,
						    t, root, q)
			    : rig_team_iscatter(team, w->send, n, t, to, n, t,
						root, q);
	case ALLGATHER:
		return plan ? rig_team_allgather_init(team, send, n, t, recv, n,
						      t, q)
			    : rig_team_iallgather(team, send, n, t, recv, n, t,
						  q);
	case ALLTOALL:
		return plan ? rig_team_alltoall_init(team, send, n, t, recv, n,
						     t, q)
			    : rig_team_ialltoall(team, send, n, t, recv, n, t,
						 q);
	default:
		return -ENOTSUP;
	}
}

static int begin(struct rig_team *team, struct work *w, bool plan)
{
	const void *send = w->in_place ? RIG_IN_PLACE : w->send;
	const bool at_root = w->in_place && w->rank == w->root;
	const void *from = at_root ? RIG_IN_PLACE : w->send;
	void *to = at_root ? RIG_IN_PLACE : w->recv;
	struct rig_request **q = &w->request;
	const int t = RIG_INT64, root = w->root, rank = w->rank;
	size_t out[MOST], in[MOST], displs[MOST];
	const size_t own = part(w->n, rank, 0);
	int64_t *recv = w->recv;

	for (int i = 0; i < w->size; i++) {
		/* In place the lengths are the same both ways. */
		out[i] = w->in_place ? part(w->n, 0, 0) : part(w->n, rank, i);
		in[i] = w->in_place ? part(w->n, 0, 0) : part(w->n, i, rank);
		displs[i] = place(w->n, i);
	}
	if (w->verb == ALLTOALLV)
		return plan ? rig_team_alltoallv_init(team, send, out, displs,
						      t, recv, in, displs, t, q)
			    : rig_team_ialltoallv(team, send, out, displs, t,
						  recv, in, displs, t, q);
	for (int i = 0; i < w->size; i++)
		in[i] = part(w->n, i, 0);
	switch (w->verb) {
	case REDUCE_SCATTER:
		return plan ? rig_team_reduce_scatter_init(team, send, recv, in,
							   t, RIG_SUM, q)
			    : rig_team_ireduce_scatter(team, send, recv, in, t,
						       RIG_SUM, q);
	case GATHERV:
		return plan ? rig_team_gatherv_init(team, from, own, t, recv,
						    in, displs, t, root, q)
			    : rig_team_igatherv(team, from, own, t, recv, in,
						displs, t, root, q);
	case SCATTERV:
		return plan ? rig_team_scatterv_init(team, w->send, in, displs,
						     t, to, own, t, root, q)
			    : rig_team_iscatterv(team, w->send, in, displs, t,
						 to, own, t, root, q);
	case ALLGATHERV:
		return plan ? rig_team_allgatherv_init(team, send, own, t, recv,
						       in, displs, t, q)
			    : rig_team_iallgatherv(team, send, own, t, recv, in,
						   displs, t, q);
	default:
		return begin_even(team, w, plan);
	}
}

/* --- expected results --- */

static void fill(struct work *w, int round)
{
	const bool at_root = w->rank == w->root;
	size_t first = 0;

	for (size_t i = 0; i < w->room; i++) {
		w->send[i] = value_of(w->rank, i, round);
		w->recv[i] = UNTOUCHED;
	}
	if (w->verb == BCAST && at_root)
		memcpy(w->recv, w->send, w->n * sizeof(*w->recv));
	if (!w->in_place || w->verb == SCATTER || w->verb == SCATTERV ||
	    w->verb == BARRIER || w->verb == BCAST)
		return;
	if (w->verb == GATHER || w->verb == ALLGATHER)
		first = (size_t)w->rank * w->n;
	if (w->verb == GATHERV || w->verb == ALLGATHERV)
		first = place(w->n, w->rank);
	if ((w->verb == REDUCE || w->verb == GATHER || w->verb == GATHERV) &&
	    !at_root)
		return;
	memcpy(w->recv + first, w->send, (w->room - first) * sizeof(*w->recv));
}

/* Element i of a result in blocks: block k, from rank k, begins with element `begin`
 * of the rank; UNTOUCHED: between the blocks. */
static int64_t in_blocks(const struct work *w, size_t i, int round, bool even,
			 bool all)
{
	const size_t each = even ? w->n : w->n + 1;
	const int from = each ? (int)(i / each) : w->size;
	const size_t at = each ? i % each : 0;
	size_t length, begin = 0;

	if (from >= w->size)
		return UNTOUCHED;
	if (even)
		length = w->n;
	else if (all)
		length = w->in_place ? part(w->n, 0, 0)
				     : part(w->n, from, w->rank);
	else
		length = part(w->n, from, 0);
	if (all)
		begin = (size_t)w->rank * each;
	return at < length ? value_of(from, begin + at, round) : UNTOUCHED;
}

static int64_t wanted(const struct work *w, size_t i, int round)
{
	const bool at_root = w->rank == w->root;
	const int last = w->size - 1;
	size_t begin = 0;

	switch (w->verb) {
	case BCAST:
		return i < w->n ? value_of(w->root, i, round) : UNTOUCHED;
	case REDUCE:
		if (!at_root)
			return UNTOUCHED;
		/* fall through */
	case ALLREDUCE:
		return i < w->n ? sum_of(0, last, i, round) : UNTOUCHED;
	case REDUCE_SCATTER:
		for (int r = 0; r < w->rank; r++)
			begin += part(w->n, r, 0);
		return i < part(w->n, w->rank, 0)
			       ? sum_of(0, last, begin + i, round)
			       : UNTOUCHED;
	case REDUCE_SCATTER_BLOCK:
		begin = (size_t)w->rank * w->n;
		return i < w->n ? sum_of(0, last, begin + i, round) : UNTOUCHED;
	case SCAN:
		return i < w->n ? sum_of(0, w->rank, i, round) : UNTOUCHED;
	case EXSCAN:
		return i < w->n && w->rank ? sum_of(0, w->rank - 1, i, round)
					   : UNTOUCHED;
	case GATHER:
	case GATHERV:
		if (!at_root)
			return UNTOUCHED;
		/* fall through */
	case ALLGATHER:
	case ALLGATHERV:
		return in_blocks(w, i, round,
				 w->verb == GATHER || w->verb == ALLGATHER,
				 false);
	case ALLTOALL:
	case ALLTOALLV:
		return in_blocks(w, i, round, w->verb == ALLTOALL, true);
	case SCATTER:
		begin = (size_t)w->rank * w->n;
		return i < w->n && !(w->in_place && at_root)
			       ? value_of(w->root, begin + i, round)
			       : UNTOUCHED;
	case SCATTERV:
		begin = place(w->n, w->rank);
		return i < part(w->n, w->rank, 0) && !(w->in_place && at_root)
			       ? value_of(w->root, begin + i, round)
			       : UNTOUCHED;
	default:
		return UNTOUCHED;
	}
}

static int check(struct rig_team *team, const struct work *w, int round)
{
	for (size_t i = 0; i < w->room; i++) {
		int64_t want = wanted(w, i, round);

		/* The bytes there before are of no interest. */
		if (want == UNTOUCHED && w->in_place && w->verb != BCAST)
			continue;
		if (w->recv[i] != want)
			return rig_team_fail(
				team, -EBADMSG,
				"verb %d, round %d: rank %d: element %zu is "
				"%lld, must be %lld",
				w->verb, round, w->rank, i,
				(long long)w->recv[i], (long long)want);
	}
	return 0;
}

static size_t room_of(const struct told *told, int size)
{
	return (told->count + 1) * (size_t)size + 1;
}

static int prepare(struct rig_team *team, struct work *works, int64_t **memory)
{
	const struct told *told = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const size_t room = room_of(told, size), each = 2 * room * VERBS_HERE;
	int64_t *at;

	*memory = NULL;
	if (told->in_segment)
		at = (int64_t *)rig_team_data(team, 0) + (size_t)rank * each;
	else
		at = *memory = malloc(each * sizeof(*at));
	if (!at)
		return -ENOMEM;
	for (int i = 0; i < VERBS_HERE; i++)
		works[i] = (struct work){
			.verb = (enum verbs)i,
			.rank = rank,
			.size = size,
			.root = i % size,
			.n = told->count,
			.room = room,
			.in_place = told->in_place,
			.send = at + (size_t)i * 2 * room,
			.recv = at + ((size_t)i * 2 + 1) * room,
		};
	return 0;
}

/* All verbs at once, waited for from the last to the first. */
static int begins_all(struct rig_team *team)
{
	struct work works[VERBS_HERE];
	int64_t *memory;
	int r = prepare(team, works, &memory);

	for (int round = 0; r == 0 && round < 2; round++) {
		for (int i = 0; r == 0 && i < VERBS_HERE; i++) {
			fill(&works[i], round);
			r = begin(team, &works[i], false);
		}
		for (int i = VERBS_HERE - 1; r == 0 && i >= 0; i--)
			r = rig_team_wait(team, &works[i].request, NULL);
		for (int i = 0; r == 0 && i < VERBS_HERE; i++)
			r = works[i].request ? -EBADF
					     : check(team, &works[i], round);
	}
	free(memory);
	return r;
}

/* All verbs as plans: each rank starts the plans in another order. */
static int plans_all(struct rig_team *team)
{
	const int rank = rig_team_rank(team);
	struct work works[VERBS_HERE];
	int64_t *memory;
	int r = prepare(team, works, &memory);

	for (int i = 0; r == 0 && i < VERBS_HERE; i++)
		r = begin(team, &works[i], true);
	for (int round = 0; r == 0 && round < ROUNDS; round++) {
		for (int i = 0; r == 0 && i < VERBS_HERE; i++) {
			struct work *w = &works[(i + rank) % VERBS_HERE];

			fill(w, round);
			r = rig_team_start(team, &w->request);
		}
		for (int i = 0; r == 0 && i < VERBS_HERE; i++) {
			r = rig_team_wait(team, &works[i].request, NULL);
			if (r == 0)
				r = works[i].request
					    ? check(team, &works[i], round)
					    : -EBADF;
		}
	}
	for (int i = 0; r == 0 && i < VERBS_HERE; i++)
		r = rig_team_request_free(team, &works[i].request);
	free(memory);
	return r;
}

static void run_all(int size, bool in_segment)
{
	rig_kernel_fn *const kernels[] = { begins_all, plans_all };

	make_pool(size);
	if (in_segment)
		ck_assert_int_eq(
			rig_segment_create(
				&segment, NULL,
				room_of(
					&(struct told){
						.count = counts[COUNTS - 1] },
					size) *
					2 * VERBS_HERE * (size_t)size *
					sizeof(int64_t),
				NULL),
			0);
	for (int i = 0; i < COUNTS; i++)
		for (int way = 0; way < 4; way++) {
			const struct told told = { .count = counts[i],
						   .in_segment = in_segment,
						   .in_place = way / 2 };

			/* In a segment only long data takes another way. */
			if ((size > 9 && counts[i] > 1000) ||
			    (in_segment && counts[i] < 500))
				continue;
			ck_assert_msg(run_told(kernels[way % 2], &told) == 0,
				      "%d ranks, %zu elements, way %d: %s\n%s",
				      size, counts[i], way, rig_why(),
				      rig_pool_report(pool)->text);
		}
	if (in_segment)
		rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

START_TEST(every_verb_of_private_memory)
{
	run_all(sizes[_i], false);
}
END_TEST

START_TEST(every_verb_of_a_segment)
{
	run_all(sizes[_i], true);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("nonblocking");
	TCase *verbs = make_tcase("verbs", 60);

	tcase_add_loop_test(verbs, every_verb_of_private_memory, 0, SIZES);
	tcase_add_loop_test(verbs, every_verb_of_a_segment, 0, SIZES);
	suite_add_tcase(suite, verbs);
	return suite;
}
