/* SPDX-License-Identifier: MIT */
/*
 * puppet.c - ptrace, as far as the tests need ptrace.
 *
 * A place to stop is a breakpoint instruction in the puppet's own copy of the
 * page.  Signals that come for the puppet meanwhile go through.
 */
#include "lib/puppet.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define BREAKPOINT UINT64_C(0xcc)

#ifdef __x86_64__

bool puppet_possible(void)
{
	struct puppet puppet;
	pid_t child = fork();
	int r;

	if (child == 0)
		for (;;)
			(void)pause();
	r = puppet_attach(&puppet, child);
	if (r == 0)
		puppet_release(&puppet, 0);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return r == 0;
}

/* Wait until `pid` stops or ends, or until the deadline: the status, -ETIMEDOUT
 * or -ESRCH. */
static int await_stop(pid_t pid, int *status, uint64_t deadline_ns)
{
	const struct timespec moment = { .tv_nsec = 20000 };

	/* A step takes no longer than a few looks. */
	for (int looks = 0;; looks++) {
		pid_t got = waitpid(pid, status, __WALL | WNOHANG);

		if (got == pid)
			return WIFSTOPPED(*status) ? 0 : -ESRCH;
		if (got < 0 && errno != EINTR)
			return -ESRCH;
		if (looks < 100) {
			sched_yield();
			continue;
		}
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		(void)nanosleep(&moment, NULL);
	}
}

static int interrupt(const struct puppet *puppet)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, puppet->pid, NULL, NULL) < 0)
		return -errno;
	return await_stop(puppet->pid, &status,
			  clock_after(UINT64_C(5000000000)));
}

static int seize(struct puppet *puppet, pid_t pid, long options)
{
	*puppet = (struct puppet){ .pid = pid };
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0)
		return -errno;
	return 0;
}

int puppet_attach(struct puppet *puppet, pid_t pid)
{
	int r = seize(puppet, pid, 0);

	return r < 0 ? r : interrupt(puppet);
}

static void registers(const struct puppet *puppet,
		      struct user_regs_struct *regs)
{
	*regs = (struct user_regs_struct){ 0 };
	(void)ptrace(PTRACE_GETREGS, puppet->pid, NULL, regs);
}

uint64_t puppet_where(const struct puppet *puppet)
{
	struct user_regs_struct regs;

	registers(puppet, &regs);
	return regs.rip;
}

/* Put back the instruction that the breakpoint replaced. */
static void clear(struct puppet *puppet)
{
	if (puppet->at)
		(void)ptrace(PTRACE_POKETEXT, puppet->pid, (void *)puppet->at,
			     (void *)puppet->word);
	puppet->at = 0;
}

int puppet_go(struct puppet *puppet, void (*function)(void))
{
	puppet->at = puppet_place(puppet->pid, function);
	errno = 0;
	puppet->word = (uint64_t)ptrace(PTRACE_PEEKTEXT, puppet->pid,
					(void *)puppet->at, NULL);
	if (errno)
		return -errno;
	if (ptrace(PTRACE_POKETEXT, puppet->pid, (void *)puppet->at,
		   (void *)((puppet->word & ~UINT64_C(0xff)) | BREAKPOINT)) <
		    0 ||
	    ptrace(PTRACE_CONT, puppet->pid, NULL, NULL) < 0)
		return -errno;
	return 0;
}

int puppet_arrive(struct puppet *puppet, uint64_t deadline_ns)
{
	struct user_regs_struct regs;
	int status, r;

	for (;;) {
		r = await_stop(puppet->pid, &status, deadline_ns);
		if (r == -ETIMEDOUT && interrupt(puppet) < 0)
			r = -ESRCH;
		if (r < 0)
			break;
		registers(puppet, &regs);
		if (WSTOPSIG(status) == SIGTRAP && regs.rip == puppet->at + 1) {
			regs.rip--;
			(void)ptrace(PTRACE_SETREGS, puppet->pid, NULL, &regs);
			puppet->entered = true;
			break;
		}
		/* A stop of another kind: the puppet goes on, with the signal
		 * if there is a signal. */
		(void)ptrace(
			PTRACE_CONT, puppet->pid, NULL,
			(void *)(long)(status >> 16 ? 0 : WSTOPSIG(status)));
	}
	if (r != -ESRCH)
		clear(puppet);
	return r;
}

int puppet_step(struct puppet *puppet, long count)
{
	int status, r = 0;

	puppet->entered = false;
	for (long i = 0; i < count && r == 0; i++) {
		if (ptrace(PTRACE_SINGLESTEP, puppet->pid, NULL, NULL) < 0)
			return -ESRCH;
		r = await_stop(puppet->pid, &status,
			       clock_after(UINT64_C(100000000)));
		/* A puppet that sleeps in a system call stays there. */
		if (r == -ETIMEDOUT)
			return interrupt(puppet) < 0 ? -ESRCH : -ETIMEDOUT;
	}
	return r;
}

void puppet_call(struct puppet *puppet, void (*function)(long), long argument)
{
	struct user_regs_struct regs;

	registers(puppet, &regs);
	regs.rip = puppet_place(puppet->pid, (void (*)(void))function);
	regs.rdi = (uint64_t)argument;
	/* Not in a system call any more, and the stack as after a call. */
	regs.orig_rax = UINT64_MAX;
	if (!puppet->entered)
		regs.rsp = ((regs.rsp - 256) & ~UINT64_C(15)) - 8;
	(void)ptrace(PTRACE_SETREGS, puppet->pid, NULL, &regs);
}

void puppet_release(struct puppet *puppet, int signal)
{
	(void)ptrace(PTRACE_DETACH, puppet->pid, NULL, (void *)(long)signal);
}

void puppet_kill(struct puppet *puppet)
{
	int status;

	(void)kill(puppet->pid, SIGKILL);
	while (waitpid(puppet->pid, &status, __WALL) == puppet->pid &&
	       WIFSTOPPED(status))
		;
}

int puppet_watch_forks(struct puppet *parent, pid_t pid)
{
	return seize(parent, pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK);
}

int puppet_next_child(struct puppet *parent, struct puppet *child,
		      uint64_t deadline_ns)
{
	unsigned long pid = 0;
	int status, r;

	if (parent->entered)
		(void)ptrace(PTRACE_CONT, parent->pid, NULL, NULL);
	parent->entered = true;
	for (;;) {
		r = await_stop(parent->pid, &status, deadline_ns);
		if (r < 0)
			return r;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8) ||
		    status >> 8 == (SIGTRAP | PTRACE_EVENT_VFORK << 8))
			break;
		(void)ptrace(
			PTRACE_CONT, parent->pid, NULL,
			(void *)(long)(status >> 16 ? 0 : WSTOPSIG(status)));
	}
	(void)ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid);
	*child = (struct puppet){ .pid = (pid_t)pid };
	r = await_stop(child->pid, &status, deadline_ns);
	/* Forks of the puppet are not ours. */
	if (r == 0)
		(void)ptrace(PTRACE_SETOPTIONS, child->pid, NULL, NULL);
	return r;
}

#else

bool puppet_possible(void)
{
	return false;
}

int puppet_attach(struct puppet *puppet, pid_t pid)
{
	*puppet = (struct puppet){ .pid = pid };
	return -ENOSYS;
}

int puppet_go(struct puppet *puppet, void (*function)(void))
{
	(void)puppet;
	(void)function;
	return -ENOSYS;
}

int puppet_arrive(struct puppet *puppet, uint64_t deadline_ns)
{
	(void)puppet;
	(void)deadline_ns;
	return -ENOSYS;
}

int puppet_step(struct puppet *puppet, long count)
{
	(void)puppet;
	(void)count;
	return -ENOSYS;
}

uint64_t puppet_where(const struct puppet *puppet)
{
	(void)puppet;
	return 0;
}

void puppet_call(struct puppet *puppet, void (*function)(long), long argument)
{
	(void)puppet;
	(void)function;
	(void)argument;
}

void puppet_release(struct puppet *puppet, int signal)
{
	(void)puppet;
	(void)signal;
}

void puppet_kill(struct puppet *puppet)
{
	(void)puppet;
}

int puppet_watch_forks(struct puppet *parent, pid_t pid)
{
	(void)parent;
	(void)pid;
	return -ENOSYS;
}

int puppet_next_child(struct puppet *parent, struct puppet *child,
		      uint64_t deadline_ns)
{
	(void)parent;
	(void)child;
	(void)deadline_ns;
	return -ENOSYS;
}

#endif
