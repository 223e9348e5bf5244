/* SPDX-License-Identifier: MIT */
/*
 * test_collective.c - every collective against a serial reference.
 *
 * A rank computes what it must get from a formula of (rank, element), and fails
 * the run by the words where it got something else.  Values are small integers,
 * so that they are exact in every type, whatever the order.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "objects/layout.h"

/* Elements: none, one, odd, around a line, a piece and a slice. */
static const size_t counts[] = { 0,    1,    3,    6,    7,     129,
				 4095, 4096, 4097, 9001, 40000, 300001 };
#define COUNTS (sizeof(counts) / sizeof(*counts))

/* The first five, and in the long form all. */
static const int sizes[] = { 1, 2, 3, 5, 17, 4, 6, 7, 8, 9, 64 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

/* What a kernel is told. */
struct told {
	size_t count;
	int in_segment;
	int first; /* of the calls before */
};

static int64_t value_of(int rank, size_t i)
{
	return (int64_t)((i * 7 + (size_t)rank * 13) % 11) - 5;
}

/* Buffers of one rank: private memory, or its part of segment 0. */
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

/* Of ranks first to last. */
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

/* What ranks have for every operation: numbers that any type holds, and whose
 * product does too. */
static int64_t has(int rank)
{
	return rank == 0 ? 2 : rank == 1 ? 3 : 1;
}

/* One after the other; of one rank, what it has. */
static int64_t folded(int op, int size)
{
	int64_t all = has(0);

	for (int i = 1; i < size; i++) {
		const int64_t x = has(i);

		switch (op) {
		case RIG_SUM:
			all += x;
			break;
		case RIG_PROD:
			all *= x;
			break;
		case RIG_MIN:
			all = x < all ? x : all;
			break;
		case RIG_MAX:
			all = x > all ? x : all;
			break;
		case RIG_LAND:
			all = all && x;
			break;
		case RIG_LOR:
			all = all || x;
			break;
		case RIG_LXOR:
			all = !all != !x;
			break;
		case RIG_BAND:
			all &= x;
			break;
		case RIG_BOR:
			all |= x;
			break;
		default:
			all ^= x;
		}
	}
	return all;
}

#define ELEMENTS 700 /* beyond a line, and slices of more than two ranks */

/* One operation on one type, short and long, whole and in part. */
#define CHECK(TYPE, DTYPE, OP)                                                 \
	do {                                                                   \
		static TYPE it[ELEMENTS], all[ELEMENTS];                       \
		const TYPE wanted = (TYPE)folded(OP, size);                    \
		const TYPE lower = (TYPE)folded(OP, rank + 1);                 \
                                                                               \
		for (size_t i = 0; i < ELEMENTS; i++)                          \
			it[i] = (TYPE)has(rank);                               \
		for (size_t n = 1; r == 0 && n <= ELEMENTS;                    \
		     n += ELEMENTS - 1) {                                      \
			r = rig_team_allreduce(team, it, all, n, DTYPE, OP);   \
			if (r == 0 &&                                          \
			    (all[0] != wanted || all[n - 1] != wanted))        \
				r = rig_team_fail(team, -EBADMSG,              \
						  "allreduce " #DTYPE          \
						  " " #OP);                    \
			if (r == 0)                                            \
				r = rig_team_scan(team, it, all, n, DTYPE,     \
						  OP);                         \
			if (r == 0 &&                                          \
			    (all[0] != lower || all[n - 1] != lower))          \
				r = rig_team_fail(team, -EBADMSG,              \
						  "scan " #DTYPE " " #OP);     \
		}                                                              \
		if (r < 0)                                                     \
			return r;                                              \
	} while (0)
#define CHECK_COMPLEX(TYPE, DTYPE)                                             \
	CHECK(TYPE, DTYPE, RIG_SUM);                                           \
	CHECK(TYPE, DTYPE, RIG_PROD)
#define CHECK_REAL(TYPE, DTYPE)                                                \
	CHECK_COMPLEX(TYPE, DTYPE);                                            \
	CHECK(TYPE, DTYPE, RIG_MIN);                                           \
	CHECK(TYPE, DTYPE, RIG_MAX)
#define CHECK_INTEGER(TYPE, DTYPE)                                             \
	CHECK_REAL(TYPE, DTYPE);                                               \
	CHECK(TYPE, DTYPE, RIG_LAND);                                          \
	CHECK(TYPE, DTYPE, RIG_LOR);                                           \
	CHECK(TYPE, DTYPE, RIG_LXOR);                                          \
	CHECK(TYPE, DTYPE, RIG_BAND);                                          \
	CHECK(TYPE, DTYPE, RIG_BOR);                                           \
	CHECK(TYPE, DTYPE, RIG_BXOR)

#define EACH(NAME, CHECKS)                                                     \
	static int NAME(struct rig_team *team)                                 \
	{                                                                      \
		const int rank = rig_team_rank(team);                          \
		const int size = rig_team_size(team);                          \
		int r = 0;                                                     \
                                                                               \
		CHECKS;                                                        \
		return r;                                                      \
	}

EACH(of_int8, CHECK_INTEGER(int8_t, RIG_INT8))
EACH(of_int16, CHECK_INTEGER(int16_t, RIG_INT16))
EACH(of_int32, CHECK_INTEGER(int32_t, RIG_INT32))
EACH(of_int64, CHECK_INTEGER(int64_t, RIG_INT64))
EACH(of_uint8, CHECK_INTEGER(uint8_t, RIG_UINT8))
EACH(of_uint16, CHECK_INTEGER(uint16_t, RIG_UINT16))
EACH(of_uint32, CHECK_INTEGER(uint32_t, RIG_UINT32))
EACH(of_uint64, CHECK_INTEGER(uint64_t, RIG_UINT64))
EACH(of_float32, CHECK_REAL(float, RIG_FLOAT32))
EACH(of_float64, CHECK_REAL(double, RIG_FLOAT64))
EACH(of_float128, CHECK_REAL(long double, RIG_FLOAT128))
EACH(of_complex64, CHECK_COMPLEX(float _Complex, RIG_COMPLEX64))
EACH(of_complex128, CHECK_COMPLEX(double _Complex, RIG_COMPLEX128))
EACH(of_complex256, CHECK_COMPLEX(long double _Complex, RIG_COMPLEX256))

/* Of equal values the lower place. */
#define PLACED(NAME, TYPE, DTYPE)                                              \
	static int NAME(struct rig_team *team)                                 \
	{                                                                      \
		const int rank = rig_team_rank(team);                          \
		const int size = rig_team_size(team);                          \
		struct TYPE at = { 0 }, found = { 0 };                         \
		int r;                                                         \
                                                                               \
		at.value = (__typeof__(at.value))(rank % 3);                   \
		at.at = 100 - rank;                                            \
		r = rig_team_allreduce(team, &at, &found, 1, DTYPE,            \
				       RIG_MINLOC);                            \
		if (r == 0 && (found.value != 0 ||                             \
			       found.at != 100 - (size - 1) / 3 * 3))          \
			r = rig_team_fail(team, -EBADMSG, "minloc " #DTYPE);   \
		if (r == 0)                                                    \
			r = rig_team_allreduce(team, &at, &found, 1, DTYPE,    \
					       RIG_MAXLOC);                    \
		if (r == 0 && size > 2 &&                                      \
		    (found.value != 2 || found.at != 98 - (size - 3) / 3 * 3)) \
			r = rig_team_fail(team, -EBADMSG, "maxloc " #DTYPE);   \
		return r;                                                      \
	}

PLACED(of_int32_at, rig_int32_at, RIG_INT32_AT)
PLACED(of_int64_at, rig_int64_at, RIG_INT64_AT)
PLACED(of_float32_at, rig_float32_at, RIG_FLOAT32_AT)
PLACED(of_float64_at, rig_float64_at, RIG_FLOAT64_AT)

/* The logical ones, which bool has. */
static int of_bool(struct rig_team *team)
{
	const bool it = rig_team_rank(team) != 0;
	const int size = rig_team_size(team);
	const bool wanted[] = { false, size > 1, (size - 1) % 2 };
	bool all;
	int r = 0;

	for (int op = RIG_LAND; r == 0 && op <= RIG_BXOR; op++) {
		r = rig_team_allreduce(team, &it, &all, 1, RIG_BOOL, op);
		if (r == 0 && all != wanted[(op - RIG_LAND) % 3])
			r = rig_team_fail(team, -EBADMSG, "bool, op %d", op);
	}
	return r;
}

static int every_operation(struct rig_team *team)
{
	static int (*const each[])(struct rig_team *) = {
		of_bool,      of_int8,       of_int16,      of_int32,
		of_int64,     of_uint8,      of_uint16,     of_uint32,
		of_uint64,    of_float32,    of_float64,    of_float128,
		of_complex64, of_complex128, of_complex256, of_int32_at,
		of_int64_at,  of_float32_at, of_float64_at
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(each) / sizeof(*each); i++)
		r = each[i](team);
	return r;
}

START_TEST(every_operation_on_every_type)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	ck_assert_msg(rig_pool_run(pool,
				   &(struct rig_job){
					   .kernel = every_operation }) == 0,
		      "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static int other_root(struct rig_team *team)
{
	int x = 0, r;

	r = rig_team_bcast(team, &x, 1, RIG_INT32, rig_team_rank(team));
	return r < 0 ? r
		     : rig_team_allreduce(team, RIG_IN_PLACE, &x, 1, RIG_INT32,
					  RIG_SUM);
}

static int other_verb(struct rig_team *team)
{
	int x = 0, y;

	if (rig_team_rank(team) == 0)
		return rig_team_allreduce(team, &x, &y, 1, RIG_INT32, RIG_SUM);
	return rig_team_scan(team, &x, &y, 1, RIG_INT32, RIG_SUM);
}

static int other_count(struct rig_team *team)
{
	int x[2] = { 0, 0 };

	return rig_team_allreduce(team, RIG_IN_PLACE, x,
				  1 + (size_t)rig_team_rank(team), RIG_INT32,
				  RIG_SUM);
}

static int waits_for_ever(struct rig_team *team)
{
	int x = 0;

	if (rig_team_rank(team) == 0)
		return 0;
	return rig_team_bcast(team, &x, 1, RIG_INT32, 0);
}

START_TEST(ranks_that_call_differently_are_named)
{
	rig_kernel_fn *kernels[] = { other_root, other_verb, other_count };
	const char *words[] = { "bcast", "scan", "count 2" };
	const char *where[] = { "other_root", "other_verb", "other_count" };
	const char *first;
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = kernels[_i] }),
		-EINVAL);
	ck_assert_msg(strstr(rig_why(), words[_i]), "%s", rig_why());
	first = strstr(strchr(rig_why(), ' '), where[_i]);
	ck_assert_msg(first && strstr(first + 1, where[_i]), "%s", rig_why());
	/* The pool goes on, and what was half done does not matter. */
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = every_operation }),
		0);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_root_that_never_comes_is_a_deadlock)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(
		rig_pool_create(
			&pool, &(struct rig_pool_options){ .workers = 2 + _i }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = waits_for_ever }),
		-EDEADLK);
	ck_assert_msg(strstr(rig_pool_report(pool)->text, "waiting in bcast"),
		      "%s", rig_pool_report(pool)->text);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = waits_for_ever }),
		-EDEADLK);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("collective");
	TCase *right = make_tcase("right", 60);
	TCase *wrong = make_tcase("wrong", 20);

	tcase_add_loop_test(right, reductions_are_right, 0, SIZES);
	tcase_add_loop_test(right, broadcasts_are_right, 0, SIZES);
	tcase_add_loop_test(right, blocks_are_right, 0, SIZES);
	tcase_add_loop_test(right, blocks_of_a_root_are_right, 0, SIZES);
	tcase_add_loop_test(right,
			    an_operation_that_does_not_commute_keeps_rank_order,
			    0, SIZES);
	tcase_add_loop_test(right, every_operation_on_every_type, 0, SIZES);
	suite_add_tcase(suite, right);
	tcase_add_loop_test(wrong, ranks_that_call_differently_are_named, 0, 3);
	tcase_add_loop_test(wrong, a_root_that_never_comes_is_a_deadlock, 0, 3);
	suite_add_tcase(suite, wrong);
	return suite;
}
