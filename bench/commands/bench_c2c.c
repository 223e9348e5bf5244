/* SPDX-License-Identifier: MIT */
/*
 * bench_c2c.c - rigbench c2c: the time of a cache line from each PU to each
 * other PU.
 *
 * A single pool of two workers serves all pairs of a launch: the ranks pin
 * themselves to the pair's PUs and hand a word of a segment to and fro.  An
 * operation is a hand-over one way, half a round trip.  Pairs of a launch are
 * visited interleaved, so that a slow moment of the machine does not look like
 * a slow pair.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/handover.h"
#include "driver/pool_contender.h"
#include "report/table.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

/* A matrix of more PUs has its rows in the files only. */
#define MATRIX_MAX 24

/* A hardware thread and its place; numbers as in place.h. */
struct pu {
	int number; /* the system's */
	int core, l3, node, package;
};

struct pair_of_pus {
	int pu[2]; /* -1: there are none */
};

/* In this process: the data that the pairs of a launch share. */
struct distance_line {
	int users;
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_segment *segment;
	uint64_t turn; /* hand-overs of all jobs so far */
};

/* An open contender. */
struct c2c {
	struct distance_line *line;
	struct pair_of_pus pair;
};

struct c2c_job {
	clockid_t clock;
	int pu[2];
	uint64_t from, count;
};

/* The open pairs share the pool; the driver has a single thread. */
static struct distance_line *shared;

static int exchange(struct rig_team *team)
{
	const struct c2c_job *job = rig_team_args(team);
	struct rank_timing *timing = rig_team_result(team);
	int rank = rig_team_rank(team);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)job->pu[rank], &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return rig_team_fail(team, -errno, "PU %d refuses to be used",
				     job->pu[rank]);
	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	hand_over(rig_team_data(team, 0), (uint64_t)rank, job->from,
		  job->count);
	timing->end_ns = stopwatch_ns(job->clock);
	return 0;
}

static void line_put(struct distance_line *line)
{
	if (!line || --line->users > 0)
		return;
	rig_segment_destroy(line->segment);
	rig_pool_destroy(line->pool);
	free(line);
	shared = NULL;
}

static int line_get(clockid_t clock, char *why)
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
		&shared->pool,
		&(struct rig_pool_options){ .workers = 2, .place = "none" },
		why);
	if (r == 0) {
		r = rig_segment_create(
			&shared->segment, NULL, sizeof(struct handover_shm),
			&(struct rig_segment_options){ .pool = shared->pool });
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	}
	if (r < 0)
		line_put(shared);
	return r;
}

static int c2c_open(const void *arg, clockid_t clock, void **state, char *why)
{
	const struct pair_of_pus *pair = arg;
	struct c2c *c;
	int r;

	if (pair->pu[1] < 0) {
		snprintf(why, CASE_WHY_BYTES,
			 "one usable PU: there is no other to hand a line to");
		return -ENOTSUP;
	}
	r = line_get(clock, why);
	if (r < 0)
		return r;
	c = malloc(sizeof(*c));
	if (!c) {
		line_put(shared);
		return -ENOMEM;
	}
	*c = (struct c2c){ shared, *pair };
	*state = c;
	return 0;
}

static int c2c_run(void *state, uint64_t count, struct timing *timing,
		   char *why)
{
	struct c2c *c = state;
	struct c2c_job args = { c->line->clock,
				{ c->pair.pu[0], c->pair.pu[1] },
				c->line->turn,
				count };

	c->line->turn += count;
	return pool_contender_run(
		c->line->pool,
		&(struct rig_job){
			.kernel = exchange,
			.segments = { { .name = rig_segment_name(
						c->line->segment) } },
			.args = &args,
			.args_bytes = sizeof(args),
			.limit_ns = LIMIT_NS },
		timing, why);
}

/* The line has been handed over as often as was claimed. */
static int c2c_verify(void *state, char *why)
{
	struct c2c *c = state;
	struct handover_shm *line = rig_segment_data(c->line->segment);
	uint64_t turn = atomic_load_explicit(&line->turn, memory_order_acquire);

	if (turn == c->line->turn)
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%llu hand-overs instead of %llu",
		 (unsigned long long)turn, (unsigned long long)c->line->turn);
	return -EBADMSG;
}

/* Another pair may have been the last to run: run this pair again, then
 * look. */
static void c2c_bound(void *state, struct case_binding *binding)
{
	struct c2c *c = state;
	struct timing timing = { 0 };
	char why[CASE_WHY_BYTES];

	if (c2c_run(c, 2, &timing, why) == 0)
		pool_contender_bound(c->line->pool, binding);
}

static void c2c_close(void *state)
{
	struct c2c *c = state;

	line_put(c->line);
	free(c);
}

static const struct bench_ops c2c_ops = {
	.open = c2c_open,
	.run = c2c_run,
	.verify = c2c_verify,
	.bound = c2c_bound,
	.close = c2c_close,
};

/* How far apart, in the words of the matrix's last lines. */
static const char *const distances[] = { "same core", "same L3", "same node",
					 "same package", "other package" };

static const char *distance(const struct pu *a, const struct pu *b)
{
	if (a->core == b->core)
		return distances[0];
	if (a->l3 == b->l3 && a->l3 >= 0)
		return distances[1];
	if (a->node == b->node)
		return distances[2];
	return distances[a->package == b->package ? 3 : 4];
}

/* The usable PUs, in the order of cores; returns how many. */
static int list_pus(struct pu *pus)
{
	struct rig_plan *plan;
	int n = 0;

	if (rig_place_plan(&plan, &(struct rig_place_options){ 0 }) < 0)
		return -1;
	for (int i = 0; i < plan->machine_cores; i++) {
		const struct rig_core *core = &plan->machine[i];

		for (int pu = 0; pu < RIG_PUS_MAX; pu++)
			if (core->ours[pu / 64] >> pu % 64 & 1)
				pus[n++] = (struct pu){ pu, core->number,
							core->l3, core->node,
							core->package };
	}
	rig_place_free(plan);
	return n;
}

static int add_pair(struct plan *plan, const struct pu *a, const struct pu *b)
{
	struct pair_of_pus pair = { { a->number, b ? b->number : -1 } };
	struct bench_case what = {
		.contest = "core to core, one way",
		.unit = "ns",
		.ops = &c2c_ops,
		.arg = &pair,
		.arg_bytes = sizeof(pair),
		.axes = { { .name = "from" },
			  { .name = "to" },
			  { .name = "distance" } },
	};

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d",
		 a->number);
	snprintf(what.axes[1].value, sizeof(what.axes[1].value), "%s", "none");
	snprintf(what.axes[2].value, sizeof(what.axes[2].value), "%s",
		 b ? distance(a, b) : "none");
	snprintf(what.name, sizeof(what.name), "P#%d alone", a->number);
	if (b) {
		snprintf(what.axes[1].value, sizeof(what.axes[1].value), "%d",
			 b->number);
		snprintf(what.name, sizeof(what.name), "P#%d to P#%d",
			 a->number, b->number);
	}
	/* The first pair twice, for the noise floor. */
	what.again = b && !plan->cell_count;
	return plan_add(plan, &what);
}

static const char *axis(const struct cell *cell, int index)
{
	return cell->what.axes[index].value;
}

/* The cell of a pair, in whichever order; NULL: not measured. */
static const struct cell *pair_cell(const struct plan *plan, const char *a,
				    const char *b)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->twin < 0 && strcmp(axis(cell, 0), a) == 0 &&
		    strcmp(axis(cell, 1), b) == 0)
			return cell;
	}
	return NULL;
}

/* Rows are the second PU of a pair, columns the first: the lower triangle. */
static void print_matrix(const struct plan *plan, FILE *out)
{
	const char *pus[MATRIX_MAX];
	int n = 0;

	/* The first PU's row of cells names all. */
	for (size_t i = 0; i < plan->cell_count && n < MATRIX_MAX; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->twin >= 0 ||
		    strcmp(axis(cell, 0), axis(&plan->cells[0], 0)) != 0)
			continue;
		if (!n)
			pus[n++] = axis(cell, 0);
		if (n < MATRIX_MAX)
			pus[n++] = axis(cell, 1);
	}
	fprintf(out, "ns one way, and half its interval\n       ");
	for (int i = 0; i + 1 < n; i++)
		fprintf(out, "     P#%-4s", pus[i]);
	fprintf(out, "\n");
	for (int i = 1; i < n; i++) {
		fprintf(out, "P#%-5s", pus[i]);
		for (int k = 0; k < i; k++) {
			const struct cell *c = pair_cell(plan, pus[k], pus[i]);
			const struct stats_interval *x = &c->summary.p50;

			if (!c->n)
				fprintf(out, "%11s", "-");
			else if (x->known)
				fprintf(out, " %5.0f ±%-3.0f", x->estimate,
					(x->high - x->low) / 2);
			else
				fprintf(out, " %5.0f     ", x->estimate);
		}
		fprintf(out, "\n");
	}
}

/* Least, median and most of a class of pairs, and the pairs of the extremes. */
static void print_class(const struct plan *plan, const char *class, FILE *out)
{
	double *x = calloc(plan->cell_count, sizeof(*x));
	const struct cell *least = NULL;
	const struct cell *most = NULL;
	size_t n = 0;

	for (size_t i = 0; x && i < plan->cell_count; i++) {
		const struct cell *c = &plan->cells[i];

		if (!c->n || c->twin >= 0 || strcmp(axis(c, 2), class) != 0)
			continue;
		x[n++] = c->summary.p50.estimate;
		if (!least || x[n - 1] < least->summary.p50.estimate)
			least = c;
		if (!most || x[n - 1] > most->summary.p50.estimate)
			most = c;
	}
	if (n)
		fprintf(out,
			"%-14s %6zu pair%s  least %.0f ns (%s), median %.0f, "
			"most %.0f (%s)\n",
			class, n, n == 1 ? " " : "s",
			least->summary.p50.estimate, least->what.name,
			stats_median(x, n), most->summary.p50.estimate,
			most->what.name);
	free(x);
}

static void print_map(const struct plan *plan, const struct run_info *info,
		      FILE *out)
{
	const struct cell *first = &plan->cells[0];

	if (first->status != CELL_OK && !first->n) {
		fprintf(out, "%s: n/a: %s\n\n", first->what.contest,
			first->reason);
		return;
	}
	if (info->noise.grade == 'C')
		fprintf(out, "A loaded machine (grade C): the least of each "
			     "class is the nearest to what a line takes.\n");
	if (plan->cell_count > MATRIX_MAX * (MATRIX_MAX - 1) / 2 + 1)
		fprintf(out,
			"more than %d PUs: each pair is in --json and --csv\n",
			MATRIX_MAX);
	else
		print_matrix(plan, out);
	for (size_t i = 0; i < sizeof(distances) / sizeof(*distances); i++)
		print_class(plan, distances[i], out);
	for (size_t i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].status == CELL_FAILED)
			fprintf(out, "%s FAILED: %s\n",
				plan->cells[i].what.name,
				plan->cells[i].reason);
	fprintf(out, "\n");
}

/* The nearest and the farthest pair. */
static void print_verdict(const struct plan *plan, FILE *out)
{
	const struct cell *best = NULL;
	const struct cell *worst = NULL;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *c = &plan->cells[i];

		if (!c->n || c->twin >= 0)
			continue;
		if (!best ||
		    c->summary.p50.estimate < best->summary.p50.estimate)
			best = c;
		if (!worst ||
		    c->summary.p50.estimate > worst->summary.p50.estimate)
			worst = c;
	}
	if (!best)
		return;
	fprintf(out, "A cache line goes from %s (%s) in %.0f ns",
		best->what.name, axis(best, 2), best->summary.p50.estimate);
	if (worst != best)
		fprintf(out, ", from %s (%s) in %.0f ns", worst->what.name,
			axis(worst, 2), worst->summary.p50.estimate);
	fprintf(out, ".\n\n");
}

/* Values are short where the user did not give any: there are n (n - 1) / 2
 * pairs. */
static void shorten(struct command *c)
{
	struct plan standard;

	plan_init(&standard);
	command_warmup(c, 5000000);
	if (c->plan.batch_ns == standard.batch_ns)
		c->plan.batch_ns = 500000;
	plan_free(&standard);
}

static int command_c2c(struct command *c)
{
	static struct pu pus[RIG_PUS_MAX];
	int n;
	int r = 0;

	n = list_pus(pus);
	if (n < 1) {
		fprintf(stderr, "rigbench: %s\n", rig_why());
		return 5;
	}
	if (n == 1)
		r = add_pair(&c->plan, &pus[0], NULL);
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n && r == 0; k++)
			r = add_pair(&c->plan, &pus[i], &pus[k]);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	shorten(c);
	c->verdict = print_verdict;
	c->tables = print_map;
	return command_measure(c);
}

const struct bench_command bench_c2c = {
	.name = "c2c",
	.words = "",
	.summary = "Time a cache line from each PU to each other.",
	.run = command_c2c,
};
