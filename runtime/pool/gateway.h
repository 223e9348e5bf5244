/* SPDX-License-Identifier: MIT */
/*
 * gateway.h - the caller's seat among its ranks, for run.c.
 */
#ifndef RUNRIG_GATEWAY_PRIVATE_H
#define RUNRIG_GATEWAY_PRIVATE_H

#include <runrig/gateway.h>

#include "segment/shmfile.h"

/* Note the world for the job that is about to be posted; NULL: the job has no world.
 * With the turn. */
void gateway_put(struct rig_gateway *gateway, struct hosts_shm *shm);

/* The segment is gone: keep no mapping.  NULL is allowed.  With the turn. */
void gateway_forget(struct rig_gateway *gateway, struct identity identity);

#endif
