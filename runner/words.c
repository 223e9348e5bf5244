/* SPDX-License-Identifier: MIT */
/*
 * words.c - how a function of this library fails: a code, and words in rig_why().
 */
#include <runner/words.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <runrig/error.h>

int words_fail(int code, const char *format, ...)
{
	char words[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof(words), format, list);
	va_end(list);
	return rig_why_set(code, words);
}

int words_fail_file(int code, const char *path)
{
	return words_fail(code, "%s: %s", path, strerror(-code));
}
