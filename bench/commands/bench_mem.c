/* SPDX-License-Identifier: MIT */
/*
 * bench_mem.c - rigbench mem: the best rates of caches and memory, for a single
 * worker and for all workers.
 *
 * A single pool serves the five loops of a size: each rank has private memory,
 * on huge pages where there are any, touched by the rank itself.  An operation
 * is a pass of every rank over its working set.  Rates count the bytes that the
 * program reads and writes; roof_moves tells the bytes that memory moves
 * besides.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/number.h>

#include "commands/commands.h"
#include "driver/machine.h"
#include "driver/pool_contender.h"
#include "commands/roof.h"
#include "driver/stopwatch.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

#define SIZES_MAX 32

/* A working set that counts as memory is this many times as large as the last
 * cache. */
#define BEYOND 4

struct mem_arg {
	enum roof roof;
	int workers;
	size_t bytes; /* bytes of a worker's working set */
};

/* In this process: the data that the loops of a size share. */
struct ground {
	int users;
	clockid_t clock;
	struct rig_pool *pool;
};

/* An open contender. */
struct mem {
	struct ground *ground;
	struct mem_arg arg;
};

struct mem_job {
	clockid_t clock;
	enum roof roof;
	uint64_t bytes;
	uint64_t count; /* 0: a single pass, checked */
};

/* The open loops share the pool; the driver has a single thread. */
static struct ground *shared;

/* In a worker: the working set, from the worker's first job on. */
static double *mine;
static size_t mine_bytes;

static int check(struct rig_team *team, const struct mem_job *job)
{
	uint64_t sum;

	roof_fill(mine, job->bytes);
	sum = roof_run(job->roof, mine, job->bytes, 1);
	if (roof_right(job->roof, mine, job->bytes, sum))
		return 0;
	return rig_team_fail(team, -EBADMSG, "%s left the wrong values",
			     roof_names[job->roof]);
}

static int pass(struct rig_team *team)
{
	const struct mem_job *job = rig_team_args(team);
	struct rank_timing *timing = rig_team_result(team);

	if (mine_bytes != job->bytes) {
		free(mine);
		mine_bytes = 0;
		mine = roof_memory(job->bytes);
		if (!mine)
			return rig_team_fail(team, -ENOMEM,
					     "no %llu bytes of memory",
					     (unsigned long long)job->bytes);
		mine_bytes = job->bytes;
	}
	if (!job->count)
		return check(team, job);
	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	(void)roof_run(job->roof, mine, job->bytes, job->count);
	timing->end_ns = stopwatch_ns(job->clock);
	return 0;
}

static void ground_put(struct ground *ground)
{
	if (--ground->users > 0)
		return;
	rig_pool_destroy(ground->pool);
	free(ground);
	shared = NULL;
}

static int ground_get(int workers, clockid_t clock, char *why)
{
	int r;

	if (shared) {
		shared->users++;
		return 0;
	}
	shared = calloc(1, sizeof(*shared));
	if (!shared)
		return -ENOMEM;
	shared->users = 1;
	shared->clock = clock;
	r = pool_contender_open(
		&shared->pool, &(struct rig_pool_options){ .workers = workers },
		why);
	if (r < 0)
		ground_put(shared);
	return r;
}

/* Half of the free memory, at most: a worker that dies for want of memory
 * measures nothing. */
static bool fits(const struct mem_arg *arg, char *why)
{
	char line[128];
	size_t kib = SIZE_MAX;
	size_t wanted = arg->bytes >> 10;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %zu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	if (wanted <= kib / 2 / (size_t)arg->workers)
		return true;
	snprintf(why, CASE_WHY_BYTES,
		 "%d times %zu KiB are more than half of the %zu KiB available",
		 arg->workers, wanted, kib);
	return false;
}

static int mem_open(const void *arg, clockid_t clock, void **state, char *why)
{
	const struct mem_arg *a = arg;
	struct mem *m;
	int r;

	if (a->roof == ROOF_WRITE_NT && !roof_has_nt()) {
		snprintf(why, CASE_WHY_BYTES,
			 "no stores past the caches in this build");
		return -ENOTSUP;
	}
	if (!fits(a, why))
		return -ENOTSUP;
	r = ground_get(a->workers, clock, why);
	if (r < 0)
		return r;
	m = malloc(sizeof(*m));
	if (!m) {
		ground_put(shared);
		return -ENOMEM;
	}
	*m = (struct mem){ shared, *a };
	*state = m;
	return 0;
}

static int mem_run(void *state, uint64_t count, struct timing *timing,
		   char *why)
{
	struct mem *m = state;
	struct mem_job args = { m->ground->clock, m->arg.roof, m->arg.bytes,
				count };

	return pool_contender_run(m->ground->pool,
				  &(struct rig_job){ .kernel = pass,
						     .args = &args,
						     .args_bytes = sizeof(args),
						     .limit_ns = LIMIT_NS },
				  timing, why);
}

static int mem_verify(void *state, char *why)
{
	struct timing timing = { 0 };

	return mem_run(state, 0, &timing, why);
}

static void mem_bound(void *state, struct case_binding *binding)
{
	struct mem *m = state;

	pool_contender_bound(m->ground->pool, binding);
}

static void mem_close(void *state)
{
	struct mem *m = state;

	ground_put(m->ground);
	free(m);
}

static const struct bench_ops mem_ops = {
	.open = mem_open,
	.run = mem_run,
	.verify = mem_verify,
	.bound = mem_bound,
	.close = mem_close,
};

/* The cache that holds this many bytes of each of `workers`: "L2", "memory". */
static void level_of(size_t bytes, int workers, char *text, size_t room)
{
	struct machine_cache caches[MACHINE_CACHES_MAX];
	int n = machine_caches(caches);

	for (int i = 0; i < n; i++) {
		int sharing = workers < caches[i].sharers ? workers
							  : caches[i].sharers;

		if (bytes * (size_t)sharing > caches[i].bytes)
			continue;
		snprintf(text, room, "L%d", caches[i].level);
		return;
	}
	snprintf(text, room, "%s", n ? "memory" : "unknown");
}

static int add_size(struct plan *plan, int workers, size_t bytes)
{
	struct mem_arg arg = { .workers = workers,
			       .bytes = bytes < ROOF_STEP ? ROOF_STEP
							  : bytes / ROOF_STEP *
								    ROOF_STEP };
	int r = 0;

	for (int i = 0; i < ROOFS && r == 0; i++) {
		struct bench_case what = {
			.unit = "ns",
			.bytes = (double)arg.bytes * workers,
			.again = i == ROOF_READ,
			.ops = &mem_ops,
			.arg = &arg,
			.arg_bytes = sizeof(arg),
			.axes = { { .name = "roof" },
				  { .name = "workers" },
				  { .name = "size" },
				  { .name = "where" },
				  { .name = "moves" } },
		};

		arg.roof = (enum roof)i;
		snprintf(what.contest, sizeof(what.contest),
			 "memory, %d worker%s, %zu bytes", workers,
			 workers == 1 ? "" : "s", arg.bytes);
		snprintf(what.name, sizeof(what.name), "%s", roof_names[i]);
		snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%s",
			 roof_names[i]);
		snprintf(what.axes[1].value, sizeof(what.axes[1].value), "%d",
			 workers);
		snprintf(what.axes[2].value, sizeof(what.axes[2].value), "%zu",
			 arg.bytes);
		level_of(arg.bytes, workers, what.axes[3].value,
			 sizeof(what.axes[3].value));
		snprintf(what.axes[4].value, sizeof(what.axes[4].value), "%.3g",
			 roof_moves[i]);
		snprintf(what.settings, sizeof(what.settings),
			 "private memory of each rank, touched by itself");
		r = plan_add(plan, &what);
	}
	return r;
}

/* Half of each cache's share, a size between, and beyond the last; returns how
 * many, each a worker's. */
static int choose_sizes(int workers, size_t *sizes)
{
	struct machine_cache caches[MACHINE_CACHES_MAX];
	int levels = machine_caches(caches);
	size_t last = (size_t)8 << 20; /* where no cache is known */
	size_t below = 0;
	int n = 0;

	for (int i = 0; i < levels; i++) {
		int sharing = workers < caches[i].sharers ? workers
							  : caches[i].sharers;
		size_t share = caches[i].bytes / (size_t)sharing;

		/* A share no larger than the cache below has nothing to show. */
		if (share / 2 <= below)
			continue;
		if (below && share / 4 > below)
			sizes[n++] = share / 4;
		sizes[n++] = share / 2;
		below = share;
		last = share;
	}
	sizes[n++] = 2 * last;
	sizes[n++] = BEYOND * last;
	return n;
}

static const struct cell *find(const struct plan *plan, int workers,
			       const char *where, enum roof roof)
{
	const struct cell *found = NULL;
	char text[16];

	snprintf(text, sizeof(text), "%d", workers);
	/* The last size: the largest of the place. */
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *c = &plan->cells[i];

		if (c->n && c->twin < 0 &&
		    strcmp(c->what.axes[0].value, roof_names[roof]) == 0 &&
		    strcmp(c->what.axes[1].value, text) == 0 &&
		    strcmp(c->what.axes[3].value, where) == 0)
			found = c;
	}
	return found;
}

static double rate(const struct cell *cell)
{
	return cell->what.bytes / cell->summary.p50.estimate;
}

static void print_verdict(const struct plan *plan, FILE *out)
{
	int workers = plan->cell_count ? atoi(plan->cells[plan->cell_count - 1]
						      .what.axes[1]
						      .value)
				       : 1;
	const struct cell *one = find(plan, 1, "memory", ROOF_READ);
	const struct cell *all = find(plan, workers, "memory", ROOF_READ);
	const struct cell *copy = find(plan, workers, "memory", ROOF_COPY);

	if (!one || !all || !copy)
		return;
	fprintf(out, "Memory is read at %.1f GB/s by one core", rate(one));
	if (workers > 1)
		fprintf(out, ", at %.1f by %d", rate(all), workers);
	fprintf(out, ", and copied at %.1f (read and written).\n\n",
		rate(copy));
}

/* Median, half the interval, and the best: a capacity is both. */
static void print_rate(const struct cell *cell, FILE *out)
{
	const struct stats_summary *s = &cell->summary;
	double bytes = cell->what.bytes;
	char spread[16] = "";
	double half = (bytes / s->p50.low - bytes / s->p50.high) / 2;

	if (!cell->n) {
		fprintf(out, "%19s", "n/a");
		return;
	}
	if (s->p50.known)
		snprintf(spread, sizeof(spread), half < 9.5 ? "±%.1f" : "±%.0f",
			 half);
	/* The sign has two bytes and a single column. */
	fprintf(out, " %6.4g %-*s %5.4g", bytes / s->p50.estimate,
		*spread ? 6 : 5, spread, bytes / s->min);
}

static void print_size(size_t bytes, FILE *out)
{
	if (bytes < 1 << 20)
		fprintf(out, "%6.1f KiB", (double)bytes / 1024);
	else
		fprintf(out, "%6.1f MiB", (double)bytes / (1 << 20));
}

static void print_roofs(const struct plan *plan, const struct run_info *info,
			FILE *out)
{
	const char *contest = "";
	const char *workers = "";

	(void)info;
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *c = &plan->cells[i];

		if (strcmp(c->what.axes[1].value, workers) != 0) {
			workers = c->what.axes[1].value;
			fprintf(out,
				"%s%s worker%s, GB/s\na worker's  "
				"where ",
				i ? "\n" : "", workers,
				strcmp(workers, "1") == 0 ? "" : "s together");
			for (int k = 0; k < ROOFS; k++)
				fprintf(out, " %6s %-5s %5s", roof_names[k], "",
					"best");
		}
		if (strcmp(c->what.contest, contest) != 0) {
			contest = c->what.contest;
			fprintf(out, "\n");
			print_size((size_t)atof(c->what.axes[2].value), out);
			fprintf(out, "  %-6s", c->what.axes[3].value);
		}
		if (c->twin < 0)
			print_rate(c, out);
	}
	fprintf(out,
		"\n\nGB are 10^9 bytes that the program reads or writes. A "
		"plain store reads its line\nfirst (write-allocate): beyond "
		"the caches memory moves, for each byte counted,\n%.3g for "
		"read, %.3g write, %.3g write-nt, %.3g copy, %.3g triad, "
		"unless the processor\nknows better.\n",
		roof_moves[0], roof_moves[1], roof_moves[2], roof_moves[3],
		roof_moves[4]);
	for (size_t i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].status != CELL_OK)
			fprintf(out, "%s, %s: %s\n",
				plan->cells[i].what.contest,
				plan->cells[i].what.name,
				plan->cells[i].reason);
	fprintf(out, "\n");
}

/* sizes=24Ki,128M; returns how many, or -1 with a line on stderr. */
static int parse_sizes(const char *list, size_t *sizes)
{
	char word[32];
	int n = 0;

	for (const char *at = list; at;) {
		size_t length = strcspn(at, ",");

		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (length >= sizeof(word) || n == SIZES_MAX ||
		    number_size(word, &sizes[n]) < 0 || !sizes[n]) {
			fprintf(stderr,
				"rigbench: sizes=%s: at most %d sizes as 24Ki "
				"or 128M, with commas\n",
				list, SIZES_MAX);
			return -1;
		}
		n++;
		at = at[length] ? at + length + 1 : NULL;
	}
	return n;
}

static int add_workers(struct plan *plan, int workers, const size_t *given,
		       int given_count)
{
	size_t sizes[SIZES_MAX];
	int n = given_count;
	int r = 0;

	if (given_count)
		memcpy(sizes, given, (size_t)n * sizeof(*sizes));
	else
		n = choose_sizes(workers, sizes);
	for (int i = 0; i < n && r == 0; i++)
		r = add_size(plan, workers, sizes[i]);
	return r;
}

static int command_mem(struct command *c)
{
	struct rig_plan *place;
	size_t sizes[SIZES_MAX];
	int n = 0;
	int r;

	if (c->word_count > 2 ||
	    (c->word_count == 2 && strncmp(c->words[1], "sizes=", 6) != 0)) {
		fprintf(stderr, "rigbench: mem takes sizes=LIST, bytes of a "
				"worker's working set, and no other word\n");
		return 1;
	}
	if (c->word_count == 2)
		n = parse_sizes(c->words[1] + 6, sizes);
	if (n < 0)
		return 1;
	r = rig_place_plan(&place, &(struct rig_place_options){ 0 });
	if (r < 0) {
		fprintf(stderr, "rigbench: %s\n", rig_why());
		return 5;
	}
	r = add_workers(&c->plan, 1, sizes, n);
	if (r == 0 && place->workers > 1)
		r = add_workers(&c->plan, place->workers, sizes, n);
	rig_place_free(place);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	command_warmup(c, 20000000);
	c->verdict = print_verdict;
	c->tables = print_roofs;
	return command_measure(c);
}

const struct bench_command bench_mem = {
	.name = "mem",
	.words = "[sizes=LIST]",
	.summary = "Measure the roofs: what caches and memory can do.",
	.run = command_mem,
	.about =
		"sizes=24Ki,128M,... are bytes of one worker's working set; without "
		"them half of each cache's share, sizes between, and four times the "
		"last cache.",
};
