/* SPDX-License-Identifier: MIT */
/*
 * oom.h - the kernel's killing for want of memory: how often it did, and whom
 * it should take.
 */
#ifndef RUNRIG_OOM_H
#define RUNRIG_OOM_H

#include <stdint.h>

/*
 * Processes of this process's control group that were killed for want of memory
 * so far; -1: nobody says.  `root` is put before /proc and /sys ("" for the real
 * ones).  Allocates nothing.
 */
int64_t oom_kills(const char *root);

/* Have this process taken before those that have not said so.  Where that
 * cannot be, nothing is changed. */
void oom_volunteer(void);

#endif
