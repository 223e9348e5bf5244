/* SPDX-License-Identifier: MIT */
/*
 * environment.c - the only file that reads the environment.
 *
 * An option that a program sets wins.  A variable counts where the program has
 * left the option unset.
 */
#include "base/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/auxv.h>

#include <runrig/api.h>

#include "base/glibc.h"

#define PLUGINS "HWLOC_PLUGINS_PATH"

static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

const char *environment_place(void)
{
	return variable("RUNRIG_PLACE");
}

/* The rank in a variable; -1: unset, or not a rank. */
static int rank_in(const char *name)
{
	const char *value = variable(name);
	char *end;
	long rank;

	if (!value)
		return -1;
	errno = 0;
	rank = strtol(value, &end, 10);
	if (errno || *end || rank < 0 || rank >= RIG_WORKERS_MAX)
		return -1;
	return (int)rank;
}

int environment_stop_rank(void)
{
	return rank_in("RUNRIG_STOP");
}

const char *environment_launcher(void)
{
	return variable("RUNRIG_LAUNCHER");
}

int environment_rank(void)
{
	return rank_in("RUNRIG_RANK");
}

const char *environment_of_another_machine(void)
{
	return variable("HWLOC_XMLFILE")     ? "HWLOC_XMLFILE"
	       : variable("HWLOC_SYNTHETIC") ? "HWLOC_SYNTHETIC"
					     : NULL;
}

bool environment_binds_threads(void)
{
	const char *bind = variable("OMP_PROC_BIND");

	return (bind && strcasecmp(bind, "false") != 0) ||
	       variable("GOMP_CPU_AFFINITY") || variable("KMP_AFFINITY");
}

bool environment_is_ours(void)
{
	return !getauxval(AT_SECURE);
}

bool environment_hide_plugins(void)
{
	/* Not a directory: nothing is found there. */
	return has_one_thread() && !getenv(PLUGINS) &&
	       setenv(PLUGINS, "/dev/null", 0) == 0;
}

void environment_show_plugins(void)
{
	unsetenv(PLUGINS);
}
