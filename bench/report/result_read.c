/* SPDX-License-Identifier: MIT */
/*
 * result_read.c - what JSON files say.
 */
#include "report/result_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/stats.h"

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
	if (schema && strcmp(schema, "runrig-bench/1") == 0 &&
	    json_is_array(json_object_get(result, "cells")))
		return result;
	fprintf(stderr, "rigbench: %s is no runrig-bench/1 result\n", path);
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
