/* SPDX-License-Identifier: MIT */
/*
 * test_kills.c - SIGKILL at random moments of a pool's life: nothing hangs, nothing
 * is left, and every call that returns 0 has done the work.
 *
 * The moments come from a seed that is printed when a test fails.  `kills` and
 * RUNRIG_KILLS=N say how many; the long form is in `./do torture`.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "lib/chance.h"
#include "lib/process.h"
#include "lib/tally.h"

#define WORDS 2048

/* A run that lost a worker may take so long to return: against hanging. */
#define HANGS_NS UINT64_C(10000000000)

static int kills(int by_default)
{
	const char *value = getenv("RUNRIG_KILLS");

	return value ? atoi(value) : by_default;
}

/* The children of `pid`, at most `most`.  Returns how many. */
static int children(pid_t pid, pid_t *found, int most)
{
	char path[64], list[4096], *at = list;
	ssize_t got;
	int count = 0, fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
		 (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, list, sizeof(list) - 1);
	close(fd);
	list[got < 0 ? 0 : got] = 0;
	for (;;) {
		char *end;
		long child = strtol(at, &end, 10);

		if (end == at || count == most)
			return count;
		found[count++] = (pid_t)child;
		at = end;
	}
}

/* x[i] = x[i] * 3 + rank-independent noise, three times, with barriers. */
static int steps(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);

	for (int round = 0; round < 3; round++) {
		for (size_t i = strip.begin; i < strip.end; i++)
			words[i] = words[i] * 3 + i;
		(void)rig_team_barrier(team);
	}
	return 0;
}

static uint64_t stepped(uint64_t word, size_t i)
{
	for (int round = 0; round < 3; round++)
		word = word * 3 + i;
	return word;
}

/*
 * A whole life: create, runs, destroy.  Every run that returns 0 has computed, and
 * every other run has a reason.  Returns 0, or the number of the failed step.
 */
static int live(int runs)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *segment = NULL;
	uint64_t before[WORDS], *words;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 });

	if (r < 0)
		return r == -ECANCELED ? 0 : 1;
	r = rig_segment_create(&segment, NULL, sizeof(before),
			       &(struct rig_segment_options){ .pool = pool });
	if (r < 0) {
		rig_pool_destroy(pool);
		return r == -EOWNERDEAD || r == -ECANCELED ? 0 : 2;
	}
	words = rig_segment_data(segment);
	for (int i = 0; i < runs && r != -ECANCELED; i++) {
		uint64_t begin = clock_ns();

		for (size_t k = 0; k < WORDS; k++)
			before[k] = words[k] = k * (size_t)i;
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = steps,
				      .segments = { { .name = rig_segment_name(
							      segment) } } });
		if (clock_ns() - begin > HANGS_NS)
			return 3;
		if (r != 0 && r != -EOWNERDEAD && r != -ECANCELED) {
			fprintf(stderr, "%s\n", rig_why());
			return 4;
		}
		for (size_t k = 0; r == 0 && k < WORDS; k++)
			if (words[k] != stepped(before[k], k))
				return 5;
	}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	return 0;
}

/* Every process that descends from `root`, without `root`. */
static int descendants(pid_t root, pid_t *found, int most)
{
	int count = children(root, found, most);

	for (int i = 0; i < count; i++)
		count += children(found[i], found + count, most - count);
	return count;
}

/*
 * In a separate process, which adopts orphans so that all are found: a life, in a
 * child, and kills of the child's descendants meanwhile.
 */
static int kill_workers(int rank, void *arg)
{
	uint64_t *seed = arg;
	int wanted = kills(200), killed = 0, status;
	struct tally tally = { 0 };

	(void)rank;
	while (killed < wanted) {
		pid_t host = fork(), found[64];

		if (host == 0) {
			/* The warden is known by the parent. */
			(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
			_exit(live(20));
		}
		while (waitpid(host, &status, WNOHANG) == 0) {
			int count;

			process_sleep(chance_next(seed) % 3000000);
			count = descendants(host, found, 64);
			if (!count)
				continue;
			/* found[0] is the warden: workers most of the time. */
			count = (int)(chance_next(seed) % (uint64_t)count);
			if (count == 0 && chance_next(seed) % 4)
				continue;
			if (kill(found[count], SIGKILL) == 0) {
				tally_add(&tally, 0);
				killed++;
			}
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "kill %d: status %x\n", killed, status);
			return 1;
		}
	}
	tally_write(&tally, "SIGKILL of workers and wardens, any moment");
	return 0;
}

START_TEST(workers_and_wardens_at_random_moments)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i, at = seed;

	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_msg(run_workers(1, kill_workers, &at) == 0, "seed %#lx",
		      (unsigned long)seed);
}
END_TEST

/* Kills the host: no process and no name of the host is left. */
static int kill_callers(int rank, void *arg)
{
	uint64_t *seed = arg;
	int wanted = kills(100);
	struct tally tally = { 0 };

	(void)rank;
	/* This process adopts the orphans of the killed. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < wanted; i++) {
		uint64_t until, begin;
		pid_t host = fork(), found[64];

		if (host == 0) {
			(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
			_exit(live(1000000));
		}
		process_sleep(chance_next(seed) % 8000000);
		until = clock_after(HANGS_NS);
		begin = clock_ns();
		(void)kill(host, SIGKILL);
		(void)waitpid(host, NULL, 0);
		/* Adopted now, until all are gone. */
		while (descendants(getpid(), found, 64)) {
			(void)waitpid(-1, NULL, WNOHANG);
			if (clock_ns() > until) {
				fprintf(stderr, "kill %d: %d lives\n", i,
					(int)found[0]);
				(void)kill(found[0], SIGKILL);
				return 1;
			}
			process_sleep(100000);
		}
		tally_add(&tally, clock_ns() - begin);
	}
	tally_write(&tally, "SIGKILL of callers, until all is gone");
	return 0;
}

/* The harness sees that no name is left. */
START_TEST(callers_at_random_moments)
{
	uint64_t seed = UINT64_C(0xd1b54a32d192ed03) + (uint64_t)_i, at = seed;

	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_msg(run_workers(1, kill_callers, &at) == 0, "seed %#lx",
		      (unsigned long)seed);
}
END_TEST

/*
 * Host and warden at once: the workers go with the warden; the names stay, and
 * cleaning removes the names and nothing else.
 */
static int hold_names(void)
{
	struct rig_segment *dies, *kept;
	struct rig_pool *pool;

	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 }) <
		    0 ||
	    rig_segment_create(&dies, "kills-dies", 4096, NULL) < 0 ||
	    rig_segment_create(&kept, "kills-kept", 4096,
			       &(struct rig_segment_options){ .keep = true }) <
		    0)
		return 1;
	/* Everything is there. */
	(void)raise(SIGSTOP);
	return 2;
}

static bool named(const char *name)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	return lstat(path, &status) == 0;
}

static int kill_both(int rank, void *arg)
{
	pid_t host = fork(), found[8];
	int status, count;

	(void)rank;
	(void)arg;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (host == 0) {
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
		_exit(hold_names());
	}
	if (waitpid(host, &status, WUNTRACED) != host || !WIFSTOPPED(status))
		return 1;
	count = descendants(host, found, 8);
	if (count != 3)
		return 2;
	/* found[0] is the warden; stopped, the warden can do nothing more. */
	(void)kill(found[0], SIGSTOP);
	(void)kill(host, SIGKILL);
	(void)kill(found[0], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < count; i++)
		if (process_runs(found[i]))
			return 3;
	if (!named("kills-dies") || !named("kills-kept"))
		return 4;
	if (rig_sweep_clean(false, NULL) < 1)
		return 5;
	if (named("kills-dies") || !named("kills-kept"))
		return 6;
	return rig_segment_remove("kills-kept") == 0 ? 0 : 7;
}

START_TEST(caller_and_warden_at_once)
{
	ck_assert_int_eq(run_workers(1, kill_both, NULL), 0);
}
END_TEST

/* exit() without destroy ends a pool like destroy. */
static int exits(int rank, void *arg)
{
	struct rig_segment *segment;
	struct rig_pool *pool;

	(void)rank;
	(void)arg;
	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 }) <
		    0 ||
	    rig_segment_create(&segment, "kills-exits", 4096, NULL) < 0)
		return 1;
	exit(0);
}

START_TEST(exit_without_destroy)
{
	ck_assert_int_eq(run_workers(1, exits, NULL), 0);
	ck_assert(!named("kills-exits"));
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kills");
	TCase *tcase = make_tcase("kills", 0);

	/* A /dev/shm apart, where no names of other killed programs appear. */
	(void)harness_own_shm(NULL, true);
	tcase_add_test(tcase, workers_and_wardens_at_random_moments);
	tcase_add_test(tcase, callers_at_random_moments);
	tcase_add_test(tcase, caller_and_warden_at_once);
	tcase_add_test(tcase, exit_without_destroy);
	suite_add_tcase(suite, tcase);
	return suite;
}
