/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - what a short call seldom does is kept out of its way.
 */
#ifndef RUNRIG_COMPILER_H
#define RUNRIG_COMPILER_H

/* A function that is called seldom: whoever calls it expects not to. */
#define COLD __attribute__((cold, noinline))

/* A function that does much: not within one that does little. */
#define NOINLINE __attribute__((noinline))

#endif
