/* SPDX-License-Identifier: MIT */
/*
 * command.c - the functions that all commands of runrig share.
 */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <common/number.h>
#include <common/option.h>
#include <common/outfile.h>

#include "interrupt.h"

#ifndef RUNRIG_VERSION
#define RUNRIG_VERSION "unknown"
#endif

/* MARK stands before words that argp would take for options. */
#define MARK '\1'

void begin_commands(void)
{
	/* A file too large is an error to tell, not a death. */
	(void)signal(SIGXFSZ, SIG_IGN);
	interrupt_watch();
	argp_program_version = "runrig " RUNRIG_VERSION;
}

int run_command(const char *name, int (*run)(int argc, char **argv), int argc,
		char **argv)
{
	char words[40];
	int code;

	/* The program's name in argp's messages. */
	snprintf(words, sizeof(words), "runrig %s", name);
	argv[0] = words;
	code = run(argc, argv);
	interrupt_end();
	return code;
}

static void (*before_message)(void);

void before_messages(void (*fn)(void))
{
	before_message = fn;
}

static void say(const char *kind, const char *format, va_list args)
{
	char line[1024];

	if (before_message)
		before_message();
	vsnprintf(line, sizeof(line), format, args);
	/* A single line, whatever characters the names have. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	fprintf(stderr, "runrig: %s%s\n", kind, line);
}

/* Host 0 prints for all hosts. */
static bool is_silent;

void command_silence(void)
{
	is_silent = true;
}

int complain(int code, const char *format, ...)
{
	va_list args;

	if (is_silent && code != EXIT_SYSTEM)
		return code;

	va_start(args, format);
	say("", format, args);
	va_end(args);
	return code;
}

int exit_of(int code)
{
	return code == -EINVAL ? EXIT_USAGE : EXIT_SYSTEM;
}

void warn(const char *format, ...)
{
	va_list args;

	if (is_silent)
		return;

	va_start(args, format);
	say("warning: ", format, args);
	va_end(args);
}

static char *marked(const char *word)
{
	char *copy = malloc(strlen(word) + 2);

	if (!copy)
		exit(complain(EXIT_SYSTEM, "out of memory"));
	copy[0] = MARK;
	strcpy(copy + 1, word);
	return copy;
}

static int usage_code = EXIT_USAGE;

void command_usage_code(int code)
{
	usage_code = code;
}

void parse_command(const struct argp *argp, int argc, char **argv, void *input)
{
	/* The words are never freed: the parser keeps pointers to the words. */
	static char **words;
	char wrong[800];

	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words)
		exit(complain(EXIT_SYSTEM, "out of memory"));
	for (int i = 0; i < argc; i++) {
		bool number = i > 0 && argv[i][0] == '-' && argv[i][1] >= '0' &&
			      argv[i][1] <= '9';

		words[i] = number ? marked(argv[i]) : argv[i];
	}
	/* argv[0] is "runrig run". */
	if (option_check(argp->options, argc, words, wrong, sizeof(wrong)) < 0)
		exit(complain(usage_code, "%s: %s", strchr(argv[0], ' ') + 1,
			      wrong));
	option_parse(argp, argc, words, usage_code, input);
}

char *given_word(char *arg)
{
	return arg && *arg == MARK ? arg + 1 : arg;
}

char *given_path(const char *option, char *arg)
{
	arg = given_word(arg);
	if (arg && !*arg)
		exit(complain(EXIT_USAGE, "%s: an empty name of a file",
			      option));
	return arg;
}

int given_int(const char *what, const char *text, int min, int max)
{
	int64_t number;

	if (number_int(text, &number) < 0)
		exit(complain(EXIT_USAGE, "%s %s: not a whole number", what,
			      text));
	if (number < min || number > max)
		exit(complain(EXIT_USAGE, "%s %s: out of range, %d to %d", what,
			      text, min, max));
	return (int)number;
}

int check_writable(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	struct stat status;
	int error = 0;

	if (!folder)
		return complain(EXIT_SYSTEM, "out of memory");
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		error = EISDIR;
	else if (access(path, F_OK) == 0
			 ? access(path, W_OK) < 0
			 : access(*folder ? folder : ".", W_OK) < 0)
		error = errno;
	free(folder);
	if (error)
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(error));
	return EXIT_DONE;
}

int write_whole(const char *path, const void *data, size_t bytes)
{
	int r = outfile_put(path, data, bytes);

	return r < 0 ? complain(EXIT_SYSTEM, "%s: %s", path, strerror(-r)) : 0;
}

int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	return complain(EXIT_SYSTEM, "stdout: %s", strerror(errno));
}
