/* SPDX-License-Identifier: MIT */
/*
 * operands.h - the command line's arrays and parameters as a specification of a
 * run.
 */
#ifndef RUNRIG_OPERANDS_H
#define RUNRIG_OPERANDS_H

#include "verified_run.h"

/* The parameters NAME=VALUE of the command line, each cut in two; an entry
 * without a name ends the parameters. 0, or an exit code; in either case the
 * next function frees *settings. */
int operands_settings(char *const *words, struct rig_setting **settings);

void operands_settings_free(struct rig_setting *settings);

/* Enter the whole request into runner->spec. 0, or an exit code after a
 * message. */
int operands_enter(struct runner *runner);

#endif
