/* SPDX-License-Identifier: MIT */
/*
 * team_segment.c - memory made inside a run, which all ranks of a team map.
 *
 * Rank 0 of the team makes a file without a name and sends its process number and the
 * file's descriptor; the other ranks open and map the file through /proc.  When all
 * ranks have mapped the file, or one could not, the descriptors are closed: only
 * mappings hold the memory, and the memory goes with the last mapping.
 */
#include <runrig/symmetric.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/size.h"
#include "machine/memory.h"
#include "machine/pages.h"
#include "machine/shared.h"
#include "team/rank.h"

/* In this process: a mapping of memory of rig_team_segment(). */
struct team_mapping {
	struct team_mapping *next;
	void *memory;
	size_t bytes; /* whole pages */
};

/* Sent by rank 0 of the team to the other ranks. */
struct team_file {
	int64_t code; /* 0, or why there is none */
	int64_t pid;
	int64_t fd; /* in the process `pid` */
};

static void drop(struct team_mapping *mapping)
{
	if (!mapping)
		return;
	if (mapping->memory)
		munmap(mapping->memory, mapping->bytes);
	free(mapping);
}

void team_segments_drop(struct rank *rank)
{
	struct team_mapping *mapping;

	while ((mapping = rank->team_mappings)) {
		rank->team_mappings = mapping->next;
		drop(mapping);
	}
}

/* On rank 0: the file, mapped. */
static int make_file(struct team_mapping *mapping, int *fd)
{
	const size_t available = memory_available();

	if (mapping->bytes > available)
		return rig_fail(-ENOMEM,
				"segment: %zu bytes, but the machine, or the "
				"control group, has %zu of memory available",
				mapping->bytes, available);
	return shared_map(mapping->bytes, "segment", &mapping->memory, fd);
}

/* On the others. */
static int open_file(struct team_mapping *mapping, const struct team_file *file,
		     int *fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lld/fd/%lld", (long long)file->pid,
		 (long long)file->fd);
	*fd = shared_above_standard(open(path, O_RDWR | O_CLOEXEC));
	if (*fd < 0)
		return rig_fail_errno(-errno, "segment: open %s", path);
	return shared_map_fd(*fd, mapping->bytes, "segment", &mapping->memory);
}

/* Every rank has the memory mapped, or no rank has.  `r`: the code of this rank so
 * far. */
static int agree(struct rig_team *team, struct team_mapping *mapping, int r,
		 int *fd)
{
	struct team_file file = { .code = r };
	int64_t worst = 0, own;

	if (r == 0 && team->rank == 0) {
		file.code = make_file(mapping, fd);
		file.pid = getpid();
		file.fd = *fd;
	}
	r = rig_team_bcast(team, &file, sizeof(file), RIG_UINT8, 0);
	if (r < 0)
		return r;
	own = mapping ? file.code : -ENOMEM;
	if (own == 0 && team->rank != 0)
		own = open_file(mapping, &file, fd);
	/* The lowest code is the error; every rank knows that all have opened
	 * the file. */
	r = rig_team_allreduce(team, &own, &worst, 1, RIG_INT64, RIG_MIN);
	return r < 0 ? r : (int)worst;
}

int rig_team_segment(struct rig_team *team, size_t bytes, void **memory)
{
	struct rank *owner = team->owner;
	struct team_mapping *mapping;
	int fd = -1, r = rank_check_thread(owner, "segment");

	if (r < 0)
		return r;
	if (team->wide)
		return rig_team_fail(team, -EOPNOTSUPP,
				     "segment: ranks of several hosts have no "
				     "memory in common: a host's team has");
	if (bytes == 0 || bytes > INT64_MAX - PAGE_BYTES)
		return rig_team_fail(team, -EINVAL, "segment: %zu bytes",
				     bytes);
	mapping = calloc(1, sizeof(*mapping));
	if (mapping)
		mapping->bytes = size_round_up(bytes, PAGE_BYTES);
	r = agree(team, mapping, mapping ? 0 : -ENOMEM, &fd);
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		drop(mapping);
		return rank_has_ended(owner)
			       ? rank_ended(owner)
			       : rig_team_fail(team, r,
					       "segment: %zu bytes could not "
					       "be made, or not mapped by a "
					       "rank",
					       bytes);
	}
	/* A child that the kernel forks is no rank. */
	(void)madvise(mapping->memory, mapping->bytes, MADV_DONTFORK);
	mapping->next = owner->team_mappings;
	owner->team_mappings = mapping;
	*memory = mapping->memory;
	return 0;
}

int rig_team_segment_free(struct rig_team *team, void *memory)
{
	struct team_mapping **at = &team->owner->team_mappings, *mapping;
	int r = rank_check_thread(team->owner, "segment_free");

	if (r < 0 || !memory)
		return r;
	while (*at && (*at)->memory != memory)
		at = &(*at)->next;
	mapping = *at;
	if (!mapping)
		return rig_team_fail(team, -EINVAL,
				     "segment_free: %p is no memory of "
				     "rig_team_segment()",
				     memory);
	/* The other ranks keep the mapping that one rank drops; but no rank is
	 * to be surprised by an error of a call that all ranks seem to have
	 * made. */
	r = rig_team_barrier(team);
	*at = mapping->next;
	drop(mapping);
	return r;
}
