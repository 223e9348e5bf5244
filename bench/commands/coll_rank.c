/* SPDX-License-Identifier: MIT */
/*
 * coll_rank.c - the work of a rank of rigbench coll: the loop of verb.h around
 * a call of the team.
 */
#include "commands/coll_rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE ((size_t)4096)

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

/* Begun, and waited for at once: the cost of the non-blocking call alone. */
static int call_iallreduce(struct verb_work *w)
{
	struct rig_request *request = NULL;
	int r = rig_team_iallreduce(w->with, w->send, w->recv, w->count,
				    RIG_FLOAT64, RIG_SUM, &request);

	return r ? r : rig_team_wait(w->with, &request, NULL);
}

/* Planned once a job, outside the timed part... */
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

/* The same, read in place: only the last element is read, and that element is
 * checked.  The loan is over when the receiver has given the loan back. */
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

/* As many bytes as the rank receives, copied from the rank's own memory: no
 * call that leaves the bytes there can take less. */
static int call_floor(struct verb_work *w)
{
	const size_t sends = w->verb->sends(w->count, w->size);
	const size_t receives = w->verb->receives(w->count, w->size);

	for (size_t at = 0; at < receives; at += sends)
		memcpy(w->recv + at, w->send,
		       (receives - at < sends ? receives - at : sends) *
			       sizeof(*w->send));
	return 0;
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

size_t coll_rank_bytes(const struct coll_arg *arg)
{
	return send_bytes(arg) +
	       pages(arg->verb->receives(arg->count, arg->ranks));
}

size_t coll_lines_bytes(const struct coll_arg *arg)
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
	if (arg->floor) {
		work.call = call_floor;
		work.copies = true;
	}
	if (arg->buffers == BUFFERS_LENT && work.call == call_send) {
		work.call = call_lend;
		work.lends = true;
	}
	/* Private memory goes with this worker, the heap's with this job. */
	if (arg->buffers == BUFFERS_PRIVATE)
		mine = aligned_alloc(PAGE, coll_rank_bytes(arg));
	else if (arg->buffers == BUFFERS_HEAP)
		mine = rig_heap_aligned(rig_team_heap(team), PAGE,
					coll_rank_bytes(arg));
	else
		mine = shared + coll_lines_bytes(arg) +
		       (size_t)work.rank * coll_rank_bytes(arg);
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
					       coll_lines_bytes(arg));
}

int coll_rank(struct rig_team *team)
{
	const struct coll_job *job = rig_team_args(team);
	struct verb_time *time = rig_team_result(team);
	struct rig_request *plan = NULL;
	const bool stays = job->arg.buffers != BUFFERS_HEAP;
	int r = work.verb && stays ? 0 : prepare(team, job);

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
