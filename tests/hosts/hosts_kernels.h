/* SPDX-License-Identifier: MIT */
/*
 * hosts_kernels.h - kernels over hosts, held against one pool of as many ranks.
 */
#ifndef RUNRIG_HOSTS_KERNELS_H
#define RUNRIG_HOSTS_KERNELS_H

#include <runrig/hosts.h>

/* Collective: run kernels on all hosts, and each kernel again in a pool of as many
 * ranks on this host alone.  How many did not give the same bits, each with a line on
 * stderr; `all`: the long list of kernels. */
int hosts_kernels(struct rig_hosts *hosts, struct rig_pool *pool, bool all);

#endif
