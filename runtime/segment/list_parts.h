/* SPDX-License-Identifier: MIT */
/*
 * list_parts.h - a list in this process: the common part of list.c and list_items.c.
 */
#ifndef RUNRIG_LIST_PARTS_H
#define RUNRIG_LIST_PARTS_H

#include <stdbool.h>

#include <runrig/list.h>

#include "objects/list_layout.h"
#include "segment/segment.h"

/* Memory for a copy of a text.  The address does not move while in use. */
struct list_text {
	char *text;
	size_t bytes;
};

/* In this process. */
struct rig_list {
	struct list_view view;        /* .offsets NULL: detached */
	struct rig_segment *segment;  /* NULL: over memory */
	struct list_text room, other; /* other: for swap */
	bool read_only;

	/* The maker's alone. */
	struct identity identity;
	uint64_t maker; /* 0: attached only */
	int fd;         /* until the name is gone; else -1 */
	bool dies;
};

#endif
