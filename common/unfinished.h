/* SPDX-License-Identifier: MIT */
/*
 * unfinished.h - names of files in the making, which a program that a signal ends
 * removes first.
 *
 * A file system without O_TMPFILE (NFS, FUSE, Lustre) gives a file its name at
 * once.  Nothing helps against SIGKILL.  Each program and each library that has
 * common/ in itself has a table of its own.
 */
#ifndef COMMON_UNFINISHED_H
#define COMMON_UNFINISHED_H

#include <stdbool.h>

/* Note a name before the file is made.  The text must live until
 * unfinished_strike().  False: too many are noted already.  Any thread. */
bool unfinished_enter(const char *path);

/* The file is in its place, or was removed.  Unknown text, or NULL, is none. */
void unfinished_strike(const char *path);

/* Remove each file that is noted, in the process that has noted the file: a fork
 * removes none.  For the handler of a signal that ends the process. */
void unfinished_remove(void);

#endif
