/* SPDX-License-Identifier: MIT */
/*
 * transport_kernel.c - the kernel copies, or lends, straight between two address
 * spaces: process_vm_readv, process_vm_writev, vmsplice, splice.
 *
 * The calls move bytes and tell nobody; the bell of a ring tells, and beside the bell
 * stands the place of the bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/ring.h"

/* Bytes of whole pages that every pipe takes without a reader. */
#define PIPE_HOLDS 32768

/* In shared memory, in a ring's note: where the writer's buffers are. */
struct whereabouts {
	uint64_t pid;
	uint64_t out; /* address of the buffers to send from */
	uint64_t in;  /* and to receive in */
	_Atomic uint32_t ready;
};

static struct whereabouts *note_of(const struct link *link, int side)
{
	return (struct whereabouts *)(void *)ring_of(link, side)->note;
}

static int cma_create(struct link *link, char *why)
{
	int r;

	link->slots = 1;
	r = ring_create(link, 4096, why);
	link_stride(link);
	return r;
}

/* Attach to the ring only; the slots are not used. */
static int note_attach(struct link *link, char *why)
{
	size_t stride = link->stride;
	struct whereabouts *mine;
	int r;

	link->stride = 4096;
	r = ring_attach(link, why);
	if (r < 0)
		return r;
	mine = note_of(link, link->side);
	/* As many messages as the bells allow under way: one. */
	link->buffers = 1;
	link->stride = stride;
	r = link_private(link);
	link->stride = 4096;
	mine->pid = (uint64_t)getpid();
	mine->out = (uint64_t)(uintptr_t)link->out;
	mine->in = (uint64_t)(uintptr_t)link->in;
	/* release: publishes the three above; pairs with partner(). */
	atomic_store_explicit(&mine->ready, 1, memory_order_release);
	return r;
}

static const struct whereabouts *partner(struct link *link)
{
	struct whereabouts *theirs = note_of(link, !link->side);

	while (!atomic_load_explicit(&theirs->ready, memory_order_acquire))
		usleep(100);
	link->other = (pid_t)theirs->pid;
	return theirs;
}

/* Try a real transfer of the other side's memory: a refusal comes here, with the
 * reason, and not in the middle. */
static int cma_attach(struct link *link, char *why)
{
	const struct whereabouts *theirs;
	struct iovec local;
	struct iovec remote;
	char byte;
	int r = note_attach(link, why);

	if (r < 0)
		return r;
	theirs = partner(link);
	local = (struct iovec){ &byte, 1 };
	remote = (struct iovec){ (void *)(uintptr_t)theirs->out, 1 };
	if (process_vm_readv(link->other, &local, 1, &remote, 1, 0) != 1) {
		(void)link_fail(why, "process_vm_readv (ptrace access, "
				     "seccomp)");
		return -ENOTSUP;
	}
	return 0;
}

static void *cma_put(struct link *link)
{
	struct ring_shm *ring = ring_of(link, link->side);

	/* Until the last message has been fetched: the buffer is lent. */
	bell_wait(&ring->consumed, link->sent, link->waiting);
	return link->out;
}

static int cma_send(struct link *link)
{
	bell_ring(&ring_of(link, link->side)->produced, ++link->sent,
		  link->waiting);
	return 0;
}

/* Move all of a message between our buffer and theirs. */
static int cma_move(struct link *link, char *mine, uint64_t theirs, bool in)
{
	size_t done = 0;

	while (done < link->bytes) {
		struct iovec local = { mine + done, link->bytes - done };
		struct iovec remote = { (void *)(uintptr_t)(theirs + done),
					link->bytes - done };
		ssize_t n = in ? process_vm_readv(link->other, &local, 1,
						  &remote, 1, 0)
			       : process_vm_writev(link->other, &local, 1,
						   &remote, 1, 0);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static void *cma_read_get(struct link *link)
{
	struct ring_shm *ring = ring_of(link, !link->side);

	bell_wait(&ring->produced, link->received + 1, link->waiting);
	if (cma_move(link, link->in, note_of(link, !link->side)->out, true) < 0)
		return NULL;
	bell_ring(&ring->consumed, ++link->received, link->waiting);
	return link->in;
}

/* The writer writes to the reader's buffer, once the buffer is free. */
static int cma_write_send(struct link *link)
{
	if (cma_move(link, link->out, note_of(link, !link->side)->in, false) <
	    0)
		return -errno;
	return cma_send(link);
}

static void *cma_write_get(struct link *link)
{
	bell_wait(&ring_of(link, !link->side)->produced, link->received + 1,
		  link->waiting);
	return link->in;
}

static int cma_write_done(struct link *link)
{
	bell_ring(&ring_of(link, !link->side)->consumed, ++link->received,
		  link->waiting);
	return 0;
}

static int vmsplice_create(struct link *link, char *why)
{
	int r = cma_create(link, why);

	for (int d = 0; d < 2 && r == 0; d++)
		if (pipe2(link->fd[d], O_CLOEXEC) < 0)
			r = link_fail(why, "pipe");
	return r;
}

/* Into the pipe without a copy: pages of this process, or of a file's cache. */
static ssize_t lend(const struct link *link, const struct iovec *pages)
{
	int pipe = link->fd[link->side][1];
	off_t at = (char *)pages->iov_base - link->out;

	if (link->transport == &transport_vmsplice)
		return vmsplice(pipe, pages, 1, 0);
	return splice(link->now[link->side][1], &at, pipe, NULL, pages->iov_len,
		      0);
}

/* The pages go into the pipe without a copy; nobody may write to the pages until the
 * reader has read, which cma_put() waits for.  The bell comes after the bytes that a
 * pipe holds at once, and before the rest, which needs the reader. */
static int vmsplice_send(struct link *link)
{
	size_t first = link->bytes < PIPE_HOLDS ? link->bytes : PIPE_HOLDS;
	size_t done = 0;
	bool told = false;

	while (done < link->bytes) {
		struct iovec pages = { link->out + done,
				       (told ? link->bytes : first) - done };
		ssize_t n = lend(link, &pages);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
		if (!told && done == first) {
			told = true;
			(void)cma_send(link);
		}
	}
	return 0;
}

static void *vmsplice_get(struct link *link)
{
	struct ring_shm *ring = ring_of(link, !link->side);
	size_t done = 0;

	bell_wait(&ring->produced, link->received + 1, link->waiting);
	while (done < link->bytes) {
		ssize_t n = read(link->fd[!link->side][0], link->in + done,
				 link->bytes - done);

		if (n == 0 || (n < 0 && errno != EINTR))
			return NULL;
		done += n > 0 ? (size_t)n : 0;
	}
	bell_ring(&ring->consumed, ++link->received, link->waiting);
	return link->in;
}

/* A message is produced in a mapped file without a name. */
static int splice_attach(struct link *link, char *why)
{
	size_t bytes = (link->bytes + 4095) & ~(size_t)4095;
	int r = note_attach(link, why);
	int fd;

	if (r < 0)
		return r;
	fd = memfd_create("rigbench", MFD_CLOEXEC);
	free(link->out);
	link->out = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		link->out = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);
	if (link->out == MAP_FAILED)
		return link_fail(why, "a file to splice from");
	link->now[link->side][1] = fd;
	return 0;
}

static void vmsplice_destroy(struct link *link)
{
	for (int d = 0; d < 2; d++)
		for (int k = 0; k < 2; k++)
			link_close(&link->fd[d][k]);
	ring_destroy(link);
}

const struct transport transport_cma_read = {
	.name = "cma-read",
	.summary = "process_vm_readv by the consumer",
	.copies = 1,
	.calls = "1",
	.boundaries = true,
	.unrelated = true,
	.empty = true,
	.tier = 1,
	.create = cma_create,
	.attach = cma_attach,
	.put = cma_put,
	.send = cma_send,
	.get = cma_read_get,
	.done = link_done,
	.destroy = ring_destroy,
};

const struct transport transport_cma_write = {
	.name = "cma-write",
	.summary = "process_vm_writev by the producer",
	.copies = 1,
	.calls = "1",
	.boundaries = true,
	.unrelated = true,
	.empty = true,
	.tier = 2,
	.create = cma_create,
	.attach = cma_attach,
	.put = cma_put,
	.send = cma_write_send,
	.get = cma_write_get,
	.done = cma_write_done,
	.destroy = ring_destroy,
};

const struct transport transport_vmsplice = {
	.name = "vmsplice",
	.summary = "pages lent to a pipe, read out of it",
	.copies = 1,
	.calls = "2",
	.tier = 1,
	.create = vmsplice_create,
	.attach = note_attach,
	.put = cma_put,
	.send = vmsplice_send,
	.get = vmsplice_get,
	.done = link_done,
	.destroy = vmsplice_destroy,
};

const struct transport transport_splice = {
	.name = "splice",
	.summary = "a file's pages lent to a pipe, read out of it",
	.copies = 1,
	.calls = "2",
	.tier = 2,
	.create = vmsplice_create,
	.attach = splice_attach,
	.put = cma_put,
	.send = vmsplice_send,
	.get = vmsplice_get,
	.done = link_done,
	.destroy = vmsplice_destroy,
};
