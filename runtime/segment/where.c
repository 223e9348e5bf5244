/* SPDX-License-Identifier: MIT */
/*
 * where.c - the NUMA node of each part of a segment, and the bytes on huge
 * pages.
 *
 * The kernel tells of pages in this process's page tables.  So the file is mapped
 * once more, and the pages that the file has are entered there by reading, which
 * gives no page a home.  The file has all its pages where its room is its length
 * (reserved but untouched pages count as room); else mincore tells which pages
 * there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/error.h"
#include "place/numa.h"
#include "machine/huge.h"
#include "machine/pages.h"
#include "segment/segment.h"
#include "place/topology.h"

/* Pages looked at in one go. */
#define BATCH ((size_t)1024)

/* The list being written. */
struct homes {
	struct rig_home *homes;
	size_t max;
	size_t count;
	bool full;  /* the file has every page */
	int last;   /* node of the home at hand */
	int *nodes; /* logical numbers by the system's */
};

static void add_page(struct homes *to, size_t begin, size_t end, int node)
{
	if (to->count && node == to->last) {
		if (to->count <= to->max)
			to->homes[to->count - 1].end = end;
		return;
	}
	to->last = node;
	if (to->count < to->max)
		to->homes[to->count] = (struct rig_home){ begin, end, node };
	to->count++;
}

/* Enter the existing pages of a batch into our page tables. */
static int enter(char *base, size_t pages, const unsigned char *there)
{
	int r;

	for (size_t i = 0, end; i < pages; i = end) {
		end = i + 1;
		if (!(there[i] & 1))
			continue;
		while (end < pages && there[end] & 1)
			end++;
		r = pages_populate(base + i * PAGE_BYTES,
				   (end - i) * PAGE_BYTES, false);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_batch(char *base, size_t at, size_t pages, size_t bytes,
		     struct homes *to)
{
	unsigned char there[BATCH];
	int os[BATCH];
	int r;

	memset(there, 1, sizeof(there));
	if (!to->full &&
	    mincore(base + at * PAGE_BYTES, pages * PAGE_BYTES, there) < 0)
		return -errno;
	r = enter(base + at * PAGE_BYTES, pages, there);
	if (r == 0)
		r = numa_ask(base + at * PAGE_BYTES, pages, os);
	for (size_t i = 0; i < pages && r == 0; i++) {
		size_t begin = (at + i) * PAGE_BYTES;
		size_t end = begin + PAGE_BYTES;
		int node =
			os[i] < 0 || os[i] >= NODES_MAX ? -1 : to->nodes[os[i]];

		add_page(to, begin, end < bytes ? end : bytes, node);
	}
	return r;
}

static int ask_all(int fd, size_t bytes, struct homes *to)
{
	size_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	char *base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	struct stat status;
	int r = 0;

	if (base == MAP_FAILED)
		return -errno;
	to->full = fstat(fd, &status) == 0 &&
		   status.st_blocks * 512 >= status.st_size;
	for (size_t at = 0; at < pages && r == 0; at += BATCH)
		r = ask_batch(base, at, pages - at < BATCH ? pages - at : BATCH,
			      bytes, to);
	munmap(base, bytes);
	return r;
}

/* Logical numbers of nodes by the system's, to be freed. */
static int number_nodes(int **nodes)
{
	struct topology *topology = NULL;
	int r = topology_load(&topology, NULL);

	if (r < 0)
		return r;
	*nodes = malloc(NODES_MAX * sizeof(**nodes));
	for (int os = 0; *nodes && os < NODES_MAX; os++)
		(*nodes)[os] = -1;
	for (int n = 0; *nodes && n < topology->node_count; n++)
		if (topology->nodes[n].os < NODES_MAX)
			(*nodes)[topology->nodes[n].os] = n;
	topology_free(topology);
	return *nodes ? 0 : rig_fail_errno(-ENOMEM, "segment");
}

ssize_t rig_segment_huge_bytes(const struct rig_segment *segment)
{
	struct segment_info info;
	const char *name = rig_segment_name(segment);
	struct stat status;
	ssize_t got = need(segment, "segment: the segment");

	if (got < 0)
		return got;
	info = segment_info_of(segment);
	if (info.fd < 0)
		return rig_fail(-EINVAL, "segment %s: is detached", name);
	if (fstat(info.fd, &status) < 0)
		return rig_fail_errno(-errno, "segment %s: fstat", name);
	if (status.st_blocks * 512 < status.st_size)
		return rig_fail(-ENODATA,
				"segment %s: parts of it have no page yet",
				name);
	got = huge_bytes(info.fd, info.file_bytes);
	if (got < 0)
		return rig_fail_errno((int)got, "segment %s: its huge pages",
				      name);
	return got;
}

ssize_t rig_segment_where(const struct rig_segment *segment,
			  struct rig_home *homes, size_t max)
{
	struct segment_info info;
	struct homes to = { .homes = homes, .max = max };
	int r = need(segment, "segment: the segment");

	if (r == 0 && max)
		r = need(homes, "segment: the place for its homes");
	if (r < 0)
		return r;
	info = segment_info_of(segment);
	if (info.fd < 0)
		return rig_fail(-EINVAL, "segment %s: is detached",
				rig_segment_name(segment));
	r = number_nodes(&to.nodes);
	if (r < 0)
		return r;
	r = ask_all(info.fd, info.data_bytes, &to);
	free(to.nodes);
	if (r < 0)
		return rig_fail_errno(
			r, "segment %s: where its pages are (move_pages%s)",
			rig_segment_name(segment),
			r == -EPERM ? "; a container may forbid it" : "");
	return (ssize_t)to.count;
}
