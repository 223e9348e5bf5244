/* SPDX-License-Identifier: MIT */
/*
 * team.h - a rank's view of its team, as team.c and worker.c share it.
 */
#ifndef RUNRIG_TEAM_PRIVATE_H
#define RUNRIG_TEAM_PRIVATE_H

#include <runrig/team.h>

#include "layout.h"
#include "wait.h"

/* One segment of the job at hand. */
struct handed {
	void *data;
	size_t bytes;
	struct rig_barrier *barrier; /* of this pool in its trailer, or NULL */
};

/* In this process. */
struct rig_team {
	int rank;
	int size;
	struct layout layout;
	struct rank_shm *mine;
	struct rig_barrier *barrier; /* of the job at hand */
	struct patience patience;
	struct barrier_watch at_teams; /* who waits at which barrier */
	struct barrier_watch at_jobs;
	uint64_t entered; /* barriers, in this job */
	bool result_used; /* since it was last zeroed */

	int segments;
	struct handed handed[RIG_SEGMENTS_MAX];
	size_t args_bytes;
	alignas(16) unsigned char args[RIG_ARGS_MAX];
};

/* Make `team` rank `rank`'s view of the team in `layout`. */
void team_init(struct rig_team *team, const struct layout *layout, int rank,
	       int size, const struct patience *patience);

/* Begin job number `job`: everything as a kernel expects to find it but the
 * segments. */
void team_begin(struct rig_team *team, uint32_t job);

/* Meet at the team's own barrier, whatever the job's is. */
void team_meet(struct rig_team *team);

/* This rank has failed with `code`; `why` (NULL: its slot has the words). */
void team_failed(struct rig_team *team, int code, const char *why);

/* End a job: finish it, and tell the caller what it has to know. */
void team_finish(struct rig_team *team);

#endif
