/* SPDX-License-Identifier: MIT */
/*
 * process.c - waiting for the end of processes, and reaping them.
 *
 * Nothing here allocates or locks: a warden may call it.
 */
#include "machine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/glibc.h"
#include "machine/shared.h"

/* The pause between two looks, where there is nothing to wait for. */
#define LOOK_MS 1

/* Forks between the first process and this one. */
static uint32_t forks;

static void in_child(void)
{
	forks++;
}

static void hook_fork(void)
{
	(void)pthread_atfork(NULL, NULL, in_child);
}

uint64_t process_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hook_fork);
	return (uint64_t)forks << 32 | (uint32_t)getpid();
}

int process_open(pid_t pid)
{
	int fd = shared_above_standard((int)syscall(SYS_pidfd_open, pid, 0));

	return fd < 0 ? -errno : fd;
}

uint64_t process_born(pid_t pid)
{
	char path[64], text[1024];
	const char *at;
	ssize_t got = -1;
	int fd, field = 2;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = 0;
	/* The name, in parentheses, may have any bytes. */
	at = strrchr(text, ')');
	/* The birth is field 22. */
	for (; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Milliseconds until a deadline, rounded up. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();
	uint64_t ms = now < deadline_ns ? (deadline_ns - now) / 1000000 + 1 : 0;

	return ms < 1000000 ? (int)ms : 1000000;
}

/* The status as waitpid() would have returned it. */
static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | 0x80;
	default:
		return info->si_status;
	}
}

/* Reap a child until deadline_ns; false where the process is no child, or has
 * not ended. */
static bool reap(idtype_t type, id_t id, uint64_t deadline_ns, siginfo_t *info)
{
	for (;;) {
		*info = (siginfo_t){ 0 };
		if (waitid(type, id, info, WEXITED | WNOHANG) < 0)
			return false;
		if (info->si_pid)
			return true;
		if (clock_ns() >= deadline_ns)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

bool process_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	bool readable;

	do
		readable = poll(&polled, 1, left_ms(deadline_ns)) > 0;
	while (!readable && clock_ns() < deadline_ns);
	return readable;
}

bool process_await(int pidfd, uint64_t deadline_ns, int *status)
{
	bool ended = process_readable(pidfd, deadline_ns), reaped;
	siginfo_t info;

	reaped = ended && reap(BY_PIDFD, (id_t)pidfd, deadline_ns, &info);
	if (status)
		*status = reaped ? status_of(&info) : STATUS_UNKNOWN;
	return ended;
}

/* Whether the kernel calls the process `name`; a dead process keeps its
 * name. */
static bool is_called(pid_t pid, const char *name)
{
	char path[64], line[64] = "";
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, line, sizeof(line) - 1);
		close(fd);
	}
	line[strcspn(line, "\n")] = 0;
	return got > 0 && strcmp(line, name) == 0;
}

void process_reap_child(pid_t pid, const char *name, uint64_t deadline_ns)
{
	siginfo_t info = { 0 };

	if (pid <= 0 ||
	    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return;
	if (is_called(pid, name))
		(void)reap(P_PID, (id_t)pid, deadline_ns, &info);
}

/* The number of the process behind a pidfd, from the system; 0: the system does
 * not tell. */
static pid_t number_of(int pidfd)
{
	char path[64], text[512] = "";
	const char *line;
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	line = got > 0 ? strstr(text, "Pid:") : NULL;
	return line ? (pid_t)strtol(line + strlen("Pid:"), NULL, 10) : 0;
}

int process_kill(int pidfd)
{
	struct pollfd polled = { .fd = pidfd, .events = POLLIN };
	pid_t pid;

	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
		return 0;
	if (errno == ESRCH)
		return -ESRCH;
	pid = number_of(pidfd);
	/* The process still lives: the number is its own. */
	if (pid <= 0 || poll(&polled, 1, 0) > 0)
		return -ESRCH;
	return kill(pid, SIGKILL) < 0 ? -errno : 0;
}
