/* SPDX-License-Identifier: MIT */
/*
 * transport.c - the list of transports, and common functions.
 */
#include "ipc/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/case.h"

#include "ipc/transport_own.h"

const struct transport *const transports[] = {
	&transport_null,
	&transport_sync,
	&transport_byref,
	&transport_memcpy,
	&transport_memcpy_x,
	&transport_serialise,
	&transport_pipe,
	&transport_unix_stream,
	&transport_unix_seqpacket,
	&transport_unix_dgram,
	&transport_tcp,
	&transport_mq,
	&transport_seg_inplace,
	&transport_seg_copyin,
	&transport_seg_copyout,
	&transport_seg_copyboth,
	&transport_cma_read,
	&transport_vmsplice,
	&transport_pool,
	&transport_futex,
	&transport_eventfd,
	&transport_signal,
	&transport_signal_value,
	&transport_fifo,
	&transport_udp,
	&transport_tcp_nagle,
	&transport_mq_sysv,
	&transport_shm_posix,
	&transport_shm_sysv,
	&transport_mmap_file,
	&transport_mmap_disk,
	&transport_memfd,
	&transport_cma_write,
	&transport_splice,
	&transport_io_uring,
	NULL,
};

const struct transport *transport_find(const char *name)
{
	const struct transport *own;

	for (const struct transport *const *t = transports; *t; t++)
		if (strcmp((*t)->name, name) == 0)
			return *t;
	for (size_t i = 0; (own = transport_own(i)); i++)
		if (strcmp(own->name, name) == 0)
			return own;
	return NULL;
}

void *link_out(struct link *link)
{
	return link->out + (link->sent % link->buffers) * link->stride;
}

void link_stride(struct link *link)
{
	link->stride = (link->bytes + 4096) & ~(size_t)4095;
}

int link_attach(struct link *link, char *why)
{
	(void)why;
	return link_private(link);
}

int link_done(struct link *link)
{
	(void)link;
	return 0;
}

void link_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int link_private(struct link *link)
{
	/* Whole pages, also where a message is a line. */
	size_t one = (link->stride + 4095) & ~(size_t)4095;
	size_t bytes = (link->stride * link->buffers + 4095) & ~(size_t)4095;

	link->out = aligned_alloc(4096, bytes);
	link->in = aligned_alloc(4096, one);
	if (!link->out || !link->in)
		return -ENOMEM;
	/* Written, so that no page is the kernel's zero page. */
	memset(link->out, 1, bytes);
	memset(link->in, 1, one);
	return 0;
}

int link_fail(char *why, const char *what)
{
	int r = -errno;

	snprintf(why, CASE_WHY_BYTES, "%s: %s", what, strerror(-r));
	return r;
}
