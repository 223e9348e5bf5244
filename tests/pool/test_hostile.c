/* SPDX-License-Identifier: MIT */
/*
 * test_hostile.c - a pool whose processes are stopped, traced or refused signals, or
 * whose ranks write to memory of others: the caller lives, gets a true report, and
 * never waits for ever.
 *
 * RUNRIG_SCRIBBLES=10000 is how many runs with stray stores there are (100).
 */
#include "lib/harness.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "pool/caller.h"
#include "team/rank.h"
#include "team/team.h"

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

/* ---- signals by descriptor are refused, as some sandboxes do */

static bool refuse_pidfd_signals(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0,
			 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]),
					    filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int writes_for_ever(struct rig_team *team)
{
	volatile uint64_t *words = rig_team_data(team, 0);

	for (;;)
		words[rig_team_rank(team)]++;
	return 0;
}

START_TEST(no_worker_writes_on_where_signals_are_refused)
{
	struct rig_segment *segment;
	volatile uint64_t *words;
	uint64_t seen[2];

	if (!refuse_pidfd_signals())
		return;
	make_pool(2);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096, NULL), 0);
	words = rig_segment_data(segment);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = writes_for_ever,
				     .segments = { { .name = rig_segment_name(
							     segment) } },
				     .limit_ns = 50000000 }),
		-ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		seen[i] = words[i];
	(void)poll(NULL, 0, 50);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(words[i], seen[i]);
	ck_assert_int_eq(run(nothing), 0);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

/* ---- a slow tracer */

static int aborts(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		abort();
	return rig_team_barrier(team);
}

/* Trace `pid`, announce the trace on `ready`, hand every signal on, and reap `pid`
 * late. */
static void trace(pid_t pid, int ready)
{
	siginfo_t info;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		_exit(77);
	(void)!write(ready, "", 1);
	for (;;) {
		if (waitid(P_PID, (id_t)pid, &info,
			   WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0)
			_exit(1);
		if (info.si_code == CLD_TRAPPED ||
		    info.si_code == CLD_STOPPED) {
			(void)waitpid(pid, &status, __WALL);
			(void)ptrace(PTRACE_CONT, pid, NULL,
				     (void *)(uintptr_t)WSTOPSIG(status));
			continue;
		}
		(void)poll(NULL, 0, 300);
		(void)waitpid(pid, &status, __WALL);
		_exit(0);
	}
}

START_TEST(a_tracer_keeps_no_truth_from_the_report)
{
	const struct rlimit none = { 0, 0 };
	struct rig_worker worker;
	int ready[2];
	pid_t tracer;
	char byte;

	(void)setrlimit(RLIMIT_CORE, &none);
	make_pool(2);
	ck_assert_int_eq(rig_pool_worker(pool, 1, &worker), 0);
	ck_assert_int_eq(pipe(ready), 0);
	tracer = fork();
	if (tracer == 0) {
		close(ready[0]);
		trace(worker.pid, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1) {
		ck_assert_int_eq(run(aborts), -EOWNERDEAD);
		ck_assert_ptr_nonnull(strstr(rig_why(), "SIGABRT"));
		ck_assert_int_eq(WTERMSIG(rig_pool_report(pool)->wait_status),
				 SIGABRT);
	}
	close(ready[0]);
	(void)waitpid(tracer, NULL, 0);
	rig_pool_destroy(pool);
}
END_TEST

/* ---- processes that are stopped */

static void stop(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
}

START_TEST(a_stopped_worker_holds_no_segment_up)
{
	struct rig_segment *segment = NULL, *other = NULL;
	struct rig_worker worker;
	const struct rig_segment_options ours = { .pool = NULL };
	struct rig_segment_options options = ours;

	make_pool(2);
	options.pool = pool;
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096, &options), 0);
	ck_assert_int_eq(rig_pool_worker(pool, 1, &worker), 0);
	stop(worker.pid);
	if (_i == 0) {
		ck_assert_int_eq(
			rig_segment_create(&other, NULL, 4096, &options),
			-ETIMEDOUT);
		ck_assert_ptr_nonnull(strstr(rig_why(), "limit"));
	}
	rig_segment_destroy(segment);
	ck_assert_msg(run(nothing) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_stopped_warden_ends_by_force)
{
	struct rig_worker worker;
	pid_t warden;

	make_pool(2);
	warden = pool->startup.layout.control->warden;
	ck_assert_int_eq(rig_pool_worker(pool, 1, &worker), 0);
	stop(warden);
	rig_pool_destroy(pool);
	/* The harness looks for processes that are left; a number may be a zombie's. */
}
END_TEST

START_TEST(a_stopped_manager_ends_by_force)
{
	struct rig_manager *manager;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	stop(rig_manager_pid(manager));
	rig_manager_shutdown(manager);
}
END_TEST

/* ---- stray stores into the team's memory */

#define STORES 64

struct scribble {
	unsigned seed;
	int then; /* 0: return; 1: fail; 2: die; 3: meet the others */
};

static uint64_t random_word(unsigned *seed)
{
	uint64_t word = (uint64_t)rand_r(seed) << 40 ^
			(uint64_t)rand_r(seed) << 20 ^ (uint64_t)rand_r(seed);

	switch (rand_r(seed) % 4) {
	case 0:
		return word;
	case 1:
		return word % 16;
	case 2:
		return UINT64_MAX;
	default:
		return word & UINT64_C(0xffffffff);
	}
}

/* Rank 1 writes at random over the memory that caller, warden and ranks share: half
 * of the stores go where the caller reads how a run has ended. */
static int scribbles(struct rig_team *team)
{
	struct scribble what;
	const struct layout *layout = &team->owner->layout;
	char *base = (char *)layout->control;
	size_t near = (size_t)((char *)(layout->ranks + team->size) - base);

	memcpy(&what, rig_team_args(team), sizeof(what));
	if (rig_team_rank(team) != 1)
		return rig_team_barrier(team);
	for (int i = 0; i < STORES; i++) {
		size_t range = i % 2 ? near : layout->bytes;
		size_t at = (size_t)random_word(&what.seed) % (range / 8) * 8;
		uint64_t word = random_word(&what.seed);

		memcpy(base + at, &word, sizeof(word));
	}
	if (what.then == 1)
		return -EDOM;
	if (what.then == 2)
		_exit(1);
	return what.then == 3 ? rig_team_barrier(team) : 0;
}

/* Everything that a caller may ask after a run. */
static void ask_everything(void)
{
	const struct rig_report *report = rig_pool_report(pool);
	unsigned char result[RIG_RESULT_MAX];
	struct rig_worker worker;

	ck_assert_int_ge(report->rank, -1);
	ck_assert_int_lt(report->rank, 2);
	ck_assert_int_ge(report->segment, -1);
	ck_assert_uint_lt(strlen(report->text), 16384);
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(report->ranks[i].where);
		ck_assert_int_le((int)report->ranks[i].state, RIG_STATE_DONE);
		(void)rig_pool_code(pool, i);
		(void)rig_pool_result(pool, i, result, sizeof(result));
		(void)rig_pool_worker(pool, i, &worker);
	}
	(void)rig_pool_progress(pool);
}

START_TEST(stray_stores_do_not_end_the_caller)
{
	const char *times = getenv("RUNRIG_SCRIBBLES");
	int count = times ? atoi(times) : 100, begin = _i * count;
	bool dead = true;

	for (int i = begin; i < begin + count; i++) {
		struct scribble what = { .seed = (unsigned)i * 7919 + 1,
					 .then = i % 4 };
		struct rig_job job = { .kernel = scribbles,
				       .args = &what,
				       .args_bytes = sizeof(what),
				       .limit_ns = 20000000 };

		if (dead)
			make_pool(2);
		(void)rig_pool_run(pool, &job);
		ask_everything();
		/* A run may go on after a false end: end the run. */
		dead = i % 8 == 7 ||
		       rig_pool_report(pool)->end == RIG_END_WARDEN;
		if (dead)
			rig_pool_destroy(pool);
	}
	if (!dead)
		rig_pool_destroy(pool);
}
END_TEST

/* The word by which ranks without a watcher end their team, in a team that a pool
 * watches. */
static int says_the_end(struct rig_team *team)
{
	const int word = 7;

	store_release(&team->owner->layout.team->ended,
		      ENDED(RIG_END_DEATH, 0));
	return rig_team_send(team, &word, 1, RIG_INT32, rig_team_rank(team), 0);
}

static int meets(struct rig_team *team)
{
	return rig_team_barrier(team);
}

START_TEST(an_end_that_nobody_can_have_told_is_a_stray_store)
{
	make_pool(1);
	ck_assert_int_eq(run(says_the_end), -EPROTO);
	ck_assert_ptr_nonnull(strstr(rig_pool_report(pool)->text,
				     "says that the team has ended"));
	/* The next run is as ever. */
	ck_assert_msg(run(meets) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* ---- a kernel lowers a limit ---- */

static int lowers_files(struct rig_team *team)
{
	struct rlimit limit;

	(void)team;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = 0;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int fills(struct rig_team *team)
{
	memset(rig_team_data(team, 0), 7, rig_team_bytes(team, 0));
	return 0;
}

START_TEST(a_lowered_limit_is_of_one_run)
{
	struct rig_segment *segment;
	int r;

	make_pool(2);
	ck_assert_int_eq(run(lowers_files), 0);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8192, NULL), 0);
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = fills,
				       .segments = { { .name = rig_segment_name(
							       segment) } } });
	ck_assert_msg(r == 0, "%s", rig_why());
	ck_assert_int_eq(((char *)rig_segment_data(segment))[8191], 7);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	const bool often = getenv("RUNRIG_SCRIBBLES") != NULL;
	Suite *suite = suite_create("hostile");
	TCase *refused = make_tcase("refused", 30);
	TCase *stopped = make_tcase("stopped", 60);
	TCase *stores = make_tcase("stores", often ? 0 : 60);

	tcase_add_test(refused, no_worker_writes_on_where_signals_are_refused);
	tcase_add_test(refused, a_tracer_keeps_no_truth_from_the_report);
	tcase_add_test(refused, a_lowered_limit_is_of_one_run);
	suite_add_tcase(suite, refused);
	tcase_add_loop_test(stopped, a_stopped_worker_holds_no_segment_up, 0,
			    2);
	tcase_add_test(stopped, a_stopped_warden_ends_by_force);
	tcase_add_test(stopped, a_stopped_manager_ends_by_force);
	suite_add_tcase(suite, stopped);
	tcase_add_test(stores,
		       an_end_that_nobody_can_have_told_is_a_stray_store);
	tcase_add_loop_test(stores, stray_stores_do_not_end_the_caller, 0, 2);
	suite_add_tcase(suite, stores);
	return suite;
}
