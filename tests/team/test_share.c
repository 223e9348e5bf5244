/* SPDX-License-Identifier: MIT */
/*
 * test_share.c - work shared out: every element in one part of one rank.
 *
 * Each rank counts, in a segment, the elements of the rank's parts; a share is right
 * where all counts are 1.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <runrig/runrig.h>

#include "team/rank.h"

static const int sizes[] = { 1, 2, 3, 5, 8, 17 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 4)

static const size_t counts[] = { 0, 1, 2, 3, 7, 16, 100, 1009, 20011 };
#define COUNTS (sizeof(counts) / sizeof(*counts))

#define SHARES 24 /* shares that follow each other without a barrier */

static struct rig_pool *pool;
static struct rig_segment *segment;

static void make(int workers, size_t bytes)
{
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = workers }),
			 0);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, bytes, NULL), 0);
}

static void unmake(void)
{
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

static int run(rig_kernel_fn *kernel, const void *args, size_t args_bytes)
{
	return rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = kernel,
			.segments = { { .name = rig_segment_name(segment) } },
			.args = args,
			.args_bytes = args_bytes });
}

struct told {
	size_t count, chunk;
	enum rig_schedule schedule;
	int lazy; /* the rank that is slow at the first part; -1: none */
};

/* A share, counted in `seen`. */
static int share_out(struct rig_team *team, const struct told *told,
		     _Atomic uint8_t *seen, bool slow)
{
	struct rig_share share;
	struct rig_span part;
	int r = rig_share_begin(&share, team, told->count, told->schedule,
				told->chunk);

	if (r < 0)
		return r;
	while (rig_share_next(&share, &part)) {
		if (part.begin >= part.end || part.end > told->count)
			return rig_team_fail(team, -EBADMSG, "part %zu to %zu",
					     part.begin, part.end);
		for (size_t i = part.begin; i < part.end; i++)
			atomic_fetch_add(&seen[i], 1);
		if (slow)
			(void)poll(NULL, 0, 1);
		slow = false;
	}
	return 0;
}

static int all_once(struct rig_team *team, const _Atomic uint8_t *seen,
		    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seen[i] != 1)
			return rig_team_fail(team, -EBADMSG,
					     "element %zu: %d times", i,
					     (int)seen[i]);
	return 0;
}

static int shares(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	_Atomic uint8_t *seen = rig_team_data(team, 0);
	const size_t room = told->count + 1;
	int r = 0;

	for (int i = 0; r == 0 && i < SHARES; i++)
		r = share_out(team, told, seen + (size_t)i * room,
			      told->lazy >= 0 &&
				      rig_team_rank(team) ==
					      (told->lazy + i) %
						      rig_team_size(team));
	if (r == 0)
		r = rig_team_barrier(team);
	for (int i = 0; r == 0 && i < SHARES; i++)
		r = all_once(team, seen + (size_t)i * room, told->count);
	return r;
}

static void share_and_look(const struct told *told)
{
	memset(rig_segment_data(segment), 0, rig_segment_bytes(segment));
	ck_assert_msg(run(shares, told, sizeof(*told)) == 0,
		      "schedule %d, %zu by %zu, %d ranks: %s", told->schedule,
		      told->count, told->chunk, rig_pool_size(pool), rig_why());
}

START_TEST(each_element_is_in_one_part_of_one_rank)
{
	make(sizes[_i], (counts[COUNTS - 1] + 1) * SHARES);
	for (size_t c = 0; c < COUNTS; c++)
		for (int s = RIG_SHARE_STATIC; s <= RIG_SHARE_GUIDED; s++) {
			const size_t chunks[] = { 0,  1,         3,
						  64, counts[c], SIZE_MAX };

			for (int i = 0; i < 6; i++)
				share_and_look(&(struct told){
					counts[c], chunks[i],
					(enum rig_schedule)s, -1 });
		}
	unmake();
}
END_TEST

START_TEST(a_rank_that_comes_late_loses_nothing_and_delays_nobody)
{
	make(sizes[_i], (counts[COUNTS - 1] + 1) * SHARES);
	for (size_t c = 1; c < COUNTS; c++)
		for (int s = RIG_SHARE_DYNAMIC; s <= RIG_SHARE_GUIDED; s++)
			share_and_look(&(struct told){
				counts[c], 1, (enum rig_schedule)s, _i });
	unmake();
}
END_TEST

/* Rank 0 takes one chunk and does not come back before all other chunks are done. */
static int is_helped(struct rig_team *team)
{
	const size_t count = 4000;
	_Atomic uint32_t *done = rig_team_data(team, 0);
	struct rig_share share;
	struct rig_span part;
	int r = rig_share_begin(&share, team, count, RIG_SHARE_DYNAMIC, 1);

	while (r == 0 && rig_share_next(&share, &part)) {
		if (rig_team_rank(team) == 0)
			while (atomic_load(done) < count - 1)
				sched_yield();
		atomic_fetch_add(done, (uint32_t)(part.end - part.begin));
	}
	return r;
}

START_TEST(what_a_slow_rank_does_not_get_round_to_others_do)
{
	make(sizes[_i + 1], 4096);
	for (int i = 0; i < 5; i++) {
		memset(rig_segment_data(segment), 0, 4096);
		ck_assert_msg(run(is_helped, NULL, 0) == 0, "%s", rig_why());
		ck_assert_int_eq(*(int32_t *)rig_segment_data(segment), 4000);
	}
	unmake();
}
END_TEST

/* In teams of odd and of even ranks, at the same time, with separate numbers. */
static int shares_in_parts(struct rig_team *team)
{
	const size_t count = 3001;
	const int color = rig_team_rank(team) % 2;
	_Atomic uint8_t *seen = rig_team_data(team, 0);
	struct rig_team *part = NULL;
	int r = 0;

	for (int round = 0; r == 0 && round < 4; round++) {
		_Atomic uint8_t *own =
			seen + (size_t)(2 * round + color) * count;
		const struct told told = { count, 1, RIG_SHARE_DYNAMIC, -1 };

		r = rig_team_split(team, color, 0, &part);
		/* Numbers that the next user of the memory does not have. */
		for (int i = 0; r == 0 && i < 3 * round; i++) {
			struct rig_share empty;
			struct rig_span none;

			r = rig_share_begin(&empty, part, 0, RIG_SHARE_GUIDED,
					    0);
			if (r == 0 && rig_share_next(&empty, &none))
				r = rig_team_fail(team, -EBADMSG, "of nothing");
		}
		if (r == 0)
			r = share_out(part, &told, own, false);
		if (r == 0)
			r = rig_team_barrier(part);
		if (r == 0)
			r = all_once(team, own, count);
		if (r == 0)
			r = rig_team_free(part);
	}
	return r;
}

START_TEST(teams_that_were_split_off_share_out_their_own)
{
	make(sizes[_i + 1], 3001 * 8);
	for (int i = 0; i < 3; i++) {
		memset(rig_segment_data(segment), 0, 3001 * 8);
		ck_assert_msg(run(shares_in_parts, NULL, 0) == 0, "%s",
			      rig_why());
	}
	unmake();
}
END_TEST

static int leaves_it(struct rig_team *team)
{
	struct rig_share share;
	struct rig_span part;
	int r = rig_share_begin(&share, team, 100, RIG_SHARE_DYNAMIC, 1);

	if (r == 0 && rig_share_next(&share, &part))
		return rig_team_fail(team, -EIO, "enough");
	return r;
}

START_TEST(a_run_that_fails_leaves_nothing_to_the_next)
{
	const struct told told = { 1009, 1, RIG_SHARE_GUIDED, -1 };

	make(3, 1010 * SHARES);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(run(leaves_it, NULL, 0), -EIO);
		share_and_look(&told);
	}
	unmake();
}
END_TEST

static int shares_differently(struct rig_team *team)
{
	struct rig_share share;
	int64_t one = 1, sum;
	int r = rig_share_begin(&share, team, 100, RIG_SHARE_DYNAMIC,
				rig_team_rank(team) ? 1 : 2);

	return r < 0 ? r
		     : rig_team_allreduce(team, &one, &sum, 1, RIG_INT64,
					  RIG_SUM);
}

static int has_no_schedule(struct rig_team *team)
{
	struct rig_share share;

	return rig_share_begin(&share, team, 1, (enum rig_schedule)3, 0);
}

START_TEST(ranks_that_share_differently_are_told)
{
	make(2, 4096);
	ck_assert_int_eq(run(shares_differently, NULL, 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "share(count 100"));
	ck_assert_int_eq(run(has_no_schedule, NULL, 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "no schedule 3"));
	unmake();
}
END_TEST

/* More elements than there can be chunks. */
static int shares_much(struct rig_team *team)
{
	struct rig_share share;
	struct rig_span part;
	uint64_t *sum = rig_team_result(team);
	const size_t count = (size_t)1 << 40;
	int r = rig_share_begin(&share, team, count, RIG_SHARE_GUIDED, 1);

	while (r == 0 && rig_share_next(&share, &part))
		*sum += part.end - part.begin;
	return r;
}

START_TEST(a_share_may_be_of_any_length)
{
	uint64_t each, sum = 0;

	make(3, 4096);
	ck_assert_msg(run(shares_much, NULL, 0) == 0, "%s", rig_why());
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_pool_result(pool, i, &each, sizeof(each)),
				 0);
		sum += each;
	}
	ck_assert_uint_eq(sum, (uint64_t)1 << 40);
	unmake();
}
END_TEST

/* Take up to `most` parts of one element. */
static void take(struct rig_share *share, int most, uint8_t *seen)
{
	struct rig_span part;

	while (most-- > 0 && rig_share_next(share, &part)) {
		ck_assert_uint_eq(part.end, part.begin + 1);
		seen[part.begin]++;
	}
}

/* Three ranks of a team, all in this thread. */
static struct layout make_ranks(struct rank *ranks)
{
	const size_t bytes = layout_at(NULL, 3).bytes;
	const struct patience patience = { .spin_ns = 1000 };
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct layout layout;

	ck_assert_ptr_ne(memory, MAP_FAILED);
	layout = layout_at(memory, 3);
	ck_assert_int_eq(layout_team(&layout, 3, RIG_BARRIER_ADAPTIVE), 0);
	for (int i = 0; i < 3; i++) {
		rank_init(&ranks[i], &layout, i, 3, &patience);
		rank_begin(&ranks[i], 1);
	}
	return layout;
}

/*
 * Three ranks of one thread, so that the order is known.  Rank 1 has put stolen
 * chunks of rank 2 where others can take the chunks, and rank 0, which looked before,
 * is at the next share already: rank 0 must see that rank 1 has begun.
 */
START_TEST(what_is_left_of_an_earlier_share_is_left_alone)
{
	const size_t count = 60;
	struct rig_share first[3], second[3];
	uint8_t seen[2][60] = { { 0 } };
	static struct rank ranks[3];
	struct layout layout = make_ranks(ranks);

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rig_share_begin(&first[i], &ranks[i].world,
						 count, RIG_SHARE_DYNAMIC, 1),
				 0);
	take(&first[0], 20, seen[0]);
	take(&first[1], 21, seen[0]);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rig_share_begin(&second[i], &ranks[i].world,
						 count, RIG_SHARE_DYNAMIC, 1),
				 0);
	take(&second[0], 1000, seen[1]);
	for (int i = 1; i < 3; i++)
		take(&first[i], 1000, seen[0]);
	for (int i = 1; i < 3; i++)
		take(&second[i], 1000, seen[1]);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(seen[0][i], 1);
		ck_assert_uint_eq(seen[1][i], 1);
	}
	(void)munmap(layout.control, layout.bytes);
}
END_TEST

/* Shares in which the last rank has no part, or which are static, until tags come
 * round; then a share in which the last rank is first, and takes only the rank's own
 * part. */
START_TEST(no_part_of_many_shares)
{
	const size_t count = 60;
	static struct rank ranks[3];
	struct layout layout = make_ranks(ranks);

	for (int before = 0; before < 600; before++) {
		struct rig_share share[3];
		uint8_t seen[60] = { 0 };
		size_t units = before % 150 == 149 ? count : 2;
		enum rig_schedule schedule = before > 300 && units == 2
						     ? RIG_SHARE_STATIC
						     : RIG_SHARE_DYNAMIC;

		for (int i = 2; i >= 0; i--) {
			ck_assert_int_eq(rig_share_begin(&share[i],
							 &ranks[i].world, units,
							 schedule, 1),
					 0);
			if (i == 2 && units == count)
				take(&share[i], 20, seen);
		}
		for (int i = 0; i < 3; i++)
			take(&share[i], 1000, seen);
		for (size_t i = 0; i < units; i++)
			ck_assert_uint_eq(seen[i], 1);
	}
	(void)munmap(layout.control, layout.bytes);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("share");
	TCase *tcase = make_tcase("share", 60);

	tcase_add_loop_test(tcase, each_element_is_in_one_part_of_one_rank, 0,
			    SIZES);
	tcase_add_loop_test(
		tcase, a_rank_that_comes_late_loses_nothing_and_delays_nobody,
		0, SIZES);
	tcase_add_loop_test(tcase,
			    what_a_slow_rank_does_not_get_round_to_others_do, 0,
			    SIZES - 1);
	tcase_add_loop_test(tcase,
			    teams_that_were_split_off_share_out_their_own, 0,
			    SIZES - 1);
	tcase_add_test(tcase, a_run_that_fails_leaves_nothing_to_the_next);
	tcase_add_test(tcase, ranks_that_share_differently_are_told);
	tcase_add_test(tcase, a_share_may_be_of_any_length);
	tcase_add_test(tcase, what_is_left_of_an_earlier_share_is_left_alone);
	tcase_add_test(tcase, no_part_of_many_shares);
	suite_add_tcase(suite, tcase);
	return suite;
}
