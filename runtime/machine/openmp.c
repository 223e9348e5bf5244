/* SPDX-License-Identifier: MIT */
/*
 * openmp.c - how a host's OpenMP survives the forks of a pool.
 *
 * GCC's OpenMP does not survive a fork: a worker's first parallel region would
 * wait for threads that only the caller has.  Paused before the fork, the runtime
 * has no threads.  LLVM's OpenMP starts afresh in the child by itself, and must
 * not be paused: a fork of the paused runtime stops at an assertion.
 *
 * LLVM's OpenMP has a name in /dev/shm for each process, by which the runtime
 * finds a second copy of itself, and removes the name at exit.  Wardens, workers
 * and managers do not come to exit: a process of these kinds ends at once, or is
 * killed.
 */
#include "machine/openmp.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

/* GCC's OpenMP is asked for by its file, for LLVM's has the same symbols too; and
 * only where the process has loaded the file already. */
void openmp_before_fork(void)
{
	int (*pause_all)(int) = NULL;
	const int hard = 2; /* omp_pause_hard of OpenMP 5.0 */
	void *gcc = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);

	if (!gcc)
		return;
	*(void **)&pause_all = dlsym(gcc, "omp_pause_resource_all");
	/* Within a parallel region the runtime refuses, and nothing is lost. */
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
