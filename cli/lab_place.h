/* SPDX-License-Identifier: MIT */
/*
 * lab_place.h - where labs, their checks and the headers are: beside an installed
 * program, or in the tree that this program was built from.
 */
#ifndef RUNRIG_LAB_PLACE_H
#define RUNRIG_LAB_PLACE_H

#include <limits.h>
#include <stdbool.h>

/* `path` is room for PATH_MAX bytes. */
void lab_data_path(const char *leaf, char *path);
bool lab_check_path(const char *lab, char *path);
const char *lab_program_path(char *path);

/* The folder of runrig/runrig.h; static memory. */
const char *lab_headers(void);

#endif
