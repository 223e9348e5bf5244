/* SPDX-License-Identifier: MIT */
/*
 * openmp.c - what the OpenMP of a host and its kernels needs of a pool.
 *
 * GCC's does not survive a fork: a worker's first parallel region would wait
 * for threads that only the caller has.  Paused before, it has none.  LLVM's
 * starts afresh in the child by itself, and must not be paused: forked while
 * it is, it stops at an assertion.
 *
 * LLVM's has a name in /dev/shm for each process, by which it finds a second
 * copy of itself there, and removes it at exit.  Warden, workers and managers do
 * not come to that: they end at once, or are killed.
 */
#include "machine/openmp.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

/* GCC's is asked for by its file, for LLVM's has its names too; and only where
 * it is in this process already. */
void openmp_before_fork(void)
{
	int (*pause_all)(int) = NULL;
	const int hard = 2; /* omp_pause_hard of OpenMP 5.0 */
	void *gcc = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);

	if (!gcc)
		return;
	*(void **)&pause_all = dlsym(gcc, "omp_pause_resource_all");
	/* Within a parallel region it refuses, and nothing is lost. */
	if (pause_all)
		(void)pause_all(hard);
	(void)dlclose(gcc);
}

void openmp_forget(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/__KMP_REGISTERED_LIB_%d_%d",
		 (int)pid, (int)getuid());
	(void)unlink(path);
}
