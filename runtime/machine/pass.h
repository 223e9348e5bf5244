/* SPDX-License-Identifier: MIT */
/*
 * pass.h - messages with descriptors, between two processes with a socket.
 */
#ifndef RUNRIG_PASS_H
#define RUNRIG_PASS_H

#include <stddef.h>

/* The most descriptors of a message. */
#define PASS_MAX 4

/*
 * Send `bytes` bytes (1 at least) and `count` descriptors in one message.  `flags` are
 * sendmsg()'s; a peer that is gone is -EPIPE and no signal.  Returns the bytes, or
 * -errno.  Waits as the socket does, or not (MSG_DONTWAIT); takes no lock and allocates
 * nothing.
 */
int pass_send(int socket, const void *data, size_t bytes, const int *fds,
	      int count, int flags);

/*
 * Receive a message, and up to PASS_MAX descriptors, which are closed on exec.  *count:
 * the number of descriptors; -1: the process has no room for a descriptor (ulimit -n).
 * Returns the bytes, 0 at end of file, or -errno.  Waits likewise.
 */
int pass_receive(int socket, void *data, size_t bytes, int *fds, int *count,
		 int flags);

#endif
