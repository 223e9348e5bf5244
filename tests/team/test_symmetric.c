/* SPDX-License-Identifier: MIT */
/*
 * test_symmetric.c - the heap that all ranks have, and a rank's access to other
 * parts.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

static const int sizes[] = { 1, 2, 3, 5, 9, 64 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

static bool zero(const unsigned char *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (data[i])
			return false;
	return true;
}

/* Blocks of a team and of a part of the team, given back in another order; zero each
 * time, and at the same place of every rank's part. */
static int allocates(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_team *half = NULL;
	void *memory[3] = { NULL };
	int r = rig_team_split(team, rank % 2, 0, &half);

	for (int round = 0; r == 0 && round < 5; round++) {
		for (int i = 0; r == 0 && i < 3; i++) {
			size_t n = 1000 + 9000 * (size_t)i + (size_t)(rank % 2);

			r = rig_team_alloc(i == 1 ? half : team, n, &memory[i]);
			if (r == 0 && !zero(memory[i], n))
				return -EBADMSG;
			if (r == 0)
				memset(memory[i], 1, n);
		}
		if (r == 0 && !rig_team_peer(team, memory[2], size - 1))
			return -EBADMSG;
		for (int i = 0; r == 0 && i < 3; i++)
			r = rig_team_dealloc((i + round) % 3 == 1 ? half : team,
					     memory[(i + round) % 3]);
	}
	return r;
}

/* Each rank writes to the right neighbour, counts everywhere, and adds up at rank 0. */
static int one_sided(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct {
		uint64_t count, swapped, said, lock[2], guarded;
		double sum[40];
		int from;
	} *mine = NULL;
	double ones[40];
	uint64_t before;
	int from = -1;
	int r = rig_team_alloc(team, sizeof(*mine), (void **)&mine);

	for (int i = 0; i < 40; i++)
		ones[i] = i;
	if (r == 0)
		r = rig_team_put(team, &mine->from, &rank, sizeof(rank),
				 (rank + 1) % size);
	if (r == 0)
		r = rig_team_notify(team, &mine->said, (rank + 1) % size);
	if (r == 0)
		r = rig_team_wait_until(team, &mine->said, 1);
	if (r == 0 && mine->from != (rank + size - 1) % size)
		return -EBADMSG;
	for (int i = 0; r == 0 && i < size; i++)
		r = rig_team_fetch_add(team, &mine->count, 2, i, NULL);
	for (int i = 0; r == 0 && i < 20; i++)
		r = rig_team_accumulate(team, mine->sum, ones, 40, RIG_FLOAT64,
					RIG_SUM, 0);
	/* Exactly one rank finds 0. */
	if (r == 0)
		r = rig_team_compare_swap(team, &mine->swapped, 0,
					  (uint64_t)rank + 1, 0, &before);
	if (r == 0 && before == 0)
		r = rig_team_fetch_add(team, &mine->swapped, 1000, 0, NULL);
	for (int i = 0; r == 0 && i < 50; i++) {
		volatile uint64_t *guarded =
			rig_team_peer(team, &mine->guarded, 0);

		r = rig_team_lock(team, mine->lock, 0);
		*guarded = *guarded + 1;
		if (r == 0)
			r = rig_team_unlock(team, mine->lock, 0);
	}
	if (r == 0)
		r = rig_team_barrier(team);
	if (r == 0)
		r = rig_team_get(team, &from, &mine->from, sizeof(from),
				 (rank + 1) % size);
	if (r < 0)
		return r;
	if (from != rank || mine->count != 2 * (uint64_t)size)
		return rig_team_fail(team, -EBADMSG, "from %d, count %llu",
				     from, (unsigned long long)mine->count);
	for (int i = 0; rank == 0 && i < 40; i++)
		if (mine->sum[i] != 20.0 * i * size)
			return rig_team_fail(team, -EBADMSG, "sum %d", i);
	if (rank == 0 &&
	    (mine->swapped <= 1000 || mine->swapped > 1000 + (uint64_t)size ||
	     mine->guarded != 50 * (uint64_t)size))
		return rig_team_fail(team, -EBADMSG, "swapped or guarded");
	return 0;
}

START_TEST(what_one_rank_does_in_anothers_is_seen_there)
{
	make_pool(sizes[_i]);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(run(allocates) == 0, "%s",
			      rig_pool_report(pool)->text);
		ck_assert_msg(run(one_sided) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

static int wrong(struct rig_team *team)
{
	uint64_t *word = NULL, own[2] = { 0 };
	void *memory = NULL;
	int r = rig_team_alloc(team, 100, (void **)&word);

	if (r < 0)
		return r;
	if (rig_team_alloc(team, 0, &memory) != -EINVAL ||
	    rig_team_alloc(team, RIG_HEAP_MAX + 1, &memory) != -EINVAL ||
	    rig_team_alloc(team, RIG_HEAP_MAX, &memory) != -ENOSPC || memory ||
	    rig_team_put(team, own, word, 8, 0) != -EINVAL ||
	    rig_team_put(team, word, own, 8, 2) != -EINVAL ||
	    rig_team_get(team, own, word, 5000, 0) != -EINVAL ||
	    rig_team_notify(team, own, 0) != -EINVAL ||
	    rig_team_notify(team, (uint64_t *)((char *)word + 1), 0) !=
		    -EINVAL ||
	    rig_team_unlock(team, word, 0) != -EINVAL ||
	    rig_team_accumulate(team, word, own, 1, RIG_FLOAT64, RIG_BAND, 0) !=
		    -EINVAL ||
	    rig_team_dealloc(team, word + 1) != -EINVAL ||
	    rig_team_dealloc(team, NULL) != 0 ||
	    rig_team_peer(team, word, -1) || rig_team_peer(team, own, 0))
		return rig_team_fail(team, -EBADMSG, "not refused");
	return 0;
}

static int keeps_lock(struct rig_team *team)
{
	uint64_t *lock = NULL;
	int r = rig_team_alloc(team, 16, (void **)&lock);

	return r < 0 ? r : rig_team_lock(team, lock, 0);
}

static int nobody_notifies(struct rig_team *team)
{
	uint64_t *word = NULL;
	int r = rig_team_alloc(team, 8, (void **)&word);

	if (r == 0 && rig_team_rank(team) == 0)
		r = rig_team_notify(team, word, 1);
	return r < 0 || rig_team_rank(team) == 0
		       ? r
		       : rig_team_wait_until(team, word, 2);
}

START_TEST(wrong_use_is_told)
{
	make_pool(2);
	ck_assert_msg(run(wrong) == 0, "%s", rig_pool_report(pool)->text);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(run(keeps_lock), -EDEADLK);
		ck_assert_ptr_nonnull(strstr(rig_pool_report(pool)->text,
					     "waiting in lock of rank 0"));
		ck_assert_int_eq(run(nobody_notifies), -EDEADLK);
		ck_assert_ptr_nonnull(strstr(rig_pool_report(pool)->text,
					     "waiting in wait_until"));
		ck_assert_msg(run(one_sided) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* The rank with the lock dies. */
static int dies(struct rig_team *team)
{
	uint64_t *lock = NULL;

	if (rig_team_alloc(team, 16, (void **)&lock) == 0)
		(void)rig_team_lock(team, lock, 1);
	abort();
}

START_TEST(a_death_with_a_lock_never_hangs)
{
	make_pool(3);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(run(dies), -EOWNERDEAD);
		ck_assert_msg(run(one_sided) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* ---- memory that all ranks map ---- */

#define BIG ((size_t)64 << 20) /* more than the heap of a rank has */

static int maps_one_memory(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_team *half = NULL;
	void *memory = NULL, *part = NULL, *kept = NULL;
	uint64_t *words;
	int r = rig_team_split(team, rank % 2, 0, &half);

	if (r == 0)
		r = rig_team_segment(team, BIG, &memory);
	if (r == 0)
		r = rig_team_segment(half, 1, &part);
	/* Leftovers at the end go with the run. */
	if (r == 0)
		r = rig_team_segment(team, 5000, &kept);
	if (r < 0)
		return r;
	words = memory;
	if (words[BIG / 8 - 1 - (size_t)rank] || *(unsigned char *)part)
		return -EBADMSG;
	words[BIG / 8 - 1 - (size_t)rank] = (uint64_t)rank + 1;
	r = rig_team_barrier(team);
	for (int i = 0; r == 0 && i < size; i++)
		if (words[BIG / 8 - 1 - (size_t)i] != (uint64_t)i + 1)
			return -EBADMSG;
	if (r == 0)
		r = rig_team_segment_free(half, part);
	if (r == 0)
		r = rig_team_segment_free(team, memory);
	if (r == 0)
		r = rig_team_segment_free(team, NULL);
	return r;
}

static int wrong_memory(struct rig_team *team)
{
	void *memory = team;

	if (rig_team_segment(team, 0, &memory) != -EINVAL ||
	    rig_team_segment(team, SIZE_MAX, &memory) != -EINVAL ||
	    rig_team_segment(team, INT64_MAX / 2, &memory) != -ENOMEM ||
	    memory != team || rig_team_segment_free(team, team) != -EINVAL)
		return -EBADMSG;
	return rig_team_barrier(team);
}

START_TEST(all_map_one_memory)
{
	make_pool(_i);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(run(maps_one_memory) == 0, "%s",
			      rig_pool_report(pool)->text);
	ck_assert_msg(run(wrong_memory) == 0, "%s",
		      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("symmetric");
	TCase *tcase = make_tcase("symmetric", 60);

	tcase_add_loop_test(tcase, what_one_rank_does_in_anothers_is_seen_there,
			    0, SIZES);
	tcase_add_test(tcase, wrong_use_is_told);
	tcase_add_loop_test(tcase, all_map_one_memory, 1, 4);
	tcase_add_test(tcase, a_death_with_a_lock_never_hangs);
	suite_add_tcase(suite, tcase);
	return suite;
}
