/* SPDX-License-Identifier: MIT */
/*
 * test_chaos.c - deaths of every process at every moment: hosts live with pools,
 * while workers, wardens and the hosts are hit at random; and after every blow the
 * invariants.
 *
 *	I1  the call returned, in time, with the right code
 *	I2  no process is left, and no zombie
 *	I3  no name is left, and no memory
 *	I4  descriptors and mappings are as before
 *	I5  no rank passed a barrier before all had arrived
 *	I6  the old team was gone when the call returned
 *	I7  the report names the true rank, end and kernel, and the place of each rank
 *	I8  the same pool's next run is right to the bit
 *	I9  the lines that a kernel printed are there once
 *
 * RUNRIG_CHAOS=SECONDS says how long, RUNRIG_SEED=SEED how: every host's life has a
 * seed, which is printed when an invariant fails and replays the life first (the
 * decisions; the moments are the machine's).  With RUNRIG_SAY the test prints every
 * blow.
 */
#include "lib/harness.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"
#include "lib/chance.h"
#include "lib/process.h"
#include "lib/tally.h"

#include "chaos_kernel.h"

#define LIMIT_NS UINT64_C(30000000)

/* A call with a death to report may take so long: against hanging. */
#define HANGS_NS UINT64_C(10000000000)

/* The exit status of a host when an invariant does not hold: a number, for the words
 * are on stderr. */
#define BROKEN 77

/* How a worker is hit. */
static const struct {
	int signal;
	int status; /* as waitpid() returns; -1: the worker does not die */
	const char *name;
} blows[] = {
	{ SIGKILL, SIGKILL, "a worker: SIGKILL" },
	{ SIGSEGV, SIGSEGV, "a worker: SIGSEGV" },
	{ SIGBUS, SIGBUS, "a worker: SIGBUS" },
	{ SIGABRT, SIGABRT, "a worker: SIGABRT" },
	{ SIGTERM, SIGTERM, "a worker: SIGTERM" },
	{ SIGUSR1, 0, "a worker: exit(0)" },
	{ SIGUSR2, 3 << 8, "a worker: _exit(3)" },
	{ SIGSTOP, -1, "a worker: SIGSTOP, and a limit" },
};

#define BLOWS     ((int)(sizeof(blows) / sizeof(blows[0])))
#define TO_WARDEN BLOWS
#define TO_CALLER (BLOWS + 1)
#define KINDS     (BLOWS + 2)

/* Shared by a host and the process that kills the host. */
static struct shared {
	struct tally tallies[KINDS];
	_Atomic bool unguarded; /* the warden is dead: names may stay */
} * shared;

/* The part of a host's life, for the message. */
static const char *where = "begin";
static uint64_t life_seed;

/* An invariant that must hold. */
#define HOLDS(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			broken(#condition, __LINE__);                          \
	} while (0)

static noreturn void broken(const char *what, int line)
{
	fprintf(stderr,
		"test_chaos.c:%d: %s, in %s: RUNRIG_SEED=%#lx\n"
		"  the last error in words: %s\n",
		line, what, where, (unsigned long)life_seed, rig_why());
	_exit(BROKEN);
}

/* ---- a host */

struct host {
	struct rig_pool *pool;
	struct rig_segment *segment;
	struct board *board;
	int size;
	int number;
	int printed; /* the file behind stdout */
	uint64_t seed;
	pid_t pids[WORKERS_MAX];
};

/* Mappings of this process without those of libraries: a report loads libdw. */
static int map_lines(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 100];
	int lines = 0;

	while (file && fgets(line, sizeof(line), file))
		lines += !strstr(line, ".so");
	if (file)
		fclose(file);
	return lines;
}

static void note_pids(struct host *host)
{
	for (int i = 0; i < host->size; i++)
		host->pids[i] = host->pool->startup.layout.about[i].pid;
}

/* Is the worker still there?  Once the warden, the parent, is dead, a dead worker
 * waits for init, and counts only while the worker can touch memory. */
static bool is_worker(pid_t pid, bool zombies)
{
	char line[512];

	process_stat(pid, line, sizeof(line));
	return strstr(line, "(runrig-worker)") &&
	       (zombies || process_has_memory(line));
}

/* I6. */
static bool old_team_is_gone(const struct host *host, bool zombies)
{
	for (int i = 0; i < host->size; i++)
		if (is_worker(host->pids[i], zombies))
			return false;
	return true;
}

static off_t printed_bytes(const struct host *host)
{
	struct stat status;

	return fstat(host->printed, &status) < 0 ? -1 : status.st_size;
}

static int submit(struct host *host, struct task *task, uint64_t limit_ns)
{
	memset(host->board, 0, sizeof(*host->board));
	task->number = ++host->number;
	note_pids(host);
	return rig_pool_submit(
		host->pool,
		&(struct rig_job){ .kernel = work,
				   .segments = { { .name = rig_segment_name(
							   host->segment) } },
				   .args = task,
				   .args_bytes = sizeof(*task),
				   .limit_ns = limit_ns });
}

/* RUNRIG_SAY in the environment replays a seed. */
static void say(const struct host *host, const char *what, int r)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = getenv("RUNRIG_SAY") != NULL;
	if (!wanted)
		return;
	fprintf(stderr, "%.6f %s, run %d: %d %s; pids",
		(double)clock_ns() * 1e-9, what, host->number, r,
		r < 0 ? rig_why() : "");
	for (int i = 0; i < host->size; i++)
		fprintf(stderr, " %d", (int)host->pids[i]);
	fprintf(stderr, "\n");
}

/* I5, I8 and I9, for a run without an error. */
static void check_data(struct host *host, int rounds, off_t before)
{
	for (size_t i = 0; i < WORDS; i++)
		HOLDS(host->board->words[i] == computed(i, rounds));
	HOLDS(!host->board->passed_early);
	HOLDS(printed_bytes(host) == before + LINE_BYTES);
}

/* A run that nothing disturbs.  `may_die`: the blow to the run before may have come
 * too late for that run. */
static int clean_run(struct host *host, bool may_die)
{
	struct task task = { .rounds = 3 };
	off_t before = printed_bytes(host);
	int r;

	where = "a clean run";
	HOLDS(submit(host, &task, 0) == 0);
	r = rig_pool_wait(host->pool, RIG_FOREVER);
	if (r == 0)
		check_data(host, task.rounds, before);
	else
		HOLDS(may_die && r == -EOWNERDEAD);
	say(host, where, r);
	return r;
}

/* I7. */
static void check_report(const struct host *host, int blow, const int *ranks,
			 int count)
{
	const struct rig_report *report = rig_pool_report(host->pool);
	bool known = false;

	HOLDS(report->size == host->size);
	HOLDS(strncmp(report->kernel, "work", 4) == 0);
	HOLDS(strstr(report->text, report->kernel));
	for (int i = 0; i < host->size; i++) {
		char words[32];

		snprintf(words, sizeof(words), "rank %d (pid %d", i,
			 (int)host->pids[i]);
		HOLDS(strstr(report->text, words));
		HOLDS(report->ranks[i].pid == host->pids[i]);
	}
	if (blows[blow].status < 0) {
		HOLDS(report->end == RIG_END_LIMIT);
		return;
	}
	HOLDS(report->end == RIG_END_DEATH);
	for (int i = 0; i < count; i++)
		known |= report->rank == ranks[i];
	HOLDS(known);
	/* Before the kernel has set the handlers, the signal kills. */
	HOLDS((report->wait_status & ~0x80) == blows[blow].status ||
	      (report->wait_status & ~0x80) == blows[blow].signal);
}

/* A stop takes the time of the limit: one in forty. */
static int pick_blow(uint64_t *seed)
{
	return chance_below(seed, 40) == 0
		       ? BLOWS - 1
		       : (int)chance_below(seed, (uint64_t)BLOWS - 1);
}

/* One blow to one or two workers of a run. */
static void hit_workers(struct host *host)
{
	int blow = pick_blow(&host->seed);
	bool stops = blows[blow].status < 0;
	struct task task = { .rounds =
				     1 + (int)chance_below(&host->seed, 200) };
	int ranks[2], count = 1 + (chance_below(&host->seed, 8) == 0), r;
	off_t before = printed_bytes(host), after;
	uint64_t begin;

	where = blows[blow].name;
	for (int i = 0; i < count; i++)
		ranks[i] = (int)chance_below(&host->seed, (uint64_t)host->size);
	HOLDS(submit(host, &task, stops ? LIMIT_NS : 0) == 0);
	if (chance_below(&host->seed, 4))
		process_sleep(chance_below(&host->seed, 1000000));
	begin = clock_ns();
	for (int i = 0; i < count; i++)
		(void)kill(host->pids[ranks[i]], blows[blow].signal);
	r = rig_pool_wait(host->pool, RIG_FOREVER);
	/* I1 */
	HOLDS(clock_ns() - begin < HANGS_NS);
	say(host, blows[blow].name, r);
	HOLDS(r == 0 || r == (stops ? -ETIMEDOUT : -EOWNERDEAD));
	tally_add(&shared->tallies[blow], clock_ns() - begin);
	after = printed_bytes(host);
	HOLDS(after == before || after == before + LINE_BYTES);
	if (r == 0) {
		check_data(host, task.rounds, before);
	} else {
		HOLDS(old_team_is_gone(host, true));
		check_report(host, blow, ranks, count);
		HOLDS(!host->board->passed_early);
	}
	if (r == 0 && stops) {
		/* Stopped behind the run: the limit of the next run ends the worker. */
		HOLDS(submit(host, &task, LIMIT_NS) == 0);
		HOLDS(rig_pool_wait(host->pool, RIG_FOREVER) == -ETIMEDOUT);
	}
	/* I8: once more, where the blow was too late for the run; two blows may be
	 * for two runs. */
	r = clean_run(host, r == 0);
	while (r < 0 && --count >= 0)
		r = clean_run(host, count > 0);
}

static void make_pool(struct host *host)
{
	static const enum rig_barrier_kind kinds[] = { RIG_BARRIER_ADAPTIVE,
						       RIG_BARRIER_PTHREAD };

	where = "create";
	host->size = 1 + (int)chance_below(&host->seed, WORKERS_MAX);
	HOLDS(rig_pool_create(
		      &host->pool,
		      &(struct rig_pool_options){
			      .workers = host->size,
			      .barrier =
				      kinds[chance_below(&host->seed, 2)] }) ==
	      0);
	HOLDS(rig_segment_create(&host->segment, NULL, sizeof(*host->board),
				 &(struct rig_segment_options){
					 .pool = host->pool }) == 0);
	host->board = rig_segment_data(host->segment);
	note_pids(host);
}

static void end_pool(struct host *host)
{
	where = "destroy";
	note_pids(host);
	rig_segment_destroy(host->segment);
	rig_pool_destroy(host->pool);
	HOLDS(old_team_is_gone(host, !shared->unguarded));
}

/* A blow to the warden, in a run: an error, and a pool that can be destroyed. */
static void hit_warden(struct host *host)
{
	static const int signals[] = { SIGKILL, SIGSEGV, SIGABRT };
	struct task task = { .rounds =
				     1 + (int)chance_below(&host->seed, 200) };
	uint64_t begin;
	int r;

	where = "a warden's death";
	HOLDS(submit(host, &task, 0) == 0);
	process_sleep(chance_below(&host->seed, 500000));
	shared->unguarded = true;
	begin = clock_ns();
	(void)kill((pid_t)host->pool->startup.layout.control->warden,
		   signals[chance_below(&host->seed, 3)]);
	r = rig_pool_wait(host->pool, RIG_FOREVER);
	HOLDS(r == 0 || r == -ECANCELED);
	/* The warden may have finished, and again while the kernel writes a core of
	 * the warden; in the end a run fails. */
	while (r == 0 && clock_ns() - begin < HANGS_NS) {
		r = submit(host, &task, 0);
		if (r == 0)
			r = rig_pool_wait(host->pool, RIG_FOREVER);
	}
	say(host, where, r);
	HOLDS(r == -ECANCELED);
	HOLDS(clock_ns() - begin < HANGS_NS);
	tally_add(&shared->tallies[TO_WARDEN], clock_ns() - begin);
	HOLDS(!host->board->passed_early);
	end_pool(host);
	make_pool(host);
	shared->unguarded = false;
	(void)clean_run(host, false);
}

static void interrupted(int signal)
{
	(void)signal;
}

/* Every system call may be interrupted, and is. */
static void storm(void)
{
	struct sigaction action = { .sa_handler = interrupted };
	const struct itimerval often = { { 0, 700 }, { 0, 700 } };

	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &often, NULL);
}

/* Live until killed, or for a number of blows; then end alone. */
static void live(uint64_t seed)
{
	struct host host = { .seed = seed };
	const struct rlimit no_core = { 0, 0 };
	int blows_left = 20 + (int)chance_below(&host.seed, 60);
	int fds, lines, pools = 0;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	host.printed = memfd_create("printed", MFD_CLOEXEC);
	(void)dup2(host.printed, STDOUT_FILENO);
	(void)fcntl(STDOUT_FILENO, F_SETFL, O_APPEND);
	if (seed % 3 == 0)
		storm();
	/* The first pool makes the objects that stay for good. */
	make_pool(&host);
	(void)clean_run(&host, false);
	end_pool(&host);
	fds = process_count_entries("/proc/self/fd");
	lines = map_lines();
	while (blows_left > 0) {
		int count = 1 + (int)chance_below(&host.seed, 10);

		make_pool(&host);
		(void)clean_run(&host, false);
		for (int i = 0; i < count; i++, blows_left--)
			if (chance_below(&host.seed, 9) == 0)
				hit_warden(&host);
			else
				hit_workers(&host);
		end_pool(&host);
		where = "the end";
		/* I4; I2: no process of a pool was ever a child of this host. */
		HOLDS(process_count_entries("/proc/self/fd") == fds);
		HOLDS(harness_sanitized || map_lines() <= lines + 2);
		errno = 0;
		HOLDS(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
		pools++;
	}
	/* Destroyed, or left to exit() or to the warden. */
	if (chance_below(&host.seed, 2)) {
		make_pool(&host);
		if (chance_below(&host.seed, 2))
			exit(0);
		_exit(0);
	}
	_exit(0);
}

/* ---- the process that watches hosts */

static uint64_t free_blocks(void)
{
	struct statvfs fs;

	return statvfs("/dev/shm", &fs) < 0 ? 0 : fs.f_bavail;
}

/* I2: all orphans that this process has adopted are gone, in time. */
static void await_descendants(void)
{
	uint64_t until = clock_after(HANGS_NS);

	where = "what a host left";
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		HOLDS(clock_ns() < until);
		process_sleep(100000);
	}
}

/* A host, from fork to the proof that nothing is left of the host. */
static void one_host(uint64_t seed, bool own)
{
	static const int ends[] = { SIGKILL, SIGKILL, SIGSEGV, SIGABRT,
				    SIGTERM, SIGINT,  SIGHUP };
	uint64_t fate = seed ^ UINT64_C(0x5bf03635ca2d21f7);
	int names = process_count_entries("/dev/shm"), status = 0;
	uint64_t blocks = free_blocks(), until, begin = 0;
	pid_t host;

	life_seed = seed;
	shared->unguarded = false;
	host = fork();
	if (host == 0)
		live(seed);
	/* Most hosts are killed; the others live to their end. */
	until = clock_after(chance_below(&fate, 4)
				    ? chance_below(&fate, 200000000)
				    : UINT64_C(60000000000));
	while (waitpid(host, &status, WNOHANG) == 0) {
		if (clock_ns() > until && !begin) {
			begin = clock_ns();
			(void)kill(host, ends[chance_below(&fate, 7)]);
		}
		process_sleep(100000);
	}
	where = "a host's life";
	HOLDS(!WIFEXITED(status) || WEXITSTATUS(status) != BROKEN);
	HOLDS(begin || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	await_descendants();
	if (begin)
		tally_add(&shared->tallies[TO_CALLER], clock_ns() - begin);
	if (!own)
		return;
	/* I3.  Warden and caller died at once: cleaning removes all names. */
	where = "names";
	if (process_count_entries("/dev/shm") != names && shared->unguarded)
		(void)rig_sweep_clean(false, NULL);
	HOLDS(process_count_entries("/dev/shm") == names);
	HOLDS(free_blocks() == blocks);
}

static int hosts(int rank, void *arg)
{
	const char *seconds = getenv("RUNRIG_CHAOS");
	uint64_t seed = *(const uint64_t *)arg;
	uint64_t until;
	bool own = harness_own_shm("size=32m", false) == 0;

	(void)rank;
	if (!own)
		fprintf(stderr, "skipped: no /dev/shm of one's own to be "
				"had, so names are not compared\n");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	/* This process adopts the wardens whose hosts are gone. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	until = clock_after((seconds ? strtoull(seconds, NULL, 10) : 6) *
			    1000000000);
	do
		one_host(seed++, own);
	while (clock_ns() < until);
	for (int i = 0; i < BLOWS; i++)
		tally_write(&shared->tallies[i], blows[i].name);
	tally_write(&shared->tallies[TO_WARDEN], "a warden: KILL, SEGV, ABRT");
	tally_write(&shared->tallies[TO_CALLER],
		    "a caller: any moment, until all is gone");
	return 0;
}

START_TEST(nothing_hangs_leaks_or_lies)
{
	const char *given = getenv("RUNRIG_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : clock_ns() | 1;

	harness_limits.workers_ns = UINT64_C(360000000000000);
	ck_assert_int_eq(run_workers(1, hosts, &seed), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("chaos");
	TCase *tcase = make_tcase("chaos", 0);

	/* A /dev/shm apart, where no names of other killed programs appear. */
	(void)harness_own_shm(NULL, true);
	tcase_add_test(tcase, nothing_hangs_leaks_or_lies);
	suite_add_tcase(suite, tcase);
	return suite;
}
