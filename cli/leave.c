/* SPDX-License-Identifier: MIT */
/*
 * leave.c - _exit() of the program.
 *
 * _exit() runs no handler at all.  A plugin's call comes here, for a program's own
 * definition goes before the C library's.  The library's calls in workers, which are
 * other processes, come here too.
 */
#include "leave.h"

#include <stddef.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/syscall.h>
#include <unistd.h>

void (*runrig_leaving)(int status, void *arg);

noreturn void _exit(int status)
{
	if (runrig_leaving)
		runrig_leaving(status, NULL);
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

noreturn void _Exit(int status)
{
	_exit(status);
}
