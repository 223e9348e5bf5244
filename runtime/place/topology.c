/* SPDX-License-Identifier: MIT */
/*
 * topology.c - hwloc's knowledge of the machine, in a table of cores.
 *
 * The only file that includes hwloc.h.  Discovery costs milliseconds: this
 * machine is discovered once per process, and the table is kept.  The table is
 * immutable and behind an atomic pointer: neither a fork nor a second thread
 * can find a table that is half made.  Where two threads come first at the same
 * time, both discover, and the slower thread throws its table away.
 *
 * The table has all cores of the machine, and a core has the same number in a
 * container as outside.  The kernel is asked at each load which cores are
 * usable: sched_getaffinity() returns the affinity, already cut to the cpuset
 * of the control group.
 */
#include "place/topology.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hwloc.h>

#include "base/atomic.h"
#include "base/glibc.h"
#include "base/environment.h"
#include "machine/openmp.h"
#include "base/error.h"
#include "place/quota.h"

/* This machine, once discovered.  Never freed. */
static _Atomic(struct topology *) machine;

int cpu_bits_count(const struct cpu_bits *set)
{
	int count = 0;

	for (int i = 0; i < RIG_PUS_MAX / 64; i++)
		count += __builtin_popcountll(set->bits[i]);
	return count;
}

int cpu_bits_first(const struct cpu_bits *set)
{
	for (int i = 0; i < RIG_PUS_MAX / 64; i++) {
		if (set->bits[i])
			return i * 64 + __builtin_ctzll(set->bits[i]);
	}
	return -1;
}

/* ---- from hwloc's objects to the table ---- */

/* Does the set end, and below RIG_PUS_MAX?  hwloc's sets may be infinite (an
 * XML file can say "0xf...f"): the last CPU is -1 then, as in an empty set. */
static bool set_fits(hwloc_const_cpuset_t set)
{
	return hwloc_bitmap_weight(set) >= 0 &&
	       hwloc_bitmap_last(set) < RIG_PUS_MAX;
}

/* CPUs beyond RIG_PUS_MAX are left out. */
static void copy_set(struct cpu_bits *to, hwloc_const_cpuset_t from)
{
	int pu;

	memset(to, 0, sizeof(*to));
	for (pu = hwloc_bitmap_first(from); pu >= 0 && pu < RIG_PUS_MAX;
	     pu = hwloc_bitmap_next(from, pu))
		cpu_bits_add(to, pu);
}

/* The node of the smallest set of cores that has the core; of several such
 * nodes (fast memory beside plain memory) the first, which is the plain memory.
 * -1: no node has the core, as in a package without memory of its own. */
static int nearest_node(hwloc_topology_t hwloc, hwloc_obj_t core)
{
	hwloc_obj_t node = NULL;
	int best = -1;
	int best_weight = 0;

	while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE,
						  node))) {
		int weight = hwloc_bitmap_weight(node->cpuset);

		if (!hwloc_bitmap_isincluded(core->cpuset, node->cpuset))
			continue;
		if (best < 0 || weight < best_weight) {
			best = (int)node->logical_index;
			best_weight = weight;
		}
	}
	return best;
}

static int ancestor(hwloc_topology_t hwloc, hwloc_obj_t core,
		    hwloc_obj_type_t type, int without)
{
	hwloc_obj_t object = hwloc_get_ancestor_obj_by_type(hwloc, type, core);

	return object ? (int)object->logical_index : without;
}

static int count_of(hwloc_topology_t hwloc, hwloc_obj_type_t type)
{
	int count = hwloc_get_nbobjs_by_type(hwloc, type);

	return count > 0 ? count : 0;
}

static void fill_core(hwloc_topology_t hwloc, hwloc_obj_t object,
		      struct core *core)
{
	core->number = (int)object->logical_index;
	core->package = ancestor(hwloc, object, HWLOC_OBJ_PACKAGE, 0);
	core->node = nearest_node(hwloc, object);
	core->l3 = ancestor(hwloc, object, HWLOC_OBJ_L3CACHE, -1);
	core->l2 = ancestor(hwloc, object, HWLOC_OBJ_L2CACHE, -1);
	copy_set(&core->pus, object->cpuset);
}

static void fill_node(hwloc_topology_t hwloc, hwloc_obj_t object,
		      struct node *node)
{
	node->os = (int)object->os_index;
	node->package = ancestor(hwloc, object, HWLOC_OBJ_PACKAGE, -1);
	node->bytes = object->attr->numanode.local_memory;
}

/* Kinds of cores, where hwloc can tell the faster from the slower: hwloc orders
 * kinds from the slowest. */
static void fill_kinds(hwloc_topology_t hwloc, struct topology *topology)
{
	int count = hwloc_cpukinds_get_nr(hwloc, 0);
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int efficiency = -1;

	topology->kind_count = 1;
	for (int kind = 1; set && kind < count; kind++) {
		if (hwloc_cpukinds_get_info(hwloc, (unsigned)kind, set,
					    &efficiency, NULL, NULL, 0) < 0 ||
		    efficiency < 0)
			break;
		topology->kind_count = kind + 1;
		for (int i = 0; i < topology->core_count; i++) {
			struct core *core = &topology->cores[i];

			if (hwloc_bitmap_isset(
				    set, (unsigned)cpu_bits_first(&core->pus)))
				core->kind = kind;
		}
	}
	hwloc_bitmap_free(set);
}

static int too_large(void)
{
	return rig_fail(-ENOSYS,
			"topology: a CPU numbered beyond %d, the most this "
			"library handles",
			RIG_PUS_MAX - 1);
}

static struct topology *topology_new(int cores, int nodes)
{
	struct topology *topology = calloc(1, sizeof(*topology));

	if (!topology)
		return NULL;
	topology->cores = calloc((size_t)cores, sizeof(*topology->cores));
	topology->nodes = calloc((size_t)nodes, sizeof(*topology->nodes));
	if (!topology->cores || !topology->nodes) {
		topology_free(topology);
		return NULL;
	}
	topology->core_count = cores;
	topology->node_count = nodes;
	return topology;
}

/* A number that becomes an index, here or where a plan is drawn, must be within
 * the limits: a description may claim anything. */
static int check_limits(hwloc_topology_t hwloc, hwloc_obj_type_t type)
{
	hwloc_obj_t object = NULL;

	if (!set_fits(hwloc_topology_get_topology_cpuset(hwloc)) ||
	    count_of(hwloc, type) > RIG_PUS_MAX)
		return too_large();
	while ((object = hwloc_get_next_obj_by_type(hwloc, type, object)))
		if (!set_fits(object->cpuset))
			return too_large();
	while ((object = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE,
						    object)))
		if (object->os_index > INT_MAX)
			return rig_fail(-ENOSYS,
					"topology: NUMA node %u has no number "
					"of the system's",
					object->logical_index);
	return 0;
}

/* The usable sets of the cores become the sets that the description allows. */
static int tabulate(hwloc_topology_t hwloc, struct topology **out)
{
	hwloc_obj_type_t type = HWLOC_OBJ_CORE;
	struct cpu_bits allowed;
	struct topology *topology;
	int r;

	/* A system that hides the cores: take each CPU for a core. */
	if (count_of(hwloc, type) == 0)
		type = HWLOC_OBJ_PU;
	r = check_limits(hwloc, type);
	if (r < 0)
		return r;
	topology = topology_new(count_of(hwloc, type),
				count_of(hwloc, HWLOC_OBJ_NUMANODE));
	if (!topology)
		return rig_fail_errno(-ENOMEM, "topology");

	topology->package_count = count_of(hwloc, HWLOC_OBJ_PACKAGE);
	if (topology->package_count == 0)
		topology->package_count = 1;
	copy_set(&allowed, hwloc_topology_get_allowed_cpuset(hwloc));
	for (int i = 0; i < topology->core_count; i++) {
		struct core *core = &topology->cores[i];

		fill_core(hwloc,
			  hwloc_get_obj_by_type(hwloc, type, (unsigned)i),
			  core);
		cpu_bits_and(&core->usable, &core->pus, &allowed);
		topology->allowed_cores += core_is_usable(core);
	}
	for (int i = 0; i < topology->node_count; i++)
		fill_node(hwloc,
			  hwloc_get_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE,
						(unsigned)i),
			  &topology->nodes[i]);
	fill_kinds(hwloc, topology);
	*out = topology;
	return 0;
}

/* ---- discovery ---- */

/* A topology that is not loaded yet, with the few types of objects in the
 * table. */
static int prepare(hwloc_topology_t *out)
{
	static const hwloc_obj_type_t types[] = { HWLOC_OBJ_PACKAGE,
						  HWLOC_OBJ_L3CACHE,
						  HWLOC_OBJ_L2CACHE,
						  HWLOC_OBJ_CORE };
	hwloc_topology_t hwloc;

	/* hwloc runs the plugins that HWLOC_PLUGINS_PATH names. */
	if (!environment_is_ours())
		return rig_fail(-EPERM,
				"topology: this program runs with more rights "
				"than who started it (set-uid, or by its "
				"file), and hwloc would heed their "
				"environment: no pool of it");
	if (hwloc_topology_init(&hwloc) < 0)
		return rig_fail_errno(-ENOMEM, "topology");
	hwloc_topology_set_all_types_filter(hwloc, HWLOC_TYPE_FILTER_KEEP_NONE);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		hwloc_topology_set_type_filter(hwloc, types[i],
					       HWLOC_TYPE_FILTER_KEEP_ALL);
	/* The object for NUMA nodes that belong to no package or cache. */
	hwloc_topology_set_type_filter(hwloc, HWLOC_OBJ_GROUP,
				       HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	hwloc_topology_set_flags(hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	*out = hwloc;
	return 0;
}

/* `described`: the variable that sent hwloc elsewhere, or NULL. */
static int not_discovered(const char *described)
{
	if (described)
		return rig_fail(-ENOSYS,
				"topology: hwloc cannot load what %s says; "
				"unset it (runrig topo --topology plans for "
				"other machines)",
				described);
	return rig_fail_errno(-ENOSYS, "topology: hwloc cannot discover this "
				       "machine; is /sys/devices/system/cpu "
				       "readable?");
}

/* Asking each CPU by its instructions means running on each CPU: the question is
 * left out where the system's files tell enough. */
static int discover_with(bool instructions, struct topology **topology)
{
	const char *described = environment_of_another_machine();
	hwloc_topology_t hwloc;
	bool hidden = environment_hide_plugins();
	int r = prepare(&hwloc);

	if (hidden)
		environment_show_plugins();
	if (r < 0)
		return r;
	if (!instructions)
		hwloc_topology_set_components(
			hwloc, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	if (hwloc_topology_load(hwloc) < 0)
		r = not_discovered(described);
	else if (!hwloc_topology_is_thissystem(hwloc))
		r = rig_fail(-ENOSYS,
			     "topology: %s describes another machine, and no "
			     "worker can be bound there; unset it (runrig topo "
			     "--topology plans for other machines)",
			     described ? described : "hwloc's environment");
	else if (!instructions && count_of(hwloc, HWLOC_OBJ_CORE) == 0)
		r = -EAGAIN;
	else
		r = tabulate(hwloc, topology);
	hwloc_topology_destroy(hwloc);
	return r;
}

static int discover(const struct topology **out)
{
	struct topology *mine = load_acquire(&machine);
	struct topology *first = NULL;
	int r;

	if (!mine) {
		r = discover_with(false, &mine);
		if (r == -EAGAIN)
			r = discover_with(true, &mine);
		if (r < 0)
			return r;
		/* Publishes the table; pairs with the acquire above. */
		if (!cas_acq_rel(&machine, &first, mine)) {
			topology_free(mine);
			mine = first;
		}
	}
	*out = mine;
	return 0;
}

/* ---- this machine, and described machines ---- */

/* OpenMP binds the first thread of a program to the first OpenMP place while
 * the runtime is loaded: the thread may then run on fewer CPUs than the process
 * may.  OpenMP saw the CPUs of the process before, and tells all its places. */
static void widen_to_places(const struct topology *known,
			    struct cpu_bits *affinity)
{
	struct cpu_bits allowed = { { 0 } }, places = { { 0 } }, both;

	for (int i = 0; i < known->core_count; i++)
		cpu_bits_or(&allowed, &known->cores[i].usable);
	cpu_bits_and(&both, &allowed, affinity);
	/* Else there is nothing to ask, and asking makes LLVM's bind. */
	if (!environment_binds_threads() ||
	    cpu_bits_count(&both) == cpu_bits_count(&allowed) ||
	    openmp_places(places.bits, RIG_PUS_MAX) < 1)
		return;
	/* A host that has moved this thread elsewhere wants the thread
	 * there. */
	cpu_bits_and(&both, &places, affinity);
	if (cpu_bits_count(&both) == cpu_bits_count(affinity))
		*affinity = places;
}

static int load_here(struct topology **out)
{
	const struct topology *known;
	struct topology *topology;
	struct cpu_bits affinity;
	int usable = 0;
	int r;

	r = discover(&known);
	if (r < 0)
		return r;
	r = topology_pinned(0, &affinity);
	if (r < 0)
		return rig_fail_errno(r, "topology: sched_getaffinity");
	widen_to_places(known, &affinity);
	topology = topology_new(known->core_count, known->node_count);
	if (!topology)
		return rig_fail_errno(-ENOMEM, "topology");

	memcpy(topology->nodes, known->nodes,
	       (size_t)known->node_count * sizeof(*known->nodes));
	topology->package_count = known->package_count;
	topology->kind_count = known->kind_count;
	topology->allowed_cores = known->allowed_cores;
	topology->quota_cpus = quota_cpus("");
	for (int i = 0; i < known->core_count; i++) {
		struct core *core = &topology->cores[i];

		*core = known->cores[i];
		cpu_bits_and(&core->usable, &core->pus, &affinity);
		usable += cpu_bits_count(&core->usable);
	}
	if (usable == 0) {
		topology_free(topology);
		return rig_fail(-ENOSYS,
				"topology: hwloc knows none of the CPUs this "
				"process may run on; is "
				"/sys/devices/system/cpu readable?");
	}
	*out = topology;
	return 0;
}

static bool names_a_file(const char *description)
{
	size_t length = strlen(description);

	return (length > 4 && strcmp(description + length - 4, ".xml") == 0) ||
	       access(description, F_OK) == 0;
}

/* Whether "package:1000 core:1000 pu:16" has more than RIG_PUS_MAX CPUs: hwloc
 * would build every CPU before anything could be asked.  Each level has as many
 * objects as the number behind the colon says, in each object of the level
 * before; brackets (memory) and parentheses multiply nothing. */
static bool describes_too_many(const char *description)
{
	unsigned long long count = 1;
	const char *at = description;

	while (*at && count <= RIG_PUS_MAX) {
		if (*at == '(' || *at == '[') {
			at += strcspn(at, *at == '(' ? ")" : "]");
		} else if (*at >= '0' && *at <= '9' &&
			   (at == description || strchr(": ", at[-1]))) {
			char *end;
			unsigned long long factor = strtoull(at, &end, 10);

			/* 0 is hwloc's to refuse. */
			if (factor > RIG_PUS_MAX)
				return true;
			count *= factor ? factor : 1;
			at = end;
		} else {
			at++;
		}
	}
	return count > RIG_PUS_MAX;
}

static int describe(hwloc_topology_t hwloc, const char *description)
{
	if (!names_a_file(description)) {
		if (describes_too_many(description))
			return too_large();
		if (hwloc_topology_set_synthetic(hwloc, description) < 0)
			return rig_fail(-EINVAL,
					"topology \"%.200s\": neither a file "
					"nor a description such as "
					"\"package:2 numa:1 core:4 pu:2\"",
					description);
		return 0;
	}
	if (access(description, R_OK) < 0)
		return rig_fail(-EINVAL, "topology %.200s: %s", description,
				errno_words(errno));
	if (hwloc_topology_set_xml(hwloc, description) < 0)
		return rig_fail(-EINVAL,
				"topology %.200s: not an hwloc XML file",
				description);
	return 0;
}

static int load_described(struct topology **topology, const char *description)
{
	hwloc_topology_t hwloc;
	int r = prepare(&hwloc);

	if (r < 0)
		return r;
	r = describe(hwloc, description);
	if (r == 0 && hwloc_topology_load(hwloc) < 0)
		r = rig_fail(-EINVAL, "topology %.200s: hwloc cannot load it",
			     description);
	if (r == 0)
		r = tabulate(hwloc, topology);
	if (r == 0)
		(*topology)->described = true;
	else if (r == -ENOSYS)
		r = -EINVAL; /* not this machine's fault */
	hwloc_topology_destroy(hwloc);
	return r;
}

int topology_load(struct topology **topology, const char *description)
{
	return description ? load_described(topology, description)
			   : load_here(topology);
}

void topology_free(struct topology *topology)
{
	if (!topology)
		return;
	free(topology->cores);
	free(topology->nodes);
	free(topology);
}

/* ---- pinning ---- */

int topology_pin(pid_t pid, const struct cpu_bits *set)
{
	if (sched_setaffinity(pid, sizeof(set->bits),
			      (const cpu_set_t *)set->bits) < 0)
		return -errno;
	return 0;
}

int topology_pinned(pid_t pid, struct cpu_bits *set)
{
	memset(set, 0, sizeof(*set));
	if (sched_getaffinity(pid, sizeof(set->bits), (cpu_set_t *)set->bits) <
	    0)
		return -errno;
	return 0;
}
