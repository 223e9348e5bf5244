/* SPDX-License-Identifier: MIT */
/*
 * quota.c - the CPU quota, from control groups of either version.
 *
 * /proc/self/cgroup names our group in each hierarchy:
 *
 *	0::/user.slice/job           version 2: cpu.max holds "QUOTA PERIOD"
 *	4:cpu,cpuacct:/docker/12ab   version 1: cpu.cfs_quota_us, .cfs_period_us
 *
 * A group has at most what each of its ancestors has, so we walk up to the
 * mount point and keep the least.  In a container the path may be the host's
 * and not exist under our mount; the walk then meets our group at the mount
 * point itself.
 */
#include "quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How many of two numbers `file` of the group starts with; "max" is none. */
static int read_numbers(const char *group, const char *name, long long *first,
			long long *second)
{
	char path[PATH_MAX];
	FILE *file;
	int count;

	if (snprintf(path, sizeof(path), "%s/%s", group, name) >=
	    (int)sizeof(path))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	count = fscanf(file, "%lld %lld", first, second);
	fclose(file);
	return count < 0 ? 0 : count;
}

/* The quota set in `group` itself, in CPUs; 0: none. */
static int group_quota(const char *group)
{
	long long quota = 0;
	long long period = 0;
	long long none;
	long long cpus;

	if (read_numbers(group, "cpu.max", &quota, &period) < 2 &&
	    (read_numbers(group, "cpu.cfs_quota_us", &quota, &none) < 1 ||
	     read_numbers(group, "cpu.cfs_period_us", &period, &none) < 1))
		return 0;
	if (quota <= 0 || period <= 0)
		return 0;
	cpus = (quota - 1) / period + 1;
	return cpus > INT_MAX ? INT_MAX : (int)cpus;
}

static int least(int a, int b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

/* From mount/path up to the mount point. */
static int walk_up(const char *root, const char *mount, const char *path)
{
	char group[PATH_MAX];
	size_t base;
	char *slash;
	int cpus = 0;

	base = (size_t)snprintf(group, sizeof(group), "%s%s", root, mount);
	if (base + strlen(path) >= sizeof(group))
		return 0;
	strcpy(group + base, path);
	for (;;) {
		cpus = least(cpus, group_quota(group));
		slash = strrchr(group + base, '/');
		if (!slash)
			return cpus;
		*slash = '\0';
	}
}

/* Is `cpu` one of the comma-separated controllers? */
static bool has_cpu(const char *controllers)
{
	const char *at = controllers;

	for (;;) {
		size_t length = strcspn(at, ",");

		if (length == 3 && strncmp(at, "cpu", 3) == 0)
			return true;
		if (!at[length])
			return false;
		at += length + 1;
	}
}

/* One line of /proc/self/cgroup: "number:controllers:path". */
static int line_quota(const char *root, char *line)
{
	static const char *const v1[] = { "/sys/fs/cgroup/cpu",
					  "/sys/fs/cgroup/cpu,cpuacct" };
	static const char *const v2[] = { "/sys/fs/cgroup",
					  "/sys/fs/cgroup/unified" };
	const char *const *mounts;
	char *controllers = strchr(line, ':');
	char *path;
	int cpus = 0;

	if (!controllers)
		return 0;
	*controllers++ = '\0';
	path = strchr(controllers, ':');
	if (!path)
		return 0;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';

	if (!*controllers)
		mounts = v2;
	else if (has_cpu(controllers))
		mounts = v1;
	else
		return 0;
	for (int i = 0; i < 2; i++)
		cpus = least(cpus, walk_up(root, mounts[i], path));
	return cpus;
}

int quota_cpus(const char *root)
{
	char line[PATH_MAX + 64];
	FILE *file;
	int cpus = 0;

	snprintf(line, sizeof(line), "%s/proc/self/cgroup", root);
	file = fopen(line, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		cpus = least(cpus, line_quota(root, line));
	fclose(file);
	return cpus;
}
