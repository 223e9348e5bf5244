/* SPDX-License-Identifier: MIT */
/*
 * test_barrier.c - the barrier between processes, mostly more than CPUs.
 *
 * Every interleaving is test_checker_barrier.c's affair; here are the real
 * words, the real pthread barrier and the real scheduler.
 */
#include "lib/harness.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include <runrig/error.h>

#include "objects/barrier.h"

#define SIZE_MAX_HERE 9

/* In shared memory. */
struct arena {
	struct rig_barrier barrier;
	/* Written by their rank before the barrier, read by all ranks after the
	 * barrier; two sets take turns. */
	uint64_t cells[2][SIZE_MAX_HERE];
};

/* How to meet: given to the ranks. */
struct meeting {
	struct arena *arena;
	int size;
	uint64_t epochs;
	struct patience patience;
	bool own_patience; /* else rig_barrier_wait()'s */
	bool last_waits; /* rank 0 arrives when the epoch is a blocking epoch */
	uint32_t sleeps; /* each rank's own count */
	uint32_t awakes;
};

static struct arena *arena_map(void)
{
	void *p = mmap(NULL, sizeof(struct arena), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static void sleeps(void *arg, uint64_t target)
{
	struct meeting *meeting = arg;

	meeting->sleeps++;
}

static void awake(void *arg)
{
	struct meeting *meeting = arg;

	meeting->awakes++;
}

static void arrive(struct meeting *meeting, int rank, uint64_t epoch)
{
	struct rig_barrier *barrier = &meeting->arena->barrier;
	const struct barrier_watch watch = { sleeps, awake, meeting };

	if (meeting->last_waits && rank == 0)
		while (rig_barrier_blocked(barrier) == epoch)
			(void)sched_yield();
	if (meeting->own_patience)
		barrier_wait(barrier, &meeting->patience, &watch);
	else
		rig_barrier_wait(barrier);
}

/* A rank: 0; 1 where the rank left too early; 2 where the watch was not
 * told. */
static int meet(int rank, void *arg)
{
	struct meeting *meeting = arg;

	for (uint64_t epoch = 0; epoch < meeting->epochs; epoch++) {
		uint64_t *cells = meeting->arena->cells[epoch % 2];

		cells[rank] = epoch + 1;
		arrive(meeting, rank, epoch);
		for (int i = 0; i < meeting->size; i++)
			if (cells[i] != epoch + 1)
				return 1;
	}
	if (meeting->sleeps != meeting->awakes)
		return 2;
	/* The early party slept and the late party did not. */
	if (meeting->last_waits && meeting->size == 2 &&
	    meeting->sleeps != (rank ? meeting->epochs : 0))
		return 2;
	return 0;
}

static void check_meeting(struct meeting meeting, enum rig_barrier_kind kind,
			  uint64_t blocked_min, uint64_t blocked_max)
{
	struct arena *arena = arena_map();

	meeting.arena = arena;
	ck_assert_int_eq(rig_barrier_init(&arena->barrier, meeting.size, kind),
			 0);
	ck_assert_int_eq(run_workers(meeting.size, meet, &meeting), 0);
	ck_assert_uint_eq(rig_barrier_epochs(&arena->barrier), meeting.epochs);
	ck_assert_uint_ge(rig_barrier_blocked(&arena->barrier), blocked_min);
	ck_assert_uint_le(rig_barrier_blocked(&arena->barrier), blocked_max);
	munmap(arena, sizeof(*arena));
}

START_TEST(adaptive_meets)
{
	check_meeting((struct meeting){ .size = _i, .epochs = 2000 },
		      RIG_BARRIER_ADAPTIVE, 0, 2000);
}
END_TEST

START_TEST(pthread_meets_and_blocks_always)
{
	check_meeting((struct meeting){ .size = _i, .epochs = 500 },
		      RIG_BARRIER_PTHREAD, 500, 500);
}
END_TEST

START_TEST(no_patience_meets)
{
	check_meeting((struct meeting){ .size = _i,
					.epochs = 500,
					.own_patience = true },
		      RIG_BARRIER_ADAPTIVE, 0, 500);
}
END_TEST

/* A party comes when the other party's patience has ended: all epochs block. */
START_TEST(waiting_for_the_late_blocks)
{
	check_meeting((struct meeting){ .size = _i,
					.epochs = 300,
					.own_patience = true,
					.last_waits = true },
		      RIG_BARRIER_ADAPTIVE, 300, 300);
}
END_TEST

/* Patience that outlasts the test: no party blocks. */
START_TEST(patience_never_blocks)
{
	check_meeting((struct meeting){ .size = _i,
					.epochs = 300,
					.own_patience = true,
					.patience = { .yields = UINT32_MAX } },
		      RIG_BARRIER_ADAPTIVE, 0, 0);
}
END_TEST

START_TEST(one_party_never_waits)
{
	struct arena *arena = arena_map();

	ck_assert_int_eq(
		rig_barrier_init(&arena->barrier, 1, RIG_BARRIER_ADAPTIVE), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rig_barrier_wait(&arena->barrier), 0);
	ck_assert_uint_eq(rig_barrier_epochs(&arena->barrier), 1000);
	ck_assert_uint_eq(rig_barrier_blocked(&arena->barrier), 0);
	munmap(arena, sizeof(*arena));
}
END_TEST

START_TEST(pending_until_complete)
{
	struct arena *arena = arena_map();

	ck_assert_int_eq(
		rig_barrier_init(&arena->barrier, 1, RIG_BARRIER_ADAPTIVE), 0);
	ck_assert(barrier_pending(&arena->barrier, 2));
	rig_barrier_wait(&arena->barrier);
	ck_assert(!barrier_pending(&arena->barrier, 2));
	ck_assert(barrier_pending(&arena->barrier, 4));
	munmap(arena, sizeof(*arena));
}
END_TEST

static void refused(struct arena *arena, size_t offset, int parties, int kind,
		    const char *word)
{
	struct arena *before = arena_map();
	void *barrier = (char *)&arena->barrier + offset;

	memcpy(before, arena, sizeof(*arena));
	ck_assert_int_eq(
		rig_barrier_init(barrier, parties, (enum rig_barrier_kind)kind),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), word));
	ck_assert_mem_eq(before, arena, sizeof(*arena));
	munmap(before, sizeof(*before));
}

START_TEST(init_refuses)
{
	struct arena *arena = arena_map();

	memset(arena, 0x5a, sizeof(*arena));
	refused(arena, 0, 0, RIG_BARRIER_ADAPTIVE, "0 parties");
	refused(arena, 0, -1, RIG_BARRIER_ADAPTIVE, "-1 parties");
	refused(arena, 0, RIG_WORKERS_MAX + 1, RIG_BARRIER_ADAPTIVE, "1025");
	refused(arena, RIG_LINE / 2, 2, RIG_BARRIER_ADAPTIVE, "aligned");
	refused(arena, 0, 2, 7, "kind 7");
	ck_assert_int_eq(rig_barrier_init(&arena->barrier, RIG_WORKERS_MAX,
					  RIG_BARRIER_PTHREAD),
			 0);
	munmap(arena, sizeof(*arena));
}
END_TEST

START_TEST(size_is_told)
{
	ck_assert_uint_eq(rig_barrier_bytes(), sizeof(struct rig_barrier));
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("barrier");
	TCase *meets = make_tcase("meets", 30);
	TCase *alone = make_tcase("alone", 10);

	tcase_add_loop_test(meets, adaptive_meets, 1, SIZE_MAX_HERE + 1);
	tcase_add_loop_test(meets, pthread_meets_and_blocks_always, 1,
			    SIZE_MAX_HERE + 1);
	tcase_add_loop_test(meets, no_patience_meets, 1, SIZE_MAX_HERE + 1);
	tcase_add_loop_test(meets, waiting_for_the_late_blocks, 2,
			    SIZE_MAX_HERE + 1);
	tcase_add_loop_test(meets, patience_never_blocks, 1, 5);
	suite_add_tcase(suite, meets);
	tcase_add_test(alone, one_party_never_waits);
	tcase_add_test(alone, pending_until_complete);
	tcase_add_test(alone, init_refuses);
	tcase_add_test(alone, size_is_told);
	suite_add_tcase(suite, alone);
	return suite;
}
