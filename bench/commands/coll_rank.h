/* SPDX-License-Identifier: MIT */
/*
 * coll_rank.h - a rank of rigbench coll: the rank's buffers, and its calls.
 */
#ifndef RIGBENCH_COLL_RANK_H
#define RIGBENCH_COLL_RANK_H

#include <runrig/runrig.h>

#include "peers/verb.h"

/* Where the buffers are. */
enum buffers {
	BUFFERS_PRIVATE,
	BUFFERS_SEGMENT, /* each rank its own part */
	BUFFERS_HEAP,    /* in memory of rig_team_heap() */
	BUFFERS_LENT     /* bcast: all ranks the same place; send: lent */
};

struct coll_arg {
	const struct verb *verb;
	size_t count; /* doubles that a rank contributes */
	int ranks;
	enum buffers buffers;
	bool single;
	bool floor; /* no call: each rank copies as many bytes by memcpy */
};

/* A job's arguments. */
struct coll_job {
	struct coll_arg arg;
	clockid_t clock;
	uint64_t calls;
};

/* Bytes of a segment: the buffers of a rank, and the lines before the buffers,
 * which all ranks share. */
size_t coll_rank_bytes(const struct coll_arg *arg);
size_t coll_lines_bytes(const struct coll_arg *arg);

/* The kernel: takes a struct coll_job, leaves a struct verb_time. */
int coll_rank(struct rig_team *team);

#endif
