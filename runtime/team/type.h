/* SPDX-License-Identifier: MIT */
/*
 * type.h - names of types and operations, for messages and reports.
 */
#ifndef RUNRIG_TYPE_H
#define RUNRIG_TYPE_H

struct type_name {
	char text[32];
};

/* "float64", "opaque of 24 bytes"; "number 99" where no type has the number. */
struct type_name type_name(int type);

/* "MIN", "SUM, reproducible", "user's 3"; likewise. */
struct type_name op_name(int op);

#endif
