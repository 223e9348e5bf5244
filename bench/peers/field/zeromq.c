/* SPDX-License-Identifier: MIT */
/*
 * zeromq.c - ZeroMQ as a contender: two PAIR sockets over ipc or tcp.
 *
 * Messages are made in and read out of the memory of zmq_msg_t, so that ZeroMQ copies
 * nothing beyond the copies of the socket below.  The thread for input and output
 * runs on the core of the side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmq.h>

#include <rigbench/contender.h>

#include "peers/field/port.h"

struct zeromq {
	char address[80];
	void *context, *socket; /* in a side */
	zmq_msg_t out, in;
};

static int create(struct rigbench_link *link)
{
	struct zeromq *z = link->state = calloc(1, sizeof(*z));

	if (!z)
		return -ENOMEM;
#ifdef OVER_TCP
	snprintf(z->address, sizeof(z->address), "tcp://127.0.0.1:%d",
		 port_free());
#else
	/* A name that no folder has, and that goes with the sockets. */
	port_name(z->address, sizeof(z->address), "ipc://@");
#endif
	return 0;
}

static int attach(struct rigbench_link *link)
{
	struct zeromq *z = link->state;
	int soon = 1;
	int r;

	z->context = zmq_ctx_new();
	z->socket = z->context ? zmq_socket(z->context, ZMQ_PAIR) : NULL;
	if (!z->socket)
		return -errno;
	(void)zmq_setsockopt(z->socket, ZMQ_RECONNECT_IVL, &soon, sizeof(soon));
	r = link->side == 0 ? zmq_bind(z->socket, z->address)
			    : zmq_connect(z->socket, z->address);
	return r < 0 ? -errno : 0;
}

static void *put(struct rigbench_link *link)
{
	struct zeromq *z = link->state;

	if (zmq_msg_init_size(&z->out, link->bytes) < 0)
		return NULL;
	return zmq_msg_data(&z->out);
}

static int send_one(struct rigbench_link *link)
{
	struct zeromq *z = link->state;
	int flags = link->waiting == RIGBENCH_SPIN ? ZMQ_DONTWAIT : 0;

	while (zmq_msg_send(&z->out, z->socket, flags) < 0)
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	return 0;
}

static void *get(struct rigbench_link *link)
{
	struct zeromq *z = link->state;
	int flags = link->waiting == RIGBENCH_SPIN ? ZMQ_DONTWAIT : 0;

	zmq_msg_init(&z->in);
	while (zmq_msg_recv(&z->in, z->socket, flags) < 0)
		if (errno != EAGAIN && errno != EINTR)
			return NULL;
	if (zmq_msg_size(&z->in) != link->bytes) {
		errno = EBADMSG;
		return NULL;
	}
	return zmq_msg_data(&z->in);
}

static int done(struct rigbench_link *link)
{
	struct zeromq *z = link->state;

	return zmq_msg_close(&z->in);
}

static void destroy(struct rigbench_link *link)
{
	free(link->state);
	link->state = NULL;
}

const struct rigbench_contender rigbench_contender = {
	.version = RIGBENCH_CONTENDER_VERSION,
	.copies = 2,
#ifdef OVER_TCP
	.name = "zeromq-tcp",
	.summary = "ZeroMQ, PAIR sockets over TCP",
#else
	.name = "zeromq-ipc",
	.summary = "ZeroMQ, PAIR sockets over a Unix socket",
#endif
	.create = create,
	.attach = attach,
	.put = put,
	.send = send_one,
	.get = get,
	.done = done,
	.destroy = destroy,
};
