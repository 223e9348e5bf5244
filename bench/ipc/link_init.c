/* SPDX-License-Identifier: MIT */
/*
 * link_init.c - a link with the wanted axes, and the reasons why a transport has no
 * row.
 */
#include <errno.h>
#include <stdio.h>

#include "driver/case.h"
#include "ipc/side.h"

/* The most bytes of a ring, where messages are large. */
#define RING_BYTES_MAX ((size_t)16 << 20)
#define SLOTS          16

/* Do messages follow each other without an answer? */
static bool one_way_pattern(const struct pair_arg *arg)
{
	return arg->pattern == PATTERN_STREAM || arg->pattern == PATTERN_RATE ||
	       pair_fans(arg);
}

void link_init(struct link *link, const struct pair_arg *arg)
{
	*link = (struct link){ .transport = arg->transport,
			       .bytes = arg->bytes,
			       .waiting = arg->waiting,
			       .slots = one_way_pattern(arg) ? SLOTS : 1,
			       .buffers = 1,
			       .pages = arg->pages,
			       .home = arg->home,
			       .node = arg->node,
			       .nodes = arg->nodes,
			       .threads = arg->transport->threads };
	link_stride(link);
	if (arg->rotate > link->stride)
		link->buffers = (uint32_t)(arg->rotate / link->stride);
	/* The array of a map comes back to the slot where the array lay. */
	if (arg->pattern == PATTERN_MAP)
		link->slots = 1;
	else if (link->buffers > link->slots)
		link->slots = link->buffers;
	else if (link->buffers == 1 &&
		 link->slots * link->stride > RING_BYTES_MAX)
		link->slots = 2;
	for (int d = 0; d < 2; d++)
		for (int k = 0; k < 2; k++)
			link->fd[d][k] = link->now[d][k] = -1;
}

int link_fits(const struct pair_arg *arg, char *why)
{
	const struct transport *t = arg->transport;
	const char *no = NULL;

	if (arg->missing)
		no = arg->missing;
	else if (arg->waiting == WAITING_SPIN && arg->crowded && !t->solo)
		no = "two sides that spin would share a PU";
	else if (arg->bytes == 0 && !t->empty && !t->only_empty)
		no = "carries no empty message";
	else if (arg->bytes > 0 && t->only_empty)
		no = "carries no bytes";
	else if (t->fixed && arg->bytes != t->fixed)
		no = "carries eight bytes and no more or less";
	else if (arg->pattern == PATTERN_MAP && arg->bytes < 8)
		no = "no word to turn round";
	else if (pair_fans(arg) && arg->pairs < 2)
		no = "one to one is a stream: pairs=2, or more";
	else if (arg->pages != PAGES_BASE && t->memory != MEMORY_SEGMENT)
		no = "its pages are not ours to choose";
	else if (arg->home == NUMA_READER && arg->nodes < 2)
		no = "one NUMA node: every page is at home there";
	else if (arg->home == NUMA_NODE && arg->node >= arg->nodes)
		no = "there is no such NUMA node";
	else if (arg->home != NUMA_WRITER && t->memory == MEMORY_NONE)
		no = "where its memory lies is not ours to choose";
	if (!no)
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%s", no);
	return -ENOTSUP;
}
