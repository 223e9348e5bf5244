/* SPDX-License-Identifier: MIT */
/*
 * bench_coll.c - rigbench coll [VERB...]: the team's verbs against Open MPI and
 * MPICH, from 8 bytes to 16 MiB, private buffers and buffers in a segment or in the
 * rank's own heap.
 *
 * Every contender runs the loop of verb.h; each MPI is taken as it comes and at
 * its best on one node.  Rows where ranks share cores are timed in a row only,
 * and tell the CPU time beside.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "commands/coll_rank.h"
#include "commands/commands.h"
#include "driver/machine.h"
#include "driver/peer.h"
#include "driver/pool_contender.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

struct coll {
	struct coll_arg arg;
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_segment *segment;
	uint64_t wrong;
};

static void coll_close(void *state)
{
	struct coll *c = state;

	rig_segment_destroy(c->segment);
	rig_pool_destroy(c->pool);
	free(c);
}

static int coll_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct coll *c = calloc(1, sizeof(*c));
	size_t bytes;
	int r;

	if (!c)
		return -ENOMEM;
	c->arg = *(const struct coll_arg *)arg;
	c->clock = clock;
	r = pool_contender_open(
		&c->pool, &(struct rig_pool_options){ .workers = c->arg.ranks },
		why);
	bytes = coll_lines_bytes(&c->arg);
	if (c->arg.buffers == BUFFERS_SEGMENT || c->arg.buffers == BUFFERS_LENT)
		bytes += (size_t)c->arg.ranks * coll_rank_bytes(&c->arg);
	if (r == 0) {
		r = rig_segment_create(
			&c->segment, NULL, bytes,
			&(struct rig_segment_options){ .pool = c->pool });
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	}
	if (r < 0) {
		coll_close(c);
		return r;
	}
	*state = c;
	return 0;
}

static int coll_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct coll *c = state;
	const struct coll_job args = { c->arg, c->clock, count };
	const struct rig_job job = {
		.kernel = coll_rank,
		.segments = { { .name = rig_segment_name(c->segment) } },
		.args = &args,
		.args_bytes = sizeof(args),
		.limit_ns = LIMIT_NS,
	};
	int r = rig_pool_run(c->pool, &job);
	double most = 0;

	for (int rank = 0; r == 0 && rank < c->arg.ranks; rank++) {
		struct verb_time time;
		double inside;

		r = rig_pool_result(c->pool, rank, &time, sizeof(time));
		if (r < 0)
			break;
		inside = (double)time.inside_ns;
		most = inside > most ? inside : most;
		timing->rank[rank].begin_ns = time.begin_ns;
		timing->rank[rank].end_ns = time.end_ns;
		timing->cost.cpu_ns += time.cpu_ns;
		timing->ranks = rank + 1;
		c->wrong += time.wrong;
	}
	timing->measured = c->arg.single;
	timing->value = most / (double)count;
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

static int coll_verify(void *state, char *why)
{
	struct coll *c = state;
	struct timing timing = { 0 };
	int r = coll_run(c, c->arg.single ? VERB_PROOF_SINGLE : VERB_PROOF_ROW,
			 &timing, why);

	if (r == 0 && c->wrong) {
		snprintf(why, CASE_WHY_BYTES, "%s: a result is wrong",
			 c->arg.verb->name);
		r = -EBADMSG;
	}
	return r;
}

static void coll_bound(void *state, struct case_binding *binding)
{
	struct coll *c = state;

	pool_contender_bound(c->pool, binding);
}

static const struct bench_ops coll_ops = {
	.open = coll_open,
	.run = coll_run,
	.verify = coll_verify,
	.bound = coll_bound,
	.close = coll_close,
};

/* A contest: a verb, a number of ranks, a number of bytes. */
struct contest {
	const struct verb *verb;
	int ranks;
	size_t bytes;
	bool single;
};

static void size_text(char *text, size_t bytes, size_t n)
{
	if (n >= (size_t)1 << 20)
		snprintf(text, bytes, "%zu MiB", n >> 20);
	else if (n >= (size_t)1 << 10)
		snprintf(text, bytes, "%zu KiB", n >> 10);
	else
		snprintf(text, bytes, "%zu B", n);
}

static void describe(struct bench_case *what, const struct contest *contest,
		     const char *name)
{
	char size[24];

	size_text(size, sizeof(size), contest->bytes);
	what->unit = "ns";
	what->axes[0] = (struct bench_axis){ .name = "ranks" };
	what->axes[1] = (struct bench_axis){ .name = "size" };
	snprintf(what->axes[0].value, sizeof(what->axes[0].value), "%d",
		 contest->ranks);
	snprintf(what->axes[1].value, sizeof(what->axes[1].value), "%zu",
		 contest->bytes);
	if (contest->bytes)
		snprintf(what->contest, sizeof(what->contest),
			 "%.20s, %s, %d ranks", contest->verb->name, size,
			 contest->ranks);
	else
		snprintf(what->contest, sizeof(what->contest), "%s, %d ranks",
			 contest->verb->name, contest->ranks);
	snprintf(what->name, sizeof(what->name), "%s", name);
}

static int add_ours(struct plan *plan, const struct contest *contest,
		    const char *name, enum buffers buffers,
		    const char *settings)
{
	const struct coll_arg arg = { .verb = contest->verb,
				      .count = contest->bytes
						       ? contest->bytes / 8
						       : 1,
				      .ranks = contest->ranks,
				      .buffers = buffers,
				      .single = contest->single };
	struct bench_case what = { .again = buffers == BUFFERS_PRIVATE,
				   .ops = &coll_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };

	describe(&what, contest, name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

/* A control: the time of moving as many bytes without any call. */
static int add_floor(struct plan *plan, const struct contest *contest)
{
	const struct coll_arg arg = { .verb = contest->verb,
				      .count = contest->bytes / 8,
				      .ranks = contest->ranks,
				      .buffers = BUFFERS_PRIVATE,
				      .single = contest->single,
				      .floor = true };
	struct bench_case what = { .ops = &coll_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };

	describe(&what, contest, "floor");
	snprintf(what.settings, sizeof(what.settings),
		 "no call: each rank copies as many bytes as it receives");
	return plan_add(plan, &what);
}

/* coll_sm has neither point-to-point calls nor non-blocking calls. */
static bool is_of_coll_sm(const char *verb)
{
	return strcmp(verb, "send") != 0 && strcmp(verb, "iallreduce") != 0 &&
	       strcmp(verb, "allreduce_init") != 0;
}

static int add_mpi(struct plan *plan, const struct contest *contest)
{
	struct bench_case what = { .peer = NULL };
	char words[80];

	describe(&what, contest, "");
	snprintf(words, sizeof(words), "%s %zu %s", contest->verb->name,
		 contest->bytes ? contest->bytes / 8 : 1,
		 contest->single ? "single" : "row");
	return peer_add_mpi(plan, &what,
			    &(struct mpi_peer){ .suffix = "-verbs",
						.ranks = contest->ranks,
						.words = words,
						.many_cases = true },
			    is_of_coll_sm(contest->verb->name));
}

static int add_contest(struct plan *plan, const char *verb, int ranks,
		       size_t bytes)
{
	const struct contest contest = { verb_find(verb), ranks, bytes,
					 bytes >= VERB_SINGLE_BYTES &&
						 ranks <= machine_pus() };
	bool lends = strcmp(verb, "bcast") == 0 || strcmp(verb, "send") == 0;
	int r;

	r = add_ours(plan, &contest, "runrig", BUFFERS_PRIVATE,
		     "private buffers");
	if (r == 0 && bytes >= VERB_SINGLE_BYTES)
		r = add_ours(plan, &contest, "runrig, segment", BUFFERS_SEGMENT,
			     "buffers in a segment");
	if (r == 0 && bytes >= VERB_SINGLE_BYTES)
		r = add_ours(plan, &contest, "runrig, heap", BUFFERS_HEAP,
			     "buffers in the rank's own heap");
	if (r == 0 && bytes >= VERB_SINGLE_BYTES && lends)
		r = add_ours(plan, &contest, "runrig, lent", BUFFERS_LENT,
			     "read where it is, in a segment");
	if (r == 0 && bytes >= VERB_SINGLE_BYTES)
		r = add_floor(plan, &contest);
	return r == 0 ? add_mpi(plan, &contest) : r;
}

static bool chosen(const struct command *c, const char *verb)
{
	for (int i = 1; i < c->word_count; i++)
		if (strcmp(c->words[i], verb) == 0)
			return true;
	return c->word_count == 1;
}

static int add_all(struct command *c)
{
	static const size_t sizes[] = { 8,       512,     4096,    65536,
					1 << 20, 4 << 20, 16 << 20 };
	static const size_t most[] = { 8, 65536, 1 << 20 };
	int r = 0;

	for (const struct verb *v = verbs; v->name && r == 0; v++) {
		/* A verb in a target gets every size. */
		bool main = strcmp(v->name, "bcast") == 0 ||
			    strcmp(v->name, "reduce") == 0 ||
			    strcmp(v->name, "allreduce") == 0 ||
			    strcmp(v->name, "allgather") == 0 ||
			    strcmp(v->name, "alltoall") == 0 ||
			    strcmp(v->name, "send") == 0;
		const size_t *at = main ? sizes : most;
		size_t n = main ? sizeof(sizes) / sizeof(*sizes)
				: sizeof(most) / sizeof(*most);

		if (!chosen(c, v->name))
			continue;
		if (strcmp(v->name, "barrier") == 0) {
			r = add_contest(&c->plan, v->name, 2, 0);
			if (r == 0)
				r = add_contest(&c->plan, v->name, 8, 0);
			continue;
		}
		for (size_t i = 0; i < n && r == 0; i++)
			r = add_contest(&c->plan, v->name, 2, at[i]);
		if (r == 0 && strcmp(v->name, "allreduce") == 0)
			r = add_contest(&c->plan, v->name, 8, 8);
	}
	return r;
}

/* Ours against the best peer of a contest. */
static bool best_peer(const struct plan *plan, const struct cell *own,
		      struct comparison *worst)
{
	bool any = false;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		struct comparison c;

		if (!cell->what.peer || cell->status != CELL_OK || !cell->n ||
		    strcmp(cell->what.contest, own->what.contest) != 0 ||
		    measure_compare(plan, own, cell, &c) < 0)
			continue;
		if (!any || c.ratio.estimate < worst->ratio.estimate)
			*worst = c;
		any = true;
	}
	return any;
}

/* How many contests are won against the best MPI, and the least and the
 * greatest ratio. */
static void coll_verdict(const struct plan *plan, FILE *out)
{
	struct comparison least = { .a = NULL };
	struct comparison most = { .a = NULL };
	int counts[3] = { 0 };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];
		struct comparison c;

		if (strcmp(own->what.name, "runrig") != 0 || own->twin >= 0 ||
		    own->status != CELL_OK || !own->n ||
		    !best_peer(plan, own, &c))
			continue;
		counts[c.verdict]++;
		if (!least.a || c.ratio.estimate < least.ratio.estimate)
			least = c;
		if (!most.a || c.ratio.estimate > most.ratio.estimate)
			most = c;
	}
	if (!most.a) {
		fprintf(out, "no MPI to compare with\n\n");
		return;
	}
	fprintf(out,
		"against the best MPI, private buffers: faster in %d, no "
		"difference shown in %d, slower in %d\n"
		"MPI takes %.2g times as long at the least (%s: %s), %.3g at "
		"the most (%s: %s)\n\n",
		counts[VERDICT_A_FASTER], counts[VERDICT_NOT_SHOWN],
		counts[VERDICT_B_FASTER], least.ratio.estimate,
		least.a->what.contest, least.b->what.name, most.ratio.estimate,
		most.a->what.contest, most.b->what.name);
}

static void put_verbs(FILE *out)
{
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(out, " %s", v->name);
	fprintf(out, "\n");
}

static void help_coll(FILE *out)
{
	fprintf(out, "Verbs, of which all are measured where none is named:");
	put_verbs(out);
}

static int command_coll(struct command *c)
{
	for (int i = 1; i < c->word_count; i++) {
		if (verb_find(c->words[i]))
			continue;
		fprintf(stderr, "rigbench: coll: no verb %s; there are",
			c->words[i]);
		put_verbs(stderr);
		return 1;
	}
	if (!c->warmup_given)
		c->plan.warmup_ns = 30000000;
	c->plan.warmup_max_ns = 200000000;
	c->verdict = coll_verdict;
	if (add_all(c) < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}

const struct bench_command bench_coll = {
	.name = "coll",
	.words = "[VERB...]",
	.summary = "Time the team's verbs against Open MPI and MPICH.",
	.run = command_coll,
	.help = help_coll,
};
