/* SPDX-License-Identifier: MIT */
/*
 * team_memory.h - mapping the memory that the processes of a team share.
 *
 * Behind what layout_at() lays out lie the ranks' heaps: address space only, until
 * a rank asks for pages.  The maker decides how much, by what the machine has and
 * the limits allow; the other processes learn that from the length of the file.
 */
#ifndef RUNRIG_TEAM_MEMORY_H
#define RUNRIG_TEAM_MEMORY_H

#include "objects/layout.h"

/*
 * Map zeroed memory for `size` ranks and set *layout; where `fd` is not NULL, *fd is
 * a descriptor for processes that are no children, which the caller closes.
 * layout->map_bytes bytes from layout->control on are the caller's to unmap.  A team
 * whose heaps have no room has none.  Returns 0, or as shared_map().
 */
int team_memory_map(struct layout *layout, int size, const char *what, int *fd);

/* Map the same by its descriptor.  Returns 0, or as shared_map_fd(). */
int team_memory_map_fd(struct layout *layout, int size, const char *what,
		       int fd);

#endif
