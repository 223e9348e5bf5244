/* SPDX-License-Identifier: MIT */
/*
 * cmd_kernels.c - runrig kernels: the list of kernels, and their parameters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/kernels.h>

#include "command.h"
#include "json.h"
#include "plugin.h"
#include "show.h"

enum { KEY_JSON = 256 };

struct options {
	bool json;
	const char *path;
	const char *name; /* name of the only kernel; NULL: all */
};

static const struct argp_option option_table[] = {
	JSON_OPTION(KEY_JSON),
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key == ARGP_KEY_ARG) {
		if (options->name)
			exit(complain(EXIT_USAGE,
				      "kernels: takes one kernel: %s",
				      given_word(arg)));
		options->name = given_word(arg);
		return 0;
	}
	if (key != KEY_JSON)
		return ARGP_ERR_UNKNOWN;
	options->json = true;
	options->path = given_path("--json", arg);
	return 0;
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.args_doc = "[KERNEL]",
	.doc = "List the kernels, or one of them: the parameters with "
	       "defaults, the arrays, and what the result is checked against.",
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
		printf("  %-14s ", word);
		show_wrapped(param->help,
			     strlen(word) > 14 ? (int)strlen(word) + 3 : 17,
			     17);
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
	printf("%s: ", kernel->name);
	show_wrapped(kernel->summary, (int)strlen(kernel->name) + 2, 2);
	list_params(kernel);
	list_arrays(kernel);
	printf("  %s\n", kernel->hosts ? "runs on several hosts: --hosts"
				       : "one host only");
	if (!kernel->verified)
		return;
	printf("  verified: ");
	show_wrapped(kernel->verified, 12, 4);
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

/* Is the kernel asked for? */
static bool is_asked(const struct options *options,
		     const struct rig_kernel *kernel)
{
	return !options->name || strcmp(kernel->name, options->name) == 0;
}

static json_t *kernels_json(const struct options *options)
{
	json_t *list = json_array();
	const struct rig_kernel *kernel;

	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++) {
		if (!is_asked(options, kernel))
			continue;
		json_array_append_new(
			list,
			json_pack("{ss ss ss? sb so so}", "name", kernel->name,
				  "summary", kernel->summary, "verified",
				  kernel->verified, "hosts", kernel->hosts != 0,
				  "parameters", params_json(kernel), "arrays",
				  arrays_json(kernel)));
	}
	return json_pack("{so}", "kernels", list);
}

int command_kernels(int argc, char **argv)
{
	struct options options = { 0 };
	const struct rig_kernel *kernel;
	bool first = true;

	parse_command(&argp, argc, argv, &options);
	if (rig_kernels_register() < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	if (options.name && !rig_kernel_find(options.name))
		return plugin_none(options.name);
	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++) {
		if (!is_asked(&options, kernel) ||
		    (options.json && !options.path))
			continue;
		if (!first)
			putchar('\n');
		list(kernel);
		first = false;
	}
	if (options.json)
		return finish_output(
			json_put(kernels_json(&options), options.path));
	return finish_output(EXIT_DONE);
}
