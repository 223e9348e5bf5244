/* SPDX-License-Identifier: MIT */
/*
 * field.h - transports in common use: contenders that rigbench brings.
 */
#ifndef RIGBENCH_FIELD_H
#define RIGBENCH_FIELD_H

#include "ipc/transport.h"

/* Make all contenders known to transport_find(), also contenders whose library is
 * missing here: a row says so.  A second call does nothing. */
void field_load(void);

/* Name `at`, from 0; NULL beyond the last. */
const char *field_name(size_t at);

#endif
