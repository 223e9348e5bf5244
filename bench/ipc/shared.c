/* SPDX-License-Identifier: MIT */
/*
 * shared.c - segments, System V and POSIX shared memory, mapped files, huge pages;
 * and the pages that the kernel has really given.
 *
 * Names are gone before the measurement; a segment keeps the name, by which the sides
 * attach, and the library removes the name.
 */
#include "ipc/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define BASE_PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)

/* Pages whose node is looked up: this number, spread evenly. */
#define LOOK_PAGES 1024

/* The kernel's numbers: numaif.h is another library's. */
enum { POLICY_BIND = 2 };

#define TMPFS_MAGIC 0x01021994

size_t shared_page(const struct link *link)
{
	return link->pages == PAGES_BASE ? BASE_PAGE : HUGE_PAGE;
}

static int map_file(struct link *link, int fd, const char *what, char *why)
{
	int r = posix_fallocate(fd, 0, (off_t)link->shared_bytes);

	errno = r;
	if (r == 0) {
		link->shared = mmap(NULL, link->shared_bytes,
				    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (link->shared == MAP_FAILED)
			link->shared = NULL;
	}
	r = link->shared ? 0 : link_fail(why, what);
	close(fd);
	return r;
}

static int create_posix(struct link *link, char *why)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/rigbench-%d", (int)getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return link_fail(why, "shm_open");
	shm_unlink(name);
	return map_file(link, fd, "POSIX shared memory", why);
}

static int create_sysv(struct link *link, char *why)
{
	int id = shmget(IPC_PRIVATE, link->shared_bytes, IPC_CREAT | 0600);

	if (id < 0)
		return link_fail(why, "shmget");
	link->shared = shmat(id, NULL, 0);
	if (link->shared == (char *)-1)
		link->shared = NULL;
	(void)shmctl(id, IPC_RMID, NULL);
	return link->shared ? 0 : link_fail(why, "shmat");
}

/* A mapped file: of memory, or on a disk where TMPDIR, /var/tmp or the current folder
 * is on a disk. */
static int create_file(struct link *link, bool disk, char *why)
{
	const char *const folders[] = { disk ? getenv("TMPDIR") : "/dev/shm",
					disk ? "/var/tmp" : "/tmp", "." };

	for (int i = 0; i < 3; i++) {
		struct statfs fs;
		int fd;

		if (!folders[i] || statfs(folders[i], &fs) < 0 ||
		    (fs.f_type == TMPFS_MAGIC) == disk)
			continue;
		fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			return map_file(link, fd, "a mapped file", why);
	}
	snprintf(why, CASE_WHY_BYTES, "no folder on a %s that can be written",
		 disk ? "disk" : "tmpfs");
	return -ENOTSUP;
}

/* `bytes` bytes of address space that begin on a huge page. */
static char *huge_address(size_t bytes)
{
	char *at = mmap(NULL, bytes + HUGE_PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t head;

	if (at == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)at & (HUGE_PAGE - 1);
	if (head)
		munmap(at, head);
	munmap(at + head + bytes, HUGE_PAGE - head);
	return at + head;
}

static int create_huge(struct link *link, char *why)
{
	bool table = link->pages == PAGES_HUGE;
	int fd = memfd_create("rigbench",
			      MFD_CLOEXEC | (table ? MFD_HUGETLB : 0));
	char *at = huge_address(link->shared_bytes);
	int r = 0;

	if (fd < 0 || !at || ftruncate(fd, (off_t)link->shared_bytes) < 0)
		r = link_fail(why, "memory of 2 MiB pages");
	if (r == 0 && mmap(at, link->shared_bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		r = link_fail(why, "2 MiB pages (vm.nr_hugepages)");
	if (r == 0 && !table &&
	    madvise(at, link->shared_bytes, MADV_HUGEPAGE) < 0)
		r = link_fail(why, "MADV_HUGEPAGE");
	if (r == 0)
		link->shared = at;
	else if (at)
		munmap(at, link->shared_bytes);
	if (fd >= 0)
		close(fd);
	return r < 0 ? -ENOTSUP : 0;
}

static int create_segment(struct link *link, char *why)
{
	int r = rig_segment_create(&link->segment, NULL, link->shared_bytes,
				   NULL);

	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
		return r;
	}
	link->shared = rig_segment_data(link->segment);
	return 0;
}

int shared_create(struct link *link, char *why)
{
	if (link->pages != PAGES_BASE)
		return create_huge(link, why);
	switch (link->transport->memory) {
	case MEMORY_POSIX:
		return create_posix(link, why);
	case MEMORY_SYSV:
		return create_sysv(link, why);
	case MEMORY_TMPFS:
		return create_file(link, false, why);
	case MEMORY_DISK:
		return create_file(link, true, why);
	default:
		return create_segment(link, why);
	}
}

void shared_destroy(struct link *link)
{
	if (link->segment)
		rig_segment_destroy(link->segment);
	else if (link->shared && link->transport->memory == MEMORY_SYSV)
		(void)shmdt(link->shared);
	else if (link->shared)
		munmap(link->shared, link->shared_bytes);
	link->segment = NULL;
	link->shared = NULL;
}

int shared_attach(struct link *link, char *why)
{
	struct rig_segment *own = NULL;
	int r;

	if (!link->segment || link->threads)
		return 0;
	r = rig_segment_attach(&own, rig_segment_name(link->segment), NULL);
	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
		return r;
	}
	/* The side ends by _exit(), and with the side the mapping. */
	link->shared = rig_segment_data(own);
	return 0;
}

/* The driver, which made the segment, has reserved the pages on the driver's node. 
 * On a machine of several nodes the pages are given up here, and the first touch
 * decides. */
void shared_settle(const struct link *link, char *at, size_t bytes, bool mine)
{
	unsigned long node = 1UL << link->node;

	if (!mine)
		return;
	if (link->home == NUMA_NODE)
		/* The whole mapping: a part that is cut within a huge page has none. */
		(void)syscall(SYS_mbind, link->shared, link->shared_bytes,
			      POLICY_BIND, &node, sizeof(node) * 8, 0);
	if (link->nodes > 1)
		(void)madvise(at, bytes, MADV_REMOVE);
	memset(at, 0, bytes);
}

/* The page size of the mapping around `at`, and the bytes that huge pages of shared
 * memory map. */
static size_t mapped_page(const char *at)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[256];
	size_t page = 0;
	bool here = false;

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long begin;
		unsigned long end;
		size_t kib;

		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			here = (uintptr_t)at >= begin && (uintptr_t)at < end;
		else if (here &&
			 sscanf(line, "KernelPageSize: %zu kB", &kib) == 1)
			page = kib << 10;
		else if (here && page < HUGE_PAGE &&
			 sscanf(line, "ShmemPmdMapped: %zu kB", &kib) == 1 &&
			 kib)
			page = HUGE_PAGE;
	}
	if (file)
		fclose(file);
	return page;
}

int shared_granted(const struct link *link, char *why)
{
	size_t page;

	if (link->pages == PAGES_BASE)
		return 0;
	page = mapped_page(link->shared);
	if (page >= HUGE_PAGE)
		return 0;
	snprintf(why, CASE_WHY_BYTES,
		 "asked for huge pages and got pages of %zu KiB "
		 "(/sys/kernel/mm/transparent_hugepage/shmem_enabled)",
		 page >> 10);
	return -ENOTSUP;
}

void shared_look(const struct link *link, struct case_memory *memory)
{
	static void *pages[LOOK_PAGES];
	static int status[LOOK_PAGES];
	size_t all = link->shared_bytes / BASE_PAGE;
	size_t n = all < LOOK_PAGES ? all : LOOK_PAGES;

	*memory = (struct case_memory){ 0 };
	if (!link->shared || !n || link->transport->memory == MEMORY_NONE)
		return;
	memory->page_bytes = mapped_page(link->shared);
	for (size_t i = 0; i < n; i++)
		pages[i] = link->shared + all * i / n * BASE_PAGE;
	if (syscall(SYS_move_pages, 0, n, pages, NULL, status, 0) < 0)
		return;
	/* A page that this process has not touched has no place as yet. */
	for (size_t i = 0; i < n; i++)
		if (status[i] >= 0 && status[i] < CASE_NODES_MAX)
			memory->pages_on[status[i]]++;
}
