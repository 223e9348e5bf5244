/* SPDX-License-Identifier: MIT */
/*
 * cmd_kernels.c - runrig kernels: which there are, and what they take.
 */
#include <stdio.h>
#include <stdlib.h>

#include <runrig/error.h>
#include <runrig/kernels.h>

#include "command.h"
#include "json.h"

enum { KEY_JSON = 256 };

struct options {
	bool json;
	const char *path;
};

static const struct argp_option option_table[] = {
	{ .name = "json",
	  .key = KEY_JSON,
	  .arg = "FILE",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "as JSON, to FILE or instead of the text" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key == ARGP_KEY_ARG)
		exit(complain(EXIT_USAGE, "kernels: takes no words: %s",
			      given_word(arg)));
	if (key != KEY_JSON)
		return ARGP_ERR_UNKNOWN;
	options->json = true;
	options->path = given_path("--json", arg);
	return 0;
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.doc = "List the kernels, their parameters with defaults, and what "
	       "their results are checked against.",
};

static const char *kind_name(enum rig_param_kind kind)
{
	switch (kind) {
	case RIG_PARAM_SIZE:
		return "size";
	case RIG_PARAM_INT:
		return "int";
	case RIG_PARAM_REAL:
		return "real";
	case RIG_PARAM_TEXT:
		return "text";
	default:
		return "choice";
	}
}

static void list_params(const struct rig_kernel *kernel)
{
	const struct rig_param *param = kernel->params;
	char word[80];

	for (; param && param->name; param++) {
		snprintf(word, sizeof(word), "%s=%s", param->name,
			 param->fallback);
		printf("  %-14s %s\n", word, param->help);
	}
}

static void list_arrays(const struct rig_kernel *kernel)
{
	for (int i = 0; kernel->arrays[i].name; i++) {
		const struct rig_array_spec *spec = &kernel->arrays[i];

		if (!spec->role)
			continue;
		printf("  array %-8s %s%s%s%s\n", spec->name,
		       rig_dtype_name(spec->dtype),
		       spec->any_dtype ? ", or any other" : "",
		       spec->role & RIG_INPUT ? ", --input" : "",
		       spec->role & RIG_OUTPUT ? ", --output" : "");
	}
}

static void list(const struct rig_kernel *kernel)
{
	printf("%s: %s\n", kernel->name, kernel->summary);
	list_params(kernel);
	list_arrays(kernel);
	if (kernel->verified)
		printf("  verified: %s\n", kernel->verified);
}

static json_t *params_json(const struct rig_kernel *kernel)
{
	const struct rig_param *param = kernel->params;
	json_t *list = json_array();

	for (; param && param->name; param++) {
		json_t *one =
			json_pack("{ss ss ss ss}", "name", param->name, "kind",
				  kind_name(param->kind), "default",
				  param->fallback, "help", param->help);

		if (param->kind == RIG_PARAM_CHOICE) {
			json_object_set_new(one, "choices",
					    json_string(param->choices));
		} else if (param->kind != RIG_PARAM_TEXT) {
			json_object_set_new(one, "min", json_real(param->min));
			json_object_set_new(one, "max", json_real(param->max));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *arrays_json(const struct rig_kernel *kernel)
{
	json_t *list = json_array();

	for (int i = 0; kernel->arrays[i].name; i++) {
		const struct rig_array_spec *spec = &kernel->arrays[i];

		json_array_append_new(
			list,
			json_pack("{ss ss sb sb sb sb}", "name", spec->name,
				  "dtype", rig_dtype_name(spec->dtype),
				  "any_dtype", (int)spec->any_dtype, "any_byte",
				  (int)spec->any_byte, "input",
				  (spec->role & RIG_INPUT) != 0, "output",
				  (spec->role & RIG_OUTPUT) != 0));
	}
	return list;
}

static json_t *kernels_json(void)
{
	json_t *list = json_array();
	const struct rig_kernel *kernel;

	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++)
		json_array_append_new(list,
				      json_pack("{ss ss ss? so so}", "name",
						kernel->name, "summary",
						kernel->summary, "verified",
						kernel->verified, "parameters",
						params_json(kernel), "arrays",
						arrays_json(kernel)));
	return json_pack("{so}", "kernels", list);
}

int command_kernels(int argc, char **argv)
{
	struct options options = { 0 };
	const struct rig_kernel *kernel;

	parse_command(&argp, argc, argv, &options);
	if (rig_kernels_register() < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++) {
		if (options.json && !options.path)
			break;
		if (i)
			putchar('\n');
		list(kernel);
	}
	if (options.json)
		return finish_output(json_put(kernels_json(), options.path));
	return finish_output(EXIT_DONE);
}
