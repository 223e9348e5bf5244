/* SPDX-License-Identifier: MIT */
/*
 * openmp.h - how a host's OpenMP survives the forks of a pool.
 */
#ifndef RUNRIG_OPENMP_H
#define RUNRIG_OPENMP_H

#include <stdint.h>
#include <sys/types.h>

/* Before a fork: make this process's OpenMP, where there is any, fit for the
 * fork.  Idle threads of the runtime may end; the next parallel region starts
 * new threads. */
void openmp_before_fork(void);

/* Add to a set of `pus` bits the CPUs of each place of this process's OpenMP,
 * if the process has loaded an OpenMP.  Returns the number of places. */
int openmp_places(uint64_t *bits, int pus);

/* Remove the name in /dev/shm that LLVM's OpenMP gave the process `pid`, which is
 * the calling process, or dead and not waited for yet; no such name is no error.
 * Allocates nothing. */
void openmp_forget(pid_t pid);

#endif
