/* SPDX-License-Identifier: MIT */
/*
 * operands.h - the command line's arrays and parameters as a specification of a
 * run.
 */
#ifndef RUNRIG_OPERANDS_H
#define RUNRIG_OPERANDS_H

#include "verified_run.h"

/* The parameters NAME=VALUE of the command line, cut in two and ended by one
 * without a name.  0, or an exit code; *settings is freed by the next function,
 * in any case. */
int operands_settings(char *const *words, struct rig_setting **settings);

void operands_settings_free(struct rig_setting *settings);

/* Enter all that the request says in runner->spec.  0, or an exit code: what is
 * wrong has been said. */
int operands_enter(struct runner *runner);

#endif
