/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the common part of rigbench's commands: options and the way from a
 * filled plan to a report.
 */
#ifndef RIGBENCH_COMMANDS_H
#define RIGBENCH_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "driver/measure.h"
#include "report/result.h"

/* Exit statuses, those of runrig. */
enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 1,
	EXIT_UNVERIFIED = 2,
	EXIT_RUN_FAILED = 3,
	EXIT_UNTRUSTED = 4,
	EXIT_SYSTEM = 5,
	EXIT_INTERRUPTED = 130
};

/* Words of a command line: kernels and their parameters, mostly. */
#define COMMAND_WORDS_MAX 128

/* Transports of the user's in one run. */
#define COMMAND_CONTENDERS_MAX 8

struct command {
	int argc;
	char **argv;
	const char *words[COMMAND_WORDS_MAX]; /* the first is the command */
	int word_count;
	const char *peers; /* NULL: all */
	bool strict;
	bool json;
	const char *json_path; /* NULL, with json: stdout */
	const char *csv_path;
	const char *folder; /* -o; NULL: here */
	/* Shared objects, and "cmd:" with the words that start a program. */
	const char *contenders[COMMAND_CONTENDERS_MAX];
	int contender_count;
	bool warmup_given, openings_given;
	/* Sentences before the tables; NULL: those about peers. */
	void (*verdict)(const struct plan *plan, FILE *out);
	/* Instead of a table a contest; NULL: those. */
	void (*tables)(const struct plan *plan, const struct run_info *info,
		       FILE *out);
	/* Adds to the JSON what else is known; NULL: nothing is. */
	int (*more)(const struct plan *plan, const struct run_info *info,
		    json_t *result);
	/* Instead of samples and summary; NULL: those. */
	int (*csv)(const struct plan *plan, const struct run_info *info,
		   const char *path);
	struct plan plan;
};

/* Measure the plan and report.  Returns the exit status. */
int command_measure(struct command *c);

/* Warm up for `ns` unless told otherwise, and at most ten times as long: for
 * commands of many short cells. */
void command_warmup(struct command *c, uint64_t ns);

/* Open contenders so often in a launch, unless told otherwise: for commands whose
 * contenders are quickly opened. */
void command_openings(struct command *c, uint32_t openings);

/* A word of the command line.  Each lives in a file of its own, bench_NAME.c,
 * and in one line of meson.build: the table is made of those lines. */
struct bench_command {
	const char *name;
	const char *words; /* the words behind the name, for --help; "": none,
			    * and a word that is there is refused */
	const char *summary;
	/* Fills a plan and measures it.  Returns the exit status. */
	int (*run)(struct command *c);
	const char *about;       /* more about the words; NULL: nothing */
	void (*help)(FILE *out); /* the same, where there is a list of them */
};

#endif
