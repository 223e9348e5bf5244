/* SPDX-License-Identifier: MIT */
/*
 * test_soak.c - pools by the hundred and by the hundred thousand: descriptors,
 * mappings, memory and processes flat.
 *
 * RUNRIG_POOLS=N says how many.
 */
#include "lib/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/tally.h"

/* Pools until all objects that stay for good (hwloc's topology, malloc's arenas) are
 * made. */
#define WARM 50

/* Memory that a thousand pools may add, in KiB: less than a byte a pool. */
#define SLOPE_KIB 64

static int increments(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);

	bytes[rig_team_rank(team)]++;
	return rig_team_barrier(team);
}

static void one_life(void)
{
	struct rig_pool *pool;
	struct rig_segment *segment;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, 65536,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = increments,
				     .segments = { { .name = rig_segment_name(
							     segment) } } }),
		0);
	ck_assert_int_eq(((char *)rig_segment_data(segment))[1], 1);
	/* In either order. */
	if ((uintptr_t)segment & 64) {
		rig_segment_destroy(segment);
		rig_pool_destroy(pool);
	} else {
		rig_pool_destroy(pool);
		rig_segment_destroy(segment);
	}
}

/* Memory of this process, in KiB; lines of the memory map. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

static int map_lines(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	int lines = 0, c;

	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

START_TEST(pools_come_and_go)
{
	const char *value = getenv("RUNRIG_POOLS");
	long count = value ? atol(value) : 300;
	long kib;
	int lines, first, last;
	struct tally tally = { 0 };

	for (int i = 0; i < WARM; i++)
		one_life();
	/* The ledger of names has a descriptor now. */
	first = dup(0);
	close(first);
	kib = resident();
	lines = map_lines();
	for (long i = 0; i < count; i++) {
		one_life();
		tally_add(&tally, 0);
	}
	last = dup(0);
	close(last);
	ck_assert_int_eq(last, first);
	if (!harness_sanitized) {
		ck_assert_int_le(map_lines(), lines + 2);
		ck_assert_int_le(resident() - kib,
				 SLOPE_KIB * (count / 1000 + 1));
	}
	tally_write(&tally, "pools made, run and destroyed");
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("soak");
	TCase *tcase = make_tcase("soak", 0);

	/* A /dev/shm apart, where no names of other killed programs appear. */
	(void)harness_own_shm(NULL, true);
	tcase_add_test(tcase, pools_come_and_go);
	suite_add_tcase(suite, tcase);
	return suite;
}
