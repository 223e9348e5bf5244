/* SPDX-License-Identifier: MIT */
/*
 * headers.c - the folder of this program's headers.
 */
#include <common/headers.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Put the folder of this program into `path`; false where the folder is
 * unknown. */
static bool own_folder(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

static bool has_header(const char *folder, const char *header)
{
	char path[PATH_MAX + 100];

	snprintf(path, sizeof(path), "%s/%s", folder, header);
	return access(path, R_OK) == 0;
}

const char *source_folder(void)
{
	static char folder[PATH_MAX];
	char own[PATH_MAX], path[PATH_MAX + 20];
	FILE *file;
	bool got;

	if (!own_folder(own))
		return NULL;
	snprintf(path, sizeof(path), "%s/source.txt", own);
	file = fopen(path, "r");
	got = file && fgets(folder, sizeof(folder), file);
	if (file)
		fclose(file);
	folder[strcspn(folder, "\n")] = '\0';
	return got ? folder : NULL;
}

const char *headers_folder(const char *header, const char *below)
{
	static char folder[PATH_MAX + 100];
	char own[PATH_MAX], include[PATH_MAX + 20];
	const char *source = source_folder();

	if (own_folder(own)) {
		snprintf(include, sizeof(include), "%s/../include", own);
		if (has_header(include, header) && realpath(include, folder))
			return folder;
	}
	if (!source)
		return "/usr/include";
	snprintf(folder, sizeof(folder), "%s/%s", source, below);
	return folder;
}
