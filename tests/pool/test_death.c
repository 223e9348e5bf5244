/* SPDX-License-Identifier: MIT */
/*
 * test_death.c - every way for a worker to die, at every phase of a run: an
 * error that says who and how, the data as it was, and the next run as if
 * nothing had happened.
 *
 * The kernels take an `struct order` as their arguments: who dies, how, when.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define RANKS 3
#define WORDS 4096

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
	FIRST,         /* before it does anything */
	BEFORE_ARRIVE, /* at the second barrier, the others are there */
	WHILE_WAITING, /* asleep in the barrier: by rank 0, which is late */
	AFTER,         /* of the last barrier */
	WHENS
};

struct order {
	int victim;
	enum how how;
	enum when when;
};

static struct rig_pool *pool;
static struct rig_segment *segment;
static uint64_t *data;

static void setup(void)
{
	const struct rlimit none = { 0, 0 };

	/* These deaths are meant: no cores of them. */
	(void)setrlimit(RLIMIT_CORE, &none);
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = RANKS }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, WORDS * sizeof(*data),
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	data = rig_segment_data(segment);
}

static void teardown(void)
{
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

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

/* Two barriers; each rank writes its strip before, and reads all after. */
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

/* What the data becomes, and whether every rank saw all of it. */
static int computes(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);
	uint64_t sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		words[i] = words[i] * 6364136223846793005u + i;
	(void)rig_team_barrier(team);
	for (size_t i = 0; i < WORDS; i++)
		sum += words[i];
	*(uint64_t *)rig_team_result(team) = sum;
	return 0;
}

static uint64_t compute(void)
{
	uint64_t sum = 0;
	int r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = computes,
			.segments = { { .name = rig_segment_name(segment) } },
			.result = &sum,
			.result_bytes = sizeof(sum) });

	ck_assert_msg(r == 0, "%s", rig_why());
	return sum;
}

/* What compute() would give, on a copy. */
static uint64_t expected(const uint64_t *before)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++)
		sum += before[i] * 6364136223846793005u + i;
	return sum;
}

static void fill(void)
{
	for (size_t i = 0; i < WORDS; i++)
		data[i] = i * i + 7;
}

/* The data is what it was, and the next run does what it would have done. */
static void check_next_run(void)
{
	uint64_t before[WORDS], sum;

	memcpy(before, data, sizeof(before));
	sum = compute();
	ck_assert_uint_eq(sum, expected(before));
	for (size_t i = 0; i < WORDS; i++)
		ck_assert_uint_eq(data[i],
				  before[i] * 6364136223846793005u + i);
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

/* Where the others were: before rank 2 came, at its first barrier or on the
 * way there. */
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

/* Rank 0 kills rank 1 when that sleeps in the barrier, as its state says. */
static int kills_a_sleeper(struct rig_team *team)
{
	const pid_t victim = *(const pid_t *)rig_team_args(team);
	char path[64], line[256];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)victim);
	while (rig_team_rank(team) == 0) {
		ssize_t got;

		fd = open(path, O_RDONLY | O_CLOEXEC);
		got = read(fd, line, sizeof(line) - 1);
		close(fd);
		line[got < 0 ? 0 : got] = 0;
		if (strstr(line, ") S ")) {
			(void)kill(victim, SIGKILL);
			/* Until we are ended like the rest. */
			for (;;)
				(void)pause();
		}
		(void)poll(NULL, 0, 1);
	}
	return rig_team_barrier(team);
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

/* A peer truncates what a run works on: SIGBUS, with segment and offset. */
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

/* A result of its own in each slot, and then a death. */
static int leaves_results_and_dies(struct rig_team *team)
{
	int *result = rig_team_result(team);

	*result = 100 + rig_team_rank(team);
	(void)rig_team_barrier(team);
	if (rig_team_rank(team) == 1)
		abort();
	return rig_team_rank(team) == 2 ? 0 : rig_team_barrier(team);
}

static int leaves_results(struct rig_team *team)
{
	*(int *)rig_team_result(team) = 100 + rig_team_rank(team);
	return 0;
}

/* What a user's run has left stays while the library has jobs of its own: a
 * segment that the workers populate, one that they let go. */
START_TEST(what_a_run_left_stays_until_the_next)
{
	rig_kernel_fn *kernel = _i ? leaves_results : leaves_results_and_dies;
	const char *name = rig_segment_name(segment);
	const struct rig_report *report = rig_pool_report(pool);
	struct rig_segment *other;
	char text[4096];
	int codes[RANKS], result;

	(void)rig_pool_run(
		pool, &(struct rig_job){ .kernel = kernel,
					 .segments = { { .name = name } } });
	ck_assert_int_eq(report->end, _i ? RIG_END_OK : RIG_END_DEATH);
	snprintf(text, sizeof(text), "%s", report->text);
	for (int i = 0; i < RANKS; i++)
		codes[i] = rig_pool_code(pool, i);
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_segment_create(
				 &other, NULL, 4096,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	rig_segment_destroy(other);
	segment = NULL;
	ck_assert_int_eq(report->end, _i ? RIG_END_OK : RIG_END_DEATH);
	ck_assert_int_eq(report->rank, _i ? -1 : 1);
	ck_assert_str_eq(report->text, text);
	for (int i = 0; i < RANKS; i++) {
		ck_assert_int_eq(rig_pool_code(pool, i), codes[i]);
		ck_assert_int_eq(
			rig_pool_result(pool, i, &result, sizeof(result)), 0);
		ck_assert_int_eq(result, 100 + i);
	}
	/* And not longer. */
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = mortal,
				     .args = &(struct order){ .victim = -1 },
				     .args_bytes = sizeof(struct order) }),
		0);
	ck_assert_int_eq(report->end, RIG_END_OK);
	ck_assert_str_eq(report->text, "");
	ck_assert_int_eq(rig_pool_result(pool, 0, &result, sizeof(result)), 0);
	ck_assert_int_eq(result, 0);
}
END_TEST

static pid_t maker;

static void exit_handler(void)
{
	/* Only the process that registered it may come here. */
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

/* An idle worker dies: nobody is told, and the next run is as ever. */
START_TEST(an_idle_worker_dies)
{
	uint64_t result = 0;
	struct rig_worker worker;

	fill();
	for (int i = 0; i < 20; i++) {
		uint64_t sum = compute();
		int r;

		ck_assert_int_eq(rig_pool_worker(pool, i % RANKS, &worker), 0);
		ck_assert_int_eq(kill(worker.pid, SIGKILL), 0);
		if (i % 2)
			(void)poll(NULL, 0, 5);
		/* What the last run left is still to be had. */
		ck_assert_int_eq(
			rig_pool_result(pool, 0, &result, sizeof(result)), 0);
		ck_assert_uint_eq(result, sum);
		ck_assert_int_eq(rig_pool_code(pool, 1), 0);
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = mortal,
				      .args = &(struct order){ .victim = -1 },
				      .args_bytes = sizeof(struct order) });
		/* It may have been meant for the old team. */
		ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%s", rig_why());
	}
	check_next_run();
}
END_TEST

static int stops_for_ever(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		(void)raise(SIGSTOP);
	return rig_team_barrier(team);
}

START_TEST(one_stopped_for_ever_ends_at_the_limit)
{
	const struct rig_report *report;

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = stops_for_ever,
						      .limit_ns = 100000000 }),
		-ETIMEDOUT);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_LIMIT);
	ck_assert_int_eq(report->ranks[1].state, RIG_STATE_RUNNING);
	check_next_run();
}
END_TEST

static int spins(struct rig_team *team)
{
	while (getppid())
		(void)team;
	return 0;
}

/* Is there such a process that is no zombie? */
static bool runs(pid_t pid)
{
	char path[64], line[256] = "";
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, line, sizeof(line) - 1);
		close(fd);
	}
	return got > 0 && !strstr(line, ") Z ");
}

/* The warden dies: the pool is no more, and neither is any worker. */
START_TEST(the_warden_dies)
{
	struct rig_worker worker;
	char path[64], line[256] = "";
	int parent, fd;

	ck_assert_int_eq(rig_pool_worker(pool, 0, &worker), 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)worker.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, line, sizeof(line) - 1), 0);
	close(fd);
	ck_assert_int_eq(sscanf(strrchr(line, ')'), ") %*c %d", &parent), 1);
	if (_i == 0) {
		ck_assert_int_eq(kill(parent, SIGKILL), 0);
		ck_assert_int_eq(
			rig_pool_run(pool,
				     &(struct rig_job){ .kernel = spins }),
			-ECANCELED);
	} else {
		ck_assert_int_eq(
			rig_pool_submit(pool,
					&(struct rig_job){ .kernel = spins }),
			0);
		ck_assert_int_eq(kill(parent, SIGKILL), 0);
		ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -ECANCELED);
	}
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_WARDEN);
	ck_assert_ptr_nonnull(strstr(rig_why(), "warden"));
	ck_assert(!runs(worker.pid));
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = mortal }),
		-ECANCELED);
	ck_assert_int_eq(rig_segment_named(segment), 1);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("death");
	TCase *worker = make_tcase("worker", 20);
	TCase *warden = make_tcase("warden", 20);

	tcase_add_checked_fixture(worker, setup, teardown);
	tcase_add_loop_test(worker, each_death_at_each_phase, 0, 3 * HOWS);
	tcase_add_test(worker, the_report_says_where_the_others_were);
	tcase_add_test(worker, a_sleeper_in_the_barrier_dies);
	tcase_add_test(worker, a_write_to_what_is_read_only_is_a_report);
	tcase_add_test(worker, a_peer_that_truncates_is_a_report);
	tcase_add_loop_test(worker, what_a_run_left_stays_until_the_next, 0, 2);
	tcase_add_test(worker, an_exit_runs_no_handler_of_the_callers);
	tcase_add_test(worker, an_idle_worker_dies);
	tcase_add_test(worker, one_stopped_for_ever_ends_at_the_limit);
	suite_add_tcase(suite, worker);
	tcase_add_checked_fixture(warden, setup, teardown);
	tcase_add_loop_test(warden, the_warden_dies, 0, 2);
	suite_add_tcase(suite, warden);
	return suite;
}
