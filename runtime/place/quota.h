/* SPDX-License-Identifier: MIT */
/*
 * quota.h - how many CPUs this process's control group lets it use at once.
 */
#ifndef RUNRIG_QUOTA_H
#define RUNRIG_QUOTA_H

/*
 * The tightest CPU quota of our control group and those above it, in CPUs,
 * rounded up; 0: none.  `root` is put before /proc and /sys ("" for the real
 * ones).  Never fails: what cannot be read limits nothing.
 */
int quota_cpus(const char *root);

#endif
