/* SPDX-License-Identifier: MIT */
/*
 * harness.c - main() of the test programs, processes for tests, and the proof
 * that a test has left nothing behind.
 *
 * The things that a process holds are taken down as sorted lists of words, a list
 * a kind; the lists of before and after a test must be equal.
 *
 * Other tests run at the same time, so a name in /dev/shm need not be the test's.
 * A name counts as left behind when the name is new, has the mark of names that
 * die with their maker (the sticky bit), and nobody holds the lock that the maker
 * holds for life: then the maker is dead.  The locks are read in /proc/locks, for
 * trying a lock would disturb other processes that do.  The living part of a leak,
 * a segment still mapped, shows in the mappings.
 */
#include "lib/harness.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Time for a test that is expected to fail. */
#define HURRY_S 10

#define WORDS_MAX  4096
#define WORD_BYTES 160

struct words {
	int count;
	char text[WORDS_MAX][WORD_BYTES];
};

/* Takes down the things of a kind. */
typedef void holding_fn(struct words *words);

struct harness_limits harness_limits = {
	.settle_ns = 5000000000u,
	.workers_ns = 15000000000u,
};

#if defined(__SANITIZE_ADDRESS__)
const bool harness_sanitized = true;
#elif defined(__has_feature)
const bool harness_sanitized = __has_feature(address_sanitizer);
#else
const bool harness_sanitized = false;
#endif

static int statuses[HARNESS_WORKERS_MAX];

static void words_add(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void words_add(struct words *words, const char *format, ...)
{
	va_list list;

	ck_assert_int_lt(words->count, WORDS_MAX);
	va_start(list, format);
	vsnprintf(words->text[words->count++], WORD_BYTES, format, list);
	va_end(list);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool words_have(const struct words *words, const char *word)
{
	return bsearch(word, words->text, (size_t)words->count, WORD_BYTES,
		       compare) != NULL;
}

/* Call fn for each entry of a folder; entries may go during the call. */
static void each_entry(const char *folder,
		       void (*fn)(struct words *words, int folder_fd,
				  const char *name),
		       struct words *words)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			fn(words, dirfd(dir), entry->d_name);
	closedir(dir);
}

static void descriptor(struct words *words, int folder_fd, const char *name)
{
	char target[WORD_BYTES - 16] = "";

	/* The descriptor that reads the folder is not the test's. */
	if (atoi(name) == folder_fd)
		return;
	(void)!readlinkat(folder_fd, name, target, sizeof(target) - 1);
	/* Without forks, Check's own file of messages comes and goes. */
	if (strstr(target, "/check_") && strstr(target, " (deleted)"))
		return;
	/* The ledger of names stays for as long as the process. */
	if (strstr(target, "/memfd:ledger"))
		return;
	words_add(words, "%s %s", name, target);
}

static void descriptors(struct words *words)
{
	each_entry("/proc/self/fd", descriptor, words);
}

static void mappings(struct words *words)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps)) {
		const char *name = strstr(line, "/dev/shm/");

		line[strcspn(line, "\n")] = '\0';
		if (name)
			words_add(words, "%.20s %s", line, name);
	}
	fclose(maps);
}

static void process(struct words *words, int folder_fd, const char *name)
{
	char path[300];
	char line[512];
	const char *rest;
	char state;
	int parent, group;
	FILE *stat;

	(void)folder_fd;
	if (!isdigit((unsigned char)name[0]) || atoi(name) == getpid())
		return;
	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	stat = fopen(path, "re");
	if (!stat)
		return;
	/* "pid (name) state parent group ...", and the name may hold ')'. */
	rest = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
	fclose(stat);
	if (!rest || sscanf(rest, ") %c %d %d", &state, &parent, &group) != 3)
		return;
	/* A dead process that is not our child waits for init, not for us. */
	if (parent == getpid() || (group == getpgrp() && state != 'Z'))
		words_add(words, "%s %.*s", name,
			  (int)(rest - strchr(line, '(')) + 1,
			  strchr(line, '('));
}

static void processes(struct words *words)
{
	each_entry("/proc", process, words);
}

/* Whether any process holds a lock on the file. */
static bool locked(const struct stat *file)
{
	FILE *locks = fopen("/proc/locks", "re");
	char wanted[64], line[256];
	bool found = false;

	if (!locks)
		return true;
	snprintf(wanted, sizeof(wanted), " %02x:%02x:%ju ", major(file->st_dev),
		 minor(file->st_dev), (uintmax_t)file->st_ino);
	while (!found && fgets(line, sizeof(line), locks))
		found = strstr(line, wanted) != NULL;
	fclose(locks);
	return found;
}

static void stale_name(struct words *words, int folder_fd, const char *name)
{
	struct stat file;

	if (fstatat(folder_fd, name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(file.st_mode) && (file.st_mode & S_ISVTX) &&
	    file.st_uid == geteuid() && !locked(&file))
		words_add(words, "%s", name);
}

static void stale_names(struct words *words)
{
	each_entry("/dev/shm", stale_name, words);
}

/* Compare the lists.  Things for which `settle` is set may be about to go. */
static const struct {
	const char *what;
	holding_fn *take;
	bool settle;
} holdings[] = {
	{ .what = "a process", .take = processes, .settle = true },
	{ .what = "a name in /dev/shm", .take = stale_names, .settle = true },
	{ .what = "a descriptor", .take = descriptors },
	{ .what = "a mapping", .take = mappings },
};

#define HOLDINGS (sizeof(holdings) / sizeof(holdings[0]))

/* The lists from the begin of the test. */
static struct words before[HOLDINGS];

static void take(holding_fn *fn, struct words *words)
{
	words->count = 0;
	fn(words);
	qsort(words->text, (size_t)words->count, WORD_BYTES, compare);
}

static void take_before(void)
{
	for (size_t i = 0; i < HOLDINGS; i++)
		take(holdings[i].take, &before[i]);
}

/* The first word that is in the list now and was not before, or NULL. */
static const char *left(holding_fn *fn, const struct words *then)
{
	static struct words after;

	take(fn, &after);
	for (int i = 0; i < after.count; i++)
		if (!words_have(then, after.text[i]))
			return after.text[i];
	return NULL;
}

static void compare_after(void)
{
	uint64_t end_ns = clock_after(harness_limits.settle_ns);
	const struct timespec moment = { .tv_nsec = 2000000 };

	for (size_t i = 0; i < HOLDINGS; i++) {
		const char *word;

		while ((word = left(holdings[i].take, &before[i])) &&
		       holdings[i].settle && clock_ns() < end_ns)
			nanosleep(&moment, NULL);
		ck_assert_msg(!word, "the test leaves %s behind: %s",
			      holdings[i].what, word ? word : "");
	}
}

bool harness_long(void)
{
	return getenv("RUNRIG_LONG") != NULL;
}

int harness_own_shm(const char *options, bool as_root)
{
	if (unshare(CLONE_NEWNS) < 0 &&
	    (as_root || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0))
		return -1;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("tmpfs", "/dev/shm", "tmpfs", 0, options);
}

TCase *make_tcase(const char *name, double limit_s)
{
	TCase *tcase = tcase_create(name);

	if (getenv("HARNESS_HURRY")) {
		harness_limits.settle_ns = UINT64_C(500000000);
		limit_s = limit_s > 0 && limit_s < HURRY_S ? limit_s : HURRY_S;
	}
	tcase_set_timeout(tcase, limit_s);
	tcase_add_checked_fixture(tcase, take_before, compare_after);
	return tcase;
}

/* Check catches these signals to kill the test, and children inherit the
 * handlers: a signal to a child would end the whole test. */
static void reset_signals(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGALRM };
	sigset_t none;

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void work(int rank, worker_fn *fn, void *arg,
					   pid_t test)
{
	int status;

	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != test)
		_exit(1);
	status = fn(rank, arg);
	fflush(NULL);
	status = status < 0 ? -status : status;
	_exit(status > 255 ? 255 : status);
}

/* Waits for a child of ours until deadline_ns, then kills the child. */
static int collect(pid_t pid, uint64_t deadline_ns)
{
	struct pollfd end = { .events = POLLIN };
	uint64_t now = clock_ns();
	bool late;
	int status;

	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_ge(end.fd, 0);
	late = poll(&end, 1,
		    now < deadline_ns ? (int)((deadline_ns - now) / 1000000)
				      : 0) == 0;
	close(end.fd);
	if (late)
		kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (late)
		return WORKER_LATE;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int run_workers(int size, worker_fn *fn, void *arg)
{
	uint64_t deadline_ns = clock_after(harness_limits.workers_ns);
	pid_t pids[HARNESS_WORKERS_MAX];
	pid_t test = getpid();
	int first = 0;

	ck_assert_int_le(size, HARNESS_WORKERS_MAX);
	fflush(NULL);
	for (int rank = 0; rank < size; rank++) {
		pids[rank] = fork();
		if (pids[rank] == 0)
			work(rank, fn, arg, test);
		ck_assert_int_gt(pids[rank], 0);
	}
	for (int rank = 0; rank < size; rank++) {
		statuses[rank] = collect(pids[rank], deadline_ns);
		if (!first)
			first = statuses[rank];
	}
	return first;
}

int worker_status(int rank)
{
	ck_assert_int_ge(rank, 0);
	ck_assert_int_lt(rank, HARNESS_WORKERS_MAX);
	return statuses[rank];
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failures;

	srunner_run_all(runner, CK_ENV);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures != 0;
}
