/* SPDX-License-Identifier: MIT */
/*
 * json.h - where JSON goes.
 */
#ifndef RUNRIG_JSON_H
#define RUNRIG_JSON_H

#include <jansson.h>

/* Write `root` to the file `path`, or to stdout where `path` is NULL.  Frees
 * `root`, which may be NULL: no memory.  Returns an exit code. */
int json_put(json_t *root, const char *path);

#endif
