/* SPDX-License-Identifier: MIT */
/*
 * group.c - control groups of either version.
 *
 * /proc/self/cgroup names our group in each hierarchy:
 *
 *	0::/user.slice/job           version 2: every controller
 *	4:cpu,cpuacct:/docker/12ab   version 1: the controllers named
 *
 * In a container the path may be the host's and not exist under our mount; the
 * walk then meets our group at the mount point itself.
 */
#include "machine/group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS "/sys/fs/cgroup"

/* /proc/self/cgroup has a dozen lines, most of which are short. */
#define LINES_BYTES 8192

bool group_read(const char *folder, const char *name, char *text, size_t bytes)
{
	char path[PATH_MAX];
	size_t used = 0;
	ssize_t got;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	do {
		got = read(fd, text + used, bytes - 1 - used);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	close(fd);
	text[used] = '\0';
	return true;
}

/* From mount/path up to the mount point. */
static bool walk_up(const char *root, const char *mount, const char *path,
		    group_fn *visit, void *arg)
{
	char folder[PATH_MAX];
	size_t base;
	char *slash;

	base = (size_t)snprintf(folder, sizeof(folder), "%s" MOUNTS "%s%s",
				root, *mount ? "/" : "", mount);
	if (base + strlen(path) >= sizeof(folder))
		return false;
	strcpy(folder + base, path);
	for (;;) {
		if (visit(folder, arg))
			return true;
		slash = strrchr(folder + base, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

/* Whether `wanted` is among the comma-separated controllers. */
static bool is_among(const char *controllers, const char *wanted)
{
	const char *at = controllers;

	for (;;) {
		size_t length = strcspn(at, ",");

		if (length == strlen(wanted) &&
		    strncmp(at, wanted, length) == 0)
			return true;
		if (!at[length])
			return false;
		at += length + 1;
	}
}

/* A line, "number:controllers:path". */
static bool walk_line(const char *root, char *line, const char *controller,
		      group_fn *visit, void *arg)
{
	char *controllers = strchr(line, ':');
	char *path;

	if (!controllers)
		return false;
	*controllers++ = '\0';
	path = strchr(controllers, ':');
	if (!path)
		return false;
	*path++ = '\0';
	if (!*controllers)
		return walk_up(root, "", path, visit, arg) ||
		       walk_up(root, "unified", path, visit, arg);
	if (!is_among(controllers, controller))
		return false;
	return walk_up(root, controller, path, visit, arg) ||
	       (strcmp(controllers, controller) != 0 &&
		walk_up(root, controllers, path, visit, arg));
}

bool group_walk(const char *root, const char *controller, group_fn *visit,
		void *arg)
{
	char folder[PATH_MAX], lines[LINES_BYTES], *line, *next;

	if (snprintf(folder, sizeof(folder), "%s/proc/self", root) >=
		    (int)sizeof(folder) ||
	    !group_read(folder, "cgroup", lines, sizeof(lines)))
		return false;
	for (line = lines; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (walk_line(root, line, controller, visit, arg))
			return true;
	}
	return false;
}
