/* SPDX-License-Identifier: MIT */
/*
 * literal.h - a value of a list, from a Python literal.
 */
#ifndef RUNRIG_LITERAL_H
#define RUNRIG_LITERAL_H

#include <runrig/list.h>

#define LITERAL_WHY_BYTES 256

/*
 * Read a value as Python would: 5, 0xff, 1_000, -2.5, 1e-3, True, None, 'text',
 * "text", b'bytes', with escapes; and inf and nan, as repr() shows floats for
 * which Python has no literal.  Returns 0 and sets *value, and *held to the
 * value's text, which the caller frees by free() (NULL: no text); or returns
 * -EINVAL with a line of words, or -ENOMEM.
 */
int literal_parse(const char *text, struct rig_value *value, char **held,
		  char why[LITERAL_WHY_BYTES]);

#endif
