/* SPDX-License-Identifier: MIT */
/*
 * inject.c - a tracer that has a system call fail: on the way in the call
 * becomes no call, and on the way out the result is set; or that kills the process
 * on the way in, or behind the call.
 */
#include "lib/inject.h"

#include "base/glibc.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define ERRORS_MAX 4

/* How long a single instruction may take, a system call maybe. */
#define STEP_NS UINT64_C(20000000)

/* The calls that may fail, and their errors.  Calls that cannot fail without a
 * mistake of the caller (close, munmap, kill) are not here; nor is futex, whose
 * failures the C library does not expect. */
static const struct {
	int number;
	const char *name;
	int errors[ERRORS_MAX];
} calls[] = {
	{ SYS_openat, "openat", { EMFILE, ENFILE, ENOMEM, EACCES } },
	{ SYS_mmap, "mmap", { ENOMEM } },
	{ SYS_madvise, "madvise", { ENOMEM, EFAULT, EINVAL } },
	{ SYS_read, "read", { EINTR, EIO } },
	{ SYS_pread64, "pread64", { EINTR, EIO } },
	{ SYS_write, "write", { EINTR, EIO } },
	{ SYS_newfstatat, "newfstatat", { ENOMEM } },
	{ SYS_fstat, "fstat", { ENOMEM } },
	{ SYS_fstatfs, "fstatfs", { ENOMEM } },
	{ SYS_statfs, "statfs", { ENOMEM } },
	{ SYS_getdents64, "getdents64", { ENOMEM } },
	{ SYS_fallocate, "fallocate", { ENOSPC, EINTR, EOPNOTSUPP } },
	{ SYS_ftruncate, "ftruncate", { EINTR, ENOSPC } },
	{ SYS_fchmod, "fchmod", { EPERM } },
	{ SYS_fcntl, "fcntl", { EMFILE } },
	{ SYS_flock, "flock", { EINTR, ENOLCK } },
	{ SYS_linkat, "linkat", { EEXIST, ENOSPC, EPERM } },
	{ SYS_socketpair, "socketpair", { EMFILE, ENOMEM } },
	{ SYS_pipe2, "pipe2", { EMFILE, ENFILE } },
	{ SYS_eventfd2, "eventfd2", { EMFILE, ENOMEM } },
	{ SYS_pidfd_open, "pidfd_open", { EMFILE, ENOMEM, ENOSYS } },
	{ SYS_recvmsg, "recvmsg", { EINTR, ENOMEM } },
	{ SYS_recvfrom, "recvfrom", { EINTR, ENOMEM } },
	{ SYS_sendmsg, "sendmsg", { EINTR, ENOBUFS } },
	{ SYS_sendto, "sendto", { EINTR, ENOBUFS } },
	{ SYS_clone, "clone", { EAGAIN, ENOMEM } },
	{ SYS_wait4, "wait4", { EINTR, ECHILD } },
	{ SYS_getrandom, "getrandom", { EINTR, ENOSYS } },
	{ SYS_sched_setaffinity, "sched_setaffinity", { EINVAL, EPERM } },
	{ SYS_sched_getaffinity, "sched_getaffinity", { EINVAL } },
	{ SYS_prlimit64, "prlimit64", { EPERM } },
	{ SYS_close_range, "close_range", { ENOSYS, ENOMEM } },
	{ SYS_sigaltstack, "sigaltstack", { ENOMEM } },
	{ SYS_clock_nanosleep, "clock_nanosleep", { EINTR } },
	{ SYS_getcpu, "getcpu", { ENOSYS } },
/* Younger architectures have only the calls that replace these. */
#ifdef SYS_poll
	{ SYS_readlink, "readlink", { ENOMEM } },
	{ SYS_poll, "poll", { EINTR, ENOMEM } },
	{ SYS_fork, "fork", { EAGAIN, ENOMEM } },
	{ SYS_vfork, "vfork", { EAGAIN, ENOMEM } },
#else
	{ SYS_readlinkat, "readlinkat", { ENOMEM } },
	{ SYS_ppoll, "ppoll", { EINTR, ENOMEM } },
#endif
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static const int *errors_of(int number)
{
	static const int none[ERRORS_MAX];

	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number == number)
			return calls[i].errors;
	return none;
}

int inject_errors(int number)
{
	const int *errors = errors_of(number);
	int count = 0;

	while (count < ERRORS_MAX && errors[count])
		count++;
	return count;
}

int inject_error(int number, int which)
{
	return errors_of(number)[which];
}

const char *inject_name(int number)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "?";
}

#ifdef __x86_64__

#define TRACED_MAX 32

/* The processes that are traced. */
struct traced {
	pid_t pid;
	bool known;   /* its parent is known; before, it stays stopped */
	bool stopped; /* the process is stopped */
	enum inject_role role;
	bool counts; /* the calls of this process are counted */
	bool failing;
};

struct tracer {
	struct inject *inject;
	struct traced traced[TRACED_MAX];
	int count;
	bool had[INJECT_ROLES]; /* a process of the role has come */
};

static struct traced *find(struct tracer *tracer, pid_t pid)
{
	struct traced *traced = tracer->traced;

	while (traced < tracer->traced + tracer->count && traced->pid != pid)
		traced++;
	if (traced == tracer->traced + TRACED_MAX)
		return NULL;
	if (traced == tracer->traced + tracer->count) {
		*traced = (struct traced){ .pid = pid };
		tracer->count++;
	}
	return traced;
}

static void introduce(struct tracer *tracer, struct traced *traced,
		      enum inject_role role)
{
	traced->known = true;
	traced->role = role;
	traced->counts = role == tracer->inject->role;
	if (role == INJECT_WORKER ||
	    (role < INJECT_ROLES && tracer->inject->deed != INJECT_FAIL)) {
		traced->counts &= !tracer->had[role];
		tracer->had[role] = true;
	}
}

static void resume(const struct traced *traced, int signal)
{
	(void)ptrace(traced->counts || traced->failing ? PTRACE_SYSCALL
						       : PTRACE_CONT,
		     traced->pid, NULL, (void *)(long)signal);
}

static bool is_birth(int event)
{
	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	       event == PTRACE_EVENT_CLONE;
}

/* A child of `parent`, which may have stopped before the event arrives. */
static void meet_child(struct tracer *tracer, const struct traced *parent,
		       bool thread)
{
	enum inject_role role = parent->role;
	unsigned long pid = 0;
	struct traced *child;

	(void)ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid);
	child = find(tracer, (pid_t)pid);
	if (!child)
		return;
	if (thread && tracer->inject->deed != INJECT_FAIL)
		role = INJECT_ROLES;
	introduce(tracer, child, role < INJECT_ROLES ? role + 1 : role);
	if (child->stopped)
		resume(child, 0);
}

static void set_register(pid_t pid, size_t offset, long value)
{
	(void)ptrace(PTRACE_POKEUSER, pid, (void *)offset, (void *)value);
}

static void step(struct tracer *tracer, const struct traced *traced, long steps)
{
	const pid_t pid = traced->pid;
	int status;

	for (long i = 0; i < steps; i++) {
		uint64_t late = clock_after(STEP_NS);
		pid_t got;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			return;
		do
			got = waitpid(pid, &status, __WALL | WNOHANG);
		while (got == 0 && clock_ns() < late);
		if (got != pid || !WIFSTOPPED(status))
			return;
		if (is_birth(status >> 16))
			meet_child(tracer, traced,
				   status >> 16 == PTRACE_EVENT_CLONE);
	}
}

static void kill_it(struct tracer *tracer, struct traced *traced, long steps)
{
	traced->failing = traced->counts = false;
	step(tracer, traced, steps);
	tracer->inject->killed = kill(traced->pid, SIGKILL) == 0;
}

/* As at_call(), where the process is to be killed at the call. */
static void kill_at_call(struct tracer *tracer, struct traced *traced,
			 const struct __ptrace_syscall_info *info)
{
	struct inject *inject = tracer->inject;

	if (info->op == PTRACE_SYSCALL_INFO_EXIT && traced->failing)
		kill_it(tracer, traced, inject->steps);
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY || !traced->counts ||
	    inject->calls == INJECT_CALLS_MAX)
		return;
	inject->numbers[inject->calls] = (int)info->entry.nr;
	if (inject->calls++ != inject->at)
		return;
	if (inject->deed == INJECT_KILL_BEFORE)
		kill_it(tracer, traced, 0);
	else
		traced->failing = true;
}

/* On the way into a call, or out of a call. */
static void at_call(struct tracer *tracer, struct traced *traced)
{
	struct inject *inject = tracer->inject;
	struct __ptrace_syscall_info info = { 0 };
	int number;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, traced->pid, (void *)sizeof(info),
		   &info) < 0)
		return;
	if (inject->deed != INJECT_FAIL) {
		kill_at_call(tracer, traced, &info);
		return;
	}
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && traced->failing) {
		set_register(traced->pid,
			     offsetof(struct user_regs_struct, rax),
			     -inject->error);
		traced->failing = false;
		traced->counts = false;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !traced->counts)
		return;
	number = (int)info.entry.nr;
	if (!inject_errors(number) || inject->calls == INJECT_CALLS_MAX)
		return;
	inject->numbers[inject->calls] = number;
	if (inject->calls++ != inject->at ||
	    inject->which >= inject_errors(number))
		return;
	inject->error = inject_error(number, inject->which);
	traced->failing = true;
	set_register(traced->pid, offsetof(struct user_regs_struct, orig_rax),
		     -1);
}

/* A stop, and on. */
static void go_on(struct tracer *tracer, struct traced *traced, int status)
{
	int event = status >> 16, signal = 0;

	if (!traced->known) {
		traced->stopped = true;
		return;
	}
	if (is_birth(event))
		meet_child(tracer, traced, event == PTRACE_EVENT_CLONE);
	else if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		at_call(tracer, traced);
	else if (!event && WSTOPSIG(status) != SIGSTOP)
		signal = WSTOPSIG(status);
	resume(traced, signal);
}

static int begin(struct tracer *tracer, int (*fn)(void))
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)raise(SIGSTOP);
		_exit(fn());
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid ||
	    ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return -errno;
	(void)kill(pid, SIGCONT);
	introduce(tracer, find(tracer, pid), INJECT_CALLER);
	return pid;
}

static void rings(int signal)
{
	(void)signal;
}

int inject_run(struct inject *inject, int (*fn)(void), unsigned limit_s)
{
	const struct sigaction ring = { .sa_handler = rings };
	static struct tracer tracer;
	bool late = false;
	int pid, status;
	pid_t who;

	tracer = (struct tracer){ .inject = inject };
	inject->error = inject->calls = inject->status = 0;
	inject->killed = false;
	(void)sigaction(SIGALRM, &ring, NULL);
	pid = begin(&tracer, fn);
	if (pid < 0)
		return pid;
	(void)alarm(limit_s);
	/* Until nobody is left, of ours or come to us. */
	while ((who = waitpid(-1, &status, __WALL)) >= 0 || errno == EINTR) {
		if (who < 0) {
			late = true;
			for (int i = 0; i < tracer.count; i++)
				(void)kill(tracer.traced[i].pid, SIGKILL);
		} else if (WIFSTOPPED(status)) {
			struct traced *traced = find(&tracer, who);

			if (traced)
				go_on(&tracer, traced, status);
		} else if (who == pid) {
			inject->status = status;
		}
	}
	(void)alarm(0);
	return late ? -ETIMEDOUT : 0;
}

#else

int inject_run(struct inject *inject, int (*fn)(void), unsigned limit_s)
{
	(void)inject;
	(void)fn;
	(void)limit_s;
	return -ENOSYS;
}

#endif
