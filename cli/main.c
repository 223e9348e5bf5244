/* SPDX-License-Identifier: MIT */
/*
 * main.c - runrig: one program, a word for each thing it does.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "cmd_list.h"
#include "cmd_topo.h"

#ifndef RUNRIG_VERSION
#define RUNRIG_VERSION "unknown"
#endif

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "demo", command_demo,
	  "the article's three programs, and the big reverse, checked" },
	{ "topo", command_topo, "the machine, and where the workers would go" },
	{ "kernels", command_kernels, "which kernels there are" },
	{ "run", command_run, "run a kernel on pinned workers" },
	{ "exec", command_exec, "start programs as ranks" },
	{ "new", command_new, "begin a kernel of your own" },
	{ "list", list_command, "lists of values, as Python's ShareableList" },
	{ "segments", command_segments, "what is in /dev/shm" },
	{ "create", command_create, "make a segment that stays" },
	{ "rm", command_rm, "remove segments by name" },
	{ "clean", command_clean, "remove what the dead have left" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	printf("Usage: runrig COMMAND [WORD ...]\n"
	       "Parallel computing with processes that share memory.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\n`runrig COMMAND --help' says what a command takes.\n"
	       "Exit codes: 0 done (and verified), 1 usage, 2 the result is "
	       "wrong,\n3 a run failed, 5 a file, a segment or the system is "
	       "at fault.\n");
	return finish_output(EXIT_DONE);
}

/* No command, or none that there is. */
static int unknown(const char *word)
{
	char names[200];
	size_t used = 0;

	for (size_t i = 0; i < COMMANDS; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ", " : "",
					 commands[i].name);
	if (!word)
		return complain(EXIT_USAGE, "say a command: %s", names);
	return complain(EXIT_USAGE, "no command \"%s\": there are %s", word,
			names);
}

static int dispatch(const struct command *command, int argc, char **argv)
{
	char name[40];

	/* What argp calls the program in its messages. */
	snprintf(name, sizeof(name), "runrig %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	/* A file too large is an error to tell, not a death. */
	(void)signal(SIGXFSZ, SIG_IGN);
	argp_program_version = "runrig " RUNRIG_VERSION;
	if (!word)
		return unknown(NULL);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0 ||
	    strcmp(word, "help") == 0)
		return help();
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("runrig %s\n", RUNRIG_VERSION);
		return finish_output(EXIT_DONE);
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, word) == 0)
			return dispatch(&commands[i], argc - 1, argv + 1);
	return unknown(word);
}
