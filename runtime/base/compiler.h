/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - keep rare work out of the way of a short call.
 */
#ifndef RUNRIG_COMPILER_H
#define RUNRIG_COMPILER_H

/* A function that is called seldom: the compiler lays out the callers for the
 * other case. */
#define COLD __attribute__((cold, noinline))

/* A long function that the compiler must not inline into a short function. */
#define NOINLINE __attribute__((noinline))

#endif
