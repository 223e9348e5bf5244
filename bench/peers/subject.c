/* SPDX-License-Identifier: MIT */
/*
 * subject.c - rigbench-subject CLOCK WORD: figures that need a fresh process.
 *
 *	first-pool     create and destroy the first pool of a process
 *	later-pool     and the second pool
 *	worker-memory  private bytes of an idle worker, whose caller holds 1 GiB
 *	warden-memory  and of the warden
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"

#define HELD ((size_t)1 << 30)

static clockid_t clock_id;

static int time_pool(uint64_t count, struct timing *timing)
{
	struct rig_pool *pool = NULL;
	int r;

	if (count != 1)
		return 1;
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(clock_id);
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 });
	rig_pool_destroy(pool);
	timing->rank[0].end_ns = stopwatch_ns(clock_id);
	return r < 0;
}

static int run_later_pool(uint64_t count, struct timing *timing)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 });

	rig_pool_destroy(pool);
	return r < 0 ? 1 : time_pool(count, timing);
}

/* Private_Clean + Private_Dirty of a process, in bytes; negative: unknown. */
static double private_bytes(int pid)
{
	char path[64];
	char line[128];
	double kib;
	double sum = 0;
	int seen = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Private_Clean: %lf kB", &kib) == 1 ||
		    sscanf(line, "Private_Dirty: %lf kB", &kib) == 1) {
			sum += kib * 1024;
			seen++;
		}
	}
	if (file)
		fclose(file);
	return seen == 2 ? sum : -1;
}

static int parent_of(int pid)
{
	char path[64];
	char line[128];
	int parent = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	if (file)
		fclose(file);
	return parent;
}

static int measure_memory(struct timing *timing, int warden)
{
	struct rig_pool *pool = NULL;
	struct rig_worker worker;
	char *held = malloc(HELD);
	int r;

	if (!held)
		return 1;
	memset(held, 1, HELD);
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 });
	if (r == 0)
		r = rig_pool_worker(pool, 0, &worker);
	if (r == 0) {
		timing->measured = true;
		timing->value = private_bytes(
			warden ? parent_of((int)worker.pid) : (int)worker.pid);
	}
	rig_pool_destroy(pool);
	/* Read once more, so that the compiler keeps the memory. */
	r |= held[HELD / 2] != 1;
	free(held);
	return r < 0 || timing->value < 0;
}

static int run_worker_memory(uint64_t count, struct timing *timing)
{
	(void)count;
	return measure_memory(timing, 0);
}

static int run_warden_memory(uint64_t count, struct timing *timing)
{
	(void)count;
	return measure_memory(timing, 1);
}

static const struct {
	const char *name;
	struct served served;
} words[] = {
	{ "first-pool", { time_pool, NULL } },
	{ "later-pool", { run_later_pool, NULL } },
	{ "worker-memory", { run_worker_memory, NULL } },
	{ "warden-memory", { run_warden_memory, NULL } },
};

int main(int argc, char **argv)
{
	int pid = (int)getpid();

	clock_id = argc > 2 ? (clockid_t)atoi(argv[1]) : CLOCK_MONOTONIC;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (argc > 2 && strcmp(argv[2], words[i].name) == 0)
			return serve(&words[i].served, &pid, 1);
	fprintf(stderr, "usage: rigbench-subject CLOCK WORD\n");
	return 1;
}
