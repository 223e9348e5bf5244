/* SPDX-License-Identifier: MIT */
/*
 * liars.h - contenders that do less than a contender has to, for the selftest.
 */
#ifndef RIGBENCH_LIARS_H
#define RIGBENCH_LIARS_H

#include <rigbench/contender.h>

/* The first contender does all the work; the others, in turn, copy half of each
 * message, take a message without reading a byte, and claim a message that has gone
 * nowhere. */
extern const struct rigbench_contender liar_honest, liar_less, liar_nothing,
	liar_claims;

#endif
