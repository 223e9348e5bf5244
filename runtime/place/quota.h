/* SPDX-License-Identifier: MIT */
/*
 * quota.h - the CPU quota of this process, by its control group.
 */
#ifndef RUNRIG_QUOTA_H
#define RUNRIG_QUOTA_H

/*
 * The tightest CPU quota of this process's control group and the groups above,
 * in CPUs, rounded up; 0: none.  `root` is put before /proc and /sys ("" for
 * the real folders).  Never fails: a file that cannot be read limits nothing.
 */
int quota_cpus(const char *root);

#endif
