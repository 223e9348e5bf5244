/* SPDX-License-Identifier: MIT */
/*
 * pages.c - populating and clearing pages by advice, or by hand.
 */
#include "machine/pages.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/glibc.h"
#include "base/size.h"

static int advise(void *base, size_t bytes, int advice)
{
	while (madvise(base, bytes, advice) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	return 0;
}

/* Whether the result is that of a kernel, or of a sandbox, that does not know
 * the advice. */
static bool is_refusal(int r)
{
	return r == -EINVAL || r == -ENOSYS || r == -EPERM;
}

bool pages_can_populate(void)
{
	enum { UNASKED, YES, NO };
	static alignas(PAGE_BYTES) unsigned char page[PAGE_BYTES];
	static _Atomic uint32_t known;
	uint32_t answer = load_relaxed(&known);

	/* relaxed: every thread finds the same answer. */
	if (answer == UNASKED) {
		answer = is_refusal(advise(page, sizeof(page),
					   MADV_POPULATE_WRITE))
				 ? NO
				 : YES;
		store_relaxed(&known, answer);
	}
	return answer == YES;
}

/* Write a byte of the page without changing the byte.  A compare-and-swap keeps
 * a value that another process writes in between. */
static void touch(_Atomic unsigned char *byte)
{
	unsigned char seen = atomic_load_explicit(byte, memory_order_relaxed);

	(void)atomic_compare_exchange_strong_explicit(
		byte, &seen, seen, memory_order_relaxed, memory_order_relaxed);
}

static void touch_all(unsigned char *base, size_t bytes, bool write)
{
	for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
		if (write)
			touch((_Atomic unsigned char *)(base + at));
		else
			(void)*(const volatile unsigned char *)(base + at);
	}
}

int pages_populate(void *base, size_t bytes, bool write)
{
	int r = advise(base, bytes,
		       write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);

	if (!is_refusal(r))
		return r;
	touch_all(base, bytes, write);
	return 0;
}

static bool is_zero(const unsigned char *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

void pages_clear(void *base, size_t bytes)
{
	unsigned char *page = base;

	/* A hole reads as zero.  An emulator (qemu's, of a single program)
	 * reports a hole without making the hole. */
	*page = 1;
	if (advise(base, bytes, MADV_REMOVE) == 0 &&
	    *(volatile unsigned char *)page == 0)
		return;
	for (; page < (unsigned char *)base + bytes; page += PAGE_BYTES)
		if (!is_zero(page))
			memset(page, 0, PAGE_BYTES);
}
