/* SPDX-License-Identifier: MIT */
/*
 * test_energy.c - counters of energy, in a folder as the kernel's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <driver/energy.h>
#include <driver/measure.h>

#include "lib/harness.h"

static char folder[] = "/tmp/runrig-energy-XXXXXX";

static void path_of(char *path, size_t bytes, const char *zone,
		    const char *name)
{
	snprintf(path, bytes, "%s/%s%s%s", folder, zone, *name ? "/" : "",
		 name);
}

static void put(const char *zone, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	path_of(path, sizeof(path), zone, "");
	(void)mkdir(path, 0777);
	path_of(path, sizeof(path), zone, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void put_zone(const char *zone, const char *name, const char *energy)
{
	put(zone, "name", name);
	put(zone, "energy_uj", energy);
	put(zone, "max_energy_range_uj", "1000000000\n");
}

static void make_folder(void)
{
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(packages_and_memory_count_and_cores_do_not)
{
	struct energy energy;

	make_folder();
	put_zone("intel-rapl:0", "package-0\n", "1000000\n");
	put_zone("intel-rapl:0:0", "core\n", "5000000\n");
	put_zone("intel-rapl:0:1", "dram\n", "0\n");
	put_zone("intel-rapl:1", "package-1\n", "999000000\n");
	put("intel-rapl", "enabled", "1\n");
	ck_assert_int_eq(energy_open(&energy, folder), 0);
	ck_assert_int_eq(energy.zones, 3);
	ck_assert_double_eq(energy_joules(&energy), 0);
	put("intel-rapl:0", "energy_uj", "3000000\n");
	put("intel-rapl:0:0", "energy_uj", "9000000\n");
	put("intel-rapl:0:1", "energy_uj", "500000\n");
	/* The counter of the second package has begun again: 1 J and 4 J. */
	put("intel-rapl:1", "energy_uj", "4000000\n");
	ck_assert_double_eq_tol(energy_joules(&energy), 2 + 0.5 + 5, 1e-9);
	ck_assert_double_eq(energy_joules(&energy), 0);
	energy_close(&energy);
	remove_folder();
}
END_TEST

START_TEST(a_machine_that_does_not_tell)
{
	struct energy energy;

	ck_assert_int_eq(energy_open(&energy, "/nonexistent"), -ENOTSUP);
	ck_assert_double_eq(energy_joules(&energy), 0);
	make_folder();
	put("intel-rapl", "enabled", "1\n");
	ck_assert_int_eq(energy_open(&energy, folder), -ENOTSUP);
	/* A counter that is no number is none. */
	put_zone("intel-rapl:0", "package-0\n", "much\n");
	ck_assert_int_eq(energy_open(&energy, folder), -EINVAL);
	ck_assert_int_eq(energy.zones, 0);
	remove_folder();
}
END_TEST

/* Each operation of the contender takes a joule; what is not timed takes one, too. */
static unsigned long used_j;

static int burn_open(const void *arg, clockid_t clock, void **state, char *why)
{
	*state = &used_j;
	return 0;
}

static int burn_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	char text[32];

	used_j += count;
	snprintf(text, sizeof(text), "%lu000000\n", used_j);
	put("intel-rapl:0", "energy_uj", text);
	timing->measured = true;
	timing->value = 100;
	return 0;
}

static void burn_close(void *state)
{
}

START_TEST(a_cell_has_the_energy_of_its_timed_operations)
{
	static const struct bench_ops ops = {
		.open = burn_open,
		.run = burn_run,
		.close = burn_close,
	};
	struct bench_case what = { .contest = "contest",
				   .name = "a",
				   .unit = "ns",
				   .count = 7,
				   .ops = &ops };
	struct energy energy;
	struct plan plan;

	make_folder();
	put_zone("intel-rapl:0", "package-0\n", "0\n");
	put("intel-rapl:0", "max_energy_range_uj", "1000000000000\n");
	ck_assert_int_eq(energy_open(&energy, folder), 0);
	plan_init(&plan);
	plan.launches = 2;
	plan.blocks = 3;
	plan.warmup_ns = plan.warmup_max_ns = 0;
	plan.energy = &energy;
	ck_assert_int_eq(plan_add(&plan, &what), 0);
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].n, 6);
	ck_assert_uint_eq(plan.cells[0].cost_operations, 42);
	ck_assert_double_eq_tol(plan.cells[0].joules, 42, 1e-9);
	plan_free(&plan);
	energy_close(&energy);
	remove_folder();
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("energy");
	TCase *energy = make_tcase("energy", 20);

	tcase_add_test(energy, packages_and_memory_count_and_cores_do_not);
	tcase_add_test(energy, a_machine_that_does_not_tell);
	tcase_add_test(energy, a_cell_has_the_energy_of_its_timed_operations);
	suite_add_tcase(suite, energy);
	return suite;
}
