/* SPDX-License-Identifier: MIT */
/*
 * group.h - this process's control groups: the folders of the groups, and the
 * text of the files in the folders.
 *
 * No function here allocates: a warden may call all functions.
 */
#ifndef RUNRIG_GROUP_H
#define RUNRIG_GROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at the group `folder`; true: no further group is wanted. */
typedef bool group_fn(const char *folder, void *arg);

/*
 * Call visit(folder, arg) for this process's group in each hierarchy that may
 * have `controller` ("cpu"), and then for the groups above up to the mount
 * point.  Some of the folders may not exist.  `root` is put before /proc and
 * /sys ("" for the real folders).  Returns whether a visit returned true.
 */
bool group_walk(const char *root, const char *controller, group_fn *visit,
		void *arg);

/* Read file `name` in `folder`, as much as fits; false: there is no such file. */
bool group_read(const char *folder, const char *name, char *text, size_t bytes);

#endif
