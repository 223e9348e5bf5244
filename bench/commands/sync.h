/* SPDX-License-Identifier: MIT */
/*
 * sync.h - the cases of rigbench sync.
 */
#ifndef RIGBENCH_SYNC_H
#define RIGBENCH_SYNC_H

#include "driver/measure.h"

/* Add them all.  0 or -ENOMEM. */
int sync_cases(struct plan *plan);

#endif
