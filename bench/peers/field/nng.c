/* SPDX-License-Identifier: MIT */
/*
 * nng.c - nng as a contender: two pair sockets over ipc or tcp.
 *
 * Messages are made in and read out of nng's own messages.  The threads of nng run on
 * the core of the side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include <rigbench/contender.h>

#include "peers/field/port.h"

/* How long a side waits for the other to listen. */
#define REDIAL_MS 1

struct nng {
	char address[80];
	nng_socket socket; /* in a side */
	nng_msg *out, *in;
};

static int create(struct rigbench_link *link)
{
	struct nng *n = link->state = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
#ifdef OVER_TCP
	snprintf(n->address, sizeof(n->address), "tcp://127.0.0.1:%d",
		 port_free());
#else
	/* A name that no folder has, and that goes with the sockets. */
	port_name(n->address, sizeof(n->address), "abstract://");
#endif
	return 0;
}

static int fail(struct rigbench_link *link, int code)
{
	if (!code)
		return 0;
	snprintf(link->why, sizeof(link->why), "nng: %s", nng_strerror(code));
	return -EIO;
}

static int attach(struct rigbench_link *link)
{
	struct nng *n = link->state;
	int code = nng_pair0_open(&n->socket);

	if (code == 0)
		code = nng_socket_set_ms(n->socket, NNG_OPT_RECONNMINT,
					 REDIAL_MS);
	/* Messages may have any size: the usual bound is 1 MiB. */
	if (code == 0)
		code = nng_socket_set_size(n->socket, NNG_OPT_RECVMAXSZ, 0);
	if (code == 0 && link->side == 0)
		code = nng_listen(n->socket, n->address, NULL, 0);
	else if (code == 0)
		code = nng_dial(n->socket, n->address, NULL, NNG_FLAG_NONBLOCK);
	return fail(link, code);
}

static void *put(struct rigbench_link *link)
{
	struct nng *n = link->state;

	if (nng_msg_alloc(&n->out, link->bytes) != 0)
		return NULL;
	return nng_msg_body(n->out);
}

static int send_one(struct rigbench_link *link)
{
	struct nng *n = link->state;
	int flags = link->waiting == RIGBENCH_SPIN ? NNG_FLAG_NONBLOCK : 0;
	int code;

	do
		code = nng_sendmsg(n->socket, n->out, flags);
	while (code == NNG_EAGAIN);
	return fail(link, code);
}

static void *get(struct rigbench_link *link)
{
	struct nng *n = link->state;
	int flags = link->waiting == RIGBENCH_SPIN ? NNG_FLAG_NONBLOCK : 0;
	int code;

	do
		code = nng_recvmsg(n->socket, &n->in, flags);
	while (code == NNG_EAGAIN);
	if (code != 0 || nng_msg_len(n->in) != link->bytes) {
		errno = code ? EPIPE : EBADMSG;
		return NULL;
	}
	return nng_msg_body(n->in);
}

static int done(struct rigbench_link *link)
{
	struct nng *n = link->state;

	nng_msg_free(n->in);
	return 0;
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
	.name = "nng-tcp",
	.summary = "nng, pair sockets over TCP",
#else
	.name = "nng-ipc",
	.summary = "nng, pair sockets over a Unix socket",
#endif
	.create = create,
	.attach = attach,
	.put = put,
	.send = send_one,
	.get = get,
	.done = done,
	.destroy = destroy,
};
