/* SPDX-License-Identifier: MIT */
/*
 * operands.h - the command line's arrays and parameters as a specification of a
 * run.
 */
#ifndef RUNRIG_OPERANDS_H
#define RUNRIG_OPERANDS_H

#include "verified_run.h"

/* Enter all that the request says in runner->spec.  0, or an exit code: what is
 * wrong has been said. */
int operands_enter(struct runner *runner);

#endif
