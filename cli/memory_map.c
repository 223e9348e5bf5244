/* SPDX-License-Identifier: MIT */
/*
 * memory_map.c - runrig run --map: where the memory of each array really is.
 */
#include "memory_map.h"

#include <stdio.h>
#include <stdlib.h>

#include <runrig/error.h>

#include "command.h"
#include "show.h"

/* An array, and where its pages are now. */
struct mapped {
	const struct runner *runner;
	int index;
	struct rig_home *homes;
	size_t count;
};

static const struct rig_outcome_array *array_of(const struct mapped *mapped)
{
	return &mapped->runner->outcome->arrays[mapped->index];
}

static const char *name_of(const struct mapped *mapped)
{
	return array_of(mapped)->name;
}

static int ask(struct mapped *mapped)
{
	const struct rig_segment *segment = array_of(mapped)->segment;
	ssize_t count;

	count = rig_segment_where(segment, NULL, 0);
	if (count < 0)
		return complain(EXIT_SYSTEM, "--map: %s", rig_why());
	mapped->count = (size_t)count;
	mapped->homes = calloc(mapped->count + 1, sizeof(*mapped->homes));
	if (!mapped->homes)
		return complain(EXIT_SYSTEM, "out of memory");
	count = rig_segment_where(segment, mapped->homes, mapped->count);
	if (count < 0)
		return complain(EXIT_SYSTEM, "--map: %s", rig_why());
	if ((size_t)count < mapped->count)
		mapped->count = (size_t)count;
	return 0;
}

/* How many bytes of `span` (of the array) are on `node`? */
static size_t bytes_on(const struct mapped *mapped, struct rig_span span,
		       int node)
{
	size_t offset = array_of(mapped)->offset;
	size_t begin = span.begin + offset, end = span.end + offset;
	size_t bytes = 0;

	for (size_t i = 0; i < mapped->count; i++) {
		const struct rig_home *home = &mapped->homes[i];
		size_t from = home->begin > begin ? home->begin : begin;
		size_t to = home->end < end ? home->end : end;

		if (home->node == node && from < to)
			bytes += to - from;
	}
	return bytes;
}

static struct rig_span whole(const struct mapped *mapped)
{
	return (struct rig_span){ 0, array_of(mapped)->bytes };
}

/* The bytes that rank `rank` owns, and how many of these lie on the rank's
 * node. */
static void sum_rank(const struct mapped *mapped, int rank, size_t *owned,
		     size_t *local)
{
	const struct runner *runner = mapped->runner;
	int node = rig_pool_plan(runner->pool)->spots[rank].node;
	struct rig_span spans[RIG_SPANS_MAX];
	int count = rig_outcome_owns(runner->outcome, mapped->index, rank,
				     rig_pool_size(runner->pool), spans);

	*owned = *local = 0;
	for (int i = 0; i < count; i++) {
		*owned += spans[i].end - spans[i].begin;
		*local += bytes_on(mapped, spans[i], node);
	}
}

/* ---- text ---- */

static void show_array(const struct mapped *mapped, const char *label)
{
	const struct rig_plan *plan = rig_pool_plan(mapped->runner->pool);
	char text[SHOWN_BYTES];
	const char *comma = "";
	size_t owned, local;

	printf("  %-9s %s: ", label, name_of(mapped));
	for (int node = -1; node < plan->machine_nodes; node++) {
		size_t bytes = bytes_on(mapped, whole(mapped), node);

		if (bytes == 0)
			continue;
		show_bytes((double)bytes, text);
		if (node < 0)
			printf("%s not in memory", text);
		else
			printf("%s%s on node %d", comma, text, node);
		comma = ", ";
	}
	putchar('\n');
	for (int rank = 0; plan->pinned && rank < plan->workers; rank++) {
		sum_rank(mapped, rank, &owned, &local);
		if (plan->spots[rank].node < 0 || owned == 0)
			continue;
		printf("            rank %d, node %d: owns %s, %.1f %% there\n",
		       rank, plan->spots[rank].node,
		       show_bytes((double)owned, text),
		       100 * (double)local / (double)owned);
	}
}

int map_show(const struct runner *runner)
{
	struct mapped mapped = { .runner = runner };
	int r = 0;

	for (int i = 0; i < runner->outcome->array_count && r == 0; i++) {
		mapped.index = i;
		r = ask(&mapped);
		if (r == 0)
			show_array(&mapped, i ? "" : "map");
		free(mapped.homes);
		mapped.homes = NULL;
	}
	return r;
}

/* ---- JSON ---- */

static json_t *array_json(const struct mapped *mapped)
{
	const struct rig_plan *plan = rig_pool_plan(mapped->runner->pool);
	json_t *nodes = json_array(), *ranks = json_array();
	size_t owned, local;

	for (int node = 0; node < plan->machine_nodes; node++)
		json_array_append_new(nodes,
				      json_integer((json_int_t)bytes_on(
					      mapped, whole(mapped), node)));
	for (int rank = 0; rank < plan->workers; rank++) {
		sum_rank(mapped, rank, &owned, &local);
		json_array_append_new(ranks,
				      json_pack("{si si sI sI}", "rank", rank,
						"node", plan->spots[rank].node,
						"owns", (json_int_t)owned,
						"local", (json_int_t)local));
	}
	return json_pack("{ss sI so sI so}", "array", name_of(mapped), "homes",
			 (json_int_t)mapped->count, "bytes_on_nodes", nodes,
			 "bytes_not_in_memory",
			 (json_int_t)bytes_on(mapped, whole(mapped), -1),
			 "ranks", ranks);
}

json_t *map_json(const struct runner *runner)
{
	struct mapped mapped = { .runner = runner };
	json_t *list = json_array();
	int r = 0;

	for (int i = 0; i < runner->outcome->array_count && r == 0; i++) {
		mapped.index = i;
		r = ask(&mapped);
		if (r == 0)
			json_array_append_new(list, array_json(&mapped));
		free(mapped.homes);
		mapped.homes = NULL;
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}
