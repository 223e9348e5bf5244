/* SPDX-License-Identifier: MIT */
/*
 * kernel_run.c - a kernel rigged up: its arguments, its arrays, a pool to run on.
 */
#include <runner/kernel_run.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include <runner/contract.h>
#include <runner/dtype.h>

/* What spans() needs to ask the kernel who owns what.  By value: the workers
 * are older than it. */
struct owning {
	const struct rig_kernel *kernel;
	uint64_t index;
	max_align_t args[]; /* kernel->args_bytes */
};

/* Arguments travel with the arrays' spans, in half of what a job may carry. */
#define ARGS_MAX (RIG_ARGS_MAX / 2 - sizeof(struct owning))

static int say(struct rigging *rigging, int code, const char *words)
{
	snprintf(rigging->why, sizeof(rigging->why), "%s", words);
	return code;
}

static struct rig_kernel_args *header(const struct rigging *rigging)
{
	return rigging->args;
}

/* Kernels from a user's file may be anything. */
static int check_kernel(struct rigging *rigging)
{
	const struct rig_kernel *kernel = rigging->kernel;
	char words[WHY_BYTES];

	/* First: it is what is known of its parameters. */
	if (kernel->args_bytes < sizeof(struct rig_kernel_args) ||
	    kernel->args_bytes > ARGS_MAX)
		snprintf(words, sizeof(words),
			 "%zu bytes of arguments, not %zu to %zu",
			 kernel->args_bytes, sizeof(struct rig_kernel_args),
			 ARGS_MAX);
	else if (contract_check(kernel, words) == 0)
		return 0;
	snprintf(rigging->why, WHY_BYTES, "kernel %.*s: %.400s",
		 CONTRACT_NAME_MAX, kernel->name ? kernel->name : "", words);
	return -EINVAL;
}

int rigging_init(struct rigging *rigging, const struct rig_kernel *kernel)
{
	int r;

	*rigging = (struct rigging){ .kernel = kernel };
	r = check_kernel(rigging);
	if (r < 0)
		return r;
	while (rigging->count < RIG_ARRAYS_MAX &&
	       kernel->arrays[rigging->count].name)
		rigging->count++;
	rigging->args = malloc(kernel->args_bytes);
	if (!rigging->args)
		return say(rigging, -ENOMEM, "out of memory");
	r = arguments_default(kernel, rigging->args, rigging->why);
	if (r < 0)
		rigging_finish(rigging);
	return r;
}

int rigging_set(struct rigging *rigging, const char *word)
{
	return arguments_set(rigging->kernel, rigging->args, word,
			     rigging->why);
}

/* Is the parameter of `word` named by a word before it? */
static bool is_repeated(char *const *words, char *const *word)
{
	size_t length = strcspn(*word, "=");

	for (; words < word; words++)
		if (strcspn(*words, "=") == length &&
		    memcmp(*words, *word, length) == 0)
			return true;
	return false;
}

int rigging_set_all(struct rigging *rigging, char *const *words)
{
	int r = 0;

	for (char *const *word = words; *word && r == 0; word++) {
		r = rigging_set(rigging, *word);
		if (r < 0 || !is_repeated(words, word))
			continue;
		snprintf(rigging->why, WHY_BYTES,
			 "parameter %.*s is given twice: say which value it is "
			 "to have",
			 (int)strcspn(*word, "="), *word);
		r = -EINVAL;
	}
	return r;
}

struct rig_array *rigging_array(const struct rigging *rigging, int index)
{
	return &header(rigging)->arrays[index];
}

void rigging_give(struct rigging *rigging, int index,
		  const struct rig_array *what, const char *name, size_t offset)
{
	*rigging_array(rigging, index) = *what;
	rigging->arrays[index].given = true;
	rigging->arrays[index].name = name;
	rigging->arrays[index].offset = offset;
	if (rigging->kernel->arrays[index].input)
		header(rigging)->given = 1;
}

bool rigging_given(const struct rigging *rigging)
{
	return header(rigging)->given;
}

/* A given array is of a type the kernel takes; of others it is the kernel's. */
static int check_dtype(struct rigging *rigging, int index)
{
	const struct rig_array_spec *spec = &rigging->kernel->arrays[index];
	struct rig_array *array = rigging_array(rigging, index);

	if (!rigging->arrays[index].given) {
		array->dtype = spec->dtype;
		array->item_bytes = dtype_bytes(spec->dtype);
		return 0;
	}
	if (spec->any_dtype || (array->dtype == spec->dtype && !array->swapped))
		return 0;
	snprintf(rigging->why, WHY_BYTES, "%s is %s%s: %s takes %s%s",
		 spec->name, dtype_name(array->dtype),
		 array->swapped ? " in the other byte order" : "",
		 rigging->kernel->name, dtype_name(spec->dtype),
		 array->swapped ? " in this machine's" : "");
	return -EINVAL;
}

/* A window may begin anywhere in its segment, which itself is on a page. */
static int check_alignment(struct rigging *rigging, int index)
{
	const struct rig_array_spec *spec = &rigging->kernel->arrays[index];
	const struct rig_array *array = rigging_array(rigging, index);
	size_t offset = rigging->arrays[index].offset;

	if (spec->any_byte || offset % dtype_align(array->dtype) == 0)
		return 0;
	snprintf(rigging->why, WHY_BYTES,
		 "%s begins at byte %zu of its segment: %s takes %s at "
		 "multiples of %u",
		 spec->name, offset, rigging->kernel->name,
		 dtype_name(array->dtype), dtype_align(array->dtype));
	return -EINVAL;
}

/* The user's data is all of what goes in. */
static int check_given(struct rigging *rigging)
{
	const struct rig_array_spec *specs = rigging->kernel->arrays;

	for (int i = 0; i < rigging->count; i++) {
		if (!header(rigging)->given || !specs[i].input ||
		    rigging->arrays[i].given)
			continue;
		snprintf(rigging->why, WHY_BYTES,
			 "array %s is missing: %s takes all of its input from "
			 "you, or none",
			 specs[i].name, rigging->kernel->name);
		return -EINVAL;
	}
	return 0;
}

static int size_array(struct rigging *rigging, int index)
{
	const struct rig_array_spec *spec = &rigging->kernel->arrays[index];
	struct rig_array *array = rigging_array(rigging, index);

	if (!rigging->arrays[index].given && spec->count)
		array->count = spec->count(rigging->args);
	if (!__builtin_mul_overflow(array->count, (size_t)array->item_bytes,
				    &rigging->arrays[index].bytes))
		return 0;
	snprintf(rigging->why, WHY_BYTES,
		 "array %s: %llu elements of %u bytes "
		 "are too many",
		 spec->name, (unsigned long long)array->count,
		 array->item_bytes);
	return -EINVAL;
}

/* Where a kernel writes no more than its results, it writes all of them. */
static int check_room_given(struct rigging *rigging, int index)
{
	const struct rig_array_spec *spec = &rigging->kernel->arrays[index];
	uint64_t has = rigging_array(rigging, index)->count, needs;

	if (!rigging->arrays[index].given || spec->input || !spec->count)
		return 0;
	needs = spec->count(rigging->args);
	if (has == needs)
		return 0;
	snprintf(rigging->why, WHY_BYTES,
		 "array %s: %llu elements are given, and with these parameters "
		 "%s writes %llu",
		 spec->name, (unsigned long long)has, rigging->kernel->name,
		 (unsigned long long)needs);
	return -EINVAL;
}

/* What a kernel says it does is a number, or no rate can be made of it. */
static int check_figure(struct rigging *rigging, const char *name,
			double (*figure)(const void *args))
{
	double value = figure ? figure(rigging->args) : 0;

	if (isfinite(value) && value >= 0)
		return 0;
	snprintf(rigging->why, WHY_BYTES,
		 "%s says that its %s are %g: not a number, 0 or more",
		 rigging->kernel->name, name, value);
	return -EINVAL;
}

int rigging_check(struct rigging *rigging)
{
	int r = check_given(rigging);

	for (int i = 0; i < rigging->count && r == 0; i++)
		r = check_dtype(rigging, i);
	for (int i = 0; i < rigging->count && r == 0; i++)
		r = check_alignment(rigging, i);
	for (int i = 0; i < rigging->count && r == 0; i++)
		r = size_array(rigging, i);
	if (r == 0 && rigging->kernel->check)
		r = rigging->kernel->check(rigging->args, rigging->why,
					   WHY_BYTES);
	for (int i = 0; i < rigging->count && r == 0; i++)
		r = check_room_given(rigging, i);
	if (r == 0)
		r = check_figure(rigging, "bytes_moved",
				 rigging->kernel->bytes_moved);
	if (r == 0)
		r = check_figure(rigging, "flops", rigging->kernel->flops);
	return r;
}

size_t rigging_private_bytes(const struct rigging *rigging, int size)
{
	size_t bytes = 0;

	if (rigging->kernel->private_bytes)
		bytes = rigging->kernel->private_bytes(rigging->args, size);
	if (__builtin_mul_overflow(bytes, (size_t)size, &bytes))
		return SIZE_MAX;
	return bytes;
}

int rigging_owns(const struct rigging *rigging, int index, int rank, int size,
		 struct rig_span *to)
{
	const struct rig_kernel *kernel = rigging->kernel;
	const struct rig_array *array = rigging_array(rigging, index);
	struct rig_span strip;

	if (kernel->owns)
		return kernel->owns(rigging->args, index,
				    rigging->arrays[index].bytes, rank, size,
				    to);
	strip = rig_strip(array->count, rank, size);
	to[0] = (struct rig_span){ strip.begin * array->item_bytes,
				   strip.end * array->item_bytes };
	return 1;
}

static int spans(const void *given, size_t bytes, int rank, int size,
		 struct rig_span *to)
{
	const struct owning *owning = given;

	return owning->kernel->owns(owning->args, (int)owning->index, bytes,
				    rank, size, to);
}

static int make_array(struct rigging *rigging, int index)
{
	const struct rig_kernel *kernel = rigging->kernel;
	struct rigged_array *array = &rigging->arrays[index];
	struct rig_segment_options options = { .pool = rigging->pool,
					       .memory = rigging->memory,
					       .pages = rigging->pages };
	struct owning *owning;
	int r;

	if (array->name || array->segment)
		return 0;
	options.spans_args_bytes = sizeof(*owning) + kernel->args_bytes;
	owning = malloc(options.spans_args_bytes);
	if (!owning)
		return say(rigging, -ENOMEM, "out of memory");
	owning->kernel = kernel;
	owning->index = (uint64_t)index;
	memcpy(owning->args, rigging->args, kernel->args_bytes);
	options.spans_args = owning;
	if (kernel->owns)
		options.spans = spans;
	/* No segment is empty; an array may be. */
	r = rig_segment_create(&array->segment, NULL,
			       array->bytes ? array->bytes : 1, &options);
	free(owning);
	if (r < 0)
		snprintf(rigging->why, WHY_BYTES, "array %s: %s",
			 kernel->arrays[index].name, rig_why());
	return r;
}

/* What the kernel says of who owns what, before anybody believes it. */
static int check_owns(struct rigging *rigging, int index)
{
	int size = rig_pool_size(rigging->pool);
	struct contract_owned *owned = calloc((size_t)size, sizeof(*owned));
	char words[WHY_BYTES] = "out of memory";
	int r = owned ? 0 : -ENOMEM;

	for (int rank = 0; rank < size && r == 0; rank++)
		owned[rank].count = rigging_owns(rigging, index, rank, size,
						 owned[rank].spans);
	if (r == 0)
		r = contract_check_owns(owned, size,
					rigging->arrays[index].bytes, words);
	free(owned);
	if (r < 0)
		snprintf(rigging->why, WHY_BYTES, "kernel %s: array %s: %.300s",
			 rigging->kernel->name,
			 rigging->kernel->arrays[index].name, words);
	/* It is no mistake of the user's words. */
	return r == -EINVAL ? -ENOEXEC : r;
}

int rigging_make(struct rigging *rigging, struct rig_pool *pool)
{
	int r = 0;

	rigging->pool = pool;
	for (int i = 0; i < rigging->count && r == 0; i++)
		r = check_owns(rigging, i);
	for (int i = 0; i < rigging->count && r == 0; i++)
		r = make_array(rigging, i);
	return r;
}

/* A copy of array `index`, which is in a segment of the user's. */
static int copy_array(struct rigging *rigging, int index)
{
	struct rigged_array *array = &rigging->arrays[index];
	struct rig_segment *theirs = NULL;
	int r;

	r = rig_segment_attach(
		&theirs, array->name,
		&(struct rig_segment_options){ .read_only = true });
	if (r < 0)
		return say(rigging, r, rig_why());
	array->name = NULL;
	r = make_array(rigging, index);
	if (r == 0)
		memcpy(rig_segment_data(array->segment),
		       (const char *)rig_segment_data(theirs) + array->offset,
		       array->bytes);
	array->offset = 0;
	rig_segment_destroy(theirs);
	return r;
}

int rigging_copy(struct rigging *rigging)
{
	int r = 0;

	for (int i = 0; i < rigging->count && r == 0; i++)
		if (rigging->arrays[i].name &&
		    rigging->kernel->arrays[i].output)
			r = copy_array(rigging, i);
	return r;
}

/* Input, and no more: what is neither is the kernel's own scratch. */
static bool only_read(const struct rigging *rigging, int index)
{
	const struct rig_array_spec *spec = &rigging->kernel->arrays[index];

	return spec->input && !spec->output;
}

static const char *name_of(const struct rigging *rigging, int index)
{
	const struct rigged_array *array = &rigging->arrays[index];

	return array->name ? array->name : rig_segment_name(array->segment);
}

int rigging_replicate(struct rigging *rigging, char *names, size_t bytes)
{
	int count = 0;
	size_t used = 0;

	*names = 0;
	for (int i = 0; i < rigging->count; i++) {
		int r;

		if (!only_read(rigging, i))
			continue;
		r = rig_pool_replicate(rigging->pool, name_of(rigging, i));
		if (r < 0)
			return say(rigging, r, rig_why());
		if (used < bytes)
			used += (size_t)snprintf(
				names + used, bytes - used, "%s%s",
				count ? ", " : "",
				rigging->kernel->arrays[i].name);
		count++;
	}
	rigging->replicated = count > 0;
	return count;
}

static int run_job(struct rigging *rigging, rig_kernel_fn *fn)
{
	const struct rig_array_spec *specs = rigging->kernel->arrays;
	struct rig_job job = { .kernel = fn,
			       .args = rigging->args,
			       .args_bytes = rigging->kernel->args_bytes,
			       .limit_ns = rigging->limit_ns,
			       .owns = rigging->kernel->owns };
	int r;

	for (int i = 0; i < rigging->count; i++) {
		const struct rigged_array *array = &rigging->arrays[i];

		job.segments[i] = (struct rig_handed){
			.name = name_of(rigging, i),
			.offset = array->offset,
			.bytes = array->bytes,
			.read_only = (array->name && !specs[i].output) ||
				     (rigging->replicated &&
				      fn != rigging->kernel->prepare &&
				      only_read(rigging, i)),
		};
	}
	/* By its name where that is known: so the report calls it. */
	if (fn == rigging->kernel->run &&
	    rig_kernel_find(rigging->kernel->name) == rigging->kernel) {
		job.kernel = NULL;
		job.name = rigging->kernel->name;
	}
	r = rig_pool_run(rigging->pool, &job);
	return r < 0 ? say(rigging, r, rig_why()) : 0;
}

int rigging_prepare(struct rigging *rigging)
{
	if (!rigging->kernel->prepare)
		return 0;
	return run_job(rigging, rigging->kernel->prepare);
}

/* Add up what every rank left. */
int rigging_digest(struct rigging *rigging, bool after)
{
	struct rig_kernel_args *args = header(rigging);
	uint64_t *sums = after ? args->found : args->digest;
	uint64_t words[RIG_DIGEST_WORDS];
	int r;

	if (!rigging->kernel->digest)
		return 0;
	args->after = after;
	r = run_job(rigging, rigging->kernel->digest);
	memset(sums, 0, sizeof(words));
	for (int i = 0; i < rig_pool_size(rigging->pool) && r == 0; i++) {
		r = rig_pool_result(rigging->pool, i, words, sizeof(words));
		for (int w = 0; w < RIG_DIGEST_WORDS; w++)
			sums[w] += words[w];
	}
	args->after = 0;
	return r;
}

int rigging_run(struct rigging *rigging)
{
	return run_job(rigging, rigging->kernel->run);
}

int rigging_verify(struct rigging *rigging)
{
	if (!rigging->kernel->verify)
		return 0;
	return run_job(rigging, rigging->kernel->verify);
}

void rigging_finish(struct rigging *rigging)
{
	for (int i = 0; i < rigging->count; i++) {
		rig_segment_destroy(rigging->arrays[i].segment);
		rigging->arrays[i].segment = NULL;
	}
	free(rigging->args);
	rigging->args = NULL;
}
