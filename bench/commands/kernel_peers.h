/* SPDX-License-Identifier: MIT */
/*
 * kernel_peers.h - programs that do the same work as a kernel: OpenMP's loops,
 * an MPI's shared window, libraries, Python.
 */
#ifndef RIGBENCH_KERNEL_PEERS_H
#define RIGBENCH_KERNEL_PEERS_H

#include "commands/bench_kernel.h"

/* The fields that all contenders of a kernel have in common. */
struct bench_case kernel_contest(const struct kernel_arg *arg,
				 const struct kernel_run *run);

/* Enter the peers of a kernel, with the kernel's parameters; no peer where
 * peers do other work with these parameters. 0 or -ENOMEM. */
int kernel_peers_add(struct plan *plan, const struct kernel_arg *arg,
		     const struct kernel_run *run);

#endif
