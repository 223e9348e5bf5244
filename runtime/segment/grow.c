/* SPDX-License-Identifier: MIT */
/*
 * grow.c - a plain segment becomes longer while others have it.
 *
 * The size of a segment is its file's, and a handle that is to see the segment
 * grow has mapped more than there is: docs/decisions/0019-growing.md.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/error.h"
#include "machine/huge.h"
#include "segment/handle.h"

size_t rig_segment_bytes(const struct rig_segment *segment)
{
	struct stat status;
	size_t bytes;

	if (!segment)
		return 0;
	bytes = segment->info.data_bytes;
	if (segment->grows && segment->info.fd >= 0 &&
	    fstat(segment->info.fd, &status) == 0)
		bytes = (size_t)status.st_size;
	return segment->grows && bytes > segment->mapped ? segment->mapped
							 : bytes;
}

static int check(const struct rig_segment *segment, size_t bytes)
{
	const char *name = segment->name;

	if (!segment->data)
		return rig_fail(-EINVAL, "segment %s: is detached", name);
	if (segment->read_only)
		return rig_fail(-EINVAL, "segment %s: is attached read-only",
				name);
	if (bytes <= rig_segment_bytes(segment))
		return 0;
	if (!segment->grows)
		return rig_fail(-EINVAL,
				"segment %s: is mapped as it is; give .most to "
				"create or attach for one that grows",
				name);
	if (bytes > segment->mapped)
		return rig_fail(-EFBIG,
				"segment %s: %zu bytes, but this handle has "
				"address space for %zu (.most)",
				name, bytes, segment->mapped);
	return 0;
}

int rig_segment_grow(struct rig_segment *segment, size_t bytes)
{
	int r = need(segment, "segment: the segment");
	size_t had;

	if (r == 0)
		r = check(segment, bytes);
	if (r < 0)
		return r;
	had = rig_segment_bytes(segment);
	if (bytes <= had)
		return 0;
	r = shmfile_grow(segment->info.fd, segment->name, bytes);
	if (r == -ENOSPC && segment_free_memory())
		r = shmfile_grow(segment->info.fd, segment->name, bytes);
	if (r == 0 && segment->huge)
		huge_collapse(segment->data, had, bytes);
	return r;
}
