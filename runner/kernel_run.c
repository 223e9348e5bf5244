/* SPDX-License-Identifier: MIT */
/*
 * kernel_run.c - a kernel made ready: its arguments and its arrays, and the jobs of
 * a run.
 */
#include <runner/kernel_run.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include <runner/contract.h>
#include <runner/kernel_memory.h>
#include <runner/dtype.h>

int kernel_run_say(struct kernel_run *run, int code, const char *words)
{
	snprintf(run->why, sizeof(run->why), "%s", words);
	return code;
}

static struct rig_kernel_args *header(const struct kernel_run *run)
{
	return run->args;
}

/* Kernels from a user's file may be anything. */
static int check_kernel(struct kernel_run *run)
{
	const struct rig_kernel *kernel = run->kernel;
	char words[WHY_BYTES];

	/* The size of the arguments is checked first: the parameters lie in the
	 * arguments. */
	if (kernel->version == RIG_KERNEL_VERSION &&
	    (kernel->args_bytes < sizeof(struct rig_kernel_args) ||
	     kernel->args_bytes > KERNEL_ARGS_MAX))
		snprintf(words, sizeof(words),
			 "%zu bytes of arguments, not %zu to %zu",
			 kernel->args_bytes, sizeof(struct rig_kernel_args),
			 KERNEL_ARGS_MAX);
	else if (contract_check(kernel, words) == 0)
		return 0;
	snprintf(run->why, WHY_BYTES, "kernel %.*s: %.400s", CONTRACT_NAME_MAX,
		 kernel->version == RIG_KERNEL_VERSION && kernel->name
			 ? kernel->name
			 : "",
		 words);
	return -EINVAL;
}

int kernel_run_init(struct kernel_run *run, const struct rig_kernel *kernel)
{
	int r;

	*run = (struct kernel_run){ .kernel = kernel, .registered = kernel };
	r = check_kernel(run);
	if (r < 0)
		return r;
	while (kernel->arrays[run->count].name)
		run->count++;
	run->args = malloc(kernel->args_bytes);
	if (kernel->declare)
		run->declared = malloc(sizeof(*run->declared));
	r = !run->args || (kernel->declare && !run->declared)
		    ? kernel_run_say(run, -ENOMEM, "out of memory")
		    : arguments_default(kernel, run->args, run->why);
	if (r == 0)
		r = kernel_run_declare(run);
	if (r < 0)
		kernel_run_finish(run);
	return r;
}

int kernel_run_declare(struct kernel_run *run)
{
	const struct rig_kernel *kernel = run->registered;
	struct rig_declared *declared = run->declared;
	char words[WHY_BYTES];
	int count = 0;
	int r;

	if (!declared)
		return 0;
	*declared = (struct rig_declared){ 0 };
	r = kernel->declare(run->args, declared, run->why, WHY_BYTES);
	if (r < 0)
		return r;
	for (; count < RIG_ARRAYS_MAX && declared->names[count][0]; count++)
		declared->specs[count].name = declared->names[count];
	r = contract_check_declared(declared, words);
	if (r < 0) {
		snprintf(run->why, WHY_BYTES, "kernel %s: %.400s", kernel->name,
			 words);
		return -ENOEXEC;
	}
	run->own = *kernel;
	run->own.arrays = declared->specs;
	run->kernel = &run->own;
	run->count = count;
	return 0;
}

int kernel_run_set(struct kernel_run *run, const char *word)
{
	return arguments_set(run->kernel, run->args, word, run->why);
}

/* Whether an earlier word sets the same parameter as `word`. */
static bool is_repeated(char *const *words, char *const *word)
{
	size_t length = strcspn(*word, "=");

	for (; words < word; words++)
		if (strcspn(*words, "=") == length &&
		    memcmp(*words, *word, length) == 0)
			return true;
	return false;
}

int kernel_run_set_all(struct kernel_run *run, char *const *words)
{
	int r = 0;

	for (char *const *word = words; *word && r == 0; word++) {
		r = kernel_run_set(run, *word);
		if (r < 0 || !is_repeated(words, word))
			continue;
		snprintf(run->why, WHY_BYTES,
			 "parameter %.*s is given twice: say which value it is "
			 "to have",
			 (int)strcspn(*word, "="), *word);
		r = -EINVAL;
	}
	return r == 0 ? kernel_run_declare(run) : r;
}

struct rig_array *kernel_run_array(const struct kernel_run *run, int index)
{
	return &header(run)->arrays[index];
}

void kernel_run_give(struct kernel_run *run, int index,
		     const struct rig_array *what, const char *name,
		     size_t offset)
{
	*kernel_run_array(run, index) = *what;
	run->arrays[index].given = true;
	run->arrays[index].name = name;
	run->arrays[index].offset = offset;
	if (run->kernel->arrays[index].role & RIG_INPUT)
		header(run)->given = 1;
}

bool kernel_run_has_inputs(const struct kernel_run *run)
{
	return header(run)->given;
}

/* A given array has a dtype that the kernel takes; any other array has the
 * kernel's dtype. */
static int check_dtype(struct kernel_run *run, int index)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	struct rig_array *array = kernel_run_array(run, index);

	if (!run->arrays[index].given) {
		array->dtype = spec->dtype;
		array->item_bytes = rig_dtype_bytes(spec->dtype);
		return 0;
	}
	if (spec->any_dtype || (array->dtype == spec->dtype && !array->swapped))
		return 0;
	snprintf(run->why, WHY_BYTES, "%s is %s%s: %s takes %s%s", spec->name,
		 rig_dtype_name(array->dtype),
		 array->swapped ? " in the other byte order" : "",
		 run->kernel->name, rig_dtype_name(spec->dtype),
		 array->swapped ? " in this machine's" : "");
	return -EINVAL;
}

/* The elements may begin anywhere in a segment; the segment itself begins on a
 * page. */
static int check_alignment(struct kernel_run *run, int index)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	const struct rig_array *array = kernel_run_array(run, index);
	size_t offset = run->arrays[index].offset;

	if (spec->any_byte || offset % dtype_align(array->dtype) == 0)
		return 0;
	snprintf(run->why, WHY_BYTES,
		 "%s begins at byte %zu of its segment: %s takes %s at "
		 "multiples of %u",
		 spec->name, offset, run->kernel->name,
		 rig_dtype_name(array->dtype), dtype_align(array->dtype));
	return -EINVAL;
}

/* The user gives all inputs, or none. */
static int check_given(struct kernel_run *run)
{
	const struct rig_array_spec *specs = run->kernel->arrays;

	for (int i = 0; i < run->count; i++) {
		if (!header(run)->given || !(specs[i].role & RIG_INPUT) ||
		    run->arrays[i].given || specs[i].optional)
			continue;
		snprintf(run->why, WHY_BYTES,
			 "array %s is missing: %s takes all of its input from "
			 "you, or none",
			 specs[i].name, run->kernel->name);
		return -EINVAL;
	}
	return 0;
}

static int size_array(struct kernel_run *run, int index)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	struct rig_array *array = kernel_run_array(run, index);

	if (!run->arrays[index].given && spec->count)
		array->count = spec->count(run->args);
	if (!__builtin_mul_overflow(array->count, (size_t)array->item_bytes,
				    &run->arrays[index].bytes))
		return 0;
	snprintf(run->why, WHY_BYTES,
		 "array %s: %llu elements of %u bytes "
		 "are too many",
		 spec->name, (unsigned long long)array->count,
		 array->item_bytes);
	return -EINVAL;
}

/* The kernel may have changed the dtype of an array that the user does not
 * give. */
static int size_again(struct kernel_run *run, int index)
{
	struct rig_array *array = kernel_run_array(run, index);

	if (run->arrays[index].given)
		return 0;
	array->item_bytes = rig_dtype_bytes(array->dtype);
	return size_array(run, index);
}

/* A kernel that writes an output, and reads nothing there, writes every
 * element. */
static int check_room_given(struct kernel_run *run, int index)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	uint64_t has = kernel_run_array(run, index)->count, needs;

	if (!run->arrays[index].given || spec->role & RIG_INPUT || !spec->count)
		return 0;
	needs = spec->count(run->args);
	if (has == needs)
		return 0;
	snprintf(run->why, WHY_BYTES,
		 "array %s: %llu elements are given, and with these parameters "
		 "%s writes %llu",
		 spec->name, (unsigned long long)has, run->kernel->name,
		 (unsigned long long)needs);
	return -EINVAL;
}

/* A kernel's figure must be a number: otherwise there is no rate. */
static int check_figure(struct kernel_run *run, const char *name,
			double (*figure)(const void *args))
{
	double value = figure ? figure(run->args) : 0;

	if (isfinite(value) && value >= 0)
		return 0;
	snprintf(run->why, WHY_BYTES,
		 "%s says that its %s are %g: not a number, 0 or more",
		 run->kernel->name, name, value);
	return -EINVAL;
}

int kernel_run_check(struct kernel_run *run)
{
	int r = kernel_run_declare(run);

	if (r == 0)
		r = check_given(run);
	for (int i = 0; i < run->count && r == 0; i++)
		r = check_dtype(run, i);
	for (int i = 0; i < run->count && r == 0; i++)
		r = check_alignment(run, i);
	for (int i = 0; i < run->count && r == 0; i++)
		r = size_array(run, i);
	if (r == 0 && run->kernel->check)
		r = run->kernel->check(run->args, run->why, WHY_BYTES);
	for (int i = 0; i < run->count && r == 0; i++)
		r = size_again(run, i);
	for (int i = 0; i < run->count && r == 0; i++)
		r = check_room_given(run, i);
	if (r == 0)
		r = check_figure(run, "bytes_moved", run->kernel->bytes_moved);
	if (r == 0)
		r = check_figure(run, "flops", run->kernel->flops);
	return r;
}

size_t kernel_run_private_bytes(const struct kernel_run *run, int size)
{
	size_t bytes = 0;

	if (run->kernel->private_bytes)
		bytes = run->kernel->private_bytes(run->args, size);
	if (__builtin_mul_overflow(bytes, (size_t)size, &bytes))
		return SIZE_MAX;
	return bytes;
}

int kernel_run_owns(const struct kernel_run *run, int index, int rank, int size,
		    struct rig_span *to)
{
	const struct rig_kernel *kernel = run->kernel;
	const struct rig_array *array = kernel_run_array(run, index);
	struct rig_span strip;

	if (kernel->owns)
		return kernel->owns(run->args, index, run->arrays[index].bytes,
				    rank, size, to);
	strip = rig_strip(array->count, rank, size);
	to[0] = (struct rig_span){ strip.begin * array->item_bytes,
				   strip.end * array->item_bytes };
	return 1;
}

static bool only_read(const struct kernel_run *run, int index)
{
	return run->kernel->arrays[index].role == RIG_INPUT;
}

static const char *name_of(const struct kernel_run *run, int index)
{
	const struct rigged_array *array = &run->arrays[index];

	return array->name ? array->name : rig_segment_name(array->segment);
}

int kernel_run_replicate(struct kernel_run *run, char *names, size_t bytes)
{
	int count = 0;
	size_t used = 0;

	*names = 0;
	for (int i = 0; i < run->count; i++) {
		int r;

		if (!only_read(run, i))
			continue;
		r = rig_pool_replicate(run->pool, name_of(run, i));
		if (r < 0)
			return kernel_run_say(run, r, rig_why());
		if (used < bytes)
			used += (size_t)snprintf(names + used, bytes - used,
						 "%s%s", count ? ", " : "",
						 run->kernel->arrays[i].name);
		count++;
	}
	run->replicated = count > 0;
	return count;
}

int kernel_run_job(struct kernel_run *run, rig_kernel_fn *fn,
		   const struct rig_segment *more)
{
	const struct rig_array_spec *specs = run->kernel->arrays;
	struct rig_job job = { .kernel = fn,
			       .args = run->args,
			       .args_bytes = run->kernel->args_bytes,
			       .limit_ns = run->limit_ns,
			       .owns = run->kernel->owns };
	int r;

	for (int i = 0; i < run->count; i++) {
		const struct rigged_array *array = &run->arrays[i];

		job.segments[i] = (struct rig_handed){
			.name = name_of(run, i),
			.offset = array->offset,
			.bytes = array->bytes,
			.read_only = (array->name &&
				      !(specs[i].role & RIG_OUTPUT)) ||
				     (run->replicated &&
				      fn != run->kernel->prepare &&
				      only_read(run, i)),
		};
	}
	if (more)
		job.segments[run->count].name = rig_segment_name(more);
	/* The job names a registered kernel, so that the report has the
	 * name. */
	if (fn == run->kernel->run &&
	    rig_kernel_find(run->kernel->name) == run->registered) {
		job.kernel = NULL;
		job.name = run->kernel->name;
	}
	r = run->run_job ? run->run_job(run->run_job_arg, &job)
			 : rig_pool_run(run->pool, &job);
	return r < 0 ? kernel_run_say(run, r, rig_why()) : 0;
}

int kernel_run_prepare(struct kernel_run *run)
{
	if (!run->kernel->prepare)
		return 0;
	return kernel_run_job(run, run->kernel->prepare, NULL);
}

/* Add up the digests of all ranks. */
int kernel_run_digest(struct kernel_run *run, bool after)
{
	struct rig_kernel_args *args = header(run);
	uint64_t *sums = after ? args->found : args->digest;
	uint64_t words[RIG_DIGEST_WORDS];
	int r;

	if (!run->kernel->digest)
		return 0;
	args->after = after;
	r = kernel_run_job(run, run->kernel->digest, NULL);
	memset(sums, 0, sizeof(words));
	for (int i = 0; i < rig_pool_size(run->pool) && r == 0; i++) {
		r = rig_pool_result(run->pool, i, words, sizeof(words));
		for (int w = 0; w < RIG_DIGEST_WORDS; w++)
			sums[w] += words[w];
	}
	args->after = 0;
	return r;
}

/* The run may have shortened array `index`. */
static int shorten(struct kernel_run *run, int index, uint64_t count)
{
	struct rig_array *array = kernel_run_array(run, index);

	if (count > array->count) {
		snprintf(run->why, WHY_BYTES,
			 "kernel %s: array %s has %llu elements, and the run "
			 "says that %llu are in it",
			 run->kernel->name, run->kernel->arrays[index].name,
			 (unsigned long long)array->count,
			 (unsigned long long)count);
		return -ENOEXEC;
	}
	array->count = count;
	run->arrays[index].bytes = count * array->item_bytes;
	run->arrays[index].shortened = true;
	return 0;
}

static int shorten_all(struct kernel_run *run)
{
	uint64_t counts[RIG_ARRAYS_MAX];
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++) {
		if (!run->kernel->arrays[i].shortens ||
		    run->arrays[i].shortened)
			continue;
		r = rig_pool_result(run->pool, 0, counts, sizeof(counts));
		if (r == 0)
			r = shorten(run, i, counts[i]);
	}
	return r;
}

int kernel_run_run(struct kernel_run *run)
{
	int r = kernel_run_job(run, run->kernel->run, NULL);

	return r < 0 ? r : shorten_all(run);
}

int kernel_run_verify(struct kernel_run *run)
{
	if (!run->kernel->verify)
		return 0;
	return kernel_run_job(run, run->kernel->verify, NULL);
}

void kernel_run_finish(struct kernel_run *run)
{
	kernel_memory_release(run);
	free(run->args);
	free(run->declared);
	run->args = NULL;
	run->declared = NULL;
}
