/* SPDX-License-Identifier: MIT */
/*
 * segment.h - what pools ask of segments.
 */
#ifndef RUNRIG_SEGMENT_PRIVATE_H
#define RUNRIG_SEGMENT_PRIVATE_H

#include <stdbool.h>

#include <runrig/segment.h>

#include "layout.h"
#include "shmfile.h"

/* What is known of a segment by its name. */
struct segment_facts {
	struct identity identity;
	size_t file_bytes;
	size_t data_bytes;
	uint64_t pool; /* the pool its trailer's barrier is for; 0: none */
	int fd;        /* of this process, or -1 */
};

/*
 * The newest handle of that name in this process, whoever has the name now.
 * True and the facts, whose fd stays the handle's; false: there is none.  Any
 * thread.
 */
bool segment_handle_facts(const char *name, struct segment_facts *facts);

/* Of a handle; its fd stays the handle's, -1 where it has closed it. */
const struct segment_facts *segment_facts_of(const struct rig_segment *segment);

/* The facts of the file behind `fd`: 0, -ENODATA, -EPROTO, or what fstat or
 * pread said. */
int segment_read_facts(int fd, const char *name, struct segment_facts *facts);

/* As ledger_fork_failed(). */
void segments_fork_failed(void);

/* In a warden, which has closed and unmapped what the caller's handles have:
 * whoever ends one by mistake, in a kernel, must not end what is there now. */
void segments_left_behind(void);

#endif
