/* SPDX-License-Identifier: MIT */
/*
 * levels.h - where a rank is on the machine, as numbers.
 */
#ifndef RUNRIG_LEVELS_H
#define RUNRIG_LEVELS_H

#include <runrig/collective.h>

/* Logical numbers, by enum rig_level; -1: the rank's cores lie in several
 * objects of the level, or in none that is known. */
struct levels {
	int number[RIG_LEVELS];
};

#endif
