/* SPDX-License-Identifier: MIT */
/*
 * json.c - where JSON goes.
 */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static int put_stdout(const char *text)
{
	if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
		return 0;
	return complain(EXIT_SYSTEM, "stdout: %s", strerror(errno));
}

int json_put(json_t *root, const char *path)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	char *line = NULL;
	int r;

	json_decref(root);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	if (!line)
		r = complain(EXIT_SYSTEM, "out of memory");
	else if (path)
		r = write_whole(path, line, strlen(line));
	else
		r = put_stdout(line);
	free(line);
	free(text);
	return r;
}
