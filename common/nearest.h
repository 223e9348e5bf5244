/* SPDX-License-Identifier: MIT */
/*
 * nearest.h - the name that the user may have meant: reverse for "revrse".
 *
 *	struct nearest nearest = { .word = "revrse" };
 *
 *	nearest_look(&nearest, "sort");
 *	nearest_look(&nearest, "reverse");
 *
 * leaves "reverse" in nearest.name.  A letter left out, put in, replaced or
 * swapped with the next is one mistake; a third of the word's letters may be
 * mistakes.  A name that the word begins is near as well.
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* as typed; ends at NUL or '=' */
	const char *name; /* the nearest name so far, or NULL */
	size_t mistakes;  /* between the two */
};

/* Take the name if no name before was as near. */
void nearest_look(struct nearest *nearest, const char *name);

#endif
