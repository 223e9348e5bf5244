/* SPDX-License-Identifier: MIT */
/*
 * huge.h - huge pages for files in /dev/shm, where they are to be had.
 *
 * They are had in one of two ways: the mount gives them to whoever asks
 * (mount -o remount,huge=advise /dev/shm), or the kernel collapses small pages
 * that are there already (MADV_COLLAPSE, Linux 6.1).  A mapping can use them
 * only where its address is a multiple of theirs.
 */
#ifndef RUNRIG_HUGE_H
#define RUNRIG_HUGE_H

#include <stddef.h>
#include <sys/types.h>

/* The size of a huge page: of x86-64, and of aarch64 with base pages of 4 KiB. */
#define HUGE_BYTES ((size_t)2 << 20)

/* mmap(MAP_SHARED) of all of `fd`, at an address that huge pages need where it
 * is long enough to have one.  MAP_FAILED as mmap. */
void *huge_map(int fd, size_t bytes, int prot);

/* Before a mapping is populated: ask for huge pages.  After it: for those that
 * are whole within [begin, end), counted from `base`.  Never fail. */
void huge_ask(void *base, size_t bytes);
void huge_collapse(void *base, size_t begin, size_t end);

/* How many bytes of the file lie on huge pages; -errno where that cannot be
 * asked.  The file has all its pages. */
ssize_t huge_bytes(int fd, size_t bytes);

#endif
