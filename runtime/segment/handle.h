/* SPDX-License-Identifier: MIT */
/*
 * handle.h - a handle to a segment, for segment.c, grow.c and handles.c.
 */
#ifndef RUNRIG_HANDLE_H
#define RUNRIG_HANDLE_H

#include "segment/segment.h"

/* In this process. */
struct rig_segment {
	struct rig_segment *next;
	char name[RIG_NAME_MAX + 1];
	void *data;    /* NULL: detached */
	size_t mapped; /* bytes of address space at data */
	bool grows;    /* `mapped` is what the user gave as .most */
	bool huge;     /* made with RIG_PAGES_HUGE */
	bool read_only;
	struct rig_barrier *barrier;
	struct segment_info info; /* fd -1: closed */
	uint64_t maker;           /* 0: attached only */
	bool dies;                /* with its maker */
	bool unlinked;            /* by this handle */
	/* Pools keep what they have mapped when the handle is destroyed.  Under
	 * the lock. */
	bool brief;
};

/* Enter a handle in the list of this process, and take a handle out.  From the first
 * handle on, a fork holds the list's lock. */
void handle_add(struct rig_segment *segment);
void handle_remove(struct rig_segment *segment);

/* After -ENOSPC: free memory that nobody needs.  False, and the words are as they
 * were: there is none. */
bool segment_free_memory(void);

#endif
