/* SPDX-License-Identifier: MIT */
/*
 * checkup.h - a list of checks of this machine, each with its effect and its cure:
 * what both doctors, runrig's and rigbench's, are made of.
 *
 * A check looks at one thing and changes nothing.  Where a thing cannot be read
 * the check says UNKNOWN and why, and never FINE.
 */
#ifndef COMMON_CHECKUP_H
#define COMMON_CHECKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum checkup_state { FINE, NOTE, BAD, UNKNOWN };

#define FOUND_BYTES 200

struct checkup_finding {
	enum checkup_state state;
	char found[FOUND_BYTES];
};

struct checkup {
	const char *name;

	/* Look, and say in `found` (FOUND_BYTES) what there is. */
	enum checkup_state (*look)(const void *context, char *found);

	const char *effect; /* where the state is NOTE or BAD */
	const char *cure;   /* likewise */
};

/* "fine", "note", "bad" or "unknown". */
const char *checkup_word(enum checkup_state state);

/* Do all checks; findings[i] is what check i found. */
void checkup_do(const struct checkup *checks, size_t count, const void *context,
		struct checkup_finding *findings);

/* How many findings have that state. */
int checkup_count(const struct checkup_finding *findings, size_t count,
		  enum checkup_state state);

/* A line a finding, and effect and cure below what is to note or bad. */
void checkup_print(FILE *out, const struct checkup *checks,
		   const struct checkup_finding *findings, size_t count);

/* A check puts words into its `found` by this call. */
void checkup_say(char *found, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first line of a file, without its end; false where it cannot be read. */
bool checkup_file(const char *path, char *text, size_t bytes);

#endif
