/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - the names in /dev/shm, their owners, and removing stale names.
 *
 * Example: a program makes a segment, and is killed before removing the name;
 * the name is stale.  A name is stale where all of these are true: the segment
 * was made to go with its maker (see segment.h), the file is this user's, and
 * no process holds or maps the file.  The kernel is asked, not a process
 * number: every runrig process that has the segment holds a lock on the file,
 * and other processes (CPython) show in /proc/PID/maps.  A kept segment, and a
 * file that another program made, is never stale.
 */
#ifndef RUNRIG_SWEEP_H
#define RUNRIG_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rig_maker {
	RIG_MAKER_PLAIN,   /* runrig, by the mark: the user's bytes only */
	RIG_MAKER_TRAILER, /* runrig, with a trailer */
	RIG_MAKER_LIST,    /* any program: the file holds a ShareableList */
	RIG_MAKER_OTHER    /* something else: Python, a semaphore, ... */
};

enum rig_life {
	RIG_LIFE_LIVE,  /* a process holds or maps the file */
	RIG_LIFE_KEPT,  /* no process does, and the file is to stay */
	RIG_LIFE_STALE, /* no process does, and the maker is dead */
	RIG_LIFE_ALIEN  /* not judged: another user's file, or no segment */
};

struct rig_found {
	char name[256];
	size_t bytes; /* the user's */
	uid_t uid;
	pid_t owner; /* named in the trailer, for display; 0: unknown */
	enum rig_maker maker;
	enum rig_life life;
};

/*
 * List every name in /dev/shm, sorted.  Returns the number of names and sets
 * *found (the caller frees the array with free()), or the error of opendir or
 * malloc.  Any thread.
 */
RIG_API int rig_sweep_list(struct rig_found **found);

/*
 * Remove the stale names, or with `dry_run` only list them.  Returns the number of
 * names, and sets *found (may be NULL) to the names, or as above.  Never removes a
 * live name: the file's lock is held during the look and the unlink.
 */
RIG_API int rig_sweep_clean(bool dry_run, struct rig_found **found);

#ifdef __cplusplus
}
#endif

#endif
