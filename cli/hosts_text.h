/* SPDX-License-Identifier: MIT */
/*
 * hosts_text.h - a text of every host, at host 0.
 *
 * Functions say on stderr what is wrong (see command.h) and return an exit code.
 */
#ifndef RUNRIG_HOSTS_TEXT_H
#define RUNRIG_HOSTS_TEXT_H

#include <stddef.h>

#include <runrig/hosts.h>
#include <runrig/pool.h>

/* In this process: the texts of all hosts, at host 0; elsewhere none. */
struct hosts_text {
	int hosts;
	int own;     /* number of this host */
	char **each; /* of each host, ended by 0; NULL where `own` is not 0 */
};

/* Collective over the processes that a launcher has started: give host 0 the text,
 * or, where the host has none (NULL), the news of that. */
int hosts_text_gather(struct hosts_text *texts, const char *text);

/* The same over hosts that have joined, with their pools; the text is not NULL. */
int hosts_text_collect(struct hosts_text *texts, struct rig_hosts *hosts,
		       struct rig_pool *pool, const char *text);

void hosts_text_free(struct hosts_text *texts);

#endif
