/* SPDX-License-Identifier: MIT */
/*
 * error.c - one error text per thread.
 */
#include "base/error.h"
#include "base/glibc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char why[WHY_BYTES];

/* A single line, whatever characters a user's name or description has. */
static void make_one_line(void)
{
	for (char *c = why; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
}

int rig_fail(int code, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	make_one_line();
	return code;
}

int rig_fail_errno(int code, const char *format, ...)
{
	va_list list;
	size_t used;

	va_start(list, format);
	vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	used = strlen(why);
	snprintf(why + used, sizeof(why) - used, ": %s",
		 errno_words(-code) ? errno_words(-code) : "error");
	make_one_line();
	return code == -EINVAL ? -ENOSYS : code;
}

int need(const void *argument, const char *what)
{
	return argument ? 0 : rig_fail(-EINVAL, "%s is NULL", what);
}

int rig_why_set(int code, const char *words)
{
	snprintf(why, sizeof(why), "%s", words ? words : "");
	make_one_line();
	return code;
}

const char *rig_why(void)
{
	return why;
}
