/* SPDX-License-Identifier: MIT */
/*
 * place.c - the decision which worker goes where.
 *
 * There are three steps.  A policy turns the usable CPUs into *units*
 * (policy.c).  Dealing counts the workers of each unit: each worker goes to the
 * least filled units, among these to the units of the fastest cores, then, by
 * default, to the node with the fewest workers, and on the node to the first
 * unit.  Nodes therefore get equal shares; within a node, neighbours (which
 * share an L3) fill up first; every core has a worker before an SMT sibling
 * has; and every CPU has a worker before two workers share a CPU.  Ranks then
 * run through nodes and units in order: neighbouring ranks are neighbours on
 * the machine.
 *
 * Workers of a unit divide the unit: the cores of the unit in equal parts;
 * where there are more workers than cores, each worker has a single hardware
 * thread.
 */
#include "place/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/reserved.h"
#include "place/policy.h"

/* ---- how many, and which unit each ---- */

/* The objects over which workers are spread, the farthest apart first. */
enum level { LEVEL_PACKAGE, LEVEL_NODE, LEVEL_L3, LEVEL_L2, LEVELS };

/* Workers so far, by level and number; an unknown number counts as one more. */
struct tally {
	int *counts[LEVELS];
};

static int number_at(const struct unit *unit, enum level level)
{
	const struct core *core = unit->cores[0];

	switch (level) {
	case LEVEL_PACKAGE:
		return core->package;
	case LEVEL_NODE:
		return core->node;
	case LEVEL_L3:
		return core->l3;
	default:
		return core->l2;
	}
}

static int *count_at(const struct tally *tally, const struct unit *unit,
		     enum level level)
{
	return &tally->counts[level][number_at(unit, level) + 1];
}

/* How full a unit is: by cores taken; then by siblings; then by CPUs shared. */
static int fill(const struct unit *unit)
{
	if (unit->load < unit->core_count)
		return unit->load;
	if (unit->load < unit->capacity)
		return RIG_PUS_MAX + unit->load;
	return 2 * RIG_PUS_MAX + unit->load / unit->capacity;
}

/* Negative: the next worker should rather get `a` than `b`, which is before. */
static int compare(const struct placer *placer, const struct tally *tally,
		   const struct unit *a, const struct unit *b)
{
	enum level first = LEVEL_PACKAGE, end = LEVELS;
	int difference = fill(a) - fill(b);

	if (difference == 0)
		difference = b->cores[0]->kind - a->cores[0]->kind;
	if (placer->dealing == DEAL_EVENLY) {
		first = LEVEL_NODE;
		end = LEVEL_L3;
	} else if (placer->dealing == DEAL_COMPACT) {
		end = LEVEL_PACKAGE;
	}
	for (enum level level = first; level < end && difference == 0; level++)
		difference =
			*count_at(tally, a, level) - *count_at(tally, b, level);
	return difference;
}

static void deal(struct placer *placer, const struct tally *tally)
{
	for (int i = 0; i < placer->workers; i++) {
		struct unit *best = &placer->units[0];

		for (int u = 1; u < placer->unit_count; u++) {
			struct unit *unit = &placer->units[u];

			if (compare(placer, tally, unit, best) < 0)
				best = unit;
		}
		best->load++;
		for (enum level level = 0; level < LEVELS; level++)
			++*count_at(tally, best, level);
	}
}

/* The highest number of any unit at any level, plus 1. */
static size_t numbers(const struct placer *placer)
{
	int highest = -1;

	for (int i = 0; i < placer->unit_count; i++)
		for (enum level level = 0; level < LEVELS; level++) {
			int number = number_at(&placer->units[i], level);

			if (number > highest)
				highest = number;
		}
	return (size_t)(highest + 1);
}

static int deal_by_tally(struct placer *placer)
{
	size_t room = numbers(placer) + 1;
	struct tally tally;
	int *counts = calloc(room * LEVELS, sizeof(*counts));

	if (!counts)
		return rig_fail_errno(-ENOMEM, "place");
	for (enum level level = 0; level < LEVELS; level++)
		tally.counts[level] = counts + room * level;
	deal(placer, &tally);
	free(counts);
	return 0;
}

/* Round and round the list. */
static void deal_list(struct placer *placer)
{
	for (int rank = 0; rank < placer->workers; rank++)
		placer->units[rank % placer->unit_count].load++;
}

/* The usable cores of a node, or of no node (-1). */
static void find_usable_of(struct placer *placer, int node)
{
	const struct topology *topology = placer->topology;

	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];

		if (core->node != node || !core_is_usable(core))
			continue;
		placer->order[placer->cores++] = core;
		placer->pus += cpu_bits_count(&core->usable);
	}
}

/* The usable cores, node by node, since ranks have the same order; cores that
 * lie in no node come last. */
static int find_usable(struct placer *placer)
{
	const struct topology *topology = placer->topology;

	placer->order = calloc((size_t)topology->core_count,
			       sizeof(const struct core *));
	if (!placer->order)
		return rig_fail_errno(-ENOMEM, "place");
	for (int node = 0; node < topology->node_count; node++) {
		int before = placer->cores;

		find_usable_of(placer, node);
		placer->nodes += placer->cores > before;
	}
	find_usable_of(placer, -1);
	placer->cpus = placer->pus;
	if (topology->quota_cpus && topology->quota_cpus < placer->cpus)
		placer->cpus = topology->quota_cpus;
	if (placer->cores == 0)
		return rig_fail(-EINVAL, "%s: no core is usable",
				placer->origin);
	return 0;
}

/* A list has its own count; else a worker a unit (a core where there are no
 * units), but at most the quota's CPUs, and at most RIG_WORKERS_MAX. */
static int default_workers(const struct placer *placer)
{
	int workers = placer->unit_count ? placer->unit_count : placer->cores;

	if (placer->dealing == DEAL_LIST)
		return workers;
	if (workers > placer->cpus)
		workers = placer->cpus;
	return workers < RIG_WORKERS_MAX ? workers : RIG_WORKERS_MAX;
}

/* ---- spots ---- */

/* Leave only the `turn`-th PU of the set. */
static void keep_one(struct cpu_bits *set, int turn)
{
	int only;

	for (; turn > 0; turn--)
		cpu_bits_drop(set, cpu_bits_first(set));
	only = cpu_bits_first(set);
	memset(set, 0, sizeof(*set));
	cpu_bits_add(set, only);
}

/* The part of `unit` for the `turn`-th of the workers that share the unit:
 * cores, returned as a span, and CPUs. */
static struct rig_span part_of(const struct unit *unit, int turn,
			       struct cpu_bits *set)
{
	size_t cores = (size_t)unit->core_count, load = (size_t)unit->load;
	size_t at = (size_t)turn;
	struct rig_span part = { at * cores / load, (at + 1) * cores / load };
	size_t sharers;

	*set = unit->set;
	if (load == 1)
		return part;
	if (load > cores) {
		/* Some, or all, have a core with others. */
		part.begin = at * cores / load;
		part.end = part.begin + 1;
		at -= (part.begin * load + cores - 1) / cores;
		sharers = ((part.begin + 1) * load + cores - 1) / cores -
			  (part.begin * load + cores - 1) / cores;
		if (cores > 1)
			*set = unit->cores[part.begin]->usable;
		if (sharers > 1)
			keep_one(set, (int)at % cpu_bits_count(set));
		return part;
	}
	memset(set, 0, sizeof(*set));
	for (size_t i = part.begin; i < part.end; i++)
		cpu_bits_or(set, &unit->cores[i]->usable);
	return part;
}

/* The `turn`-th of the workers that share `unit`. */
static void fill_spot(struct rig_spot *spot, const struct unit *unit, int turn)
{
	struct cpu_bits set;
	struct rig_span part = part_of(unit, turn, &set);
	const struct core *core = unit->cores[part.begin];

	spot->package = core->package;
	spot->node = core->node;
	spot->core = core->number;
	spot->cores = (int)(part.end - part.begin);
	for (size_t i = part.begin; i < part.end; i++) {
		if (unit->cores[i]->package != core->package)
			spot->package = -1;
		if (unit->cores[i]->node != core->node)
			spot->node = -1;
		if (unit->cores[i]->number < spot->core)
			spot->core = unit->cores[i]->number;
	}
	spot->pu = cpu_bits_first(&set);
	spot->pus = cpu_bits_count(&set);
	memcpy(spot->set, set.bits, sizeof(spot->set));
}

/* Ranks through units in order. */
static void spots_in_order(const struct placer *placer, struct rig_plan *plan)
{
	int rank = 0;

	for (int i = 0; i < placer->unit_count; i++) {
		const struct unit *unit = &placer->units[i];

		for (int turn = 0; turn < unit->load; turn++)
			fill_spot(&plan->spots[rank++], unit, turn);
	}
}

static void spots_of_list(const struct placer *placer, struct rig_plan *plan)
{
	int count = placer->unit_count;

	for (int rank = 0; rank < placer->workers; rank++)
		fill_spot(&plan->spots[rank], &placer->units[rank % count],
			  rank / count);
}

static void spots_unpinned(const struct placer *placer, struct rig_plan *plan)
{
	struct cpu_bits all = { 0 };

	for (int i = 0; i < placer->cores; i++)
		cpu_bits_or(&all, &placer->order[i]->usable);
	for (int rank = 0; rank < placer->workers; rank++) {
		struct rig_spot *spot = &plan->spots[rank];

		spot->package = spot->node = spot->core = -1;
		spot->cores = placer->cores;
		spot->pu = cpu_bits_first(&all);
		spot->pus = cpu_bits_count(&all);
		memcpy(spot->set, all.bits, sizeof(spot->set));
	}
}

/* A core is shared, and a CPU oversubscribed, by the parts of all ranks.  Ranks
 * of several cores share no core. */
static void note_sharing(const struct placer *placer, struct rig_plan *plan,
			 int *sharers)
{
	plan->oversubscribed = plan->workers > plan->cpus;
	for (int i = 0; i < placer->unit_count; i++) {
		if (placer->units[i].load > placer->units[i].capacity)
			plan->oversubscribed = true;
	}
	for (int rank = 0; plan->pinned && rank < plan->workers; rank++)
		sharers[plan->spots[rank].core]++;
	for (int rank = 0; plan->pinned && rank < plan->workers; rank++)
		plan->spots[rank].shared = sharers[plan->spots[rank].core] > 1;
}

/* ---- the plan ---- */

static void describe_machine(const struct topology *topology,
			     struct rig_plan *plan)
{
	plan->described = topology->described;
	plan->quota = topology->quota_cpus;
	plan->machine_packages = topology->package_count;
	plan->machine_nodes = topology->node_count;
	plan->machine_cores = topology->core_count;
	plan->kinds = topology->kind_count;
	for (int i = 0; i < topology->node_count; i++)
		plan->memory[i] = (struct rig_node){
			.os = topology->nodes[i].os,
			.package = topology->nodes[i].package,
			.bytes = topology->nodes[i].bytes,
		};
	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];

		plan->machine[i] = (struct rig_core){
			.number = core->number,
			.package = core->package,
			.node = core->node,
			.l3 = core->l3,
			.l2 = core->l2,
			.kind = core->kind,
			.pus = cpu_bits_count(&core->pus),
			.usable = cpu_bits_count(&core->usable),
		};
		memcpy(plan->machine[i].set, core->pus.bits,
		       sizeof(core->pus.bits));
		memcpy(plan->machine[i].ours, core->usable.bits,
		       sizeof(core->usable.bits));
		if (core->node >= 0)
			plan->memory[core->node].cores++;
	}
}

static struct rig_plan *plan_new(const struct placer *placer)
{
	const struct topology *topology = placer->topology;
	struct rig_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->spots = calloc((size_t)placer->workers, sizeof(*plan->spots));
	plan->machine =
		calloc((size_t)topology->core_count, sizeof(*plan->machine));
	plan->memory =
		calloc((size_t)topology->node_count, sizeof(*plan->memory));
	if (!plan->spots || !plan->machine || !plan->memory) {
		rig_place_free(plan);
		return NULL;
	}
	plan->workers = placer->workers;
	plan->cores = placer->cores;
	plan->pus = placer->pus;
	plan->cpus = placer->cpus;
	plan->nodes = placer->nodes;
	plan->allowed = topology->allowed_cores;
	plan->squeezed = plan->cores == 1 && plan->allowed > 1;
	describe_machine(topology, plan);
	return plan;
}

/* Units, how many workers, and which unit each gets. */
static int decide(struct placer *placer)
{
	int r;

	placer->units = calloc((size_t)placer->pus, sizeof(*placer->units));
	if (!placer->units)
		return rig_fail_errno(-ENOMEM, "place");
	r = policy_units(placer);
	if (r < 0)
		return r;
	if (placer->workers == 0)
		placer->workers = default_workers(placer);
	if (placer->workers > RIG_WORKERS_MAX)
		return rig_fail(
			-EINVAL, "%s: a list of %d cores; workers are 1 to %d",
			placer->origin, placer->workers, RIG_WORKERS_MAX);
	if (placer->full && placer->workers > placer->unit_count)
		return rig_fail(-EINVAL, "%s \"%s\": has room for %d, not %d",
				placer->origin, placer->place,
				placer->unit_count, placer->workers);
	if (placer->dealing == DEAL_LIST)
		deal_list(placer);
	else if (placer->dealing != DEAL_NOBODY)
		r = deal_by_tally(placer);
	return r;
}

static struct rig_plan *write_plan(const struct placer *placer)
{
	struct rig_plan *plan = plan_new(placer);
	int *sharers =
		calloc((size_t)placer->topology->core_count, sizeof(*sharers));

	if (!plan || !sharers) {
		rig_place_free(plan);
		free(sharers);
		return NULL;
	}
	plan->pinned = placer->dealing != DEAL_NOBODY;
	if (placer->dealing == DEAL_NOBODY)
		spots_unpinned(placer, plan);
	else if (placer->dealing == DEAL_LIST)
		spots_of_list(placer, plan);
	else
		spots_in_order(placer, plan);
	note_sharing(placer, plan, sharers);
	free(sharers);
	return plan;
}

int place_copy_of(const struct rig_plan *plan, int rank)
{
	uint64_t seen[RIG_PUS_MAX / 64] = { 0 };
	int copy = 0;

	for (int i = 0; plan->spots[i].node != plan->spots[rank].node; i++) {
		int node = plan->spots[i].node;

		copy += !(seen[node / 64] >> (node % 64) & 1);
		seen[node / 64] |= UINT64_C(1) << (node % 64);
	}
	return copy;
}

int place_copies(const struct rig_plan *plan)
{
	int copies = 0;

	for (int rank = 0; rank < plan->workers; rank++)
		if (plan->spots[rank].node < 0)
			return 1;
	for (int rank = 0; rank < plan->workers; rank++) {
		int copy = place_copy_of(plan, rank);

		if (copy >= copies)
			copies = copy + 1;
	}
	return copies;
}

int place_on(struct rig_plan **out, const struct topology *topology,
	     int workers, const char *place, const char *origin)
{
	struct placer placer = {
		.topology = topology,
		.place = place,
		.origin = origin,
		.workers = workers,
	};
	struct rig_plan *plan = NULL;
	uint64_t begin_ns = clock_ns();
	int r;

	r = find_usable(&placer);
	if (r == 0)
		r = decide(&placer);
	if (r == 0) {
		plan = write_plan(&placer);
		if (!plan)
			r = rig_fail_errno(-ENOMEM, "place");
	}
	free(placer.units);
	free(placer.order);
	if (plan) {
		plan->planned_ns = clock_ns() - begin_ns;
		*out = plan;
	}
	return r;
}

int rig_place_plan(struct rig_plan **plan,
		   const struct rig_place_options *options)
{
	static const struct rig_place_options defaults;
	const char *origin = "place";
	const char *place;
	struct topology *topology = NULL;
	int r = need(plan, "place: the place for the plan");

	if (!options)
		options = &defaults;
	if (r == 0)
		r = reserved_check(options->reserved, "rig_place_options");
	if (r < 0)
		return r;
	if (options->workers < 0 || options->workers > RIG_WORKERS_MAX)
		return rig_fail(-EINVAL, "workers: %d is outside 1 to %d",
				options->workers, RIG_WORKERS_MAX);
	place = options->place;
	if (!place) {
		place = environment_place();
		origin = "RUNRIG_PLACE";
	}
	if (!place)
		place = "core";

	r = topology_load(&topology, options->topology);
	if (r < 0)
		return r;
	r = place_on(plan, topology, options->workers, place, origin);
	topology_free(topology);
	return r;
}

void rig_place_free(struct rig_plan *plan)
{
	if (!plan)
		return;
	free(plan->spots);
	free(plan->machine);
	free(plan->memory);
	free(plan);
}

/* Whether the rank has a PU of the core. */
static bool has_core(const struct rig_spot *spot, const struct rig_core *core)
{
	for (int w = 0; w < RIG_PUS_MAX / 64; w++)
		if (spot->set[w] & core->set[w])
			return true;
	return false;
}

void place_levels(const struct rig_plan *plan, int rank, struct levels *levels)
{
	const struct rig_spot *spot = &plan->spots[rank];
	int l3 = -1;
	bool first = true;

	for (int i = 0; plan->pinned && i < plan->machine_cores; i++) {
		if (!has_core(spot, &plan->machine[i]))
			continue;
		if (first)
			l3 = plan->machine[i].l3;
		else if (l3 != plan->machine[i].l3)
			l3 = -1;
		first = false;
	}
	*levels = (struct levels){ { [RIG_LEVEL_HOST] = 0,
				     [RIG_LEVEL_PACKAGE] = spot->package,
				     [RIG_LEVEL_NODE] = spot->node,
				     [RIG_LEVEL_L3] = l3 } };
}
