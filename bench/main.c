/* SPDX-License-Identifier: MIT */
/*
 * main.c - rigbench: the command line of the measuring driver.
 */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include <common/nearest.h>
#include <common/option.h>

#include "commands/commands.h"

enum {
	KEY_PEER = 256,
	KEY_BUDGET,
	KEY_LAUNCHES,
	KEY_BLOCKS,
	KEY_OPENINGS,
	KEY_SEED,
	KEY_STRICT,
	KEY_JSON,
	KEY_CSV,
	KEY_WARMUP,
	KEY_BATCH,
	KEY_CONTENDER
};

static const struct argp_option option_list[] = {
	{ "peer", KEY_PEER, "LIST", 0,
	  "Measure only these peers (libgomp,libomp,python,...), or none.", 0 },
	{ "budget", KEY_BUDGET, "SECONDS", 0,
	  "End within that time by fewer blocks and launches, with all rows.",
	  0 },
	{ "launches", KEY_LAUNCHES, "N", 0,
	  "Start every process anew N times, not 6.", 0 },
	{ "blocks", KEY_BLOCKS, "N", 0, "Visit every cell N times a launch.",
	  0 },
	{ "openings", KEY_OPENINGS, "N", 0,
	  "Open contenders anew N times a launch (ipc and suite: 3).", 0 },
	{ "seed", KEY_SEED, "N", 0, "Replay the order of seed N.", 0 },
	{ "warmup", KEY_WARMUP, "SECONDS", 0,
	  "Warm every cell up for so long, not for 0.2 s.", 0 },
	{ "batch", KEY_BATCH, "SECONDS", 0,
	  "Let one sample take so long, not 0.002 s.", 0 },
	{ "contender", KEY_CONTENDER, "FILE.so", 0,
	  "Measure in ipc a transport of your own (rigbench new contender), "
	  "or a program, 'cmd:python3 mine.py'.",
	  0 },
	{ "strict", KEY_STRICT, NULL, 0,
	  "Exit with 4 where the machine is too noisy, or A/A beyond 1.2.", 0 },
	{ "json", KEY_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "Write all as JSON to FILE, or print JSON instead of the table.", 0 },
	{ "output", 'o', "PATH", 0,
	  "Write the suite to a folder, or the report to a page.", 0 },
	{ "csv", KEY_CSV, "FILE", 0,
	  "Write the samples as CSV to FILE, and FILE-summary.csv.", 0 },
	{ 0 },
};

static noreturn void refuse(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The command line is wrong: in one line. */
static noreturn void refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "rigbench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_USAGE);
}

/* The number that an option was given, from min to max, or a usage error. */
static double number(const char *option, const char *text, double min,
		     double max)
{
	char *end;
	double x;

	errno = 0;
	x = strtod(text, &end);
	if (*end || end == text || errno || !(x >= min && x <= max))
		refuse("--%s %s: not a number from %g to %g", option, text, min,
		       max);
	return x;
}

/* The file name that an option was given; NULL: none. */
static char *file_name(const char *option, char *text)
{
	if (text && !*text)
		refuse("--%s: an empty name of a file", option);
	return text;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct command *c = state->input;

	switch (key) {
	case KEY_PEER:
		c->peers = text;
		break;
	case KEY_BUDGET:
		c->plan.budget_ns =
			(uint64_t)(1e9 * number("budget", text, 1, 86400));
		break;
	case KEY_LAUNCHES:
		c->plan.launches = (uint32_t)number("launches", text, 1, 1000);
		break;
	case KEY_BLOCKS:
		c->plan.blocks = (uint32_t)number("blocks", text, 1, 100000);
		break;
	case KEY_OPENINGS:
		c->openings_given = true;
		c->plan.openings = (uint32_t)number("openings", text, 1, 1000);
		break;
	case KEY_SEED:
		c->plan.seed = (uint64_t)number("seed", text, 0, 9e15);
		break;
	case KEY_WARMUP:
		c->warmup_given = true;
		c->plan.warmup_ns =
			(uint64_t)(1e9 * number("warmup", text, 0, 2));
		break;
	case KEY_BATCH:
		c->plan.batch_ns =
			(uint64_t)(1e9 * number("batch", text, 1e-5, 10));
		break;
	case 'o':
		c->folder = file_name("output", text);
		break;
	case KEY_CONTENDER:
		if (c->contender_count == COMMAND_CONTENDERS_MAX)
			refuse("more than %d contenders",
			       COMMAND_CONTENDERS_MAX);
		c->contenders[c->contender_count++] =
			file_name("contender", text);
		break;
	case KEY_STRICT:
		c->strict = true;
		break;
	case KEY_JSON:
		c->json = true;
		c->json_path = file_name("json", text);
		break;
	case KEY_CSV:
		c->csv_path = file_name("csv", text);
		break;
	case ARGP_KEY_ARG:
		if (c->word_count == COMMAND_WORDS_MAX)
			refuse("more than %d words", COMMAND_WORDS_MAX);
		c->words[c->word_count++] = text;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* meson.build says RIGBENCH_COMMANDS: COMMAND(ipc) COMMAND(sync) ... */
#define COMMAND(name) extern const struct bench_command bench_##name;
RIGBENCH_COMMANDS
#undef COMMAND

#define COMMAND(name) &bench_##name,
static const struct bench_command *const commands[] = { RIGBENCH_COMMANDS };
#undef COMMAND

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct bench_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void help_commands(FILE *out)
{
	fprintf(out,
		"Commands (`rigbench help COMMAND' has the words of a command):\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->summary);
}

static void help_command(const struct bench_command *entry, FILE *out)
{
	if (entry->help)
		entry->help(out);
	else
		fprintf(out, "%s\n",
			entry->about ? entry->about : "It takes no words.");
}

/* The command whose --help is asked for; argp has not come to it yet. */
static const struct bench_command *helped(const struct command *c)
{
	const struct bench_command *entry = NULL;

	for (int i = 1; i < c->argc && !entry; i++)
		entry = find_command(c->argv[i]);
	return entry;
}

static char *help_filter(int key, const char *text, void *input)
{
	const struct bench_command *entry = helped(input);
	char *out = NULL;
	size_t bytes;
	FILE *file;

	if (key != ARGP_KEY_HELP_POST_DOC &&
	    (!entry ||
	     (key != ARGP_KEY_HELP_ARGS_DOC && key != ARGP_KEY_HELP_PRE_DOC)))
		return (char *)(uintptr_t)text;
	file = open_memstream(&out, &bytes);
	if (!file)
		return NULL;
	if (key == ARGP_KEY_HELP_ARGS_DOC)
		fprintf(file, "%s%s%s", entry->name, *entry->words ? " " : "",
			entry->words);
	else if (key == ARGP_KEY_HELP_PRE_DOC)
		fprintf(file, "%s: %s", entry->name, entry->summary);
	else if (entry)
		help_command(entry, file);
	else
		help_commands(file);
	fclose(file);
	return out;
}

static noreturn void refuse_command(const char *word)
{
	struct nearest nearest = { .word = word ? word : "" };
	char names[400];
	size_t used = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		nearest_look(&nearest, commands[i]->name);
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 " %s", commands[i]->name);
	}
	if (!word)
		refuse("say a command:%s", names);
	if (nearest.name)
		refuse("no command %s: did you mean %s?", word, nearest.name);
	refuse("no command %s; there are%s", word, names);
}

/* `rigbench help sync' is `rigbench sync --help'. */
static int enter_help(int argc, char **argv)
{
	static char help[] = "--help";

	if (argc < 2 || strcmp(argv[1], "help") != 0)
		return argc;
	if (argc > 3)
		refuse("help: takes one command: %s", argv[3]);
	if (argc == 3 && !find_command(argv[2]))
		refuse_command(argv[2]);
	argv[1] = argc == 3 ? argv[2] : help;
	argv[argc - 1] = help;
	return argc;
}

static int run_command(struct command *c)
{
	const struct bench_command *entry =
		c->word_count ? find_command(c->words[0]) : NULL;

	if (entry && !*entry->words && c->word_count > 1) {
		fprintf(stderr, "rigbench: %s takes no words\n", entry->name);
		return EXIT_USAGE;
	}
	if (entry)
		return entry->run(c);
	refuse_command(c->word_count ? c->words[0] : NULL);
}

int main(int argc, char **argv)
{
	static const struct argp parser = {
		option_list,
		parse_option,
		"COMMAND [WORD...]",
		"Measure sharing against copying.\v ",
		NULL,
		help_filter,
		NULL
	};
	struct command command = { .argc = argc };
	char wrong[800];
	int status;

	argc = enter_help(argc, argv);
	/* argp reorders argv, and the report has the words as typed. */
	command.argv = calloc((size_t)argc + 1, sizeof(*argv));
	if (!command.argv)
		return EXIT_SYSTEM;
	memcpy(command.argv, argv, (size_t)argc * sizeof(*argv));
	if (option_check(option_list, argc, argv, wrong, sizeof(wrong)) < 0)
		refuse("%s", wrong);
	argp_program_version = "rigbench " RIGBENCH_VERSION;
	plan_init(&command.plan);
	option_parse(&parser, argc, argv, EXIT_USAGE, &command);
	status = run_command(&command);
	plan_free(&command.plan);
	free(command.argv);
	return status;
}
