/* SPDX-License-Identifier: MIT */
/*
 * oom.h - the kernel's killing for want of memory: how many were killed, and
 * which process the kernel should take.
 */
#ifndef RUNRIG_OOM_H
#define RUNRIG_OOM_H

#include <stdint.h>

/*
 * The number of processes of this process's control group that the kernel has
 * killed for want of memory so far; -1: no file tells the number.  `root` is
 * put before /proc and /sys ("" for the real folders).  Allocates nothing.
 */
int64_t oom_kills(const char *root);

/* Have the kernel kill this process before processes without the mark.  Where
 * the kernel refuses, nothing is changed. */
void oom_volunteer(void);

#endif
