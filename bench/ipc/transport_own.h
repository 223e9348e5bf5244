/* SPDX-License-Identifier: MIT */
/*
 * transport_own.h - a transport of the user's, out of a shared object.
 */
#ifndef RIGBENCH_TRANSPORT_OWN_H
#define RIGBENCH_TRANSPORT_OWN_H

#include "ipc/transport.h"

/* Load the contender of contender.h that a shared object defines.  0, or -EINVAL
 * with a line on stderr.  The object stays loaded. */
int transport_own_load(const char *path);

/* The transport that was loaded, or NULL. */
const struct transport *transport_own(void);

#endif
