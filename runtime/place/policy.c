/* SPDX-License-Identifier: MIT */
/*
 * policy.c - the placement grammar: a place in words becomes units.
 *
 * A policy names an *object* of the machine (a core, an L3 cache, ...): each
 * object is a unit, or, with a number behind the name, as many units of equal
 * parts.  A list of cores is taken literally.
 */
#include "place/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The parts of a machine, from the smallest. */
enum object {
	OBJECT_PU,
	OBJECT_CORE,
	OBJECT_L2,
	OBJECT_L3,
	OBJECT_NUMA,
	OBJECT_PACKAGE
};

static const struct policy {
	const char *name;
	const char *words; /* the unit's object, for messages */
	enum object object;
	enum dealing dealing;
} policies[] = {
	{ "core", "core", OBJECT_CORE, DEAL_EVENLY },
	{ "pu", "hardware thread", OBJECT_PU, DEAL_EVENLY },
	{ "l2", "L2 cache", OBJECT_L2, DEAL_EVENLY },
	{ "l3", "L3 cache", OBJECT_L3, DEAL_EVENLY },
	{ "numa", "NUMA node", OBJECT_NUMA, DEAL_EVENLY },
	{ "package", "package", OBJECT_PACKAGE, DEAL_EVENLY },
	{ "spread", NULL, OBJECT_CORE, DEAL_SPREAD },
	{ "compact", NULL, OBJECT_CORE, DEAL_COMPACT },
	{ "none", NULL, OBJECT_CORE, DEAL_NOBODY },
};

#define CHOICES                                                                \
	"use core, pu, l2, l3, numa, package (l3:2 for two an L3), spread, "   \
	"compact, none, or cores such as 0,2,4-7"

static int not_a_place(const struct placer *placer)
{
	return rig_fail(-EINVAL, "%s \"%.100s\": not a policy; " CHOICES,
			placer->origin, placer->place);
}

/* ---- units ---- */

static struct unit *add_unit(struct placer *placer, const struct core **cores,
			     int count)
{
	struct unit *unit = &placer->units[placer->unit_count++];

	*unit = (struct unit){ .cores = cores, .core_count = count };
	for (int i = 0; i < count; i++)
		cpu_bits_or(&unit->set, &cores[i]->usable);
	unit->capacity = cpu_bits_count(&unit->set);
	return unit;
}

/* The PUs of a core: `count` PUs from the `skip`-th on. */
static void add_pus(struct placer *placer, const struct core **core, int skip,
		    int count)
{
	struct unit *unit = add_unit(placer, core, 1);
	struct cpu_bits set = { 0 };

	for (int i = 0; i < skip + count; i++) {
		int pu = cpu_bits_first(&unit->set);

		cpu_bits_drop(&unit->set, pu);
		if (i >= skip)
			cpu_bits_add(&set, pu);
	}
	unit->set = set;
	unit->capacity = count;
}

/* ---- objects ---- */

/* The object of the type in which the core lies; -1: in no known object. */
static int object_of(const struct core *core, enum object object)
{
	switch (object) {
	case OBJECT_L2:
		return core->l2;
	case OBJECT_L3:
		return core->l3;
	case OBJECT_NUMA:
		return core->node;
	case OBJECT_PACKAGE:
		return core->package;
	default:
		return core->number;
	}
}

/* A core with an unknown cache stands alone; the cores of a package that lie in
 * no NUMA node stand together, as if the package were a node. */
static bool together(const struct core *a, const struct core *b,
		     enum object object)
{
	int number = object_of(a, object);

	if (a == b)
		return true;
	if (object == OBJECT_NUMA && number < 0)
		return b->node < 0 && a->package == b->package;
	return number >= 0 && number == object_of(b, object);
}

/* Sort placer->order so that the cores of an object stand together, and
 * otherwise keep the old order.  hwloc's cores stand together already. */
static void gather(struct placer *placer, enum object object)
{
	const struct core **order = placer->order;
	int end = 0;

	while (end < placer->cores) {
		const struct core *first = order[end++];

		for (int i = end; i < placer->cores; i++) {
			const struct core *core = order[i];

			if (!together(first, core, object))
				continue;
			memmove(&order[end + 1], &order[end],
				(size_t)(i - end) * sizeof(*order));
			order[end++] = core;
		}
	}
}

static int missing(const struct placer *placer, const struct policy *policy)
{
	const struct core *core = placer->order[0];

	return rig_fail(-EINVAL,
			"%s \"%s\": this machine shows no %s; use core, pu, "
			"%s%snuma or package",
			placer->origin, placer->place, policy->words,
			core->l2 >= 0 ? "l2, " : "",
			core->l3 >= 0 ? "l3, " : "");
}

/* `core` is the first core of the object with the fewest parts. */
static int too_many(const struct placer *placer, const struct policy *policy,
		    const struct core *core, int has)
{
	int number = object_of(core, policy->object);

	if (number < 0)
		return rig_fail(-EINVAL,
				"%s \"%s\": core %d lies in no %s, so at most "
				"%s:%d",
				placer->origin, placer->place, core->number,
				policy->words, policy->name, has);
	return rig_fail(
		-EINVAL,
		"%s \"%s\": %s %d has %d usable %s%s, so at most "
		"%s:%d",
		placer->origin, placer->place, policy->words, number, has,
		policy->object == OBJECT_CORE ? "hardware thread" : "core",
		has == 1 ? "" : "s", policy->name, has);
}

/* The `count` cores of an object become `parts` units. */
static void divide(struct placer *placer, const struct policy *policy,
		   const struct core **cores, int count, int parts)
{
	bool by_pu = policy->object == OBJECT_PU ||
		     (policy->object == OBJECT_CORE && parts > 1);
	int pus = cpu_bits_count(&cores[0]->usable);
	int whole = by_pu ? pus : count;

	if (policy->object == OBJECT_PU)
		parts = pus;
	for (int i = 0; i < parts; i++) {
		int begin = i * whole / parts;
		int end = (i + 1) * whole / parts;

		if (by_pu)
			add_pus(placer, cores, begin, end - begin);
		else
			add_unit(placer, cores + begin, end - begin);
	}
}

/* Where the object of the core at `begin` ends in placer->order. */
static int object_end(const struct placer *placer, enum object object,
		      int begin)
{
	int end = begin + 1;

	while (end < placer->cores &&
	       together(placer->order[begin], placer->order[end], object))
		end++;
	return end;
}

static int units_of_objects(struct placer *placer, const struct policy *policy,
			    int parts)
{
	enum object object = policy->object;
	const struct core **order = placer->order;
	int least = RIG_PUS_MAX, least_at = 0;
	bool known = false;

	for (int i = 0; i < placer->cores; i++)
		known |= object_of(order[i], object) >= 0;
	if (!known)
		return missing(placer, policy);
	gather(placer, object);
	for (int i = 0, end; i < placer->cores; i = end) {
		int has = cpu_bits_count(&order[i]->usable);

		end = object_end(placer, object, i);
		if (object != OBJECT_CORE)
			has = end - i;
		if (has < least) {
			least = has;
			least_at = i;
		}
	}
	/* A unit there is always: a core with a CPU, or a CPU itself. */
	if (parts > least)
		return too_many(placer, policy, order[least_at], least);
	for (int i = 0, end; i < placer->cores; i = end) {
		end = object_end(placer, object, i);
		divide(placer, policy, &order[i], end - i, parts);
	}
	return 0;
}

/* ---- lists of cores ---- */

/* The usable cores as ranges, "0-3,8", cut with ... where the text grows long. */
static void print_usable(const struct topology *topology, char *text,
			 size_t bytes)
{
	const struct core *cores = topology->cores;
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < topology->core_count; i++) {
		int last = i;

		if (!core_is_usable(&cores[i]))
			continue;
		while (last + 1 < topology->core_count &&
		       core_is_usable(&cores[last + 1]))
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
	int at = 0;

	if (number >= topology->core_count ||
	    !core_is_usable(&topology->cores[number])) {
		print_usable(topology, text, sizeof(text));
		return rig_fail(-EINVAL,
				"%s: core %ld is not usable by this process "
				"(usable: %s)",
				placer->origin, number, text);
	}
	core = &topology->cores[number];
	for (int i = 0; i < placer->unit_count; i++) {
		if (placer->units[i].cores[0] == core)
			return rig_fail(-EINVAL, "%s: core %ld is listed twice",
					placer->origin, number);
	}
	while (placer->order[at] != core)
		at++;
	add_unit(placer, &placer->order[at], 1);
	return 0;
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

static int units_of_list(struct placer *placer)
{
	const char *at = placer->place;
	long first;
	long last;
	int r;

	placer->dealing = DEAL_LIST;
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

/* ---- the grammar ---- */

/* "l3", "l3:2": the policy, and how many an object (0: nothing was said). */
static const struct policy *find_policy(const char *place, long *parts)
{
	size_t length = strcspn(place, ":");
	const char *at = place + length + 1;

	*parts = 0;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const struct policy *policy = &policies[i];

		if (strlen(policy->name) != length ||
		    memcmp(policy->name, place, length) != 0)
			continue;
		if (!place[length])
			return policy;
		if (!policy->words || !parse_number(&at, parts) || *at ||
		    *parts == 0)
			return NULL;
		return policy;
	}
	return NULL;
}

int policy_units(struct placer *placer)
{
	const struct policy *policy;
	long parts;

	policy = find_policy(placer->place, &parts);
	if (!policy)
		return units_of_list(placer);
	placer->dealing = policy->dealing;
	if (policy->dealing == DEAL_NOBODY)
		return 0;
	if (policy->object == OBJECT_PU && parts > 1)
		return not_a_place(placer);
	placer->full = parts > 0;
	if (parts > 0)
		placer->dealing = DEAL_COMPACT;
	if (parts > RIG_PUS_MAX)
		parts = RIG_PUS_MAX;
	return units_of_objects(placer, policy, parts ? (int)parts : 1);
}
