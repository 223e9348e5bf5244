/* SPDX-License-Identifier: MIT */
/*
 * run_json.c - a run as JSON; docs/run.schema.json says which.
 */
#include "run_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "memory_map.h"
#include "show.h"

/* The version of the format: raised when a reader would have to change. */
#define VERSION 1

/* The largest whole number that every double holds: many JSON readers have only
 * doubles. */
#define EXACT_MAX (INT64_C(1) << 53)

/* A number where the text is a number of JSON that readers hold exactly; else
 * text. */
static json_t *number_json(const char *text)
{
	char *end = NULL;
	long long whole;
	double real;

	errno = 0;
	whole = strtoll(text, &end, 10);
	if (end != text && !*end)
		return errno == 0 && whole >= -EXACT_MAX && whole <= EXACT_MAX
			       ? json_integer(whole)
			       : json_string(text);
	real = strtod(text, &end);
	if (end != text && !*end && isfinite(real))
		return json_real(real);
	return json_string(text);
}

static json_t *parameters_json(const struct runner *runner)
{
	const struct rig_param *param = runner->request->kernel->params;
	json_t *object = json_object();
	char value[VALUE_BYTES];

	for (int i = 0; param && param[i].name; i++) {
		rig_outcome_setting(runner->outcome, i, value, sizeof(value));
		json_object_set_new(object, param[i].name, number_json(value));
	}
	return object;
}

static json_t *array_json(const struct runner *runner, int index)
{
	static const char *const roles[] = { "scratch", "input", "output",
					     "inout" };
	const struct rig_outcome_array *array = &runner->outcome->arrays[index];
	const struct run_array *asked = &runner->request->arrays[index];
	char code[RIG_DTYPE_CODE_BYTES];
	json_t *shape = json_array();

	for (int d = 0; d < array->dims; d++)
		json_array_append_new(shape, json_integer(array->shape[d]));
	return json_pack("{ss ss ss ss so sI sI sI ss? sb ss? ss?}", "name",
			 array->name, "role", roles[array->role], "dtype",
			 rig_dtype_name(array->array.dtype), "code",
			 rig_dtype_code(&array->array, code), "shape", shape,
			 "count", (json_int_t)array->array.count, "bytes",
			 (json_int_t)array->bytes, "huge_bytes",
			 (json_int_t)show_huge_bytes(runner, index), "input",
			 asked->input, "inplace", (int)asked->inplace, "output",
			 asked->output, "segment", asked->segment);
}

static json_t *arrays_json(const struct runner *runner)
{
	json_t *list = json_array();

	for (int i = 0; i < runner->outcome->array_count; i++)
		json_array_append_new(list, array_json(runner, i));
	return list;
}

/* { "sum": 42 }; null where nothing is said. */
static json_t *result_json(const struct runner *runner)
{
	char *text = strdup(runner->outcome->result), *save = NULL;
	json_t *object = text && *text ? json_object() : json_null();

	for (char *word = text ? strtok_r(text, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save)) {
		char *name = word + strspn(word, " ");
		char *value = strstr(name, " = ");

		if (!value)
			continue;
		*value = 0;
		json_object_set_new(object, name, number_json(value + 3));
	}
	free(text);
	return object;
}

static json_t *times_json(const struct rig_outcome *outcome)
{
	json_t *list = json_array();

	for (int i = 0; i < outcome->runs; i++)
		json_array_append_new(
			list, json_integer((json_int_t)outcome->times_ns[i]));
	return list;
}

/* "level": how much was proved; "passed": null where nothing was. */
static json_t *verification_json(const struct rig_outcome *outcome)
{
	static const char *const levels[] = {
		[RIG_VERIFY_NONE] = "none",
		[RIG_VERIFY_SAMPLE] = "sample",
		[RIG_VERIFY_FULL] = "full",
	};
	bool sample = outcome->verify == RIG_VERIFY_SAMPLE;

	return json_pack(
		"{ss so so so so}", "level", levels[outcome->verify], "passed",
		outcome->verify ? json_boolean(outcome->verified) : json_null(),
		"covered",
		sample ? json_integer((json_int_t)outcome->covered)
		       : json_null(),
		"blocks",
		sample ? json_integer((json_int_t)outcome->blocks)
		       : json_null(),
		"seed",
		sample ? json_integer((json_int_t)outcome->seed) : json_null());
}

/* The failure of a run; null: the run did not fail. */
static json_t *failed_json(const struct runner *runner)
{
	static const char *const phases[] = {
		[RIG_PHASE_PREPARING] = "preparing",
		[RIG_PHASE_RUNNING] = "running",
		[RIG_PHASE_VERIFYING] = "verifying",
		[RIG_PHASE_WRITING] = "writing",
	};
	const struct rig_outcome *outcome = runner->outcome;
	const struct rig_report *report = rig_pool_report(runner->pool);
	bool worker = outcome->started && report->rank >= 0;

	if (outcome->code == 0)
		return json_null();
	return json_pack(
		"{ss si ss so so}", "phase", phases[outcome->phase], "code",
		-outcome->code, "why", runner->why, "rank",
		worker ? json_integer(report->rank) : json_null(), "report",
		outcome->started ? json_string(report->text) : json_null());
}

/* The figures of finished runs. */
static void add_figures(json_t *root, const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	bool any = outcome->runs > 0;

	json_object_set_new(root, "first_ns",
			    any ? json_integer((json_int_t)outcome->times_ns[0])
				: json_null());
	json_object_set_new(
		root, "steady_ns",
		any ? json_integer((json_int_t)runner_steady_ns(runner))
		    : json_null());
	json_object_set_new(root, "disk_bytes",
			    json_integer((json_int_t)outcome->disk_bytes));
	json_object_set_new(root, "bytes_moved",
			    json_real(show_bytes_moved(runner)));
	json_object_set_new(root, "flops", json_real(show_flops(runner)));
	json_object_set_new(root, "items",
			    json_real(any ? show_items(runner) : 0));
}

int run_json_put(const struct runner *runner, const char *path)
{
	const struct run_request *request = runner->request;
	const struct rig_outcome *outcome = runner->outcome;
	bool pthread = request->pool.barrier == RIG_BARRIER_PTHREAD;
	json_t *root = json_pack(
		"{si ss so so so so so so sI sI sI sI ss? s{ss ss? sI sI} so "
		"sb ss? sb}",
		"version", VERSION, "kernel", request->kernel->name,
		"parameters", parameters_json(runner), "arrays",
		arrays_json(runner), "failed", failed_json(runner), "result",
		result_json(runner), "workers", show_workers_json(runner->pool),
		"times_ns", times_json(outcome), "load_ns",
		(json_int_t)outcome->load_ns, "proof_ns",
		(json_int_t)outcome->proof_ns, "store_ns",
		(json_int_t)outcome->store_ns, "wall_ns",
		(json_int_t)outcome->wall_ns, "item", request->kernel->item,
		"barrier", "kind", pthread ? "pthread" : "adaptive", "segment",
		outcome->barrier_segment, "epochs", (json_int_t)outcome->epochs,
		"blocked", (json_int_t)outcome->blocked, "verification",
		verification_json(outcome), "verified", (int)outcome->verified,
		"against", outcome->verified ? request->kernel->verified : NULL,
		"repeats_on_a_copy", (int)outcome->copied);

	add_figures(root, runner);
	if (request->map && outcome->code == 0) {
		json_t *map = map_json(runner);

		if (!map) {
			json_decref(root);
			return EXIT_SYSTEM;
		}
		json_object_set_new(root, "map", map);
	}
	return json_put(root, path);
}
