/* SPDX-License-Identifier: MIT */
/*
 * glibc.h - what newer C libraries have, and glibc 2.31 has not.
 *
 * No function here allocates, takes a lock or asks for a locale: each is safe after
 * a fork.
 */
#ifndef RUNRIG_BASE_GLIBC_H
#define RUNRIG_BASE_GLIBC_H

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The kernel's numbers: the kernel that runs may know them where the headers of the
 * machine that builds do not. */
#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif
#ifndef SYS_close_range /* Linux 5.9 */
#define SYS_close_range 436
#endif
/* P_PIDFD of waitid(), which glibc 2.36 names first. */
#define BY_PIDFD ((idtype_t)3)

/* The words for an error, as strerror() has them in English; NULL: no such error. */
const char *errno_words(int error);

/* "SEGV"; NULL: no such signal. */
const char *signal_abbreviation(int signal);

/* Has the process a single thread for certain? */
bool has_one_thread(void);

#endif
