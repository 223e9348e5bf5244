/* SPDX-License-Identifier: MIT */
/*
 * hosts_state.h - the private parts of struct rig_hosts, for hosts_join.c and
 * hosts_run.c.
 */
#ifndef RUNRIG_HOSTS_PRIVATE_H
#define RUNRIG_HOSTS_PRIVATE_H

#include <runrig/gateway.h>
#include <runrig/hosts.h>

#include "engine.h"

/* Bytes of a host's report that travel, the words included. */
#define TEXT_BYTES 4096

/* In this process. */
struct rig_hosts {
	const struct engine *engine;
	struct engine_link *link;
	struct rig_pool *pool;
	struct rig_gateway *gateway;
	int rank;
	int size;
	int *firsts;        /* size + 1 of them */
	uint64_t *words;    /* size + 8 of them, to be combined */
	uint64_t *messages; /* sent to each host so far */
	uint64_t received;  /* messages from others so far */
	int moves;          /* see struct hosts_transfer: under way */
	uint32_t runs;
	bool left; /* a host has left, and all know */
	char *report;
};

/* As rig_why_set(), with the words as printf() makes words. */
int hosts_fail(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The step that a host is about to take, for hosts_agree(). */
enum hosts_step { HOSTS_RUN, HOSTS_LEAVE };

/* Do all hosts the same next, with the same `sign`?  0; -EINVAL: the signs differ;
 * -ECANCELED: a host leaves, and nothing can be agreed on any more. */
int hosts_agree(struct rig_hosts *hosts, enum hosts_step step, uint64_t sign);

/* Combine the first `count` words of all hosts, and wait until all have. */
void hosts_combine(struct rig_hosts *hosts, int count, bool sum);

/* Let other processes run: the caller has looked around in vain `turns` times. */
void hosts_pause(int turns);

/* Send, and count; `token` as for the engine. */
int hosts_send(struct rig_hosts *hosts, int to, const struct wire_head *head,
	       void *data, void *token);

#endif
