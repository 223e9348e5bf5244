/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - a change is seen, patience ends, and a sleeper in another
 * process is woken.
 *
 * Ceilings on time are against hanging only (the test case's limit).
 */
#include "machine/wait.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/api.h>

#include "base/clock.h"
#include "lib/harness.h"

/* In memory shared by the test and its workers. */
struct words_shm {
	_Atomic uint32_t word;
	_Atomic uint64_t count;
	_Atomic uint32_t asleep;
	_Atomic uint32_t payload; /* written before the word changes */
};

static struct words_shm *shared;

static const struct patience none = { 0 };
static const struct patience ample = { .spin_ns = 60000000000u };

static void map_words(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void unmap_words(void)
{
	munmap(shared, sizeof(*shared));
}

START_TEST(without_patience_it_looks_once)
{
	store_relaxed(&shared->word, 7);
	ck_assert_uint_eq(wait_change(&shared->word, 7, &none), 7);
	ck_assert_uint_eq(wait_change(&shared->word, 6, &none), 7);
	ck_assert_uint_eq(wait_reach(&shared->count, 1, 0, &none), 0);
}
END_TEST

START_TEST(patience_ends)
{
	const struct patience brief = { .spin_ns = 1000000, .yields = 3 };
	uint64_t began = clock_ns();

	ck_assert_uint_eq(wait_change(&shared->word, 0, &brief), 0);
	/* Not before the deadline; the machine decides how much later. */
	ck_assert_uint_ge(clock_ns() - began, brief.spin_ns);
}
END_TEST

static int change_word(int rank, void *arg)
{
	(void)arg;
	if (rank == 0) {
		store_relaxed(&shared->payload, 42);
		store_release(&shared->word, 1);
		return 0;
	}
	if (wait_change(&shared->word, 0, &ample) != 1)
		return 1;
	return load_relaxed(&shared->payload) == 42 ? 0 : 2;
}

START_TEST(a_change_is_seen_with_what_was_before_it)
{
	ck_assert_int_eq(run_workers(3, change_word, NULL), 0);
}
END_TEST

static int count_up(int rank, void *arg)
{
	const uint64_t target = 1000;

	(void)arg;
	if (rank == 0) {
		for (uint64_t i = 1; i <= target; i++)
			store_release(&shared->count, i);
		return 0;
	}
	return wait_reach(&shared->count, target, 0, &ample) != target;
}

START_TEST(a_count_is_reached)
{
	ck_assert_int_eq(run_workers(2, count_up, NULL), 0);
}
END_TEST

START_TEST(reach_is_at_least_not_equal)
{
	store_relaxed(&shared->count, 9);
	ck_assert_uint_eq(wait_reach(&shared->count, 8, 0, &ample), 9);
	ck_assert_uint_eq(wait_reach(&shared->count, 9, 0, &ample), 9);
}
END_TEST

START_TEST(reach_stops_at_a_stop_bit)
{
	const uint64_t stop = 1;

	store_relaxed(&shared->count, 8 | stop);
	ck_assert_uint_eq(wait_reach(&shared->count, 1000, stop, &ample),
			  8 | stop);
}
END_TEST

static int patience_of_two(int rank, void *arg)
{
	const struct patience expected = wait_patience(2);
	cpu_set_t set;

	(void)arg;
	(void)rank;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	if (CPU_COUNT(&set) >= 2)
		return expected.spin_ns == 0;
	return expected.spin_ns != 0 || expected.yields == 0;
}

static int patience_on_one_cpu(int rank, void *arg)
{
	cpu_set_t set;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return 2;
	return patience_of_two(rank, arg);
}

START_TEST(more_parties_than_cpus_yield_and_do_not_spin)
{
	ck_assert_int_eq(run_workers(1, patience_of_two, NULL), 0);
	ck_assert_int_eq(run_workers(1, patience_on_one_cpu, NULL), 0);
}
END_TEST

/* A process that computes for ever on the one CPU that this process may use. */
static pid_t crowd(void)
{
	cpu_set_t set;
	size_t cpu = 0;
	pid_t pid;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	while (pid == 0)
		add_relaxed(&shared->count, 1);
	return pid;
}

START_TEST(a_long_yield_ends_wary_patience)
{
	const struct patience wary = { .yields = 2000, .wary = true };
	struct wait wait = { 0 };
	const pid_t pid = crowd();

	while (wait_more(&wait, &wary))
		;
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_lt(wait.yields, wary.yields);
	/* Nor does the next wait yield, for a while. */
	wait = (struct wait){ 0 };
	ck_assert(!wait_more(&wait, &wary));
}
END_TEST

START_TEST(sleep_on_another_value_returns_at_once)
{
	store_relaxed(&shared->word, 5);
	ck_assert_int_eq(wait_sleep(&shared->word, 4, RIG_FOREVER), -EAGAIN);
}
END_TEST

START_TEST(sleep_ends_at_its_deadline)
{
	uint64_t deadline_ns = clock_after(2000000);

	ck_assert_int_eq(wait_sleep(&shared->word, 0, deadline_ns), -ETIMEDOUT);
	ck_assert_uint_ge(clock_ns(), deadline_ns);
}
END_TEST

START_TEST(a_deadline_that_has_passed_does_not_sleep)
{
	ck_assert_int_eq(wait_sleep(&shared->word, 0, 1), -ETIMEDOUT);
}
END_TEST

/* Sleeps for good while the word is 0; rank 0 wakes all sleepers. */
static int sleep_or_wake(int rank, void *arg)
{
	const uint32_t sleepers = *(const uint32_t *)arg;

	if (rank > 0) {
		add_acq_rel(&shared->asleep, 1);
		while (load_acquire(&shared->word) == 0)
			if (wait_sleep(&shared->word, 0, RIG_FOREVER) ==
			    -ETIMEDOUT)
				return 1;
		return 0;
	}
	while (load_acquire(&shared->asleep) != sleepers)
		sched_yield();
	store_release(&shared->word, 1);
	wait_wake(&shared->word, INT32_MAX);
	return 0;
}

START_TEST(sleepers_in_other_processes_are_woken)
{
	uint32_t sleepers = (uint32_t)_i;

	ck_assert_int_eq(run_workers(_i + 1, sleep_or_wake, &sleepers), 0);
}
END_TEST

static void caught(int number)
{
	(void)number;
}

static int interrupted(int rank, void *arg)
{
	struct sigaction action = { .sa_handler = caught };
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	int r;

	(void)arg;
	(void)rank;
	if (sigaction(SIGALRM, &action, NULL) < 0)
		return 1;
	if (setitimer(ITIMER_REAL, &soon, NULL) < 0)
		return 1;
	/* Either the call goes on sleeping or returns 0: there is no third
	 * outcome. */
	r = wait_sleep(&shared->word, 0, clock_after(200000000));
	return r == 0 || r == -ETIMEDOUT ? 0 : 2;
}

START_TEST(signals_do_not_show)
{
	ck_assert_int_eq(run_workers(1, interrupted, NULL), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("wait");
	TCase *spin = make_tcase("spin", 20);
	TCase *sleep = make_tcase("sleep", 20);

	tcase_add_checked_fixture(spin, map_words, unmap_words);
	tcase_add_test(spin, without_patience_it_looks_once);
	tcase_add_test(spin, patience_ends);
	tcase_add_test(spin, a_change_is_seen_with_what_was_before_it);
	tcase_add_test(spin, a_count_is_reached);
	tcase_add_test(spin, reach_is_at_least_not_equal);
	tcase_add_test(spin, reach_stops_at_a_stop_bit);
	tcase_add_test(spin, more_parties_than_cpus_yield_and_do_not_spin);
	tcase_add_test(spin, a_long_yield_ends_wary_patience);
	suite_add_tcase(suite, spin);

	tcase_add_checked_fixture(sleep, map_words, unmap_words);
	tcase_add_test(sleep, sleep_on_another_value_returns_at_once);
	tcase_add_test(sleep, sleep_ends_at_its_deadline);
	tcase_add_test(sleep, a_deadline_that_has_passed_does_not_sleep);
	tcase_add_loop_test(sleep, sleepers_in_other_processes_are_woken, 1, 5);
	tcase_add_test(sleep, signals_do_not_show);
	suite_add_tcase(suite, sleep);
	return suite;
}
