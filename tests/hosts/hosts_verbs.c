/* SPDX-License-Identifier: MIT */
/*
 * hosts_verbs.c - a kernel that calls every verb of the world, and keeps a hash of
 * all results: the same over several hosts as in a pool of as many ranks.
 */
#include "hosts_verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

/* Bytes of the largest buffer of a rank. */
#define BUFFER ((size_t)2 << 20)

/* In this process: the rank at work. */
struct work {
	struct rig_team *team; /* the world */
	int rank, size;
	char *send, *recv;
	uint64_t hash;
};

static void note(struct work *work, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < bytes; i++)
		work->hash = (work->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

/* Numbers whose sum depends on the order of addition. */
static void fill(struct work *work, size_t count, unsigned seed)
{
	double *x = (double *)(void *)work->send;
	uint64_t state = seed * 977u + (unsigned)work->rank + 1;

	for (size_t i = 0; i < count; i++) {
		state = state * UINT64_C(6364136223846793005) +
			1442695040888963407;
		x[i] = ((double)(state >> 11) - 4e15) *
		       (state & 1 ? 1e-3 : 1e6);
	}
	memset(work->recv, 0, BUFFER);
}

static int wait_for(struct work *work, int r, struct rig_request **request)
{
	return r < 0 ? r : rig_team_wait(work->team, request, NULL);
}

/* The first of two elements: an operation that does not commute shows the order. */
static void pick(const void *in, void *inout, size_t count, int type)
{
	memcpy(inout, in, count * rig_type_bytes(type));
}

static int reductions(struct work *work, size_t count)
{
	static int own_op = -1;
	const int ops[] = { RIG_SUM, RIG_MIN, RIG_SUM | RIG_REPRODUCIBLE, -1 };
	int r = 0;

	if (own_op < 0)
		own_op = rig_op_create(pick);
	for (size_t i = 0; r == 0 && i < sizeof(ops) / sizeof(*ops); i++) {
		const int op = ops[i] < 0 ? own_op : ops[i];
		const int root = (int)(i + count) % work->size;

		fill(work, count, (unsigned)count);
		r = rig_team_allreduce(work->team, work->send, work->recv,
				       count, RIG_FLOAT64, op);
		note(work, work->recv, count * 8);
		if (r == 0)
			r = rig_team_allreduce(work->team, RIG_IN_PLACE,
					       work->send, count, RIG_FLOAT64,
					       op);
		note(work, work->send, count * 8);
		fill(work, count, (unsigned)i);
		if (r == 0)
			r = rig_team_reduce(work->team, work->send, work->recv,
					    count, RIG_FLOAT64, op, root);
		if (work->rank == root)
			note(work, work->recv, count * 8);
		fill(work, count, (unsigned)i + 9);
		if (r == 0)
			r = rig_team_scan(work->team, work->send, work->recv,
					  count, RIG_FLOAT64, op);
		note(work, work->recv, count * 8);
		if (r == 0)
			r = rig_team_exscan(work->team, work->send, work->recv,
					    count, RIG_FLOAT64, op);
		note(work, work->recv, count * 8);
	}
	return r;
}

/* Integers are folded in any order: over hosts, strip by strip. */
static int integers(struct work *work, size_t count)
{
	const int ops[] = { RIG_SUM, RIG_MIN, RIG_BXOR };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(ops) / sizeof(*ops); i++) {
		const int root = (int)(i + count) % work->size;

		fill(work, count, (unsigned)count + 50);
		r = rig_team_allreduce(work->team, work->send, work->recv,
				       count, RIG_INT64, ops[i]);
		note(work, work->recv, count * 8);
		if (r == 0)
			r = rig_team_allreduce(work->team, RIG_IN_PLACE,
					       work->send, count, RIG_UINT64,
					       ops[i]);
		note(work, work->send, count * 8);
		fill(work, count, (unsigned)i + 60);
		if (r == 0)
			r = rig_team_reduce(work->team, work->send, work->recv,
					    count, RIG_INT64, ops[i], root);
		if (work->rank == root)
			note(work, work->recv, count * 8);
	}
	return r;
}

static int sums(struct work *work, size_t count)
{
	double sum = 0;
	int r;

	fill(work, count * (size_t)work->size, 3);
	r = rig_team_reduce_scatter_block(work->team, work->send, work->recv,
					  count, RIG_FLOAT64, RIG_SUM);
	note(work, work->recv, count * 8);
	if (r == 0)
		r = rig_team_sum(work->team, work->send, count, RIG_FLOAT64,
				 &sum);
	note(work, &sum, sizeof(sum));
	return r;
}

static int moves(struct work *work, size_t count)
{
	const size_t n = (size_t)work->size, bytes = count * 8;
	const int root = (int)count % work->size;
	int r;

	fill(work, count, 5);
	r = rig_team_bcast(work->team, work->send, count, RIG_FLOAT64, root);
	note(work, work->send, bytes);
	fill(work, count, 6);
	if (r == 0)
		r = rig_team_allgather(work->team, work->send, count,
				       RIG_FLOAT64, work->recv, count,
				       RIG_FLOAT64);
	note(work, work->recv, bytes * n);
	fill(work, count, 7);
	if (r == 0)
		r = rig_team_gather(work->team, work->send, count, RIG_FLOAT64,
				    work->recv, count, RIG_FLOAT64, root);
	note(work, work->recv, bytes * n);
	fill(work, count * n, 8);
	if (r == 0)
		r = rig_team_scatter(work->team, work->send, count, RIG_FLOAT64,
				     work->recv, count, RIG_FLOAT64, root);
	note(work, work->recv, bytes);
	if (r == 0)
		r = rig_team_alltoall(work->team, work->send, count,
				      RIG_FLOAT64, work->recv, count,
				      RIG_FLOAT64);
	note(work, work->recv, bytes * n);
	return r;
}

/* Rank r has r + 1 pieces of 8 bytes. */
static int uneven(struct work *work)
{
	const size_t n = (size_t)work->size;
	size_t counts[64] = { 0 }, displs[64] = { 0 }, same[64] = { 0 };
	size_t own = (size_t)work->rank + 1;
	int r;

	for (size_t i = 0; i < n; i++) {
		counts[i] = i + 1;
		displs[i] = i * (i + 1) / 2;
		same[i] = own;
	}
	fill(work, n * n, 11);
	r = rig_team_allgatherv(work->team, work->send, own, RIG_FLOAT64,
				work->recv, counts, displs, RIG_FLOAT64);
	note(work, work->recv, n * n * 8);
	if (r == 0)
		r = rig_team_gatherv(work->team, work->send, own, RIG_FLOAT64,
				     work->recv, counts, displs, RIG_FLOAT64,
				     work->size - 1);
	if (r == 0)
		r = rig_team_scatterv(work->team, work->send, counts, displs,
				      RIG_FLOAT64, work->recv, own, RIG_FLOAT64,
				      0);
	note(work, work->recv, own * 8);
	for (size_t i = 0; i < n; i++)
		displs[i] = i * n;
	if (r == 0)
		r = rig_team_alltoallv(work->team, work->send, counts, displs,
				       RIG_FLOAT64, work->recv, same, displs,
				       RIG_FLOAT64);
	note(work, work->recv, n * n * 8);
	fill(work, n * n, 12);
	if (r == 0)
		r = rig_team_reduce_scatter(work->team, work->send, work->recv,
					    counts, RIG_FLOAT64, RIG_SUM);
	note(work, work->recv, own * 8);
	return r;
}

/* Several calls that do not wait at once, and a plan that is started twice. */
static int non_blocking(struct work *work)
{
	struct rig_request *requests[3] = { NULL };
	double *in = (double *)(void *)work->send;
	double *out = (double *)(void *)work->recv;
	int r;

	fill(work, 3000, 21);
	r = rig_team_iallreduce(work->team, in, out, 1000, RIG_FLOAT64, RIG_SUM,
				&requests[0]);
	if (r == 0)
		r = rig_team_iallgather(work->team, in + 1000, 10, RIG_FLOAT64,
					out + 1000, 10, RIG_FLOAT64,
					&requests[1]);
	if (r == 0)
		r = rig_team_ibarrier(work->team, &requests[2]);
	if (r == 0)
		r = rig_team_waitall(work->team, 3, requests, NULL);
	note(work, out, 16000);
	if (r == 0)
		r = rig_team_allreduce_init(work->team, in, out, 500,
					    RIG_FLOAT64, RIG_MAX, &requests[0]);
	for (int i = 0; r == 0 && i < 2; i++) {
		in[0] = work->rank * (i ? -1.0 : 1.0);
		r = rig_team_start(work->team, &requests[0]);
		r = wait_for(work, r, &requests[0]);
		note(work, out, 4000);
	}
	return r < 0 ? r : rig_team_request_free(work->team, &requests[0]);
}

/* Rank 0 hears from all other ranks, in any order, by tags; then long messages go
 * around a ring. */
static int messages(struct work *work)
{
	const int next = (work->rank + 1) % work->size;
	const int before = (work->rank + work->size - 1) % work->size;
	struct rig_status status = { 0 };
	uint64_t sum = 0;
	int r = 0, value = 0;

	for (int tag = 1; r == 0 && tag <= 3; tag++) {
		value = work->rank * 10 + tag;
		if (work->rank)
			r = rig_team_send(work->team, &value, 1, RIG_INT32, 0,
					  tag);
	}
	for (int tag = 3; work->rank == 0 && tag >= 1; tag--)
		for (int i = 1; r == 0 && i < work->size; i++) {
			if (i == 1)
				r = rig_team_probe(work->team, RIG_ANY_SOURCE,
						   tag, &status);
			if (r == 0)
				r = rig_team_recv(work->team, &value, 1,
						  RIG_INT32, RIG_ANY_SOURCE,
						  tag, &status);
			if (r == 0 && value != status.source * 10 + tag)
				r = -EBADMSG;
			sum += (uint64_t)value;
		}
	note(work, &sum, sizeof(sum));
	for (size_t bytes = 0; r == 0 && bytes <= BUFFER;
	     bytes = bytes * 50 + 40) {
		fill(work, bytes / 8, (unsigned)bytes);
		r = rig_team_sendrecv(work->team, work->send, bytes, RIG_UINT8,
				      next, 5, work->recv, bytes, RIG_UINT8,
				      before, RIG_ANY_TAG, &status);
		if (r == 0 && (status.source != before ||
			       status.bytes != bytes || status.tag != 5))
			r = -EBADMSG;
		note(work, work->recv, bytes);
	}
	return r;
}

/* Long messages to the next rank, which asks for the last first: the others are strays
 * for a while. */
static int strays(struct work *work)
{
	enum { COUNT = 4, BYTES = 300000 };
	const int next = (work->rank + 1) % work->size;
	const int before = (work->rank + work->size - 1) % work->size;
	struct rig_request *requests[COUNT] = { NULL };
	struct rig_status status;
	int r = 0;

	fill(work, (size_t)COUNT * BYTES / 8, 71);
	for (int i = 0; r == 0 && i < COUNT; i++)
		r = rig_team_isend(work->team, work->send + (size_t)i * BYTES,
				   BYTES, RIG_UINT8, next, i, &requests[i]);
	for (int i = COUNT - 1; r == 0 && i >= 0; i--) {
		if (i == 1)
			r = rig_team_probe(work->team, before, i, &status);
		/* The last is longer than the receive. */
		if (r == 0)
			r = rig_team_recv(
				work->team, work->recv + (size_t)i * BYTES,
				i == 0 ? BYTES / 2 : BYTES, RIG_UINT8,
				i == 2 ? RIG_ANY_SOURCE : before, i, &status);
		if (i == 0 && r == -EMSGSIZE)
			r = 0;
	}
	note(work, work->recv, (size_t)COUNT * BYTES);
	return r < 0 ? r : rig_team_waitall(work->team, COUNT, requests, NULL);
}

static int grid(struct work *work)
{
	const size_t extents[2] = { 12, 10 };
	const bool periods[2] = { true, false };
	double *array = (double *)(void *)work->send;
	struct rig_team *cart = NULL;
	int dims[2] = { 0 };
	int r = rig_dims_create(work->size, 2, dims);

	if (r == 0)
		r = rig_team_cart_create(work->team, 2, dims, periods, &cart);
	fill(work, 120, 31);
	if (r == 0)
		r = rig_team_halo(cart, array, extents, 2, RIG_FLOAT64);
	note(work, array, 960);
	return r < 0 ? r : rig_team_free(cart);
}

/* A team of the even ranks and a team of the odd ranks, the last rank first. */
static int parts(struct work *work)
{
	struct rig_team *half = NULL, *copy = NULL;
	double sum = work->rank;
	int r = rig_team_split(work->team, work->rank % 2, -work->rank, &half);
	int numbers[2];

	if (r == 0)
		r = rig_team_dup(half, &copy);
	if (r < 0)
		return r;
	numbers[0] = rig_team_rank(copy);
	numbers[1] = rig_team_size(copy);
	note(work, numbers, sizeof(numbers));
	fill(work, 5000, 41);
	r = rig_team_allreduce(copy, work->send, work->recv, 5000, RIG_FLOAT64,
			       RIG_SUM);
	note(work, work->recv, 40000);
	if (r == 0)
		r = rig_team_exscan(half, RIG_IN_PLACE, &sum, 1, RIG_FLOAT64,
				    RIG_SUM);
	note(work, &sum, sizeof(sum));
	if (r == 0)
		r = rig_team_barrier(half);
	if (r == 0)
		r = rig_team_free(copy);
	return r < 0 ? r : rig_team_free(half);
}

/* Every element is dealt out once. */
static int shares(struct work *work)
{
	const size_t count = 1000;

	for (int i = RIG_SHARE_STATIC; i <= RIG_SHARE_GUIDED; i++) {
		struct rig_share share;
		struct rig_span part;
		uint64_t own[2] = { 0 }, all[2] = { 0 };
		int r = rig_share_begin(&share, work->team, count,
					(enum rig_schedule)i, (size_t)i * 3);

		while (r == 0 && rig_share_next(&share, &part))
			for (size_t k = part.begin; k < part.end; k++) {
				own[0]++;
				own[1] += k * k;
			}
		if (r == 0)
			r = rig_team_allreduce(work->team, own, all, 2,
					       RIG_UINT64, RIG_SUM);
		if (r < 0)
			return r;
		if (all[0] != count ||
		    all[1] != count * (count - 1) * (2 * count - 1) / 6)
			return -EBADMSG;
	}
	return 0;
}

static int run_all(struct work *work)
{
	static const size_t counts[] = { 0, 1, 6, 7, 300, 5000 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(counts) / sizeof(*counts);
	     i++) {
		r = reductions(work, counts[i]);
		if (r == 0)
			r = moves(work, counts[i]);
		if (r == 0)
			r = rig_team_barrier(work->team);
	}
	if (r == 0)
		r = reductions(work, 100000);
	if (r == 0)
		r = integers(work, 6);
	if (r == 0)
		r = integers(work, 100001);
	if (r == 0)
		r = moves(work, BUFFER / 8 / (size_t)work->size);
	if (r == 0)
		r = sums(work, 700);
	if (r == 0)
		r = uneven(work);
	if (r == 0)
		r = non_blocking(work);
	if (r == 0)
		r = messages(work);
	if (r == 0)
		r = strays(work);
	if (r == 0)
		r = grid(work);
	if (r == 0)
		r = parts(work);
	return r < 0 ? r : shares(work);
}

/* Everything with memory of the rank's own, which the caller of a host does not find;
 * and with memory of the heap. */
static int run_twice(struct rig_team *team, struct work *work)
{
	struct rig_heap *heap = rig_team_heap(team);
	int r;

	work->send = malloc(BUFFER);
	work->recv = malloc(BUFFER);
	r = work->send && work->recv ? run_all(work) : -ENOMEM;
	free(work->send);
	free(work->recv);
	if (r < 0)
		return r;
	work->send = rig_heap_malloc(heap, BUFFER);
	work->recv = rig_heap_malloc(heap, BUFFER);
	return work->send && work->recv ? run_all(work) : -ENOMEM;
}

int hosts_verbs(struct rig_team *team)
{
	struct work work = { .team = rig_team_world(team) };
	struct verbs_result *result = rig_team_result(team);
	int r;

	work.rank = rig_team_rank(work.team);
	work.size = rig_team_size(work.team);
	r = run_twice(team, &work);
	*result = (struct verbs_result){ work.hash, work.rank, work.size };
	return r;
}
