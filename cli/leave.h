/* SPDX-License-Identifier: MIT */
/*
 * leave.h - a plugin that ends the process by _exit().
 */
#ifndef RUNRIG_LEAVE_H
#define RUNRIG_LEAVE_H

/* Called before _exit() and _Exit() end this process, or a fork; NULL: nothing.  In the
 * program, where commands.so finds the pointer. */
extern __attribute__((visibility("default"))) void (*runrig_leaving)(int status,
								     void *arg);

#endif
