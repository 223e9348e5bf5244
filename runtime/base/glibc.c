/* SPDX-License-Identifier: MIT */
/*
 * glibc.c - functions of glibc 2.32, and the same for glibc 2.31.
 */
#include "base/glibc.h"

#include <features.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#if __GLIBC_PREREQ(2, 32)

#include <sys/single_threaded.h>

const char *errno_words(int error)
{
	return strerrordesc_np(error);
}

const char *signal_abbreviation(int signal)
{
	return sigabbrev_np(signal);
}

bool has_one_thread(void)
{
	return __libc_single_threaded;
}

#else

#include <sys/stat.h>

const char *errno_words(int error)
{
	return error >= 0 && error < sys_nerr ? sys_errlist[error] : NULL;
}

const char *signal_abbreviation(int signal)
{
	static const char *const names[] = {
		[SIGHUP] = "HUP",       [SIGINT] = "INT",   [SIGQUIT] = "QUIT",
		[SIGILL] = "ILL",       [SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",
		[SIGBUS] = "BUS",       [SIGFPE] = "FPE",   [SIGKILL] = "KILL",
		[SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
		[SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM", [SIGTERM] = "TERM",
		[SIGSTKFLT] = "STKFLT", [SIGCHLD] = "CHLD", [SIGCONT] = "CONT",
		[SIGSTOP] = "STOP",     [SIGTSTP] = "TSTP", [SIGTTIN] = "TTIN",
		[SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
		[SIGXFSZ] = "XFSZ",     [SIGPROF] = "PROF", [SIGSYS] = "SYS",
		[SIGVTALRM] = "VTALRM", [SIGPWR] = "PWR",   [SIGPOLL] = "POLL",
		[SIGWINCH] = "WINCH",
	};

	return signal > 0 && (size_t)signal < sizeof(names) / sizeof(*names)
		       ? names[signal]
		       : NULL;
}

/* A folder has two links, and one more for each folder within: one a thread. */
bool has_one_thread(void)
{
	struct stat tasks;

	return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

#endif
