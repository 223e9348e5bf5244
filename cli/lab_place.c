/* SPDX-License-Identifier: MIT */
/*
 * lab_place.c - see lab_place.h.
 */
#include "lab_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <common/headers.h>

/* cli/meson.build gives the folders of an installation,
 * relative to the folder of the program. */

const char *lab_program_path(char *path)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[length > 0 ? length : 0] = '\0';
	return path;
}

/* A path from the folder of the program. */
static bool beside(const char *tail, char *path)
{
	char program[PATH_MAX];
	char *slash;

	lab_program_path(program);
	slash = strrchr(program, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return snprintf(path, PATH_MAX, "%s/%s", program, tail) < PATH_MAX;
}

static bool is_installed(void)
{
	char path[PATH_MAX];

	return beside("../" RUNRIG_DATA "/labs", path) &&
	       access(path, R_OK) == 0;
}

void lab_data_path(const char *leaf, char *path)
{
	const char *source = source_folder();
	char tail[PATH_MAX];

	snprintf(tail, sizeof(tail), "../" RUNRIG_DATA "/labs/%s", leaf);
	if (!is_installed() || !beside(tail, path))
		snprintf(path, PATH_MAX, "%s/docs/labs/%s",
			 source ? source : ".", leaf);
}

bool lab_check_path(const char *lab, char *path)
{
	char tail[200];

	snprintf(tail, sizeof(tail),
		 is_installed() ? "../" RUNRIG_LIBEXEC "/labs/lab-%.2s-check"
				: "../docs/labs/lab-%.2s-check",
		 lab);
	return beside(tail, path);
}

const char *lab_headers(void)
{
	return headers_folder("runrig/runrig.h", "runtime/include");
}
