/* SPDX-License-Identifier: MIT */
/*
 * outcome.c - rig_kernel_run(): a kernel by its name, run once, and proved.
 *
 * Everything that can be refused is refused before anything is made: files are
 * opened and judged, segments attached, sizes counted, outputs begun, and only
 * then comes the memory of the arrays.  A call that fails leaves what there was.
 */
#include <runrig/kernels.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <runrig/barrier.h>
#include <runrig/error.h>
#include <runrig/pool.h>
#include <runrig/sweep.h>

#include <runner/contract.h>
#include <runner/kernel_run.h>
#include <runner/operand.h>
#include <runner/picture.h>
#include <runner/block_sample.h>
#include <runner/words.h>

/* For fewer bytes nobody asks how much memory, or /dev/shm, is left: the answer
 * takes longer than a small run, and who makes a segment asks again. */
#define LARGE ((size_t)64 << 20)
#define SMALL ((size_t)64 << 10)

/* Bytes of what a kernel says it found. */
#define RESULT_BYTES 512

/* Bytes of a setting as NAME=VALUE. */
#define WORD_BYTES 4096

/* In this process: one call, and what the caller has of it. */
struct kernel_call {
	struct rig_outcome outcome;  /* first */
	const struct rig_spec *spec; /* while the call lasts */
	struct kernel_run run;
	struct rig_outcome_array arrays[RIG_ARRAYS_MAX];
	struct source sources[RIG_ARRAYS_MAX];
	struct block_sample sample;
	char result[RESULT_BYTES];
	uint64_t *times_ns;
	uint64_t begun_ns;
};

static struct kernel_call *call_of(const struct rig_outcome *outcome)
{
	return (struct kernel_call *)(uintptr_t)outcome;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The run has words of its own. */
static int run_fails(const struct kernel_run *run, int r)
{
	return r < 0 ? rig_why_set(r, run->why) : r;
}

/* A job of the workers failed: there is a report of it. */
static int job_fails(struct kernel_call *call, int r)
{
	call->outcome.started |= r < 0;
	return run_fails(&call->run, r);
}

/* ---- settings ---- */

static void word_of(const struct rig_setting *setting, char word[WORD_BYTES])
{
	bool bare = setting->kind == RIG_SETTING_TEXT && !setting->text;
	int used =
		snprintf(word, WORD_BYTES, bare ? "%s" : "%s=", setting->name);
	size_t left = used < WORD_BYTES ? (size_t)(WORD_BYTES - used) : 0;

	switch (setting->kind) {
	case RIG_SETTING_TEXT:
		if (!bare)
			snprintf(word + used, left, "%s", setting->text);
		break;
	case RIG_SETTING_INT:
		snprintf(word + used, left, "%lld",
			 (long long)setting->integer);
		break;
	case RIG_SETTING_REAL:
		snprintf(word + used, left, "%.17g", setting->real);
		break;
	}
}

static int enter_settings(struct kernel_run *run,
			  const struct rig_setting *first)
{
	char word[WORD_BYTES];
	int r = 0;

	for (const struct rig_setting *s = first; s && s->name && r == 0; s++) {
		for (const struct rig_setting *t = first; t < s; t++)
			if (strcmp(s->name, t->name) == 0)
				return words_fail(-EINVAL,
						  "parameter %s is given "
						  "twice: say which value it "
						  "is to have",
						  s->name);
		if (strlen(s->name) > CONTRACT_NAME_MAX ||
		    (s->kind == RIG_SETTING_TEXT && s->text &&
		     strlen(s->text) >= WORD_BYTES - CONTRACT_NAME_MAX - 2))
			return words_fail(-EINVAL,
					  "parameter %.80s: its name or value "
					  "is too long",
					  s->name);
		word_of(s, word);
		r = run_fails(run, kernel_run_set(run, word));
	}
	return r == 0 ? run_fails(run, kernel_run_declare(run)) : r;
}

/* ---- before anything is made ---- */

/* The shape of an array that nobody gives: the kernel's, or one dimension. */
static struct npy_shape shape_of(const struct rig_array *array)
{
	struct npy_shape shape = { .dims = (int)array->dims };

	if (array->dims == 0 || array->dims > RIG_DIMS_MAX)
		return (struct npy_shape){ .dims = 1,
					   .extent = { array->count } };
	for (uint32_t d = 0; d < array->dims; d++)
		shape.extent[d] = (size_t)array->shape[d];
	return shape;
}

/* What the caller sees of the arrays, as they are now. */
static void show_arrays(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;

	for (int i = 0; i < run->count; i++) {
		const struct rig_array_spec *spec = &run->kernel->arrays[i];
		struct source *source = &call->sources[i];
		struct rigged_array *own = &run->arrays[i];

		if (run->arrays[i].shortened)
			kernel_run_array(run, i)->dims = 0;
		if (!own->given || run->arrays[i].shortened)
			source->shape = shape_of(kernel_run_array(run, i));
		call->arrays[i] = (struct rig_outcome_array){
			.name = spec->name,
			.role = spec->role,
			.array = *kernel_run_array(run, i),
			.dims = source->shape.dims,
			.shape = (const int64_t *)source->shape.extent,
			.bytes = own->bytes,
			.offset = own->offset,
			.segment =
				own->segment ? own->segment : source->attached,
			.made = own->segment,
		};
	}
}

/* The arrays that the library makes, in bytes; SIZE_MAX where they are beyond
 * all count. */
static size_t new_bytes(const struct kernel_run *run)
{
	size_t bytes = 0;

	for (int i = 0; i < run->count; i++)
		if (!run->arrays[i].name &&
		    __builtin_add_overflow(bytes, run->arrays[i].bytes, &bytes))
			return SIZE_MAX;
	return bytes;
}

/* Three digits that count, and a unit. */
static const char *size_words(size_t bytes, char text[40])
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB",
					     "TB",    "PB", "EB" };
	double size = (double)bytes;
	int unit = 0;

	while (size >= 999.5 && unit < 6) {
		size /= 1000;
		unit++;
	}
	snprintf(text, 40, "%.3g %s", size, units[unit]);
	return text;
}

/* /dev/shm may be larger than memory: what is beyond either is refused, before
 * the kernel of the system kills somebody for it; and what the dead have left
 * is no excuse. */
static int check_memory(const struct kernel_call *call)
{
	size_t bytes = new_bytes(&call->run);
	size_t shm = bytes < SMALL ? SIZE_MAX : rig_shm_available();
	size_t memory = bytes < LARGE ? SIZE_MAX : rig_memory_available();
	char takes[40], has[40];

	if ((bytes > shm || bytes > memory) &&
	    rig_sweep_clean(false, NULL) > 0) {
		shm = rig_shm_available();
		memory = rig_memory_available();
	}
	if (bytes <= shm && bytes <= memory)
		return 0;
	return words_fail(-ENOSPC, "%s: its arrays take %s, and %s room for %s",
			  call->run.kernel->name, size_words(bytes, takes),
			  bytes > shm ? "/dev/shm has" : "memory has",
			  size_words(bytes > shm ? shm : memory, has));
}

/* Kernel, settings, operands: all that the caller says. */
static int check_call(struct kernel_call *call)
{
	const struct rig_spec *spec = call->spec;
	struct kernel_run *run = &call->run;
	int r = enter_settings(run, spec->settings);

	if (r == 0)
		r = operands_assign(run, spec, call->sources);
	for (int i = 0; i < run->count && r == 0; i++)
		r = operand_open(run, i, &call->sources[i], spec->replicate);
	if (r == 0)
		r = run_fails(&call->run, kernel_run_check(run));
	if (r == 0)
		r = operands_check(run, call->sources);
	if (r == 0)
		r = check_memory(call);
	if (r == 0)
		show_arrays(call);
	return r;
}

int rig_kernel_examine(const struct rig_kernel *kernel)
{
	struct kernel_run run;
	int r = kernel_run_init(&run, kernel);

	if (r < 0)
		return rig_why_set(r, run.why);
	kernel_run_finish(&run);
	return 0;
}

/* Names as the struct of the caller has them. */
static void copy_arrays(const struct kernel_run *run,
			struct rig_declared *arrays)
{
	*arrays = (struct rig_declared){ 0 };
	for (int i = 0; i < run->count; i++) {
		arrays->specs[i] = run->kernel->arrays[i];
		snprintf(arrays->names[i], RIG_DECLARED_BYTES, "%s",
			 run->kernel->arrays[i].name);
		arrays->specs[i].name = arrays->names[i];
	}
}

int rig_kernel_arrays(const char *name, const struct rig_setting *settings,
		      struct rig_declared *arrays)
{
	const struct rig_kernel *kernel = rig_kernel_find(name);
	struct kernel_run run;
	int r;

	if (!kernel)
		return words_fail(-ENOENT, "no kernel \"%.80s\" is registered",
				  name);
	r = run_fails(&run, kernel_run_init(&run, kernel));
	if (r < 0)
		return r;
	r = enter_settings(&run, settings);
	if (r == 0)
		copy_arrays(&run, arrays);
	kernel_run_finish(&run);
	return r;
}

bool rig_kernel_is_name(const char *name)
{
	return contract_is_name(name);
}

static int check_spec(const struct rig_spec *spec)
{
	for (int i = 0; i < 8; i++)
		if (spec->reserved[i])
			return words_fail(-EINVAL,
					  "spec: a reserved field is not 0");
	if (!spec->kernel)
		return words_fail(-EINVAL, "spec: it names no kernel");
	if (spec->repeat < 0)
		return words_fail(-EINVAL, "spec: %d runs, not 0 or more",
				  spec->repeat);
	if ((unsigned)spec->verify > RIG_VERIFY_FULL)
		return words_fail(-EINVAL, "spec: there is no such verify");
	if (!rig_kernel_find(spec->kernel))
		return words_fail(-ENOENT, "no kernel \"%.80s\" is registered",
				  spec->kernel);
	return 0;
}

/* A call whose words have been checked. */
static int open_call(const struct rig_spec *spec, struct kernel_call **out)
{
	int repeat = spec->repeat ? spec->repeat : 1;
	struct kernel_call *call;
	int r = check_spec(spec);

	if (r < 0)
		return r;
	call = calloc(1, sizeof(*call));
	if (!call)
		return words_fail(-ENOMEM, "out of memory");
	call->spec = spec;
	call->begun_ns = now_ns();
	call->times_ns = calloc((size_t)repeat, sizeof(*call->times_ns));
	r = call->times_ns ? 0 : words_fail(-ENOMEM, "out of memory");
	if (r == 0)
		r = run_fails(&call->run,
			      kernel_run_init(&call->run,
					      rig_kernel_find(spec->kernel)));
	call->run.limit_ns = spec->limit_ns;
	call->run.memory = spec->memory;
	call->run.pages = spec->pages;
	call->run.spares = true;
	if (r == 0)
		r = check_call(call);
	call->outcome.kernel = call->run.kernel;
	call->outcome.args = call->run.args;
	call->outcome.array_count = call->run.count;
	call->outcome.arrays = call->arrays;
	call->outcome.result = call->result;
	call->outcome.times_ns = call->times_ns;
	if (r < 0) {
		rig_outcome_free(&call->outcome);
		return r;
	}
	*out = call;
	return 0;
}

/* ---- before the run ---- */

static void enter_phase(struct kernel_call *call, enum rig_phase phase)
{
	call->outcome.phase = phase;
	show_arrays(call);
	if (call->spec->phase)
		call->spec->phase(call->spec->phase_arg, phase, &call->outcome);
}

static int begin_outputs(struct kernel_call *call)
{
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++) {
		struct source *source = &call->sources[i];
		const char *path =
			source->operand ? source->operand->output : NULL;

		if (path)
			r = (picture_wanted(path) ? picture_create
						  : npy_create)(
				&source->output, path,
				kernel_run_array(&call->run, i),
				&source->shape);
	}
	return r;
}

static int check_private(const struct kernel_call *call,
			 const struct rig_pool *pool)
{
	size_t bytes =
		kernel_run_private_bytes(&call->run, rig_pool_size(pool));
	size_t has;

	if (__builtin_add_overflow(bytes, new_bytes(&call->run), &bytes))
		bytes = SIZE_MAX;
	has = bytes < LARGE ? SIZE_MAX : rig_memory_available();
	if (bytes <= has)
		return 0;
	return words_fail(-ENOSPC,
			  "%s: its arrays and its workers take %zu bytes of "
			  "memory, and %zu are to be had",
			  call->run.kernel->name, bytes, has);
}

/* Bring in what lies elsewhere. */
static int load(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++) {
		struct source *source = &call->sources[i];

		if (!source->operand)
			continue;
		if (source->operand->file && run->arrays[i].segment)
			r = npy_read(&source->input,
				     rig_segment_data(run->arrays[i].segment));
		else if (source->operand->data &&
			 run->kernel->arrays[i].role & RIG_INPUT)
			r = operand_copy(run, i, source, false);
	}
	return r;
}

/* The level of proof that this run has. */
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
	return run_fails(&call->run, r < 0 ? r : 0);
}

static int prepare(struct kernel_call *call, struct rig_pool *pool)
{
	int r = check_private(call, pool);

	if (r == 0)
		r = begin_outputs(call);
	if (r < 0)
		return r;
	call->run.pool = pool;
	enter_phase(call, RIG_PHASE_PREPARING);
	r = run_fails(&call->run, kernel_run_make(&call->run, pool));
	if (r == 0)
		r = load(call);
	if (r == 0)
		r = make_input(call);
	if (r == 0)
		r = replicate(call);
	call->outcome.load_ns = now_ns() - call->begun_ns;
	return r;
}

/* ---- the run ---- */

/* The barrier the team meets at: in the first segment made for the pool. */
static const struct rig_barrier *find_barrier(struct kernel_call *call)
{
	call->outcome.barrier_segment = NULL;
	for (int i = 0; i < call->run.count; i++) {
		struct rig_segment *segment = call->run.arrays[i].segment;

		if (!segment)
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
	begin_ns = now_ns();
	r = kernel_run_run(&call->run);
	call->times_ns[outcome->runs] = now_ns() - begin_ns;
	if (r < 0)
		return job_fails(call, r);
	outcome->runs++;
	if (barrier) {
		outcome->epochs += rig_barrier_epochs(barrier) - epochs;
		outcome->blocked += rig_barrier_blocked(barrier) - blocked;
	}
	show_arrays(call);
	return 0;
}

static int prove(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;
	enum rig_verify level = level_of(call);
	uint64_t begin_ns = now_ns();
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
	call->outcome.proof_ns = now_ns() - begin_ns;
	call->outcome.verify = level;
	call->outcome.verified = r == 0;
	return job_fails(call, r);
}

/* ---- after the run ---- */

static const char *data_of(const struct kernel_call *call, int index)
{
	const struct rig_outcome_array *array = &call->arrays[index];

	return (const char *)rig_segment_data(array->segment) + array->offset;
}

static int end_output(struct kernel_call *call, int index)
{
	struct outfile *output = &call->sources[index].output;
	const char *path = call->sources[index].operand->output;
	int r;

	if (picture_wanted(path))
		return picture_end(output, data_of(call, index),
				   kernel_run_array(&call->run, index));
	r = outfile_end(output, data_of(call, index),
			call->run.arrays[index].bytes);
	return r < 0 ? words_fail_file(r, path) : 0;
}

/* All files are complete before the first is put in its place. */
static int write_outputs(struct kernel_call *call)
{
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++)
		if (call->sources[i].output.path)
			r = end_output(call, i);
	for (int i = 0; i < call->run.count && r == 0; i++) {
		struct outfile *output = &call->sources[i].output;

		if (!output->path)
			continue;
		r = outfile_place(output);
		if (r < 0)
			r = words_fail_file(r, output->path);
	}
	return r;
}

/* Give back what lies in the caller's memory. */
static int return_data(struct kernel_call *call)
{
	const struct rig_array_spec *specs = call->run.kernel->arrays;
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++) {
		struct source *source = &call->sources[i];

		if (source->operand && source->operand->data &&
		    specs[i].role & RIG_OUTPUT)
			r = operand_copy(&call->run, i, source, true);
	}
	return r;
}

static bool stores(const struct kernel_call *call)
{
	for (int i = 0; i < call->run.count; i++)
		if (call->sources[i].operand &&
		    (call->sources[i].operand->output ||
		     call->sources[i].operand->data))
			return true;
	return false;
}

static int store(struct kernel_call *call)
{
	uint64_t begin_ns = now_ns();
	int r;

	if (!stores(call))
		return 0;
	enter_phase(call, RIG_PHASE_WRITING);
	r = write_outputs(call);
	if (r == 0)
		r = return_data(call);
	call->outcome.store_ns = now_ns() - begin_ns;
	return r;
}

/* Before another run writes over it. */
static void keep_result(struct kernel_call *call)
{
	const struct rig_kernel *kernel = call->run.kernel;
	void *data[RIG_ARRAYS_MAX] = { NULL };

	if (!kernel->result)
		return;
	for (int i = 0; i < call->run.count; i++)
		data[i] = (void *)(uintptr_t)data_of(call, i);
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
	r = open_call(spec, &call);
	if (r < 0)
		return r;
	*outcome = &call->outcome;
	r = prepare(call, pool);
	if (r == 0)
		r = run_once(call);
	if (r == 0)
		r = prove(call);
	if (r == 0)
		r = store(call);
	if (r == 0)
		keep_result(call);
	if (r == 0)
		r = run_again(call);
	/* Of a run that failed nobody knows who still writes where. */
	call->run.spares = r == 0;
	call->outcome.code = r;
	call->outcome.wall_ns = now_ns() - call->begun_ns;
	call->spec = NULL;
	return r;
}

int rig_kernel_check(const struct rig_spec *spec, struct rig_outcome **outcome)
{
	struct kernel_call *call = NULL;
	int r;

	*outcome = NULL;
	r = open_call(spec, &call);
	if (r < 0)
		return r;
	call->spec = NULL;
	*outcome = &call->outcome;
	return 0;
}

/* ---- what was done ---- */

/* The words after "NAME = "; NULL: it has none. */
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
	free(call);
}
