/* SPDX-License-Identifier: MIT */
/*
 * test_nonblocking.c - every non-blocking collective, and plans of them, against
 * a serial reference.
 *
 * A rank computes what it must get from a formula of (rank, element, round), and
 * fails the run by the words where it got something else, or something where
 * nothing should be.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* Elements: none, one, odd, around what goes with a head, a line, a short
 * reduction and what is lent. */
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

/* What a kernel is told. */
struct told {
	size_t count;
	int in_segment;
	int in_place;
	int plan;
};

/* One call of one rank. */
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

/* Elements of a block where they differ, and where it begins. */
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
		/* What is in place is as long both ways. */
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

/* --- what must come of them --- */

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

/* Element i of what blocks come to: block k's, from `rank` k, is of its element
 * at `begin` + place there; UNTOUCHED: between them. */
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

		/* What was there before is nobody's business. */
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

/* All of them at once, waited for from the last to the first, or all. */
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

/* All as plans: each rank starts them in an order of its own. */
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

			/* Of a segment, what differs: the long ones. */
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

/* --- beside other things --- */

/* Under way all the time: sums, while ranks meet, send and reduce. */
static int overlaps(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const int next = (rank + 1) % size, before = (rank + size - 1) % size;
	struct rig_request *requests[4] = { NULL };
	int64_t own[4], sums[4], got, all;
	int r = 0;

	for (int round = 0; r == 0 && round < 50; round++) {
		for (int i = 0; r == 0 && i < 3; i++) {
			own[i] = rank + i;
			r = rig_team_iallreduce(team, &own[i], &sums[i], 1,
						RIG_INT64, RIG_SUM,
						&requests[i]);
		}
		own[3] = rank + round;
		if (r == 0)
			r = rig_team_irecv(team, &got, 1, RIG_INT64, before, 5,
					   &requests[3]);
		if (r == 0)
			r = rig_team_barrier(team);
		if (r == 0)
			r = rig_team_send(team, &own[3], 1, RIG_INT64, next, 5);
		if (r == 0)
			r = rig_team_allreduce(team, &own[3], &all, 1,
					       RIG_INT64, RIG_SUM);
		for (int left = 4, which; r == 0 && left; left--) {
			r = rig_team_waitany(team, 4, requests, &which, NULL);
			if (r == 0 && which < 0)
				r = -EBADF;
		}
		for (int i = 0; r == 0 && i < 3; i++)
			if (sums[i] != size * (size - 1) / 2 + i * size)
				r = -EBADMSG;
		if (r == 0 && (got != before + round ||
			       all != size * (size - 1) / 2 + round * size))
			r = -EBADMSG;
	}
	return r;
}

/* On two teams that overlap, tested for until they are complete. */
static int tests_until_done(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *requests[2] = { NULL };
	int64_t own = rank, sums[2] = { 0 }, wanted = 0;
	struct rig_team *part = NULL;
	bool done = false;
	int r = rig_team_split(team, rank % 2, -rank, &part);

	for (int i = rank % 2; i < size; i += 2)
		wanted += i;
	if (r == 0)
		r = rig_team_iallreduce(part, &own, &sums[0], 1, RIG_INT64,
					RIG_SUM, &requests[0]);
	if (r == 0)
		r = rig_team_iallreduce(team, &own, &sums[1], 1, RIG_INT64,
					RIG_SUM, &requests[1]);
	while (r == 0 && !done)
		r = rig_team_testall(team, 2, requests, &done, NULL);
	if (r == 0 && (requests[0] || requests[1] || sums[0] != wanted ||
		       sums[1] != size * (size - 1) / 2))
		r = -EBADMSG;
	return r ? r : rig_team_free(part);
}

/* The same bits as of the blocking verb, where the order shows. */
static int same_bits(struct rig_team *team)
{
	const int rank = rig_team_rank(team);
	double own[300], here[300], there[300];
	struct rig_request *request;
	int r = 0;

	for (int i = 0; i < 300; i++)
		own[i] = 1.0 / (double)(1 + i + 7 * rank);
	for (size_t n = 1; r == 0 && n <= 300; n += 13) {
		r = rig_team_allreduce(team, own, here, n, RIG_FLOAT64,
				       RIG_SUM);
		if (r == 0)
			r = rig_team_iallreduce(team, own, there, n,
						RIG_FLOAT64, RIG_SUM, &request);
		if (r == 0)
			r = rig_team_wait(team, &request, NULL);
		if (r == 0 && memcmp(here, there, n * sizeof(*here)) != 0)
			r = rig_team_fail(team, -EBADMSG,
					  "%zu elements: other bits", n);
	}
	return r;
}

START_TEST(beside_messages_and_blocking_verbs)
{
	rig_kernel_fn *const kernels[] = { overlaps, tests_until_done,
					   same_bits };

	for (int size = 2; size <= 20; size += 6) {
		make_pool(size);
		ck_assert_msg(run(kernels[_i]) == 0, "%d ranks: %s", size,
			      rig_why());
		rig_pool_destroy(pool);
	}
}
END_TEST

/* --- wrong use, and ends --- */

static int64_t word, words[8];

static int joins_not(struct rig_team *team)
{
	struct rig_request *request;
	int r;

	if (rig_team_rank(team) == 1)
		return rig_team_barrier(team);
	r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64, RIG_SUM,
				&request);
	return r ? r : rig_team_wait(team, &request, NULL);
}

static int other_root(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibcast(team, &word, 1, RIG_INT64,
				rig_team_rank(team) == 2 ? 1 : 0, &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

/* Each is the root, and nobody looks at another. */
static int all_are_roots(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibcast(team, &word, 1, RIG_INT64, rig_team_rank(team),
				&request);

	r = r ? r : rig_team_wait(team, &request, NULL);
	return r;
}

static int other_gather(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_igather(team, &word, 1, RIG_INT64, words, 1, RIG_INT64,
				 rig_team_rank(team) == 2 ? 1 : 0, &request);

	r = r ? r : rig_team_wait(team, &request, NULL);
	return r;
}

static int other_operation(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64,
				    rig_team_rank(team) ? RIG_SUM : RIG_MAX,
				    &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

static int other_length(struct rig_team *team)
{
	const size_t counts_here[] = { 1, 1, 1 }, displs[] = { 0, 1, 2 };
	struct rig_request *request;
	int r = rig_team_igatherv(team, words, rig_team_rank(team) == 2 ? 2 : 1,
				  RIG_INT64, words + 4, counts_here, displs,
				  RIG_INT64, 0, &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

static int returns_open(struct rig_team *team)
{
	struct rig_request *request;

	return rig_team_ibarrier(team, &request);
}

static int starts_twice(struct rig_team *team)
{
	struct rig_request *plan;
	int r = rig_team_barrier_init(team, &plan);

	if (r == 0)
		r = rig_team_start(team, &plan);
	return r ? r : rig_team_start(team, &plan);
}

static int frees_started(struct rig_team *team)
{
	struct rig_request *plan;
	int r = rig_team_barrier_init(team, &plan);

	if (r == 0)
		r = rig_team_start(team, &plan);
	return r ? r : rig_team_request_free(team, &plan);
}

static int starts_no_plan(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibarrier(team, &request);

	return r ? r : rig_team_start(team, &request);
}

static int frees_team_with_plan(struct rig_team *team)
{
	struct rig_team *copy = NULL;
	struct rig_request *plan;
	int r = rig_team_dup(team, &copy);

	if (r == 0)
		r = rig_team_barrier_init(copy, &plan);
	return r ? r : rig_team_free(copy);
}

static int has_no_such_type(struct rig_team *team)
{
	struct rig_request *request;

	return rig_team_ialltoallv(team, words, NULL, NULL, 99, words, NULL,
				   NULL, 99, &request);
}

static int dies(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64, RIG_SUM,
				    &request);

	if (rig_team_rank(team) == 1)
		(void)raise(SIGKILL);
	return r ? r : rig_team_wait(team, &request, NULL);
}

/* To wait for plans that rest is to wait for nothing; what rests goes with the
 * run. */
static int rests(struct rig_team *team)
{
	struct rig_request *plans[2], *none = NULL;
	struct rig_status status;
	bool done = false;
	int which = 0;
	int r = rig_team_barrier_init(team, &plans[0]);

	if (r == 0)
		r = rig_team_allreduce_init(team, &word, words, 1, RIG_INT64,
					    RIG_SUM, &plans[1]);
	if (r == 0)
		r = rig_team_waitall(team, 2, plans, NULL);
	if (r == 0)
		r = rig_team_test(team, &plans[0], &done, &status);
	if (r == 0 && (!done || !plans[0] || status.source != RIG_PROC_NULL))
		r = -EBADF;
	if (r == 0)
		r = rig_team_waitany(team, 2, plans, &which, NULL);
	if (r == 0 && which != -1)
		r = -EBADF;
	if (r == 0)
		r = rig_team_startall(team, 2, plans);
	for (int i = 0; r == 0 && i < 2; i++)
		r = rig_team_waitany(team, 2, plans, &which, NULL);
	if (r == 0)
		r = rig_team_request_free(team, &none);
	return r;
}

static const struct {
	rig_kernel_fn *kernel;
	int r;
	const char *words[3];
} ends[] = {
	{ joins_not,
	  -EDEADLK,
	  { "deadlock", "iallreduce (joins_not+", "barrier 1 (" } },
	{ other_root,
	  -EINVAL,
	  { "root 1) at other_root+", "root 0) at other_root+", "ibcast" } },
	{ all_are_roots, -EINVAL, { "root 1) at all_are_roots+", "ibcast" } },
	{ other_gather,
	  -EINVAL,
	  { "root 1) at other_gather+", "root 0) at other_gather+",
	    "igather" } },
	{ other_operation,
	  -EINVAL,
	  { "op SUM", "op MAX", "at other_operation+" } },
	{ other_length,
	  -EINVAL,
	  { "igatherv: rank 2 sends 16 bytes, 8 are expected" } },
	{ returns_open, -EINVAL, { "1 request that is not complete" } },
	{ starts_twice, -EINVAL, { "barrier_init is started already" } },
	{ frees_started, -EINVAL, { "barrier_init is started: wait" } },
	{ starts_no_plan, -EINVAL, { "is no plan" } },
	{ frees_team_with_plan, -EINVAL, { "rig_team_request_free()" } },
	{ has_no_such_type, -EINVAL, { "no type number " } },
	{ dies, -EOWNERDEAD, { "rank 1", "SIGKILL" } },
	{ rests, 0, { NULL } },
};
#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

START_TEST(each_end_is_told)
{
	make_pool(3);
	/* And the pool goes on: twice. */
	for (int i = 0; i < 2; i++) {
		int r = run(ends[_i].kernel);
		const char *text = rig_pool_report(pool)->text;

		ck_assert_msg(r == ends[_i].r, "%d: %s", r, rig_why());
		for (int k = 0; k < 3 && ends[_i].words[k]; k++)
			ck_assert_msg(strstr(text, ends[_i].words[k]) != NULL,
				      "no \"%s\" in: %s", ends[_i].words[k],
				      text);
		ck_assert_msg(run(overlaps) == 0, "%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("nonblocking");
	TCase *verbs = make_tcase("verbs", 60);
	TCase *others = make_tcase("others", 30);
	TCase *wrong = make_tcase("wrong", 20);

	tcase_add_loop_test(verbs, every_verb_of_private_memory, 0, SIZES);
	tcase_add_loop_test(verbs, every_verb_of_a_segment, 0, SIZES);
	suite_add_tcase(suite, verbs);
	tcase_add_loop_test(others, beside_messages_and_blocking_verbs, 0, 3);
	suite_add_tcase(suite, others);
	tcase_add_loop_test(wrong, each_end_is_told, 0, ENDS);
	suite_add_tcase(suite, wrong);
	return suite;
}
