/* SPDX-License-Identifier: MIT */
/*
 * error.h - where the words of rig_why() come from.
 */
#ifndef RUNRIG_ERROR_PRIVATE_H
#define RUNRIG_ERROR_PRIVATE_H

#include <runrig/error.h>

/* Bytes of a thread's error text, with the terminator. */
#define WHY_BYTES 512

/*
 * Note why something failed, and return `code` (negative).  The lowest
 * detector calls it, once; everyone above passes the code on.  rig_fail_errno()
 * adds ": " and the system's words for -code, and returns -ENOSYS for -EINVAL: a
 * system call that is refused is not the caller's mistake, which -EINVAL means.
 */
int rig_fail(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int rig_fail_errno(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An argument that a caller must give: 0, or -EINVAL.  Example: need(NULL,
 * "list: the value") fails with "list: the value is NULL". */
int need(const void *argument, const char *what);

#endif
