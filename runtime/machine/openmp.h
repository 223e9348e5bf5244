/* SPDX-License-Identifier: MIT */
/*
 * openmp.h - what the OpenMP of a host and its kernels needs of a pool.
 */
#ifndef RUNRIG_OPENMP_H
#define RUNRIG_OPENMP_H

#include <sys/types.h>

/* Before a fork: make this process's OpenMP, if it has one, fit for it.  Its
 * idle threads may end; its next parallel region starts them again. */
void openmp_before_fork(void);

/* Remove the name in /dev/shm that LLVM's OpenMP gave the process `pid`, which
 * is this one or dead and not waited for yet; none is no error.  Allocates
 * nothing. */
void openmp_forget(pid_t pid);

#endif
