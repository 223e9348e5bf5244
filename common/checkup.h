/* SPDX-License-Identifier: MIT */
/*
 * checkup.h - a list of checks of this machine, each with an effect and a cure.
 *
 * Both doctors, runrig's and rigbench's, are lists of checks.  A check looks at
 * a single thing and changes nothing.  Where a thing cannot be read, the check
 * says UNKNOWN and why, and never FINE.
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

	/* Look at the machine, and put the finding into `found`
	 * (FOUND_BYTES). */
	enum checkup_state (*look)(const void *context, char *found);

	const char *effect; /* where the state is NOTE or BAD */
	const char *cure;   /* likewise */
};

/* "fine", "note", "bad" or "unknown". */
const char *checkup_word(enum checkup_state state);

/* Do all checks; findings[i] is the finding of check i. */
void checkup_do(const struct checkup *checks, size_t count, const void *context,
		struct checkup_finding *findings);

/* The number of findings with the state `state`. */
int checkup_count(const struct checkup_finding *findings, size_t count,
		  enum checkup_state state);

/* Print a line a finding; below a NOTE or BAD finding also the effect and the
 * cure. */
void checkup_print(FILE *out, const struct checkup *checks,
		   const struct checkup_finding *findings, size_t count);

/* A check puts words into its `found` by this function. */
void checkup_say(char *found, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first line of a file, without the line's end; false where the file cannot
 * be read. */
bool checkup_file(const char *path, char *text, size_t bytes);

#endif
