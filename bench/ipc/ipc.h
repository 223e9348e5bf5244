/* SPDX-License-Identifier: MIT */
/*
 * ipc.h - the cases of rigbench ipc, and the sentence of the verdict.
 */
#ifndef RIGBENCH_IPC_H
#define RIGBENCH_IPC_H

#include <stdio.h>

#include "driver/distance.h"
#include "driver/measure.h"
#include "ipc/pair.h"
#include "report/result.h"

/* The selection: the last name is NULL, the last size is SIZE_MAX. */
#define IPC_LIST_MAX 80

/* Values of an axis; a count of 0 stands for the axis's first value. */
#define IPC_VALUES_MAX 8

struct ipc_axis {
	int count;
	int value[IPC_VALUES_MAX];
};

struct ipc_choice {
	const char *transports[IPC_LIST_MAX];
	size_t sizes[IPC_LIST_MAX];
	struct ipc_axis patterns; /* enum pair_pattern */
	struct ipc_axis waits;    /* enum waiting */
	struct ipc_axis pages;    /* enum pages */
	struct ipc_axis homes;    /* enum home; NUMA_NODE + the node's number */
	struct ipc_axis places;   /* enum distance */
	struct ipc_axis pairs;    /* pairs at once, less one */
	enum touch touch;
	size_t rotate;
	uint32_t rate; /* messages a second */
	bool disturb;
	bool peers; /* MPI and Python too */
};

/* Names of the values of an axis, ended by NULL. */
extern const char *const ipc_patterns[],
	*const ipc_waits[], *const ipc_pages[], *const ipc_homes[],
							*const ipc_places[];

/* Add one case a pattern, wait, ..., size and transport.  0 or -ENOMEM. */
int ipc_cases(struct plan *plan, const struct ipc_choice *choice);

/* One more case of any kind: for the selftest. */
int ipc_add(struct plan *plan, const struct pair_arg *arg,
	    enum distance distance, const char *name);

/* Take one NAME=LIST word.  0, or -EINVAL with words on stderr. */
int ipc_word(struct ipc_choice *choice, const char *word);

/* All transports up to a tier, in order, the segment in place first. */
void ipc_tier(struct ipc_choice *choice, int tier);

/* The user's own transports too, where some were loaded: in every contest, whatever
 * transports were chosen. */
void ipc_take_own(struct ipc_choice *choice);

/* Where each transport is overtaken, and after how many messages a segment has
 * paid for itself. */
void ipc_verdict(const struct plan *plan, FILE *out);

/* The same for programs: adds "answer" to a result.  0 or -ENOMEM. */
int ipc_answer(const struct plan *plan, const struct run_info *info,
	       json_t *result);

/* Put the words of rigbench ipc, for --help. */
void help_ipc(FILE *out);

#endif
