/* SPDX-License-Identifier: MIT */
/*
 * wide.c - teams with ranks of several hosts: the world, and teams split off.
 *
 * The world needs no agreement: the caller has written down the number of ranks of each
 * host.  Numbers of teams are agreed on as MPI libraries agree on contexts: each rank
 * knows a number that the rank has used for no team, and a split takes the largest.
 * The teams of one split have one number, and no rank in common.
 */
#include "team/wide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/gateway.h>
#include <runrig/nonblocking.h>

/* Numbers of wide teams; numbers of the host's own teams are less. */
#define WIDE_IDS UINT32_C(0x40000000)

/* In this process: a wide team. */
struct wide_team {
	struct rig_team team;
	struct member_shm self; /* a member in no shared memory: for match.c */
};

/* A rank's part in a split, and the split's answer. */
struct wide_wanted {
	int32_t color;
	int32_t key;
	uint32_t ids; /* numbers that the rank has used */
	int32_t code; /* no memory */
};

static void destroy(struct rig_team *team)
{
	free(team->ranks);
	free(team);
}

void wide_begin_job(struct rank *rank)
{
	struct rig_team *team;

	while ((team = rank->wide.all)) {
		rank->wide.all = team->next;
		destroy(team);
	}
	rank->wide = (struct wide_teams){ 0 };
}

struct rig_request **wide_enter(struct rig_team *team,
				const struct terms *terms, const void *where)
{
	struct rank *owner = team->owner;
	struct wide_teams *wide = &owner->wide;

	/* One of the calls of the host's team, so that the host's ranks
	 * compare. */
	if (team == wide->world) {
		struct call call;

		call_enter(&owner->world, terms, where);
		call = call_begin(&owner->world);
		call_end(&call, false);
		(void)call_leave(&owner->world, false, 0);
	}
	wide->terms = terms;
	wide->where = where;
	wide->request = NULL;
	return &wide->request;
}

int wide_leave(struct rig_team *team, int r)
{
	struct wide_teams *wide = &team->owner->wide;

	if (r == 0 && wide->request)
		r = rig_team_wait(team, &wide->request, NULL);
	wide->terms = NULL;
	return r;
}

/* A team of `size` ranks, yet to be filled in.  NULL: no memory. */
static struct rig_team *make(struct rank *owner, int size)
{
	struct wide_team *wide =
		aligned_alloc(alignof(struct wide_team), sizeof(*wide));
	int *ranks = malloc((size_t)size * sizeof(*ranks));

	if (!wide || !ranks) {
		free(wide);
		free(ranks);
		return NULL;
	}
	memset((void *)wide, 0, sizeof(*wide));
	wide->team = (struct rig_team){ .owner = owner,
					.size = size,
					.wide = true,
					.self = &wide->self,
					.ranks = ranks };
	return &wide->team;
}

/* Keep the team until the end of the run. */
static void keep(struct rig_team *team, uint32_t id)
{
	struct wide_teams *wide = &team->owner->wide;

	team->id = WIDE_IDS + id % WIDE_IDS;
	team->next = wide->all;
	wide->all = team;
}

/* The number, as a peer, of a rank of the world of all hosts. */
static int peer_of(const struct rank *owner, int world_rank)
{
	const int first = wide_first(owner);

	if (world_rank >= first && world_rank < first + owner->size)
		return world_rank - first;
	return mail_far(owner, world_rank);
}

static struct rig_team *make_world(struct rank *owner)
{
	const struct hosts_shm *hosts = &owner->layout.job->hosts;
	const int size = hosts->firsts[hosts->count];
	struct rig_team *world = make(owner, size);
	struct rig_team *leaders =
		owner->rank == 0 && world ? make(owner, hosts->count) : NULL;

	if (!world || (owner->rank == 0 && !leaders)) {
		if (world)
			destroy(world);
		return NULL;
	}
	world->rank = wide_first(owner) + owner->rank;
	for (int i = 0; i < size; i++)
		world->ranks[i] = peer_of(owner, i);
	keep(world, 0);
	owner->wide.world = world;
	owner->wide.ids = 2;
	if (!leaders)
		return world;
	leaders->rank = hosts->own;
	for (int i = 0; i < hosts->count; i++)
		leaders->ranks[i] = peer_of(owner, hosts->firsts[i]);
	keep(leaders, 1);
	owner->wide.leaders = leaders;
	return world;
}

struct rig_team *rig_team_world(struct rig_team *team)
{
	struct rank *owner = team->owner;

	if (owner->layout.job->hosts.count == 0)
		return &owner->world;
	if (!owner->wide.world && !make_world(owner))
		(void)rig_team_fail(team, -ENOMEM, "world: no memory");
	return owner->wide.world;
}

int rig_team_hosts(const struct rig_team *team, int *own)
{
	const struct hosts_shm *hosts = &team->owner->layout.job->hosts;

	if (own)
		*own = hosts->count ? hosts->own : 0;
	return hosts->count ? hosts->count : 1;
}

int rig_team_host_first(const struct rig_team *team, int host)
{
	const struct hosts_shm *hosts = &team->owner->layout.job->hosts;

	if (host < 0 || host > rig_team_hosts(team, NULL))
		return -1;
	if (hosts->count)
		return hosts->firsts[host];
	return host ? team->owner->size : 0;
}

/* List the ranks of `team` in this rank's new team, in the order of their keys; the
 * numbers as peers go to new->ranks. */
static int choose(const struct rig_team *team, const struct wide_wanted *all,
		  struct rig_team *new)
{
	const int color = all[team->rank].color;
	int count = 0;

	for (int i = 0; i < team->size; i++) {
		int at = count;

		if (all[i].color != color)
			continue;
		for (; at > 0 && all[new->ranks[at - 1]].key > all[i].key; at--)
			new->ranks[at] = new->ranks[at - 1];
		new->ranks[at] = i;
		count++;
	}
	for (int i = 0; i < count; i++) {
		if (new->ranks[i] == team->rank)
			new->rank = i;
		new->ranks[i] = team_world_rank(team, new->ranks[i]);
	}
	return count;
}

int wide_split(struct rig_team *team, int color, int key, struct rig_team **out)
{
	struct wide_teams *wide = &team->owner->wide;
	struct wide_wanted *all = calloc((size_t)team->size, sizeof(*all));
	struct rig_team *new = make(team->owner, team->size);
	const struct wide_wanted own = { color, key, wide->ids,
					 all && new ? 0 : -ENOMEM };
	int code = own.code, r;

	if (!all) {
		/* The other ranks wait: this rank fails, and so the run does. */
		r = rig_team_fail(team, -ENOMEM, "split: no memory");
		goto out;
	}
	r = rig_team_iallgather(team, &own, sizeof(own), RIG_UINT8, all,
				sizeof(own), RIG_UINT8, &wide->request);
	if (r == 0)
		r = rig_team_wait(team, &wide->request, NULL);
	for (int i = 0; r == 0 && i < team->size; i++) {
		if (all[i].ids > wide->ids)
			wide->ids = all[i].ids;
		if (all[i].code < 0)
			code = all[i].code;
	}
	if (r == 0 && code < 0)
		r = rig_team_fail(team, code, "split: no memory");
	if (r == 0 && color >= 0) {
		new->size = choose(team, all, new);
		keep(new, wide->ids);
		*out = new;
		new = NULL;
	} else if (r == 0) {
		*out = NULL;
	}
	wide->ids++;
out:
	if (new)
		destroy(new);
	free(all);
	return r;
}

int wide_free(struct rig_team *team)
{
	struct wide_teams *wide = &team->owner->wide;
	struct rig_team **at;
	int r;

	if (team == wide->world)
		return 0;
	r = rig_team_ibarrier(team, &wide->request);
	if (r == 0)
		r = rig_team_wait(team, &wide->request, NULL);
	if (r < 0)
		return r;
	for (at = &wide->all; *at != team; at = &(*at)->next)
		;
	*at = team->next;
	destroy(team);
	return 0;
}
