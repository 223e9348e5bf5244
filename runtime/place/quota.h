/* SPDX-License-Identifier: MIT */
/*
 * quota.h - how many CPUs this process may use at once, by its control group.
 */
#ifndef RUNRIG_QUOTA_H
#define RUNRIG_QUOTA_H

/*
 * The tightest CPU quota of our control group and the groups above, in CPUs,
 * rounded up; 0: none.  `root` is put before /proc and /sys ("" for the real
 * ones).  Never fails: a file that cannot be read limits nothing.
 */
int quota_cpus(const char *root);

#endif
