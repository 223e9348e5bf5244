/* SPDX-License-Identifier: MIT */
/*
 * unfinished.h - names of files in the making, which a signal removes.
 *
 * A file system without O_TMPFILE (NFS, FUSE, Lustre) gives a file its name at
 * once.  A program that Ctrl-C, a hang-up or another ordinary signal ends in
 * between removes the name first; nothing helps against SIGKILL.
 */
#ifndef RUNRIG_UNFINISHED_H
#define RUNRIG_UNFINISHED_H

#include <stdbool.h>

/*
 * Handle the signals that would end this process, a program of ours: a library
 * leaves its host's signals alone.  A signal that is ignored (nohup) or handled
 * stays so.  Once, before other threads.
 */
void unfinished_watch(void);

/*
 * Note a name before the file is made.  The text must live until
 * unfinished_strike().  False: too many are noted already.  One thread.
 */
bool unfinished_enter(const char *path);

/* The file is in its place, or was removed.  Unknown text, or NULL, is none. */
void unfinished_strike(const char *path);

#endif
