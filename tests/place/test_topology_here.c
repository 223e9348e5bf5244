/* SPDX-License-Identifier: MIT */
/*
 * test_topology_here.c - the table of cores of the machine that the test runs
 * on, and pins to its cores.
 */
#include "place/topology.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include "lib/harness.h"
#include "lib/tally.h"

/* ---- this machine ---- */

static void usable_here(struct cpu_bits *usable)
{
	struct topology *topology = NULL;

	ck_assert_msg(topology_load(&topology, NULL) == 0, "%s", rig_why());
	ck_assert(!topology->described);
	memset(usable, 0, sizeof(*usable));
	for (int i = 0; i < topology->core_count; i++)
		cpu_bits_or(usable, &topology->cores[i].usable);
	topology_free(topology);
}

START_TEST(usable_is_the_affinity_of_the_moment)
{
	struct cpu_bits all;
	struct cpu_bits one = { 0 };
	struct cpu_bits usable;

	ck_assert_int_eq(topology_pinned(0, &all), 0);
	usable_here(&usable);
	ck_assert_mem_eq(&usable, &all, sizeof(all));

	cpu_bits_add(&one, cpu_bits_first(&all));
	ck_assert_int_eq(topology_pin(0, &one), 0);
	usable_here(&usable);
	ck_assert_mem_eq(&usable, &one, sizeof(one));

	ck_assert_int_eq(topology_pin(0, &all), 0);
	usable_here(&usable);
	ck_assert_mem_eq(&usable, &all, sizeof(all));
}
END_TEST

START_TEST(cores_share_no_pu)
{
	struct topology *topology = NULL;
	struct cpu_bits seen = { 0 };
	int pus = 0;

	ck_assert_int_eq(topology_load(&topology, NULL), 0);
	ck_assert_int_gt(topology->core_count, 0);
	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];

		pus += cpu_bits_count(&core->pus);
		cpu_bits_or(&seen, &core->pus);
		ck_assert_int_lt(core->package, topology->package_count);
		ck_assert_int_lt(core->node, topology->node_count);
	}
	ck_assert_int_eq(cpu_bits_count(&seen), pus);
	topology_free(topology);
}
END_TEST

static int load_in_child(int rank, void *arg)
{
	struct topology *topology = NULL;
	int r = topology_load(&topology, NULL);

	if (r < 0)
		return r;
	r = topology->core_count == *(int *)arg ? 0 : 1;
	topology_free(topology);
	return r;
}

START_TEST(what_was_discovered_survives_a_fork)
{
	struct topology *topology = NULL;
	int cores;

	ck_assert_int_eq(topology_load(&topology, NULL), 0);
	cores = topology->core_count;
	topology_free(topology);
	ck_assert_int_eq(run_workers(3, load_in_child, &cores), 0);
}
END_TEST

#define THREADS 8

static void *load_in_thread(void *arg)
{
	pthread_barrier_t *start = arg;
	struct topology *topology = NULL;
	intptr_t cores;

	pthread_barrier_wait(start);
	if (topology_load(&topology, NULL) < 0)
		return (void *)(intptr_t)-1;
	cores = topology->core_count;
	topology_free(topology);
	return (void *)cores;
}

START_TEST(first_loads_may_coincide)
{
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	void *cores[THREADS];

	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						load_in_thread, &start),
				 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], &cores[i]), 0);
	pthread_barrier_destroy(&start);
	ck_assert_int_gt((intptr_t)cores[0], 0);
	for (int i = 1; i < THREADS; i++)
		ck_assert_ptr_eq(cores[i], cores[0]);
}
END_TEST

START_TEST(environment_is_left_as_it_was)
{
	struct topology *topology = NULL;

	unsetenv("HWLOC_PLUGINS_PATH");
	ck_assert_int_eq(topology_load(&topology, NULL), 0);
	topology_free(topology);
	ck_assert_ptr_null(getenv("HWLOC_PLUGINS_PATH"));
}
END_TEST

START_TEST(a_hidden_sys_leaves_each_cpu_a_core)
{
	struct cpu_bits all;
	struct cpu_bits usable;

	setenv("HWLOC_FSROOT", "/dev/null", 1);
	ck_assert_int_eq(topology_pinned(0, &all), 0);
	usable_here(&usable);
	ck_assert_mem_eq(&usable, &all, sizeof(all));
	unsetenv("HWLOC_FSROOT");
}
END_TEST

/* ---- pins ---- */

static int pin_each(int rank, void *arg)
{
	const struct cpu_bits *all = arg;
	struct cpu_bits got;

	for (int pu = 0; pu < RIG_PUS_MAX; pu++) {
		struct cpu_bits one = { 0 };

		if (!cpu_bits_has(all, pu))
			continue;
		cpu_bits_add(&one, pu);
		if (topology_pin(0, &one) < 0 || topology_pinned(0, &got) < 0)
			return 1;
		if (memcmp(&one, &got, sizeof(got)) != 0)
			return 2;
		if (sched_getcpu() != pu)
			return 3;
	}
	return 0;
}

START_TEST(pins_hold)
{
	struct cpu_bits all;

	ck_assert_int_eq(topology_pinned(0, &all), 0);
	ck_assert_int_eq(run_workers(2, pin_each, &all), 0);
}
END_TEST

START_TEST(impossible_pins_are_errors)
{
	struct cpu_bits none = { 0 };
	struct cpu_bits got;
	pid_t nobody = 0x7ffffffe; /* beyond any pid_max */

	ck_assert_int_eq(topology_pin(0, &none), -EINVAL);
	ck_assert_int_eq(topology_pinned(nobody, &got), -ESRCH);
	cpu_bits_add(&none, 0);
	ck_assert_int_eq(topology_pin(nobody, &none), -ESRCH);
}
END_TEST

START_TEST(bits_count_over_all_words)
{
	struct cpu_bits set = { 0 };

	ck_assert_int_eq(cpu_bits_first(&set), -1);
	ck_assert_int_eq(cpu_bits_count(&set), 0);
	cpu_bits_add(&set, RIG_PUS_MAX - 1);
	ck_assert_int_eq(cpu_bits_first(&set), RIG_PUS_MAX - 1);
	cpu_bits_add(&set, 64);
	ck_assert_int_eq(cpu_bits_first(&set), 64);
	ck_assert_int_eq(cpu_bits_count(&set), 2);
	cpu_bits_drop(&set, 64);
	ck_assert(!cpu_bits_has(&set, 64));
	ck_assert_int_eq(cpu_bits_count(&set), 1);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("topology_here");
	TCase *here = make_tcase("here", 10);
	TCase *pins = make_tcase("pins", 10);

	tcase_add_test(here, usable_is_the_affinity_of_the_moment);
	tcase_add_test(here, cores_share_no_pu);
	tcase_add_test(here, what_was_discovered_survives_a_fork);
	tcase_add_test(here, first_loads_may_coincide);
	tcase_add_test(here, environment_is_left_as_it_was);
	tcase_add_test(here, a_hidden_sys_leaves_each_cpu_a_core);
	suite_add_tcase(suite, here);

	tcase_add_test(pins, pins_hold);
	tcase_add_test(pins, impossible_pins_are_errors);
	tcase_add_test(pins, bits_count_over_all_words);
	suite_add_tcase(suite, pins);
	return suite;
}
