/* SPDX-License-Identifier: MIT */
/*
 * huge.h - huge pages for files in /dev/shm, where the machine has some.
 *
 * A file gets huge pages in two ways: the mount gives huge pages to every caller
 * of madvise (mount -o remount,huge=advise /dev/shm), or the kernel collapses
 * small pages that are there already (MADV_COLLAPSE, Linux 6.1).  A mapping can
 * use huge pages only where its address is a multiple of their size.
 */
#ifndef RUNRIG_HUGE_H
#define RUNRIG_HUGE_H

#include <stddef.h>
#include <sys/types.h>

/* The size of a huge page: of x86-64, and of aarch64 with base pages of 4 KiB. */
#define HUGE_BYTES ((size_t)2 << 20)

/* mmap(MAP_SHARED) of all of `fd`, at an address fit for huge pages where the
 * mapping is long enough.  MAP_FAILED as mmap. */
void *huge_map(int fd, size_t bytes, int prot);

/* Before a mapping is populated: ask for huge pages.  Afterwards: ask for the
 * whole huge pages within [begin, end), counted from `base`.  Neither fails. */
void huge_ask(void *base, size_t bytes);
void huge_collapse(void *base, size_t begin, size_t end);

/* The number of the file's bytes that lie on huge pages; -errno where the kernel
 * does not tell.  The file has all its pages. */
ssize_t huge_bytes(int fd, size_t bytes);

#endif
