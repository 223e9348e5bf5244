/* SPDX-License-Identifier: MIT */
/*
 * coll.c - rigbench coll [VERB...]: the team's verbs against Open MPI and
 * MPICH, from 8 bytes to 4 MiB, private buffers and buffers in a segment.
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

#include "commands/commands.h"
#include "driver/machine.h"
#include "driver/peer.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"
#include "peers/verb.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

#define PAGE ((size_t)4096)

/* Where the buffers are. */
enum buffers {
	BUFFERS_PRIVATE,
	BUFFERS_SEGMENT, /* each rank its own part */
	BUFFERS_LENT     /* bcast: all ranks the same place; send: lent */
};

struct coll_arg {
	const struct verb *verb;
	size_t count; /* doubles one rank contributes */
	int ranks;
	enum buffers buffers;
	bool single;
};

/* A job's arguments. */
struct coll_job {
	struct coll_arg arg;
	clockid_t clock;
	uint64_t calls;
};

struct coll {
	struct coll_arg arg;
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_segment *segment;
	uint64_t wrong;
};

static int call_barrier(struct verb_work *w)
{
	return rig_team_barrier(w->with);
}

static int call_bcast(struct verb_work *w)
{
	return rig_team_bcast(w->with, w->rank == VERB_ROOT ? w->send : w->recv,
			      w->count, RIG_FLOAT64, VERB_ROOT);
}

static int call_reduce(struct verb_work *w)
{
	return rig_team_reduce(w->with, w->send, w->recv, w->count, RIG_FLOAT64,
			       RIG_SUM, VERB_ROOT);
}

static int call_allreduce(struct verb_work *w)
{
	return rig_team_allreduce(w->with, w->send, w->recv, w->count,
				  RIG_FLOAT64, RIG_SUM);
}

/* Begun, and waited for at once: what it costs by itself. */
static int call_iallreduce(struct verb_work *w)
{
	struct rig_request *request = NULL;
	int r = rig_team_iallreduce(w->with, w->send, w->recv, w->count,
				    RIG_FLOAT64, RIG_SUM, &request);

	return r ? r : rig_team_wait(w->with, &request, NULL);
}

/* Planned once a job, outside the time that is taken... */
static int plan_allreduce(struct verb_work *w, struct rig_request **plan)
{
	return rig_team_allreduce_init(w->with, w->send, w->recv, w->count,
				       RIG_FLOAT64, RIG_SUM, plan);
}

/* ... started and waited for at once. */
static int call_plan(struct verb_work *w)
{
	struct rig_request *plan = w->plan;
	int r = rig_team_start(w->with, &plan);

	return r ? r : rig_team_wait(w->with, &plan, NULL);
}

static int call_reduce_scatter_block(struct verb_work *w)
{
	return rig_team_reduce_scatter_block(w->with, w->send, w->recv,
					     w->count, RIG_FLOAT64, RIG_SUM);
}

static int call_scan(struct verb_work *w)
{
	return rig_team_scan(w->with, w->send, w->recv, w->count, RIG_FLOAT64,
			     RIG_SUM);
}

static int call_gather(struct verb_work *w)
{
	return rig_team_gather(w->with, w->send, w->count, RIG_FLOAT64, w->recv,
			       w->count, RIG_FLOAT64, VERB_ROOT);
}

static int call_scatter(struct verb_work *w)
{
	return rig_team_scatter(w->with, w->send, w->count, RIG_FLOAT64,
				w->recv, w->count, RIG_FLOAT64, VERB_ROOT);
}

static int call_allgather(struct verb_work *w)
{
	return rig_team_allgather(w->with, w->send, w->count, RIG_FLOAT64,
				  w->recv, w->count, RIG_FLOAT64);
}

static int call_alltoall(struct verb_work *w)
{
	return rig_team_alltoall(w->with, w->send, w->count, RIG_FLOAT64,
				 w->recv, w->count, RIG_FLOAT64);
}

#define TAG 1

/* There and back between ranks 0 and 1. */
static int call_send(struct verb_work *w)
{
	int r = 0;

	if (w->rank == 0)
		r = rig_team_send(w->with, w->send, w->count, RIG_FLOAT64, 1,
				  TAG);
	r |= rig_team_recv(w->with, w->recv, w->count, RIG_FLOAT64, !w->rank,
			   TAG, NULL);
	if (w->rank == 1)
		r |= rig_team_send(w->with, w->send, w->count, RIG_FLOAT64, 0,
				   TAG);
	return r;
}

/* The same, read where it is: only the last element of it, and that is what is
 * looked at.  The loan is over when it has been given back. */
static int lend(struct verb_work *w)
{
	struct rig_request *request = NULL;
	int r = rig_team_lend(w->with, w->send, w->count, RIG_FLOAT64, !w->rank,
			      TAG, &request);

	return r | rig_team_wait(w->with, &request, NULL);
}

static int borrow(struct verb_work *w)
{
	const void *data;
	int r = rig_team_borrow(w->with, &data, !w->rank, TAG, NULL);

	if (r < 0)
		return r;
	w->lent = ((const double *)data)[w->count - 1];
	return rig_team_release(w->with, data);
}

static int call_lend(struct verb_work *w)
{
	int r = 0;

	if (w->rank == 0)
		r = lend(w);
	r |= borrow(w);
	if (w->rank == 1)
		r |= lend(w);
	return r;
}

static const struct {
	const char *name;
	int (*call)(struct verb_work *w);
} calls[] = {
	{ "barrier", call_barrier },
	{ "bcast", call_bcast },
	{ "reduce", call_reduce },
	{ "allreduce", call_allreduce },
	{ "iallreduce", call_iallreduce },
	{ "allreduce_init", call_plan },
	{ "reduce_scatter_block", call_reduce_scatter_block },
	{ "scan", call_scan },
	{ "gather", call_gather },
	{ "scatter", call_scatter },
	{ "allgather", call_allgather },
	{ "alltoall", call_alltoall },
	{ "send", call_send },
};

static size_t pages(size_t count)
{
	return (count * sizeof(double) + PAGE) / PAGE * PAGE;
}

static size_t send_bytes(const struct coll_arg *arg)
{
	return pages(arg->verb->sends(arg->count, arg->ranks));
}

static size_t rank_bytes(const struct coll_arg *arg)
{
	return send_bytes(arg) +
	       pages(arg->verb->receives(arg->count, arg->ranks));
}

static size_t lines_bytes(const struct coll_arg *arg)
{
	return pages((size_t)arg->ranks * VERB_LINE_BYTES / sizeof(double));
}

/* This worker's part, kept from job to job. */
static struct verb_work work;

static int prepare(struct rig_team *team, const struct coll_job *job)
{
	const struct coll_arg *arg = &job->arg;
	char *shared = rig_team_data(team, 0);
	char *mine;

	work = (struct verb_work){ .verb = arg->verb,
				   .clock = job->clock,
				   .rank = rig_team_rank(team),
				   .size = rig_team_size(team),
				   .count = arg->count,
				   .single = arg->single,
				   .lines = shared };
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, arg->verb->name) == 0)
			work.call = calls[i].call;
	if (arg->buffers == BUFFERS_LENT && work.call == call_send) {
		work.call = call_lend;
		work.lends = true;
	}
	/* Private memory goes with this worker. */
	mine = arg->buffers == BUFFERS_PRIVATE
		       ? aligned_alloc(PAGE, rank_bytes(arg))
		       : shared + lines_bytes(arg) +
				 (size_t)work.rank * rank_bytes(arg);
	if (!mine || !work.call)
		return rig_team_fail(team, -ENOMEM, "out of memory");
	work.send = (double *)(void *)mine;
	work.recv = (double *)(void *)(mine + send_bytes(arg));
	verb_prepare(&work);
	return 0;
}

/* Everybody's buffer is the root's: there is nothing to copy. */
static void share_buffer(struct rig_team *team, const struct coll_arg *arg)
{
	if (arg->buffers == BUFFERS_LENT && !work.lends)
		work.recv = (double *)(void *)((char *)rig_team_data(team, 0) +
					       lines_bytes(arg));
}

static int collective(struct rig_team *team)
{
	const struct coll_job *job = rig_team_args(team);
	struct verb_time *time = rig_team_result(team);
	struct rig_request *plan = NULL;
	int r = work.verb ? 0 : prepare(team, job);

	if (r < 0)
		return r;
	share_buffer(team, &job->arg);
	work.with = team;
	if (work.call == call_plan)
		r = plan_allreduce(&work, &plan);
	work.plan = plan;
	if (r == 0)
		r = rig_team_barrier(team);
	if (r == 0)
		verb_run(&work, job->calls, time);
	return r ? r : rig_team_request_free(team, &plan);
}

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
	bytes = lines_bytes(&c->arg);
	if (c->arg.buffers != BUFFERS_PRIVATE)
		bytes += (size_t)c->arg.ranks * rank_bytes(&c->arg);
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
		.kernel = collective,
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
	int r = coll_run(c, 16, &timing, why);

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

/* One contest: a verb, so many ranks, so many bytes. */
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
	const struct coll_arg arg = { contest->verb,
				      contest->bytes ? contest->bytes / 8 : 1,
				      contest->ranks, buffers,
				      contest->single };
	struct bench_case what = { .again = buffers == BUFFERS_PRIVATE,
				   .ops = &coll_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };

	describe(&what, contest, name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

/* It has neither point-to-point calls nor any that do not block. */
static bool is_of_coll_sm(const char *verb)
{
	return strcmp(verb, "send") != 0 && strcmp(verb, "iallreduce") != 0 &&
	       strcmp(verb, "allreduce_init") != 0;
}

static int add_mpi(struct plan *plan, const struct contest *contest)
{
	static const struct {
		const char *name, *launch;
		bool openmpi;
	} ways[] = {
		{ "Open MPI", "", true },
		{ "Open MPI coll_sm", "--mca coll_sm_priority 100", true },
		{ "MPICH", "", false },
	};
	bool room = contest->ranks <= machine_pus();
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		struct bench_case what = { .peer = NULL };
		struct peer_arg arg;
		char launch[80];
		char words[80];

		if (i == 1 && !is_of_coll_sm(contest->verb->name))
			continue;
		describe(&what, contest, ways[i].name);
		snprintf(launch, sizeof(launch), "%s%s",
			 !room             ? ""
			 : ways[i].openmpi ? "--bind-to core "
					   : "-bind-to core ",
			 ways[i].launch);
		snprintf(words, sizeof(words), "%s %zu %s", contest->verb->name,
			 contest->bytes ? contest->bytes / 8 : 1,
			 contest->single ? "single" : "row");
		peer_mpi(&what, &arg, ways[i].openmpi, "-verbs", contest->ranks,
			 launch, words);
		r = plan_add(plan, &what);
	}
	return r;
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
	if (r == 0 && bytes >= VERB_SINGLE_BYTES && lends)
		r = add_ours(plan, &contest, "runrig, lent", BUFFERS_LENT,
			     "read where it is, in a segment");
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
	static const size_t sizes[] = { 8, 512, 4096, 65536, 1 << 20, 4 << 20 };
	static const size_t most[] = { 8, 65536, 1 << 20 };
	int r = 0;

	for (const struct verb *v = verbs; v->name && r == 0; v++) {
		/* What the targets name gets every size. */
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

void help_coll(FILE *out)
{
	fprintf(out, "Verbs, of which all are measured where none is named:");
	put_verbs(out);
}

int command_coll(struct command *c)
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
