/* SPDX-License-Identifier: MIT */
/*
 * ended.h - the end of a team whose ranks watch each other, in words.
 */
#ifndef RUNRIG_ENDED_H
#define RUNRIG_ENDED_H

#include <runrig/place.h>

#include "team/rank.h"

/* This process is a rank of the team that has met under `name` (copied), until
 * finish.  0 or -ENOMEM. */
int ended_begin(const char *name, int size, const struct rig_plan *plan);
void ended_finish(void);

/* The functions of rank.ends. */
extern const struct rank_ends ended_calls;

#endif
