/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the memory that is still available, asked before taking it.
 */
#ifndef RUNRIG_MEMORY_H
#define RUNRIG_MEMORY_H

#include <stddef.h>

/* Bytes free in /dev/shm; 0 where the system does not tell. */
size_t memory_in_shm(void);

/* Bytes of memory that this process and its workers can still have, by the
 * machine and by the control groups; SIZE_MAX where the system does not
 * tell. */
size_t memory_available(void);

#endif
