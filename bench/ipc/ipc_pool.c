/* SPDX-License-Identifier: MIT */
/*
 * ipc_pool.c - runrig's own way to hand data over: a job that names a segment.
 *
 * The caller, on one core, produces a message in a segment and runs a kernel on the
 * only worker, on the other core.  The worker consumes the message in place and, for
 * a round trip, produces the reply beside the message.  In a stream the caller fills
 * one message while the worker consumes the other.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "driver/pool_contender.h"
#include "ipc/side.h"
#include "driver/stopwatch.h"

/* In this process. */
struct hand_over {
	struct pair_arg arg;
	struct rig_pool *pool;
	struct rig_segment *segment;
	size_t stride;
	uint64_t seq;
	clockid_t clock;
	bool turned; /* the array of the map */
	cpu_set_t caller, before;
	struct rig_job job;
};

/* A job's arguments. */
struct pool_message {
	uint64_t seq;
	uint64_t off;   /* place of the message in the segment */
	uint64_t reply; /* place of the reply; the same place: no reply */
	uint64_t bytes;
};

static int take(struct rig_team *team)
{
	const struct pool_message *m = rig_team_args(team);
	char *data = rig_team_data(team, 0);

	if (!payload_right(data + m->off, m->bytes, m->seq))
		return rig_team_fail(team, -EBADMSG, "message %llu is wrong",
				     (unsigned long long)m->seq);
	if (m->reply != m->off)
		payload_fill(data + m->reply, m->bytes, m->seq);
	return 0;
}

/* The map, where the array lies. */
static int turn(struct rig_team *team)
{
	const struct pool_message *m = rig_team_args(team);

	payload_turn(rig_team_data(team, 0), m->bytes);
	return 0;
}

/* At work until killed, and the caller knows. */
static int work(struct rig_team *team)
{
	_Atomic uint64_t *at_work = rig_team_data(team, 0);

	for (;;)
		atomic_fetch_add(at_work, 1);
	return 0;
}

static void pool_close(void *state)
{
	struct hand_over *h = state;

	rig_segment_destroy(h->segment);
	rig_pool_destroy(h->pool);
	free(h);
}

/* The worker on the second core, the caller on the first. */
static int make_pool(struct hand_over *h, char *why)
{
	char place[24];
	struct rig_plan *plan;
	int r = rig_place_plan(&plan,
			       &(struct rig_place_options){ .workers = 2 });

	if (r < 0)
		return r;
	if (h->arg.cpu[0][1] >= 0 && (plan->spots[0].pu != h->arg.cpu[0][0] ||
				      plan->spots[1].pu != h->arg.cpu[0][1])) {
		snprintf(why, CASE_WHY_BYTES,
			 "a pool's workers are placed by cores");
		rig_place_free(plan);
		return -ENOTSUP;
	}
	CPU_ZERO(&h->caller);
	CPU_SET((size_t)plan->spots[0].pu, &h->caller);
	snprintf(place, sizeof(place), "%d", plan->spots[1].core);
	rig_place_free(plan);
	return pool_contender_open(
		&h->pool,
		&(struct rig_pool_options){ .workers = 1, .place = place },
		why);
}

static int pool_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct hand_over *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->arg = *(const struct pair_arg *)arg;
	h->clock = clock;
	h->stride = (h->arg.bytes + 4096) & ~(size_t)4095;
	r = sched_getaffinity(0, sizeof(h->before), &h->before) < 0 ? -errno
								    : 0;
	if (r == 0)
		r = link_fits(&h->arg, why);
	if (r == 0 && h->arg.pairs > 1) {
		snprintf(why, CASE_WHY_BYTES,
			 "one caller has one run at a time");
		r = -ENOTSUP;
	}
	if (r == 0)
		r = make_pool(h, why);
	if (r == 0) {
		r = rig_segment_create(&h->segment, NULL, 2 * h->stride, NULL);
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	}
	if (r < 0) {
		pool_close(h);
		return r;
	}
	h->job.kernel = h->arg.pattern == PATTERN_MAP     ? turn
			: h->arg.pattern == PATTERN_CRASH ? work
							  : take;
	payload_fill(rig_segment_data(h->segment), h->arg.bytes, 1);
	h->job.segments[0].name = rig_segment_name(h->segment);
	h->job.args_bytes = sizeof(struct pool_message);
	*state = h;
	return 0;
}

static int pool_wake(void *state)
{
	struct hand_over *h = state;

	return sched_setaffinity(0, sizeof(h->caller), &h->caller) < 0 ? -errno
								       : 0;
}

static void pool_rest(void *state)
{
	struct hand_over *h = state;

	(void)sched_setaffinity(0, sizeof(h->before), &h->before);
}

static int there_and_back(struct hand_over *h, uint64_t count)
{
	char *data = rig_segment_data(h->segment);
	struct pool_message m = { .reply = h->stride, .bytes = h->arg.bytes };
	int r = 0;

	h->job.args = &m;
	for (uint64_t i = 0; i < count && r == 0; i++) {
		m.seq = h->seq++;
		payload_fill(data, m.bytes, m.seq);
		r = rig_pool_run(h->pool, &h->job);
		if (r == 0 && !payload_right(data + m.reply, m.bytes, m.seq))
			r = -EBADMSG;
	}
	return r;
}

static int one_way(struct hand_over *h, uint64_t count)
{
	char *data = rig_segment_data(h->segment);
	struct pool_message m = { .bytes = h->arg.bytes };
	bool busy = false;
	int r = 0;

	h->job.args = &m;
	for (uint64_t i = 0; i < count && r == 0; i++) {
		m.seq = h->seq++;
		m.off = m.reply = i % 2 * h->stride;
		payload_fill(data + m.off, m.bytes, m.seq);
		if (busy)
			r = rig_pool_wait(h->pool, RIG_FOREVER);
		if (r == 0)
			r = rig_pool_submit(h->pool, &h->job);
		busy = r == 0;
	}
	return busy ? rig_pool_wait(h->pool, RIG_FOREVER) : r;
}

static int map(struct hand_over *h, uint64_t count, bool all)
{
	const struct pool_message m = { .bytes = h->arg.bytes };
	int r = 0;

	h->job.args = &m;
	for (uint64_t i = 0; i < count && r == 0; i++) {
		r = rig_pool_run(h->pool, &h->job);
		h->turned = !h->turned;
		if (r == 0 && !payload_turned(rig_segment_data(h->segment),
					      m.bytes, 1, h->turned, all))
			r = -EBADMSG;
	}
	return r;
}

/* Kill the worker at work; the time is from the kill until the caller knows.  The
 * pool has a new worker for the next run. */
static int crash(struct hand_over *h, struct timing *timing)
{
	_Atomic uint64_t *at_work = rig_segment_data(h->segment);
	const struct pool_message m = { 0 };
	struct rig_worker worker = { 0 };
	int r;

	atomic_store(at_work, 0);
	h->job.args = &m;
	r = rig_pool_submit(h->pool, &h->job);
	if (r == 0)
		r = rig_pool_worker(h->pool, 0, &worker);
	while (r == 0 && !atomic_load(at_work))
		sched_yield();
	if (r < 0)
		return r;
	timing->rank[0].begin_ns = stopwatch_ns(h->clock);
	kill((pid_t)worker.pid, SIGKILL);
	r = rig_pool_wait(h->pool, RIG_FOREVER);
	timing->rank[0].end_ns = stopwatch_ns(h->clock);
	timing->ranks = 1;
	if (r == 0)
		return -EBADMSG;
	return r == -EOWNERDEAD ? 0 : r;
}

static int pool_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct hand_over *h = state;
	int r;

	switch (h->arg.pattern) {
	case PATTERN_STREAM:
		r = one_way(h, count);
		break;
	case PATTERN_MAP:
		r = map(h, count, false);
		break;
	case PATTERN_CRASH:
		r = crash(h, timing);
		break;
	default:
		r = there_and_back(h, count);
	}
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

static int pool_verify(void *state, char *why)
{
	struct hand_over *h = state;
	int r = 0;

	if (h->arg.pattern == PATTERN_MAP)
		r = map(h, 3, true);
	else if (h->arg.pattern != PATTERN_CRASH)
		r = there_and_back(h, 16);

	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

static void pool_bound(void *state, struct case_binding *binding)
{
	struct hand_over *h = state;

	pool_contender_bound(h->pool, binding);
}

const struct bench_ops pair_pool_ops = {
	.open = pool_open,
	.wake = pool_wake,
	.rest = pool_rest,
	.run = pool_run,
	.verify = pool_verify,
	.bound = pool_bound,
	.close = pool_close,
};

/* Only the facts: the row is no link. */
const struct transport transport_pool = {
	.name = "pool",
	.summary = "a job that names a segment, run by a pinned worker",
	.copies = 0,
	.calls = "0",
	.boundaries = true,
	.unrelated = true,
	.survives = true,
	.empty = true,
	.tier = 1,
};
