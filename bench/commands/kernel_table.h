/* SPDX-License-Identifier: MIT */
/*
 * kernel_table.h - all kernels in a single table: verified, with their rates,
 * and with their peers' rates beside.
 */
#ifndef RIGBENCH_KERNEL_TABLE_H
#define RIGBENCH_KERNEL_TABLE_H

#include "commands/bench_kernel.h"

/* Put all kernels, with sizes that take some milliseconds, on the command line,
 * and show the measurements in a single table.  False: there are more kernels
 * than the table holds. */
bool kernel_table(struct command *c);

#endif
