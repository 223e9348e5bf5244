/* SPDX-License-Identifier: MIT */
/*
 * lab_run.c - see lab_run.h.
 *
 * A student's code may print without an end, wait for ever, or leave a process
 * that holds the pipe open.  So reading ends with the program and not with the
 * pipe, and this process adopts (PR_SET_CHILD_SUBREAPER) the rest: wardens end by
 * themselves, and all others are killed.
 */
#include "lab_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <runrig/sweep.h>

extern char **environ;

/* Bytes that are kept of a program's output: the first, and the last. */
#define HEAD ((size_t)1 << 19)
#define TAIL ((size_t)1 << 18)
#define FULL (HEAD + 2 * TAIL)

/* The time that a warden has to end a pool whose maker was killed. */
#define GRACE_MS 2000

static const char left_out[] =
	"\n[the output is too long: a part is left out]\n";

/* The output so far. */
struct output {
	char *text;
	size_t used;
};

static void leave_out_middle(struct output *output)
{
	const size_t mark = sizeof(left_out) - 1;

	memcpy(output->text + HEAD, left_out, mark);
	memmove(output->text + HEAD + mark, output->text + output->used - TAIL,
		TAIL);
	output->used = HEAD + mark + TAIL;
}

/* Read once.  False at the end of the pipe, or where nothing is there now. */
static bool read_some(int fd, struct output *output)
{
	ssize_t got;

	if (output->used == FULL)
		leave_out_middle(output);
	got = read(fd, output->text + output->used, FULL - output->used);
	for (ssize_t i = 0; i < got; i++)
		if (output->text[output->used + (size_t)i] == '\0')
			output->text[output->used + (size_t)i] = '?';
	output->used += got > 0 ? (size_t)got : 0;
	return got > 0 || (got < 0 && errno == EINTR);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Read until the program has ended.  Returns whether that was in time. */
static bool read_until_end(int pidfd, int fd, int limit_s,
			   struct output *output)
{
	const int64_t end = now_ms() + limit_s * INT64_C(1000);
	struct pollfd ready[] = { { .fd = pidfd, .events = POLLIN },
				  { .fd = fd, .events = POLLIN } };

	while (!ready[0].revents) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return false;
		if (poll(ready, 2, (int)left) < 0 && errno != EINTR)
			return false;
		/* All writers have closed the pipe: wait for the program. */
		if (ready[1].revents && !read_some(fd, output))
			ready[1].fd = -1;
	}
	/* The rest in the pipe, and no more: somebody may go on writing. */
	for (int i = 0; i < 64 && read_some(fd, output); i++)
		;
	return true;
}

/* Wait for the adopted children to end: the warden of a pool whose maker was killed ends
 * the workers, and removes the names.  Returns whether no child is left. */
static bool let_children_end(void)
{
	const int64_t end = now_ms() + GRACE_MS;
	const struct timespec pause = { .tv_nsec = 2000000 };

	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		if (now_ms() > end)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

/* Kill all children of this process, adopted ones included, until none is left; and
 * remove the names that they leave. */
static void kill_children(void)
{
	char path[64];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		FILE *file = fopen(path, "re");

		if (!file)
			break;
		/* A child's pid is nobody else's before waitpid(). */
		while (fscanf(file, "%d", &pid) == 1)
			(void)kill(pid, SIGKILL);
		fclose(file);
		(void)waitpid(-1, NULL, 0);
	}
	(void)rig_sweep_clean(false, NULL);
}

static int spawn(char *const words[], int out, int told, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, told, LAB_TOLD_FD);
	r = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* A descriptor of its own number would stay close-on-exec in the program. */
static int pipe_above(int ends[2])
{
	int low[2], r = 0;

	if (pipe2(low, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, LAB_TOLD_FD + 1);
		if (ends[i] < 0)
			r = -errno;
		close(low[i]);
	}
	return r;
}

static void follow(struct lab_process *process, pid_t pid, int fd, int told,
		   struct output *output)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	ssize_t got;

	process->late = pidfd < 0 ||
			!read_until_end(pidfd, fd, process->limit_s, output);
	if (process->late)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &process->status, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	if (!let_children_end())
		kill_children();
	got = read(told, process->told, LAB_TOLD_MAX - 1);
	process->told[got > 0 ? got : 0] = '\0';
}

int lab_run(struct lab_process *process, char **text)
{
	struct output output = { .used = *text ? strlen(*text) : 0 };
	int out[2], told[2], r;
	pid_t pid;

	if (output.used > HEAD)
		output.used = HEAD;
	output.text = realloc(*text, FULL + 1);
	if (!output.text)
		return -ENOMEM;
	*text = output.text;
	output.text[output.used] = '\0';
	r = pipe_above(out);
	if (r == 0 && (r = pipe_above(told)) < 0) {
		close(out[0]);
		close(out[1]);
	}
	if (r < 0)
		return r;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(told[0], F_SETFL, O_NONBLOCK);
	r = spawn(process->words, out[1], told[1], &pid);
	close(out[1]);
	close(told[1]);
	if (r == 0)
		follow(process, pid, out[0], told[0], &output);
	output.text[output.used] = '\0';
	close(out[0]);
	close(told[0]);
	return r;
}
