/* SPDX-License-Identifier: MIT */
/*
 * hosts_program.c - a process that joins other processes as a host, for
 * test_hosts.py.
 *
 *	hosts_program RANKS CASE
 *
 * RANKS, as "1,2", says how many workers each host has.  The exit status is 0 if all
 * checks passed; a line on stderr tells of each check that failed.  The code and words
 * of a run are arguments of the next run, which is refused if hosts differ in
 * arguments.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/hosts.h>
#include <runrig/kernels.h>
#include <runrig/runrig.h>

#include "hosts_kernels.h"
#include "hosts_verbs.h"

#define LIMIT_NS UINT64_C(60000000000)

/* The behaviour of the last rank in the kernel `act`. */
enum act { WELL, CRASH, FAIL, SLEEP, DIFFER, DEADLOCK, DEADLOCK_HERE };

struct arguments {
	enum act act;
	int phase;     /* calls before */
	int last_code; /* of the run before */
	char last_words[400];
};

static struct rig_hosts *hosts;
static struct rig_pool *pool;
static int wrong;

static void expect(bool right, const char *what, int number)
{
	if (right)
		return;
	wrong++;
	fprintf(stderr, "host %d: %s (%d): %s\n",
		hosts ? rig_hosts_rank(hosts) : -1, what, number, rig_why());
}

/* Calls that the end of another rank may interrupt. */
static int ordinary_call(struct rig_team *world, int number)
{
	static double data[40000], all[40000];
	const int next = (rig_team_rank(world) + 1) % rig_team_size(world);
	const int size = rig_team_size(world);
	const int before = (rig_team_rank(world) + size - 1) % size;

	switch (number % 4) {
	case 0:
		return rig_team_barrier(world);
	case 1:
		return rig_team_allreduce(world, data, all, 40000, RIG_FLOAT64,
					  RIG_SUM);
	case 2:
		return rig_team_sendrecv(world, data, 30000, RIG_FLOAT64, next,
					 1, all, 30000, RIG_FLOAT64, before, 1,
					 NULL);
	default:
		return rig_team_bcast(world, data, 3, RIG_FLOAT64, size - 1);
	}
}

static int act(struct rig_team *team)
{
	const struct arguments *arguments = rig_team_args(team);
	struct rig_team *world = rig_team_world(team);
	const int rank = rig_team_rank(world), size = rig_team_size(world);
	const bool last = rank == size - 1;
	double x[2] = { 1, 1 }, y[2];
	int r = 0;

	for (int i = 0; r == 0 && i < arguments->phase; i++)
		r = ordinary_call(world, i);
	if (r < 0)
		return r;
	switch (arguments->act) {
	case CRASH:
		if (last)
			(void)raise(SIGSEGV);
		break;
	case FAIL:
		if (last)
			return rig_team_fail(team, -EBADMSG, "as told");
		break;
	case SLEEP:
		if (last)
			(void)pause();
		break;
	case DIFFER:
		return rig_team_allreduce(world, x, y, last ? 2 : 1,
					  RIG_FLOAT64, RIG_SUM);
	case DEADLOCK:
		return rig_team_recv(world, x, 1, RIG_FLOAT64,
				     (rank + 1) % size, 77, NULL);
	case DEADLOCK_HERE:
		/* The other ranks have returned. */
		return last ? rig_team_recv(world, x, 1, RIG_FLOAT64, 0, 77,
					    NULL)
			    : 0;
	case WELL:
		break;
	}
	for (int i = 0; r == 0 && i < 4; i++)
		r = ordinary_call(world, i);
	return r;
}

/* Run the kernel; hosts that differ about the end of the run before refuse. */
static int run(enum act what, int phase, uint64_t limit_ns)
{
	static struct arguments arguments;
	struct rig_job job = { .kernel = act,
			       .args = &arguments,
			       .args_bytes = sizeof(arguments),
			       .limit_ns = limit_ns };
	int r;

	arguments.act = what;
	arguments.phase = phase;
	r = rig_hosts_run(hosts, &job);
	arguments.last_code = r;
	memset(arguments.last_words, 0, sizeof(arguments.last_words));
	if (r < 0)
		snprintf(arguments.last_words, sizeof(arguments.last_words),
			 "%s", rig_why());
	return r;
}

static void run_well(int phase)
{
	const int r = run(WELL, phase, LIMIT_NS);

	expect(r == 0, "a run that is to go well", r);
	expect(rig_hosts_report(hosts)[0] == 0, "no report", phase);
}

static void run_badly(enum act what, int phase, int code, const char *words,
		      uint64_t limit_ns)
{
	const int r = run(what, phase, limit_ns);

	expect(r == code, "the code", r);
	expect(strstr(rig_why(), words) != NULL, words, (int)what);
	expect(rig_hosts_report(hosts)[0] != 0, "a report", (int)what);
	run_well(1);
}

/* The verbs give the same bits as in a single pool of as many ranks. */
static void case_verbs(void)
{
	const int first = rig_hosts_first(hosts, rig_hosts_rank(hosts));
	const int all = rig_hosts_first(hosts, rig_hosts_size(hosts));
	const struct rig_pool_options options = { .workers = all,
						  .place = "none" };
	struct rig_job job = { .kernel = hosts_verbs, .limit_ns = LIMIT_NS };
	struct rig_pool *one = NULL;
	int r;

	r = rig_hosts_run(hosts, &job);
	expect(r == 0, "the verbs", r);
	r = rig_pool_create(&one, &options);
	if (r == 0)
		r = rig_pool_run(one, &job);
	expect(r == 0, "the verbs in one pool", r);
	for (int i = 0; r == 0 && i < rig_pool_size(pool); i++) {
		struct verbs_result here = { 0 }, there = { 0 };

		(void)rig_pool_result(pool, i, &here, sizeof(here));
		(void)rig_pool_result(one, first + i, &there, sizeof(there));
		expect(here.rank == first + i && here.size == all, "number",
		       here.rank);
		expect(here.hash == there.hash && here.hash != 0, "bits", i);
	}
	rig_pool_destroy(one);
}

/* Kernels give the same bits, too. */
static void case_kernels(void)
{
	const bool all = getenv("RUNRIG_LONG") != NULL;

	wrong += hosts_kernels(hosts, pool, all);
}

static void case_faults(void)
{
	run_well(0);
	for (int phase = 0; phase < 4; phase++)
		run_badly(CRASH, phase, -EOWNERDEAD, "SIGSEGV", LIMIT_NS);
	run_badly(FAIL, 2, -EBADMSG, "as told", LIMIT_NS);
	run_badly(SLEEP, 1, -ETIMEDOUT, "limit", UINT64_C(300000000));
	run_badly(DIFFER, 1, -EINVAL, "allreduce(count", LIMIT_NS);
	run_badly(DEADLOCK, 3, -EDEADLK, "deadlock", LIMIT_NS);
	run_badly(DEADLOCK_HERE, 2, -EDEADLK, "deadlock", LIMIT_NS);
	run_well(4);
}

static int other(struct rig_team *team)
{
	return rig_team_barrier(team);
}

/* Jobs that are refused do not harm the next run. */
static void case_refused(void)
{
	struct rig_job job = { .kernel = act, .limit_ns = LIMIT_NS };
	struct arguments arguments = { 0 };
	int r;

	job.args = &arguments;
	job.args_bytes = sizeof(arguments);
	if (rig_hosts_rank(hosts) == 1) {
		job = (struct rig_job){ .kernel = other };
	}
	r = rig_hosts_run(hosts, &job);
	expect(r == -EINVAL, "other kernels", r);
	job = (struct rig_job){ .name = "no_such_kernel" };
	r = rig_hosts_run(hosts, &job);
	expect(r == -EINVAL, "no kernel", r);
	expect(strstr(rig_why(), "no_such_kernel") != NULL, "its name", 0);
	run_well(2);
}

/* A caller of one host dies in the middle of a run. */
static void case_killed(void)
{
	if (rig_hosts_rank(hosts) == 1)
		(void)alarm(1);
	(void)signal(SIGALRM, SIG_DFL);
	(void)run(SLEEP, 2, LIMIT_NS);
	expect(false, "a run without its caller", 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "verbs", case_verbs },   { "kernels", case_kernels },
	{ "faults", case_faults }, { "refused", case_refused },
	{ "killed", case_killed },
};

/* As many workers as RANKS says for this process. */
static int workers_of(const char *ranks)
{
	const char *number = getenv("OMPI_COMM_WORLD_RANK");

	if (!number)
		number = getenv("PMI_RANK");
	for (int i = number ? atoi(number) : 0; i > 0; i--) {
		const char *comma = strchr(ranks, ',');

		if (comma)
			ranks = comma + 1;
	}
	return atoi(ranks);
}

int main(int argc, char **argv)
{
	struct rig_pool_options options = { .place = "none" };
	int r;

	if (argc != 3)
		return 2;
	/* The workers have the kernels that are known before the pool is made. */
	(void)rig_kernels_register();
	options.workers = workers_of(argv[1]);
	/* 0: a host without a pool. */
	r = options.workers ? rig_pool_create(&pool, &options) : 0;
	if (r == 0)
		r = rig_hosts_join(&hosts, pool, NULL);
	if (strcmp(argv[2], "no_pool") == 0) {
		rig_pool_destroy(pool);
		expect(r == -ECHILD && strstr(rig_why(), "host 1 has no pool"),
		       "a host without a pool", r);
		return wrong != 0;
	}
	if (r < 0) {
		fprintf(stderr, "join: %s\n", rig_why());
		return 1;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(cases[i].name, argv[2]) == 0 ||
		    (strcmp(argv[2], "all") == 0 &&
		     strcmp(cases[i].name, "killed") != 0))
			cases[i].run();
	rig_hosts_leave(hosts);
	hosts = NULL;
	rig_pool_destroy(pool);
	return wrong != 0;
}
