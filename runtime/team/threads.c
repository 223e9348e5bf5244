/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads within a rank: how many, and the core of each.
 *
 * A rank's threads get the cores of the rank's place, one each: the first usable
 * hardware thread of a core, in the order of the cores.  Where ranks are not pinned, or
 * are more than cores, or the cgroup's quota is less than the cores, a rank has a fair
 * part of the cores.
 */
#include <errno.h>

#include <runrig/place.h>

#include "base/error.h"
#include "team/rank.h"
#include "place/topology.h"

/* Find the `index`-th core of the rank's place that is the rank's own; *pu is the
 * core's first PU. Returns the number of cores seen so far. */
static int find_core(const struct rig_plan *plan, const struct rig_spot *spot,
		     int index, int *pu)
{
	int seen = 0;

	for (int c = 0; c < plan->machine_cores; c++)
		for (int w = 0; w < RIG_PUS_MAX / 64; w++) {
			uint64_t both = plan->machine[c].ours[w] & spot->set[w];

			if (!both)
				continue;
			if (seen++ == index) {
				*pu = w * 64 + __builtin_ctzll(both);
				return seen;
			}
			break;
		}
	return seen;
}

int rig_team_threads(const struct rig_team *team)
{
	const struct rig_plan *plan = team->owner->plan;
	const struct rig_spot *spot = &plan->spots[team->owner->rank];
	int fair = plan->cpus / plan->workers;
	int cores, pu;

	cores = find_core(plan, spot, RIG_PUS_MAX, &pu);
	if (fair < 1)
		fair = 1;
	return cores < 1 ? 1 : cores < fair ? cores : fair;
}

int rig_team_bind(const struct rig_team *team, int index)
{
	const struct rig_plan *plan = team->owner->plan;
	const struct rig_spot *spot = &plan->spots[team->owner->rank];
	struct cpu_bits set = { { 0 } };
	int pu = 0;

	if (index < -1 || index >= rig_team_threads(team))
		return rig_fail(-EINVAL, "bind: thread %d, not 0 to %d", index,
				rig_team_threads(team) - 1);
	if (!plan->pinned)
		return 0;
	if (index < 0) {
		for (int w = 0; w < RIG_PUS_MAX / 64; w++)
			set.bits[w] = spot->set[w];
	} else {
		(void)find_core(plan, spot, index, &pu);
		set.bits[pu / 64] = UINT64_C(1) << pu % 64;
	}
	return topology_pin(0, &set);
}
