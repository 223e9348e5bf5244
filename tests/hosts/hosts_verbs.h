/* SPDX-License-Identifier: MIT */
/*
 * hosts_verbs.h - a kernel of every verb, and the result of each rank.
 */
#ifndef RUNRIG_HOSTS_VERBS_H
#define RUNRIG_HOSTS_VERBS_H

#include <stdint.h>

#include <runrig/team.h>

/* In the result slot of each rank. */
struct verbs_result {
	uint64_t hash;
	int rank, size; /* in the world */
};

int hosts_verbs(struct rig_team *team);

#endif
