/* SPDX-License-Identifier: MIT */
/*
 * peer_verbs.c - rigbench-openmpi-verbs, rigbench-mpich-verbs CLOCK: an MPI's
 * collectives, timed as verb.h says.
 *
 *	case VERB COUNT single|row     doubles of a rank
 *
 * Rank 0 talks to the driver, and passes cases and numbers of calls on.
 */
#include <mpi.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"
#include "peers/verb.h"

#define TAG 1

static struct verb_work work;

static int call_barrier(struct verb_work *w)
{
	(void)w;
	return MPI_Barrier(MPI_COMM_WORLD);
}

static int call_bcast(struct verb_work *w)
{
	return MPI_Bcast(w->rank == VERB_ROOT ? w->send : w->recv,
			 (int)w->count, MPI_DOUBLE, VERB_ROOT, MPI_COMM_WORLD);
}

static int call_reduce(struct verb_work *w)
{
	return MPI_Reduce(w->send, w->recv, (int)w->count, MPI_DOUBLE, MPI_SUM,
			  VERB_ROOT, MPI_COMM_WORLD);
}

static int call_allreduce(struct verb_work *w)
{
	return MPI_Allreduce(w->send, w->recv, (int)w->count, MPI_DOUBLE,
			     MPI_SUM, MPI_COMM_WORLD);
}

static int call_iallreduce(struct verb_work *w)
{
	MPI_Request request;
	int r = MPI_Iallreduce(w->send, w->recv, (int)w->count, MPI_DOUBLE,
			       MPI_SUM, MPI_COMM_WORLD, &request);

	return r ? r : MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Planned once, by open_case(). */
static MPI_Request plan = MPI_REQUEST_NULL;

static int call_plan(struct verb_work *w)
{
	int r = MPI_Start(&plan);

	(void)w;
	return r ? r : MPI_Wait(&plan, MPI_STATUS_IGNORE);
}

/* As MPI 4 has it, or as an Open MPI before.  False: this MPI has no plans. */
static bool plan_allreduce(void)
{
#if MPI_VERSION >= 4
	MPI_Allreduce_init(work.send, work.recv, (int)work.count, MPI_DOUBLE,
			   MPI_SUM, MPI_COMM_WORLD, MPI_INFO_NULL, &plan);
	return true;
#elif defined(OMPI_HAVE_MPI_EXT_PCOLLREQ)
	MPIX_Allreduce_init(work.send, work.recv, (int)work.count, MPI_DOUBLE,
			    MPI_SUM, MPI_COMM_WORLD, MPI_INFO_NULL, &plan);
	return true;
#else
	return false;
#endif
}

static int call_reduce_scatter_block(struct verb_work *w)
{
	return MPI_Reduce_scatter_block(w->send, w->recv, (int)w->count,
					MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static int call_scan(struct verb_work *w)
{
	return MPI_Scan(w->send, w->recv, (int)w->count, MPI_DOUBLE, MPI_SUM,
			MPI_COMM_WORLD);
}

static int call_gather(struct verb_work *w)
{
	return MPI_Gather(w->send, (int)w->count, MPI_DOUBLE, w->recv,
			  (int)w->count, MPI_DOUBLE, VERB_ROOT, MPI_COMM_WORLD);
}

static int call_scatter(struct verb_work *w)
{
	return MPI_Scatter(w->send, (int)w->count, MPI_DOUBLE, w->recv,
			   (int)w->count, MPI_DOUBLE, VERB_ROOT,
			   MPI_COMM_WORLD);
}

static int call_allgather(struct verb_work *w)
{
	return MPI_Allgather(w->send, (int)w->count, MPI_DOUBLE, w->recv,
			     (int)w->count, MPI_DOUBLE, MPI_COMM_WORLD);
}

static int call_alltoall(struct verb_work *w)
{
	return MPI_Alltoall(w->send, (int)w->count, MPI_DOUBLE, w->recv,
			    (int)w->count, MPI_DOUBLE, MPI_COMM_WORLD);
}

/* There and back between ranks 0 and 1. */
static int call_send(struct verb_work *w)
{
	int r = 0;

	if (w->rank == 0)
		r = MPI_Send(w->send, (int)w->count, MPI_DOUBLE, 1, TAG,
			     MPI_COMM_WORLD);
	r |= MPI_Recv(w->recv, (int)w->count, MPI_DOUBLE, !w->rank, TAG,
		      MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	if (w->rank == 1)
		r |= MPI_Send(w->send, (int)w->count, MPI_DOUBLE, 0, TAG,
			      MPI_COMM_WORLD);
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

static uint64_t wrong; /* in all runs; rank 0 knows the sum of all ranks */

/* All ranks: every rank's times to rank 0. */
static void together(uint64_t count, struct timing *timing)
{
	static struct verb_time all[TIMING_RANKS_MAX];
	struct verb_time mine;
	double most = 0;

	MPI_Barrier(MPI_COMM_WORLD);
	verb_run(&work, count, &mine);
	MPI_Gather(&mine, sizeof(mine), MPI_BYTE, all, sizeof(mine), MPI_BYTE,
		   0, MPI_COMM_WORLD);
	if (work.rank)
		return;
	for (int i = 0; i < work.size; i++) {
		double inside = (double)all[i].inside_ns;

		timing->rank[i].begin_ns = all[i].begin_ns;
		timing->rank[i].end_ns = all[i].end_ns;
		timing->cost.cpu_ns += all[i].cpu_ns;
		wrong += all[i].wrong;
		most = inside > most ? inside : most;
	}
	timing->ranks = work.size;
	timing->measured = work.single;
	timing->value = most / (double)count;
}

/* Lines to meet at, in rank 0's window. */
static char *make_lines(void)
{
	size_t bytes = (size_t)(work.size + 1) * VERB_LINE_BYTES;
	MPI_Aint length;
	MPI_Win win;
	char *base;
	int unit;

	MPI_Win_allocate_shared(work.rank ? 0 : (MPI_Aint)bytes, 1,
				MPI_INFO_NULL, MPI_COMM_WORLD, &base, &win);
	MPI_Win_shared_query(win, 0, &length, &unit, &base);
	if (work.rank == 0)
		memset(base, 0, bytes);
	MPI_Barrier(MPI_COMM_WORLD);
	return (char *)(((uintptr_t)base + VERB_LINE_BYTES - 1) &
			~(uintptr_t)(VERB_LINE_BYTES - 1));
}

/* Whole pages, written to: a first touch is no part of a call. */
static double *buffer(size_t count)
{
	size_t bytes = (count * sizeof(double) + 4096) / 4096 * 4096;
	double *data = aligned_alloc(4096, bytes);

	if (!data)
		MPI_Abort(MPI_COMM_WORLD, 1);
	memset(data, 0, bytes);
	return data;
}

/* Rank 0 tells all ranks: `calls` of the case that is open, or a new case, or the
 * end, which has neither. */
struct order {
	uint64_t calls;
	char words[SERVE_LINE_BYTES];
};

static void close_case(void)
{
	if (plan != MPI_REQUEST_NULL)
		MPI_Request_free(&plan);
	free(work.send);
	free(work.recv);
	work.send = work.recv = NULL;
}

/* All ranks.  NULL, or what the case lacks. */
static const char *open_case(const char *words)
{
	char verb[32];
	char how[8];

	close_case();
	if (sscanf(words, "%31s %zu %7s", verb, &work.count, how) != 3)
		return "a case is VERB COUNT single|row";
	work.verb = verb_find(verb);
	work.call = NULL;
	work.single = strcmp(how, "single") == 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, verb) == 0)
			work.call = calls[i].call;
	if (!work.verb || !work.call || !work.count)
		return "no such verb";
	work.send = buffer(work.verb->sends(work.count, work.size));
	work.recv = buffer(work.verb->receives(work.count, work.size));
	verb_prepare(&work);
	if (work.call == call_plan && !plan_allreduce())
		return "this MPI has no persistent collectives";
	return NULL;
}

static int run(uint64_t count, struct timing *timing)
{
	struct order order = { .calls = count };

	MPI_Bcast(&order, sizeof(order), MPI_BYTE, 0, MPI_COMM_WORLD);
	together(count, timing);
	return 0;
}

static int verify(char *why)
{
	struct timing timing = { 0 };

	(void)run(work.single ? VERB_PROOF_SINGLE : VERB_PROOF_ROW, &timing);
	if (!wrong)
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%s: a result is wrong", work.verb->name);
	return 1;
}

static int pids[TIMING_RANKS_MAX];

static int take(const char *words)
{
	struct order order = { .calls = 0 };
	const char *lacks;

	snprintf(order.words, sizeof(order.words), "%s", words);
	MPI_Bcast(&order, sizeof(order), MPI_BYTE, 0, MPI_COMM_WORLD);
	wrong = 0;
	lacks = open_case(order.words);
	if (lacks)
		return serve_cannot(lacks);
	serve_ready(pids, work.size);
	return 0;
}

static void lead(void)
{
	static const struct served served = { run, verify };
	struct order end = { .calls = 0 };

	(void)serve_cases(&served, take);
	MPI_Bcast(&end, sizeof(end), MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void follow(void)
{
	for (;;) {
		struct order order;

		MPI_Bcast(&order, sizeof(order), MPI_BYTE, 0, MPI_COMM_WORLD);
		if (order.calls)
			together(order.calls, NULL);
		else if (*order.words)
			(void)open_case(order.words);
		else
			return;
	}
}

int main(int argc, char **argv)
{
	int pid = (int)getpid();

	MPI_Init(&argc, &argv);
	if (argc != 2) {
		fprintf(stderr, "usage: %s CLOCK\n", argv[0]);
		MPI_Abort(MPI_COMM_WORLD, 1);
	}
	MPI_Comm_rank(MPI_COMM_WORLD, &work.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &work.size);
	work.clock = (clockid_t)atoi(argv[1]);
	if (work.size > TIMING_RANKS_MAX)
		MPI_Abort(MPI_COMM_WORLD, 1);
	work.lines = make_lines();
	MPI_Gather(&pid, 1, MPI_INT, pids, 1, MPI_INT, 0, MPI_COMM_WORLD);
	if (work.rank == 0)
		lead();
	else
		follow();
	close_case();
	MPI_Finalize();
	return 0;
}
