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
#include <stdlib.h>
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

/* A function of whichever OpenMP the process has loaded, also where a host has
 * loaded the library for its own use alone; NULL: no OpenMP is loaded. */
static void *find(const char *function)
{
	static const char *const files[] = { "libgomp.so.1", "libomp.so.5",
					     "libiomp5.so" };
	void *found = dlsym(RTLD_DEFAULT, function);

	for (size_t i = 0; !found && i < sizeof(files) / sizeof(files[0]);
	     i++) {
		void *file = dlopen(files[i], RTLD_LAZY | RTLD_NOLOAD);

		if (!file)
			continue;
		found = dlsym(file, function);
		(void)dlclose(file);
	}
	return found;
}

/* The CPUs of a place. */
static void add_place(uint64_t *bits, int pus, const int *cpus, int count)
{
	for (int i = 0; i < count; i++)
		if (cpus[i] >= 0 && cpus[i] < pus)
			bits[cpus[i] / 64] |= UINT64_C(1) << (cpus[i] % 64);
}

int openmp_places(uint64_t *bits, int pus)
{
	int (*count_places)(void), (*count_cpus)(int);
	void (*list_cpus)(int, int *);
	int places, *cpus;

	*(void **)&count_places = find("omp_get_num_places");
	*(void **)&count_cpus = find("omp_get_place_num_procs");
	*(void **)&list_cpus = find("omp_get_place_proc_ids");
	if (!count_places || !count_cpus || !list_cpus)
		return 0;
	places = count_places();
	for (int i = 0; i < places; i++) {
		int count = count_cpus(i);

		cpus = count > 0 ? calloc((size_t)count, sizeof(*cpus)) : NULL;
		if (!cpus)
			continue;
		list_cpus(i, cpus);
		add_place(bits, pus, cpus, count);
		free(cpus);
	}
	return places;
}

void openmp_forget(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/__KMP_REGISTERED_LIB_%d_%d",
		 (int)pid, (int)getuid());
	(void)unlink(path);
}
