/* SPDX-License-Identifier: MIT */
/*
 * memory.c - the memory that is still available, asked before taking it.
 *
 * The kernel's out-of-memory killer ends a process that takes more, at a time
 * of the kernel's choosing.  A control group's limit is often far below the
 * machine's memory: /proc/self/cgroup names this process's group, in version 2
 * on the line "0::PATH", in version 1 on the line of the controller "memory".
 * A group has at most the memory of its ancestors, and all ancestors are asked.
 * The memory that a group uses includes pages of files that the kernel can take
 * back at any time; MemAvailable counts the same pages of the machine as free.
 */
#include "machine/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

struct version {
	const char *mount;
	const char *limit;
	const char *used;
	const char *files[2]; /* lines of memory.stat, of descendants too */
};

static const struct version versions[] = {
	{ "/sys/fs/cgroup/memory",
	  "memory.limit_in_bytes",
	  "memory.usage_in_bytes",
	  { "total_inactive_file", "total_active_file" } },
	{ "/sys/fs/cgroup",
	  "memory.max",
	  "memory.current",
	  { "inactive_file", "active_file" } },
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t memory_in_shm(void)
{
	struct statvfs status;

	if (statvfs("/dev/shm", &status) < 0)
		return 0;
	return (size_t)status.f_bavail * (size_t)status.f_frsize;
}

static FILE *open_of(const char *group, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", group, name) >=
	    (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* The number in a file of a group; false: none, "max" included. */
static bool read_number(const char *group, const char *name,
			unsigned long long *number)
{
	FILE *file = open_of(group, name);
	int count;

	if (!file)
		return false;
	count = fscanf(file, "%llu", number);
	fclose(file);
	return count == 1;
}

/* Bytes of files in memory. */
static unsigned long long read_files(const struct version *version,
				     const char *group)
{
	FILE *file = open_of(group, "memory.stat");
	unsigned long long bytes, sum = 0;
	char line[128], name[100];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%99s %llu", name, &bytes) == 2 &&
		    (strcmp(name, version->files[0]) == 0 ||
		     strcmp(name, version->files[1]) == 0))
			sum += bytes;
	if (file)
		fclose(file);
	return sum;
}

/* The memory that the group itself still allows, without its ancestors. */
static size_t own_room(const struct version *version, const char *group)
{
	unsigned long long limit, used, files;

	if (!read_number(group, version->limit, &limit) ||
	    !read_number(group, version->used, &used))
		return SIZE_MAX;
	files = read_files(version, group);
	used -= files < used ? files : used;
	return limit > used ? limit - used : 0;
}

/* The memory that a group and its ancestors still allow. */
static size_t group_room(const struct version *version, const char *below)
{
	char group[PATH_MAX];
	size_t root = strlen(version->mount);
	size_t room = SIZE_MAX;

	if (snprintf(group, sizeof(group), "%s%s", version->mount, below) >=
	    (int)sizeof(group))
		return SIZE_MAX;
	for (;;) {
		char *slash;

		room = least(room, own_room(version, group));
		slash = strrchr(group, '/');
		if (!slash || slash < group + root)
			return room;
		*slash = 0;
	}
}

static size_t groups_room(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	size_t room = SIZE_MAX;

	while (file && fgets(line, sizeof(line), file)) {
		char *below = strstr(line, ":/");
		bool second = strncmp(line, "0::", 3) == 0;

		line[strcspn(line, "\n")] = 0;
		if (below && (second || strstr(line, ":memory:")))
			room = least(room,
				     group_room(&versions[second], below + 1));
	}
	if (file)
		fclose(file);
	return room;
}

size_t memory_available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	unsigned long long kib;
	size_t room = SIZE_MAX;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			room = (size_t)kib * 1024;
	if (file)
		fclose(file);
	return least(room, groups_room());
}
