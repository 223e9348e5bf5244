/* SPDX-License-Identifier: MIT */
/*
 * transport_uring.c - a pipe written and read through io_uring.
 *
 * Each side has a ring, submits one operation and waits for the end in the same
 * system call; so the side sleeps at once, whatever the way to wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/transport_poll.h"

#define ENTRIES 4

/* In this process: the kernel's rings, mapped. */
struct uring {
	int fd;
	_Atomic uint32_t *submit_tail; /* by us */
	_Atomic uint32_t *done_head;   /* by us */
	_Atomic uint32_t *done_tail;   /* by the kernel */
	uint32_t submit_mask, done_mask;
	uint32_t *submit_index;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
};

static char *map_ring(int fd, size_t bytes, off_t which)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, which);

	return at == MAP_FAILED ? NULL : at;
}

static int uring_open(struct uring *ring, char *why)
{
	struct io_uring_params p = { 0 };
	char *submit;
	char *done;

	ring->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring->fd < 0) {
		(void)link_fail(why, "io_uring_setup "
				     "(kernel.io_uring_disabled, seccomp)");
		return -ENOTSUP;
	}
	submit = map_ring(ring->fd,
			  p.sq_off.array + p.sq_entries * sizeof(uint32_t),
			  IORING_OFF_SQ_RING);
	done = map_ring(ring->fd,
			p.cq_off.cqes +
				p.cq_entries * sizeof(struct io_uring_cqe),
			IORING_OFF_CQ_RING);
	ring->entries = (void *)map_ring(
		ring->fd, p.sq_entries * sizeof(struct io_uring_sqe),
		IORING_OFF_SQES);
	if (!submit || !done || !ring->entries)
		return link_fail(why, "map an io_uring");
	ring->submit_tail = (void *)(submit + p.sq_off.tail);
	ring->submit_mask = *(uint32_t *)(void *)(submit + p.sq_off.ring_mask);
	ring->submit_index = (void *)(submit + p.sq_off.array);
	ring->done_head = (void *)(done + p.cq_off.head);
	ring->done_tail = (void *)(done + p.cq_off.tail);
	ring->done_mask = *(uint32_t *)(void *)(done + p.cq_off.ring_mask);
	ring->done = (void *)(done + p.cq_off.cqes);
	return 0;
}

/* One operation, to the end: bytes moved, or -errno. */
static int uring_move(struct uring *ring, uint8_t what, int fd, char *data,
		      size_t bytes)
{
	uint32_t tail =
		atomic_load_explicit(ring->submit_tail, memory_order_relaxed);
	uint32_t head =
		atomic_load_explicit(ring->done_head, memory_order_relaxed);
	uint32_t at = tail & ring->submit_mask;
	uint32_t submit = 1;
	int moved;

	ring->entries[at] =
		(struct io_uring_sqe){ .opcode = what,
				       .fd = fd,
				       .off = (uint64_t)-1,
				       .addr = (uint64_t)(uintptr_t)data,
				       .len = (uint32_t)bytes };
	ring->submit_index[at] = at;
	/* release: the kernel sees the entry before the tail. */
	atomic_store_explicit(ring->submit_tail, tail + 1,
			      memory_order_release);
	/* acquire: the entries up to the tail are seen.  A signal may end the wait,
	 * and the operation has been submitted all the same. */
	while (atomic_load_explicit(ring->done_tail, memory_order_acquire) ==
	       head) {
		long n = syscall(SYS_io_uring_enter, ring->fd, submit, 1,
				 IORING_ENTER_GETEVENTS, NULL, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		submit = 0;
	}
	moved = ring->done[head & ring->done_mask].res;
	atomic_store_explicit(ring->done_head, head + 1, memory_order_release);
	return moved;
}

static int move_all(struct link *link, uint8_t what, int fd, char *data)
{
	size_t done = 0;

	while (done < link->bytes) {
		int n = uring_move(link->extra, what, fd, data + done,
				   link->bytes - done);

		if (n == 0 || (n < 0 && n != -EINTR && n != -EAGAIN))
			return n ? n : -EPIPE;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int uring_create(struct link *link, char *why)
{
	link_stride(link);
	for (int d = 0; d < 2; d++)
		if (pipe2(link->fd[d], O_CLOEXEC) < 0)
			return link_fail(why, "pipe");
	return 0;
}

static int uring_attach(struct link *link, char *why)
{
	struct uring *ring = calloc(1, sizeof(*ring));
	int r = ring ? uring_open(ring, why) : -ENOMEM;

	link->extra = ring;
	return r < 0 ? r : fd_attach(link, why);
}

static int uring_send(struct link *link)
{
	int r = move_all(link, IORING_OP_WRITE, link->fd[link->side][1],
			 link_out(link));

	link->sent++;
	return r;
}

static void *uring_get(struct link *link)
{
	int r = move_all(link, IORING_OP_READ, link->fd[!link->side][0],
			 link->in);

	link->received++;
	errno = -r;
	return r < 0 ? NULL : link->in;
}

const struct transport transport_io_uring = {
	.name = "io_uring",
	.summary = "two pipes through io_uring, an operation at a time",
	.copies = 2,
	.calls = "2",
	.survives = true,
	.tier = 2,
	.create = uring_create,
	.attach = uring_attach,
	.put = link_out,
	.send = uring_send,
	.get = uring_get,
	.done = link_done,
	.destroy = fd_destroy,
};
