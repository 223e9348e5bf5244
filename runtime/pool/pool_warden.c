/* SPDX-License-Identifier: MIT */
/*
 * pool_warden.c - the warden in the caller: made, met, ordered, waited for.
 */
#include "pool/caller.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "machine/openmp.h"
#include "machine/pass.h"
#include "machine/process.h"
#include "machine/shared.h"
#include "segment/ledger.h"

/* The process in between, whose child is the warden. */
static noreturn void make_warden_and_leave(struct rig_pool *pool)
{
	pid_t pid;

	if (pool->startup.execed)
		exec_and_leave(&pool->exec);
	pid = fork();
	if (pid == 0)
		warden_main(&pool->startup);
	_exit(pid < 0 ? errno : 0);
}

/* The error of the process in between, in words. */
static int refuse_warden(const struct rig_pool *pool, int code)
{
	if (pool->exec.error)
		return rig_fail_errno(-pool->exec.error, "pool: start %s",
				      pool->exec.program);
	return rig_fail_errno(-code, "pool: fork (limits: ulimit -u, the "
				     "cgroup's pids.max)");
}

/*
 * Fork the warden, twice: the process in between ends at once and is waited for
 * here, so that the host's wait for any child never meets a process of the pool.  The
 * process in between has the caller's memory and no copy (vfork), while this thread
 * stands still.  So the result is the same as if this thread forked the warden, and
 * the price of copying a large caller is paid once; or never, where the warden is
 * exec'ed.
 */
int pool_make_warden(struct rig_pool *pool)
{
	sigset_t all, before;
	int status = 0;
	pid_t pid;
	int r = 0;

	if (!pool->startup.execed)
		openmp_before_fork();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		make_warden_and_leave(pool);
	if (pid < 0)
		r = refuse_warden(pool, errno);
	/* A host that reaps every child may have been quicker: then the warden's
	 * first message, or its absence, tells. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0 && WIFSIGNALED(status)) {
		/* Somebody killed the process by its number, maybe within its
		 * fork: with the caller's memory and identity, the process may
		 * have locked what the caller needs. */
		pool_list_fork_failed();
		ledger_fork_failed();
		segments_fork_failed();
		r = rig_fail(-ECANCELED, "pool: the process that was to fork "
					 "the warden was killed");
	}
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status))
		r = refuse_warden(pool, WEXITSTATUS(status));
	return r;
}

int pool_meet_warden(struct rig_pool *pool)
{
	int fds[PASS_MAX], count, why = 0, got;

	if (!process_readable(pool->startup.caller_end, clock_after(READY_NS)))
		return rig_fail(-ETIMEDOUT,
				"pool: its warden was not ready in %d s",
				(int)(READY_NS / 1000000000));
	/* A message left in the socket would be taken for an answer. */
	got = pass_receive(pool->startup.caller_end, &why, sizeof(why), fds,
			   &count, 0);
	if (got < 0)
		return rig_fail_errno(got, "pool: meet its warden");
	if (got == 0)
		return rig_fail(-ECANCELED, "pool: its warden died");
	pool->warden_pidfd = count == 1 ? shared_above_standard(fds[0]) : -1;
	if (pool->warden_pidfd >= 0)
		return 0;
	return rig_fail_errno(why ? -why : -EMFILE,
			      "pool: a descriptor of its warden (ulimit -n)");
}

bool pool_warden_lives(const struct rig_pool *pool)
{
	struct pollfd polled = { .fd = pool->warden_pidfd, .events = POLLIN };

	return poll(&polled, 1, 0) <= 0;
}

/* The workers' and the warden's memory and descriptors are gone. */
static void await_lifeline(const struct rig_pool *pool, uint64_t deadline)
{
	struct pollfd polled = { .fd = pool->startup.lifeline_read };

	while (clock_ns() < deadline) {
		uint64_t left = (deadline - clock_ns()) / 1000000 + 1;

		if (poll(&polled, 1, (int)left) > 0)
			return;
	}
}

/* Has the warden said that no worker is left?  (A warden that was killed says
 * nothing.) */
static bool warden_has_left(const struct rig_pool *pool)
{
	char word = WARDEN_DONE;

	while (word != WARDEN_LEFT &&
	       recv(pool->startup.caller_end, &word, 1, MSG_DONTWAIT) == 1)
		;
	return word == WARDEN_LEFT;
}

void pool_await_gone(const struct rig_pool *pool)
{
	const struct pool_startup *startup = &pool->startup;
	uint64_t deadline = clock_after(GONE_NS);

	if (pool->warden_pidfd >= 0)
		(void)process_await(pool->warden_pidfd, deadline, NULL);
	/* Workers of a warden that was killed die without it.  A process that a
	 * kernel has cloned may hold the lifeline longer than a worker. */
	if (!warden_has_left(pool))
		await_lifeline(pool, deadline);
	if (pool->warden_pidfd < 0)
		process_reap_child(startup->layout.control->warden, WARDEN_NAME,
				   deadline);
	for (int i = 0; i < startup->size; i++)
		process_reap_child(startup->layout.about[i].pid, WORKER_NAME,
				   deadline);
}

void pool_kill_warden(struct rig_pool *pool)
{
	if (pool->warden_pidfd >= 0)
		(void)process_kill(pool->warden_pidfd);
	pool_await_gone(pool);
}

bool pool_order(struct rig_pool *pool, enum order what, enum rig_end end)
{
	const struct order_message message = { .order = what, .end = end };

	while (send(pool->startup.caller_end, &message, sizeof(message),
		    MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

void pool_quit(struct rig_pool *pool)
{
	(void)pool_order(pool, ORDER_QUIT, RIG_END_OK);
	pool_await_gone(pool);
	if (pool_warden_lives(pool))
		pool_kill_warden(pool);
}
