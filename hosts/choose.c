/* SPDX-License-Identifier: MIT */
/*
 * choose.c - the choice of an MPI: asked for, loaded, the launcher's, or that of
 * RUNRIG_MPI.
 *
 * No other file of hosts/ reads the environment.  An MPI whose launcher has not
 * started the process would make a world of a single process, and every process would
 * run the whole job; so a process without a known launcher is refused.
 */
#include "choose.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/hosts.h>

/* An MPI: a symbol that no other MPI has, and variables that the launchers set. */
struct mpi {
	const char *name;
	const char *symbol;
	const char *variables[3];
};

static const struct mpi mpis[] = {
	{ "openmpi", "ompi_mpi_comm_world", { "OMPI_COMM_WORLD_SIZE" } },
	{ "mpich", "MPIR_Process", { "PMI_SIZE", "PMI_FD" } },
};

#define MPIS (sizeof(mpis) / sizeof(*mpis))

/* Variables with the number of processes that a launcher has started. */
static const char *const sizes[] = {
	"OMPI_COMM_WORLD_SIZE",
	"PMI_SIZE",
	"SLURM_STEP_NUM_TASKS",
};

int rig_hosts_launched(const char **variable)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const char *text = getenv(sizes[i]);
		const int count = text ? atoi(text) : 0;

		/* A batch script is a step of a single task. */
		if (count > 1) {
			if (variable)
				*variable = sizes[i];
			return count;
		}
	}
	return 0;
}

int rig_hosts_launched_rank(void)
{
	static const char *const ranks[] = {
		"OMPI_COMM_WORLD_RANK",
		"PMI_RANK",
		"SLURM_PROCID",
	};

	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		const char *text = getenv(ranks[i]);

		if (text)
			return atoi(text);
	}
	return -1;
}

static const struct mpi *find_named(const char *name)
{
	for (size_t i = 0; name && i < MPIS; i++)
		if (strcmp(mpis[i].name, name) == 0)
			return &mpis[i];
	return NULL;
}

static const struct mpi *find_loaded(void)
{
	for (size_t i = 0; i < MPIS; i++)
		if (dlsym(RTLD_DEFAULT, mpis[i].symbol))
			return &mpis[i];
	return NULL;
}

static const struct mpi *find_launchers(void)
{
	for (size_t i = 0; i < MPIS; i++)
		for (const char *const *word = mpis[i].variables; *word; word++)
			if (getenv(*word))
				return &mpis[i];
	return NULL;
}

/* Choose.  NULL, with the words: none. */
static const struct mpi *choose(const char *asked, char *why, size_t bytes)
{
	const char *setting = getenv("RUNRIG_MPI");
	const struct mpi *loaded = find_loaded();
	const struct mpi *found;

	if (asked && !find_named(asked)) {
		snprintf(why, bytes, "hosts: no MPI \"%.40s\": openmpi, mpich",
			 asked);
		return NULL;
	}
	if (asked && loaded && loaded != find_named(asked)) {
		snprintf(why, bytes,
			 "hosts: %s is asked for, and this process has %s "
			 "loaded",
			 asked, loaded->name);
		return NULL;
	}
	found = asked ? find_named(asked) : loaded;
	if (!found)
		found = find_launchers();
	if (!found && setting && *setting) {
		found = find_named(setting);
		if (!found) {
			snprintf(
				why, bytes,
				"hosts: RUNRIG_MPI is \"%.40s\", not openmpi or "
				"mpich",
				setting);
			return NULL;
		}
	}
	if (!found)
		snprintf(
			why, bytes,
			"hosts: no launcher of an MPI has started this process: "
			"use mpirun, mpiexec or srun, or set RUNRIG_MPI to "
			"openmpi or mpich");
	return found;
}

/* The engines lie beside the library that this function is in. */
static void path_of(const struct mpi *mpi, char *path, size_t bytes)
{
	Dl_info info;
	const char *slash = NULL;

	if (dladdr((void *)(uintptr_t)&mpis, &info) && info.dli_fname)
		slash = strrchr(info.dli_fname, '/');
	if (slash)
		snprintf(path, bytes, "%.*slibrunrig-hosts-%s.so",
			 (int)(slash + 1 - info.dli_fname), info.dli_fname,
			 mpi->name);
	else
		snprintf(path, bytes, "librunrig-hosts-%s.so", mpi->name);
}

int choose_engine(const char *name, const struct engine **engine, char *why,
		  size_t why_bytes)
{
	const struct mpi *mpi = choose(name, why, why_bytes);
	char path[4096];
	void *library;

	if (!mpi)
		return -EINVAL;
	path_of(mpi, path, sizeof(path));
	/* Global: plug-ins that Open MPI loads later look for Open MPI's symbols. */
	library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	*engine = library ? dlsym(library, "rig_hosts_engine") : NULL;
	if (!*engine) {
		snprintf(why, why_bytes, "hosts: no engine for %s: %.200s",
			 mpi->name, dlerror());
		return -ENOENT;
	}
	if ((*engine)->version != ENGINE_VERSION) {
		snprintf(why, why_bytes, "hosts: %.200s is of another version",
			 path);
		return -ENOENT;
	}
	return 0;
}
