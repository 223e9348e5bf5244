/* SPDX-License-Identifier: MIT */
/*
 * all_commands.c - the library with all commands of runrig: a word for each command.
 */
#include "all_commands.h"

#include <stdio.h>
#include <string.h>

#include <common/nearest.h>
#include <runrig/kernels.h>

#include "command.h"
#include "interrupt.h"
#include "progress_line.h"

#ifndef RUNRIG_VERSION
#define RUNRIG_VERSION "unknown"
#endif

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
#define COMMAND(name, summary) { #name, command_##name, summary },
#include "commands.def"
#undef COMMAND
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	return NULL;
}

static int help(void)
{
	printf("Usage: runrig COMMAND [WORD ...]\n"
	       "Compute in parallel with processes that share memory.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\n`runrig help COMMAND' says what a command takes.\n"
	       "The exit code is 0 where all is done (and verified), 1 where "
	       "the command line is\n"
	       "wrong, 2 where the result is wrong, 3 where a run failed, and "
	       "5 where a file,\n"
	       "a segment or the system is at fault.\n");
	return finish_output(EXIT_DONE);
}

/* No command, or an unknown word. */
static int unknown(const char *word)
{
	struct nearest nearest = { .word = word };
	char names[200];
	size_t used = 0;

	for (size_t i = 0; i < COMMANDS; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ", " : "",
					 commands[i].name);
	if (!word)
		return complain(EXIT_USAGE, "say a command: %s", names);
	for (size_t i = 0; i < COMMANDS; i++)
		nearest_look(&nearest, commands[i].name);
	nearest_look(&nearest, "help");
	if (nearest.name)
		return complain(EXIT_USAGE,
				"no command \"%s\": did you mean %s?", word,
				nearest.name);
	return complain(EXIT_USAGE, "no command \"%s\": there are %s", word,
			names);
}

/* An option that no command stands before. */
static int unknown_option(const char *word)
{
	struct nearest nearest = { .word = word };

	nearest_look(&nearest, "--help");
	nearest_look(&nearest, "--version");
	if (nearest.name)
		return complain(EXIT_USAGE,
				"no option \"%s\": did you mean %s?", word,
				nearest.name);
	return complain(EXIT_USAGE,
			"no option \"%s\": there are --help and --version; "
			"a command's options follow the command",
			word);
}

/* `runrig help run' is `runrig run --help'. */
static int help_command(int argc, char **argv)
{
	static char option[] = "--help";
	const struct command *command = argc > 1 ? find(argv[1]) : NULL;

	if (argc == 1)
		return help();
	if (argc > 2)
		return complain(EXIT_USAGE, "help: takes one command: %s",
				argv[2]);
	if (!command)
		return unknown(argv[1]);
	return run_command(command->name, command->run, 2,
			   (char *[]){ argv[1], option, NULL });
}

int commands_run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	interrupt_removes(rig_outputs_remove);
	before_messages(progress_clear);
	begin_commands();
	if (!word)
		return unknown(NULL);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "-?") == 0)
		return help();
	if (strcmp(word, "help") == 0)
		return help_command(argc - 1, argv + 1);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("runrig %s\n", RUNRIG_VERSION);
		return finish_output(EXIT_DONE);
	}
	if (*word == '-')
		return unknown_option(word);
	command = find(word);
	return command ? run_command(command->name, command->run, argc - 1,
				     argv + 1)
		       : unknown(word);
}
