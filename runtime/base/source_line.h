/* SPDX-License-Identifier: MIT */
/*
 * source_line.h - the line of the source that an address comes from.
 */
#ifndef RUNRIG_SOURCE_LINE_H
#define RUNRIG_SOURCE_LINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Write "file.c:12" to `line`: where `address`, as the object file `path` numbers
 * addresses, comes from.  "" where the file has no debug information, or libdw (of
 * elfutils) is not there: the library is loaded by the first call.  For reports: a
 * call reads the file, and takes milliseconds.
 */
void source_line(const char *path, uint64_t address, char *line, size_t bytes);

#endif
