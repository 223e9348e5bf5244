/* SPDX-License-Identifier: MIT */
/*
 * words.h - how a function of this library fails: a code, and words in rig_why().
 */
#ifndef RUNNER_WORDS_H
#define RUNNER_WORDS_H

/* Leave the words for rig_why() and return `code`, which is negative. */
int words_fail(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "PATH: the system's words for `code`". */
int words_fail_file(int code, const char *path);

#endif
