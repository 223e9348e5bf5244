/* SPDX-License-Identifier: MIT */
/*
 * test_way.c - past the caches or plainly: the choice after trials, the same way in
 * all ranks, and the same data both ways.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "team/call.h"
#include "team/mail.h"
#include "team/rank.h"
#include "team/way.h"

#define BYTES ((size_t)64 << 10)

/* The trials of a choice of two. */
#define TRIALS (WAY_MESSAGES * WAY_TRIALS_EACH)

/* A round of trials: plain takes `plain` ns, past the caches `past`. */
static void try_both(struct way *way, uint64_t plain, uint64_t past)
{
	bool trial;

	for (int i = 0; i < TRIALS; i++) {
		const int way_taken = way_next(way, WAY_MESSAGES, &trial);

		ck_assert(trial);
		ck_assert_int_eq(way_taken, i % 2);
		/* A late time does not matter: the least time decides. */
		way_used(way, WAY_MESSAGES, way_taken,
			 (way_taken ? past : plain) + (i < 2 ? 5000 : 0));
	}
	ck_assert_int_eq(way->calls, TRIALS);
	way_decide(way, WAY_MESSAGES);
}

/* The calls until both ways are tried again; all calls take the faster way. */
static int rest(struct way *way, bool past)
{
	bool trial;
	int count = 0;

	do {
		ck_assert_int_eq(way_next(way, WAY_MESSAGES, &trial), past);
		ck_assert(!trial);
		way_used(way, WAY_MESSAGES, past, 0);
		count++;
	} while (way->calls);
	return count;
}

START_TEST(the_faster_way_is_taken)
{
	struct way way = { .rest = 0 };

	try_both(&way, 100, 80);
	ck_assert_int_eq(rest(&way, true), WAY_REST_FIRST);
	/* Looked at again: as good as the same changes nothing. */
	try_both(&way, 98, 100);
	ck_assert_int_eq(rest(&way, true), 2 * WAY_REST_FIRST);
	try_both(&way, 80, 100);
	ck_assert_int_eq(rest(&way, false), 4 * WAY_REST_FIRST);
	for (int i = 0; i < 10; i++) {
		try_both(&way, 80, 100);
		ck_assert_int_le(rest(&way, false), WAY_REST_MOST);
	}
}
END_TEST

/* Trials of all ways, each with its time; then the best one is taken. */
static void try_all(struct way *way, const uint64_t *ns, int best)
{
	bool trial;

	way->calls = 0;
	memset(way->least, 0, sizeof(way->least));
	for (int i = 0; i < WAYS * WAY_TRIALS_EACH; i++) {
		ck_assert_int_eq(way_next(way, WAYS, &trial), i % WAYS);
		ck_assert(trial);
		way_used(way, WAYS, i % WAYS, ns[i % WAYS]);
	}
	way_decide(way, WAYS);
	ck_assert_int_eq(way_next(way, WAYS, &trial), best);
	ck_assert(!trial);
}

START_TEST(the_fastest_of_all_is_taken)
{
	struct way way = { .rest = 0 };

	try_all(&way, (const uint64_t[]){ 100, 90, 80, 70, 60, 50 }, 5);
	try_all(&way, (const uint64_t[]){ 100, 60, 80, 70, 90, 90 }, 1);
	/* The fastest is as good as the same. */
	try_all(&way, (const uint64_t[]){ 98, 100, 99, 101, 99, 97 }, 1);
	try_all(&way, (const uint64_t[]){ 98, 100, 99, 70, 99, 97 }, 3);
}
END_TEST

START_TEST(sizes_are_powers_of_two)
{
	ck_assert_int_eq(way_size(COPY_BYPASS_BYTES), 0);
	ck_assert_int_eq(way_size(2 * COPY_BYPASS_BYTES - 1), 0);
	ck_assert_int_eq(way_size(2 * COPY_BYPASS_BYTES), 1);
	ck_assert_int_eq(way_size(SIZE_MAX / 2), WAY_SIZES - 1);
}
END_TEST

/* A time of a hand-over, the expected distance, and whether the distance is new. */
static void seen(struct way_distances *distances, uint64_t ns, int now,
		 bool is_new)
{
	bool fresh;

	way_distance_seen(distances, ns, &fresh);
	ck_assert_int_eq(distances->now, now);
	ck_assert_int_eq(fresh, is_new);
}

START_TEST(distances_are_told_apart)
{
	struct way_distances distances = { .now = 0 };

	seen(&distances, 70, 0, true);
	seen(&distances, 90, 0, false);
	seen(&distances, 250, 1, true);
	seen(&distances, 240, 1, false);
	/* Back to the first, which is known. */
	seen(&distances, 65, 0, false);
	seen(&distances, 260, 1, false);
	seen(&distances, 70, 0, false);
	/* There is a place for a third. */
	seen(&distances, 28, 2, true);
	seen(&distances, 240, 1, false);
	seen(&distances, 70, 0, false);
	seen(&distances, 30, 2, false);
	/* A fourth takes the place of a distance that is not present. */
	seen(&distances, 2000, 0, true);
	seen(&distances, 250, 1, false);
	seen(&distances, 70, 2, true);
	seen(&distances, UINT64_MAX, 0, true);
	seen(&distances, 0, 1, true);
}
END_TEST

static void fill(unsigned char *data, int rank, int turn)
{
	memset(data, rank * 31 + turn, BYTES);
}

static bool has(const unsigned char *data, int rank, int turn)
{
	for (size_t i = 0; i < BYTES; i += 61)
		if (data[i] != (unsigned char)(rank * 31 + turn))
			return false;
	return data[BYTES - 1] == (unsigned char)(rank * 31 + turn);
}

/* Where the team is now. */
static struct way *choice_of(struct rig_team *team)
{
	return &team->ways[team->distances.now][WAY_ALLGATHER][way_size(BYTES)];
}

/* All uses, through trials and beyond; then all ranks have the same choice. */
static int gathers(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	unsigned char *mine = malloc(BYTES);
	unsigned char *all = malloc(BYTES * (size_t)size);
	const struct way *way;
	uint32_t own, both[2];
	uint64_t most;
	int r = mine && all ? 0 : -ENOMEM;

	/* Trials are begun anew where other work on the cores delays a hand-over. */
	for (int turn = 0;
	     r == 0 && (turn < 2 * WAY_COPIES * WAY_TRIALS_EACH ||
			(choice_of(team)->rest == 0 && turn < 200 * TRIALS));
	     turn++) {
		fill(mine, rank, turn);
		r = rig_team_allgather(team, mine, BYTES, RIG_UINT8, all, BYTES,
				       RIG_UINT8);
		for (int i = 0; r == 0 && i < size; i++)
			if (!has(all + (size_t)i * BYTES, i, turn))
				r = rig_team_fail(team, -EBADMSG,
						  "turn %d, block %d", turn, i);
	}
	way = choice_of(team);
	own = way->taken | (uint32_t)way->calls << 1 |
	      (uint32_t)way->rest << 16;
	if (r == 0)
		r = rig_team_allreduce(team, &own, &both[0], 1, RIG_UINT32,
				       RIG_MIN);
	if (r == 0)
		r = rig_team_allreduce(team, &own, &both[1], 1, RIG_UINT32,
				       RIG_MAX);
	if (r == 0 && (both[0] != both[1] || way->rest == 0))
		r = rig_team_fail(team, -EBADMSG, "%x, but %x", both[0],
				  both[1]);
	/* All ranks have measured a hand-over, if any rank has. */
	own = team->distances.handover[team->distances.now];
	most = own;
	if (r == 0)
		r = reduce_most(team, &most, 1);
	if (r == 0 && (own != most || !own != !team->owner->patience.spin_ns))
		r = rig_team_fail(team, -EBADMSG,
				  "a hand-over of %u ns, but of %u", own,
				  (uint32_t)most);
	free(mine);
	free(all);
	return r;
}

/* A reduce goes all ways and beyond, with the same sums; then both ranks have
 * decided alike. */
static int reduces(struct rig_team *team)
{
	const size_t count = BYTES / sizeof(uint32_t);
	const int rank = rig_team_rank(team);
	uint32_t *x = malloc(BYTES), *sum = malloc(BYTES);
	struct way *way = team->ways[0][WAY_REDUCE];
	uint64_t mine, most;
	int r = x && sum ? 0 : -ENOMEM;

	for (int turn = 0; r == 0 && (turn < 2 * WAYS * WAY_TRIALS_EACH ||
				      (way->rest == 0 && turn < 200 * TRIALS));
	     turn++) {
		for (size_t i = 0; i < count; i++)
			x[i] = (uint32_t)(turn + 1) *
			       ((uint32_t)i + (uint32_t)rank);
		r = rig_team_reduce(team, x, sum, count, RIG_UINT32, RIG_SUM,
				    turn % 2);
		for (size_t i = 0; r == 0 && rank == turn % 2 && i < count; i++)
			if (sum[i] != (uint32_t)(turn + 1) * (2 * i + 1))
				r = rig_team_fail(team, -EBADMSG,
						  "turn %d, item %zu", turn, i);
		way = &team->ways[team->distances.now][WAY_REDUCE]
				 [way_size(BYTES)];
	}
	mine = most = way->taken + 1u;
	if (r == 0)
		r = reduce_most(team, &most, 1);
	if (r == 0 && (way->rest == 0 || most != mine))
		r = rig_team_fail(team, -EBADMSG, "way %d, rest %d", way->taken,
				  way->rest);
	for (int i = 0; r == 0 && i < WAYS && way->calls; i++)
		if (!way->least[i])
			r = rig_team_fail(team, -EBADMSG, "way %d: not timed",
					  i);
	free(x);
	free(sum);
	return r;
}

START_TEST(a_reduce_of_two_goes_all_ways)
{
	make_pool(2);
	ck_assert_msg(run(reduces) == 0, "%s", rig_why());
	ck_assert_msg(run(reduces) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* After a failure ranks may be at different trials: all begin anew. */
static int fails(struct rig_team *team)
{
	(void)gathers(team);
	if (rig_team_rank(team) == 1)
		choice_of(team)->calls = 1;
	return -EDOM;
}

/* 2 ranks have a core each on most machines, and measure; 3 ranks may share cores. */
START_TEST(all_ranks_take_the_same)
{
	make_pool(_i);
	ck_assert_msg(run(gathers) == 0, "%s", rig_why());
	ck_assert_msg(run(gathers) == 0, "%s", rig_why());
	ck_assert_int_eq(run(fails), -EDOM);
	ck_assert_msg(run(gathers) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* Messages go to and fro, until the sender has decided. */
static int sends(struct rig_team *team)
{
	const int rank = rig_team_rank(team), other = !rank;
	unsigned char *mine = malloc(BYTES), *got = malloc(BYTES);
	int r = mine && got ? 0 : -ENOMEM;

	for (int turn = 0; r == 0 && turn <= TRIALS; turn++) {
		fill(mine, rank, turn);
		if (rank == 0)
			r = rig_team_send(team, mine, BYTES, RIG_UINT8, other,
					  1);
		if (r == 0)
			r = rig_team_recv(team, got, BYTES, RIG_UINT8, other, 1,
					  NULL);
		if (r == 0 && rank == 1)
			r = rig_team_send(team, mine, BYTES, RIG_UINT8, other,
					  1);
		if (r == 0 && !has(got, other, turn))
			r = rig_team_fail(team, -EBADMSG, "turn %d", turn);
	}
	if (r == 0) {
		const struct way *way =
			&team->owner->mail->sent[other].ways[way_size(BYTES)];

		if (!way->again || !way->least[0] || !way->least[1])
			r = rig_team_fail(team, -EBADMSG,
					  "not timed: %u and %u ns",
					  way->least[0], way->least[1]);
	}
	free(mine);
	free(got);
	return r;
}

START_TEST(messages_are_timed)
{
	make_pool(2);
	ck_assert_msg(run(sends) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("way");
	TCase *tcase = make_tcase("way", 20);

	tcase_add_test(tcase, the_faster_way_is_taken);
	tcase_add_test(tcase, the_fastest_of_all_is_taken);
	tcase_add_test(tcase, sizes_are_powers_of_two);
	tcase_add_test(tcase, distances_are_told_apart);
	tcase_add_loop_test(tcase, all_ranks_take_the_same, 2, 4);
	tcase_add_test(tcase, a_reduce_of_two_goes_all_ways);
	tcase_add_test(tcase, messages_are_timed);
	suite_add_tcase(suite, tcase);
	return suite;
}
