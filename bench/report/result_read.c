/* SPDX-License-Identifier: MIT */
/*
 * result_read.c - reading JSON files of results.
 */
#include "report/result_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/measure.h"

/* Room for "cells[4711].summary.p50". */
#define PATH_BYTES 96

/* Numbers for a ratio or a logarithm must not be 0. */
static bool must_be_positive(const char *key)
{
	static const char *const keys[] = {
		"samples",  "min",  "p50",   "p90", "p99",  "p999", "max",
		"estimate", "ci95", "ratio", "low", "high", "again"
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static bool refuse_number(const char *path, const char *at, const char *is,
			  const char *wanted)
{
	fprintf(stderr, "rigbench: %s: %s is %s: it has to be %s\n", path, at,
		is, wanted);
	return false;
}

static bool number_sound(const char *path, const json_t *value, const char *key,
			 const char *at)
{
	double x = json_number_value(value);
	bool positive = must_be_positive(key);
	char is[32];

	if (x > 0 || (x == 0 && !positive))
		return true;
	snprintf(is, sizeof(is), "%g", x);
	return refuse_number(path, at, is,
			     positive ? "more than 0" : "0 or more");
}

/*
 * Whether all numbers in `value`, which stands at `at`, are possible in a
 * measurement.  False, with words on stderr that name the first impossible
 * number.
 */
static bool sound(const char *path, const json_t *value, const char *key,
		  const char *at)
{
	bool samples =
		strcmp(key, "samples") == 0 || strcmp(key, "launch") == 0;
	char inner[PATH_BYTES];
	const char *name;
	json_t *member;
	bool fine = true;

	if (json_is_number(value))
		return number_sound(path, value, key, at);
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		snprintf(inner, sizeof(inner), "%.60s.%.30s", at, name);
		fine = fine && (strcmp(name, "binding") == 0 ||
				sound(path, member, name, inner));
	}
	for (size_t i = 0; i < json_array_size(value) && fine; i++) {
		member = json_array_get(value, i);
		snprintf(inner, sizeof(inner), "%.60s[%zu]", at, i);
		if (samples && !json_is_number(member))
			return refuse_number(path, inner,
					     json_is_null(member) ? "null"
								  : "no number",
					     "a number");
		fine = sound(path, member, key, inner);
	}
	return fine;
}

/* Each sample has the number of its launch. */
static bool launches_told(const char *path, const json_t *result)
{
	const json_t *cells = json_object_get(result, "cells");

	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		size_t samples =
			json_array_size(json_object_get(cell, "samples"));
		size_t launches =
			json_array_size(json_object_get(cell, "launch"));

		if (samples == launches)
			continue;
		fprintf(stderr,
			"rigbench: %s: cells[%zu] has %zu samples, and "
			"launches of %zu: each sample has one\n",
			path, i, samples, launches);
		return false;
	}
	return true;
}

static bool numbers_sound(const char *path, const json_t *result)
{
	static const char *const parts[] = { "cells", "comparisons", "kernels",
					     "plan" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!sound(path, json_object_get(result, parts[i]), parts[i],
			   parts[i]))
			return false;
	return launches_told(path, result);
}

json_t *result_read_load(const char *path)
{
	json_error_t error;
	json_t *result = json_load_file(path, 0, &error);
	const char *schema;

	if (!result) {
		if (error.line > 0)
			fprintf(stderr, "rigbench: %s: line %d: %s\n", path,
				error.line, error.text);
		else
			fprintf(stderr, "rigbench: %s\n", error.text);
		return NULL;
	}
	schema = json_string_value(json_object_get(result, "schema"));
	if (!schema || strcmp(schema, "runrig-bench/1") != 0 ||
	    !json_is_array(json_object_get(result, "cells")))
		fprintf(stderr, "rigbench: %s is no runrig-bench/1 result\n",
			path);
	else if (numbers_sound(path, result))
		return result;
	json_decref(result);
	return NULL;
}

const char *result_read_text(const json_t *cell, const char *key)
{
	const char *text = json_string_value(json_object_get(cell, key));

	return text ? text : "";
}

const char *result_read_axis(const json_t *cell, const char *axis)
{
	return result_read_text(json_object_get(cell, "axes"), axis);
}

double result_read_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

bool result_read_interval(const json_t *object, double *low, double *high)
{
	const json_t *ci = json_object_get(object, "ci95");
	const json_t *from = json_array_get(ci, 0), *to = json_array_get(ci, 1);
	bool known = json_is_number(from) && json_is_number(to);

	*low = known ? json_number_value(from) : NAN;
	*high = known ? json_number_value(to) : NAN;
	return known;
}

bool result_read_trusted(const json_t *cell)
{
	return !(result_read_number(cell, "again") > AGAIN_MAX);
}

json_t *result_read_cell(const json_t *result, const char *id)
{
	json_t *cells = json_object_get(result, "cells");

	for (size_t i = 0; i < json_array_size(cells); i++) {
		json_t *cell = json_array_get(cells, i);

		if (strcmp(result_read_text(cell, "id"), id) == 0)
			return cell;
	}
	return NULL;
}

size_t result_read_launch_logs(const json_t *cell, double *logs, size_t room)
{
	const json_t *samples = json_object_get(cell, "samples");
	const json_t *launch = json_object_get(cell, "launch");
	size_t n = json_array_size(samples);
	double *one = malloc((n + 1) * sizeof(*one));
	size_t count = 0;

	for (size_t begin = 0, end; one && begin < n && count < room;
	     begin = end) {
		json_int_t which =
			json_integer_value(json_array_get(launch, begin));

		for (end = begin;
		     end < n &&
		     json_integer_value(json_array_get(launch, end)) == which;
		     end++)
			one[end - begin] =
				json_number_value(json_array_get(samples, end));
		logs[count++] = log(stats_median(one, end - begin));
	}
	free(one);
	return count;
}
