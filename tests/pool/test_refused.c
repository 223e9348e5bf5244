/* SPDX-License-Identifier: MIT */
/*
 * test_refused.c - a life with the library where a container, an older kernel or
 * gVisor refuses a system call, always, with EPERM, ENOSYS or EINVAL.
 *
 * A life has a pool, segments with and without a pool, a list, a manager, symmetric
 * memory, a death, and a run after the death.  The life is well all the same; or, for
 * the few calls without a substitute, the first use of the call is an error that
 * names the call.  In both cases nothing is left, and the error is not -EINVAL, which
 * means a mistake of the caller's.
 *
 * RUNRIG_REFUSED=1 tries every call with every error; otherwise each call has one
 * error.
 */
#include "lib/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "base/glibc.h"
#include "lib/refuse.h"
#include "lib/tally.h"

#define WORDS 2048

/* How a life ends. */
enum { WELL, FAILED, LEAKED, WRONG, SPEECHLESS, NO_FILTER };

/* Calls without a substitute, and a word of the error. */
static const struct needed {
	const char *name;
	const char *word;
} needed[] = {
	{ "openat(O_TMPFILE)", "O_TMPFILE" },
	{ "linkat", "linkat" },
	{ "flock", "lock" },
	{ "pidfd_open", "pidfd_open" },
	{ "getrandom", "getrandom" },
	{ "sched_setaffinity", "affinity" },
	{ "eventfd2", "eventfd" },
	{ "fchmod", "mark" },
};

static const int errors[] = { EPERM, ENOSYS, EINVAL };

static const char *word_of(const struct refusal *refusal)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(needed[i].name, refusal->name) == 0)
			return needed[i].word;
	return NULL;
}

/* ---- a life ---- */

/* A number that only the host's descriptor has. */
static int host_fd = -1;

/* Rank 1's part of symmetric memory is zero at first, whatever the last run wrote; a
 * barrier; and each word of the segment grows by one. */
static int adds_one(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);
	uint64_t *memory = NULL;
	void *all;
	int r = rig_team_alloc(team, 4096, &all);

	if (r < 0)
		return r;
	if (fcntl(host_fd, F_GETFD) >= 0)
		return rig_team_fail(team, -EIO, "has the host's descriptor");
	memory = all;
	for (size_t i = 0; i < 4096 / sizeof(*memory); i++)
		if (memory[i]++)
			return rig_team_fail(team, -EIO, "not zero at %zu", i);
	for (size_t i = strip.begin; i < strip.end; i++)
		words[i]++;
	return rig_team_barrier(team);
}

static int dies(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

static int run(struct rig_pool *pool, rig_kernel_fn *kernel,
	       const struct rig_segment *segment)
{
	return rig_pool_run(
		pool,
		&(struct rig_job){ .kernel = kernel,
				   .segments = { { .name = rig_segment_name(
							   segment) } } });
}

/* Two runs, a death with a report, and another run. */
static int use(struct rig_pool *pool, struct rig_segment *segment)
{
	const uint64_t *words = rig_segment_data(segment);
	uint64_t before = words[0];
	int r = run(pool, adds_one, segment);

	if (r == 0)
		r = run(pool, adds_one, segment);
	if (r < 0)
		return r;
	if (run(pool, dies, segment) != -EOWNERDEAD ||
	    !strstr(rig_why(), "killed by SIGKILL"))
		return WRONG;
	r = run(pool, adds_one, segment);
	for (size_t i = 0; i < WORDS && r == 0; i++)
		if (words[i] != before + 3)
			return WRONG;
	return r;
}

static int keep_list(void)
{
	const struct rig_value values[] = { rig_int(7), rig_str("seven") };
	struct rig_value value;
	struct rig_list *list = NULL;
	int r = rig_list_create(&list, NULL, values, 2, NULL);

	if (r == 0)
		r = rig_list_get(list, 0, &value);
	if (r == 0 && value.integer != 7)
		r = WRONG;
	rig_list_destroy(list);
	return r;
}

static int manage(void)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;
	int r = rig_manager_start(&manager);

	if (r == 0)
		r = rig_manager_segment(manager, &segment, 100);
	rig_segment_destroy(segment);
	rig_manager_shutdown(manager);
	return r;
}

static int do_all(char *why, size_t bytes)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *made = NULL, *plain = NULL;
	struct rig_found *found = NULL;
	int r;

	host_fd = fcntl(STDERR_FILENO, F_DUPFD, 700);
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 });
	if (r == 0)
		r = rig_segment_create(
			&made, NULL, WORDS * sizeof(uint64_t),
			&(struct rig_segment_options){ .pool = pool });
	if (r == 0)
		r = rig_segment_create(&plain, "refused-plain",
				       WORDS * sizeof(uint64_t), NULL);
	if (r == 0)
		r = use(pool, made);
	if (r == 0)
		r = use(pool, plain);
	if (r == 0)
		r = keep_list();
	if (r == 0)
		r = manage();
	if (r == 0)
		r = rig_sweep_clean(true, &found);
	snprintf(why, bytes, "%s", r < 0 ? rig_why() : "");
	close(host_fd);
	free(found);
	rig_segment_destroy(plain);
	rig_segment_destroy(made);
	rig_pool_destroy(pool);
	return r;
}

/* ---- with a call refused ---- */

static struct shared {
	int code;
	char why[512];
} * shared;

static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static int life(const struct refusal *refusal, int error)
{
	int before = lowest_free();

	if (refuse(refusal, error) < 0)
		return NO_FILTER;
	shared->code = do_all(shared->why, sizeof(shared->why));
	if (lowest_free() > before)
		return LEAKED;
	if (shared->code < 0)
		return shared->why[0] ? FAILED : SPEECHLESS;
	return shared->code;
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

static bool is_right(const struct refusal *refusal, int end)
{
	const char *word = word_of(refusal);

	if (end == WELL)
		return true;
	return word && end == FAILED && shared->code != -EINVAL &&
	       strstr(shared->why, word);
}

/* False: the result is wrong. */
static bool try_one(const struct refusal *refusal, int error)
{
	static const char *const ends[] = { "well",          "failed",
					    "leaked",        "wrong",
					    "without words", "unfiltered" };
	int names = entries(), status = 0, end;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0)
		_exit(life(refusal, error));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (end == NO_FILTER || (is_right(refusal, end) && entries() == names))
		return true;
	fprintf(stderr, "%s, refused with %s: %s, status %x, code %d%s: %s\n",
		refusal->name, errno_words(error),
		end >= 0 ? ends[end] : "dies", (unsigned)status, shared->code,
		entries() != names ? ", a name is left" : "", shared->why);
	return false;
}

static int try_all(int rank, void *arg)
{
	const int kinds = sizeof(errors) / sizeof(errors[0]);
	bool all = getenv("RUNRIG_REFUSED");
	struct tally tally = { 0 };
	int wrong = 0;

	(void)rank;
	(void)arg;
	(void)harness_own_shm("size=64m", false);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* The first life makes the objects that a process keeps. */
	if (shared == MAP_FAILED ||
	    do_all(shared->why, sizeof(shared->why)) != 0)
		return 100;
	for (int i = 0; i < refusals_count; i++)
		for (int e = 0; e < kinds; e++) {
			uint64_t begin = clock_ns();

			if (!all && e != i % kinds)
				continue;
			if (try_one(&refusals[i], errors[e]))
				tally_add(&tally, clock_ns() - begin);
			else
				wrong++;
		}
	tally_write(&tally, "a system call is refused, always");
	return wrong;
}

START_TEST(a_life_is_well_or_says_which_call_it_wants)
{
	if (harness_sanitized) {
		fprintf(stderr, "skipped: the sanitizer makes such calls\n");
		return;
	}
	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_int_eq(run_workers(1, try_all, NULL), 0);
}
END_TEST

/* Another program's file has fewer pages than bytes, and /dev/shm cannot hold the
 * missing pages: no worker touches a missing page. */
static int run_on_sparse(int rank, void *arg)
{
	struct rig_segment *small = NULL;
	struct rig_pool *pool = NULL;
	int fd, r;

	(void)rank;
	(void)arg;
	if (harness_own_shm("size=4m", false) < 0 ||
	    refuse(&refusals[0], EINVAL) < 0)
		return 0;
	fd = open("/dev/shm/sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 });
	if (fd < 0 || ftruncate(fd, 64 << 20) < 0 || r < 0)
		return 1;
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = adds_one,
				       .segments = { { .name = "sparse" } } });
	if (r != -ENOSPC || !strstr(rig_why(), "sparse")) {
		fprintf(stderr, "%d: %s\n", r, rig_why());
		return 2;
	}
	(void)unlink("/dev/shm/sparse");
	close(fd);
	r = rig_segment_create(&small, NULL, WORDS * sizeof(uint64_t), NULL);
	if (r == 0)
		r = run(pool, adds_one, small);
	rig_segment_destroy(small);
	rig_pool_destroy(pool);
	return r == 0 ? 0 : 3;
}

START_TEST(sparse_files_are_reserved_before_they_are_touched)
{
	if (!harness_sanitized)
		ck_assert_int_eq(run_workers(1, run_on_sparse, NULL), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("refused");
	TCase *tcase = make_tcase("refused", 0);

	tcase_add_test(tcase, a_life_is_well_or_says_which_call_it_wants);
	tcase_add_test(tcase,
		       sparse_files_are_reserved_before_they_are_touched);
	suite_add_tcase(suite, tcase);
	return suite;
}
