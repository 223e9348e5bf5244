/* SPDX-License-Identifier: MIT */
/*
 * field.h - the transports that others use: contenders that rigbench brings with it.
 */
#ifndef RIGBENCH_FIELD_H
#define RIGBENCH_FIELD_H

#include "ipc/transport.h"

/* Make all of them known to transport_find(), also those whose library is missing
 * here: a row of theirs says so.  Twice is once. */
void field_load(void);

/* Name `at`, from 0; NULL beyond the last. */
const char *field_name(size_t at);

#endif
