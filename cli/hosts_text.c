/* SPDX-License-Identifier: MIT */
/*
 * hosts_text.c - a text of every host, at host 0.
 *
 * One run gives the first rank of host 0 the lengths, and a second run the texts.  Of the
 * ranks of a host only the first takes part.
 */
#include "hosts_text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/hosts.h>
#include <runrig/runrig.h>

#include "command.h"

/* The arrays of a job: what a host has, and at host 0 what all have. */
enum { OWN, ALL };

/* A text longer than that is no text of ours. */
#define TEXT_MAX ((uint64_t)1 << 30)

static int gather_lengths(struct rig_team *team)
{
	struct rig_team *world = rig_team_world(team);
	uint64_t *lengths = rig_team_data(team, ALL);
	const uint64_t own = rig_team_bytes(team, OWN);
	int number, r = 0;
	const int hosts = rig_team_hosts(team, &number);

	if (rig_team_rank(team) > 0)
		return 0;
	if (number > 0)
		return rig_team_send(world, &own, 1, RIG_UINT64, 0, 1);
	lengths[0] = own;
	for (int host = 1; r == 0 && host < hosts; host++)
		r = rig_team_recv(world, &lengths[host], 1, RIG_UINT64,
				  rig_team_host_first(team, host), 1, NULL);
	return r;
}

/* Host 0 has the texts side by side, behind the lengths. */
static int gather_texts(struct rig_team *team)
{
	struct rig_team *world = rig_team_world(team);
	const uint64_t *lengths = rig_team_data(team, ALL);
	int number, r = 0;
	const int hosts = rig_team_hosts(team, &number);
	char *all = (char *)rig_team_data(team, ALL) +
		    (size_t)hosts * sizeof(*lengths);

	if (rig_team_rank(team) > 0)
		return 0;
	if (number > 0)
		return rig_team_send(world, rig_team_data(team, OWN),
				     rig_team_bytes(team, OWN), RIG_UINT8, 0,
				     1);
	memcpy(all, rig_team_data(team, OWN), lengths[0]);
	for (int host = 1; r == 0 && host < hosts; host++) {
		all += lengths[host - 1];
		r = rig_team_recv(world, all, lengths[host], RIG_UINT8,
				  rig_team_host_first(team, host), 1, NULL);
	}
	return r;
}

/* In this process. */
struct gathering {
	struct rig_pool *pool;
	struct rig_hosts *hosts;
	struct rig_segment *own, *all;
};

static int make_segment(struct gathering *g, struct rig_segment **segment,
			size_t bytes)
{
	return rig_segment_create(
		segment, NULL, bytes,
		&(struct rig_segment_options){ .pool = g->pool });
}

static int run(struct gathering *g, rig_kernel_fn *kernel)
{
	const struct rig_job job = {
		.kernel = kernel,
		.segments = { { .name = rig_segment_name(g->own) },
			      { .name = rig_segment_name(g->all) } },
	};

	return rig_hosts_run(g->hosts, &job);
}

/* The lengths are known: memory for all texts, at host 0. */
static int make_room(struct gathering *g)
{
	const int hosts = rig_hosts_size(g->hosts);
	const uint64_t *lengths = rig_segment_data(g->all);
	struct rig_segment *room = NULL;
	uint64_t bytes = (uint64_t)hosts * sizeof(*lengths);
	int r;

	for (int host = 0; host < hosts; host++) {
		if (lengths[host] > TEXT_MAX)
			return rig_why_set(-E2BIG, "a host's text is too long");
		bytes += lengths[host];
	}
	r = make_segment(g, &room, bytes);
	if (r < 0)
		return r;
	memcpy(rig_segment_data(room), lengths,
	       (size_t)hosts * sizeof(*lengths));
	rig_segment_destroy(g->all);
	g->all = room;
	return 0;
}

static int keep(const struct gathering *g, struct hosts_text *texts)
{
	const uint64_t *lengths = rig_segment_data(g->all);
	const char *from = (const char *)(lengths + texts->hosts);

	texts->each = calloc((size_t)texts->hosts, sizeof(*texts->each));
	for (int host = 0; texts->each && host < texts->hosts; host++) {
		texts->each[host] = strndup(from, lengths[host]);
		if (!texts->each[host])
			return -ENOMEM;
		from += lengths[host];
	}
	return texts->each ? 0 : -ENOMEM;
}

static int gather(struct gathering *g, struct hosts_text *texts,
		  const char *text)
{
	const size_t bytes = strlen(text) + 1;
	int r;

	texts->hosts = rig_hosts_size(g->hosts);
	texts->own = rig_hosts_rank(g->hosts);
	r = make_segment(g, &g->own, bytes);
	if (r == 0)
		r = make_segment(g, &g->all,
				 (size_t)texts->hosts * sizeof(uint64_t));
	if (r < 0)
		return r;
	memcpy(rig_segment_data(g->own), text, bytes);
	r = run(g, gather_lengths);
	if (r == 0 && texts->own == 0)
		r = make_room(g);
	if (r == 0)
		r = run(g, gather_texts);
	return r < 0 || texts->own ? r : keep(g, texts);
}

int hosts_text_collect(struct hosts_text *texts, struct rig_hosts *hosts,
		       struct rig_pool *pool, const char *text)
{
	struct gathering g = { .pool = pool, .hosts = hosts };
	int r;

	*texts = (struct hosts_text){ 0 };
	r = gather(&g, texts, text);
	rig_segment_destroy(g.own);
	rig_segment_destroy(g.all);
	return r < 0 ? complain(exit_of(r), "%s", rig_why()) : 0;
}

int hosts_text_gather(struct hosts_text *texts, const char *text)
{
	const struct rig_pool_options options = { .workers = 1,
						  .place = "none" };
	struct gathering g = { 0 };
	int r = text ? rig_pool_create(&g.pool, &options) : 0, joined;

	*texts = (struct hosts_text){ 0 };
	/* The other hosts wait, whatever has happened here. */
	joined = rig_hosts_join(&g.hosts, r == 0 ? g.pool : NULL, NULL);
	r = r < 0 ? r : joined;
	if (r == 0)
		r = gather(&g, texts, text);
	if (r < 0)
		r = complain(exit_of(r), "%s", rig_why());
	rig_segment_destroy(g.own);
	rig_segment_destroy(g.all);
	rig_hosts_leave(g.hosts);
	rig_pool_destroy(g.pool);
	return r;
}

void hosts_text_free(struct hosts_text *texts)
{
	for (int host = 0; texts->each && host < texts->hosts; host++)
		free(texts->each[host]);
	free(texts->each);
	texts->each = NULL;
}
