/* SPDX-License-Identifier: MIT */
/*
 * command.h - the exit codes and the errors that all commands of runrig share.
 *
 * A command is a function that takes its own argv, with "runrig run" as
 * argv[0], and returns the exit code.  Data goes to stdout.  An error is a
 * single line on stderr; the function that finds the error prints the line by
 * complain().
 */
#ifndef RUNRIG_COMMAND_H
#define RUNRIG_COMMAND_H

#include <argp.h>
#include <stdbool.h>

enum {
	EXIT_DONE = 0,       /* and verified, unless told not to */
	EXIT_USAGE = 1,      /* the command line is wrong */
	EXIT_UNVERIFIED = 2, /* the result is wrong */
	EXIT_RUN = 3,        /* a run failed: the report is on stderr */
	EXIT_SYSTEM = 5      /* a file, a segment, memory or the system is */
};

/* From now on only host 0 prints mistakes in the command line and errors of
 * runs: this process is another host's. */
void command_silence(void);

/* Call `fn` before each message: there may be something on the terminal to remove. */
void before_messages(void (*fn)(void));

/* Print a line on stderr, "runrig: ...", and return `code`. */
int complain(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As complain(), with "warning: "; nothing has failed. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for a negative code of the library: EXIT_USAGE for what the user
 * typed (-EINVAL), else EXIT_SYSTEM.  The same in every command. */
int exit_of(int code);

/*
 * argp_parse() for a command: errors are a single line and exit with
 * EXIT_USAGE; and -3 is a number, never an option.  For this purpose words that
 * begin with a minus and a digit reach the parser in another form, which
 * given_word() turns back.
 */
void parse_command(const struct argp *argp, int argc, char **argv, void *input);

/* Exit with `code` for a wrong command line from now on, where EXIT_USAGE could be the
 * exit status of a program that the command runs. */
void command_usage_code(int code);

/* The word as the user typed it, from the parser's `arg`; may be NULL. */
char *given_word(char *arg);

/* The same for an option with a file's name: an empty name exits. */
char *given_path(const char *option, char *arg);

/* A whole number within min..max; another text exits with a line that names
 * `what`. */
int given_int(const char *what, const char *text, int min, int max);

/* Whether a file can be written at `path`, asked before the work whose result
 * goes there: EXIT_DONE, or EXIT_SYSTEM after a message. */
int check_writable(const char *path);

/* Write a complete file, which replaces the old file: 0, or EXIT_SYSTEM after a
 * message. */
int write_whole(const char *path, const void *data, size_t bytes);

/* Flush stdout: EXIT_SYSTEM where stdout cannot be written, else `code`. */
int finish_output(int code);

/* Called once, first: what signals do, and the version. */
void begin_commands(void);

/* Call a command with its own argv, whose first word becomes "runrig NAME"; returns the
 * exit code. */
int run_command(const char *name, int (*run)(int argc, char **argv), int argc,
		char **argv);

/* The commands: command_demo() and so on. */
#define COMMAND(name, summary) int command_##name(int argc, char **argv);
#include "commands.def"
#undef COMMAND

#endif
