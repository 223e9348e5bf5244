/* SPDX-License-Identifier: MIT */
/*
 * exec_start.c - starting a warden that is no fork of the caller.
 *
 * Two processes are made, each with vfork, so that neither copies the caller's memory:
 * the first ends at once, and the caller waits for the first; the second execs the
 * workers' program, and is then a child of the system's first process.
 */
#include "pool/exec_start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"
#include "segment/ledger.h"

/* Where the program is, from the folder of the library: installed; in the build
 * folder; and in the build folder, from the folder of a program that contains the
 * library. */
#ifndef RUNRIG_WORKER_INSTALLED
#define RUNRIG_WORKER_INSTALLED "../libexec/runrig/worker"
#endif
#define RUNRIG_WORKER_BUILT  "worker"
#define RUNRIG_WORKER_BESIDE "../runtime/worker"

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

/* The folder of the file with this code, with a slash. */
static int own_folder(char path[static PATH_MAX])
{
	Dl_info info;
	char *slash;

	if (!dladdr((void *)(uintptr_t)&exec_find_program, &info) ||
	    !realpath(info.dli_fname, path))
		return -ENOENT;
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = 0;
	return 0;
}

int exec_find_program(char *path, size_t bytes)
{
	static const char *const places[] = { RUNRIG_WORKER_INSTALLED,
					      RUNRIG_WORKER_BUILT,
					      RUNRIG_WORKER_BESIDE };
	char folder[PATH_MAX];

	if (own_folder(folder) < 0)
		return rig_fail(-ENOENT, "pool: where is librunrig?");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int length = places[i][0] == '/'
				     ? snprintf(path, bytes, "%s", places[i])
				     : snprintf(path, bytes, "%s%s", folder,
						places[i]);

		if (length > 0 && (size_t)length < bytes && is_program(path))
			return 0;
	}
	return rig_fail(-ENOENT,
			"pool: the workers' program is not where the library "
			"looks for it: %s%s",
			places[0][0] == '/' ? "" : folder, places[0]);
}

static void note_descriptors(struct exec_start *start,
			     const struct pool_startup *startup, int ledger)
{
	int32_t *fds = start->shm->fds;

	fds[STARTUP_WARDEN_END] = startup->warden_end;
	fds[STARTUP_LIFELINE_HELD] = startup->lifeline_held;
	fds[STARTUP_CALLER_PIDFD] = startup->caller_pidfd;
	fds[STARTUP_READY] = startup->ready;
	fds[STARTUP_BELL] = startup->bell;
	fds[STARTUP_FILES_RECEIVE] = startup->files_receive;
	fds[STARTUP_TEAM] = start->team;
	fds[STARTUP_TRACE] = start->trace;
	fds[STARTUP_LEDGER] = ledger;
}

int exec_prepare(struct exec_start *start, const struct pool_startup *startup)
{
	void *memory;
	int ledger = ledger_descriptor();
	int r = exec_find_program(start->program, sizeof(start->program));

	if (r == 0 && ledger < 0)
		r = ledger;
	if (r == 0)
		r = shared_map(startup_bytes(startup->plan), "pool: its start",
			       &memory, &start->fd);
	if (r < 0)
		return r;
	start->shm = memory;
	startup_pack(start->shm, startup);
	note_descriptors(start, startup, ledger);
	snprintf(start->number, sizeof(start->number), "%d", start->fd);
	return 0;
}

void exec_finish(struct exec_start *start)
{
	if (start->shm)
		munmap(start->shm, start->shm->bytes);
	start->shm = NULL;
	shared_close(&start->fd);
	shared_close(&start->team);
	shared_close(&start->trace);
}

/* The process that will be the warden.  The process has descriptors of its own, and
 * the caller's memory until the exec. */
static noreturn void become_warden(struct exec_start *start)
{
	static char name[] = "runrig-warden";
	char *const arguments[] = { name, start->number, NULL };

	(void)fcntl(start->fd, F_SETFD, 0);
	for (int i = 0; i < STARTUP_FDS; i++)
		if (start->shm->fds[i] >= 0)
			(void)fcntl(start->shm->fds[i], F_SETFD, 0);
	(void)execve(start->program, arguments, environ);
	start->error = errno;
	_exit(EXIT_FAILURE);
}

noreturn void exec_and_leave(struct exec_start *start)
{
	pid_t pid = vfork();

	if (pid == 0)
		become_warden(start);
	_exit(pid < 0 ? errno : start->error);
}
