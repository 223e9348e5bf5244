/* SPDX-License-Identifier: MIT */
/*
 * manager.c - a process that outlives its caller by a moment.
 *
 *	caller ── socketpair ── manager's process
 *	   │                       │  watches the socket and a pidfd
 *	   └── ledger (shared) ────┘
 *
 * Members are segments and lists like any other that dies with its maker, so
 * their names stand in the caller's ledger, which the manager's process shares.
 * The manager's process only waits: for a byte, by which the caller says that all
 * names are removed; or for the caller's death (end of file is not enough, since
 * a child of the caller may hold the socket).  After the caller's death the
 * manager's process removes every name that still stands in the ledger.
 *
 * The caller keeps a handle of its own to every member, detached, and gives out
 * a second handle, attached by name: destroying the second leaves the name.
 */
#include <runrig/manager.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "machine/inherit.h"
#include "segment/ledger.h"
#include "machine/openmp.h"
#include "machine/process.h"
#include "machine/shared.h"

/* How long the manager's process may take to start: a stopped process never starts. */
#define READY_NS (30 * UINT64_C(1000000000))

/* How long the manager's process may take to be gone. */
#define GONE_NS (5 * UINT64_C(1000000000))

/* A member: a segment or a list. */
struct member {
	struct rig_segment *segment;
	struct rig_list *list;
};

/* In this process. */
struct rig_manager {
	pthread_mutex_t lock; /* the ledger of the members */
	struct member *members;
	size_t count, room;
	uint64_t
		maker; /* process_self() of the process that started the manager */
	pid_t maker_pid;
	pid_t pid;  /* the manager's process */
	int pidfd;  /* pidfd of the manager's process; -1: none */
	int socket; /* socket to the manager's process; -1: none */
};

/* The name of the manager's process in /proc. */
#define MANAGER_NAME "runrig-manager"

/* The process between tells the caller the number of the manager's process; and
 * the manager's process does, as soon as the manager's process watches. */
struct introduction {
	pid_t pid;
	bool watches;
};

/* The descriptors of the manager's process. */
struct watch {
	int socket;
	int caller; /* pidfd */
};

/* End this process, a fork of the caller: no code of the caller's runs. */
static noreturn void leave(int status)
{
	openmp_forget(getpid());
	_exit(status);
}

static void introduce(const struct watch *watch, pid_t pid, bool watches)
{
	const struct introduction words = { .pid = pid, .watches = watches };

	(void)send(watch->socket, &words, sizeof(words), MSG_NOSIGNAL);
}

/* The manager's process, after a fork from a caller that may have threads:
 * nothing here allocates, locks or prints. */
static noreturn void watch_main(const struct watch *watch)
{
	const int keep[] = { watch->socket, watch->caller };
	struct pollfd polled[] = { { watch->socket, POLLIN, 0 },
				   { watch->caller, POLLIN, 0 } };
	sigset_t none;
	char byte;

	(void)prctl(PR_SET_NAME, MANAGER_NAME);
	inherit_signals();
	inherit_close(keep, 2);
	(void)inherit_maps();
	__fpurge(stdout);
	__fpurge(stderr);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	introduce(watch, getpid(), true);
	for (;;) {
		if (poll(polled, 2, -1) < 0)
			continue;
		/* The caller has said that all names are removed, even where
		 * the caller has died since. */
		if (recv(watch->socket, &byte, 1, MSG_DONTWAIT) == 1)
			leave(EXIT_SUCCESS);
		if (polled[1].revents) {
			ledger_execute();
			leave(EXIT_SUCCESS);
		}
		/* End of file without a death: the last word is the pidfd's. */
		if (polled[0].revents & POLLHUP)
			polled[0].fd = -1;
	}
}

/* Fork twice: the process in between ends at once and is waited for here, so the
 * host never meets an unknown child. */
static int fork_watch(const struct watch *watch)
{
	sigset_t all, before;
	int status = 0, r = 0;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			watch_main(watch);
		if (pid < 0)
			leave(errno);
		introduce(watch, pid, false);
		leave(EXIT_SUCCESS);
	}
	if (pid < 0)
		r = -errno;
	/* A host that reaps every child may have been quicker. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = 0;
			break;
		}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0 && WIFEXITED(status))
		r = -WEXITSTATUS(status);
	if (r < 0)
		return rig_fail_errno(r, "manager: fork (limits: ulimit -u, "
					 "the cgroup's pids.max)");
	return 0;
}

/* Wait until the manager's process watches.  The pidfd is opened as soon as the
 * number is known, and later reaps the process. */
static int meet(struct rig_manager *manager)
{
	struct introduction words = { .watches = false };
	uint64_t deadline = clock_after(READY_NS);
	ssize_t got;

	while (!words.watches) {
		if (!process_readable(manager->socket, deadline))
			return rig_fail(-ETIMEDOUT,
					"manager: its process was not ready in "
					"%d s",
					(int)(READY_NS / 1000000000));
		got = recv(manager->socket, &words, sizeof(words), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(words))
			return rig_fail(-ECANCELED,
					"manager: its process died while it "
					"started");
		manager->pid = words.pid;
		if (manager->pidfd < 0)
			manager->pidfd = process_open(words.pid);
		if (manager->pidfd == -ESRCH)
			return rig_fail(-ECANCELED,
					"manager: its process died while it "
					"started");
		if (manager->pidfd < 0)
			return rig_fail_errno(
				manager->pidfd,
				"manager: pidfd_open (Linux has it since 5.3; "
				"a sandbox, or valgrind, may not)");
	}
	return 0;
}

/* Tell the manager's process to end, and wait for the end: by force, if the process
 * does not listen.  A child of this process is reaped. */
static void dismiss(const struct rig_manager *manager)
{
	uint64_t deadline = clock_after(GONE_NS);

	(void)send(manager->socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (manager->pidfd < 0) {
		process_reap_child(manager->pid, MANAGER_NAME, deadline);
		return;
	}
	if (process_await(manager->pidfd, deadline, NULL))
		return;
	(void)process_kill(manager->pidfd);
	(void)process_await(manager->pidfd, clock_after(GONE_NS), NULL);
}

static int start(struct rig_manager *manager)
{
	struct watch watch = { -1, -1 };
	int pair[2];
	int r = ledger_open();

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rig_fail_errno(-errno, "manager: socketpair");
	manager->socket = shared_above_standard(pair[0]);
	watch.socket = shared_above_standard(pair[1]);
	watch.caller = process_open(getpid());
	if (manager->socket < 0 || watch.socket < 0)
		r = rig_fail_errno(-EMFILE, "manager: descriptors");
	else if (watch.caller < 0)
		r = rig_fail_errno(
			watch.caller,
			"manager: pidfd_open (Linux has it since 5.3; a sandbox, or valgrind, may not)");
	else
		r = fork_watch(&watch);
	if (watch.socket >= 0)
		close(watch.socket);
	if (watch.caller >= 0)
		close(watch.caller);
	if (r == 0)
		r = meet(manager);
	if (r < 0 && manager->pid)
		dismiss(manager);
	return r;
}

static void manager_free(struct rig_manager *manager)
{
	if (manager->socket >= 0)
		close(manager->socket);
	if (manager->pidfd >= 0)
		close(manager->pidfd);
	pthread_mutex_destroy(&manager->lock);
	free(manager->members);
	free(manager);
}

int rig_manager_start(struct rig_manager **out)
{
	struct rig_manager *manager;
	int r = need(out, "manager: the place for the handle");

	if (r < 0)
		return r;
	manager = calloc(1, sizeof(*manager));
	if (!manager)
		return rig_fail_errno(-ENOMEM, "manager");
	pthread_mutex_init(&manager->lock, NULL);
	manager->socket = -1;
	manager->pidfd = -1;
	manager->maker = process_self();
	manager->maker_pid = getpid();
	r = start(manager);
	if (r < 0) {
		manager_free(manager);
		return r;
	}
	*out = manager;
	return 0;
}

/* Does the manager have a process, and is the process ours? */
static int check(const struct rig_manager *manager, const void *out)
{
	struct pollfd polled = { .events = POLLIN };
	int r = need(manager, "manager: the manager");

	if (r == 0)
		r = need(out, "manager: the place for the handle");
	if (r < 0)
		return r;
	polled.fd = manager->pidfd;
	if (manager->maker != process_self())
		return rig_fail(-EINVAL,
				"manager: of process %d, not of this "
				"one",
				(int)manager->maker_pid);
	if (poll(&polled, 1, 0) > 0)
		return rig_fail(-ECANCELED,
				"manager: its process (%d) is no "
				"more",
				(int)manager->pid);
	return 0;
}

static void member_destroy(const struct member *member)
{
	rig_list_destroy(member->list);
	rig_segment_destroy(member->segment);
}

/* Enter a member, or destroy it. */
static int take(struct rig_manager *manager, struct member member)
{
	struct member *grown;
	int r = 0;

	pthread_mutex_lock(&manager->lock);
	if (manager->count == manager->room) {
		size_t room = manager->room ? 2 * manager->room : 16;

		grown = reallocarray(manager->members, room, sizeof(*grown));
		if (grown) {
			manager->members = grown;
			manager->room = room;
		} else {
			r = rig_fail_errno(-ENOMEM, "manager");
		}
	}
	if (r == 0 && manager->count == RIG_MEMBERS_MAX)
		r = rig_fail(-ENOSPC, "manager: has %d members",
			     RIG_MEMBERS_MAX);
	if (r == 0)
		manager->members[manager->count++] = member;
	pthread_mutex_unlock(&manager->lock);
	if (r < 0)
		member_destroy(&member);
	return r;
}

int rig_manager_segment(struct rig_manager *manager, struct rig_segment **out,
			size_t bytes)
{
	struct rig_segment *handle = NULL;
	struct member member = { 0 };
	int r = check(manager, out);

	if (r == 0)
		r = rig_segment_create(&member.segment, NULL, bytes, NULL);
	if (r == 0)
		r = rig_segment_attach(&handle,
				       rig_segment_name(member.segment), NULL);
	if (r < 0) {
		member_destroy(&member);
		return r;
	}
	rig_segment_detach(member.segment);
	r = take(manager, member);
	if (r < 0)
		rig_segment_destroy(handle);
	else
		*out = handle;
	return r;
}

int rig_manager_list(struct rig_manager *manager, struct rig_list **out,
		     const struct rig_value *values, size_t count)
{
	struct rig_list *handle = NULL;
	struct member member = { 0 };
	int r = check(manager, out);

	if (r == 0)
		r = rig_list_create(&member.list, NULL, values, count, NULL);
	if (r == 0)
		r = rig_list_attach(&handle, rig_list_name(member.list), NULL);
	if (r < 0) {
		member_destroy(&member);
		return r;
	}
	rig_list_detach(member.list);
	r = take(manager, member);
	if (r < 0)
		rig_list_destroy(handle);
	else
		*out = handle;
	return r;
}

pid_t rig_manager_pid(const struct rig_manager *manager)
{
	return manager ? manager->pid : need(manager, "manager: the manager");
}

void rig_manager_shutdown(struct rig_manager *manager)
{
	if (!manager)
		return;
	/* In a fork the handles belong to another process: no name goes. */
	for (size_t i = 0; i < manager->count; i++)
		member_destroy(&manager->members[i]);
	if (manager->maker == process_self())
		dismiss(manager);
	manager_free(manager);
}

int rig_manager_with(int (*body)(struct rig_manager *manager, void *arg),
		     void *arg)
{
	struct rig_manager *manager = NULL;
	int r;

	if (!body)
		return need(NULL, "manager: the function");
	r = rig_manager_start(&manager);
	if (r < 0)
		return r;
	r = body(manager, arg);
	rig_manager_shutdown(manager);
	return r;
}
