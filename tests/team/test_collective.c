/* SPDX-License-Identifier: MIT */
/*
 * test_collective.c - every collective against a serial reference.
 *
 * A rank computes the expected result from a formula of (rank, element), and fails
 * the run with words for any other result.  Values are small integers, and so exact
 * in every type, whatever the order.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "collective_parts.h"

/* Elements: none, one, odd, around a line, a piece and a slice. */
static const size_t counts[] = { 0,    1,    3,    6,    7,     129,
				 4095, 4096, 4097, 9001, 40000, 300001 };

#define COUNTS (sizeof(counts) / sizeof(*counts))

/* The arguments of a kernel. */
struct told {
	size_t count;
	int in_segment;
	int first; /* elements of the calls before */
};

static int64_t value_of(int rank, size_t i)
{
	return (int64_t)((i * 7 + (size_t)rank * 13) % 11) - 5;
}

/* Buffers of one rank: private memory, or the rank's part of segment 0. */
struct buffers {
	int64_t *send;
	int64_t *recv;
	void *memory;
};

static int get(struct rig_team *team, struct buffers *buffers, size_t count)
{
	const struct told *told = rig_team_args(team);
	size_t bytes = (count + 1) * sizeof(int64_t);
	char *at;

	*buffers = (struct buffers){ 0 };
	if (told->in_segment) {
		at = (char *)rig_team_data(team, 0) +
		     (size_t)rig_team_rank(team) * 2 * bytes;
	} else {
		at = buffers->memory = malloc(2 * bytes);
		if (!at)
			return -ENOMEM;
	}
	buffers->send = (int64_t *)at;
	buffers->recv = (int64_t *)(at + bytes);
	buffers->recv[count] = buffers->send[count] = 4711;
	return 0;
}

static int put(struct rig_team *team, struct buffers *buffers, size_t count,
	       int r)
{
	if (r == 0 &&
	    (buffers->recv[count] != 4711 || buffers->send[count] != 4711))
		r = rig_team_fail(team, -EBADMSG, "written past the end");
	free(buffers->memory);
	return r;
}

static void fill(int64_t *data, int rank, size_t count, size_t first)
{
	for (size_t i = 0; i < count; i++)
		data[i] = value_of(rank, first + i);
}

static int expect(struct rig_team *team, const char *what, const int64_t *got,
		  int64_t wanted, size_t i)
{
	if (got[i] == wanted)
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "%s: rank %d: element %zu is %lld, must be %lld",
			     what, rig_team_rank(team), i, (long long)got[i],
			     (long long)wanted);
}

/* The sum over ranks first to last. */
static int64_t sum_of(int first, int last, size_t i)
{
	int64_t sum = 0;

	for (int rank = first; rank <= last; rank++)
		sum += value_of(rank, i);
	return sum;
}

static int reductions(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const size_t n = told->count;
	struct buffers b;
	int r = get(team, &b, n);

	for (int in_place = 0; r == 0 && in_place < 2; in_place++) {
		int64_t *data = in_place ? b.recv : b.send;
		const void *send = in_place ? RIG_IN_PLACE : b.send;

		fill(data, rank, n, 0);
		r = rig_team_allreduce(team, send, b.recv, n, RIG_INT64,
				       RIG_SUM);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = expect(team, "allreduce", b.recv,
				   sum_of(0, size - 1, i), i);
		for (int root = 0; r == 0 && root < size;
		     root += 1 + size / 4) {
			fill(rank == root ? data : b.send, rank, n, 0);
			r = rig_team_reduce(team, rank == root ? send : b.send,
					    b.recv, n, RIG_INT64, RIG_SUM,
					    root);
			for (size_t i = 0; r == 0 && rank == root && i < n; i++)
				r = expect(team, "reduce", b.recv,
					   sum_of(0, size - 1, i), i);
		}
		if (r == 0) {
			fill(data, rank, n, 0);
			r = rig_team_scan(team, send, b.recv, n, RIG_INT64,
					  RIG_SUM);
		}
		for (size_t i = 0; r == 0 && i < n; i++)
			r = expect(team, "scan", b.recv, sum_of(0, rank, i), i);
		if (r == 0) {
			fill(data, rank, n, 0);
			r = rig_team_exscan(team, send, b.recv, n, RIG_INT64,
					    RIG_SUM);
		}
		for (size_t i = 0; r == 0 && rank && i < n; i++)
			r = expect(team, "exscan", b.recv,
				   sum_of(0, rank - 1, i), i);
	}
	return put(team, &b, n, r);
}

static int broadcasts(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int size = rig_team_size(team);
	const size_t n = told->count;
	struct buffers b;
	int r = get(team, &b, n);

	/* Again and again: the data change, and the root runs ahead. */
	for (int i = 0; r == 0 && i < 3 * size && i < 40; i++) {
		int root = i % size;

		fill(b.recv, rig_team_rank(team) + 100 * i, n, 0);
		r = rig_team_bcast(team, b.recv, n, RIG_INT64, root);
		for (size_t k = 0; r == 0 && k < n; k++)
			r = expect(team, "bcast", b.recv,
				   value_of(root + 100 * i, k), k);
	}
	return put(team, &b, n, r);
}

/* Blocks of told->count elements, of different lengths in the v forms. */
static int blocks(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const size_t n = told->count, p = (size_t)size;
	const size_t own = n ? n - (size_t)rank % n : 0;
	size_t lengths[64], displs[64];
	struct buffers b;
	int r = get(team, &b, n * p);

	for (int i = 0; i < size; i++) {
		lengths[i] = n ? n - (size_t)i % n : 0;
		displs[i] = (p - 1 - (size_t)i) * n;
	}
	fill(b.send, rank, n * p, 0);
	if (r == 0)
		r = rig_team_allgather(team, b.send, n, RIG_INT64, b.recv, n,
				       RIG_INT64);
	for (size_t i = 0; r == 0 && i < n * p; i++)
		r = expect(team, "allgather", b.recv,
			   value_of((int)(i / n), i % n), i);
	if (r == 0)
		r = rig_team_allgatherv(team, b.send, own, RIG_INT64, b.recv,
					lengths, displs, RIG_INT64);
	for (size_t k = 0; r == 0 && k < p; k++)
		for (size_t i = 0; r == 0 && i < lengths[k]; i++)
			r = expect(team, "allgatherv", b.recv + displs[k],
				   value_of((int)k, i), i);
	if (r == 0)
		r = rig_team_alltoall(team, b.send, n, RIG_INT64, b.recv, n,
				      RIG_INT64);
	for (size_t i = 0; r == 0 && i < n * p; i++)
		r = expect(team, "alltoall", b.recv,
			   value_of((int)(i / n), (size_t)rank * n + i % n), i);
	fill(b.recv, rank, n * p, 0);
	if (r == 0)
		r = rig_team_alltoall(team, RIG_IN_PLACE, 0, 0, b.recv, n,
				      RIG_INT64);
	for (size_t i = 0; r == 0 && i < n * p; i++)
		r = expect(team, "alltoall in place", b.recv,
			   value_of((int)(i / n), (size_t)rank * n + i % n), i);
	if (r == 0) {
		size_t mine[64], here[64];

		/* Everybody gets lengths[rank] from each. */
		for (int i = 0; i < size; i++) {
			mine[i] = own;
			here[i] = (size_t)i * n;
		}
		r = rig_team_alltoallv(team, b.send, lengths, here, RIG_INT64,
				       b.recv, mine, displs, RIG_INT64);
		for (size_t k = 0; r == 0 && k < p; k++)
			for (size_t i = 0; r == 0 && i < own; i++)
				r = expect(
					team, "alltoallv", b.recv + displs[k],
					value_of((int)k, (size_t)rank * n + i),
					i);
	}
	if (r == 0)
		r = rig_team_reduce_scatter_block(team, b.send, b.recv, n,
						  RIG_INT64, RIG_SUM);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = expect(team, "reduce_scatter_block", b.recv,
			   sum_of(0, size - 1, (size_t)rank * n + i), i);
	if (r == 0) {
		size_t first = 0;

		for (int i = 0; i < rank; i++)
			first += lengths[i];
		r = rig_team_reduce_scatter(team, b.send, b.recv, lengths,
					    RIG_INT64, RIG_SUM);
		for (size_t i = 0; r == 0 && i < own; i++)
			r = expect(team, "reduce_scatter", b.recv,
				   sum_of(0, size - 1, first + i), i);
	}
	return put(team, &b, n * p, r);
}

static int rooted_blocks(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const size_t n = told->count, p = (size_t)size;
	const size_t own = n ? n - (size_t)rank % n : 0;
	size_t lengths[64], displs[64];
	struct buffers b;
	int r = get(team, &b, n * p);

	for (int i = 0; i < size; i++) {
		lengths[i] = n ? n - (size_t)i % n : 0;
		displs[i] = (p - 1 - (size_t)i) * n;
	}
	for (int root = 0; r == 0 && root < size; root += 1 + size / 3) {
		bool is_root = rank == root;

		fill(b.send, rank, n * p, 0);
		r = rig_team_gather(team, b.send, n, RIG_INT64, b.recv, n,
				    RIG_INT64, root);
		for (size_t i = 0; r == 0 && is_root && i < n * p; i++)
			r = expect(team, "gather", b.recv,
				   value_of((int)(i / n), i % n), i);
		if (r == 0)
			r = rig_team_gatherv(team, b.send, own, RIG_INT64,
					     b.recv, lengths, displs, RIG_INT64,
					     root);
		for (size_t k = 0; r == 0 && is_root && k < p; k++)
			for (size_t i = 0; r == 0 && i < lengths[k]; i++)
				r = expect(team, "gatherv", b.recv + displs[k],
					   value_of((int)k, i), i);
		if (r == 0)
			r = rig_team_scatter(team, b.send, n, RIG_INT64, b.recv,
					     n, RIG_INT64, root);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = expect(team, "scatter", b.recv,
				   value_of(root, (size_t)rank * n + i), i);
		if (r == 0)
			r = rig_team_scatterv(team, b.send, lengths, displs,
					      RIG_INT64, b.recv, own, RIG_INT64,
					      root);
		for (size_t i = 0; r == 0 && i < own; i++)
			r = expect(team, "scatterv", b.recv,
				   value_of(root, displs[rank] + i), i);
	}
	return put(team, &b, n * p, r);
}

/* Run a kernel on every size of team, for one count, private or in a segment. */
static void run_all(rig_kernel_fn *kernel, int size, size_t most)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *segment = NULL;
	const char *name;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = size }),
		0);
	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, (size_t)64 << 20, NULL), 0);
	name = rig_segment_name(segment);
	for (size_t i = 0; i < COUNTS; i++)
		for (int shared = 0; shared < 2; shared++) {
			const struct told told = { counts[i], shared, 0 };
			int r;

			if (counts[i] > most)
				continue;
			r = rig_pool_run(
				pool, &(struct rig_job){
					      .kernel = kernel,
					      .segments = { { .name = name } },
					      .args = &told,
					      .args_bytes = sizeof(told) });
			ck_assert_msg(r == 0, "%d ranks, %zu elements: %s",
				      size, counts[i],
				      rig_pool_report(pool)->text);
		}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

START_TEST(reductions_are_right)
{
	int size = sizes[_i];

	run_all(reductions, size, size <= 3 ? 300001 : size <= 9 ? 9001 : 4097);
}
END_TEST

START_TEST(broadcasts_are_right)
{
	int size = sizes[_i];

	run_all(broadcasts, size, size <= 3 ? 300001 : size <= 9 ? 9001 : 129);
}
END_TEST

START_TEST(blocks_are_right)
{
	int size = sizes[_i];

	run_all(blocks, size, size <= 3 ? 40000 : size <= 9 ? 4097 : 129);
}
END_TEST

START_TEST(blocks_of_a_root_are_right)
{
	int size = sizes[_i];

	run_all(rooted_blocks, size,
		size <= 3   ? 40000
		: size <= 9 ? 4097
			    : 129);
}
END_TEST

/* x -> a x + b: composition is associative and does not commute. */
struct affine {
	uint32_t a, b;
};

static void compose(const void *in, void *inout, size_t count, int type)
{
	const struct affine *f = in;
	struct affine *g = inout;

	(void)type;
	for (size_t i = 0; i < count; i++)
		g[i] = (struct affine){ f[i].a * g[i].a,
					f[i].a * g[i].b + f[i].b };
}

static struct affine affine_of(int rank, size_t i)
{
	return (struct affine){ (uint32_t)(rank * 2 + 3),
				(uint32_t)(i * 5 + (size_t)rank) };
}

static int composes(struct rig_team *team)
{
	static struct affine send[5000], recv[5000];
	const size_t n = ((const struct told *)rig_team_args(team))->count;
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const int type = rig_type_opaque(sizeof(struct affine));
	const int op = rig_op_create(compose);
	int r = 0;

	for (size_t i = 0; i < n; i++)
		send[i] = affine_of(rank, i);
	for (int in_place = 0; r == 0 && in_place < 2; in_place++) {
		if (in_place)
			memcpy(recv, send, sizeof(send));
		r = rig_team_allreduce(team, in_place ? RIG_IN_PLACE : send,
				       recv, n, type, op);
		for (size_t i = 0; r == 0 && i < n; i++) {
			struct affine all = affine_of(size - 1, i);

			for (int k = size - 2; k >= 0; k--) {
				struct affine f = affine_of(k, i);

				compose(&f, &all, 1, type);
			}
			if (memcmp(&all, &recv[i], sizeof(all)) != 0)
				r = rig_team_fail(team, -EBADMSG, "element %zu",
						  i);
		}
	}
	return r;
}

START_TEST(an_operation_that_does_not_commute_keeps_rank_order)
{
	const size_t lengths[] = { 1, 6, 7, 200, 5000 };
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	for (size_t i = 0; i < 5; i++) {
		const struct told told = { lengths[i], 0, 0 };

		ck_assert_msg(
			rig_pool_run(pool,
				     &(struct rig_job){
					     .kernel = composes,
					     .args = &told,
					     .args_bytes = sizeof(told) }) == 0,
			"%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("collective");
	TCase *right = make_tcase("right", 60);

	tcase_add_loop_test(right, reductions_are_right, 0, SIZES);
	tcase_add_loop_test(right, broadcasts_are_right, 0, SIZES);
	tcase_add_loop_test(right, blocks_are_right, 0, SIZES);
	tcase_add_loop_test(right, blocks_of_a_root_are_right, 0, SIZES);
	tcase_add_loop_test(right,
			    an_operation_that_does_not_commute_keeps_rank_order,
			    0, SIZES);
	suite_add_tcase(suite, right);
	return suite;
}
