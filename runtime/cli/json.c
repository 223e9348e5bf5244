/* SPDX-License-Identifier: MIT */
/*
 * json.c - where JSON goes.
 */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

int json_put(json_t *root, const char *path)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12);
	FILE *file = path ? fopen(path, "we") : stdout;
	bool written;

	if (!root || !file) {
		json_decref(root);
		if (root)
			return complain(EXIT_SYSTEM, "%s: %s", path,
					strerror(errno));
		return complain(EXIT_SYSTEM, "out of memory");
	}
	written =
		json_dumpf(root, file, flags) == 0 && fputc('\n', file) != EOF;
	json_decref(root);
	if (path)
		written = fclose(file) == 0 && written;
	else
		written = fflush(file) == 0 && written;
	if (written)
		return 0;
	return complain(EXIT_SYSTEM, "%s: %s", path ? path : "stdout",
			strerror(errno));
}
