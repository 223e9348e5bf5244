/* SPDX-License-Identifier: MIT */
/*
 * quota.c - the CPU quota, from control groups of either version.
 *
 *	version 2   cpu.max holds "QUOTA PERIOD"
 *	version 1   cpu.cfs_quota_us and cpu.cfs_period_us
 *
 * A group has at most the quota of each of its ancestors: the least counts.
 */
#include "place/quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "machine/group.h"

#define TEXT_BYTES 64

/* How many of two numbers `name` of the group starts with; "max" is none. */
static int read_numbers(const char *folder, const char *name, long long *first,
			long long *second)
{
	char text[TEXT_BYTES];
	int count;

	if (!group_read(folder, name, text, sizeof(text)))
		return 0;
	count = sscanf(text, "%lld %lld", first, second);
	return count < 0 ? 0 : count;
}

/* The quota set in the group itself, in CPUs; 0: none. */
static int group_quota(const char *folder)
{
	long long quota = 0;
	long long period = 0;
	long long none;
	long long cpus;

	if (read_numbers(folder, "cpu.max", &quota, &period) < 2 &&
	    (read_numbers(folder, "cpu.cfs_quota_us", &quota, &none) < 1 ||
	     read_numbers(folder, "cpu.cfs_period_us", &period, &none) < 1))
		return 0;
	if (quota <= 0 || period <= 0)
		return 0;
	cpus = (quota - 1) / period + 1;
	return cpus > INT_MAX ? INT_MAX : (int)cpus;
}

/* The least of all groups. */
static bool keep_least(const char *folder, void *arg)
{
	int *least = arg;
	int cpus = group_quota(folder);

	if (cpus && (!*least || cpus < *least))
		*least = cpus;
	return false;
}

int quota_cpus(const char *root)
{
	int cpus = 0;

	(void)group_walk(root, "cpu", keep_least, &cpus);
	return cpus;
}
