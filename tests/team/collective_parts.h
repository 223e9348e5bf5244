/* SPDX-License-Identifier: MIT */
/*
 * collective_parts.h - the sizes of teams for the tests of collectives.
 */
#ifndef RUNRIG_TESTS_COLLECTIVE_PARTS_H
#define RUNRIG_TESTS_COLLECTIVE_PARTS_H

#include "lib/harness.h"

#include <runrig/runrig.h>

/* The first five, and in the long form all. */
static const int sizes[] = { 1, 2, 3, 5, 17, 4, 6, 7, 8, 9, 64 };

#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

#endif
