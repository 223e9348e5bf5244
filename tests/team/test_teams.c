/* SPDX-License-Identifier: MIT */
/*
 * test_teams.c - teams split off a team: the members, and calls of one team that do
 * not disturb another team.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "place/place.h"
#include "lib/job_pool.h"
#include "team/rank.h"

static const int sizes[] = { 1, 2, 3, 5, 9, 4, 8, 20, 64 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

/* The sum of the ranks of `team`. */
static int sum(struct rig_team *team, int64_t own, int64_t *all)
{
	return rig_team_allreduce(team, &own, all, 1, RIG_INT64, RIG_SUM);
}

/* By colour, in reverse order. */
static int splits(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const int color = rank % 3;
	const int members = (size - color + 2) / 3;
	struct rig_team *part = NULL;
	int64_t all, wanted = 0;
	int r = rig_team_split(team, color, -rank, &part);

	for (int i = color; i < size; i += 3)
		wanted += i;
	if (r < 0)
		return r;
	if (rig_team_size(part) != members ||
	    rig_team_rank(part) != members - 1 - rank / 3)
		return rig_team_fail(team, -EBADMSG, "rank %d of %d",
				     rig_team_rank(part), rig_team_size(part));
	/* Ranks of one team go ahead of the ranks of another team. */
	for (int i = 0; r == 0 && i < 50 * (color + 1); i++) {
		r = sum(part, rank, &all);
		if (r == 0 && all != wanted)
			r = rig_team_fail(team, -EBADMSG, "sum %lld",
					  (long long)all);
	}
	if (r == 0)
		r = rig_team_barrier(part);
	return r < 0 ? r : rig_team_free(part);
}

START_TEST(ranks_of_a_colour_are_a_team_in_the_order_of_their_keys)
{
	make_pool(sizes[_i]);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(run(splits) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static int leaves_out(struct rig_team *team)
{
	const int rank = rig_team_rank(team);
	struct rig_team *part = team;
	int r = rig_team_split(team, rank ? 7 : RIG_UNDEFINED, 0, &part);

	if (r < 0)
		return r;
	if (rank == 0 && part)
		return rig_team_fail(team, -EBADMSG, "is in a team");
	if (rank && rig_team_rank(part) != rank - 1)
		return rig_team_fail(team, -EBADMSG, "has another rank");
	return rig_team_free(part);
}

START_TEST(a_rank_without_a_colour_is_in_none)
{
	make_pool(4);
	ck_assert_msg(run(leaves_out) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* More teams than there is room for, one after the other: halves of different length,
 * so that blocks change hands between ranks. */
static int splits_again_and_again(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);

	for (int i = 0; i < 400; i++) {
		const int first = 1 + i % (size - 1);
		const bool low = rank < first;
		struct rig_team *part = NULL;
		int64_t all;
		int r = rig_team_split(team, low, 0, &part);

		for (int k = 0; r == 0 && k < (low ? i % 40 : 2); k++) {
			r = sum(part, i, &all);
			if (r == 0 && all != i * (low ? first : size - first))
				r = rig_team_fail(team, -EBADMSG,
						  "team %d: sum %lld", i,
						  (long long)all);
		}
		if (r == 0)
			r = rig_team_free(part);
		if (r < 0)
			return r;
	}
	return 0;
}

START_TEST(memory_of_a_team_that_was_freed_serves_another)
{
	make_pool(5);
	for (int i = 0; i < (harness_long() ? 3 : 1); i++)
		ck_assert_msg(run(splits_again_and_again) == 0, "%s",
			      rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* All ranks hear that there is no room, with the same words: also a rank that wants
 * no team, and a rank alone in a team. */
static int takes_all(struct rig_team *team)
{
	const int rank = rig_team_rank(team);
	struct rig_team *part = team;
	char words[200], first[200];
	int made = 0, r;

	while ((r = rig_team_dup(team, &part)) == 0)
		made++;
	if (r != -ENOSPC || made < 4000)
		return rig_team_fail(team, -EBADMSG, "%d after %d", r, made);
	for (int i = 0; i < 3; i++) {
		/* Rank 1 alone would find room, for the team of rank 1 is small. */
		r = rig_team_split(team, i == 2 && rank ? RIG_UNDEFINED : 0, 0,
				   &part);
		if (i < 2 && r != -ENOSPC)
			return rig_team_fail(team, -EBADMSG, "split: %d", r);
	}
	if (r != -ENOSPC)
		return 0; /* a team of one rank still fits */
	snprintf(words, sizeof(words), "%s", rig_why());
	memcpy(first, words, sizeof(first));
	r = rig_team_bcast(team, first, sizeof(first), RIG_UINT8, 0);
	if (r == 0 && (!strstr(words, "no room") || strcmp(words, first) != 0))
		r = rig_team_fail(team, -EBADMSG, "\"%s\"", words);
	return r;
}

/* Teams that are not freed go with the run. */
START_TEST(too_many_teams_are_an_error_until_the_run_ends)
{
	make_pool(3);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(run(takes_all) == 0, "%s", rig_why());
	ck_assert_int_eq(run(splits), 0);
	rig_pool_destroy(pool);
}
END_TEST

/* There is no room for a team of all; rank 0 wants no team, and the others a team. */
static int wants_none(struct rig_team *team)
{
	struct rig_team *part = team;
	int r;

	while ((r = rig_team_dup(team, &part)) == 0)
		;
	while (r == -ENOSPC &&
	       rig_team_split(team, rig_team_rank(team), 0, &part) == 0)
		;
	r = rig_team_split(team, rig_team_rank(team) ? 0 : RIG_UNDEFINED, 0,
			   &part);
	if (r != -ENOSPC || !strstr(rig_why(), "no room"))
		return rig_team_fail(team, -EBADMSG, "%d: %s", r, rig_why());
	return 0;
}

START_TEST(who_wants_no_team_hears_that_others_find_no_room)
{
	make_pool(3);
	ck_assert_msg(run(wants_none) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* Teams of all, half, quarter ranks, many at once, freed in odd order. */
static int many_of_each_size(struct rig_team *team)
{
	static struct rig_team *parts[900];
	const int size = rig_team_size(team);
	const int many = harness_long() ? 900 : 200;
	int r = 0;

	for (int round = 0; round < 2; round++)
		for (int n = round ? 1 : size; r == 0 && n >= 1 && n <= size;
		     n = round ? 2 * n : n / 2) {
			for (int i = 0; r == 0 && i < many; i++)
				r = rig_team_split(team,
						   rig_team_rank(team) / n, 0,
						   &parts[i]);
			for (int i = 0; r == 0 && i < many; i++) {
				int64_t all = 0;

				if (i % 100 == 0)
					r = sum(parts[i * 7 % many], 1, &all);
				if (r == 0 && i % 100 == 0 && all != n)
					r = rig_team_fail(team, -EBADMSG,
							  "%d of %d", (int)all,
							  n);
			}
			for (int i = 0; r == 0 && i < many; i++)
				r = rig_team_free(parts[i * 7 % many]);
		}
	return r;
}

START_TEST(memory_of_teams_serves_those_of_other_sizes)
{
	make_pool(4);
	ck_assert_msg(run(many_of_each_size) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#define MOST 3000

static int one_of_many(struct rig_team *part, uint32_t what, size_t n, int root,
		       uint32_t salt)
{
	static uint32_t send[MOST], recv[MOST];
	const int rank = rig_team_rank(part), size = rig_team_size(part);
	uint32_t all = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		send[i] = recv[i] = salt + (uint32_t)i + (uint32_t)rank;
	for (int i = 0; i < size; i++)
		all += salt + (uint32_t)i;
	switch (what % 4) {
	case 0:
		r = rig_team_allreduce(part, send, recv, n, RIG_UINT32,
				       RIG_SUM);
		for (size_t i = 0; r == 0 && i < n; i++)
			if (recv[i] != all + (uint32_t)i * (uint32_t)size)
				return -EBADMSG;
		return r;
	case 1:
		r = rig_team_bcast(part, recv, n, RIG_UINT32, root);
		for (size_t i = 0; r == 0 && i < n; i++)
			if (recv[i] != salt + (uint32_t)i + (uint32_t)root)
				return -EBADMSG;
		return r;
	case 2:
		r = rig_team_reduce(part, send, recv, n, RIG_UINT32, RIG_SUM,
				    root);
		for (size_t i = 0; r == 0 && rank == root && i < n; i++)
			if (recv[i] != all + (uint32_t)i * (uint32_t)size)
				return -EBADMSG;
		return r;
	default:
		r = rig_team_scan(part, send, recv, n, RIG_UINT32, RIG_MAX);
		for (size_t i = 0; r == 0 && i < n; i++)
			if (recv[i] != salt + (uint32_t)i + (uint32_t)rank)
				return -EBADMSG;
		return r;
	}
}

/* A program that all ranks draw from the same seed, over the team of all and two ways
 * of dividing the team: each rank is in three teams that overlap. */
static int random_program(struct rig_team *team)
{
	uint32_t seed = *(const uint32_t *)rig_team_args(team);
	const int rank = rig_team_rank(team);
	struct rig_team *teams[3] = { team, NULL, NULL };
	int r = rig_team_split(team, rank % 2, 0, &teams[1]);

	if (r == 0)
		r = rig_team_split(team, rank / 2, -rank, &teams[2]);
	for (int i = 0; r == 0 && i < 300; i++) {
		struct rig_team *part = teams[next(&seed) % 3];
		uint32_t what = next(&seed), salt = next(&seed);
		size_t n =
			next(&seed) % 3 ? next(&seed) % 14 : next(&seed) % MOST;
		int root = (int)(next(&seed) % (uint32_t)rig_team_size(part));

		/* All ranks draw the same, but teams differ in size. */
		r = one_of_many(part, what, n, root, salt);
		if (r == -EBADMSG)
			r = rig_team_fail(team, r, "step %d: wrong", i);
	}
	return r;
}

START_TEST(any_mix_on_teams_that_overlap)
{
	make_pool(2 + _i % 7);
	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t seed = (uint32_t)_i * 4 + i;

		ck_assert_msg(
			rig_pool_run(pool,
				     &(struct rig_job){
					     .kernel = random_program,
					     .args = &seed,
					     .args_bytes = sizeof(seed) }) == 0,
			"seed %u: %s", seed, rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* A rank dies in a collective of a team; the next run has the same team. */
static int dies(struct rig_team *team)
{
	struct rig_team *part = NULL;
	int64_t all;
	int r = rig_team_dup(team, &part);

	for (int i = 0; r == 0 && i < 20; i++)
		r = sum(part, 1, &all);
	if (rig_team_rank(team) == 1)
		abort();
	return r < 0 ? r : sum(part, 1, &all);
}

START_TEST(a_death_leaves_nothing_to_the_next_team)
{
	make_pool(3);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(run(dies), -EOWNERDEAD);
		ck_assert_msg(run(splits) == 0, "%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

/* Rank 0 sends long data to all ranks and goes on, in a team without the others; rank
 * 1 comes late to read the data. */
static int says_and_goes_on(struct rig_team *team)
{
	static uint64_t data[30000], more[4000], out[4000];
	const int rank = rig_team_rank(team);
	struct rig_team *alone = NULL;
	int r = rig_team_split(team, rank, 0, &alone);

	for (size_t i = 0; i < 30000; i++)
		data[i] = rank ? 0 : i * 3;
	if (rank == 1)
		(void)poll(NULL, 0, 30);
	if (r == 0)
		r = rig_team_bcast(team, data, 30000, RIG_UINT64, 0);
	for (int i = 0; r == 0 && rank == 0 && i < 100; i++)
		r = rig_team_allreduce(alone, more, out, 4000, RIG_UINT64,
				       RIG_SUM);
	for (size_t i = 0; r == 0 && i < 30000; i++)
		if (data[i] != i * 3)
			r = rig_team_fail(team, -EBADMSG, "element %zu", i);
	return r;
}

START_TEST(what_was_said_in_one_team_stays_while_another_is_busy)
{
	make_pool(2);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(run(says_and_goes_on) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* The expected results of a rank of a described machine. */
struct described {
	int where[RIG_LEVELS][64]; /* by level and rank */
};

static int splits_by_level(struct rig_team *team)
{
	const struct described *machine = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	int r = 0;

	for (int level = 0; r == 0 && level < RIG_LEVELS; level++) {
		const int *where = machine->where[level];
		int64_t members = 0, lower = 0, all, wanted = 0;
		struct rig_team *part;

		for (int i = 0; i < size; i++)
			if (where[i] == where[rank]) {
				members++;
				lower += i < rank;
				wanted += i;
			}
		team->owner->levels.number[level] = where[rank];
		r = rig_team_split_type(team, (enum rig_level)level, 0, &part);
		if (r < 0)
			break;
		r = sum(part, rank, &all);
		if (r == 0 && (rig_team_size(part) != members ||
			       rig_team_rank(part) != lower || all != wanted))
			r = rig_team_fail(team, -EBADMSG,
					  "level %d: rank %d of %d", level,
					  rig_team_rank(part),
					  rig_team_size(part));
		if (r == 0)
			r = rig_team_free(part);
	}
	return r;
}

/* Machine, placement, workers, and the place of the last worker. */
static const struct {
	const char *topology, *place;
	int workers;
	int last[RIG_LEVELS]; /* host, package, node, L3 */
} machines[] = {
	{ "package:2 [numa] l3:2 core:2 pu:1", "core", 8, { 0, 1, 1, 3 } },
	{ "package:2 [numa][numa] l3:2 core:4 pu:2",
	  "core",
	  16,
	  { 0, 1, -2, 3 } },
	{ "numa:4 l3:1 core:4 pu:1", "core", 16, { 0, 0, 3, 3 } },
	{ "numa:4 l3:1 core:4 pu:1", "none", 6, { 0, -1, -1, -1 } },
	{ "package:2 [numa] l3:2 core:2 pu:1", "numa", 2, { 0, 1, 1, -1 } },
	{ "package:1 core:3 pu:1", "core", 9, { 0, 0, 0, -1 } },
};
#define MACHINES ((int)(sizeof(machines) / sizeof(*machines)))

START_TEST(ranks_of_a_cache_node_or_package_are_a_team)
{
	struct described machine;
	struct rig_plan *plan;
	struct levels levels = { 0 };
	const int workers = machines[_i].workers;

	ck_assert_msg(rig_place_plan(
			      &plan,
			      &(struct rig_place_options){
				      .workers = workers,
				      .place = machines[_i].place,
				      .topology = machines[_i].topology }) == 0,
		      "%s", rig_why());
	for (int i = 0; i < workers; i++) {
		place_levels(plan, i, &levels);
		for (int level = 0; level < RIG_LEVELS; level++)
			machine.where[level][i] = levels.number[level];
	}
	for (int level = 0; level < RIG_LEVELS; level++)
		if (machines[_i].last[level] != -2)
			ck_assert_int_eq(levels.number[level],
					 machines[_i].last[level]);
	rig_place_free(plan);
	make_pool(workers);
	ck_assert_msg(
		rig_pool_run(pool, &(struct rig_job){ .kernel = splits_by_level,
						      .args = &machine,
						      .args_bytes = sizeof(
							      machine) }) == 0,
		"%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* The levels of this machine, and a number that is no level. */
static int splits_here(struct rig_team *team)
{
	struct rig_team *part;
	int r = rig_team_split_type(team, RIG_LEVEL_HOST, 0, &part);

	if (r == 0 && rig_team_size(part) != rig_team_size(team))
		return rig_team_fail(team, -EBADMSG, "hosts");
	for (int level = 1; r == 0 && level < RIG_LEVELS; level++) {
		r = rig_team_split_type(team, (enum rig_level)level, 0, &part);
		if (r == 0)
			r = rig_team_barrier(part);
	}
	if (r == 0 &&
	    rig_team_split_type(team, RIG_LEVELS, 0, &part) != -EINVAL)
		return rig_team_fail(team, -EBADMSG, "no such level");
	return r;
}

START_TEST(what_ranks_have_in_common_is_known_here)
{
	make_pool(3);
	ck_assert_msg(run(splits_here) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("teams");
	TCase *teams = make_tcase("teams", 60);

	tcase_add_loop_test(
		teams, ranks_of_a_colour_are_a_team_in_the_order_of_their_keys,
		0, SIZES);
	tcase_add_test(teams, a_rank_without_a_colour_is_in_none);
	tcase_add_test(teams, memory_of_a_team_that_was_freed_serves_another);
	tcase_add_test(teams, who_wants_no_team_hears_that_others_find_no_room);
	tcase_add_test(teams, memory_of_teams_serves_those_of_other_sizes);
	tcase_add_test(teams, too_many_teams_are_an_error_until_the_run_ends);
	tcase_add_loop_test(teams, any_mix_on_teams_that_overlap, 0, 14);
	tcase_add_test(teams, a_death_leaves_nothing_to_the_next_team);
	tcase_add_test(teams,
		       what_was_said_in_one_team_stays_while_another_is_busy);
	tcase_add_loop_test(teams, ranks_of_a_cache_node_or_package_are_a_team,
			    0, MACHINES);
	tcase_add_test(teams, what_ranks_have_in_common_is_known_here);
	suite_add_tcase(suite, teams);
	return suite;
}
