/* SPDX-License-Identifier: MIT */
/*
 * kernel_memory.c - segments for the arrays of a run, each rank owning its part.
 */
#include <runner/kernel_memory.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include <runner/contract.h>
#include <runner/disk.h>
#include <runner/spare.h>

static const char here;

static int spans(const void *given, size_t bytes, int rank, int size,
		 struct rig_span *to)
{
	const struct owning *owning = given;
	const struct rig_kernel *kernel =
		(const void *)((uintptr_t)&here + (uintptr_t)owning->kernel);

	return kernel->owns(owning->args, (int)owning->index, bytes, rank, size,
			    to);
}

/* A worker that is no fork may lack the library of a kernel outside of this
 * library: the ranks begin with equal blocks then, and the first run brings the
 * pages to their owners' nodes. */
static bool workers_have(const struct rig_pool *pool,
			 const struct rig_kernel *kernel)
{
	Dl_info ours, theirs;

	return rig_pool_start(pool) == RIG_FORK ||
	       (dladdr(&here, &ours) && dladdr(kernel, &theirs) &&
		ours.dli_fbase == theirs.dli_fbase);
}

/* A kernel's prepare may rely on zeroed memory, so only runs over the user's
 * data use spare segments. */
static bool has_spares(const struct kernel_run *run)
{
	return run->spares && !run->memory && kernel_run_has_inputs(run);
}

/* Segments with equal keys are alike: the size, the policy, and the owners of
 * the parts. */
static struct spare_key key_of(const struct kernel_run *run, int index)
{
	return (struct spare_key){ .kernel = run->kernel,
				   .index = index,
				   .bytes = run->arrays[index].made,
				   .pages = run->pages };
}

static int make_on_disk(struct kernel_run *run, int index)
{
	struct rigged_array *array = &run->arrays[index];
	int r = disk_create(&array->segment, run->folder, array->bytes);

	if (r < 0)
		snprintf(run->why, WHY_BYTES, "array %s: %s",
			 run->kernel->arrays[index].name, rig_why());
	return r;
}

static int make_array(struct kernel_run *run, int index)
{
	const struct rig_kernel *kernel = run->kernel;
	struct rigged_array *array = &run->arrays[index];
	struct rig_segment_options options = { .pool = run->pool,
					       .memory = run->memory,
					       .pages = run->pages };
	struct owning *owning;
	int r;

	if (array->name || array->segment)
		return 0;
	if (array->on_disk)
		return make_on_disk(run, index);
	array->made = array->bytes;
	if (has_spares(run))
		array->segment = spare_take(run->pool, key_of(run, index));
	if (array->segment)
		return 0;
	options.spans_args_bytes = sizeof(*owning) + kernel->args_bytes;
	owning = malloc(options.spans_args_bytes);
	if (!owning)
		return kernel_run_say(run, -ENOMEM, "out of memory");
	owning->kernel =
		(ptrdiff_t)((uintptr_t)run->registered - (uintptr_t)&here);
	owning->index = (uint64_t)index;
	memcpy(owning->args, run->args, kernel->args_bytes);
	options.spans_args = owning;
	if (kernel->owns && workers_have(run->pool, run->registered))
		options.spans = spans;
	/* No segment is empty; an array may be. */
	r = rig_segment_create(&array->segment, NULL,
			       array->bytes ? array->bytes : 1, &options);
	free(owning);
	if (r < 0)
		snprintf(run->why, WHY_BYTES, "array %s: %s",
			 kernel->arrays[index].name, rig_why());
	return r;
}

/* Check the kernel's answers about the owners of an array before using them. */
static int check_owns(struct kernel_run *run, int index)
{
	int size = rig_pool_size(run->pool);
	struct contract_owned *owned = calloc((size_t)size, sizeof(*owned));
	char words[WHY_BYTES] = "out of memory";
	int r = owned ? 0 : -ENOMEM;

	for (int rank = 0; rank < size && r == 0; rank++)
		owned[rank].count = kernel_run_owns(run, index, rank, size,
						    owned[rank].spans);
	if (r == 0)
		r = contract_check_owns(owned, size, run->arrays[index].bytes,
					words);
	free(owned);
	if (r < 0)
		snprintf(run->why, WHY_BYTES, "kernel %s: array %s: %.300s",
			 run->kernel->name, run->kernel->arrays[index].name,
			 words);
	/* The kernel is wrong here, not the user's words. */
	return r == -EINVAL ? -ENOEXEC : r;
}

int kernel_run_make(struct kernel_run *run, struct rig_pool *pool)
{
	int r = 0;

	run->pool = pool;
	for (int i = 0; i < run->count && r == 0; i++)
		r = check_owns(run, i);
	for (int i = 0; i < run->count && r == 0; i++)
		r = make_array(run, i);
	return r;
}

/* A copy of array `index`, which is in a segment of the user's. */
static int copy_array(struct kernel_run *run, int index)
{
	struct rigged_array *array = &run->arrays[index];
	struct rig_segment *theirs = NULL;
	int r;

	r = rig_segment_attach(
		&theirs, array->name,
		&(struct rig_segment_options){ .read_only = true });
	if (r < 0)
		return kernel_run_say(run, r, rig_why());
	array->name = NULL;
	r = make_array(run, index);
	if (r == 0)
		memcpy(rig_segment_data(array->segment),
		       (const char *)rig_segment_data(theirs) + array->offset,
		       array->bytes);
	array->offset = 0;
	rig_segment_destroy(theirs);
	return r;
}

int kernel_run_copy(struct kernel_run *run)
{
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++)
		if (run->arrays[i].name &&
		    run->kernel->arrays[i].role & RIG_OUTPUT)
			r = copy_array(run, i);
	return r;
}

void kernel_memory_release(struct kernel_run *run)
{
	for (int i = 0; i < run->count; i++) {
		if (has_spares(run) && run->arrays[i].segment &&
		    !run->arrays[i].on_disk && !run->arrays[i].in_output)
			spare_give(run->pool, key_of(run, i),
				   run->arrays[i].segment);
		else
			rig_segment_destroy(run->arrays[i].segment);
		run->arrays[i].segment = NULL;
	}
}
