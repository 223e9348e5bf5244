/* SPDX-License-Identifier: MIT */
/*
 * call_check.c - the arguments of rig_kernel_run(), judged before anything is
 * made.
 */
#include <runner/kernel_call.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>
#include <runrig/sweep.h>

#include <runner/contract.h>
#include <runner/disk.h>
#include <runner/words.h>

/* Below this size the run does not ask how much memory, or /dev/shm, is left:
 * the answer takes longer than a small run, and rig_segment_create() asks
 * again. */
#define LARGE ((size_t)64 << 20)
#define SMALL ((size_t)64 << 10)

/* Bytes of a setting as NAME=VALUE. */
#define WORD_BYTES 4096

/* The words of the run become the words of rig_why(). */
int call_fails(const struct kernel_run *run, int r)
{
	return r < 0 ? rig_why_set(r, run->why) : r;
}

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
		r = call_fails(run, kernel_run_set(run, word));
	}
	return r == 0 ? call_fails(run, kernel_run_declare(run)) : r;
}

/* ---- before anything is made ---- */

/* The shape of an array that the caller does not give: the kernel's shape, or a
 * single dimension. */
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

/* The caller sees the arrays as the arrays are now. */
void call_show_arrays(struct kernel_call *call)
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

/* Whether the library makes the array in memory. */
static bool in_memory(const struct kernel_run *run, int index)
{
	const struct rigged_array *array = &run->arrays[index];

	return !array->name && !array->on_disk && !array->in_output;
}

/* The bytes of the arrays that the library makes in memory; SIZE_MAX where the
 * sum overflows. */
static size_t new_bytes(const struct kernel_run *run)
{
	size_t bytes = 0;

	for (int i = 0; i < run->count; i++)
		if (in_memory(run, i) &&
		    __builtin_add_overflow(bytes, run->arrays[i].bytes, &bytes))
			return SIZE_MAX;
	return bytes;
}

/* A number with three digits, and a unit. */
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

/* The largest array that is still to be made in memory; -1: there is none. */
static int largest_of(const struct kernel_run *run)
{
	int found = -1;

	for (int i = 0; i < run->count; i++)
		if (in_memory(run, i) && run->arrays[i].bytes > 0 &&
		    (found < 0 ||
		     run->arrays[i].bytes > run->arrays[found].bytes))
			found = i;
	return found;
}

/* The file beside which arrays on disk go; NULL: none. */
static const char *disk_beside(const struct kernel_call *call)
{
	for (int i = 0; i < call->run.count; i++) {
		const struct rig_operand *operand = call->sources[i].operand;

		if (operand && (operand->output || operand->inplace))
			return operand->output ? operand->output
					       : operand->file;
	}
	return NULL;
}

/* With the caller's data arrays need not lie in memory: the largest arrays go
 * to disk, until the others fit. */
static int put_on_disk(struct kernel_call *call, size_t room)
{
	struct kernel_run *run = &call->run;
	int index;

	while (kernel_run_has_inputs(run) && new_bytes(run) > room &&
	       (index = largest_of(run)) >= 0) {
		run->arrays[index].on_disk = true;
		call->outcome.disk_bytes += run->arrays[index].bytes;
	}
	if (!call->outcome.disk_bytes)
		return 0;
	call->folder = disk_folder(disk_beside(call));
	call->outcome.disk_folder = call->folder;
	run->folder = call->folder;
	return call->folder ? 0 : words_fail(-ENOMEM, "out of memory");
}

/* /dev/shm may be larger than memory.  A run that needs more than either is
 * refused, before the system's kernel kills a process for the run.  Segments
 * that dead processes have left are removed first. */
int call_check_memory(struct kernel_call *call)
{
	size_t bytes = new_bytes(&call->run);
	size_t shm = bytes < SMALL ? SIZE_MAX : rig_shm_available();
	size_t memory = bytes < LARGE ? SIZE_MAX : rig_memory_available();
	char takes[40], has[40];
	int r;

	if ((bytes > shm || bytes > memory) &&
	    rig_sweep_clean(false, NULL) > 0) {
		shm = rig_shm_available();
		memory = rig_memory_available();
	}
	r = put_on_disk(call, shm < memory ? shm : memory);
	bytes = new_bytes(&call->run);
	if (r < 0 || (bytes <= shm && bytes <= memory))
		return r;
	return words_fail(-ENOSPC, "%s: its arrays take %s, and %s room for %s",
			  call->run.kernel->name, size_words(bytes, takes),
			  bytes > shm ? "/dev/shm has" : "memory has",
			  size_words(bytes > shm ? shm : memory, has));
}

/* Runs after the first need a copy of the arrays that the first run wrote
 * over. */
static int check_repeat(const struct kernel_call *call)
{
	for (int i = 0; i < call->run.count; i++)
		if (call->sources[i].edited && call->spec->repeat > 1)
			return words_fail(-EINVAL,
					  "%s: a file that is edited in place "
					  "has one run, not %d",
					  call->sources[i].operand->file,
					  call->spec->repeat);
	return 0;
}

/* Kernel, settings, operands: the caller's whole specification. */
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
		r = call_fails(&call->run, kernel_run_check(run));
	if (r == 0)
		r = operands_check(run, call->sources);
	if (r == 0)
		r = check_repeat(call);
	if (r == 0) {
		call_plan_outputs(call);
		r = call_check_memory(call);
	}
	if (r == 0)
		call_show_arrays(call);
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

/* Copy the arrays; their names point into the caller's struct. */
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
	r = call_fails(&run, kernel_run_init(&run, kernel));
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
	for (size_t i = 0; i < sizeof(spec->reserved) / sizeof(*spec->reserved);
	     i++)
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
int call_open(const struct rig_spec *spec, struct kernel_call **out)
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
	call->begun_ns = call_now_ns();
	call->times_ns = calloc((size_t)repeat, sizeof(*call->times_ns));
	r = call->times_ns ? 0 : words_fail(-ENOMEM, "out of memory");
	if (r == 0)
		r = call_fails(&call->run,
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

int call_check_private(const struct kernel_call *call,
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
