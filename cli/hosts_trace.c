/* SPDX-License-Identifier: MIT */
/*
 * hosts_trace.c - the trace of a run on several hosts: a lane a rank of every host, on
 * the clock of host 0.
 *
 * Each host learns how far its clock is from the clock of host 0, by the method of F.
 * Cristian (Probabilistic clock synchronization, 1989): the first rank of host 0 answers
 * with its time, which lies in the middle of the shortest round trip.
 */
#include "hosts_trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runrig/hosts.h>
#include <runrig/runrig.h>

#include "command.h"
#include "hosts_text.h"
#include "timeline.h"

/* Round trips of each host. */
#define TRIPS 50

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* At host 0: answer the host whose first rank is `rank`. */
static int answer_trips(struct rig_team *world, int rank)
{
	int64_t time;
	int r = 0;

	for (int i = 0; r == 0 && i < TRIPS; i++) {
		r = rig_team_recv(world, &time, 1, RIG_INT64, rank, 1, NULL);
		time = now_ns();
		if (r == 0)
			r = rig_team_send(world, &time, 1, RIG_INT64, rank, 2);
	}
	return r;
}

static int ask_trips(struct rig_team *world, int64_t *offset)
{
	int64_t best = INT64_MAX;
	int r = 0;

	for (int i = 0; r == 0 && i < TRIPS; i++) {
		const int64_t begin = now_ns();
		int64_t there = 0, end;

		r = rig_team_send(world, &begin, 1, RIG_INT64, 0, 1);
		if (r == 0)
			r = rig_team_recv(world, &there, 1, RIG_INT64, 0, 2,
					  NULL);
		end = now_ns();
		if (end - begin >= best)
			continue;
		best = end - begin;
		*offset = there - (begin + (end - begin) / 2);
	}
	return r;
}

/* The result of a host's first rank is the host's offset. */
static int compare_clocks(struct rig_team *team)
{
	struct rig_team *world = rig_team_world(team);
	int64_t *offset = rig_team_result(team);
	int own, r = 0;
	const int hosts = rig_team_hosts(team, &own);

	if (rig_team_rank(team) > 0)
		return 0;
	if (own > 0)
		return ask_trips(world, offset);
	for (int host = 1; r == 0 && host < hosts; host++)
		r = answer_trips(world, rig_team_host_first(team, host));
	return r;
}

/* The lanes of this host, as timeline_merge() takes lanes; NULL: no memory. */
static char *make_text(struct rig_hosts *hosts, struct rig_pool *pool,
		       const char *kernel)
{
	const struct traced traced = { .pool = pool };
	const int own = rig_hosts_rank(hosts);
	const struct traced_host host = {
		.number = own,
		.first = rig_hosts_first(hosts, own),
		.size = rig_hosts_first(hosts, rig_hosts_size(hosts)),
	};
	/* Before the job of this file is traced, too. */
	char *lanes = timeline_text(&traced, kernel, &host), *text = NULL;
	int64_t offset = 0;
	const struct rig_job job = { .kernel = compare_clocks,
				     .result = &offset,
				     .result_bytes = sizeof(offset) };

	if (rig_hosts_run(hosts, &job) == 0 && lanes &&
	    asprintf(&text, "%lld %s", (long long)offset, lanes) < 0)
		text = NULL;
	free(lanes);
	return text;
}

int hosts_trace(struct rig_hosts *hosts, struct rig_pool *pool,
		const char *kernel, const char *path)
{
	char *text = make_text(hosts, pool, kernel);
	struct hosts_text texts;
	int r = hosts_text_collect(&texts, hosts, pool, text ? text : "");

	if (r == 0 && texts.own == 0)
		r = timeline_merge(texts.each, texts.hosts, path);
	hosts_text_free(&texts);
	free(text);
	return r;
}
