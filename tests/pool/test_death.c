/* SPDX-License-Identifier: MIT */
/*
 * test_death.c - every way for a worker to die, at every phase of a run: an
 * error that says who and how, the data as before, and the next run as if
 * nothing had happened.  test_ends.c has the other ends of a run.
 *
 * The kernels take an `struct order` as their arguments: who dies, how, when.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/process.h"

#include "death_parts.h"

enum how {
	BY_KILL,
	BY_SEGV,
	BY_BUS,
	BY_FPE,
	BY_ABORT,
	BY_EXIT_0,
	BY_EXIT_3,
	BY_EXIT_AT_ONCE,
	BY_OVERFLOW,
	BY_PTHREAD_EXIT,
	BY_PTHREAD_EXIT_OF_TWO,
	HOWS
};

/* Signal, or exit status. */
static const struct {
	int signal;
	int status;
} ends[HOWS] = {
	[BY_KILL] = { .signal = SIGKILL },
	[BY_SEGV] = { .signal = SIGSEGV },
	[BY_BUS] = { .signal = SIGBUS },
	[BY_FPE] = { .signal = SIGFPE },
	[BY_ABORT] = { .signal = SIGABRT },
	[BY_EXIT_0] = { .status = 0 },
	[BY_EXIT_3] = { .status = 3 },
	[BY_EXIT_AT_ONCE] = { .status = 0 },
	[BY_OVERFLOW] = { .signal = SIGSEGV },
	[BY_PTHREAD_EXIT] = { .status = 0 },
	[BY_PTHREAD_EXIT_OF_TWO] = { .status = 0 },
};

enum when {
	FIRST,         /* before the first barrier */
	BEFORE_ARRIVE, /* at the second barrier, the others are there */
	WHILE_WAITING, /* asleep in the barrier: by rank 0, which is late */
	AFTER,         /* behind the last barrier */
	WHENS
};

struct order {
	int victim;
	enum how how;
	enum when when;
};

/* So deep that any stack ends. */
__attribute__((noinline)) static int overflow(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	if (here[0])
		return 0;
	here[4095] = (char)overflow(here);
	return here[0] + here[4095];
}

static void touch_truncated(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	volatile char *page;

	(void)!ftruncate(fd, 4096);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)!ftruncate(fd, 0);
	page[0] = 1;
}

static void touch_nothing(void)
{
	volatile char *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 1;
}

static void *sleeps(void *arg)
{
	for (;;)
		(void)pause();
	return arg;
}

static volatile int zero;

__attribute__((noinline)) static void die(enum how how)
{
	volatile char start = 0;
	pthread_t thread;

	switch (how) {
	case BY_KILL:
		(void)kill(getpid(), SIGKILL);
		break;
	case BY_SEGV:
		touch_nothing();
		break;
	case BY_BUS:
		touch_truncated();
		break;
	case BY_FPE:
		zero = 1 / zero;
		/* Where division by zero does not trap. */
		(void)raise(SIGFPE);
		break;
	case BY_ABORT:
		abort();
	case BY_EXIT_0:
		exit(0);
	case BY_EXIT_3:
		exit(3);
	case BY_EXIT_AT_ONCE:
		_exit(0);
	case BY_OVERFLOW:
		(void)overflow(&start);
		break;
	case BY_PTHREAD_EXIT_OF_TWO:
		(void)pthread_create(&thread, NULL, sleeps, NULL);
		pthread_exit(NULL);
	case BY_PTHREAD_EXIT:
		pthread_exit(NULL);
	case HOWS:
		break;
	}
}

/* Two barriers; each rank writes the rank's strip before, and reads all after. */
static int mortal(struct rig_team *team)
{
	const struct order *order = rig_team_args(team);
	bool mine = order->victim == rig_team_rank(team);

	if (mine && order->when == FIRST)
		die(order->how);
	(void)rig_team_barrier(team);
	if (mine && order->when == BEFORE_ARRIVE)
		die(order->how);
	(void)rig_team_barrier(team);
	if (mine && order->when == AFTER)
		die(order->how);
	return 0;
}

static void check_end(const struct rig_report *report, enum how how)
{
	if (ends[how].signal) {
		ck_assert(WIFSIGNALED(report->wait_status));
		ck_assert_int_eq(WTERMSIG(report->wait_status),
				 ends[how].signal);
	} else {
		ck_assert(WIFEXITED(report->wait_status));
		ck_assert_int_eq(WEXITSTATUS(report->wait_status),
				 ends[how].status);
	}
}

static void die_once(const struct order *order)
{
	struct rig_worker worker;
	const struct rig_report *report;
	char rank[32];

	ck_assert_int_eq(rig_pool_worker(pool, order->victim, &worker), 0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = mortal,
				     .segments = { { .name = rig_segment_name(
							     segment) } },
				     .args = order,
				     .args_bytes = sizeof(*order) }),
		-EOWNERDEAD);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_DEATH);
	ck_assert_int_eq(report->code, -EOWNERDEAD);
	ck_assert_int_eq(report->rank, order->victim);
	ck_assert_int_eq(report->size, RANKS);
	ck_assert_int_eq(report->ranks[order->victim].pid, worker.pid);
	ck_assert_str_eq(report->kernel, "mortal");
	ck_assert_int_eq(report->segment, -1);
	check_end(report, order->how);
	snprintf(rank, sizeof(rank), "rank %d (pid %d)", order->victim,
		 (int)worker.pid);
	ck_assert_msg(strstr(rig_why(), rank) != NULL, "%s", rig_why());
	/* Reaped before the run returned. */
	ck_assert_int_eq(kill(worker.pid, 0), -1);
}

START_TEST(each_death_at_each_phase)
{
	static const enum when whens[] = { FIRST, BEFORE_ARRIVE, AFTER };
	struct order order = { .how = (enum how)(_i % HOWS),
			       .when = whens[_i / HOWS],
			       .victim = _i % RANKS };
	uint64_t before[WORDS];

	fill();
	memcpy(before, data, sizeof(before));
	die_once(&order);
	ck_assert_mem_eq(data, before, sizeof(before));
	check_next_run();
}
END_TEST

/* The places of the others: before rank 2 came, at the first barrier or on the way
 * there. */
START_TEST(the_report_says_where_the_others_were)
{
	const struct order order = { .victim = 2,
				     .how = BY_KILL,
				     .when = BEFORE_ARRIVE };
	const struct rig_report *report = rig_pool_report(pool);

	die_once(&order);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(report->ranks[i].state >= RIG_STATE_RUNNING,
				 1);
		ck_assert_uint_ge(report->ranks[i].epoch, 1);
		if (report->ranks[i].state == RIG_STATE_WAITING)
			ck_assert_ptr_nonnull(
				strstr(report->ranks[i].where, "mortal+0x"));
	}
	ck_assert_ptr_nonnull(strstr(report->text, "rank 0"));
	ck_assert_ptr_nonnull(strstr(report->text, "rank 1"));
}
END_TEST

/* Rank 0 kills rank 1 when rank 1 sleeps in the barrier, as the state says. */
static int kills_a_sleeper(struct rig_team *team)
{
	const pid_t victim = *(const pid_t *)rig_team_args(team);

	if (rig_team_rank(team) != 0)
		return rig_team_barrier(team);
	while (process_state(victim) != 'S')
		(void)poll(NULL, 0, 1);
	(void)kill(victim, SIGKILL);
	/* Until rank 0 is ended like the rest. */
	for (;;)
		(void)pause();
}

START_TEST(a_sleeper_in_the_barrier_dies)
{
	struct rig_worker worker;
	const struct rig_report *report;

	fill();
	ck_assert_int_eq(rig_pool_worker(pool, 1, &worker), 0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = kills_a_sleeper,
				     .segments = { { .name = rig_segment_name(
							     segment) } },
				     .args = &worker.pid,
				     .args_bytes = sizeof(worker.pid) }),
		-EOWNERDEAD);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->rank, 1);
	ck_assert_int_eq(report->ranks[1].state, RIG_STATE_WAITING);
	ck_assert_uint_eq(report->ranks[1].epoch, 1);
	/* The barrier in the segment had a corpse inside. */
	check_next_run();
	check_next_run();
}
END_TEST

static int writes_at(struct rig_team *team)
{
	const size_t *at = rig_team_args(team);
	volatile char *bytes = rig_team_data(team, 1);

	if (rig_team_rank(team) == 1)
		bytes[*at] = 1;
	return rig_team_barrier(team);
}

START_TEST(a_write_to_what_is_read_only_is_a_report)
{
	const size_t at = 4321;
	const struct rig_report *report;

	fill();
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = writes_at,
				     .segments = { { .name = rig_segment_name(
							     segment) },
						   { .name = rig_segment_name(
							     segment),
						     .read_only = true } },
				     .args = &at,
				     .args_bytes = sizeof(at) }),
		-EOWNERDEAD);
	report = rig_pool_report(pool);
	ck_assert_int_eq(WTERMSIG(report->wait_status), SIGSEGV);
	ck_assert_int_eq(report->segment, 1);
	ck_assert_uint_eq(report->offset, at);
	ck_assert_ptr_nonnull(strstr(rig_why(), "0x10e1"));
	ck_assert_ptr_nonnull(strstr(rig_why(), "writes_at"));
	check_next_run();
}
END_TEST

/* A peer truncates the segment of a run: SIGBUS, with segment and offset. */
static int truncates(struct rig_team *team)
{
	volatile char *bytes = rig_team_data(team, 0);
	char path[300];

	snprintf(path, sizeof(path), "/dev/shm/%s",
		 (const char *)rig_team_args(team));
	if (rig_team_rank(team) == 1) {
		if (truncate(path, 0) < 0)
			return -errno;
		bytes[8192] = 1;
	}
	return rig_team_barrier(team);
}

START_TEST(a_peer_that_truncates_is_a_report)
{
	struct rig_segment *plain;
	const struct rig_report *report;
	const char *name;

	ck_assert_int_eq(rig_segment_create(&plain, NULL, 16384, NULL), 0);
	name = rig_segment_name(plain);
	ck_assert_int_eq(rig_pool_run(pool,
				      &(struct rig_job){
					      .kernel = truncates,
					      .segments = { { .name = name } },
					      .args = name,
					      .args_bytes = strlen(name) + 1 }),
			 -EOWNERDEAD);
	report = rig_pool_report(pool);
	ck_assert_int_eq(WTERMSIG(report->wait_status), SIGBUS);
	ck_assert_int_eq(report->segment, 0);
	ck_assert_uint_eq(report->offset, 8192);
	ck_assert_ptr_nonnull(strstr(rig_why(), name));
	rig_segment_destroy(plain);
	check_next_run();
}
END_TEST

static pid_t maker;

static void exit_handler(void)
{
	/* Only the process that registered the handler may come here. */
	if (getpid() != maker)
		_exit(77);
}

/* exit() in a kernel runs nothing of the caller's. */
START_TEST(an_exit_runs_no_handler_of_the_callers)
{
	const struct order order = { .how = BY_EXIT_3, .when = FIRST };
	struct rig_pool *other = NULL;
	int r;

	maker = getpid();
	(void)atexit(exit_handler);
	ck_assert_int_eq(
		rig_pool_create(&other,
				&(struct rig_pool_options){ .workers = 1 }),
		0);
	r = rig_pool_run(other,
			 &(struct rig_job){ .kernel = mortal,
					    .args = &order,
					    .args_bytes = sizeof(order) });
	ck_assert_int_eq(r, -EOWNERDEAD);
	ck_assert_int_eq(rig_pool_report(other)->wait_status, 3 << 8);
	rig_pool_destroy(other);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("death");
	TCase *worker = make_tcase("worker", 20);

	tcase_add_checked_fixture(worker, setup, teardown);
	tcase_add_loop_test(worker, each_death_at_each_phase, 0, 3 * HOWS);
	tcase_add_test(worker, the_report_says_where_the_others_were);
	tcase_add_test(worker, a_sleeper_in_the_barrier_dies);
	tcase_add_test(worker, a_write_to_what_is_read_only_is_a_report);
	tcase_add_test(worker, a_peer_that_truncates_is_a_report);
	tcase_add_test(worker, an_exit_runs_no_handler_of_the_callers);
	suite_add_tcase(suite, worker);
	return suite;
}
