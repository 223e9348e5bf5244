/* SPDX-License-Identifier: MIT */
/*
 * run_options.c - the options of runrig run, as the user typed the options.
 */
#include "run_options.h"

#include <stdlib.h>
#include <string.h>

#include <common/number.h>

#include "command.h"
#include "timeline.h"

/* Longest --limit and largest --repeat. */
#define LIMIT_MAX_S 1e9
#define REPEAT_MAX  1000000

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
	{ .name = "hosts",
	  .key = KEY_HOSTS,
	  .doc = "Run once on the pools of all processes that mpirun, mpiexec "
		 "or srun has started: docs/hosts.md." },
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
	{ .name = "inplace",
	  .key = KEY_INPLACE,
	  .arg = "[ARRAY=]FILE.npy",
	  .doc = "Edit an array in its file, which a run that is killed leaves "
		 "half done." },
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

void run_add_word(struct options *options, char *word)
{
	options->words = grow(options->words, options->word_count,
			      sizeof(*options->words));
	options->words[options->word_count++] = word;
}

const char *run_option_name(int key)
{
	return key == KEY_INPUT     ? "--input"
	       : key == KEY_OUTPUT  ? "--output"
	       : key == KEY_INPLACE ? "--inplace"
				    : "--segment";
}

static void add_named(struct options *options, int key, const char *word)
{
	if (!*word)
		exit(complain(EXIT_USAGE, "%s: an empty name of a %s",
			      run_option_name(key),
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

/* --dtype and the like describe the segments named before them, back to the
 * last segment that was described before the next segment was named; before the
 * first --segment they describe all segments to come.  A --dtype is also for
 * all segments without a dtype, since every segment needs a dtype. */
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
	case KEY_HOSTS:
		options->request.hosts = true;
		if (rig_hosts_launched_rank() > 0)
			command_silence();
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
	case KEY_INPLACE:
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
			run_add_word(options, arg);
		else
			options->kernel = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp run_argp = {
	.options = option_table,
	.parser = parse,
	.args_doc = "KERNEL|FILE.so [PARAM=VALUE ...]",
	.doc = "Run a kernel on a pool of pinned workers, and check what it "
	       "did.\vWithout --input or --segment the kernel makes its own "
	       "data.  `runrig kernels' lists kernels and parameters.",
};
