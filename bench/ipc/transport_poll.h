/* SPDX-License-Identifier: MIT */
/*
 * transport_poll.h - messages through descriptors and queues: tried without blocking
 * for as long as the way to wait says, then with; carried on until the message is
 * whole.
 */
#ifndef RIGBENCH_TRANSPORT_POLL_H
#define RIGBENCH_TRANSPORT_POLL_H

#include "ipc/transport.h"

/* Descriptors or System V queues of a link: close all; keep one end. */
void fd_destroy(struct link *link);
int fd_attach(struct link *link, char *why);

/* Two sockets are both directions. */
void fd_pair_up(struct link *link, const int sockets[2]);

/* Does a message go through at all?  A real message is sent.  -EMSGSIZE with words
 * where none does. */
int fd_probe(struct link *link, char *why);

int fd_send(struct link *link);
void *fd_get(struct link *link);

/* After a try that would have blocked: is the next try without blocking, too?  *until
 * is 0 before the first. */
bool fd_keep_trying(const struct link *link, uint64_t *until);

/* System V queues of the two directions, in link->extra. */
struct sysv_queues {
	int id[2];
};

#endif
