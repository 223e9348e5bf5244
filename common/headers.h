/* SPDX-License-Identifier: MIT */
/*
 * headers.h - the folder of the headers that this program came with, for a line that
 * compiles what the user begins.
 */
#ifndef COMMON_HEADERS_H
#define COMMON_HEADERS_H

/*
 * The folder in which `header`, "runrig/kernel.h", is: beside an installed program,
 * ../include, or else `below` the source of a program that is not installed, or else
 * /usr/include.  The text lives until the next call, of one thread.
 */
const char *headers_folder(const char *header, const char *below);

/* The source of a program that is not installed, as the file source.txt beside the
 * program says, so that the program itself has no path of a build; NULL: there is
 * none.  The text lives until the next call, of one thread. */
const char *source_folder(void);

#endif
