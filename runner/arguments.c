/* SPDX-License-Identifier: MIT */
/*
 * arguments.c - a kernel's arguments from words such as length=40M.
 */
#include <runner/arguments.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/nearest.h>
#include <common/number.h>

/* Longest word of a choice. */
#define CHOICE_BYTES 64

static const struct rig_param *find(const struct rig_kernel *kernel,
				    const char *name, size_t length)
{
	const struct rig_param *param = kernel->params;

	for (; param && param->name; param++)
		if (strlen(param->name) == length &&
		    memcmp(param->name, name, length) == 0)
			return param;
	return NULL;
}

/* The shortest text that still reads back as `value`; returns `text`. */
static char *show_real(double value, char *text, size_t bytes)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, bytes, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

static int out_of_range(const struct rig_param *param, const char *value,
			char why[WHY_BYTES])
{
	char min[32], max[32];

	snprintf(why, WHY_BYTES, "%s=%.80s is out of range: %s to %s",
		 param->name, value, show_real(param->min, min, sizeof(min)),
		 show_real(param->max, max, sizeof(max)));
	return -EINVAL;
}

static int not_a_value(const struct rig_param *param, const char *value,
		       char why[WHY_BYTES])
{
	static const char *const kinds[] = {
		[RIG_PARAM_SIZE] = "a size such as 1000, 40M or 64Ki",
		[RIG_PARAM_INT] = "a whole number",
		[RIG_PARAM_REAL] = "a number",
	};

	snprintf(why, WHY_BYTES, "%s=%.80s is not %s", param->name, value,
		 kinds[param->kind]);
	return -EINVAL;
}

/* Word `index` of "swap copy"; false past the last. */
static bool choice_at(const char *choices, uint32_t index,
		      char word[CHOICE_BYTES])
{
	for (;; index--) {
		size_t length = strcspn(choices, " ");

		if (!length)
			return false;
		if (index == 0) {
			snprintf(word, CHOICE_BYTES, "%.*s", (int)length,
				 choices);
			return true;
		}
		choices += length + (choices[length] == ' ');
	}
}

static int set_choice(const struct rig_param *param, void *field,
		      const char *value, char why[WHY_BYTES])
{
	char word[CHOICE_BYTES];

	for (uint32_t i = 0; choice_at(param->choices, i, word); i++) {
		if (strcmp(word, value) == 0) {
			memcpy(field, &i, sizeof(i));
			return 0;
		}
	}
	snprintf(why, WHY_BYTES, "%s=%.80s is none of: %s", param->name, value,
		 param->choices);
	return -EINVAL;
}

static int set_size(const struct rig_param *param, void *field,
		    const char *value, char why[WHY_BYTES])
{
	size_t number = SIZE_MAX;
	int r = number_size(value, &number);

	if (r == -EINVAL && strcmp(value, param->fallback) == 0)
		r = 0;
	else if (r == -ERANGE || (r == 0 && ((double)number < param->min ||
					     (double)number > param->max)))
		return out_of_range(param, value, why);
	/* -5 is a number, and no size. */
	if (r < 0 && number_int(value, &(int64_t){ 0 }) == 0)
		return out_of_range(param, value, why);
	if (r < 0)
		return not_a_value(param, value, why);
	memcpy(field, &number, sizeof(number));
	return 0;
}

static int set_int(const struct rig_param *param, void *field,
		   const char *value, char why[WHY_BYTES])
{
	int64_t number = 0;
	int r = number_int(value, &number);

	if (r == -EINVAL)
		return not_a_value(param, value, why);
	if (r < 0 || (double)number < param->min || (double)number > param->max)
		return out_of_range(param, value, why);
	memcpy(field, &number, sizeof(number));
	return 0;
}

static int set_real(const struct rig_param *param, void *field,
		    const char *value, char why[WHY_BYTES])
{
	double number = 0;
	int r = number_real(value, &number);

	if (r == -EINVAL)
		return not_a_value(param, value, why);
	if (r < 0 || number < param->min || number > param->max)
		return out_of_range(param, value, why);
	memcpy(field, &number, sizeof(number));
	return 0;
}

size_t arguments_text_bytes(const struct rig_param *param)
{
	return param->bytes ? param->bytes : RIG_TEXT_BYTES;
}

static int set_text(const struct rig_param *param, char *field,
		    const char *value, char why[WHY_BYTES])
{
	size_t length = strlen(value), bytes = arguments_text_bytes(param);
	bool printable = true;

	for (size_t i = 0; i < length; i++)
		printable &= (unsigned char)value[i] >= ' ' && value[i] != 127;
	if (printable && length < bytes) {
		memset(field, 0, bytes);
		memcpy(field, value, length);
		return 0;
	}
	if (printable)
		snprintf(why, WHY_BYTES,
			 "%s: its text is longer than %zu bytes", param->name,
			 bytes - 1);
	else
		snprintf(why, WHY_BYTES,
			 "%s: its text is of characters that cannot be printed",
			 param->name);
	return -EINVAL;
}

static int set(const struct rig_param *param, void *args, const char *value,
	       char why[WHY_BYTES])
{
	void *field = (char *)args + param->offset;

	switch (param->kind) {
	case RIG_PARAM_SIZE:
		return set_size(param, field, value, why);
	case RIG_PARAM_INT:
		return set_int(param, field, value, why);
	case RIG_PARAM_REAL:
		return set_real(param, field, value, why);
	case RIG_PARAM_CHOICE:
		return set_choice(param, field, value, why);
	case RIG_PARAM_TEXT:
		return set_text(param, field, value, why);
	}
	snprintf(why, WHY_BYTES, "%s: a parameter of no kind", param->name);
	return -EINVAL;
}

int arguments_default(const struct rig_kernel *kernel, void *args,
		      char why[WHY_BYTES])
{
	const struct rig_param *param = kernel->params;
	int r = 0;

	memset(args, 0, kernel->args_bytes);
	for (; param && param->name && r == 0; param++)
		r = set(param, args, param->fallback, why);
	return r;
}

/* "it has length, method, begin, end" */
static void name_all(const struct rig_kernel *kernel, char *text, size_t bytes)
{
	const struct rig_param *param = kernel->params;
	size_t used = 0;

	snprintf(text, bytes, "it has none");
	for (; param && param->name && used < bytes; param++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s",
					 used ? ", " : "it has ", param->name);
}

int arguments_set(const struct rig_kernel *kernel, void *args, const char *word,
		  char why[WHY_BYTES])
{
	size_t length = strcspn(word, "=");
	const struct rig_param *param = find(kernel, word, length);
	struct nearest nearest = { .word = word };
	char names[200];

	if (word[length] && param)
		return set(param, args, word + length + 1, why);
	name_all(kernel, names, sizeof(names));
	for (int i = 0; kernel->params && kernel->params[i].name; i++)
		nearest_look(&nearest, kernel->params[i].name);
	if (param)
		snprintf(why, WHY_BYTES, "%s: give it a value, %s=%s",
			 param->name, param->name, param->fallback);
	else
		snprintf(why, WHY_BYTES,
			 "%s has no parameter \"%.*s\"%s%s%s; %s", kernel->name,
			 (int)(length < 80 ? length : 80), word,
			 nearest.name ? " (did you mean " : "",
			 nearest.name ? nearest.name : "",
			 nearest.name ? "?)" : "", names);
	return -EINVAL;
}

int arguments_length(const struct rig_kernel_args *args, size_t fallback,
		     size_t *length, char *why, size_t why_bytes)
{
	size_t count = args->arrays[0].count;

	if (args->given && *length != count && *length != fallback) {
		snprintf(why, why_bytes,
			 "length=%zu, but the array given has %zu elements",
			 *length, count);
		return -EINVAL;
	}
	*length = count;
	return 0;
}

char *arguments_show(const struct rig_param *param, const void *args,
		     char *text, size_t bytes)
{
	const void *field = (const char *)args + param->offset;
	char word[CHOICE_BYTES] = "";
	uint32_t index;
	int64_t integer;
	size_t size;
	double real;

	switch (param->kind) {
	case RIG_PARAM_SIZE:
		memcpy(&size, field, sizeof(size));
		if (size == SIZE_MAX)
			snprintf(text, bytes, "%s", param->fallback);
		else
			snprintf(text, bytes, "%zu", size);
		break;
	case RIG_PARAM_INT:
		memcpy(&integer, field, sizeof(integer));
		snprintf(text, bytes, "%" PRId64, integer);
		break;
	case RIG_PARAM_REAL:
		memcpy(&real, field, sizeof(real));
		show_real(real, text, bytes);
		break;
	case RIG_PARAM_CHOICE:
		memcpy(&index, field, sizeof(index));
		(void)choice_at(param->choices, index, word);
		snprintf(text, bytes, "%s", word);
		break;
	case RIG_PARAM_TEXT:
		snprintf(text, bytes, "%s", (const char *)field);
		break;
	}
	return text;
}
