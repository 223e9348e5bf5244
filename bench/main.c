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

#include <common/option.h>

#include "commands/commands.h"

enum {
	KEY_PEER = 256,
	KEY_BUDGET,
	KEY_LAUNCHES,
	KEY_BLOCKS,
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
	  "measure only these peers (libgomp,libomp,python,...), or none", 0 },
	{ "budget", KEY_BUDGET, "SECONDS", 0,
	  "end within that time: fewer blocks and launches, all rows", 0 },
	{ "launches", KEY_LAUNCHES, "N", 0,
	  "start every process anew so many times (6)", 0 },
	{ "blocks", KEY_BLOCKS, "N", 0, "visit every cell so often a launch",
	  0 },
	{ "seed", KEY_SEED, "N", 0, "replay this order", 0 },
	{ "warmup", KEY_WARMUP, "SECONDS", 0,
	  "warm every cell up for at least so long (0.2)", 0 },
	{ "batch", KEY_BATCH, "SECONDS", 0, "length of one sample (0.002)", 0 },
	{ "contender", KEY_CONTENDER, "FILE.so", 0,
	  "ipc: a transport of your own (rigbench new contender)", 0 },
	{ "strict", KEY_STRICT, NULL, 0,
	  "exit with 4 where the machine is too noisy, or A/A beyond 1.2", 0 },
	{ "json", KEY_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "everything as JSON, to FILE or instead of the table", 0 },
	{ "output", 'o', "PATH", 0, "suite: folder; report: the page", 0 },
	{ "csv", KEY_CSV, "FILE", 0, "samples as CSV, and FILE-summary.csv",
	  0 },
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
		c->contender = file_name("contender", text);
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
	fprintf(out, "Commands (rigbench COMMAND --help has its words):\n\n");
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
		fprintf(file, "%s: %s.", entry->name, entry->summary);
	else if (entry)
		help_command(entry, file);
	else
		help_commands(file);
	fclose(file);
	return out;
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
	fprintf(stderr,
		c->word_count ? "rigbench: no command %s; there are"
			      : "rigbench: say a command%s:",
		c->word_count ? c->words[0] : "");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, " %s", commands[i]->name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
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

	if (option_check(option_list, argc, argv, wrong, sizeof(wrong)) < 0)
		refuse("%s", wrong);
	/* argp reorders argv; what was typed is what is reported. */
	command.argv = calloc((size_t)argc + 1, sizeof(*argv));
	if (!command.argv)
		return EXIT_SYSTEM;
	memcpy(command.argv, argv, (size_t)argc * sizeof(*argv));
	argp_program_version = "rigbench " RIGBENCH_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	plan_init(&command.plan);
	argp_parse(&parser, argc, argv, 0, NULL, &command);
	status = run_command(&command);
	plan_free(&command.plan);
	free(command.argv);
	return status;
}
