/* SPDX-License-Identifier: MIT */
/*
 * headers.h - the folder of this program's headers, for a command line that
 * compiles the user's new source.
 */
#ifndef COMMON_HEADERS_H
#define COMMON_HEADERS_H

/*
 * The folder that has `header`, "runrig/kernel.h": beside an installed program,
 * ../include; or else `below` the source of a program that is not installed; or
 * else /usr/include.  The text lives until the next call; a single thread.
 */
const char *headers_folder(const char *header, const char *below);

/* The source of a program that is not installed, as the file source.txt beside
 * the program says; the program itself holds no path of a build.  NULL: there
 * is no such file.  The text lives until the next call; a single thread. */
const char *source_folder(void);

#endif
