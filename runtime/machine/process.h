/* SPDX-License-Identifier: MIT */
/*
 * process.h - processes known by a descriptor: their end, and reaping them.
 *
 * The first process of a container, and a process that has asked for orphans
 * (PR_SET_CHILD_SUBREAPER), becomes the parent of processes whose parent has
 * ended: a warden, a manager's process, workers whose warden was killed.  The
 * library reaps these processes where the library waits for their end, for no
 * other code knows them.
 */
#ifndef RUNRIG_PROCESS_H
#define RUNRIG_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The process has ended, and nobody can say how. */
#define STATUS_UNKNOWN (-1)

/* This process, told from those it was forked from: also where each has the
 * same number, as the first process of a PID namespace and that of the next. */
uint64_t process_self(void);

/* A pidfd above the standard descriptors, or -errno. */
int process_open(pid_t pid);

/* The birth of a process, in the kernel's ticks since the boot: two processes of one
 * number have two births.  0: /proc does not tell, or no process has the number. */
uint64_t process_born(pid_t pid);

/* Wait until a descriptor is readable, deadline_ns at most; false: it is not.
 * A pidfd is when its process has ended, a socket when there are words of a
 * process, or never will be. */
bool process_readable(int fd, uint64_t deadline_ns);

/*
 * Wait until the process behind a pidfd has ended, deadline_ns at most, and
 * reap a child of this process.  A traced child can be reaped only after the
 * tracer has reaped the child, and the wait goes on until then.  Returns
 * whether the process has ended. *status (may be NULL) is as from waitpid(), or
 * STATUS_UNKNOWN.
 */
bool process_await(int pidfd, uint64_t deadline_ns, int *status);

/* Likewise a process known by its number alone.  Nothing happens unless the
 * process is a child and is called `name`. */
void process_reap_child(pid_t pid, const char *name, uint64_t deadline_ns);

/* Kill the process behind a pidfd.  Where the system refuses the signal by
 * descriptor, the signal goes to the process's number, which the system tells
 * while the process has not ended. 0 or -errno. */
int process_kill(int pidfd);

#endif
