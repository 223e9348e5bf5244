/* SPDX-License-Identifier: MIT */
/*
 * test_mixed.c - seeded random programs of everything that ranks do together,
 * on teams that overlap, each step against a serial reference.
 *
 * All ranks draw the same program from the same seed: at each step one thing is
 * done in one of four teams that a rank is in.  What is in a buffer, a message
 * or a counter is a formula of (step, rank, element), so each rank knows what
 * it must get.  Nothing is waited for but what the step itself waits for, so
 * ranks of different teams are steps apart; and now and then a message is begun
 * in one step and complete in a later one.
 */
#include "lib/harness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#define STEPS     150
#define MOST      3000 /* elements */
#define RANKS_MAX 20
#define WORDS     8 /* of the symmetric memory, of each step */
#define LENT      ((size_t)8 << 10)

/* A program as one rank runs it, and the step it is at. */
struct mix {
	struct rig_team *world;
	struct rig_team *team; /* of this step */
	int rank, size;        /* in it */
	int step;
	uint32_t salt;
	size_t n;
	int root;
	uint64_t *words;             /* of this step, in symmetric memory */
	struct rig_request *open[2]; /* over steps */
	uint32_t out, in;
	uint32_t wanted;
};

static uint32_t send[MOST], recv[MOST];

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static uint32_t value(uint32_t salt, int rank, size_t i)
{
	return salt + (uint32_t)rank * 40503u + (uint32_t)i * 2654435761u;
}

static void fill(uint32_t *data, const struct mix *mix, size_t count)
{
	for (size_t i = 0; i < count; i++)
		data[i] = value(mix->salt, mix->rank, i);
}

/* Has `data` what `rank` has from its element `first` on? */
static int expect(const struct mix *mix, const uint32_t *data, int rank,
		  size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (data[i] != value(mix->salt, rank, first + i))
			return -EBADMSG;
	return 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- collectives --- */

static int reduces(struct mix *mix)
{
	const int last = mix->salt % 2 ? mix->size - 1 : mix->rank;
	int r;

	fill(send, mix, mix->n);
	switch (mix->salt % 4) {
	case 0:
		r = rig_team_scan(mix->team, send, recv, mix->n, RIG_UINT32,
				  RIG_SUM);
		break;
	case 1:
		r = rig_team_allreduce(mix->team, send, recv, mix->n,
				       RIG_UINT32, RIG_SUM);
		break;
	case 2:
		memcpy(recv, send, mix->n * sizeof(*recv));
		r = rig_team_scan(mix->team, RIG_IN_PLACE, recv, mix->n,
				  RIG_UINT32, RIG_SUM);
		break;
	default:
		r = rig_team_reduce(mix->team, send, recv, mix->n, RIG_UINT32,
				    RIG_SUM, mix->root);
		if (mix->rank != mix->root)
			return r;
	}
	for (size_t i = 0; r == 0 && i < mix->n; i++) {
		uint32_t all = 0;

		for (int k = 0; k <= last; k++)
			all += value(mix->salt, k, i);
		if (recv[i] != all)
			return -EBADMSG;
	}
	return r;
}

static int moves(struct mix *mix)
{
	const size_t n = mix->n / (size_t)mix->size;
	int r;

	fill(send, mix, mix->n);
	switch (mix->salt % 4) {
	case 0:
		r = rig_team_bcast(mix->team, send, mix->n, RIG_UINT32,
				   mix->root);
		return r ? r : expect(mix, send, mix->root, 0, mix->n);
	case 1:
		r = rig_team_allgather(mix->team, send, n, RIG_UINT32, recv, n,
				       RIG_UINT32);
		for (int k = 0; r == 0 && k < mix->size; k++)
			r = expect(mix, recv + (size_t)k * n, k, 0, n);
		return r;
	case 2:
		r = rig_team_alltoall(mix->team, send, n, RIG_UINT32, recv, n,
				      RIG_UINT32);
		for (int k = 0; r == 0 && k < mix->size; k++)
			r = expect(mix, recv + (size_t)k * n, k,
				   (size_t)mix->rank * n, n);
		return r;
	default:
		r = rig_team_scatter(mix->team, send, n, RIG_UINT32, recv, n,
				     RIG_UINT32, mix->root);
		return r ? r
			 : expect(mix, recv, mix->root, (size_t)mix->rank * n,
				  n);
	}
}

/* Every number is exact, and so is their sum, whatever cancels. */
static double real_of(uint32_t salt, int rank, size_t i)
{
	return ldexp((double)(int32_t)value(salt, rank, i), (int)(i % 90) - 45);
}

static int sums(struct mix *mix)
{
	const size_t n = least(mix->n, 100);
	struct rig_sum exact = { 0 };
	double x[100], all = 0, wanted;
	int r;

	for (int k = 0; k < mix->size; k++)
		for (size_t i = 0; i < n; i++) {
			x[i] = real_of(mix->salt, k, i);
			(void)rig_sum_add(&exact, &x[i], 1, RIG_FLOAT64);
		}
	for (size_t i = 0; i < n; i++)
		x[i] = real_of(mix->salt, mix->rank, i);
	wanted = rig_sum_float64(&exact);
	r = rig_team_sum(mix->team, x, n, RIG_FLOAT64, &all);
	return r == 0 && memcmp(&all, &wanted, sizeof(all)) != 0 ? -EBADMSG : r;
}

static int splits(struct mix *mix)
{
	struct rig_team *part = NULL;
	int64_t own = 1, all = 0;
	int r = rig_team_split_type(
		mix->team, (enum rig_level)(mix->salt % RIG_LEVELS), 0, &part);

	if (r == 0)
		r = rig_team_allreduce(part, &own, &all, 1, RIG_INT64, RIG_SUM);
	if (r == 0 &&
	    (all != rig_team_size(part) ||
	     (mix->salt % RIG_LEVELS == RIG_LEVEL_HOST && all != mix->size)))
		r = -EBADMSG;
	return r ? r : rig_team_free(part);
}

static int meets(struct mix *mix)
{
	return rig_team_barrier(mix->team);
}

/* Every index is in one part of one rank. */
static int shares(struct mix *mix)
{
	struct rig_share share;
	struct rig_span part;
	uint64_t own[2] = { 0, 0 }, all[2] = { 0, 0 };
	int r = rig_share_begin(&share, mix->team, mix->n,
				(enum rig_schedule)(mix->salt % 3),
				mix->salt / 3 % 9);

	if (r < 0)
		return r;
	while (rig_share_next(&share, &part))
		for (size_t i = part.begin; i < part.end; i++) {
			own[0]++;
			own[1] += i * i;
		}
	r = rig_team_allreduce(mix->team, own, all, 2, RIG_UINT64, RIG_SUM);
	for (size_t i = 0; i < mix->n; i++) {
		all[0]--;
		all[1] -= i * i;
	}
	return r == 0 && (all[0] || all[1]) ? -EBADMSG : r;
}

/* --- messages --- */

/* `shift` ranks on, and as many back. */
static void neighbours(const struct mix *mix, int *to, int *from)
{
	const int shift = mix->root;

	*to = (mix->rank + shift) % mix->size;
	*from = (mix->rank + mix->size - shift) % mix->size;
}

static int sends_and_receives(struct mix *mix)
{
	struct rig_status status = { 0 };
	int to, from, r;

	neighbours(mix, &to, &from);
	fill(send, mix, mix->n);
	r = rig_team_sendrecv(mix->team, send, mix->n, RIG_UINT32, to, 3, recv,
			      MOST, RIG_UINT32, from, 3, &status);
	if (r == 0 &&
	    (status.source != from || status.bytes != mix->n * sizeof(*recv)))
		r = -EBADMSG;
	return r ? r : expect(mix, recv, from, 0, mix->n);
}

/* Two by two: the lower sends first, the upper looks what comes. */
static int pairs(struct mix *mix)
{
	const int other = mix->rank ^ 1;
	const bool first = mix->rank < other;
	struct rig_status status = { 0 };
	int r = 0;

	if (other >= mix->size)
		return 0;
	fill(send, mix, mix->n);
	if (first)
		r = rig_team_send(mix->team, send, mix->n, RIG_UINT32, other,
				  5);
	if (r == 0)
		r = rig_team_probe(mix->team, RIG_ANY_SOURCE, 5, &status);
	if (r == 0 &&
	    (status.source != other || status.bytes != mix->n * sizeof(*recv)))
		return -EBADMSG;
	if (r == 0)
		r = rig_team_recv(mix->team, recv, MOST, RIG_UINT32, other,
				  RIG_ANY_TAG, NULL);
	if (r == 0)
		r = expect(mix, recv, other, 0, mix->n);
	if (r == 0 && !first)
		r = rig_team_send(mix->team, send, mix->n, RIG_UINT32, other,
				  5);
	return r;
}

/* To and from everybody; odd steps take what comes first. */
static int all_at_once(struct mix *mix)
{
	const size_t n = least(mix->n, MOST / RANKS_MAX);
	struct rig_request *requests[2 * RANKS_MAX] = { NULL };
	int r = 0, at = 0, done = 0;

	fill(send, mix, n);
	for (int k = 0; r == 0 && k < mix->size; k++)
		r = rig_team_irecv(mix->team, recv + (size_t)k * n, n,
				   RIG_UINT32, k, 6, &requests[k]);
	for (int k = 0; r == 0 && k < mix->size; k++)
		r = rig_team_isend(mix->team, send, n, RIG_UINT32, k, 6,
				   &requests[mix->size + k]);
	if (r == 0 && mix->salt % 2)
		r = rig_team_waitall(mix->team, 2 * mix->size, requests, NULL);
	else
		while (r == 0 && at >= 0) {
			r = rig_team_waitany(mix->team, 2 * mix->size, requests,
					     &at, NULL);
			done += at >= 0;
		}
	if (r == 0 && mix->salt % 2 == 0 && done != 2 * mix->size)
		r = -EBADMSG;
	for (int k = 0; r == 0 && k < mix->size; k++)
		r = expect(mix, recv + (size_t)k * n, k, 0, n);
	return r;
}

/* Each has a place in the segment, lent to the next. */
static int lends(struct mix *mix)
{
	const size_t n = mix->n % (LENT / sizeof(*send));
	uint32_t *strip =
		(uint32_t *)(void *)((char *)rig_team_data(mix->world, 0) +
				     (size_t)rig_team_rank(mix->world) * LENT);
	struct rig_request *request = NULL;
	struct rig_status status = { 0 };
	const void *data = NULL;
	int to, from, r;

	neighbours(mix, &to, &from);
	fill(strip, mix, n);
	r = rig_team_lend(mix->team, strip, n, RIG_UINT32, to, 7, &request);
	if (r == 0)
		r = rig_team_borrow(mix->team, &data, from, 7, &status);
	if (r == 0 && status.bytes != n * sizeof(*strip))
		r = -EBADMSG;
	if (r == 0)
		r = expect(mix, data, from, 0, n);
	if (r == 0)
		r = rig_team_release(mix->team, data);
	return r ? r : rig_team_wait(mix->team, &request, NULL);
}

/* Of the team of all; the one before is complete when the next begins. */
static int finishes(struct mix *mix)
{
	int r = 0;

	if (mix->open[0])
		r = rig_team_waitall(mix->world, 2, mix->open, NULL);
	return r == 0 && mix->in != mix->wanted ? -EBADMSG : r;
}

static int begins(struct mix *mix)
{
	const int rank = rig_team_rank(mix->world);
	const int size = rig_team_size(mix->world);
	const int last = (rank + size - 1) % size;
	int r = finishes(mix);

	mix->out = value(mix->salt, rank, 0);
	mix->wanted = value(mix->salt, last, 0);
	if (r == 0)
		r = rig_team_irecv(mix->world, &mix->in, 1, RIG_UINT32, last, 9,
				   &mix->open[0]);
	if (r == 0)
		r = rig_team_isend(mix->world, &mix->out, 1, RIG_UINT32,
				   (rank + 1) % size, 9, &mix->open[1]);
	return r;
}

/* --- grids --- */

static int exchanges_blocks(struct mix *mix, struct rig_team *cart, int ndims)
{
	const int sides = 2 * ndims, rank = rig_team_rank(cart);
	const size_t n = mix->n % 50;
	int r;

	for (size_t i = 0; i < (size_t)sides * n; i++) {
		send[i] = value(mix->salt, rank, i);
		recv[i] = 1;
	}
	r = rig_team_neighbor_alltoall(cart, send, n, RIG_UINT32, recv, n,
				       RIG_UINT32);
	for (int k = 0; r == 0 && k < sides; k++) {
		uint32_t *block = recv + (size_t)k * n;
		int side[2];

		r = rig_team_cart_shift(cart, k / 2, 1, &side[0], &side[1]);
		if (r == 0 && side[k % 2] == RIG_PROC_NULL && n && *block != 1)
			r = -EBADMSG;
		if (r == 0 && side[k % 2] != RIG_PROC_NULL)
			r = expect(mix, block, side[k % 2], (size_t)(k ^ 1) * n,
				   n);
	}
	return r;
}

/* What belongs at (local) row and column of this rank's array; 0: beyond an
 * edge. */
static uint32_t cell(const struct mix *mix, const int *dims,
		     const bool *periods, const int *coords, const int *local,
		     int own, int width)
{
	int at[2];

	for (int i = 0; i < 2; i++) {
		const int all = own * dims[i];

		at[i] = coords[i] * own + local[i] - width;
		if (periods[i])
			at[i] = (at[i] + all) % all;
		if (at[i] < 0 || at[i] >= all)
			return 0;
	}
	return value(mix->salt, at[0], (size_t)at[1]) | 1;
}

static int exchanges_halo(struct mix *mix, struct rig_team *cart,
			  const int *dims, const bool *periods)
{
	enum { OWN_MAX = 8, WIDTH_MAX = 3, SIDE_MAX = OWN_MAX + 2 * WIDTH_MAX };
	static uint32_t array[SIDE_MAX * SIDE_MAX];
	const int width = 1 + (int)(mix->salt % WIDTH_MAX);
	const int own = WIDTH_MAX + (int)(mix->salt / 7 % 6);
	const int side = own + 2 * width;
	const size_t extents[2] = { (size_t)side, (size_t)side };
	int coords[RIG_DIMS_MAX], r;

	(void)rig_team_cart_get(cart, NULL, NULL, NULL, coords);
	for (int i = 0; i < side * side; i++) {
		const int at[2] = { i / side, i % side };
		const bool mine = at[0] >= width && at[0] < width + own &&
				  at[1] >= width && at[1] < width + own;

		array[i] =
			mine ? cell(mix, dims, periods, coords, at, own, width)
			     : 0;
	}
	r = rig_team_halo(cart, array, extents, (size_t)width, RIG_UINT32);
	for (int i = 0; r == 0 && i < side * side; i++) {
		const int at[2] = { i / side, i % side };

		if (array[i] !=
		    cell(mix, dims, periods, coords, at, own, width))
			r = -EBADMSG;
	}
	return r;
}

static int grids(struct mix *mix)
{
	const bool periods[2] = { mix->salt & 1, mix->salt & 2 };
	struct rig_team *cart = NULL;
	int dims[2] = { 0, 0 };
	int r = rig_dims_create(mix->size, 2, dims);

	if (r == 0)
		r = rig_team_cart_create(mix->team, 2, dims, periods, &cart);
	if (r == 0)
		r = exchanges_blocks(mix, cart, 2);
	if (r == 0)
		r = exchanges_halo(mix, cart, dims, periods);
	return r ? r : rig_team_free(cart);
}

/* --- one-sided: each step has words of its own --- */

static int accumulates(struct mix *mix)
{
	uint64_t own[WORDS], wanted = 0;
	int r;

	for (size_t i = 0; i < WORDS; i++)
		own[i] = value(mix->salt, mix->rank, i);
	r = rig_team_accumulate(mix->team, mix->words, own, WORDS, RIG_UINT64,
				RIG_SUM, mix->root);
	if (r == 0)
		r = rig_team_barrier(mix->team);
	for (size_t i = 0; r == 0 && mix->rank == mix->root && i < WORDS; i++) {
		wanted = 0;
		for (int k = 0; k < mix->size; k++)
			wanted += value(mix->salt, k, i);
		if (mix->words[i] != wanted)
			r = -EBADMSG;
	}
	return r;
}

/* What each found before it added are 0, 1, 2, ...; and one swaps. */
static int counts(struct mix *mix)
{
	uint64_t before[2] = { 0, 0 }, all[2] = { 0, 0 };
	const uint64_t size = (uint64_t)mix->size;
	int r = rig_team_fetch_add(mix->team, &mix->words[0], 1, mix->root,
				   &before[0]);

	if (r == 0)
		r = rig_team_compare_swap(mix->team, &mix->words[1], 0,
					  (uint64_t)mix->rank + 1, mix->root,
					  &before[1]);
	before[1] = before[1] == 0;
	if (r == 0)
		r = rig_team_allreduce(mix->team, before, all, 2, RIG_UINT64,
				       RIG_SUM);
	return r == 0 && (all[0] != size * (size - 1) / 2 || all[1] != 1)
		       ? -EBADMSG
		       : r;
}

/* A plain word that only who has the lock reads and writes. */
static int locks(struct mix *mix)
{
	uint64_t word = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		r = rig_team_lock(mix->team, mix->words, mix->root);
		if (r == 0)
			r = rig_team_get(mix->team, &word, &mix->words[2],
					 sizeof(word), mix->root);
		word++;
		if (r == 0)
			r = rig_team_put(mix->team, &mix->words[2], &word,
					 sizeof(word), mix->root);
		if (r == 0)
			r = rig_team_unlock(mix->team, mix->words, mix->root);
	}
	if (r == 0)
		r = rig_team_barrier(mix->team);
	return r == 0 && mix->rank == mix->root &&
			       mix->words[2] != 3 * (uint64_t)mix->size
		       ? -EBADMSG
		       : r;
}

static int notifies(struct mix *mix)
{
	uint64_t word = value(mix->salt, mix->rank, 1);
	int to, from, r;

	neighbours(mix, &to, &from);
	r = rig_team_put(mix->team, &mix->words[0], &word, sizeof(word), to);
	if (r == 0)
		r = rig_team_notify(mix->team, &mix->words[1], to);
	if (r == 0)
		r = rig_team_wait_until(mix->team, &mix->words[1], 1);
	return r == 0 && mix->words[0] != value(mix->salt, from, 1) ? -EBADMSG
								    : r;
}

/* --- the program --- */

static const struct {
	const char *name;
	int (*fn)(struct mix *mix);
} things[] = {
	{ "a reduction", reduces },
	{ "moved blocks", moves },
	{ "sum", sums },
	{ "split_type", splits },
	{ "barrier", meets },
	{ "share", shares },
	{ "sendrecv", sends_and_receives },
	{ "send and recv", pairs },
	{ "isend and irecv", all_at_once },
	{ "lend and borrow", lends },
	{ "messages over steps", begins },
	{ "a grid", grids },
	{ "accumulate", accumulates },
	{ "fetch_add", counts },
	{ "lock", locks },
	{ "notify", notifies },
};
#define THINGS (sizeof(things) / sizeof(*things))

static int runs(struct rig_team *team, struct mix *mix, uint32_t seed)
{
	const int rank = rig_team_rank(team);
	struct rig_team *teams[4] = { team, NULL, NULL, NULL };
	void *memory = NULL;
	int r = rig_team_alloc(team, STEPS * WORDS * sizeof(uint64_t), &memory);

	if (r == 0)
		r = rig_team_split(team, rank % 2, 0, &teams[1]);
	if (r == 0)
		r = rig_team_split(team, rank / 2, -rank, &teams[2]);
	if (r == 0)
		r = rig_team_split(team, 0, -rank, &teams[3]);
	for (int i = 0; r == 0 && i < STEPS; i++) {
		const uint32_t what = next(&seed) % THINGS;

		mix->team = teams[next(&seed) % 4];
		mix->rank = rig_team_rank(mix->team);
		mix->size = rig_team_size(mix->team);
		mix->step = i;
		mix->salt = next(&seed);
		mix->n =
			next(&seed) % 3 ? next(&seed) % 14 : next(&seed) % MOST;
		mix->root = (int)(next(&seed) % (uint32_t)mix->size);
		mix->words = (uint64_t *)memory + (size_t)i * WORDS;
		r = things[what].fn(mix);
		if (r == -EBADMSG)
			r = rig_team_fail(team, r, "step %d, %s: wrong", i,
					  things[what].name);
	}
	return r;
}

static int random_program(struct rig_team *team)
{
	struct mix mix = { .world = team };
	int r = runs(team, &mix, *(const uint32_t *)rig_team_args(team));

	return r ? r : finishes(&mix);
}

/* How many for each size of team; RUNRIG_PROGRAMS says otherwise. */
static uint32_t programs(void)
{
	const char *value = getenv("RUNRIG_PROGRAMS");

	return value ? (uint32_t)strtoul(value, NULL, 10) : 4;
}

static const int sizes[] = { 1, 2, 3, 5, 9, 4, 7, 20 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

START_TEST(any_mix_of_everything)
{
	struct rig_segment *segment = NULL;
	struct rig_pool *pool = NULL;
	const int size = sizes[_i];

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = size }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, (size_t)size * LENT,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	for (uint32_t i = 0; i < programs(); i++) {
		const uint32_t seed = (uint32_t)_i * 10000 + i;
		const struct rig_job job = {
			.kernel = random_program,
			.segments = { { .name = rig_segment_name(segment) } },
			.args = &seed,
			.args_bytes = sizeof(seed),
		};

		ck_assert_msg(rig_pool_run(pool, &job) == 0,
			      "%d ranks, seed %u: %s", size, seed,
			      rig_pool_report(pool)->text);
	}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("mixed");
	TCase *mixed = make_tcase("mixed", 0);

	tcase_add_loop_test(mixed, any_mix_of_everything, 0, SIZES);
	suite_add_tcase(suite, mixed);
	return suite;
}
