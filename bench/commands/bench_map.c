/* SPDX-License-Identifier: MIT */
/*
 * bench_map.c - rigbench map: the cost of handing out an item of work.
 *
 * An operation is an item of a map whose function does nothing: a sample is
 * rig_pool_map() from call to return, divided by the number of items.  The peer
 * is Python's Pool.map over the same number of integers; in another row our
 * items have eight bytes to bring and eight to take back, as Python's have.
 * Samples have up to a million items.
 *
 * Beside the maps: work shared out among ranks that are in a kernel already,
 * and OpenMP's loop with the same schedule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "driver/peer.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

#define WORKERS   2
#define ITEMS_MAX (1 << 20) /* a power of two: counts are doubled up to this */

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

struct map_arg {
	size_t chunk;
	bool shared; /* not a map: a share within a kernel */
	bool values; /* items and results of eight bytes */
};

/* In this process. */
struct map {
	struct map_arg arg;
	clockid_t clock;
	struct rig_pool *pool;
	uint64_t *items;   /* NULL: none */
	uint64_t *results; /* likewise */
};

/* A job's arguments. */
struct share_job {
	clockid_t clock;
	uint64_t count;
	size_t chunk;
};

static int does_nothing(struct rig_team *team, size_t index, const void *item,
			void *result)
{
	(void)team, (void)index, (void)item, (void)result;
	return 0;
}

static int doubles(struct rig_team *team, size_t index, const void *item,
		   void *result)
{
	(void)team, (void)index;
	*(uint64_t *)result = 2 * *(const uint64_t *)item;
	return 0;
}

/* The body of a shared loop: the compiler must not move the body out of the
 * loop. */
static void touch(size_t i)
{
	__asm__ volatile("" : : "r"(i));
}

static int shares(struct rig_team *team)
{
	const struct share_job *job = rig_team_args(team);
	struct rank_timing *timing = rig_team_result(team);
	struct rig_share share;
	struct rig_span part;
	int r;

	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	r = rig_share_begin(&share, team, job->count, RIG_SHARE_DYNAMIC,
			    job->chunk);
	while (r == 0 && rig_share_next(&share, &part))
		for (size_t i = part.begin; i < part.end; i++)
			touch(i);
	(void)rig_team_barrier(team);
	timing->end_ns = stopwatch_ns(job->clock);
	return r;
}

static void map_close(void *state)
{
	struct map *m = state;

	rig_pool_destroy(m->pool);
	free(m->items);
	free(m->results);
	free(m);
}

static int map_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct map *m = calloc(1, sizeof(*m));
	int r = 0;

	if (!m)
		return -ENOMEM;
	m->arg = *(const struct map_arg *)arg;
	m->clock = clock;
	if (m->arg.values) {
		m->items = calloc(ITEMS_MAX, sizeof(*m->items));
		m->results = calloc(ITEMS_MAX, sizeof(*m->results));
		if (!m->items || !m->results)
			r = -ENOMEM;
	}
	for (uint64_t i = 0; m->items && m->results && i < ITEMS_MAX; i++)
		m->items[i] = i;
	if (r == 0)
		r = pool_contender_open(
			&m->pool,
			&(struct rig_pool_options){ .workers = WORKERS }, why);
	if (r < 0) {
		map_close(m);
		return r;
	}
	*state = m;
	return 0;
}

static int map_run(void *state, uint64_t count, struct timing *timing,
		   char *why)
{
	struct map *m = state;
	const struct share_job args = { m->clock, count, m->arg.chunk };
	struct rig_map map = { .fn = does_nothing,
			       .count = count,
			       .chunk = m->arg.chunk,
			       .limit_ns = LIMIT_NS };
	int r;

	if (m->arg.shared)
		return pool_contender_run(
			m->pool,
			&(struct rig_job){ .kernel = shares,
					   .args = &args,
					   .args_bytes = sizeof(args),
					   .limit_ns = LIMIT_NS },
			timing, why);
	if (m->arg.values) {
		map.fn = doubles;
		map.items = m->items;
		map.results = m->results;
		map.item_bytes = map.result_bytes = sizeof(*m->items);
	}
	r = rig_pool_map(m->pool, &map);
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

/* Every item brought is doubled, once. */
static int map_verify(void *state, char *why)
{
	struct map *m = state;
	struct timing timing = { 0 };
	int r;

	if (!m->arg.values)
		return 0;
	memset(m->results, 0, ITEMS_MAX * sizeof(*m->results));
	r = map_run(m, ITEMS_MAX, &timing, why);
	for (uint64_t i = 0; r == 0 && i < ITEMS_MAX; i++)
		if (m->results[i] != 2 * i) {
			snprintf(why, CASE_WHY_BYTES, "result %llu",
				 (unsigned long long)i);
			r = -EBADMSG;
		}
	return r;
}

static void map_bound(void *state, struct case_binding *binding)
{
	struct map *m = state;

	pool_contender_bound(m->pool, binding);
}

static const struct bench_ops map_ops = {
	.open = map_open,
	.run = map_run,
	.verify = map_verify,
	.bound = map_bound,
	.close = map_close,
};

/* A case without the operations: a sample is long, for Python's sake. */
static struct bench_case make_case(const char *contest, const char *name)
{
	struct bench_case what = { .unit = "ns",
				   .batch_ns = 200000000,
				   .count_max = ITEMS_MAX,
				   .axes = { { .name = "ranks" } } };

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", WORKERS);
	snprintf(what.contest, sizeof(what.contest), "%s", contest);
	snprintf(what.name, sizeof(what.name), "%s", name);
	return what;
}

static int add_ours(struct plan *plan, const char *contest, const char *name,
		    struct map_arg arg, const char *settings)
{
	struct bench_case what = make_case(contest, name);

	what.ops = &map_ops;
	what.arg = &arg;
	what.arg_bytes = sizeof(arg);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

static int add_python(struct plan *plan, const char *contest, size_t chunk)
{
	struct bench_case what = make_case(contest, "Python Pool.map");
	struct peer_arg arg = { .environment = "" };

	what.peer = "python";
	snprintf(arg.command, sizeof(arg.command),
		 "/usr/bin/python3 @/pool_map.py %% %d %zu", WORKERS, chunk);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

static int add_openmp(struct plan *plan, const char *contest,
		      const char *library, const char *words)
{
	struct bench_case what = make_case(contest, library);
	struct peer_arg arg = { .environment = "" };
	bool omp = strcmp(library, "libomp") == 0;

	what.peer = library;
	snprintf(arg.environment, sizeof(arg.environment),
		 "OMP_NUM_THREADS=%d OMP_PROC_BIND=true OMP_WAIT_POLICY=active",
		 WORKERS);
	snprintf(arg.command, sizeof(arg.command), "@/rigbench-%s %% %s",
		 omp ? "libomp" : "omp", words);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

static int add_maps(struct plan *plan, size_t chunk)
{
	const char *contest =
		chunk ? "map, chunks of 1" : "map, default chunks";
	int r;

	r = add_ours(plan, contest, "runrig", (struct map_arg){ chunk, 0, 0 },
		     "rig_pool_map of items that are numbers");
	if (r == 0)
		r = add_ours(plan, contest, "runrig, 8 B there and back",
			     (struct map_arg){ chunk, false, true },
			     "rig_pool_map, items and results copied");
	if (r == 0)
		r = add_python(plan, contest, chunk);
	return r;
}

static int add_shares(struct plan *plan)
{
	static const char contest[] = "share, dynamic, chunks of 1";
	int r;

	r = add_ours(plan, contest, "runrig", (struct map_arg){ 1, true, 0 },
		     "rig_share_next and a barrier");
	if (r == 0)
		r = add_openmp(plan, contest, "libgomp", "dynamic");
	if (r == 0)
		r = add_openmp(plan, contest, "libomp", "dynamic");
	return r;
}

static int command_map(struct command *c)
{
	int r;

	r = add_maps(&c->plan, 0);
	if (r == 0)
		r = add_maps(&c->plan, 1);
	if (r == 0)
		r = add_shares(&c->plan);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}

const struct bench_command bench_map = {
	.name = "map",
	.words = "",
	.summary = "Time items and chunks of work that are handed out.",
	.run = command_map,
};
