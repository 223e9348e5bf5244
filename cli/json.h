/* SPDX-License-Identifier: MIT */
/*
 * json.h - where JSON goes.
 */
#ifndef RUNRIG_JSON_H
#define RUNRIG_JSON_H

#include <argp.h>
#include <jansson.h>

/* Write `root` to the file `path`, or to stdout where `path` is NULL.  Frees
 * `root`, which may be NULL: no memory.  Returns an exit code. */
int json_put(json_t *root, const char *path);

/* An entry of an option table: --json[=FILE], of commands that print text else. */
#define JSON_OPTION(number)                                                    \
	{                                                                      \
		.name = "json", .key = (number), .arg = "FILE",                \
		.flags = OPTION_ARG_OPTIONAL,                                  \
		.doc = "Write JSON to FILE, or print it instead of the text."  \
	}

#endif
