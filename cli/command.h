/* SPDX-License-Identifier: MIT */
/*
 * command.h - what every command of runrig shares: its exit codes, its errors.
 *
 * A command is a function that takes its own argv, argv[0] being "runrig run",
 * and returns the exit code.  Data goes to stdout; what is wrong is one line
 * on stderr, said where it is found, by complain().
 */
#ifndef RUNRIG_COMMAND_H
#define RUNRIG_COMMAND_H

#include <argp.h>
#include <stdbool.h>

enum {
	EXIT_DONE = 0,       /* and verified, unless told not to */
	EXIT_USAGE = 1,      /* the command line is wrong */
	EXIT_UNVERIFIED = 2, /* the result is wrong */
	EXIT_RUN = 3,        /* a run failed: its report is on stderr */
	EXIT_SYSTEM = 5      /* a file, a segment, memory or the system is */
};

/* Say one line on stderr, "runrig: ...", and return `code`. */
/* This process is not host 0: of mistakes in the command line, and of runs, host 0
 * tells. */
void command_silence(void);

int complain(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As complain(), with "warning: "; nothing has failed. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for a negative code of the library: EXIT_USAGE for what the user
 * typed (-EINVAL), else EXIT_SYSTEM.  The same in every command. */
int exit_of(int code);

/*
 * argp_parse() for a command: errors are one line and exit with EXIT_USAGE; and
 * -3 is a number,
 * never an option.  To that end words that begin with a minus and a digit are
 * handed to the parser as given_word() takes them.
 */
void parse_command(const struct argp *argp, int argc, char **argv, void *input);

/* The word that the user typed, from what argp gave the parser; may be NULL. */
char *given_word(char *arg);

/* The same of an option that takes a file's name: exits where that is empty. */
char *given_path(const char *option, char *arg);

/* A whole number within min..max, or exit with one line that names `what`. */
int given_int(const char *what, const char *text, int min, int max);

/* Can a file be written there?  Asked before the work whose result it is for:
 * EXIT_DONE, or EXIT_SYSTEM and said. */
int check_writable(const char *path);

/* Write a whole file, which replaces what is there: 0, or EXIT_SYSTEM and said. */
int write_whole(const char *path, const void *data, size_t bytes);

/* Flush stdout: EXIT_SYSTEM where it cannot be written, else `code`. */
int finish_output(int code);

/* The commands. */
int command_demo(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_exec(int argc, char **argv);
int command_kernels(int argc, char **argv);
int command_lab(int argc, char **argv);
int command_new(int argc, char **argv);
int command_run(int argc, char **argv);
int command_segments(int argc, char **argv);
int command_create(int argc, char **argv);
int command_rm(int argc, char **argv);
int command_clean(int argc, char **argv);

#endif
