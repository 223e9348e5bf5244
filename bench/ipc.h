/* SPDX-License-Identifier: MIT */
/*
 * ipc.h - the cases of rigbench ipc, and the sentence they come to.
 */
#ifndef RIGBENCH_IPC_H
#define RIGBENCH_IPC_H

#include <stdio.h>

#include "measure.h"
#include "pair.h"

/* What to measure: ended by a name that is NULL, a size that is SIZE_MAX. */
#define IPC_LIST_MAX 32

struct ipc_choice {
	const char *transports[IPC_LIST_MAX];
	size_t sizes[IPC_LIST_MAX];
	enum pattern patterns[4];
	int pattern_count;
	enum waiting waits[3];
	int wait_count;
	enum touch touch;
	size_t rotate;
	bool peers; /* MPI and Python too */
};

/* "pingpong", "hybrid" */
const char *pattern_name(enum pattern pattern);
const char *waiting_name(enum waiting waiting);

/* Add one case a pattern, wait, size and transport.  0, -EINVAL for a name
 * that is none (said on stderr), -ENOMEM. */
int ipc_cases(struct plan *plan, const struct ipc_choice *choice);

/* One more case of any kind: for the selftest. */
int ipc_add(struct plan *plan, const struct pair_arg *arg, const char *name);

/* Where each transport is overtaken, and after how many messages a segment has
 * paid for itself. */
void ipc_verdict(const struct plan *plan, FILE *out);

#endif
