/* SPDX-License-Identifier: MIT */
/*
 * group.h - this process's control groups: which they are, what their files say.
 *
 * Neither allocates: a warden may ask.
 */
#ifndef RUNRIG_GROUP_H
#define RUNRIG_GROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at the group that is `folder`; true: that was enough. */
typedef bool group_fn(const char *folder, void *arg);

/*
 * Call visit(folder, arg) for our group in each hierarchy that may have
 * `controller` ("cpu"), and then for those above it up to the mount point.  Not
 * every folder need exist.  `root` is put before /proc and /sys ("" for the real
 * ones).  Returns whether a visit was enough.
 */
bool group_walk(const char *root, const char *controller, group_fn *visit,
		void *arg);

/* What file `name` in `folder` says, as much as fits; false: there is none. */
bool group_read(const char *folder, const char *name, char *text, size_t bytes);

#endif
