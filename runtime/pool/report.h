/* SPDX-License-Identifier: MIT */
/*
 * report.h - how a run ended, in words.
 */
#ifndef RUNRIG_REPORT_PRIVATE_H
#define RUNRIG_REPORT_PRIVATE_H

#include <runrig/place.h>
#include <runrig/pool.h>

#include "objects/layout.h"

/* Bytes of the words for a place in the code. */
#define WHERE_BYTES 200

/* In this process: a report and the memory behind its pointers. */
struct report {
	struct rig_report said;
	struct rig_rank_report *ranks; /* `size` ranks */
	char (*where)[WHERE_BYTES];    /* likewise */
	char *text;
	char kernel[WHERE_BYTES];
};

/* Room for `size` ranks: 0 or -ENOMEM. */
int report_init(struct report *report, int size);
void report_finish(struct report *report);

/* The facts of a report. */
struct report_facts {
	enum rig_end end;
	int code;
	const struct layout *layout;
	int size;
	const struct rig_plan *plan;
	rig_kernel_fn *kernel; /* or */
	const char *name;
	int failed; /* rank of the first to fail; -1: not known */
	bool ended; /* the team was ended: about_shm tells, else rank_shm */
	uint64_t limit_ns;
	int job; /* the job of a chain; no chain where `jobs` is 0 */
	int jobs;
};

/* Is the address a place where a rank calls its kernels?  `modules`: the rank's. */
bool called_at(const struct modules_shm *modules, uint64_t address);

/* Copy where every rank was to about_shm, when none runs any more and before the
 * team's memory is laid out afresh.  Allocates nothing. */
void report_take_stock(const struct layout *layout, int size);

/* Make the report, and note its first line as this thread's rig_why(). */
void report_make(struct report *report, const struct report_facts *info);

/* A run that went well: an empty report. */
void report_clear(struct report *report);

/* Add lines to the report's text. */
void report_append(struct report *report, const char *lines);

#endif
