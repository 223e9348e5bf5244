/* SPDX-License-Identifier: MIT */
/*
 * test_rank_kills.c - SIGKILL at each system call of programs that are ranks: of
 * `runrig exec`, of a rank, of a rank that is a grandchild, and of a process that meets
 * another by name.  The rest does not hang and says what has happened, nothing is left,
 * and the name can be met at again.
 */
#include "lib/harness.h"

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

#include "base/atomic.h"
#include "base/clock.h"
#include "lib/kill_sweep.h"
#include "lib/puppet.h"

#define OUTPUT_BYTES 4096
#define PATIENCE_NS  UINT64_C(20000000000)

/* ---- a launch ---- */

/* The launcher's output, and the ranks'.  Each write goes to the end of the file: without
 * O_APPEND two ranks that write to a memfd at once may write to the same place, for the
 * system locks the position of files that have been opened, and not that of a memfd. */
static int output;

/* An empty file for the output of a life. */
static bool open_output(void)
{
	return ftruncate(output, 0) == 0 && lseek(output, 0, SEEK_SET) == 0 &&
	       dup2(output, STDOUT_FILENO) >= 0 &&
	       dup2(output, STDERR_FILENO) >= 0;
}

static int launch(void)
{
	if (!open_output())
		return 99;
	(void)execl(getenv("RUNRIG"), "runrig", "exec", "-n", "2", "--",
		    getenv("RANK"), NULL);
	return 98;
}

/* The ranks are children of shells. */
static int launch_shells(void)
{
	if (!open_output())
		return 99;
	(void)execl(getenv("RUNRIG"), "runrig", "exec", "-n", "2", "--", "sh",
		    "-c", "\"$0\"; exit $?", getenv("RANK"), NULL);
	return 98;
}

static const char *read_output(void)
{
	static char text[OUTPUT_BYTES];
	ssize_t got = pread(output, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = 0;
	return text;
}

/* Both ranks have said all that they have to say. */
static bool both_said(const char *text)
{
	return strstr(text, "rank 0 of 2: 3\n") &&
	       strstr(text, "rank 1 of 2: 3\n");
}

/* A report names the rank; or no other rank waited for it, and the other one has said
 * all and ended well.  The first shell's rank may be either. */
static bool is_told(const char *text, int rank)
{
	char died[32], ended[32], other[32];

	snprintf(died, sizeof(died), "rank %d (pid ", rank);
	snprintf(ended, sizeof(ended), "rank %d ended (", rank);
	snprintf(other, sizeof(other), "rank %d of 2: 3\n", !rank);
	return strstr(text, ended) || strstr(text, other) ||
	       (strstr(text, died) && strstr(text, "killed by SIGKILL"));
}

/* The launcher's exit status is the killed rank's. */
static const char *judge_rank(const struct inject *inject, int status)
{
	static char said[OUTPUT_BYTES + 64];
	const char *text = read_output(), *why = NULL;
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (!inject->killed) {
		if (code != 0 || !both_said(text))
			why = "no kill, and not well";
	} else if (code != 128 + SIGKILL) {
		why = "the exit status is not the rank's";
	} else if (!is_told(text, 0) &&
		   (inject->role == INJECT_BETWEEN || !is_told(text, 1))) {
		why = "no report, and the other rank did not end well";
	}
	if (!why)
		return NULL;
	snprintf(said, sizeof(said), "%s:\n%s", why, text);
	return said;
}

static const char *judge_launcher(const struct inject *inject, int status)
{
	if (!inject->killed)
		return status ? "no kill, and not well" : NULL;
	/* kill_sweep() waits for all descendants of the launcher. */
	return WIFSIGNALED(status) ? NULL : "the launcher lives";
}

/* ---- by name ---- */

enum { SIZE = 2 };

/* In shared memory. */
static struct arena {
	_Atomic uint32_t
		joins; /* times that the second rank is about to join */
	_Atomic uint32_t joined; /* times that it has joined */
	char why[512];
} * arena;

static int talk(struct rig_team *team)
{
	uint64_t one = 1, sum = 0;
	int r = rig_team_barrier(team);

	if (r == 0)
		r = rig_team_allreduce(team, &one, &sum, 1, RIG_UINT64,
				       RIG_SUM);
	if (r == 0 && sum != SIZE)
		r = -EBADMSG;
	return r < 0 ? r : rig_team_barrier(team);
}

/* Meet, talk and leave; again where the other has died.  `counts`: say so in the
 * arena. */
static int meet(bool counts)
{
	const int before = kill_sweep_descriptors();
	struct rig_team *team;
	int r, left;

	do {
		if (counts)
			add_seq(&arena->joins, 1);
		r = rig_join(&team,
			     &(struct rig_join_options){
				     .name = "rank-kills",
				     .size = SIZE,
				     .deadline_ns = clock_after(PATIENCE_NS) });
		if (r < 0)
			break;
		if (counts)
			add_seq(&arena->joined, 1);
		r = talk(team);
		left = rig_leave();
		if (r == 0)
			r = left;
	} while (r == -EOWNERDEAD);
	if (r < 0)
		snprintf(arena->why, sizeof(arena->why), "%d: %s", r,
			 rig_why());
	if (r == 0 && kill_sweep_descriptors() != before)
		return 3;
	return r < 0;
}

static pid_t start(bool counts)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(meet(counts));
	return pid;
}

/* Wait for a process, and have a third one come where the process waits for another
 * one. */
static int accompany(pid_t pid, bool alone)
{
	int status = 0, other = 0;
	pid_t third = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		const uint32_t joined = load_seq(&arena->joined);

		if (alone && !third && load_seq(&arena->joins) > joined)
			third = start(false);
		usleep(500);
	}
	if (third > 0)
		(void)waitpid(third, &other, 0);
	return status ? status : other;
}

/* The victim is the first child. */
static int life(void)
{
	pid_t victim, second;
	int status, r;

	memset(arena, 0, sizeof(*arena));
	victim = start(false);
	second = start(true);
	if (victim < 0 || second < 0 || waitpid(victim, &status, 0) != victim)
		return 90;
	r = accompany(second, WIFSIGNALED(status));
	if (r || (!WIFSIGNALED(status) && status))
		return 91;
	/* The name again. */
	victim = start(false);
	second = start(false);
	if (waitpid(victim, &status, 0) != victim || status ||
	    waitpid(second, &status, 0) != second || status)
		return 92;
	return access("/dev/shm/rank-kills", F_OK) == 0 ? 93 : 0;
}

static const char *judge_meeting(const struct inject *inject, int status)
{
	static char said[640];

	(void)inject;
	if (!status)
		return NULL;
	snprintf(said, sizeof(said), "%s: %s",
		 !WIFEXITED(status)          ? "dies"
		 : WEXITSTATUS(status) == 91 ? "the survivor fails"
		 : WEXITSTATUS(status) == 92 ? "the name cannot be met at again"
					     : "the name is left",
		 arena->why);
	return said;
}

/* ---- all ---- */

static const struct kill_sweep sweeps[] = {
	{ .what = "a kill at a call of runrig exec",
	  .victim = INJECT_CALLER,
	  .life = launch,
	  .judge = judge_launcher,
	  .share = 41 },
	{ .what = "a kill at a call of a rank",
	  .victim = INJECT_BETWEEN,
	  .life = launch,
	  .judge = judge_rank,
	  .share = 19 },
	{ .what = "a kill at a call of a rank of a shell",
	  .victim = INJECT_WARDEN,
	  .life = launch_shells,
	  .judge = judge_rank,
	  .share = 23 },
	{ .what = "a kill at a call of a rank by name",
	  .victim = INJECT_BETWEEN,
	  .life = life,
	  .judge = judge_meeting,
	  .share = 7 },
};

static int sweep(int rank, void *arg)
{
	const struct kill_sweep *own = &sweeps[*(const int *)arg];

	(void)rank;
	(void)harness_own_shm("size=16m", false);
	output = memfd_create("output", MFD_CLOEXEC);
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (output < 0 || fcntl(output, F_SETFL, O_APPEND) < 0 ||
	    arena == MAP_FAILED)
		return 101;
	return kill_sweep(own);
}

START_TEST(a_kill_at_each_call)
{
	int which = _i;

	if (!puppet_possible()) {
		fprintf(stderr, "skipped: no process can be traced here\n");
		return;
	}
	ck_assert_ptr_nonnull(getenv("RUNRIG"));
	ck_assert_ptr_nonnull(getenv("RANK"));
	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_int_eq(run_workers(1, sweep, &which), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("rank_kills");
	TCase *tcase = make_tcase("rank_kills", 0);

	tcase_add_loop_test(tcase, a_kill_at_each_call, 0,
			    sizeof(sweeps) / sizeof(sweeps[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
