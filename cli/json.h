/* SPDX-License-Identifier: MIT */
/*
 * json.h - where JSON goes.
 */
#ifndef RUNRIG_JSON_H
#define RUNRIG_JSON_H

#include <jansson.h>

/* Write `root` (which it takes, and may be NULL: no memory) to the file `path`,
 * or to stdout where it is NULL.  Returns an exit code. */
int json_put(json_t *root, const char *path);

#endif
