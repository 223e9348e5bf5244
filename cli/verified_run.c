/* SPDX-License-Identifier: MIT */
/*
 * verified_run.c - run a kernel once, prove the result, and run it again for time.
 *
 * Everything that can be refused is refused before anything is made: files are
 * opened and judged, segments attached, outputs begun, and only then come the
 * pool and its memory.  So a command that fails leaves what there was.
 */
#include "verified_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <runrig/barrier.h>
#include <runrig/error.h>
#include <runrig/segment.h>
#include <runrig/sweep.h>

#include "command.h"
#include "given.h"
#include "picture.h"
#include "progress_line.h"
#include "show.h"

/* A mistake in the command line, or something about the system? */
static int exit_of(int code)
{
	return code == -EINVAL ? EXIT_USAGE : EXIT_SYSTEM;
}

/* Kernel, parameters, arrays: all that the command line says. */
static int rig_up(struct runner *runner)
{
	const struct run_request *request = runner->request;
	struct kernel_run *run = &runner->run;
	int r;

	if (kernel_run_init(run, request->kernel) < 0)
		return complain(EXIT_USAGE, "%s", run->why);
	run->limit_ns = request->limit_ns;
	run->memory = request->memory;
	run->pages = request->pages;
	if (kernel_run_set_all(run, request->words) < 0)
		return complain(EXIT_USAGE, "%s", run->why);
	r = given_open(runner);
	if (r == 0 && kernel_run_check(run) < 0)
		r = complain(EXIT_USAGE, "%s", run->why);
	return r ? r : given_check(runner);
}

/* Of the arrays it is to make; SIZE_MAX where they are beyond all count. */
static size_t new_bytes(const struct runner *runner)
{
	const struct kernel_run *run = &runner->run;
	size_t bytes = 0;

	for (int i = 0; i < run->count; i++)
		if (!run->arrays[i].name &&
		    __builtin_add_overflow(bytes, run->arrays[i].bytes, &bytes))
			return SIZE_MAX;
	return bytes;
}

/* Is there room for the arrays?  /dev/shm may be larger than memory: what is
 * beyond either is refused, before the kernel kills somebody for it; and what
 * the dead have left is no excuse. */
static int check_room(const struct runner *runner)
{
	size_t bytes = new_bytes(runner);
	size_t shm = rig_shm_available(), memory = rig_memory_available();
	char takes[SHOWN_BYTES], has[SHOWN_BYTES];

	if ((bytes > shm || bytes > memory) &&
	    rig_sweep_clean(false, NULL) > 0) {
		shm = rig_shm_available();
		memory = rig_memory_available();
	}
	if (bytes <= shm && bytes <= memory)
		return 0;
	return complain(
		EXIT_SYSTEM, "%s: its arrays take %s, and %s room for %s",
		runner->request->kernel->name, show_bytes((double)bytes, takes),
		bytes > shm ? "/dev/shm has" : "memory has",
		show_bytes((double)(bytes > shm ? shm : memory), has));
}

static int begin_outputs(struct runner *runner)
{
	struct kernel_run *run = &runner->run;
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++) {
		const struct rig_array *array = kernel_run_array(run, i);
		const char *path = runner->request->arrays[i].output;

		if (!run->arrays[i].given)
			runner->shapes[i] = (struct npy_shape){
				.dims = 1, .extent = { array->count }
			};
		if (path)
			r = (picture_wanted(path)
				     ? picture_create
				     : npy_create)(&runner->outputs[i], path,
						   array, &runner->shapes[i]);
	}
	return r;
}

/* The pool, and what may be said of it once. */
static int start_pool(struct runner *runner)
{
	int r = rig_pool_create(&runner->pool, &runner->request->pool);
	size_t bytes;

	if (r < 0)
		return complain(exit_of(r), "%s", rig_why());
	if (runner->request->pool.workers != 1)
		warn_squeezed(rig_pool_plan(runner->pool));
	if (rig_pool_oversubscribed(runner->pool))
		warn("%d workers are more than there are CPUs for them: they "
		     "take turns",
		     rig_pool_size(runner->pool));
	bytes = kernel_run_private_bytes(&runner->run,
					 rig_pool_size(runner->pool));
	if (__builtin_add_overflow(bytes, new_bytes(runner), &bytes) ||
	    bytes > rig_memory_available())
		return complain(EXIT_SYSTEM,
				"%s: its arrays and its workers take %zu bytes "
				"of memory, and %zu are to be had",
				runner->request->kernel->name, bytes,
				rig_memory_available());
	return 0;
}

static int read_inputs(struct runner *runner)
{
	struct kernel_run *run = &runner->run;
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++)
		if (runner->request->arrays[i].input)
			r = npy_read(&runner->inputs[i],
				     rig_segment_data(run->arrays[i].segment));
	return r;
}

/* A job failed: say how. */
static int run_failed(struct runner *runner, int code)
{
	const struct rig_report *report = rig_pool_report(runner->pool);

	progress_clear();
	/* The report begins with the line that is all there is to say of what
	 * a kernel says by itself. */
	if (report->end == RIG_END_OK || report->end == RIG_END_FAILED)
		(void)complain(EXIT_RUN, "%s", runner->run.why);
	else
		fprintf(stderr, "runrig: %s", report->text);
	return code == -EBADMSG ? EXIT_UNVERIFIED : EXIT_RUN;
}

/* --memory replicate, the input being complete. */
static int replicate(struct runner *runner)
{
	char names[200];
	int count;

	if (!runner->request->replicate)
		return 0;
	count = kernel_run_replicate(&runner->run, names, sizeof(names));
	if (count < 0)
		return complain(exit_of(count), "%s", runner->run.why);
	if (count == 0)
		warn("--memory replicate: %s reads no array that it does not "
		     "write",
		     runner->request->kernel->name);
	return 0;
}

static int make_input(struct runner *runner)
{
	struct kernel_run *run = &runner->run;
	int r = 0;

	if (!kernel_run_has_inputs(run))
		r = kernel_run_prepare(run);
	else if (!runner->request->no_verify)
		r = kernel_run_digest(run, false);
	return r < 0 ? run_failed(runner, r) : 0;
}

int runner_prepare(struct runner *runner, const struct run_request *request)
{
	int r;

	*runner = (struct runner){ .request = request };
	runner->time_ns =
		calloc((size_t)request->repeat, sizeof(*runner->time_ns));
	if (!runner->time_ns)
		return complain(EXIT_SYSTEM, "out of memory");
	r = rig_up(runner);
	if (r == 0)
		r = check_room(runner);
	if (r == 0)
		r = begin_outputs(runner);
	if (r == 0)
		r = start_pool(runner);
	if (r)
		return r;
	progress_begin(
		&(struct progress_work){ .kernel = request->kernel,
					 .args = runner->run.args,
					 .pool = runner->pool,
					 .runs = (uint64_t)request->repeat });
	r = kernel_run_make(&runner->run, runner->pool);
	if (r < 0)
		return complain(exit_of(r), "%s", runner->run.why);
	r = read_inputs(runner);
	if (r == 0)
		r = make_input(runner);
	return r ? r : replicate(runner);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The barrier the team meets at: in the first segment made for the pool. */
static const struct rig_barrier *find_barrier(struct runner *runner)
{
	struct kernel_run *run = &runner->run;

	runner->barrier_segment = NULL;
	for (int i = 0; i < run->count; i++) {
		struct rig_segment *segment = run->arrays[i].segment;

		if (!segment)
			continue;
		runner->barrier_segment = rig_segment_name(segment);
		return rig_segment_barrier(segment);
	}
	return NULL;
}

static int run_once(struct runner *runner)
{
	const struct rig_barrier *barrier = find_barrier(runner);
	uint64_t epochs = barrier ? rig_barrier_epochs(barrier) : 0;
	uint64_t blocked = barrier ? rig_barrier_blocked(barrier) : 0;
	uint64_t begin_ns;
	int r;

	progress_enter(PROGRESS_RUNNING);
	begin_ns = now_ns();
	r = kernel_run_run(&runner->run);
	runner->time_ns[runner->runs] = now_ns() - begin_ns;
	if (r < 0)
		return run_failed(runner, r);
	runner->runs++;
	if (barrier) {
		runner->epochs += rig_barrier_epochs(barrier) - epochs;
		runner->blocked += rig_barrier_blocked(barrier) - blocked;
	}
	return 0;
}

void runner_data(const struct runner *runner, void *data[RIG_ARRAYS_MAX])
{
	const struct kernel_run *run = &runner->run;

	for (int i = 0; i < RIG_ARRAYS_MAX; i++) {
		const struct rigged_array *array = &run->arrays[i];
		struct rig_segment *segment = array->segment;

		if (!segment)
			segment = runner->attached[i];
		data[i] = i < run->count ? (char *)rig_segment_data(segment) +
						   array->offset
					 : NULL;
	}
}

/* Before another run writes over it. */
static void keep_result(struct runner *runner)
{
	const struct kernel_run *run = &runner->run;
	void *data[RIG_ARRAYS_MAX];

	if (!run->kernel->result)
		return;
	runner_data(runner, data);
	run->kernel->result(run->args, data, runner->result,
			    sizeof(runner->result));
}

/* Can the kernel judge this data? */
static bool can_verify(const struct runner *runner)
{
	const struct rig_kernel *kernel = runner->request->kernel;

	return kernel->verify &&
	       (!kernel_run_has_inputs(&runner->run) || kernel->digest);
}

static int verify(struct runner *runner)
{
	struct kernel_run *run = &runner->run;
	int r = 0;

	if (runner->request->no_verify || !can_verify(runner))
		return 0;
	progress_enter(PROGRESS_VERIFYING);
	if (kernel_run_has_inputs(run))
		r = kernel_run_digest(run, true);
	if (r == 0)
		r = kernel_run_verify(run);
	if (r < 0)
		return run_failed(runner, r);
	runner->verified = true;
	return 0;
}

/* All of them are complete before the first is put in its place. */
static int write_outputs(struct runner *runner)
{
	struct kernel_run *run = &runner->run;
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++) {
		const char *path = runner->request->arrays[i].output;
		struct rigged_array *array = &run->arrays[i];
		const char *data = rig_segment_data(
			array->segment ? array->segment : runner->attached[i]);

		if (!path)
			continue;
		progress_enter(PROGRESS_WRITING);
		r = picture_wanted(path)
			    ? picture_end(&runner->outputs[i],
					  data + array->offset,
					  kernel_run_array(run, i))
			    : outfile_end(&runner->outputs[i],
					  data + array->offset, array->bytes);
	}
	for (int i = 0; i < run->count && r == 0; i++)
		if (runner->request->arrays[i].output)
			r = outfile_place(&runner->outputs[i]);
	return r;
}

/* Does the kernel write to a segment of the user's? */
static bool writes_theirs(const struct runner *runner)
{
	const struct rig_kernel *kernel = runner->request->kernel;

	for (int i = 0; i < runner->run.count; i++)
		if (runner->run.arrays[i].name && kernel->arrays[i].output)
			return true;
	return false;
}

static int repeat(struct runner *runner)
{
	int r = 0;

	if (runner->request->repeat > 1 && writes_theirs(runner)) {
		progress_enter(PROGRESS_PREPARING);
		if (kernel_run_copy(&runner->run) < 0)
			return complain(EXIT_SYSTEM, "%s (for the repeats)",
					runner->run.why);
		runner->copied = true;
	}
	while (runner->runs < runner->request->repeat && r == 0)
		r = run_once(runner);
	return r;
}

int runner_run(struct runner *runner)
{
	int r;

	r = run_once(runner);
	if (r == 0)
		r = verify(runner);
	if (r == 0)
		r = write_outputs(runner);
	if (r == 0)
		keep_result(runner);
	if (r == 0)
		r = repeat(runner);
	progress_end();
	return r;
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t runner_steady_ns(const struct runner *runner)
{
	size_t count = (size_t)runner->runs - 1;
	uint64_t *sorted, median;

	if (count == 0)
		return runner->time_ns[0];
	sorted = calloc(count, sizeof(*sorted));
	if (!sorted)
		return runner->time_ns[1];
	memcpy(sorted, runner->time_ns + 1, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_ns);
	median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
	free(sorted);
	return median;
}

void runner_finish(struct runner *runner)
{
	progress_end();
	for (int i = 0; i < RIG_ARRAYS_MAX; i++) {
		npy_close(&runner->inputs[i]);
		outfile_discard(&runner->outputs[i]);
		rig_segment_destroy(runner->attached[i]);
	}
	kernel_run_finish(&runner->run);
	rig_pool_destroy(runner->pool);
	free(runner->time_ns);
}
