/* SPDX-License-Identifier: MIT */
/*
 * kernel_table.h - all kernels in one table: verified, their rates, and their
 * peers' beside them.
 */
#ifndef RIGBENCH_KERNEL_TABLE_H
#define RIGBENCH_KERNEL_TABLE_H

#include "commands/bench_kernel.h"

/* Put all kernels, with sizes that take some milliseconds, on the command line,
 * and have what is measured shown as one table.  False: there are more than it
 * holds. */
bool kernel_table(struct command *c);

#endif
