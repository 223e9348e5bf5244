/* SPDX-License-Identifier: MIT */
/*
 * verified_run.c - a run of the command line: a pool, and a kernel on the pool.
 *
 * The words are checked before there is a pool: a mistake costs nothing, and
 * the mistake is the only message.
 */
#include "verified_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include "command.h"
#include "interrupt.h"
#include "operands.h"
#include "progress_line.h"
#include "show.h"

/* Make the pool, and print warnings about the pool once. */
static int start_pool(struct runner *runner)
{
	int r = rig_pool_create(&runner->pool, &runner->request->pool);

	if (r < 0)
		return complain(exit_of(r), "%s", rig_why());
	interrupt_pool(runner->pool);
	if (runner->request->pool.workers != 1)
		warn_squeezed(rig_pool_plan(runner->pool));
	if (rig_pool_oversubscribed(runner->pool))
		warn("%d workers are more than there are CPUs for them: they "
		     "take turns",
		     rig_pool_size(runner->pool));
	return 0;
}

/* In the library, as a phase begins. */
static void enter_phase(void *arg, enum rig_phase phase,
			const struct rig_outcome *outcome)
{
	static const enum progress_phase phases[] = {
		[RIG_PHASE_PREPARING] = PROGRESS_PREPARING,
		[RIG_PHASE_RUNNING] = PROGRESS_RUNNING,
		[RIG_PHASE_VERIFYING] = PROGRESS_VERIFYING,
		[RIG_PHASE_WRITING] = PROGRESS_WRITING,
	};
	struct runner *runner = arg;

	/* The signal came as the run before ended, and has cancelled none. */
	interrupt_end();
	if (!runner_tells(runner))
		return;
	if (phase == RIG_PHASE_PREPARING && outcome->runs == 0)
		progress_begin(&(struct progress_work){
			.kernel = outcome->kernel,
			.args = outcome->args,
			.pool = runner->pool,
			.runs = (uint64_t)runner->request->repeat });
	else
		progress_enter(phases[phase]);
}

bool runner_tells(const struct runner *runner)
{
	return !runner->hosts || rig_hosts_rank(runner->hosts) == 0;
}

static int run_on_hosts(void *arg, const struct rig_job *job)
{
	return rig_hosts_run(arg, job);
}

/* Join the other hosts, also after a failure here (`r`): the other hosts
 * wait. */
static int join_hosts(struct runner *runner, int r)
{
	int joined = rig_hosts_join(&runner->hosts,
				    r == 0 ? runner->pool : NULL, NULL);

	if (r)
		return r;
	if (joined < 0)
		return complain(exit_of(joined), "%s", rig_why());
	runner->spec.run_job = run_on_hosts;
	runner->spec.run_job_arg = runner->hosts;
	/* A sample would be another on each host. */
	if (runner->spec.verify == RIG_VERIFY_SAMPLE)
		runner->spec.verify = RIG_VERIFY_FULL;
	for (int i = 0; !runner_tells(runner) && i < RIG_ARRAYS_MAX; i++)
		runner->operands[i].output = NULL;
	return 0;
}

/* Whether the kernel runs on several hosts, and no option is for a single
 * host. */
static int check_hosts(const struct run_request *request)
{
	if (!request->kernel->hosts)
		return complain(EXIT_USAGE,
				"--hosts: %s runs on one host only: `runrig "
				"kernels' says which run on several",
				request->kernel->name);
	if (request->map || request->replicate)
		return complain(EXIT_USAGE,
				"--hosts: --map and --memory replicate are for "
				"one host");
	for (int i = 0; i < RIG_ARRAYS_MAX; i++)
		if (request->arrays[i].segment)
			return complain(EXIT_USAGE,
					"--hosts: --segment is for one host: "
					"use --input");
	return 0;
}

/* The call failed: say how. */
static int run_failed(struct runner *runner, int code)
{
	const struct rig_report *report = rig_pool_report(runner->pool);

	progress_clear();
	snprintf(runner->why, sizeof(runner->why), "%s", rig_why());
	if (runner->hosts && runner_tells(runner) &&
	    *rig_hosts_report(runner->hosts)) {
		fprintf(stderr, "runrig: %s", rig_hosts_report(runner->hosts));
		return code == -EBADMSG ? EXIT_UNVERIFIED : EXIT_RUN;
	}
	if (!runner->outcome || !runner->outcome->started)
		return complain(exit_of(code), "%s", runner->why);
	/* The report's first line is the whole message of a kernel that
	 * fails by itself. */
	if (report->end == RIG_END_OK || report->end == RIG_END_FAILED)
		(void)complain(EXIT_RUN, "%s", runner->why);
	else if (runner_tells(runner))
		fprintf(stderr, "runrig: %s", report->text);
	return code == -EBADMSG ? EXIT_UNVERIFIED : EXIT_RUN;
}

/* Call `fn` for each array with a picture in colours. */
static int each_picture(const struct runner *runner,
			const struct rig_outcome *outcome,
			int (*fn)(const struct run_request *request,
				  const struct rig_outcome_array *array,
				  const char *path))
{
	int r = 0;

	for (int i = 0; i < outcome->array_count && r == 0; i++) {
		const char *path = runner->request->arrays[i].output;

		if (png_wanted(path))
			r = fn(runner->request, &outcome->arrays[i], path);
	}
	return r;
}

static int check_picture(const struct run_request *request,
			 const struct rig_outcome_array *array,
			 const char *path)
{
	if (request->repeat > 1)
		return complain(EXIT_USAGE,
				"%s: a picture is of one run: no --repeat",
				path);
	if (check_writable(path))
		return EXIT_SYSTEM;
	return png_check(array, path);
}

static int write_picture(const struct run_request *request,
			 const struct rig_outcome_array *array,
			 const char *path)
{
	return png_write(array, path, &request->style);
}

static int check(struct runner *runner)
{
	struct rig_outcome *outcome;
	int r = rig_kernel_check(&runner->spec, &outcome);

	r = r < 0 ? complain(exit_of(r), "%s", rig_why())
		  : each_picture(runner, outcome, check_picture);
	rig_outcome_free(outcome);
	return r;
}

int runner_run(struct runner *runner, const struct run_request *request)
{
	int r;

	*runner = (struct runner){ .request = request };
	r = operands_enter(runner);
	if (r == 0)
		r = check(runner);
	if (r == 0 && request->hosts)
		r = check_hosts(request);
	if (r == 0)
		r = start_pool(runner);
	if (request->hosts)
		r = join_hosts(runner, r);
	if (r)
		return r;
	runner->spec.phase = enter_phase;
	runner->spec.phase_arg = runner;
	r = rig_kernel_run(runner->pool, &runner->spec, &runner->outcome);
	progress_end();
	if (r < 0)
		return run_failed(runner, r);
	r = each_picture(runner, runner->outcome, write_picture);
	if (r)
		return r;
	if (request->replicate && runner->outcome->replicated == 0)
		warn("--memory replicate: %s reads no array that it does not "
		     "write",
		     request->kernel->name);
	return 0;
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t runner_steady_ns(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	size_t count = (size_t)outcome->runs - 1;
	uint64_t *sorted, median;

	if (count == 0)
		return outcome->times_ns[0];
	sorted = calloc(count, sizeof(*sorted));
	if (!sorted)
		return outcome->times_ns[1];
	memcpy(sorted, outcome->times_ns + 1, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_ns);
	median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
	free(sorted);
	return median;
}

void runner_finish(struct runner *runner)
{
	progress_end();
	rig_outcome_free(runner->outcome);
	interrupt_pool(NULL);
	rig_hosts_leave(runner->hosts);
	rig_pool_destroy(runner->pool);
	for (struct rig_setting *s = runner->settings; s && s->name; s++)
		free((void *)(uintptr_t)s->name);
	free(runner->settings);
}
