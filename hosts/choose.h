/* SPDX-License-Identifier: MIT */
/*
 * choose.h - the choice of an MPI, and the engine of the MPI.
 */
#ifndef RUNRIG_CHOOSE_H
#define RUNRIG_CHOOSE_H

#include "engine.h"

/* Load the engine of the MPI `name` (NULL: of the MPI that is loaded, or launched
 * the process): 0, -EINVAL or -ENOENT, with the words in `why`. */
int choose_engine(const char *name, const struct engine **engine, char *why,
		  size_t why_bytes);

#endif
