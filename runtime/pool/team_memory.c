/* SPDX-License-Identifier: MIT */
/*
 * team_memory.c - how much address space the ranks' heaps get.
 *
 * A heap may hold as much as the machine's memory, so a smaller limit would only be one
 * limit more.  Untouched memory costs nothing: the file is sparse, and page tables come
 * with pages.
 */
#include "pool/team_memory.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/huge.h"
#include "machine/shared.h"

/* Bytes of all heaps of a team: an eighth of the address space of x86-64. */
#define HEAPS_MOST ((size_t)1 << 44)

/* Shorter heaps are not worth their place. */
#define HEAP_LEAST ((size_t)16 << 20)

/* Under a limit of the address space, heaps take this part of the space that is
 * left. */
#define LIMITED_PART 8

/* How long the heap of each rank may be. */
static size_t heap_bytes(int size)
{
	const long pages = sysconf(_SC_PHYS_PAGES);
	size_t most = HEAPS_MOST, each = HEAP_LEAST;
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur / LIMITED_PART < most)
		most = limit.rlim_cur / LIMITED_PART;
	while (each / PAGE_BYTES < (size_t)(pages > 0 ? pages : 1))
		each *= 2;
	while (each > most / (size_t)size)
		each /= 2;
	return each;
}

int team_memory_map(struct layout *layout, int size, const char *what, int *fd)
{
	const struct layout plain = layout_at(NULL, size);
	size_t each = heap_bytes(size);
	void *memory;
	int r = -ENOMEM;

	for (; r < 0 && each >= HEAP_LEAST; each /= 2) {
		struct layout wished = plain;

		layout_add_heaps(&wished, size, each);
		r = shared_map_sparse(wished.map_bytes,
				      layout_heaps_off(&plain), what, &memory,
				      fd);
		if (r == 0)
			break;
	}
	if (r < 0) {
		each = 0;
		r = shared_map(plain.bytes, what, &memory, fd);
	}
	if (r < 0)
		return r;
	*layout = layout_at(memory, size);
	layout_add_heaps(layout, size, each);
	return 0;
}

int team_memory_map_fd(struct layout *layout, int size, const char *what,
		       int fd)
{
	const struct layout plain = layout_at(NULL, size);
	const size_t off = layout_heaps_off(&plain);
	struct stat status;
	size_t each = 0;
	void *memory;
	int r;

	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "%s: fstat", what);
	if (status.st_size > 0 && (size_t)status.st_size > off)
		each = ((size_t)status.st_size - off) / (size_t)size;
	if (each)
		r = shared_map_sparse_fd(fd, (size_t)status.st_size, off, what,
					 &memory);
	else
		r = shared_map_fd(fd, plain.bytes, what, &memory);
	if (r < 0)
		return r;
	*layout = layout_at(memory, size);
	layout_add_heaps(layout, size, each);
	return 0;
}
