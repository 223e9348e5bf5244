/* SPDX-License-Identifier: MIT */
/*
 * list_server.c - rigbench-list CLOCK WORD LENGTH [WORKERS]: runrig's side of
 * python/shared_list.py, one operation for each word.
 *
 *	get       get an item of a list of LENGTH ints, one after the other
 *	set       set an item
 *	create    create such a list and destroy the list
 *	reverse   reverse the list by the kernel list-reverse in a pool of WORKERS
 *	swap      reverse the list here, by rig_list_reverse
 *	attach    attach to the list by name, get an item, destroy the handle
 *	segment   the same with a segment of LENGTH bytes
 *	calls     the kernel's part: open, mmap, a touch, munmap and close,
 *	          without a lock or a check
 *
 * The process runs on the first CPU that is allowed, as Python's process does.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kernels/builtin.h>
#include <runner/kernel_run.h>
#include <runrig/runrig.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"

static struct {
	clockid_t clock;
	size_t length;
	struct rig_value *values;
	struct rig_list *list;
	struct rig_segment *segment;
	struct rig_pool *pool;
	struct kernel_run run;
	uint64_t reversals;
	char path[300];
} my;

/* The sum of the operations' results: no operation is left out by a
 * compiler. */
static volatile int64_t sum;

static void begin(struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(my.clock);
}

static void end(struct timing *timing)
{
	timing->rank[0].end_ns = stopwatch_ns(my.clock);
}

static int run_get(uint64_t count, struct timing *timing)
{
	struct rig_value value;
	int64_t all = 0;
	int r = 0;

	begin(timing);
	for (uint64_t i = 0, at = 0; i < count && r == 0; i++) {
		r = rig_list_get(my.list, (int64_t)at, &value);
		all += value.integer;
		at = at + 1 < my.length ? at + 1 : 0;
	}
	end(timing);
	sum += all;
	return r;
}

static int run_set(uint64_t count, struct timing *timing)
{
	int r = 0;

	begin(timing);
	for (uint64_t i = 0, at = 0; i < count && r == 0; i++) {
		r = rig_list_set(my.list, (int64_t)at, &my.values[at]);
		at = at + 1 < my.length ? at + 1 : 0;
	}
	end(timing);
	return r;
}

static int run_create(uint64_t count, struct timing *timing)
{
	int r = 0;

	begin(timing);
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct rig_list *list = NULL;

		r = rig_list_create(&list, NULL, my.values, my.length, NULL);
		rig_list_destroy(list);
	}
	end(timing);
	return r;
}

static int run_reverse(uint64_t count, struct timing *timing)
{
	int r = 0;

	begin(timing);
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = kernel_run_run(&my.run);
	end(timing);
	my.reversals += count;
	return r;
}

static int run_swap(uint64_t count, struct timing *timing)
{
	const struct rig_span all = { 0, my.length },
			      pairs = { 0, my.length / 2 };
	int r = 0;

	begin(timing);
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = rig_list_reverse(my.list, all, pairs);
	end(timing);
	my.reversals += count;
	return r;
}

static int run_attach(uint64_t count, struct timing *timing)
{
	struct rig_value value;
	int r = 0;

	begin(timing);
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct rig_list *list = NULL;

		r = rig_list_attach(&list, rig_list_name(my.list), NULL);
		if (r == 0)
			r = rig_list_get(list, 0, &value);
		rig_list_destroy(list);
	}
	end(timing);
	return r;
}

static int run_segment(uint64_t count, struct timing *timing)
{
	int r = 0;

	begin(timing);
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct rig_segment *segment = NULL;

		r = rig_segment_attach(&segment, rig_segment_name(my.segment),
				       NULL);
		if (r == 0)
			sum += *(char *)rig_segment_data(segment);
		rig_segment_destroy(segment);
	}
	end(timing);
	return r;
}

static int run_calls(uint64_t count, struct timing *timing)
{
	begin(timing);
	for (uint64_t i = 0; i < count; i++) {
		int fd = open(my.path, O_RDWR | O_CLOEXEC);
		char *data = mmap(NULL, my.length, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);

		if (data == MAP_FAILED)
			return 1;
		sum += *data;
		munmap(data, my.length);
		close(fd);
	}
	end(timing);
	return 0;
}

/* Is the list 0, 1, ... or, after an odd number of reversals, the reversed list? */
static int verify_list(char *why)
{
	struct rig_value value;

	for (size_t i = 0; i < my.length; i++) {
		size_t right = my.reversals % 2 ? my.length - 1 - i : i;

		if (rig_list_get(my.list, (int64_t)i, &value) < 0 ||
		    value.kind != RIG_VALUE_INT ||
		    value.integer != (int64_t)right) {
			snprintf(why, CASE_WHY_BYTES, "item %zu", i);
			return 1;
		}
	}
	return 0;
}

static int make_values(void)
{
	my.values = calloc(my.length, sizeof(*my.values));
	for (size_t i = 0; my.values && i < my.length; i++)
		my.values[i] = rig_int((int64_t)i);
	return my.values ? 0 : -1;
}

static int make_list(int workers)
{
	(void)workers;
	return make_values() < 0 ? -1
				 : rig_list_create(&my.list, NULL, my.values,
						   my.length, NULL);
}

/* The kernel list-reverse on the list, as `runrig run --segment` has it. */
static int make_pool(int workers)
{
	struct rig_array what = { .item_bytes = 1, .dtype = RIG_UINT8 };
	int r = make_list(workers);

	if (r == 0)
		r = rig_kernels_register();
	if (r == 0)
		r = rig_pool_create(&my.pool, &(struct rig_pool_options){
						      .workers = workers });
	if (r == 0)
		r = kernel_run_init(&my.run, rig_kernel_find("list-reverse"));
	if (r < 0)
		return r;
	what.count = rig_segment_bytes(rig_list_segment(my.list));
	kernel_run_give(&my.run, 0, &what, rig_list_name(my.list), 0);
	r = kernel_run_check(&my.run);
	return r < 0 ? r : kernel_run_make(&my.run, my.pool);
}

static int make_segment(int workers)
{
	int r = rig_segment_create(&my.segment, NULL, my.length, NULL);

	(void)workers;
	if (r == 0)
		snprintf(my.path, sizeof(my.path), "/dev/shm/%s",
			 rig_segment_name(my.segment));
	return r;
}

static int make_only_values(int workers)
{
	(void)workers;
	return make_values();
}

static const struct {
	const char *name;
	bool anywhere; /* not on one CPU: the workers are placed */
	int (*make)(int workers);
	struct served served;
} words[] = {
	{ "get", false, make_list, { run_get, verify_list } },
	{ "set", false, make_list, { run_set, verify_list } },
	{ "create", false, make_only_values, { run_create, NULL } },
	{ "reverse", true, make_pool, { run_reverse, verify_list } },
	{ "swap", false, make_list, { run_swap, verify_list } },
	{ "attach", false, make_list, { run_attach, verify_list } },
	{ "segment", false, make_segment, { run_segment, NULL } },
	{ "calls", false, make_segment, { run_calls, NULL } },
};

/* Move to the first CPU that is allowed. */
static void pin(void)
{
	cpu_set_t set, first;

	CPU_ZERO(&first);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			CPU_SET(cpu, &first);
			break;
		}
	(void)sched_setaffinity(0, sizeof(first), &first);
}

/* This process and the workers, which stop and go on together. */
static int serve_word(const struct served *served)
{
	int pids[TIMING_RANKS_MAX] = { (int)getpid() };
	int count = 1;

	for (int i = 0;
	     my.pool && i < rig_pool_size(my.pool) && count < TIMING_RANKS_MAX;
	     i++) {
		struct rig_worker worker;

		if (rig_pool_worker(my.pool, i, &worker) == 0)
			pids[count++] = (int)worker.pid;
	}
	return serve(served, pids, count);
}

int main(int argc, char **argv)
{
	int workers = argc > 4 ? atoi(argv[4]) : 1;
	int status = 1;

	if (argc < 4 || atoll(argv[3]) < 1) {
		fprintf(stderr, "usage: rigbench-list CLOCK WORD LENGTH "
				"[WORKERS]\n");
		return 1;
	}
	my.clock = (clockid_t)atoi(argv[1]);
	my.length = (size_t)atoll(argv[3]);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(argv[2], words[i].name) != 0)
			continue;
		if (!words[i].anywhere)
			pin();
		status = words[i].make(workers) < 0
				 ? serve_cannot(rig_why())
				 : serve_word(&words[i].served);
	}
	if (my.run.kernel)
		kernel_run_finish(&my.run);
	rig_pool_destroy(my.pool);
	rig_list_destroy(my.list);
	rig_segment_destroy(my.segment);
	free(my.values);
	return status;
}
