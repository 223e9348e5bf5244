/* SPDX-License-Identifier: MIT */
/*
 * no_tmpfile.c - loaded before a program (LD_PRELOAD): its file systems have no
 * files without names, /dev/shm aside.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	mode_t mode = 0;
	va_list list;

	if ((flags & O_TMPFILE) == O_TMPFILE && strcmp(path, "/dev/shm") != 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		va_end(list);
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "open");
	return real(path, flags, mode);
}
