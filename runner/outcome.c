/* SPDX-License-Identifier: MIT */
/*
 * outcome.c - rig_kernel_run(): a kernel by its name, run once, and proved.
 *
 * All checks come before anything is made: files are opened and judged,
 * segments attached, sizes counted (call_check.c), outputs begun
 * (call_files.c), and only then comes the memory of the arrays.  A call that
 * fails changes nothing, but for a file that is edited in place.
 */
#include <runner/kernel_call.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/barrier.h>
#include <runrig/error.h>
#include <runrig/pool.h>

#include <common/unfinished.h>
#include <runner/words.h>

static struct kernel_call *call_of(const struct rig_outcome *outcome)
{
	return (struct kernel_call *)(uintptr_t)outcome;
}

/* A job of the workers failed: the pool has a report. */
static int job_fails(struct kernel_call *call, int r)
{
	call->outcome.started |= r < 0;
	return call_fails(&call->run, r);
}

/* ---- before the run ---- */

static void enter_phase(struct kernel_call *call, enum rig_phase phase)
{
	call->outcome.phase = phase;
	call_show_arrays(call);
	if (call->spec->phase)
		call->spec->phase(call->spec->phase_arg, phase, &call->outcome);
}

/* The level of proof of the run. */
static enum rig_verify level_of(const struct kernel_call *call)
{
	const struct rig_kernel *kernel = call->run.kernel;

	if (!kernel->verify ||
	    (kernel_run_has_inputs(&call->run) && !kernel->digest))
		return RIG_VERIFY_NONE;
	if (call->spec->verify == RIG_VERIFY_SAMPLE &&
	    !sample_possible(&call->run))
		return RIG_VERIFY_FULL;
	return call->spec->verify;
}

static int make_input(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;
	int r = 0;

	if (!kernel_run_has_inputs(run))
		r = kernel_run_prepare(run);
	else if (level_of(call) == RIG_VERIFY_FULL)
		r = kernel_run_digest(run, false);
	else if (level_of(call) == RIG_VERIFY_SAMPLE)
		r = sample_begin(&call->sample, run, call->spec->seed);
	return job_fails(call, r);
}

static int replicate(struct kernel_call *call)
{
	char names[200];
	int r;

	if (!call->spec->replicate)
		return 0;
	r = kernel_run_replicate(&call->run, names, sizeof(names));
	call->outcome.replicated = r;
	return call_fails(&call->run, r < 0 ? r : 0);
}

static int prepare(struct kernel_call *call, struct rig_pool *pool)
{
	int r = call_check_private(call, pool);

	if (r == 0)
		r = call_begin_outputs(call);
	if (r < 0)
		return r;
	call->run.pool = pool;
	call->run.run_job = call->spec->run_job;
	call->run.run_job_arg = call->spec->run_job_arg;
	enter_phase(call, RIG_PHASE_PREPARING);
	r = call_fails(&call->run, kernel_run_make(&call->run, pool));
	if (r == 0)
		r = call_load(call);
	if (r == 0)
		r = make_input(call);
	if (r == 0)
		r = replicate(call);
	call->outcome.load_ns = call_now_ns() - call->begun_ns;
	return r;
}

/* ---- the run ---- */

/* The barrier the team meets at: in the first segment made for the pool. */
static const struct rig_barrier *find_barrier(struct kernel_call *call)
{
	call->outcome.barrier_segment = NULL;
	for (int i = 0; i < call->run.count; i++) {
		struct rig_segment *segment = call->run.arrays[i].segment;

		if (!segment || !rig_segment_barrier(segment))
			continue;
		call->outcome.barrier_segment = rig_segment_name(segment);
		return rig_segment_barrier(segment);
	}
	return NULL;
}

static int run_once(struct kernel_call *call)
{
	struct rig_outcome *outcome = &call->outcome;
	const struct rig_barrier *barrier = find_barrier(call);
	uint64_t epochs = barrier ? rig_barrier_epochs(barrier) : 0;
	uint64_t blocked = barrier ? rig_barrier_blocked(barrier) : 0;
	uint64_t begin_ns;
	int r;

	enter_phase(call, RIG_PHASE_RUNNING);
	begin_ns = call_now_ns();
	r = kernel_run_run(&call->run);
	call->times_ns[outcome->runs] = call_now_ns() - begin_ns;
	if (r < 0)
		return job_fails(call, r);
	outcome->runs++;
	if (barrier) {
		outcome->epochs += rig_barrier_epochs(barrier) - epochs;
		outcome->blocked += rig_barrier_blocked(barrier) - blocked;
	}
	call_show_arrays(call);
	return 0;
}

static int prove(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;
	enum rig_verify level = level_of(call);
	uint64_t begin_ns = call_now_ns();
	int r = 0;

	if (level == RIG_VERIFY_NONE)
		return 0;
	enter_phase(call, RIG_PHASE_VERIFYING);
	if (level == RIG_VERIFY_SAMPLE) {
		r = sample_prove(&call->sample, run);
		call->outcome.blocks = call->sample.blocks;
		call->outcome.covered = call->sample.covered;
		call->outcome.seed = call->sample.seed;
	} else {
		if (kernel_run_has_inputs(run))
			r = kernel_run_digest(run, true);
		if (r == 0)
			r = kernel_run_verify(run);
	}
	sample_end(&call->sample);
	call->outcome.proof_ns = call_now_ns() - begin_ns;
	call->outcome.verify = level;
	call->outcome.verified = r == 0;
	return job_fails(call, r);
}

/* ---- after the run ---- */

static int store(struct kernel_call *call)
{
	uint64_t begin_ns = call_now_ns();
	int r;

	if (!call_stores(call))
		return 0;
	enter_phase(call, RIG_PHASE_WRITING);
	r = call_write_outputs(call);
	if (r == 0)
		r = call_return_data(call);
	call->outcome.store_ns = call_now_ns() - begin_ns;
	return r;
}

/* Keep the result before another run writes over it. */
static void keep_result(struct kernel_call *call)
{
	const struct rig_kernel *kernel = call->run.kernel;
	void *data[RIG_ARRAYS_MAX] = { NULL };

	if (!kernel->result)
		return;
	for (int i = 0; i < call->run.count; i++)
		data[i] = (void *)(uintptr_t)call_data(call, i);
	kernel->result(call->run.args, data, call->result,
		       sizeof(call->result));
}

/* Does the kernel write to a segment of the caller's? */
static bool writes_theirs(const struct kernel_run *run)
{
	for (int i = 0; i < run->count; i++)
		if (run->arrays[i].name &&
		    run->kernel->arrays[i].role & RIG_OUTPUT)
			return true;
	return false;
}

static int run_again(struct kernel_call *call)
{
	int r = 0;

	if (call->spec->repeat > 1 && writes_theirs(&call->run)) {
		enter_phase(call, RIG_PHASE_PREPARING);
		r = kernel_run_copy(&call->run);
		if (r < 0)
			return words_fail(r, "%s (for the repeats)",
					  call->run.why);
		call->outcome.copied = true;
	}
	while (call->outcome.runs < call->spec->repeat && r == 0)
		r = run_once(call);
	return r;
}

int rig_kernel_run(struct rig_pool *pool, const struct rig_spec *spec,
		   struct rig_outcome **outcome)
{
	struct kernel_call *call = NULL;
	int r;

	*outcome = NULL;
	r = call_open(spec, &call);
	if (r < 0)
		return r;
	*outcome = &call->outcome;
	r = prepare(call, pool);
	if (r == 0)
		r = run_once(call);
	if (r == 0)
		r = prove(call);
	/* Anybody may cut off a file that lies in the place of an output. */
	if (r == 0)
		keep_result(call);
	if (r == 0)
		r = store(call);
	if (r == 0)
		r = run_again(call);
	/* After a failed run nobody knows which rank still writes. */
	call->run.spares = r == 0;
	call->outcome.code = r;
	call->outcome.wall_ns = call_now_ns() - call->begun_ns;
	call->spec = NULL;
	return r;
}

int rig_kernel_check(const struct rig_spec *spec, struct rig_outcome **outcome)
{
	struct kernel_call *call = NULL;
	int r;

	*outcome = NULL;
	r = call_open(spec, &call);
	if (r < 0)
		return r;
	call->spec = NULL;
	*outcome = &call->outcome;
	return 0;
}

/* ---- the outcome ---- */

/* The words after "NAME = "; NULL: the result has no such name. */
static const char *value_of(const char *result, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = result; *at; at += strcspn(at, ",")) {
		at += strspn(at, ", ");
		if (strncmp(at, name, length) == 0 &&
		    strncmp(at + length, " = ", 3) == 0)
			return at + length + 3;
	}
	return NULL;
}

/* Does a number end here? */
static bool ends(const char *at)
{
	return *at == '\0' || *at == ',';
}

int rig_outcome_get(const struct rig_outcome *outcome, const char *name,
		    struct rig_number *number)
{
	const char *value = value_of(outcome->result, name);
	char *end = NULL;

	if (!value)
		return words_fail(-ENOENT, "%s finds no \"%.80s\"",
				  outcome->kernel->name, name);
	*number = (struct rig_number){ .kind = RIG_NUMBER_REAL };
	number->real = strtod(value, &end);
	if (end == value || !ends(end))
		return words_fail(-ENOENT, "%s of %s is no number", name,
				  outcome->kernel->name);
	errno = 0;
	number->integer = strtoll(value, &end, 10);
	if (errno == 0 && ends(end))
		number->kind = RIG_NUMBER_INT;
	errno = 0;
	number->natural = *value == '-' ? 0 : strtoull(value, &end, 10);
	if (errno == 0 && ends(end) && *value != '-' &&
	    number->kind == RIG_NUMBER_REAL)
		number->kind = RIG_NUMBER_UINT;
	return 0;
}

int rig_outcome_setting(const struct rig_outcome *outcome, int index,
			char *text, size_t bytes)
{
	arguments_show(&outcome->kernel->params[index], outcome->args, text,
		       bytes);
	return (int)strlen(text);
}

int rig_outcome_owns(const struct rig_outcome *outcome, int index, int rank,
		     int size, struct rig_span *spans)
{
	return kernel_run_owns(&call_of(outcome)->run, index, rank, size,
			       spans);
}

size_t rig_outcome_private_bytes(const struct rig_outcome *outcome, int size)
{
	return kernel_run_private_bytes(&call_of(outcome)->run, size);
}

void rig_outcome_free(struct rig_outcome *outcome)
{
	struct kernel_call *call = call_of(outcome);

	if (!call)
		return;
	for (int i = 0; i < RIG_ARRAYS_MAX; i++)
		operand_close(&call->sources[i]);
	sample_end(&call->sample);
	kernel_run_finish(&call->run);
	free(call->times_ns);
	free(call->folder);
	free(call);
}

void rig_outputs_remove(void)
{
	unfinished_remove();
}
