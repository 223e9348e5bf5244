/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c - runrig run: which array each option means, and the run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/outfile.h>
#include <runrig/error.h>

#include "command.h"
#include "hosts_trace.h"
#include "memory_map.h"
#include "operands.h"
#include "plugin.h"
#include "run_json.h"
#include "run_options.h"
#include "verified_run.h"
#include "show.h"
#include "timeline.h"

/* Whether the option may name the array. */
static bool takes(const struct rig_array_spec *spec, int key)
{
	switch (key) {
	case KEY_INPUT:
		return spec->role & RIG_INPUT;
	case KEY_OUTPUT:
		return spec->role & RIG_OUTPUT;
	case KEY_INPLACE:
		return spec->role == RIG_INOUT;
	default:
		return spec->role != RIG_SCRATCH;
	}
}

/* "b, c": the arrays that the option may name.  Returns the number of arrays
 * that are not optional, and sets *one to the last of these. */
static int list_arrays(const struct rig_kernel *kernel, int key, char *names,
		       size_t bytes, int *one)
{
	size_t used = 0;
	int count = 0;

	*names = 0;
	for (int i = 0; kernel->arrays[i].name; i++) {
		if (!takes(&kernel->arrays[i], key) || used >= bytes)
			continue;
		used += (size_t)snprintf(names + used, bytes - used, "%s%s",
					 used ? ", " : "",
					 kernel->arrays[i].name);
		if (kernel->arrays[i].optional)
			continue;
		count++;
		*one = i;
	}
	return count;
}

/* Whether there is a file, or a segment, with exactly the name. */
static bool is_there(const struct named *named)
{
	char path[sizeof("/dev/shm/") + RIG_NAME_MAX];

	if (named->key != KEY_SEGMENT)
		return access(named->word, F_OK) == 0;
	return snprintf(path, sizeof(path), "/dev/shm/%s", named->word) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* The array of "x=data.npy", and the rest: sets *index and *rest. */
static int find_array(const struct rig_kernel *kernel,
		      const struct named *named, int *index, const char **rest)
{
	size_t length = strcspn(named->word, "=");
	const char *option = run_option_name(named->key);
	char names[200];
	int count;

	for (int i = 0; kernel->arrays[i].name; i++) {
		if (!named->word[length] ||
		    strlen(kernel->arrays[i].name) != length ||
		    memcmp(kernel->arrays[i].name, named->word, length) != 0)
			continue;
		*index = i;
		*rest = named->word + length + 1;
		if (!**rest)
			return complain(EXIT_USAGE, "%s %s: an empty name",
					option, named->word);
		if (takes(&kernel->arrays[i], named->key))
			return 0;
		return complain(EXIT_USAGE, "%s %s: array %s of %s is no %s",
				option, named->word, kernel->arrays[i].name,
				kernel->name, option + 2);
	}
	*rest = named->word;
	count = list_arrays(kernel, named->key, names, sizeof(names), index);
	/* The name of a file or of a segment may have a = in it. */
	if (count == 1 && (!named->word[length] ||
			   memchr(named->word, '/', length) || is_there(named)))
		return 0;
	if (named->word[length])
		return complain(EXIT_USAGE,
				"%s %s: no array \"%.*s\"; %s has %s", option,
				named->word, (int)length, named->word,
				kernel->name, *names ? names : "none");
	return complain(EXIT_USAGE, "%s %s: say of which array of %s: %s",
			option, named->word, kernel->name,
			count ? names : "it has none");
}

/* Enter an option into the option's array. */
static int enter(struct options *options, const struct named *named)
{
	struct run_request *request = &options->request;
	struct run_array *array;
	const char **field;
	const char *rest;
	int index = 0;
	int r = find_array(request->kernel, named, &index, &rest);

	if (r)
		return r;
	if (named->key != KEY_SEGMENT && strcmp(rest, "-") == 0)
		return complain(EXIT_USAGE,
				"%s -: arrays are files: name one (./- is a "
				"name)",
				run_option_name(named->key));
	array = &request->arrays[index];
	field = named->key == KEY_OUTPUT ? &array->output
		: named->key == KEY_INPUT || named->key == KEY_INPLACE
			? &array->input
			: &array->segment;
	if (*field ||
	    (named->key != KEY_OUTPUT && (array->input || array->segment)))
		return complain(EXIT_USAGE, "%s %s: array %s is given twice",
				run_option_name(named->key), named->word,
				request->kernel->arrays[index].name);
	*field = rest;
	array->inplace |= named->key == KEY_INPLACE;
	if (array->inplace && array->output)
		return complain(EXIT_USAGE,
				"--inplace %s: array %s has an --output, too: "
				"one of them",
				array->input,
				request->kernel->arrays[index].name);
	if (named->key == KEY_SEGMENT) {
		array->dtype = named->dtype;
		array->shape = named->shape;
		array->offset = named->offset;
		array->count = named->count;
	}
	return 0;
}

/* No file is written twice, and neither JSON nor a trace is written over an
 * input; an output may be. */
static int check_twice(const struct options *options)
{
	const char *written[RIG_ARRAYS_MAX + 2] = { options->json_path,
						    options->trace };
	const struct run_array *arrays = options->request.arrays;
	const size_t most = sizeof(written) / sizeof(*written);

	if (options->trace && strcmp(options->trace, "-") == 0)
		written[1] = NULL;
	for (int i = 0; i < RIG_ARRAYS_MAX; i++)
		written[2 + i] = arrays[i].output;
	for (size_t i = 0; i < most; i++)
		for (size_t k = 0; k < i; k++)
			if (written[i] && written[k] &&
			    outfile_same(written[i], written[k]))
				return complain(EXIT_USAGE,
						"%s: named twice, to be "
						"written",
						written[i]);
	for (size_t i = 0; i < 2; i++)
		for (int k = 0; k < RIG_ARRAYS_MAX; k++)
			if (written[i] && arrays[k].input &&
			    outfile_same(written[i], arrays[k].input))
				return complain(EXIT_USAGE,
						"%s: it is read, and would be "
						"written over",
						written[i]);
	return 0;
}

/* Check the options together: no file is written twice, and --dtype and the
 * like follow a --segment. */
static int check(const struct options *options)
{
	const struct named *loose = &options->loose;
	bool described =
		loose->dtype || loose->shape || loose->offset || loose->count;

	for (size_t i = 0; i < options->named_count; i++)
		described &= options->named[i].key != KEY_SEGMENT;
	if (described)
		return complain(EXIT_USAGE, "--dtype, --shape, --offset and "
					    "--count describe a --segment, and "
					    "there is none");
	if (check_twice(options))
		return EXIT_USAGE;
	if (options->json && !options->json_path && options->trace &&
	    strcmp(options->trace, "-") == 0)
		return complain(EXIT_USAGE,
				"--json and --trace - both go to stdout: name "
				"a file for one of them");
	if (options->trace && options->request.hosts &&
	    !timeline_is_json(options->trace))
		return complain(EXIT_USAGE,
				"--hosts: --trace takes a file for JSON, no "
				"other");
	if (options->json_path && check_writable(options->json_path))
		return EXIT_SYSTEM;
	if (options->trace && strcmp(options->trace, "-") != 0)
		return check_writable(options->trace);
	return EXIT_DONE;
}

static int run(struct options *options)
{
	struct runner runner = { 0 };
	int r = runner_run(&runner, &options->request);

	if (!runner_tells(&runner)) {
		if (options->trace)
			(void)hosts_trace(runner.hosts, runner.pool,
					  options->request.kernel->name,
					  options->trace);
		runner_finish(&runner);
		return r;
	}
	if (r == 0 && (!options->json || options->json_path)) {
		show_run(&runner);
		if (options->request.map)
			r = map_show(&runner);
	}
	/* JSON and trace are also written for a failed run, when a user needs
	 * both most. */
	if (options->json && runner.outcome) {
		int put = run_json_put(&runner, options->json_path);

		r = r ? r : put;
	}
	if (options->trace && runner.pool) {
		const struct traced spans = { .pool = runner.pool };
		const char *kernel = options->request.kernel->name;
		int traced = runner.hosts
				     ? hosts_trace(runner.hosts, runner.pool,
						   kernel, options->trace)
				     : timeline_write(&spans, kernel,
						      options->trace);

		r = r ? r : traced;
	}
	runner_finish(&runner);
	return r;
}

/* A kernel whose parameters name the arrays gets these arrays. */
static int declare(struct options *options, struct rig_kernel *own,
		   struct rig_declared *declared)
{
	struct rig_setting *settings = NULL;
	int r;

	if (!options->request.kernel->declare)
		return 0;
	r = operands_settings(options->words, &settings);
	if (r == 0 && rig_kernel_arrays(options->request.kernel->name, settings,
					declared) < 0)
		r = complain(EXIT_USAGE, "%s", rig_why());
	operands_settings_free(settings);
	*own = *options->request.kernel;
	own->arrays = declared->specs;
	options->request.kernel = own;
	return r;
}

/* A launcher of several processes has started this process: each process would
 * run the whole kernel. */
static void refuse_launchers(void)
{
	const char *variable;
	const int count = rig_hosts_launched(&variable);

	if (rig_hosts_launched_rank() > 0)
		command_silence();
	if (count)
		exit(complain(
			EXIT_USAGE,
			"run: a launcher has started %d processes (%s), and "
			"each would run the kernel: say --hosts for one "
			"run on all, or start one",
			count, variable));
}

int command_run(int argc, char **argv)
{
	struct rig_declared declared;
	struct rig_kernel own;
	struct options options = { .request = { .repeat = 1,
						.verify = RIG_VERIFY_SAMPLE } };
	int r;

	parse_command(&run_argp, argc, argv, &options);
	if (!options.request.hosts)
		refuse_launchers();
	if (!options.kernel)
		return complain(EXIT_USAGE, "run: which kernel? `runrig "
					    "kernels' lists them");
	run_add_word(&options, NULL);
	options.request.words = options.words;
	if (rig_kernels_register() < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	r = plugin_find(options.kernel, &options.request.kernel);
	if (r == 0)
		r = declare(&options, &own, &declared);
	for (size_t i = 0; i < options.named_count && r == 0; i++)
		r = enter(&options, &options.named[i]);
	if (r == 0)
		r = check(&options);
	if (r == 0)
		r = run(&options);
	plugin_done();
	free(options.words);
	free(options.named);
	return finish_output(r);
}
