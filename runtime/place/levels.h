/* SPDX-License-Identifier: MIT */
/*
 * levels.h - where a rank is on the machine, as numbers.
 */
#ifndef RUNRIG_LEVELS_H
#define RUNRIG_LEVELS_H

#include <runrig/collective.h>

/* Logical numbers, by enum rig_level; -1: the rank is in several of that level,
 * or nobody knows. */
struct levels {
	int number[RIG_LEVELS];
};

#endif
