/* SPDX-License-Identifier: MIT */
/*
 * growth.h - the common part of growth.c and growth_calls.c.
 */
#ifndef RUNRIG_GROWTH_H
#define RUNRIG_GROWTH_H

/* A verb within the host that runs is called: returns 0. */
int growth_within(void);

/* End the program, with words. */
_Noreturn void growth_cannot(const char *what);

/* Address space, which nobody looks at. */
extern char *growth_data;

#endif
