/* SPDX-License-Identifier: MIT */
/*
 * commands.h - what the commands of rigbench share: options and the way from a
 * filled plan to a report.
 */
#ifndef RIGBENCH_COMMANDS_H
#define RIGBENCH_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "driver/measure.h"
#include "report/result.h"

/* Words of a command line: kernels and their parameters, mostly. */
#define COMMAND_WORDS_MAX 128

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
	bool warmup_given;
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

/* Each fills a plan and measures it.  Returns the exit status. */
int command_c2c(struct command *c);
int command_map(struct command *c);
int command_exact(struct command *c);
int command_place(struct command *c);
int command_mem(struct command *c);
int command_scale(struct command *c);
int command_sync(struct command *c);
int command_coll(struct command *c);
int command_kernel(struct command *c);
int command_python(struct command *c);
int command_ipc(struct command *c);
int command_suite(struct command *c);
int command_compare(struct command *c);
int command_report(struct command *c);
int command_selftest(struct command *c);
int command_cases(struct command *c);
int command_doctor(struct command *c);

/* Put what words a command takes, for its --help. */
void help_ipc(FILE *out);
void help_coll(FILE *out);
void help_kernel(FILE *out);

#endif
