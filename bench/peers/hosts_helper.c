/* SPDX-License-Identifier: MIT */
/*
 * hosts_helper.c - rigbench-hosts CLOCK WORKERS: the time that the pools of several
 * hosts, or a single pool, take for a case.
 *
 *	case verb allreduce 8192       a verb of the world, timed as verb.h says,
 *	                               doubles a rank
 *	case kernel heat n=513         a run of a kernel
 *	case caller                    a message from a worker to the caller, and back
 *
 * The data of a verb lies in a segment of each host, as arrays of runrig do.
 *
 * Under the launcher of an MPI every process is a host of WORKERS workers; else there
 * is one pool.  Host 0 talks to the driver, and tells the other hosts each order by a
 * job of its own: only the segment of host 0 has the order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/hosts.h>
#include <runrig/runrig.h>
#include <runrig/gateway.h>
#include <runrig/kernels.h>

#include "driver/stopwatch.h"
#include "peers/serve.h"
#include "peers/verb.h"

/* A run that takes longer hangs. */
#define LIMIT_NS UINT64_C(90000000000)

#define PAGE ((size_t)4096)

#define SETTINGS_MAX 16

/* Host 0 tells all hosts: `calls` of the open case, or a new case, or, with neither,
 * the end. */
struct order {
	uint64_t calls;
	char words[SERVE_LINE_BYTES];
};

/* In shared memory, of each host.  Rank 0 of the world writes the results there. */
struct orders_shm {
	struct order order;
	struct verb_time times[TIMING_RANKS_MAX];
	int32_t pids[TIMING_RANKS_MAX];
	int32_t size;
};

/* The same on every host. */
struct verb_job {
	char verb[32];
	uint64_t count; /* doubles of a rank */
	uint64_t calls;
	uint64_t cases; /* the number of cases until now */
	clockid_t clock;
};

static struct {
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_hosts *hosts; /* NULL: one pool */
	struct rig_segment *segment;
	struct rig_segment *data; /* of the verb that is open; NULL: none */
	struct orders_shm *orders;
	char words[SERVE_LINE_BYTES]; /* the case's, cut into pieces */
	int (*run)(uint64_t count, struct timing *timing);
	struct verb_job verb;
	const char *kernel;
	struct rig_setting settings[SETTINGS_MAX + 1];
	uint64_t wrong;
} job;

/* --- a verb of the world --- */

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

static const struct {
	const char *name;
	int (*call)(struct verb_work *w);
} calls[] = {
	{ "barrier", call_barrier },     { "bcast", call_bcast },
	{ "reduce", call_reduce },       { "allreduce", call_allreduce },
	{ "allgather", call_allgather }, { "alltoall", call_alltoall },
};

/* Bytes of a rank's buffer. */
static size_t buffer_bytes(size_t count)
{
	return (count * sizeof(double) + PAGE) / PAGE * PAGE;
}

/* This worker's part, kept from job to job of a case. */
static struct verb_work work;
static uint64_t work_case;

static int prepare(struct rig_team *team, const struct verb_job *args)
{
	struct rig_team *world = rig_team_world(team);
	size_t sends, receives;

	work = (struct verb_work){ .verb = verb_find(args->verb),
				   .clock = args->clock,
				   .rank = rig_team_rank(world),
				   .size = rig_team_size(world),
				   .count = args->count };
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, args->verb) == 0)
			work.call = calls[i].call;
	if (!work.verb || !work.call || work.size > TIMING_RANKS_MAX)
		return rig_team_fail(world, -EINVAL, "no such verb, or ranks");
	sends = buffer_bytes(work.verb->sends(work.count, work.size));
	receives = buffer_bytes(work.verb->receives(work.count, work.size));
	work.send =
		(double *)((char *)rig_team_data(team, 1) +
			   (size_t)rig_team_rank(team) * (sends + receives));
	work.recv = (double *)((char *)work.send + sends);
	verb_prepare(&work);
	work_case = args->cases;
	return 0;
}

/* Rank 0 of the world knows all times afterwards. */
static int time_verb(struct rig_team *team)
{
	struct rig_team *world = rig_team_world(team);
	struct orders_shm *orders = rig_team_data(team, 0);
	const struct verb_job *args = rig_team_args(team);
	const int32_t pid = (int32_t)getpid();
	struct verb_time mine = { 0 };
	int r = work_case == args->cases ? 0 : prepare(team, args);

	work.with = world;
	if (r == 0)
		r = rig_team_barrier(world);
	if (r == 0)
		verb_run(&work, args->calls, &mine);
	if (r == 0)
		r = rig_team_gather(world, &mine, sizeof(mine), RIG_UINT8,
				    orders->times, sizeof(mine), RIG_UINT8, 0);
	if (r == 0)
		r = rig_team_gather(world, &pid, sizeof(pid), RIG_UINT8,
				    orders->pids, sizeof(pid), RIG_UINT8, 0);
	if (rig_team_rank(world) == 0)
		orders->size = rig_team_size(world);
	return r;
}

/* All hosts learn the order of host 0. */
static int tell_hosts(struct rig_team *team)
{
	struct orders_shm *orders = rig_team_data(team, 0);
	struct order order = orders->order;
	const int r = rig_team_bcast(rig_team_world(team), &order,
				     sizeof(order), RIG_UINT8, 0);

	if (r == 0 && rig_team_rank(team) == 0)
		orders->order = order;
	return r;
}

static int run_job(void *arg, const struct rig_job *what)
{
	(void)arg;
	return job.hosts ? rig_hosts_run(job.hosts, what)
			 : rig_pool_run(job.pool, what);
}

static int run_with_orders(rig_kernel_fn *kernel)
{
	const struct rig_job what = {
		.kernel = kernel,
		.args = &job.verb,
		.args_bytes = sizeof(job.verb),
		.segments = { { .name = rig_segment_name(job.segment) },
			      { .name = job.data ? rig_segment_name(job.data)
						 : NULL } },
		.limit_ns = LIMIT_NS,
	};

	return run_job(NULL, &what);
}

static int run_verb(uint64_t count, struct timing *timing)
{
	int r;

	job.verb.calls = count;
	r = run_with_orders(time_verb);
	if (r < 0)
		return r;
	timing->ranks = job.orders->size;
	for (int i = 0; i < timing->ranks; i++) {
		const struct verb_time *time = &job.orders->times[i];

		timing->rank[i].begin_ns = time->begin_ns;
		timing->rank[i].end_ns = time->end_ns;
		timing->cost.cpu_ns += time->cpu_ns;
		job.wrong += time->wrong;
	}
	return 0;
}

/* --- a kernel --- */

/* `count` runs: the least of their times, in ns. */
static int run_kernel_here(uint64_t count, double *ns)
{
	struct rig_outcome *outcome = NULL;
	struct rig_spec spec = { .kernel = job.kernel,
				 .settings = job.settings,
				 .repeat = (int)count,
				 .limit_ns = LIMIT_NS,
				 .verify = RIG_VERIFY_NONE,
				 .run_job = run_job };
	int r = rig_kernel_run(job.pool, &spec, &outcome);

	for (int i = 0; r == 0 && i < outcome->runs; i++)
		if (i == 0 || (double)outcome->times_ns[i] < *ns)
			*ns = (double)outcome->times_ns[i];
	rig_outcome_free(outcome);
	return r;
}

static int run_kernel(uint64_t count, struct timing *timing)
{
	timing->measured = true;
	return run_kernel_here(count, &timing->value);
}

/* --- a worker and the caller --- */

/* The rank sends, and waits for the caller's answer. */
static int there_and_back(struct rig_team *team)
{
	struct rig_team *world = rig_team_world(team);
	struct orders_shm *orders = rig_team_data(team, 0);
	struct verb_time *time = &orders->times[0];
	uint64_t word = 0;
	int r = 0;

	time->begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; r == 0 && i < orders->order.calls; i++) {
		r = rig_team_send(world, &i, 1, RIG_UINT64, 1, 1);
		if (r == 0)
			r = rig_team_recv(world, &word, 1, RIG_UINT64, 1, 1,
					  NULL);
		time->wrong += word != i;
	}
	time->end_ns = stopwatch_ns(job.clock);
	return r;
}

/* Each parcel goes back until the run ends, as if from another host. */
static int give_back(struct rig_gateway *gateway)
{
	struct rig_parcel parcel;
	int r;

	do {
		while (rig_gateway_take(gateway, &parcel)) {
			parcel.to = 0;
			parcel.from = 1;
			parcel.team_rank = 1;
			r = rig_gateway_give(gateway, &parcel);
			if (r < 0)
				return r;
		}
		r = rig_gateway_poll(gateway, 0);
	} while (r == -EAGAIN);
	return r;
}

static int run_caller(uint64_t count, struct timing *timing)
{
	const int firsts[] = { 0, 1, 2 };
	const struct rig_world world = { .hosts = 2, .firsts = firsts };
	const struct rig_job what = {
		.kernel = there_and_back,
		.segments = { { .name = rig_segment_name(job.segment) } },
		.limit_ns = LIMIT_NS,
	};
	struct rig_gateway *gateway;
	int r = rig_gateway_open(&gateway, job.pool, &world);

	if (r < 0)
		return r;
	job.orders->order.calls = count;
	job.orders->times[0].wrong = 0;
	r = rig_gateway_submit(gateway, &what);
	if (r == 0)
		r = give_back(gateway);
	rig_gateway_close(gateway);
	timing->ranks = 1;
	timing->rank[0].begin_ns = job.orders->times[0].begin_ns;
	timing->rank[0].end_ns = job.orders->times[0].end_ns;
	job.wrong += job.orders->times[0].wrong;
	return r;
}

/* --- the driver --- */

/* NAME=VALUE words of a kernel's case. */
static int read_settings(char **words, int count)
{
	if (count > SETTINGS_MAX)
		return -EINVAL;
	memset(job.settings, 0, sizeof(job.settings));
	for (int i = 0; i < count; i++) {
		char *value = strchr(words[i], '=');

		if (!value)
			return -EINVAL;
		*value = '\0';
		job.settings[i] = (struct rig_setting){ .name = words[i],
							.text = value + 1 };
	}
	return 0;
}

/* Make the segment with the buffers of this host's ranks. */
static int make_data(void)
{
	const struct verb *verb = verb_find(job.verb.verb);
	const int hosts = job.hosts ? rig_hosts_size(job.hosts) : 0;
	const int workers = rig_pool_size(job.pool);
	const int size = hosts ? rig_hosts_first(job.hosts, hosts) : workers;

	rig_segment_destroy(job.data);
	job.data = NULL;
	if (!verb)
		return 0; /* the ranks say so */
	return rig_segment_create(
		&job.data, NULL,
		(size_t)workers *
			(buffer_bytes(verb->sends(job.verb.count, size)) +
			 buffer_bytes(verb->receives(job.verb.count, size))),
		&(struct rig_segment_options){ .pool = job.pool });
}

/* Every host: the case of the words from host 0. */
static int read_case(void)
{
	char *words[SETTINGS_MAX + 3];
	char *rest = NULL;
	int n = 0;

	snprintf(job.words, sizeof(job.words), "%s", job.orders->order.words);
	for (char *word = strtok_r(job.words, " ", &rest);
	     word && n < SETTINGS_MAX + 3; word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	job.wrong = 0;
	if (n == 3 && strcmp(words[0], "verb") == 0) {
		job.run = run_verb;
		snprintf(job.verb.verb, sizeof(job.verb.verb), "%s", words[1]);
		job.verb.count = strtoull(words[2], NULL, 10);
		job.verb.cases++;
		return make_data();
	}
	if (n >= 2 && strcmp(words[0], "kernel") == 0) {
		job.run = run_kernel;
		job.kernel = words[1];
		return read_settings(words + 2, n - 2);
	}
	job.run = run_caller;
	return n == 1 && strcmp(words[0], "caller") == 0 ? 0 : -EINVAL;
}

/* Host 0: all hosts know the order when the call returns. */
static int tell(const struct order *order)
{
	job.orders->order = *order;
	return job.hosts ? run_with_orders(tell_hosts) : 0;
}

static int run(uint64_t count, struct timing *timing)
{
	int r = tell(&(struct order){ .calls = count });

	if (r == 0)
		r = job.run(count, timing);
	if (r < 0)
		fprintf(stderr, "rigbench-hosts: %s\n", rig_why());
	return r;
}

static int verify(char *why)
{
	if (!job.wrong)
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%llu results are wrong",
		 (unsigned long long)job.wrong);
	return 1;
}

static int take(const char *words)
{
	struct order order = { .calls = 0 };
	struct timing timing = { 0 };
	int r;

	snprintf(order.words, sizeof(order.words), "%s", words);
	r = tell(&order);
	if (r < 0)
		return serve_cannot(rig_why());
	if (read_case() < 0)
		return serve_cannot("no such case");
	/* The first run of a verb tells who the ranks are. */
	if (job.run == run_verb && run(1, &timing) < 0)
		return serve_cannot(rig_why());
	serve_ready(job.orders->pids,
		    job.run == run_verb ? job.orders->size : 0);
	return 0;
}

/* Host 0: until the driver has gone; then all hosts end. */
static int lead(void)
{
	static const struct served served = { run, verify };
	const int status = serve_cases(&served, take);

	(void)tell(&(struct order){ .calls = 0 });
	return status;
}

static int follow(void)
{
	int r = 0;

	for (;;) {
		struct timing timing = { 0 };

		r = run_with_orders(tell_hosts);
		if (r < 0)
			return 1;
		if (job.orders->order.calls)
			r = job.run(job.orders->order.calls, &timing);
		else if (*job.orders->order.words)
			r = read_case();
		else
			return 0;
		if (r < 0)
			return 1;
	}
}

static int start(int workers)
{
	const struct rig_pool_options options = { .workers = workers,
						  .place = "none" };
	int r = rig_pool_create(&job.pool, &options);

	if (rig_hosts_launched(NULL)) {
		const int joined = rig_hosts_join(
			&job.hosts, r == 0 ? job.pool : NULL, NULL);

		r = r < 0 ? r : joined;
	}
	if (r == 0)
		r = rig_segment_create(
			&job.segment, NULL, sizeof(*job.orders),
			&(struct rig_segment_options){ .pool = job.pool });
	if (r == 0)
		job.orders = rig_segment_data(job.segment);
	return r;
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3) {
		fprintf(stderr, "usage: %s CLOCK WORKERS\n", argv[0]);
		return 1;
	}
	job.clock = job.verb.clock = (clockid_t)atoi(argv[1]);
	if (rig_kernels_register() < 0 || start(atoi(argv[2])) < 0)
		return serve_cannot(rig_why());
	status = !job.hosts || rig_hosts_rank(job.hosts) == 0 ? lead()
							      : follow();
	rig_segment_destroy(job.data);
	rig_segment_destroy(job.segment);
	rig_hosts_leave(job.hosts);
	rig_pool_destroy(job.pool);
	return status;
}
