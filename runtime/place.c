/* SPDX-License-Identifier: MIT */
/*
 * place.c - deciding which worker goes where.
 *
 * Three steps.  A policy turns the usable CPUs into *units*: a core with all
 * its PUs, or a single PU.  Dealing counts how many workers each unit gets:
 * one after another goes to the least filled units, among them to the node
 * with the fewest workers, there to the first unit.  So nodes get equal shares,
 * within a node neighbours (which share an L3) fill up first, every core has a
 * worker before an SMT sibling has, and every CPU has one before two share one.
 * Ranks then run through nodes and units in order, so that neighbouring ranks
 * are neighbours on the machine.
 *
 * A list of cores is taken as it stands: rank i goes to the i-th one, and ranks
 * beyond its end start over.
 */
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "error.h"

#define CHOICES "use core, pu, none or a list of cores such as 0,2,4-7"

/* Where workers can go: a core, or a PU of one. */
struct unit {
	const struct core *core;
	struct cpu_bits set;
	int capacity; /* PUs in the set */
	int load;     /* workers that got it */
};

struct placer {
	const struct topology *topology;
	const char *place;
	const char *origin; /* "place" or "RUNRIG_PLACE", for messages */
	struct unit *units;
	int unit_count;
	int cores; /* usable */
	int pus;
	int nodes;
	int cpus;
	int workers; /* 0 until decided */
};

/* ---- units ---- */

static void add_unit(struct placer *placer, const struct core *core,
		     const struct cpu_bits *set)
{
	struct unit *unit = &placer->units[placer->unit_count++];

	unit->core = core;
	unit->set = *set;
	unit->capacity = cpu_bits_count(set);
}

static bool usable(const struct core *core)
{
	return cpu_bits_first(&core->usable) >= 0;
}

/* Node by node, so that the order of units is that of ranks. */
static void cores_to_units(struct placer *placer,
			   void (*add)(struct placer *, const struct core *))
{
	const struct topology *topology = placer->topology;

	for (int node = 0; node == 0 || node < topology->node_count; node++) {
		for (int i = 0; i < topology->core_count; i++) {
			const struct core *core = &topology->cores[i];

			if (core->node == node && usable(core))
				add(placer, core);
		}
	}
}

static void add_core(struct placer *placer, const struct core *core)
{
	add_unit(placer, core, &core->usable);
}

static void add_pus(struct placer *placer, const struct core *core)
{
	for (int pu = 0; pu < RIG_PUS_MAX; pu++) {
		struct cpu_bits one = { 0 };

		if (!cpu_bits_has(&core->usable, pu))
			continue;
		cpu_bits_add(&one, pu);
		add_unit(placer, core, &one);
	}
}

/* ---- policies ---- */

static void units_core(struct placer *placer)
{
	cores_to_units(placer, add_core);
}

static void units_pu(struct placer *placer)
{
	cores_to_units(placer, add_pus);
}

static void units_none(struct placer *placer)
{
	(void)placer;
}

static const struct policy {
	const char *name;
	void (*units)(struct placer *placer); /* those of none: not pinned */
} policies[] = {
	{ "core", units_core },
	{ "pu", units_pu },
	{ "none", units_none },
};

static const struct policy *find_policy(const char *name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	}
	return NULL;
}

/* ---- lists of cores ---- */

/* The usable cores as ranges, "0-3,8", cut with ... where it grows long. */
static void print_usable(const struct topology *topology, char *text,
			 size_t bytes)
{
	const struct core *cores = topology->cores;
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < topology->core_count; i++) {
		int last = i;

		if (!usable(&cores[i]))
			continue;
		while (last + 1 < topology->core_count &&
		       usable(&cores[last + 1]))
			last++;
		if (used + 32 > bytes) {
			snprintf(text + used, bytes - used, ",...");
			return;
		}
		used += (size_t)snprintf(text + used, bytes - used,
					 last > i ? "%s%d-%d" : "%s%d",
					 used ? "," : "", i, last);
		i = last;
	}
}

static int list_core(struct placer *placer, long number)
{
	const struct topology *topology = placer->topology;
	const struct core *core;
	char text[160];

	if (number >= topology->core_count ||
	    !usable(&topology->cores[number])) {
		print_usable(topology, text, sizeof(text));
		return rig_fail(-EINVAL,
				"%s: core %ld is not usable by this process "
				"(usable: %s)",
				placer->origin, number, text);
	}
	core = &topology->cores[number];
	for (int i = 0; i < placer->unit_count; i++) {
		if (placer->units[i].core == core)
			return rig_fail(-EINVAL, "%s: core %ld is listed twice",
					placer->origin, number);
	}
	add_core(placer, core);
	return 0;
}

static int not_a_place(const struct placer *placer)
{
	return rig_fail(-EINVAL, "%s \"%.100s\": not a policy; " CHOICES,
			placer->origin, placer->place);
}

/* Digits alone: strtol would take signs and spaces too. */
static bool parse_number(const char **at, long *number)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*number = strtol(*at, &end, 10);
	*at = end;
	return true;
}

static int units_list(struct placer *placer)
{
	const char *at = placer->place;
	long first;
	long last;
	int r;

	for (;;) {
		if (!parse_number(&at, &first))
			return not_a_place(placer);
		last = first;
		if (*at == '-') {
			at++;
			if (!parse_number(&at, &last))
				return not_a_place(placer);
		}
		if (last < first)
			return rig_fail(-EINVAL,
					"%s: %ld-%ld runs backwards; write "
					"%ld-%ld",
					placer->origin, first, last, last,
					first);
		for (long number = first; number <= last; number++) {
			r = list_core(placer, number);
			if (r < 0)
				return r;
		}
		if (!*at)
			return 0;
		if (*at++ != ',')
			return not_a_place(placer);
	}
}

/* ---- how many, and which unit each ---- */

/* How full a unit is: 0 empty; then by siblings taken; then by CPUs shared. */
static int fill(const struct unit *unit)
{
	if (unit->load < unit->capacity)
		return unit->load;
	return RIG_PUS_MAX + unit->load / unit->capacity;
}

/* The unit that the next worker gets; `on_node` counts workers by node. */
static struct unit *next_unit(struct placer *placer, const int *on_node)
{
	struct unit *best = &placer->units[0];

	for (int i = 1; i < placer->unit_count; i++) {
		struct unit *unit = &placer->units[i];
		int difference = fill(unit) - fill(best);

		if (difference == 0)
			difference = on_node[unit->core->node] -
				     on_node[best->core->node];
		if (difference < 0)
			best = unit;
	}
	return best;
}

static int deal(struct placer *placer)
{
	int nodes = placer->topology->node_count;
	int *on_node = calloc((size_t)nodes + 1, sizeof(*on_node));

	if (!on_node)
		return rig_fail_errno(-ENOMEM, "place");
	for (int i = 0; i < placer->workers; i++) {
		struct unit *unit = next_unit(placer, on_node);

		unit->load++;
		on_node[unit->core->node]++;
	}
	free(on_node);
	return 0;
}

/* Round and round the list. */
static void deal_list(struct placer *placer)
{
	for (int rank = 0; rank < placer->workers; rank++)
		placer->units[rank % placer->unit_count].load++;
}

static void count_usable(struct placer *placer)
{
	const struct topology *topology = placer->topology;

	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];
		bool first = true;

		if (!usable(core))
			continue;
		placer->cores++;
		placer->pus += cpu_bits_count(&core->usable);
		for (int j = 0; j < i && first; j++)
			first = !usable(&topology->cores[j]) ||
				topology->cores[j].node != core->node;
		placer->nodes += first;
	}
	placer->cpus = placer->pus;
	if (topology->quota_cpus && topology->quota_cpus < placer->cpus)
		placer->cpus = topology->quota_cpus;
}

/* A list says it itself; else one a unit (a core where there are none), but no
 * more than the quota lets run at once, or than there may be. */
static int default_workers(const struct placer *placer,
			   const struct policy *policy)
{
	int workers = placer->unit_count ? placer->unit_count : placer->cores;

	if (!policy)
		return workers;
	if (workers > placer->cpus)
		workers = placer->cpus;
	return workers < RIG_WORKERS_MAX ? workers : RIG_WORKERS_MAX;
}

/* ---- spots ---- */

/* The `turn`-th of the workers that share `unit`. */
static void fill_spot(struct rig_spot *spot, const struct unit *unit, int turn)
{
	struct cpu_bits set = unit->set;
	int only;

	spot->package = unit->core->package;
	spot->node = unit->core->node;
	spot->core = unit->core->number;
	if (unit->load > 1) {
		for (int skip = turn % unit->capacity; skip > 0; skip--)
			cpu_bits_drop(&set, cpu_bits_first(&set));
		only = cpu_bits_first(&set);
		memset(&set, 0, sizeof(set));
		cpu_bits_add(&set, only);
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

	for (int i = 0; i < placer->topology->core_count; i++)
		cpu_bits_or(&all, &placer->topology->cores[i].usable);
	for (int rank = 0; rank < placer->workers; rank++) {
		struct rig_spot *spot = &plan->spots[rank];

		spot->package = spot->node = spot->core = -1;
		spot->pu = cpu_bits_first(&all);
		spot->pus = cpu_bits_count(&all);
		memcpy(spot->set, all.bits, sizeof(spot->set));
	}
}

/* A core is shared, and a CPU oversubscribed, by what all ranks have. */
static void note_sharing(const struct placer *placer, struct rig_plan *plan)
{
	for (int rank = 0; plan->pinned && rank < plan->workers; rank++) {
		struct rig_spot *spot = &plan->spots[rank];

		for (int i = 0; i < plan->workers && !spot->shared; i++)
			spot->shared =
				i != rank && plan->spots[i].core == spot->core;
	}
	plan->oversubscribed = plan->workers > plan->cpus;
	for (int i = 0; i < placer->unit_count; i++) {
		if (placer->units[i].load > placer->units[i].capacity)
			plan->oversubscribed = true;
	}
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
	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];

		plan->machine[i] = (struct rig_core){
			.number = core->number,
			.package = core->package,
			.node = core->node,
			.l3 = core->l3,
			.pus = cpu_bits_count(&core->pus),
			.usable = cpu_bits_count(&core->usable),
		};
		memcpy(plan->machine[i].set, core->pus.bits,
		       sizeof(core->pus.bits));
		memcpy(plan->machine[i].ours, core->usable.bits,
		       sizeof(core->usable.bits));
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
	if (!plan->spots || !plan->machine) {
		rig_place_free(plan);
		return NULL;
	}
	plan->workers = placer->workers;
	plan->cores = placer->cores;
	plan->pus = placer->pus;
	plan->cpus = placer->cpus;
	plan->nodes = placer->nodes;
	describe_machine(topology, plan);
	return plan;
}

/* Units, how many workers, and which unit each gets. */
static int decide(struct placer *placer, const struct policy *policy)
{
	int r = 0;

	placer->units = calloc((size_t)placer->pus, sizeof(*placer->units));
	if (!placer->units)
		return rig_fail_errno(-ENOMEM, "place");
	if (policy)
		policy->units(placer);
	else
		r = units_list(placer);
	if (r < 0)
		return r;
	if (placer->workers == 0)
		placer->workers = default_workers(placer, policy);
	if (placer->workers > RIG_WORKERS_MAX)
		return rig_fail(
			-EINVAL, "%s: a list of %d cores; workers are 1 to %d",
			placer->origin, placer->workers, RIG_WORKERS_MAX);
	if (!policy)
		deal_list(placer);
	else if (placer->unit_count)
		r = deal(placer);
	return r;
}

static struct rig_plan *write_plan(const struct placer *placer,
				   const struct policy *policy)
{
	struct rig_plan *plan = plan_new(placer);

	if (!plan)
		return NULL;
	plan->pinned = placer->unit_count > 0;
	if (!plan->pinned)
		spots_unpinned(placer, plan);
	else if (policy)
		spots_in_order(placer, plan);
	else
		spots_of_list(placer, plan);
	note_sharing(placer, plan);
	return plan;
}

int place_on(struct rig_plan **out, const struct topology *topology,
	     int workers, const char *place, const char *origin)
{
	const struct policy *policy = find_policy(place);
	struct placer placer = {
		.topology = topology,
		.place = place,
		.origin = origin,
		.workers = workers,
	};
	struct rig_plan *plan = NULL;
	int r;

	count_usable(&placer);
	if (placer.cores == 0)
		return rig_fail(-EINVAL, "%s: no core is usable", origin);
	r = decide(&placer, policy);
	if (r == 0) {
		plan = write_plan(&placer, policy);
		if (!plan)
			r = rig_fail_errno(-ENOMEM, "place");
	}
	free(placer.units);
	if (r == 0)
		*out = plan;
	return r;
}

int rig_place_plan(struct rig_plan **plan,
		   const struct rig_place_options *options)
{
	static const struct rig_place_options defaults;
	const char *origin = "place";
	const char *place;
	struct topology *topology = NULL;
	int r;

	if (!options)
		options = &defaults;
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
	free(plan);
}
