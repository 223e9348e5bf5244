/* SPDX-License-Identifier: MIT */
/*
 * transport_lend.c - memory handed over as a descriptor: every message is a
 * memfd, made and filled by the sender, passed through a socket (SCM_RIGHTS),
 * mapped by the receiver, sealed by nobody.
 */
#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/transport_poll.h"

static int lend_create(struct link *link, char *why)
{
	int sockets[2];

	link_stride(link);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return link_fail(why, "socketpair");
	fd_pair_up(link, sockets);
	return 0;
}

/* link->now[side][1] is the file under way, link->out its bytes. */
static int lend_attach(struct link *link, char *why)
{
	int r = fd_attach(link, why);

	link->out = link->in = NULL;
	return r;
}

static void *lend_put(struct link *link)
{
	int fd;

	if (link->out)
		return link->out;
	fd = memfd_create("rigbench", MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link->now[link->side][1] = fd;
	if (ftruncate(fd, (off_t)link->bytes) < 0)
		return NULL;
	link->out = mmap(NULL, link->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (link->out == MAP_FAILED)
		link->out = NULL;
	return link->out;
}

static int lend_send(struct link *link)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int *fd = &link->now[link->side][1];
	ssize_t n;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), fd, sizeof(int));
	do
		n = sendmsg(link->fd[link->side][1], &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	munmap(link->out, link->bytes);
	link->out = NULL;
	link_close(fd);
	link->sent++;
	return 0;
}

/* The next descriptor; -1: errno says why. */
static int next_fd(struct link *link)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec one = { &byte, 1 };
	bool now = link->waiting != WAITING_BLOCK;
	uint64_t until = 0;

	for (;;) {
		struct msghdr message = { .msg_iov = &one,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t n =
			recvmsg(link->fd[!link->side][0], &message,
				MSG_CMSG_CLOEXEC | (now ? MSG_DONTWAIT : 0));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		int fd;

		if (n > 0 && head) {
			memcpy(&fd, CMSG_DATA(head), sizeof(fd));
			return fd;
		}
		if (n >= 0)
			errno = EPIPE;
		if (errno == EAGAIN)
			now = fd_keep_trying(link, &until);
		else if (errno != EINTR)
			return -1;
	}
}

static void *lend_get(struct link *link)
{
	int fd = next_fd(link);

	if (fd < 0)
		return NULL;
	link->in = mmap(NULL, link->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);
	close(fd);
	if (link->in == MAP_FAILED)
		link->in = NULL;
	link->received++;
	return link->in;
}

static int lend_done(struct link *link)
{
	munmap(link->in, link->bytes);
	link->in = NULL;
	return 0;
}

const struct transport transport_memfd = {
	.name = "memfd",
	.summary = "a memfd a message, passed by SCM_RIGHTS and mapped",
	.copies = 0,
	.calls = "9",
	.boundaries = true,
	.unrelated = true,
	.passes_fds = true,
	.fresh = true,
	.survives = true,
	.tier = 2,
	.create = lend_create,
	.attach = lend_attach,
	.put = lend_put,
	.send = lend_send,
	.get = lend_get,
	.done = lend_done,
	.destroy = fd_destroy,
};
