/* SPDX-License-Identifier: MIT */
/*
 * transport_datagram.c - UDP over the loopback, and System V's queues.
 *
 * UDP drops a datagram for which the receiver has no room; so a sender waits, by a
 * bell, until the datagrams under way fit the buffer, as any protocol above UDP
 * would.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/transport_poll.h"
#include "ipc/ring.h"

/* Half of a receive buffer by default, and a datagram's head. */
#define UDP_ROOM 98304
#define UDP_HEAD 1024

static int udp_connect(int sockets[2])
{
	struct sockaddr_in address[2];
	socklen_t length = sizeof(*address);

	for (int i = 0; i < 2; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		address[i] = (struct sockaddr_in){ .sin_family = AF_INET };
		address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (sockets[i] < 0 ||
		    bind(sockets[i], (struct sockaddr *)&address[i], length) <
			    0 ||
		    getsockname(sockets[i], (struct sockaddr *)&address[i],
				&length) < 0)
			return -1;
	}
	for (int i = 0; i < 2; i++)
		if (connect(sockets[i], (struct sockaddr *)&address[!i],
			    length) < 0)
			return -1;
	return 0;
}

static int udp_create(struct link *link, char *why)
{
	int sockets[2] = { -1, -1 };
	int r = udp_connect(sockets);

	fd_pair_up(link, sockets);
	if (r < 0)
		return link_fail(why, "UDP over the loopback");
	link_stride(link);
	r = fd_probe(link, why);
	if (r < 0)
		return r;
	link->slots = (uint32_t)(UDP_ROOM / (link->bytes + UDP_HEAD));
	link->slots = link->slots ? link->slots : 1;
	r = ring_create(link, 64, why);
	link_stride(link);
	return r;
}

static int udp_attach(struct link *link, char *why)
{
	size_t stride = link->stride;
	int r;

	link->stride = 64;
	r = ring_attach(link, why);
	if (r < 0)
		return r;
	/* The directions' bells are found by the ring's stride: the stride stays, and
	 * the only buffer needs none. */
	link->buffers = 1;
	link->stride = stride;
	r = fd_attach(link, why);
	link->stride = 64;
	return r;
}

static int udp_send(struct link *link)
{
	bell_wait(&ring_of(link, link->side)->consumed,
		  link->sent + 1 - link->slots, link->waiting);
	return fd_send(link);
}

static int udp_done(struct link *link)
{
	bell_ring(&ring_of(link, !link->side)->consumed, link->received,
		  link->waiting);
	return 0;
}

static void udp_destroy(struct link *link)
{
	fd_destroy(link);
	ring_destroy(link);
}

static int sysv_create(struct link *link, char *why)
{
	struct sysv_queues *queues = malloc(sizeof(*queues));

	if (!queues)
		return -ENOMEM;
	link->extra = queues;
	for (int d = 0; d < 2; d++)
		queues->id[d] = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	link_stride(link);
	for (int d = 0; d < 2; d++)
		if (queues->id[d] < 0)
			return link_fail(why, "msgget");
	return 0;
}

/* Room for a message's type before its bytes. */
static int sysv_attach(struct link *link, char *why)
{
	struct sysv_queues *queues = link->extra;
	char **buffers[2] = { &link->out, &link->in };
	struct msqid_ds queue;

	link->buffers = 1;
	for (int i = 0; i < 2; i++) {
		char *at = aligned_alloc(4096, 4096 + link->stride);

		if (!at)
			return -ENOMEM;
		memset(at, 1, 4096 + link->stride);
		*buffers[i] = at + 4096;
	}
	if (msgctl(queues->id[link->side], IPC_STAT, &queue) < 0)
		return link_fail(why, "msgctl");
	return 0;
}

static void sysv_destroy(struct link *link)
{
	struct sysv_queues *queues = link->extra;

	for (int d = 0; queues && d < 2; d++)
		if (queues->id[d] >= 0)
			(void)msgctl(queues->id[d], IPC_RMID, NULL);
	free(queues);
	link->extra = NULL;
}

/* A real message there and back again, before the sides are forked. */
static int sysv_probe(struct link *link, char *why)
{
	int r = sysv_create(link, why);
	struct sysv_queues *queues = link->extra;
	long *message = calloc(1, sizeof(*message) + link->bytes + 1);

	if (r == 0 && !message)
		r = -ENOMEM;
	if (r == 0) {
		*message = 1;
		if (msgsnd(queues->id[0], message, link->bytes, IPC_NOWAIT) <
			    0 ||
		    msgrcv(queues->id[0], message, link->bytes, 0,
			   IPC_NOWAIT) != (ssize_t)link->bytes) {
			snprintf(why, CASE_WHY_BYTES,
				 "a message of %zu bytes: %s (kernel.msgmax, "
				 "kernel.msgmnb)",
				 link->bytes, strerror(errno));
			r = -EMSGSIZE;
		}
	}
	free(message);
	return r;
}

const struct transport transport_udp = {
	.name = "udp",
	.summary = "UDP over the loopback, no more under way than it holds",
	.copies = 2,
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.survives = true,
	.empty = true,
	.tier = 2,
	.create = udp_create,
	.attach = udp_attach,
	.put = link_out,
	.send = udp_send,
	.get = fd_get,
	.done = udp_done,
	.destroy = udp_destroy,
};

const struct transport transport_mq_sysv = {
	.name = "mq-sysv",
	.summary = "two System V message queues",
	.copies = 2,
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.survives = true,
	.empty = true,
	.tier = 2,
	.create = sysv_probe,
	.attach = sysv_attach,
	.put = link_out,
	.send = fd_send,
	.get = fd_get,
	.done = link_done,
	.destroy = sysv_destroy,
};
