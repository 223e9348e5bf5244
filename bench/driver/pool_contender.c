/* SPDX-License-Identifier: MIT */
/*
 * pool_contender.c - the common part of all pools under measurement.
 */
#include "driver/pool_contender.h"

#include <errno.h>
#include <stdio.h>

#include "driver/machine.h"

int pool_contender_open(struct rig_pool **pool,
			const struct rig_pool_options *options, char *why)
{
	int r = rig_pool_create(pool, options);

	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

int pool_contender_run(struct rig_pool *pool, const struct rig_job *job,
		       struct timing *timing, char *why)
{
	int size = rig_pool_size(pool);
	int r;

	if (size > TIMING_RANKS_MAX) {
		snprintf(why, CASE_WHY_BYTES, "at most %d ranks are measured",
			 TIMING_RANKS_MAX);
		return -EINVAL;
	}
	r = rig_pool_run(pool, job);
	for (int rank = 0; r == 0 && rank < size; rank++) {
		struct rank_timing times;

		r = rig_pool_result(pool, rank, &times, sizeof(times));
		if (r < 0)
			break;
		timing->rank[rank].begin_ns = times.begin_ns;
		timing->rank[rank].end_ns = times.end_ns;
		timing->ranks = rank + 1;
	}
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

double pool_contender_pss_bytes(const struct rig_pool *pool)
{
	double sum = 0;

	for (int rank = 0; rank < rig_pool_size(pool); rank++) {
		struct rig_worker worker;
		double pss;

		if (rig_pool_worker(pool, rank, &worker) < 0)
			return 0;
		pss = machine_pss_bytes((int)worker.pid);
		if (pss <= 0)
			return 0;
		sum += pss;
	}
	return sum;
}

void pool_contender_bound(const struct rig_pool *pool,
			  struct case_binding *binding)
{
	int size = rig_pool_size(pool);

	for (int rank = 0; rank < size && rank < TIMING_RANKS_MAX; rank++) {
		struct rig_worker worker;

		if (rig_pool_worker(pool, rank, &worker) < 0)
			return;
		binding->worker[rank].pid = (int)worker.pid;
		binding->worker[rank].cpu = worker.pu;
		binding->worker[rank].cpus = worker.pus;
		binding->workers = rank + 1;
	}
}
