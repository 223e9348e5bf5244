/* SPDX-License-Identifier: MIT */
/*
 * gateway.h - the caller's seat among its ranks, as run.c sees it.
 */
#ifndef RUNRIG_GATEWAY_PRIVATE_H
#define RUNRIG_GATEWAY_PRIVATE_H

#include <runrig/gateway.h>

/* Write down the world for the job that is about to be posted, or that there is
 * none (NULL).  With the turn. */
void gateway_put(struct rig_gateway *gateway, struct hosts_shm *shm);

#endif
