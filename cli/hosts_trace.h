/* SPDX-License-Identifier: MIT */
/*
 * hosts_trace.h - the trace of a run on several hosts.
 */
#ifndef RUNRIG_HOSTS_TRACE_H
#define RUNRIG_HOSTS_TRACE_H

#include <runrig/hosts.h>
#include <runrig/pool.h>

/* Collective over the hosts: host 0 writes the lanes of all ranks of all hosts to the
 * file `path`, as JSON.  Returns an exit code, and says on stderr what is wrong. */
int hosts_trace(struct rig_hosts *hosts, struct rig_pool *pool,
		const char *kernel, const char *path);

#endif
