/* SPDX-License-Identifier: MIT */
/*
 * unfinished.h - names of files in the making: a program that ends by a signal
 * removes these files first.
 *
 * A file system without O_TMPFILE (NFS, FUSE, Lustre) gives a file its name at
 * once.  Nothing helps against SIGKILL.  Each program and each library that
 * contains common/ has a table of its own.
 */
#ifndef COMMON_UNFINISHED_H
#define COMMON_UNFINISHED_H

#include <stdbool.h>

/* Note a name before the file is made.  The text must live until
 * unfinished_strike().  False: too many are noted already.  Any thread. */
bool unfinished_enter(const char *path);

/* Forget a file that is in its place or was removed.  Unknown text, or NULL, is
 * ignored. */
void unfinished_strike(const char *path);

/* Remove each noted file, in the process that noted the file: a fork removes
 * nothing.  For the handler of a signal that ends the process. */
void unfinished_remove(void);

#endif
