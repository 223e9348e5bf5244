/* SPDX-License-Identifier: MIT */
/*
 * test_mixed.c - seeded random programs of all verbs and messages, on teams that
 * overlap, each step against a serial reference.
 *
 * All ranks draw the same program from the same seed: each step is done in one of
 * four teams that the rank is in.  A rank waits only for ranks that the step needs,
 * so ranks of different teams are steps apart; and now and then a message is begun in
 * a step and complete in a later step.
 */
#include "lib/harness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "mixed.h"

#define STEPS     150
#define RANKS_MAX 20
#define LENT      ((size_t)8 << 10)

uint32_t mixed_send[MOST], mixed_recv[MOST];

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

uint32_t mixed_value(uint32_t salt, int rank, size_t i)
{
	return salt + (uint32_t)rank * 40503u + (uint32_t)i * 2654435761u;
}

void mixed_fill(uint32_t *data, const struct mix *mix, size_t count)
{
	for (size_t i = 0; i < count; i++)
		data[i] = mixed_value(mix->salt, mix->rank, i);
}

int mixed_expect(const struct mix *mix, const uint32_t *data, int rank,
		 size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (data[i] != mixed_value(mix->salt, rank, first + i))
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

	mixed_fill(mixed_send, mix, mix->n);
	switch (mix->salt % 4) {
	case 0:
		r = rig_team_scan(mix->team, mixed_send, mixed_recv, mix->n,
				  RIG_UINT32, RIG_SUM);
		break;
	case 1:
		r = rig_team_allreduce(mix->team, mixed_send, mixed_recv,
				       mix->n, RIG_UINT32, RIG_SUM);
		break;
	case 2:
		memcpy(mixed_recv, mixed_send, mix->n * sizeof(*mixed_recv));
		r = rig_team_scan(mix->team, RIG_IN_PLACE, mixed_recv, mix->n,
				  RIG_UINT32, RIG_SUM);
		break;
	default:
		r = rig_team_reduce(mix->team, mixed_send, mixed_recv, mix->n,
				    RIG_UINT32, RIG_SUM, mix->root);
		if (mix->rank != mix->root)
			return r;
	}
	for (size_t i = 0; r == 0 && i < mix->n; i++) {
		uint32_t all = 0;

		for (int k = 0; k <= last; k++)
			all += mixed_value(mix->salt, k, i);
		if (mixed_recv[i] != all)
			return -EBADMSG;
	}
	return r;
}

static int moves(struct mix *mix)
{
	const size_t n = mix->n / (size_t)mix->size;
	int r;

	mixed_fill(mixed_send, mix, mix->n);
	switch (mix->salt % 4) {
	case 0:
		r = rig_team_bcast(mix->team, mixed_send, mix->n, RIG_UINT32,
				   mix->root);
		return r ? r
			 : mixed_expect(mix, mixed_send, mix->root, 0, mix->n);
	case 1:
		r = rig_team_allgather(mix->team, mixed_send, n, RIG_UINT32,
				       mixed_recv, n, RIG_UINT32);
		for (int k = 0; r == 0 && k < mix->size; k++)
			r = mixed_expect(mix, mixed_recv + (size_t)k * n, k, 0,
					 n);
		return r;
	case 2:
		r = rig_team_alltoall(mix->team, mixed_send, n, RIG_UINT32,
				      mixed_recv, n, RIG_UINT32);
		for (int k = 0; r == 0 && k < mix->size; k++)
			r = mixed_expect(mix, mixed_recv + (size_t)k * n, k,
					 (size_t)mix->rank * n, n);
		return r;
	default:
		r = rig_team_scatter(mix->team, mixed_send, n, RIG_UINT32,
				     mixed_recv, n, RIG_UINT32, mix->root);
		return r ? r
			 : mixed_expect(mix, mixed_recv, mix->root,
					(size_t)mix->rank * n, n);
	}
}

/* Every number is exact, and so is the sum, whatever cancels. */
static double real_of(uint32_t salt, int rank, size_t i)
{
	return ldexp((double)(int32_t)mixed_value(salt, rank, i),
		     (int)(i % 90) - 45);
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
void mixed_neighbours(const struct mix *mix, int *to, int *from)
{
	const int shift = mix->root;

	*to = (mix->rank + shift) % mix->size;
	*from = (mix->rank + mix->size - shift) % mix->size;
}

static int sends_and_receives(struct mix *mix)
{
	struct rig_status status = { 0 };
	int to, from, r;

	mixed_neighbours(mix, &to, &from);
	mixed_fill(mixed_send, mix, mix->n);
	r = rig_team_sendrecv(mix->team, mixed_send, mix->n, RIG_UINT32, to, 3,
			      mixed_recv, MOST, RIG_UINT32, from, 3, &status);
	if (r == 0 && (status.source != from ||
		       status.bytes != mix->n * sizeof(*mixed_recv)))
		r = -EBADMSG;
	return r ? r : mixed_expect(mix, mixed_recv, from, 0, mix->n);
}

/* Two by two: the lower rank sends first, the upper rank looks for the message. */
static int pairs(struct mix *mix)
{
	const int other = mix->rank ^ 1;
	const bool first = mix->rank < other;
	struct rig_status status = { 0 };
	int r = 0;

	if (other >= mix->size)
		return 0;
	mixed_fill(mixed_send, mix, mix->n);
	if (first)
		r = rig_team_send(mix->team, mixed_send, mix->n, RIG_UINT32,
				  other, 5);
	if (r == 0)
		r = rig_team_probe(mix->team, RIG_ANY_SOURCE, 5, &status);
	if (r == 0 && (status.source != other ||
		       status.bytes != mix->n * sizeof(*mixed_recv)))
		return -EBADMSG;
	if (r == 0)
		r = rig_team_recv(mix->team, mixed_recv, MOST, RIG_UINT32,
				  other, RIG_ANY_TAG, NULL);
	if (r == 0)
		r = mixed_expect(mix, mixed_recv, other, 0, mix->n);
	if (r == 0 && !first)
		r = rig_team_send(mix->team, mixed_send, mix->n, RIG_UINT32,
				  other, 5);
	return r;
}

/* Messages to and from every rank; odd steps take any message first. */
static int all_at_once(struct mix *mix)
{
	const size_t n = least(mix->n, MOST / RANKS_MAX);
	struct rig_request *requests[2 * RANKS_MAX] = { NULL };
	int r = 0, at = 0, done = 0;

	mixed_fill(mixed_send, mix, n);
	for (int k = 0; r == 0 && k < mix->size; k++)
		r = rig_team_irecv(mix->team, mixed_recv + (size_t)k * n, n,
				   RIG_UINT32, k, 6, &requests[k]);
	for (int k = 0; r == 0 && k < mix->size; k++)
		r = rig_team_isend(mix->team, mixed_send, n, RIG_UINT32, k, 6,
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
		r = mixed_expect(mix, mixed_recv + (size_t)k * n, k, 0, n);
	return r;
}

/* Each has a place in the segment, lent to the next. */
static int lends(struct mix *mix)
{
	const size_t n = mix->n % (LENT / sizeof(*mixed_send));
	uint32_t *strip =
		(uint32_t *)(void *)((char *)rig_team_data(mix->world, 0) +
				     (size_t)rig_team_rank(mix->world) * LENT);
	struct rig_request *request = NULL;
	struct rig_status status = { 0 };
	const void *data = NULL;
	int to, from, r;

	mixed_neighbours(mix, &to, &from);
	mixed_fill(strip, mix, n);
	r = rig_team_lend(mix->team, strip, n, RIG_UINT32, to, 7, &request);
	if (r == 0)
		r = rig_team_borrow(mix->team, &data, from, 7, &status);
	if (r == 0 && status.bytes != n * sizeof(*strip))
		r = -EBADMSG;
	if (r == 0)
		r = mixed_expect(mix, data, from, 0, n);
	if (r == 0)
		r = rig_team_release(mix->team, data);
	return r ? r : rig_team_wait(mix->team, &request, NULL);
}

/* A message in the team of all; the message before is complete when the next begins. */
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

	mix->out = mixed_value(mix->salt, rank, 0);
	mix->wanted = mixed_value(mix->salt, last, 0);
	if (r == 0)
		r = rig_team_irecv(mix->world, &mix->in, 1, RIG_UINT32, last, 9,
				   &mix->open[0]);
	if (r == 0)
		r = rig_team_isend(mix->world, &mix->out, 1, RIG_UINT32,
				   (rank + 1) % size, 9, &mix->open[1]);
	return r;
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
	{ "a grid", mixed_grids },
	{ "accumulate", mixed_accumulates },
	{ "fetch_add", mixed_counts },
	{ "lock", mixed_locks },
	{ "notify", mixed_notifies },
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
