/* SPDX-License-Identifier: MIT */
/*
 * start.c - a profile that is nearly right, and a pipeline that is a queue.
 */
#include "lab.h"

double busy(const struct lab_trace *trace, int rank)
{
	double time = 0;

	/* TODO(1): is a kernel all work?  Is a wait within a wait two waits? */
	for (int i = 0; i < trace->count; i++) {
		const struct lab_span *span = &trace->spans[i];

		if (span->rank == rank && span->kind == LAB_KERNEL)
			time += span->end - span->begin;
	}
	return time;
}

double imbalance(const struct lab_trace *trace)
{
	double most = 0, least = 1e300;

	/* TODO(2): whom does the busiest rank hold up, and for how long? */
	for (int rank = 0; rank < trace->ranks; rank++) {
		double time = busy(trace, rank);

		most = time > most ? time : most;
		least = time < least ? time : least;
	}
	return most / least;
}

double alone(const struct lab_trace *trace)
{
	/* TODO(3): between two ends of spans nothing changes: who works there? */
	return busy(trace, 0);
}

double late(const struct lab_trace *trace, int *culprit)
{
	double time = 0;

	/* TODO(4): which part of the wait is the sender's fault?  Who waits, and
	 * who is waited for? */
	for (int i = 0; i < trace->count; i++) {
		const struct lab_span *span = &trace->spans[i];

		if (span->kind == LAB_RECV) {
			time += span->end - span->begin;
			*culprit = span->rank;
		}
	}
	return time;
}

enum lab_trouble diagnose(const struct lab_trace *trace)
{
	/* TODO(5): which trouble has more than half of all waits? */
	return imbalance(trace) > 1.1 ? LAB_IMBALANCE : LAB_NONE;
}

int pipeline(struct rig_team *team)
{
	const int rank = rig_team_rank(team), last = rig_team_size(team) - 1;
	double blocks[LAB_BLOCKS] = { 0 };
	int r = 0;

	/* TODO(6): what does rank 1 do while rank 0 works? */
	for (int k = 0; r == 0 && rank > 0 && k < LAB_BLOCKS; k++)
		r = lab_recv(team, &blocks[k], rank - 1);
	for (int k = 0; r == 0 && k < LAB_BLOCKS; k++)
		blocks[k] = lab_make(team, k, blocks[k]);
	for (int k = 0; r == 0 && rank < last && k < LAB_BLOCKS; k++)
		r = lab_send(team, blocks[k], rank + 1);
	return r;
}
