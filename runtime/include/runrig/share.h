/* SPDX-License-Identifier: MIT */
/*
 * share.h - work dealt out to the ranks of a team as they come for it.
 *
 *	struct rig_share share;
 *	struct rig_span part;
 *	int r = rig_share_begin(&share, team, count, RIG_SHARE_GUIDED, 0);
 *
 *	if (r < 0)
 *		return r;
 *	while (rig_share_next(&share, &part))
 *		for (size_t i = part.begin; i < part.end; i++)
 *			...
 *	return rig_team_barrier(team);
 *
 * Each rank begins with its strip (rig_team_strip()), so that the rank on a
 * page's node works on the page.  A rank that has finished its own strip takes
 * half of the rest of the strip with the largest rest.  Taking a part costs an
 * atomic operation, mostly on a cache line that no other rank wants.  In the
 * world of several hosts (gateway.h) each host has the strips of its ranks, and
 * ranks take from ranks of their host; in a team split off the world, chunks
 * are dealt out in turn whatever the schedule is.  For workers only, within a
 * kernel.
 */
#ifndef RUNRIG_SHARE_H
#define RUNRIG_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include <runrig/api.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rig_schedule {
	RIG_SHARE_STATIC,  /* chunks dealt out in turn; 0: the strip */
	RIG_SHARE_DYNAMIC, /* a chunk at a time; 0: 1 */
	RIG_SHARE_GUIDED   /* large parts first, down to a chunk; 0: 1 */
};

/* The most chunks of a share: for more, the chunks are made larger. */
#define RIG_SHARE_CHUNKS_MAX ((size_t)1 << 28)

/* In this process; the fields are the library's. */
struct rig_share {
	struct rig_team *team;
	enum rig_schedule schedule;
	size_t count;
	size_t unit;          /* elements of a chunk; 0: the strip is all */
	size_t units;         /* chunks; the last may be shorter */
	size_t next;          /* a static share's next chunk */
	struct rig_span hand; /* chunks taken, which no other rank can take */
	uint8_t tag;
	size_t first; /* with several hosts: the first element of this host */
	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* later versions' */
};

/*
 * Collective.  Begin to share out 0..count-1.  The share ends where
 * rig_share_next() returns false, and each rank takes parts until then (or
 * fails the run); several shares may follow each other without a barrier.
 * Returns 0, or
 *
 *	-EINVAL  there is no such schedule
 *
 * Waits now and then for ranks that are behind: no rank gets more than 16
 * collective calls ahead of another rank.
 */
RIG_API int rig_share_begin(struct rig_share *share, struct rig_team *team,
			    size_t count, enum rig_schedule schedule,
			    size_t chunk);

/*
 * Take the next part.  Every element is in exactly one part of exactly one rank; a
 * part is never empty.  Returns false, and leaves *part unchanged, where nothing
 * is left to take; other ranks may still be at work.  Never waits.  Orders nothing:
 * barriers do.  In another thread of a worker than the kernel's, the call fails the
 * run with -EINVAL, for "nothing is left" would be a wrong answer.
 */
RIG_API bool rig_share_next(struct rig_share *share, struct rig_span *part);

#ifdef __cplusplus
}
#endif

#endif
