/* SPDX-License-Identifier: MIT */
/*
 * numa.c - where pages lie: rules, questions and moves.
 *
 * The system calls are made directly: hwloc's functions need a topology, which
 * a worker does not have, and summarize answers that are needed page by page.
 */
#include "place/numa.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/size.h"

/* Pages in a single system call that asks about pages or moves pages. */
#define BATCH 1024

static int mbind_call(void *base, size_t bytes, int mode, const uint64_t *nodes)
{
	return syscall(SYS_mbind, base, bytes, mode, nodes,
		       (unsigned long)NODES_MAX, 0u) < 0
		       ? -errno
		       : 0;
}

/* ---- rules ---- */

static void add_node(struct numa_rule *rule, int os)
{
	rule->nodes[os / 64] |= UINT64_C(1) << (os % 64);
}

/* The nodes with memory; `cores`: only the nodes that also have usable
 * cores. */
static int add_nodes(struct numa_rule *rule, const struct topology *topology,
		     bool cores)
{
	int count = 0;

	for (int n = 0; n < topology->node_count; n++) {
		const struct node *node = &topology->nodes[n];
		bool wanted = !cores;

		for (int i = 0; i < topology->core_count && !wanted; i++)
			wanted = topology->cores[i].node == n &&
				 core_is_usable(&topology->cores[i]);
		if (!wanted || node->bytes == 0 || node->os >= NODES_MAX)
			continue;
		add_node(rule, node->os);
		count++;
	}
	return count;
}

static int not_a_rule(const char *words)
{
	return rig_fail(-EINVAL,
			"memory \"%.100s\": use local, interleave, or "
			"bind:NODES such as bind:0 or bind:0,2-3",
			words);
}

/* The nodes with memory, as "0-1,3". */
static void print_nodes(const struct topology *topology, char *text,
			size_t bytes)
{
	size_t used = 0;

	*text = 0;
	for (int n = 0; n < topology->node_count && used + 8 < bytes; n++)
		if (topology->nodes[n].bytes)
			used += (size_t)snprintf(text + used, bytes - used,
						 used ? ",%d" : "%d", n);
}

static int bind_node(struct numa_rule *rule, const char *words, long number,
		     const struct topology *topology)
{
	char text[100];

	if (number < topology->node_count && topology->nodes[number].bytes &&
	    topology->nodes[number].os < NODES_MAX) {
		add_node(rule, topology->nodes[number].os);
		return 0;
	}
	print_nodes(topology, text, sizeof(text));
	return rig_fail(
		-EINVAL, "memory \"%.100s\": node %ld %s (with memory: %s)",
		words, number,
		number < topology->node_count ? "has no memory"
					      : "is not of this machine",
		text);
}

/* Digits alone. */
static bool take_number(const char **at, long *number)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*number = strtol(*at, &end, 10);
	*at = end;
	return true;
}

static int parse_bind(struct numa_rule *rule, const char *words, const char *at,
		      const struct topology *topology)
{
	long first, last;
	int r;

	for (;;) {
		if (!take_number(&at, &first))
			return not_a_rule(words);
		last = first;
		if (*at == '-' && (at++, !take_number(&at, &last)))
			return not_a_rule(words);
		if (last < first)
			return not_a_rule(words);
		for (long number = first; number <= last; number++) {
			r = bind_node(rule, words, number, topology);
			if (r < 0)
				return r;
		}
		if (!*at)
			return 0;
		if (*at++ != ',')
			return not_a_rule(words);
	}
}

int numa_parse(struct numa_rule *rule, const char *words,
	       const struct topology *topology)
{
	*rule = (struct numa_rule){ .kind = NUMA_LOCAL };
	if (!words || strcmp(words, "local") == 0)
		return 0;
	if (strcmp(words, "interleave") == 0) {
		rule->kind = NUMA_INTERLEAVE;
		/* Round the nodes whose cores will use the memory; the memory of
		 * cores without a node is wherever there is memory. */
		if (!add_nodes(rule, topology, true))
			(void)add_nodes(rule, topology, false);
		return 0;
	}
	if (strncmp(words, "bind:", 5) != 0)
		return not_a_rule(words);
	rule->kind = NUMA_BIND;
	return parse_bind(rule, words, words + 5, topology);
}

/* The bytes that a node can hold: free memory, and memory of cached files;
 * SIZE_MAX where the system does not say. */
static size_t room_on(int os)
{
	char path[80], line[128];
	size_t total = 0, kib;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 os);
	file = fopen(path, "re");
	if (!file)
		return SIZE_MAX;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Node %*d MemFree: %zu kB", &kib) == 1 ||
		    sscanf(line, "Node %*d Active(file): %zu kB", &kib) == 1 ||
		    sscanf(line, "Node %*d Inactive(file): %zu kB", &kib) == 1)
			total += kib;
	fclose(file);
	return total * 1024;
}

/* A bind beyond the memory of the nodes would make the kernel kill a
 * process. */
static int check_room(const char *name, size_t bytes,
		      const struct numa_rule *rule)
{
	size_t room = 0;

	for (int os = 0; os < NODES_MAX; os++)
		if (rule->nodes[os / 64] >> (os % 64) & 1 &&
		    !size_add(room, room_on(os), &room))
			return 0;
	if (bytes <= room)
		return 0;
	return rig_fail(-ENOSPC,
			"segment %s: %zu bytes, but the nodes it is bound to "
			"have %zu of memory available",
			name ? name : "(new)", bytes, room);
}

/* Why mbind() may not. */
static const char *hint(int code)
{
	switch (code) {
	case -EPERM:
		return "; a container may forbid it";
	case -EINVAL:
		return "; the cpuset may leave this process other nodes only: "
		       "see Mems_allowed_list in /proc/self/status";
	default:
		return "";
	}
}

int numa_set(int fd, const char *name, size_t bytes, size_t most,
	     const struct numa_rule *rule)
{
	int mode = rule->kind == NUMA_BIND ? MPOL_BIND : MPOL_INTERLEAVE;
	void *base;
	int r = 0;

	if (rule->kind == NUMA_LOCAL)
		return 0;
	if (rule->kind == NUMA_BIND)
		r = check_room(name, bytes, rule);
	if (r < 0)
		return r;
	if (bytes < most)
		bytes = most;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return rig_fail_errno(-errno, "segment %s: map %zu bytes",
				      name ? name : "(new)", bytes);
	/* For a shared mapping, the rule is the file's. */
	r = mbind_call(base, size_round_up(bytes, PAGE_BYTES), mode,
		       rule->nodes);
	munmap(base, bytes);
	if (r < 0)
		return rig_fail_errno(r,
				      "segment %s: place its memory (mbind%s)",
				      name ? name : "(new)", hint(r));
	return 0;
}

/* ---- pages ---- */

/* A batch of pages; targets NULL: only ask. */
static int move_batch(char *base, size_t pages, const int *targets, int *status,
		      int flags)
{
	void *at[BATCH];

	for (size_t i = 0; i < pages; i++)
		at[i] = base + i * PAGE_BYTES;
	return syscall(SYS_move_pages, 0, pages, at, targets, status, flags) < 0
		       ? -errno
		       : 0;
}

int numa_ask(const void *base, size_t pages, int *homes)
{
	for (size_t at = 0; at < pages; at += BATCH) {
		size_t batch = pages - at < BATCH ? pages - at : BATCH;
		/* Nothing is written there. */
		char *from = (char *)(uintptr_t)base + at * PAGE_BYTES;
		int r = move_batch(from, batch, NULL, homes + at, 0);

		if (r < 0)
			return r;
		for (size_t i = at; i < at + batch; i++)
			if (homes[i] < 0)
				homes[i] = -1;
	}
	return 0;
}

/* Move the pages of a batch that lie on other nodes.  Returns -errno where the
 * kernel moves no page at all. */
static int bring_batch(char *base, size_t pages, int os, int *flags)
{
	int homes[BATCH], targets[BATCH], status[BATCH];
	int r = numa_ask(base, pages, homes);

	for (size_t i = 0; i < pages; i++)
		targets[i] = os;
	for (size_t i = 0, end; i < pages && r == 0; i = end) {
		end = i + 1;
		if (homes[i] < 0 || homes[i] == os)
			continue;
		while (end < pages && homes[end] >= 0 && homes[end] != os)
			end++;
		r = move_batch(base + i * PAGE_BYTES, end - i, targets, status,
			       *flags);
		if (r == -EPERM && *flags == MPOL_MF_MOVE_ALL) {
			*flags = MPOL_MF_MOVE;
			r = move_batch(base + i * PAGE_BYTES, end - i, targets,
				       status, *flags);
		}
	}
	return r;
}

void numa_bring(void *base, size_t bytes, int os)
{
	size_t pages = bytes / PAGE_BYTES;
	int mode = MPOL_DEFAULT;
	/* MPOL_MF_MOVE_ALL: also pages that other processes have mapped, where
	 * the process may move such pages. */
	int flags = MPOL_MF_MOVE_ALL;

	if (pages == 0 ||
	    syscall(SYS_get_mempolicy, &mode, NULL, 0ul, base, MPOL_F_ADDR) <
		    0 ||
	    mode != MPOL_DEFAULT)
		return;
	for (size_t at = 0; at < pages; at += BATCH) {
		size_t batch = pages - at < BATCH ? pages - at : BATCH;

		if (bring_batch((char *)base + at * PAGE_BYTES, batch, os,
				&flags) < 0)
			return;
	}
}
