/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - what lies in /dev/shm, whose it is, and removing what is stale.
 *
 * Stale is a name that was made to die with its maker (see segment.h), is this
 * user's, that nobody holds and that no process maps.  The kernel is asked, not
 * a process number: every runrig process that has the segment holds a lock on
 * it, and others (CPython) show in /proc/PID/maps.  A kept segment, and one
 * that something else made, is never stale.
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
	RIG_MAKER_PLAIN,   /* runrig, going by its mark: exactly its bytes */
	RIG_MAKER_TRAILER, /* runrig, with a trailer */
	RIG_MAKER_LIST,    /* whoever: holds a ShareableList */
	RIG_MAKER_OTHER    /* something else: Python, a semaphore, ... */
};

enum rig_life {
	RIG_LIFE_LIVE,  /* somebody holds or maps it */
	RIG_LIFE_KEPT,  /* nobody does, and it is to stay */
	RIG_LIFE_STALE, /* nobody does, and its maker is dead */
	RIG_LIFE_ALIEN  /* not ours to judge: another's user's, or no segment */
};

struct rig_found {
	char name[256];
	size_t bytes; /* the user's */
	uid_t uid;
	pid_t owner; /* of a trailer's, for display; 0: unknown */
	enum rig_maker maker;
	enum rig_life life;
};

/*
 * List everything in /dev/shm, by name.  Returns how many and sets *found (its
 * owner frees it with free()), or what opendir or malloc said.  Any thread.
 */
RIG_API int rig_sweep_list(struct rig_found **found);

/*
 * Remove what is stale, or with `dry_run` only tell.  Returns how many, and
 * sets *found (may be NULL) to them, or as above.  Never removes what is live:
 * it holds each name's lock while it looks and unlinks.
 */
RIG_API int rig_sweep_clean(bool dry_run, struct rig_found **found);

#ifdef __cplusplus
}
#endif

#endif
