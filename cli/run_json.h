/* SPDX-License-Identifier: MIT */
/*
 * run_json.h - a run as JSON; docs/run.schema.json says which.
 */
#ifndef RUNRIG_RUN_JSON_H
#define RUNRIG_RUN_JSON_H

#include "verified_run.h"

/* Write the facts of a run, also of a failed run, to the file `path` or to
 * stdout (NULL).  Returns an exit code. */
int run_json_put(const struct runner *runner, const char *path);

#endif
