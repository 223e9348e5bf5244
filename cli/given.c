/* SPDX-License-Identifier: MIT */
/*
 * given.c - arrays of the user's: which elements of which file or segment.
 */
#include "given.h"

#include <stdio.h>
#include <string.h>

#include <runner/dtype.h>
#include <runner/number.h>
#include <runrig/error.h>

#include "command.h"

/* Tell the kernel of the array's shape what it can use of it. */
static void set_shape(struct rig_array *array, const struct npy_shape *shape)
{
	array->dims = (uint32_t)shape->dims;
	array->rows = array->columns = 1;
	for (int d = 0; d + 1 < shape->dims; d++)
		array->rows *= shape->extent[d];
	if (shape->dims)
		array->columns = shape->extent[shape->dims - 1];
}

static int open_input(struct runner *runner, int index)
{
	const struct run_array *asked = &runner->request->arrays[index];
	struct npy_input *input = &runner->inputs[index];
	int r = npy_open(input, asked->input);

	if (r)
		return r;
	runner->shapes[index] = input->shape;
	set_shape(&input->array, &input->shape);
	kernel_run_give(&runner->run, index, &input->array, NULL, 0);
	return 0;
}

/* "3,4" */
static int parse_shape(const char *text, struct npy_shape *shape,
		       uint64_t *count)
{
	const char *at = text;
	char extent[32];

	shape->dims = 0;
	*count = 1;
	for (;; at++) {
		size_t length = strcspn(at, ",");

		if (shape->dims == NPY_DIMS_MAX || length >= sizeof(extent))
			break;
		memcpy(extent, at, length);
		extent[length] = 0;
		if (number_size(extent, &shape->extent[shape->dims]) < 0 ||
		    __builtin_mul_overflow(*count, shape->extent[shape->dims],
					   count))
			break;
		shape->dims++;
		at += length;
		if (!*at)
			return 0;
	}
	return complain(EXIT_USAGE,
			"--shape %s: not a shape such as 100,200, or too large",
			text);
}

static int parse_size(const char *option, const char *text, size_t *value)
{
	if (!text || number_size(text, value) == 0)
		return 0;
	return complain(EXIT_USAGE,
			"%s %s: not a size such as 1000, 40M or "
			"64Ki",
			option, text);
}

/* How many elements the segment's window has, from --count, --shape or what is
 * there. */
static int count_window(struct runner *runner, int index,
			struct rig_array *array, size_t offset)
{
	const struct run_array *asked = &runner->request->arrays[index];
	size_t has = rig_segment_bytes(runner->attached[index]);
	struct npy_shape *shape = &runner->shapes[index];
	size_t count = 0;
	size_t bytes;
	int r = parse_size("--count", asked->count, &count);

	array->count = count;
	if (r == 0 && asked->shape)
		r = parse_shape(asked->shape, shape, &array->count);
	if (r)
		return r;
	if (asked->count && asked->shape && array->count != count)
		return complain(EXIT_USAGE,
				"--count %s is not what --shape %s has",
				asked->count, asked->shape);
	if (offset > has)
		return complain(EXIT_SYSTEM,
				"segment %s: --offset %s is beyond its %zu "
				"bytes",
				asked->segment, asked->offset, has);
	if (!asked->count && !asked->shape) {
		array->count = (has - offset) / array->item_bytes;
		if ((has - offset) % array->item_bytes)
			return complain(EXIT_SYSTEM,
					"segment %s: %zu bytes are no whole "
					"number of %s: say how many, --count",
					asked->segment, has - offset,
					dtype_name(array->dtype));
	}
	if (__builtin_mul_overflow((size_t)array->count,
				   (size_t)array->item_bytes, &bytes) ||
	    bytes > has - offset)
		return complain(EXIT_SYSTEM,
				"segment %s: %llu elements of %s from byte %zu "
				"on are more than its %zu bytes",
				asked->segment,
				(unsigned long long)array->count,
				dtype_name(array->dtype), offset, has);
	if (!asked->shape)
		*shape = (struct npy_shape){ .dims = 1,
					     .extent = { array->count } };
	set_shape(array, shape);
	return 0;
}

static int open_segment(struct runner *runner, int index)
{
	const struct run_array *asked = &runner->request->arrays[index];
	const struct rig_array_spec *spec =
		&runner->request->kernel->arrays[index];
	struct rig_array array = { .dtype = spec->dtype,
				   .item_bytes = dtype_bytes(spec->dtype) };
	char why[WHY_BYTES];
	size_t offset = 0;
	int r;

	if (!asked->dtype && spec->any_dtype)
		return complain(EXIT_USAGE,
				"--segment %s needs --dtype: bytes do not say "
				"what they are",
				asked->segment);
	if (asked->dtype &&
	    dtype_parse(asked->dtype, &array, why, sizeof(why)) < 0)
		return complain(EXIT_USAGE, "--%s", why);
	r = parse_size("--offset", asked->offset, &offset);
	if (r)
		return r;
	if (rig_segment_attach(&runner->attached[index], asked->segment,
			       &(struct rig_segment_options){
				       .read_only = !spec->output }) < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	r = count_window(runner, index, &array, offset);
	if (r == 0)
		kernel_run_give(&runner->run, index, &array, asked->segment,
				offset);
	return r;
}

int given_open(struct runner *runner)
{
	const struct run_array *asked = runner->request->arrays;
	int r = 0;

	for (int i = 0; i < runner->run.count && r == 0; i++) {
		if (asked[i].input)
			r = open_input(runner, i);
		else if (asked[i].segment)
			r = open_segment(runner, i);
	}
	return r;
}

/* Nobody writes where another array lies. */
int given_check(const struct runner *runner)
{
	const struct kernel_run *run = &runner->run;
	const struct rig_array_spec *specs = run->kernel->arrays;

	for (int i = 0; i < run->count; i++) {
		const struct rigged_array *a = &run->arrays[i];

		for (int k = 0; k < i && a->name; k++) {
			const struct rigged_array *b = &run->arrays[k];

			if (b->name && strcmp(a->name, b->name) == 0 &&
			    (specs[i].output || specs[k].output) &&
			    a->offset < b->offset + b->bytes &&
			    b->offset < a->offset + a->bytes)
				return complain(EXIT_USAGE,
						"arrays %s and %s overlap in "
						"segment %s",
						specs[k].name, specs[i].name,
						a->name);
		}
	}
	return 0;
}
