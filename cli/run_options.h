/* SPDX-License-Identifier: MIT */
/*
 * run_options.h - the options of runrig run, as the user typed the options.
 */
#ifndef RUNRIG_RUN_OPTIONS_H
#define RUNRIG_RUN_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "verified_run.h"

/* Options without a letter. */
enum {
	KEY_PLACE = 256,
	KEY_BARRIER,
	KEY_REPEAT,
	KEY_LIMIT,
	KEY_INPUT,
	KEY_OUTPUT,
	KEY_INPLACE,
	KEY_SEGMENT,
	KEY_DTYPE,
	KEY_SHAPE,
	KEY_OFFSET,
	KEY_COUNT,
	KEY_NO_VERIFY,
	KEY_VERIFY,
	KEY_SEED,
	KEY_JSON,
	KEY_MEMORY,
	KEY_MAP,
	KEY_HUGE,
	KEY_COLORS,
	KEY_LOG,
	KEY_TRACE,
	KEY_HOSTS
};

/* An option that names an array: the option, and the word as typed. */
struct named {
	int key;
	const char *word;
	int group; /* number of a group of segments described together */
	const char *dtype, *shape, *offset, *count; /* the segment's */
};

struct options {
	struct run_request request;
	const char *kernel;
	char **words; /* NAME=VALUE */
	size_t word_count;
	struct named *named;
	size_t named_count;
	struct named loose; /* descriptions before the first segment */
	bool described;     /* the last segment has been, by an option */
	bool json;
	const char *json_path; /* NULL: stdout */
	const char *trace;     /* a file, or "-"; NULL: none */
};

extern const struct argp run_argp;

/* "--input" for KEY_INPUT: the options that name an array. */
const char *run_option_name(int key);

/* A word of the kernel's parameters; NULL ends them. */
void run_add_word(struct options *options, char *word);

#endif
