/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c - runrig run: the command line of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/number.h>
#include <common/outfile.h>
#include <runrig/error.h>

#include "command.h"
#include "memory_map.h"
#include "operands.h"
#include "plugin.h"
#include "run_json.h"
#include "verified_run.h"
#include "show.h"
#include "timeline.h"

/* Options without a letter. */
enum {
	KEY_PLACE = 256,
	KEY_BARRIER,
	KEY_REPEAT,
	KEY_LIMIT,
	KEY_INPUT,
	KEY_OUTPUT,
	KEY_SEGMENT,
	KEY_DTYPE,
	KEY_SHAPE,
	KEY_OFFSET,
	KEY_COUNT,
	KEY_NO_VERIFY,
	KEY_VERIFY,
	KEY_SEED,
	KEY_JSON,
	KEY_MEMORY,
	KEY_MAP,
	KEY_HUGE,
	KEY_COLORS,
	KEY_LOG,
	KEY_TRACE
};

/* Longest --limit and largest --repeat. */
#define LIMIT_MAX_S 1e9
#define REPEAT_MAX  1000000

/* An option that names an array: which, as typed. */
struct named {
	int key;
	const char *word;
	int group; /* of segments that are described together */
	const char *dtype, *shape, *offset, *count; /* of a segment */
};

struct options {
	struct run_request request;
	const char *kernel;
	char **words; /* NAME=VALUE */
	size_t word_count;
	struct named *named;
	size_t named_count;
	struct named loose; /* said of segments before there was one */
	bool described;     /* the last segment has been, by an option */
	bool json;
	const char *json_path; /* NULL: stdout */
	const char *trace;     /* a file, or "-"; NULL: none */
};

static const struct argp_option option_table[] = {
	{ .name = "workers",
	  .key = 'n',
	  .arg = "N",
	  .doc = "Use N workers, not one a usable core." },
	{ .name = "place",
	  .key = KEY_PLACE,
	  .arg = "PLACE",
	  .doc = "Bind each worker to a core (the default), pu, l2, l3, numa "
		 "or package (l3:2: two workers an L3); spread, compact or "
		 "none; or to cores in rank order: 0,2,4-7." },
	{ .name = "barrier",
	  .key = KEY_BARRIER,
	  .arg = "KIND",
	  .doc = "Meet at the adaptive barrier (the default) or at pthread." },
	{ .name = "memory",
	  .key = KEY_MEMORY,
	  .arg = "WHERE",
	  .doc = "Make arrays local (the default: each part on the NUMA node "
		 "where the part's owner runs), interleave, bind:0,2-3, or "
		 "replicate: a copy on each node of what is only read." },
	{ .name = "huge",
	  .key = KEY_HUGE,
	  .doc = "Make arrays on huge pages as far as there are any, and say "
		 "how far." },
	{ .name = "map",
	  .key = KEY_MAP,
	  .doc = "Ask Linux on which node each page is, and show it." },
	{ .name = "repeat",
	  .key = KEY_REPEAT,
	  .arg = "R",
	  .doc = "Run R times; the result is that of the first run." },
	{ .name = "limit",
	  .key = KEY_LIMIT,
	  .arg = "SECONDS",
	  .doc = "End a run that takes longer; preparing and verifying "
		 "have this limit too, each." },
	{ .name = "input",
	  .key = KEY_INPUT,
	  .arg = "[ARRAY=]FILE.npy",
	  .doc = "Read an array from a file.",
	  .group = 1 },
	{ .name = "output",
	  .key = KEY_OUTPUT,
	  .arg = "[ARRAY=]FILE.npy",
	  .doc = "Write an array to a file when the array is verified; "
		 "FILE.png and FILE.pgm are pictures." },
	{ .name = "colors",
	  .key = KEY_COLORS,
	  .arg = "inferno|viridis|gray",
	  .doc = "Colour pictures so: the least element has the darkest "
		 "colour." },
	{ .name = "log",
	  .key = KEY_LOG,
	  .doc = "Colour pictures by the logarithm of the elements." },
	{ .name = "segment",
	  .key = KEY_SEGMENT,
	  .arg = "[ARRAY=]NAME",
	  .doc = "Work in place on an array that is in shared memory "
		 "already.",
	  .group = 2 },
	{ .name = "dtype",
	  .key = KEY_DTYPE,
	  .arg = "TYPE",
	  .doc = "Take the segments before this option that have no type yet "
		 "for float64, uint8, ... or NumPy's code, <f8." },
	{ .name = "shape",
	  .key = KEY_SHAPE,
	  .arg = "N,M",
	  .doc = "Give the segments just before a shape." },
	{ .name = "offset",
	  .key = KEY_OFFSET,
	  .arg = "BYTES",
	  .doc = "Begin so far into the segments just before." },
	{ .name = "count",
	  .key = KEY_COUNT,
	  .arg = "N",
	  .doc = "Take N elements of the segments just before." },
	{ .name = "verify",
	  .key = KEY_VERIFY,
	  .arg = "none|sample|full",
	  .doc = "Prove so much of the result: a sample is the default where "
		 "the kernel has a proof by blocks.",
	  .group = 3 },
	{ .name = "no-verify", .key = KEY_NO_VERIFY, .flags = OPTION_HIDDEN },
	{ .name = "seed",
	  .key = KEY_SEED,
	  .arg = "N",
	  .doc = "Draw the blocks of the sample by N." },
	{ .name = "verbose",
	  .key = 'v',
	  .doc = "Show the kernel's scratch memory and the barrier too." },
	{ .name = "trace",
	  .key = KEY_TRACE,
	  .arg = "FILE.json|FILE.svg",
	  .doc = "Write when each worker did what: for Perfetto, or as a "
		 "picture; - draws it here." },
	{ .name = "json",
	  .key = KEY_JSON,
	  .arg = "FILE",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "Write the result as JSON to FILE, or print JSON instead of "
		 "the text." },
	{ 0 },
};

static void *grow(void *array, size_t count, size_t bytes)
{
	void *grown = reallocarray(array, count + 1, bytes);

	if (!grown)
		exit(complain(EXIT_SYSTEM, "out of memory"));
	return grown;
}

static void add_word(struct options *options, char *word)
{
	options->words = grow(options->words, options->word_count,
			      sizeof(*options->words));
	options->words[options->word_count++] = word;
}

static const char *option_name(int key)
{
	return key == KEY_INPUT    ? "--input"
	       : key == KEY_OUTPUT ? "--output"
				   : "--segment";
}

static void add_named(struct options *options, int key, const char *word)
{
	if (!*word)
		exit(complain(EXIT_USAGE, "%s: an empty name of a %s",
			      option_name(key),
			      key == KEY_SEGMENT ? "segment" : "file"));
	options->named = grow(options->named, options->named_count,
			      sizeof(*options->named));
	if (key == KEY_SEGMENT && options->described) {
		options->loose.group++;
		options->described = false;
	}
	options->named[options->named_count] = options->loose;
	options->named[options->named_count].key = key;
	options->named[options->named_count++].word = word;
}

static const char **field_of(struct named *named, int key)
{
	switch (key) {
	case KEY_DTYPE:
		return &named->dtype;
	case KEY_SHAPE:
		return &named->shape;
	case KEY_OFFSET:
		return &named->offset;
	default:
		return &named->count;
	}
}

/* --dtype and its like are of the segments before them, back to the last that
 * had been described when the next was named; before the first segment, of all
 * that come.  A dtype, which every segment needs, is of all without one. */
static void describe(struct options *options, int key, const char *word)
{
	struct named *last = NULL;

	for (size_t i = 0; i < options->named_count; i++)
		if (options->named[i].key == KEY_SEGMENT)
			last = &options->named[i];
	if (!last) {
		*field_of(&options->loose, key) = word;
		return;
	}
	for (size_t i = 0; i < options->named_count; i++) {
		struct named *named = &options->named[i];

		if (named->key == KEY_SEGMENT && !*field_of(named, key) &&
		    (key == KEY_DTYPE || named->group == last->group))
			*field_of(named, key) = word;
	}
	options->described = true;
}

static enum rig_barrier_kind parse_barrier(const char *word)
{
	if (strcmp(word, "adaptive") == 0)
		return RIG_BARRIER_ADAPTIVE;
	if (strcmp(word, "pthread") == 0)
		return RIG_BARRIER_PTHREAD;
	exit(complain(EXIT_USAGE, "--barrier %s: not adaptive or pthread",
		      word));
}

static enum rig_verify parse_verify(const char *word)
{
	static const char *const words[] = {
		[RIG_VERIFY_NONE] = "none",
		[RIG_VERIFY_SAMPLE] = "sample",
		[RIG_VERIFY_FULL] = "full",
	};

	for (int i = RIG_VERIFY_NONE; i <= RIG_VERIFY_FULL; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum rig_verify)i;
	exit(complain(EXIT_USAGE, "--verify %s: not none, sample or full",
		      word));
}

static int parse_colors(const char *word)
{
	int colors = png_colors(word);

	if (colors >= 0)
		return colors;
	exit(complain(EXIT_USAGE, "--colors %s: not inferno, viridis or gray",
		      word));
}

static uint64_t parse_seed(const char *word)
{
	size_t seed;

	if (number_size(word, &seed) < 0 || seed == 0)
		exit(complain(EXIT_USAGE,
			      "--seed %s: not a whole number above 0", word));
	return seed;
}

static uint64_t parse_limit(const char *word)
{
	double seconds;

	if (number_real(word, &seconds) < 0 || seconds <= 0 ||
	    seconds > LIMIT_MAX_S)
		exit(complain(EXIT_USAGE,
			      "--limit %s: not a number of seconds above 0",
			      word));
	seconds *= 1e9;
	return seconds < 1 ? 1 : (uint64_t)seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	arg = given_word(arg);
	switch (key) {
	case 'n':
		options->request.pool.workers =
			given_int("-n", arg, 1, RIG_WORKERS_MAX);
		break;
	case KEY_PLACE:
		options->request.pool.place = arg;
		break;
	case KEY_BARRIER:
		options->request.pool.barrier = parse_barrier(arg);
		break;
	case KEY_REPEAT:
		options->request.repeat =
			given_int("--repeat", arg, 1, REPEAT_MAX);
		break;
	case KEY_LIMIT:
		options->request.limit_ns = parse_limit(arg);
		break;
	case KEY_INPUT:
	case KEY_OUTPUT:
	case KEY_SEGMENT:
		add_named(options, key, arg);
		break;
	case KEY_DTYPE:
	case KEY_SHAPE:
	case KEY_OFFSET:
	case KEY_COUNT:
		describe(options, key, arg);
		break;
	case KEY_MEMORY:
		options->request.replicate = strcmp(arg, "replicate") == 0;
		options->request.memory =
			options->request.replicate ? NULL : arg;
		break;
	case KEY_COLORS:
		options->request.style.colors = parse_colors(arg);
		break;
	case KEY_LOG:
		options->request.style.logarithmic = true;
		break;
	case KEY_HUGE:
		options->request.pages = RIG_PAGES_HUGE;
		break;
	case KEY_MAP:
		options->request.map = true;
		break;
	case KEY_NO_VERIFY:
		options->request.verify = RIG_VERIFY_NONE;
		break;
	case KEY_VERIFY:
		options->request.verify = parse_verify(arg);
		break;
	case KEY_SEED:
		options->request.seed = parse_seed(arg);
		break;
	case 'v':
		options->request.verbose = true;
		break;
	case KEY_TRACE:
		options->trace = given_path("--trace", arg);
		options->request.pool.trace = TIMELINE_SPANS;
		break;
	case KEY_JSON:
		options->json = true;
		options->json_path = given_path("--json", arg);
		break;
	case ARGP_KEY_ARG:
		if (options->kernel)
			add_word(options, arg);
		else
			options->kernel = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.args_doc = "KERNEL|FILE.so [PARAM=VALUE ...]",
	.doc = "Run a kernel on a pool of pinned workers, and check what it "
	       "did.\vWithout --input or --segment the kernel makes its own "
	       "data.  `runrig kernels' lists kernels and parameters.",
};

/* May the array be what the option asks? */
static bool takes(const struct rig_array_spec *spec, int key)
{
	switch (key) {
	case KEY_INPUT:
		return spec->role & RIG_INPUT;
	case KEY_OUTPUT:
		return spec->role & RIG_OUTPUT;
	default:
		return spec->role != RIG_SCRATCH;
	}
}

/* "b, c": the arrays that the option may name; returns how many, and one. */
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
					 count++ ? ", " : "",
					 kernel->arrays[i].name);
		*one = i;
	}
	return count;
}

/* Is there a file, or a segment, of exactly that name? */
static bool is_there(const struct named *named)
{
	char path[sizeof("/dev/shm/") + RIG_NAME_MAX];

	if (named->key != KEY_SEGMENT)
		return access(named->word, F_OK) == 0;
	return snprintf(path, sizeof(path), "/dev/shm/%s", named->word) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* Which array "x=data.npy" means, and what of it: sets *index and *rest. */
static int find_array(const struct rig_kernel *kernel,
		      const struct named *named, int *index, const char **rest)
{
	size_t length = strcspn(named->word, "=");
	const char *option = option_name(named->key);
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
	/* A name with = in it may just be a file's, or a segment's. */
	if (count == 1 && (!named->word[length] ||
			   memchr(named->word, '/', length) || is_there(named)))
		return 0;
	if (named->word[length])
		return complain(EXIT_USAGE,
				"%s %s: no array \"%.*s\"; %s has %s", option,
				named->word, (int)length, named->word,
				kernel->name, count ? names : "none");
	return complain(EXIT_USAGE, "%s %s: say of which array of %s: %s",
			option, named->word, kernel->name,
			count ? names : "it has none");
}

/* Enter what an option says of its array. */
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
				option_name(named->key));
	array = &request->arrays[index];
	field = named->key == KEY_OUTPUT  ? &array->output
		: named->key == KEY_INPUT ? &array->input
					  : &array->segment;
	if (*field ||
	    (named->key != KEY_OUTPUT && (array->input || array->segment)))
		return complain(EXIT_USAGE, "%s %s: array %s is given twice",
				option_name(named->key), named->word,
				request->kernel->arrays[index].name);
	*field = rest;
	if (named->key == KEY_SEGMENT) {
		array->dtype = named->dtype;
		array->shape = named->shape;
		array->offset = named->offset;
		array->count = named->count;
	}
	return 0;
}

/* No file is written twice, and what describes the run not over what it reads:
 * an array may be. */
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

/* No file is written twice, and what describes a segment has one. */
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

	if (r == 0 && (!options->json || options->json_path)) {
		show_run(&runner);
		if (options->request.map)
			r = map_show(&runner);
	}
	/* Both of a run that failed as well: then they are wanted most. */
	if (options->json && runner.outcome) {
		int put = run_json_put(&runner, options->json_path);

		r = r ? r : put;
	}
	if (options->trace && runner.pool) {
		const struct traced spans = { .pool = runner.pool };
		int traced = timeline_write(
			&spans, options->request.kernel->name, options->trace);

		r = r ? r : traced;
	}
	runner_finish(&runner);
	return r;
}

/* A kernel whose parameters name the arrays becomes one that has them. */
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

int command_run(int argc, char **argv)
{
	struct rig_declared declared;
	struct rig_kernel own;
	struct options options = { .request = { .repeat = 1,
						.verify = RIG_VERIFY_SAMPLE } };
	int r;

	parse_command(&argp, argc, argv, &options);
	if (!options.kernel)
		return complain(EXIT_USAGE, "run: which kernel? `runrig "
					    "kernels' lists them");
	add_word(&options, NULL);
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
