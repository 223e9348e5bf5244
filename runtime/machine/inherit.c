/* SPDX-License-Identifier: MIT */
/*
 * inherit.c - closing, unmapping and noting what a fork brought along.
 */
#include "machine/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<sys/rseq.h>) /* glibc 2.35 */
#include <sys/rseq.h>
#endif

#include "base/glibc.h"
#include "base/thread.h"

/* Ranges of code a caller may have: a Python with NumPy has some 200. */
#define RANGES_MAX 4096

/* The numbers to try where no list of open descriptors can be read. */
#define NUMBERS_MAX (1 << 20)

struct range {
	uint64_t begin, end;
};

static struct range ranges[RANGES_MAX];
static int range_count;

/* An entry as the kernel writes it: see getdents(2). */
struct listed {
	uint64_t inode;
	int64_t off;
	unsigned short bytes;
	unsigned char type;
	char name[];
};

static bool is_kept(int fd, const int *keep, int count)
{
	for (int i = 0; i < count; i++)
		if (keep[i] == fd)
			return true;
	return fd <= STDERR_FILENO;
}

/* The descriptors in a block of entries of /proc/self/fd. */
static void close_block(const char *block, long bytes, int folder,
			const int *keep, int count)
{
	for (long at = 0; at < bytes;) {
		const struct listed *entry = (const void *)(block + at);
		int fd = 0;

		for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++)
			fd = fd * 10 + (*c - '0');
		if (fd != folder && !is_kept(fd, keep, count))
			close(fd);
		at += entry->bytes;
	}
}

/* Linux before 5.9 needs this, and a system that refuses close_range();
 * opendir() would allocate.  Without /proc every number that may be open is closed. */
static void close_each(const int *keep, int count)
{
	static alignas(8) char block[4096];
	int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rlimit limit = { .rlim_cur = NUMBERS_MAX };
	long bytes;

	if (folder < 0) {
		(void)getrlimit(RLIMIT_NOFILE, &limit);
		for (int fd = 0;
		     fd < NUMBERS_MAX && (rlim_t)fd < limit.rlim_cur; fd++)
			if (!is_kept(fd, keep, count))
				close(fd);
		return;
	}
	while ((bytes = syscall(SYS_getdents64, folder, block, sizeof(block))) >
	       0)
		close_block(block, bytes, folder, keep, count);
	close(folder);
}

void inherit_close(const int *keep, int count)
{
	unsigned from = STDERR_FILENO + 1;

	/* The gaps between the kept descriptors, lowest first. */
	for (;;) {
		unsigned next = UINT_MAX;

		for (int i = 0; i < count; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from &&
			    (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from &&
		    syscall(SYS_close_range, from, next - 1, 0) < 0) {
			close_each(keep, count);
			return;
		}
		if (next == UINT_MAX)
			return;
		from = next + 1;
	}
}

static uint64_t hex(const char **at)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		if (**at >= '0' && **at <= '9')
			value = value * 16 + (uint64_t)(**at - '0');
		else if (**at >= 'a' && **at <= 'f')
			value = value * 16 + (uint64_t)(**at - 'a' + 10);
		else
			return value;
	}
}

/* A line of /proc/self/maps: "begin-end rwxs offset dev inode path". */
static void take_line(const char *line)
{
	struct range range;
	const char *path = strchr(line, '/');

	range.begin = hex(&line);
	if (*line++ != '-')
		return;
	range.end = hex(&line);
	if (strnlen(line, 6) < 6)
		return;
	if (line[3] == 'x') {
		bool joins = range_count &&
			     ranges[range_count - 1].end == range.begin;

		if (joins)
			ranges[range_count - 1].end = range.end;
		else if (range_count < RANGES_MAX)
			ranges[range_count++] = range;
	}
	if (line[4] == 's' && path && strncmp(path, "/dev/shm/", 9) == 0)
		(void)munmap((void *)(uintptr_t)range.begin,
			     (size_t)(range.end - range.begin));
}

int inherit_maps(void)
{
	static char buffer[65536];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t held = 0;
	ssize_t got;
	int r = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *line = buffer, *end;

		got = read(fd, buffer + held, sizeof(buffer) - 1 - held);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = -errno;
		if (got <= 0)
			break;
		held += (size_t)got;
		buffer[held] = 0;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			take_line(line);
			line = end + 1;
		}
		held -= (size_t)(line - buffer);
		memmove(buffer, line, held);
		/* No path is longer. */
		if (held == sizeof(buffer) - 1)
			held = 0;
	}
	close(fd);
	return r;
}

bool inherit_has_code(uint64_t address)
{
	for (int i = 0; i < range_count; i++)
		if (address >= ranges[i].begin && address < ranges[i].end)
			return true;
	return range_count == RANGES_MAX;
}

#ifdef RSEQ_SIG
void inherit_rseq(void)
{
	/* The original system call, which every kernel takes. */
	const unsigned bytes = 32;
	struct rseq *area = (void *)((char *)thread_self() + __rseq_offset);

	/* 0: the C library uses none. */
	if (__rseq_size == 0)
		return;
	/* EBUSY, EINVAL: the name is there still. */
	if (syscall(SYS_rseq, area, bytes, 0, RSEQ_SIG) < 0 && errno != EBUSY &&
	    errno != EINVAL)
		area->cpu_id = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED;
}
#else
/* A C library that asks the kernel each time. */
void inherit_rseq(void)
{
}
#endif

void inherit_signals(void)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = SIG_DFL };

	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &action, NULL);
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)sigaction(ours[i], &action, NULL);
}
