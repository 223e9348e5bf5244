/* SPDX-License-Identifier: MIT */
/*
 * test_errno.c - every system call of a life with the library fails, one at a time,
 * with each possible error: in the caller, in the process between, in the warden and
 * in a worker.  The life is well all the same, or ends with an error in words; never
 * with a crash, a hang, or anything left.
 *
 * RUNRIG_ERRNO=N takes every N-th call only.
 */
#include "lib/harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "base/glibc.h"
#include "lib/inject.h"
#include "lib/puppet.h"
#include "lib/tally.h"

#define WORDS 512

/* More than a warden waits for a team, and a caller for a warden. */
#define HANGS_S 40

/* The exit status of a life. */
enum { WELL, FAILED, LEAKED, WRONG, SPEECHLESS };

static const char *const roles[INJECT_ROLES] = { "the caller",
						 "the one between",
						 "the warden", "a worker" };

/* Shared by a life and the process that watches the life. */
static struct shared {
	int code;
	char why[512];
} * shared;

static int adds_one(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0),
		 *plain = rig_team_data(team, 1);
	struct rig_span strip = rig_team_strip(team, WORDS);

	for (size_t i = strip.begin; i < strip.end; i++)
		words[i]++;
	(void)rig_team_barrier(team);
	if (rig_team_rank(team) == 0)
		plain[0] = words[WORDS - 1];
	return rig_team_barrier(team);
}

static int use(struct rig_pool *pool, struct rig_segment *made,
	       struct rig_segment *plain, struct rig_segment *attached)
{
	uint64_t *words = rig_segment_data(made);
	int r = 0;

	for (uint64_t run = 1; run <= 2 && r == 0; run++) {
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = adds_one,
				      .segments = { { .name = rig_segment_name(
							      made) },
						    { .name = rig_segment_name(
							      plain) } } });
		for (size_t i = 0; i < WORDS && r == 0; i++)
			if (words[i] != run)
				return WRONG;
		if (r == 0 && *(uint64_t *)rig_segment_data(attached) != run)
			return WRONG;
	}
	return r;
}

/* Everything once: 0, an enum, or -errno. */
static int do_all(void)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *made = NULL, *plain = NULL, *attached = NULL;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 });

	if (r == 0)
		r = rig_segment_create(
			&made, NULL, WORDS * sizeof(uint64_t),
			&(struct rig_segment_options){ .pool = pool });
	if (r == 0)
		r = rig_segment_create(&plain, "errno-plain", 64, NULL);
	if (r == 0)
		r = rig_segment_attach(&attached, "errno-plain", NULL);
	if (r == 0)
		r = use(pool, made, plain, attached);
	if (r < 0)
		snprintf(shared->why, sizeof(shared->why), "%s", rig_why());
	rig_segment_detach(attached);
	rig_segment_destroy(plain);
	rig_segment_destroy(made);
	rig_pool_destroy(pool);
	return r;
}

/* The lowest free descriptor: the call here does not fail. */
static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* The ledger of names stays for as long as the process, and a new ledger beside
 * the old where fstat() could not tell whose the old descriptor is. */
static bool is_ledger(int fd)
{
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return strstr(target, "/memfd:ledger") != NULL;
}

static int life(void)
{
	int before = lowest_free(), r = do_all();

	shared->code = r;
	if (lowest_free() > before && !is_ledger(before))
		return LEAKED;
	if (r < 0)
		return shared->why[0] ? FAILED : SPEECHLESS;
	return r;
}

static int entries(void)
{
	DIR *dir = opendir("/dev/shm");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* Do the words name the error? */
static bool named(const struct inject *inject)
{
	int number = inject->numbers[inject->at];

	if (inject->error == EEXIST)
		return strstr(shared->why, "is taken");
	if (number == SYS_madvise && inject->error == EFAULT)
		return strstr(shared->why, "no memory");
	if (inject->role == INJECT_WARDEN && number == SYS_sendmsg)
		return strstr(shared->why, "its warden died");
	return strstr(shared->why, errno_words(inject->error));
}

/* One call of one role with one error.  False: the result is wrong. */
static bool try_one(struct inject *inject, int names)
{
	static const char *const ends[] = { "well", "failed", "leaked", "wrong",
					    "without words" };
	uint64_t begin = clock_ns();
	int r, code;

	memset(shared, 0, sizeof(*shared));
	r = inject_run(inject, life, HANGS_S);
	code = WIFEXITED(inject->status) ? WEXITSTATUS(inject->status) : -1;
	if (getenv("RUNRIG_SAY") && inject->error)
		fprintf(stderr, "%s: %s %d: %s: %d %s (%.1f ms)\n",
			roles[inject->role],
			inject_name(inject->numbers[inject->at]), inject->at,
			errno_words(inject->error), code, shared->why,
			(double)(clock_ns() - begin) * 1e-6);
	/* The warden removes names, but not the names of a dead warden; and exit()
	 * removes a name that could not be looked at. */
	if (entries() != names &&
	    (inject->role == INJECT_WARDEN ||
	     inject->numbers[inject->at] == SYS_newfstatat))
		(void)rig_sweep_clean(false, NULL);
	if (r == 0 && code == FAILED && !named(inject))
		code = SPEECHLESS;
	if (r == 0 && (code == WELL || code == FAILED) && entries() == names)
		return true;
	fprintf(stderr, "%s: %s, its %d. call, with %s: %s, status %x%s: %s\n",
		roles[inject->role],
		inject->at < inject->calls
			? inject_name(inject->numbers[inject->at])
			: "?",
		inject->at,
		inject->error ? errno_words(inject->error) : "nothing",
		r == -ETIMEDOUT ? "hangs" : (code >= 0 ? ends[code] : "dies"),
		(unsigned)inject->status,
		entries() != names ? ", a name is left" : "", shared->why);
	return false;
}

static int sweep(int rank, void *arg)
{
	const char *value = getenv("RUNRIG_ERRNO");
	enum inject_role role = *(const enum inject_role *)arg;
	int every = value ? atoi(value) : 1, names, wrong = 0;
	struct tally tally = { 0 };
	struct inject inject = { .role = role, .at = -1 };
	char what[64];

	(void)rank;
	(void)harness_own_shm("size=16m", false);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Files that are read once are not read again in every life. */
	if (shared == MAP_FAILED || do_all() != 0)
		return 100;
	names = entries();
	if (!try_one(&inject, names))
		return 101;
	/* Two lives differ a little in their calls. */
	for (int at = (int)role % every; at < inject.calls + 2; at += every) {
		int errors;

		inject.at = at;
		inject.which = 0;
		do {
			uint64_t begin = clock_ns();

			if (try_one(&inject, names) && inject.error)
				tally_add(&tally, clock_ns() - begin);
			else if (inject.error)
				wrong++;
			errors = at < inject.calls
					 ? inject_errors(inject.numbers[at])
					 : 0;
		} while (++inject.which < errors);
	}
	snprintf(what, sizeof(what), "a system call of %s fails", roles[role]);
	tally_write(&tally, what);
	return wrong > 99 ? 99 : wrong;
}

START_TEST(each_call_fails_once)
{
	enum inject_role role = (enum inject_role)_i;

	if (!puppet_possible() || harness_sanitized) {
		fprintf(stderr, "skipped: no process can be traced here, or "
				"calls that fail end AddressSanitizer\n");
		return;
	}
	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_int_eq(run_workers(1, sweep, &role), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("errno");
	TCase *tcase = make_tcase("errno", 0);

	tcase_add_loop_test(tcase, each_call_fails_once, 0, INJECT_ROLES);
	suite_add_tcase(suite, tcase);
	return suite;
}
