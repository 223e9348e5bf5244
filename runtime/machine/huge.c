/* SPDX-License-Identifier: MIT */
/*
 * huge.c - huge pages for files in /dev/shm.
 */
#include "machine/huge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/glibc.h"
#include "base/size.h"

void *huge_map(int fd, size_t bytes, int prot)
{
	size_t room, left;
	char *base, *at;

	if (bytes < HUGE_BYTES || !size_add(bytes, HUGE_BYTES, &room))
		return mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
	/* Reserve enough for the next multiple of a huge page to lie inside; then give
 * back the rest. */
	base = mmap(NULL, room, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
	at = (char *)size_round_up((uintptr_t)base, HUGE_BYTES);
	if (mmap(at, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED) {
		int error = errno;

		munmap(base, room);
		errno = error;
		return MAP_FAILED;
	}
	bytes = size_round_up(bytes, PAGE_BYTES);
	if (at > base)
		munmap(base, (size_t)(at - base));
	left = (size_t)(base + room - (at + bytes));
	if (left)
		munmap(at + bytes, left);
	return at;
}

void huge_ask(void *base, size_t bytes)
{
	(void)madvise(base, bytes, MADV_HUGEPAGE);
}

void huge_collapse(void *base, size_t begin, size_t end)
{
	begin = size_round_up(begin, HUGE_BYTES);
	end &= ~(HUGE_BYTES - 1);
	if (begin < end)
		(void)madvise((char *)base + begin, end - begin, MADV_COLLAPSE);
}

/* Read from /proc/self/smaps about the mapping at `base`. */
static ssize_t read_mapped(const void *base)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	uintptr_t begin, end;
	bool ours = false;
	char line[512];
	size_t kib;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) ==
		    2) {
			ours = begin == (uintptr_t)base;
		} else if (ours &&
			   sscanf(line, "ShmemPmdMapped: %zu kB", &kib) == 1) {
			fclose(file);
			return (ssize_t)(kib * 1024);
		}
	}
	fclose(file);
	return -ENOSYS;
}

ssize_t huge_bytes(int fd, size_t bytes)
{
	void *base;
	ssize_t got;

	if (bytes < HUGE_BYTES)
		return 0;
	base = huge_map(fd, bytes, PROT_READ);
	if (base == MAP_FAILED)
		return -errno;
	while (madvise(base, bytes, MADV_POPULATE_READ) < 0 &&
	       (errno == EINTR || errno == EAGAIN))
		;
	got = read_mapped(base);
	munmap(base, bytes);
	return got;
}
