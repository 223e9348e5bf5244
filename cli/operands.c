/* SPDX-License-Identifier: MIT */
/*
 * operands.c - the command line's arrays and parameters as a specification of a
 * run.
 */
#include "operands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/number.h>
#include <runrig/error.h>

#include "command.h"
#include "png_picture.h"

/* "3,4" */
static int parse_shape(const char *text, int64_t *shape, int *dims)
{
	const char *at = text;
	size_t count = 1, extent;
	char word[32];

	for (*dims = 0;; at++) {
		size_t length = strcspn(at, ",");

		if (*dims == SHAPE_DIMS_MAX || length >= sizeof(word))
			break;
		memcpy(word, at, length);
		word[length] = 0;
		if (number_size(word, &extent) < 0 || extent > INT64_MAX ||
		    __builtin_mul_overflow(count, extent, &count))
			break;
		shape[(*dims)++] = (int64_t)extent;
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

/* --count and --shape: both agree, or only a single option is given. */
static int enter_shape(const struct run_array *asked,
		       struct rig_operand *operand, int64_t *shape)
{
	size_t count = 0, product = 1;
	int r = parse_size("--count", asked->count, &count);

	if (r || (!asked->count && !asked->shape))
		return r;
	operand->shape = shape;
	if (!asked->shape) {
		operand->dims = 1;
		shape[0] = count > INT64_MAX ? INT64_MAX : (int64_t)count;
		return 0;
	}
	r = parse_shape(asked->shape, shape, &operand->dims);
	for (int d = 0; d < operand->dims; d++)
		product *= (size_t)shape[d];
	if (r == 0 && asked->count && product != count)
		return complain(EXIT_USAGE,
				"--count %s is not what --shape %s has",
				asked->count, asked->shape);
	return r;
}

static int enter_segment(struct runner *runner, int index,
			 struct rig_operand *operand)
{
	const struct run_array *asked = &runner->request->arrays[index];
	const struct rig_array_spec *spec =
		&runner->request->kernel->arrays[index];
	struct rig_array array = { 0 };
	int r;

	if (!asked->dtype && spec->any_dtype)
		return complain(EXIT_USAGE,
				"--segment %s needs --dtype: bytes do not say "
				"what they are",
				asked->segment);
	if (asked->dtype && rig_dtype_parse(asked->dtype, &array) < 0)
		return complain(EXIT_USAGE, "--%s", rig_why());
	operand->segment = asked->segment;
	operand->dtype = (enum rig_dtype)array.dtype;
	operand->swapped = array.swapped;
	r = parse_size("--offset", asked->offset, &operand->offset);
	return r ? r : enter_shape(asked, operand, runner->shapes[index]);
}

static int enter_array(struct runner *runner, int index)
{
	const struct run_array *asked = &runner->request->arrays[index];
	struct rig_operand *operand =
		&runner->operands[runner->spec.operand_count];

	if (!asked->input && !asked->output && !asked->segment)
		return 0;
	operand->name = runner->request->kernel->arrays[index].name;
	operand->file = asked->input;
	operand->inplace = asked->inplace;
	/* The library knows no pictures in colours. */
	operand->output = png_wanted(asked->output) ? NULL : asked->output;
	runner->spec.operand_count++;
	return asked->segment ? enter_segment(runner, index, operand) : 0;
}

int operands_settings(char *const *words, struct rig_setting **settings)
{
	size_t count = 0;

	while (words[count])
		count++;
	*settings = calloc(count + 1, sizeof(**settings));
	if (!*settings)
		return complain(EXIT_SYSTEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		char *value = strchr(words[i], '=');
		char *name =
			strndup(words[i], value ? (size_t)(value - words[i])
						: strlen(words[i]));

		if (!name)
			return complain(EXIT_SYSTEM, "out of memory");
		(*settings)[i].name = name;
		(*settings)[i].text = value ? value + 1 : NULL;
	}
	return 0;
}

void operands_settings_free(struct rig_setting *settings)
{
	for (struct rig_setting *s = settings; s && s->name; s++)
		free((char *)(uintptr_t)s->name);
	free(settings);
}

int operands_enter(struct runner *runner)
{
	const struct run_request *request = runner->request;
	int r = operands_settings(request->words, &runner->settings);

	runner->spec.kernel = request->kernel->name;
	runner->spec.operands = runner->operands;
	runner->spec.settings = runner->settings;
	runner->spec.verify = request->verify;
	runner->spec.seed = request->seed;
	runner->spec.limit_ns = request->limit_ns;
	runner->spec.repeat = request->repeat;
	runner->spec.memory = request->memory;
	runner->spec.pages = request->pages;
	runner->spec.replicate = request->replicate;
	for (int i = 0; r == 0 && request->kernel->arrays[i].name; i++)
		r = enter_array(runner, i);
	return r;
}
