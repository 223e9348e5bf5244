/* SPDX-License-Identifier: MIT */
/*
 * transport_fd.c - transports through a descriptor: pipes, sockets, queues.
 *
 * Each side waits as everywhere: tries without blocking for as long as the way to
 * wait says, then blocks.  Sockets have a flag for a single try; pipes and queues are
 * opened twice.  Short transfers and EINTR are carried on until the message is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/case.h"
#include "ipc/transport_poll.h"
#include "driver/stopwatch.h"

#define HYBRID_NS 50000

/* Which call moves bytes. */
enum calls { CALLS_FILE, CALLS_SOCKET, CALLS_QUEUE, CALLS_SYSV };

static enum calls calls_of(const struct link *link)
{
	if (link->transport == &transport_mq)
		return CALLS_QUEUE;
	if (link->transport == &transport_mq_sysv)
		return CALLS_SYSV;
	return link->now[0][0] >= 0 ? CALLS_FILE : CALLS_SOCKET;
}

/* System V: the type stands before the bytes, where attach left room. */
static ssize_t try_sysv(const struct link *link, char *data, size_t n, bool now,
			bool out)
{
	const struct sysv_queues *queues = link->extra;
	int flags = now ? IPC_NOWAIT : 0;
	ssize_t moved;

	if (out) {
		*(long *)(void *)(data - sizeof(long)) = 1;
		return msgsnd(queues->id[link->side], data - sizeof(long), n,
			      flags) < 0
			       ? -1
			       : (ssize_t)n;
	}
	moved = msgrcv(queues->id[!link->side], data - sizeof(long), n, 0,
		       flags);
	if (moved < 0 && errno == ENOMSG)
		errno = EAGAIN;
	return moved;
}

/* One try; `now`: without blocking. */
static ssize_t try_write(const struct link *link, char *data, size_t n,
			 bool now)
{
	int fd = (now ? link->now : link->fd)[link->side][1];

	switch (calls_of(link)) {
	case CALLS_SOCKET:
		return send(link->fd[link->side][1], data, n,
			    MSG_NOSIGNAL | (now ? MSG_DONTWAIT : 0));
	case CALLS_QUEUE:
		return mq_send(fd, data, n, 0) < 0 ? -1 : (ssize_t)n;
	case CALLS_SYSV:
		return try_sysv(link, data, n, now, true);
	default:
		return write(fd, data, n);
	}
}

static ssize_t try_read(const struct link *link, char *data, size_t n, bool now)
{
	int fd = (now ? link->now : link->fd)[!link->side][0];

	switch (calls_of(link)) {
	case CALLS_SOCKET:
		return recv(link->fd[!link->side][0], data, n,
			    now ? MSG_DONTWAIT : 0);
	case CALLS_QUEUE:
		/* A queue wants room for the largest message. */
		return mq_receive(fd, data, link->bytes ? link->bytes : 1,
				  NULL);
	case CALLS_SYSV:
		return try_sysv(link, data, n, now, false);
	default:
		return read(fd, data, n);
	}
}

/* The time at which a side stops trying and blocks; 0: no try, or no stop. */
bool fd_keep_trying(const struct link *link, uint64_t *until)
{
	uint64_t now;

	if (link->waiting != WAITING_HYBRID)
		return link->waiting == WAITING_SPIN;
	now = stopwatch_ns(CLOCK_MONOTONIC);
	if (!*until)
		*until = now + HYBRID_NS;
	return now < *until;
}

static ssize_t move(const struct link *link, char *data, size_t n, bool out)
{
	bool now = link->waiting != WAITING_BLOCK;
	uint64_t until = 0;

	for (;;) {
		ssize_t moved = out ? try_write(link, data, n, now)
				    : try_read(link, data, n, now);

		if (moved >= 0)
			return moved;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		now = fd_keep_trying(link, &until);
	}
}

int fd_send(struct link *link)
{
	char *data = link_out(link);
	size_t done = 0;

	do {
		ssize_t n = move(link, data + done, link->bytes - done, true);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	} while (done < link->bytes);
	link->sent++;
	return 0;
}

void *fd_get(struct link *link)
{
	size_t done = 0;

	do {
		ssize_t n =
			move(link, link->in + done, link->bytes - done, false);

		if (n < 0)
			return NULL;
		if (n == 0 && link->bytes) {
			errno = EPIPE;
			return NULL;
		}
		done += (size_t)n;
	} while (done < link->bytes);
	link->received++;
	return link->in;
}

void fd_destroy(struct link *link)
{
	/* A socket stands in two places: once as writer, once as reader. */
	for (int i = 0; i < 2; i++) {
		if (link->fd[i][0] == link->fd[!i][1])
			link->fd[i][0] = -1;
	}
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 2; k++) {
			link_close(&link->fd[i][k]);
			link_close(&link->now[i][k]);
		}
	}
}

/* Keep this side's ends only, so that a death shows as end of file. */
int fd_attach(struct link *link, char *why)
{
	int mine[2] = { link->fd[link->side][1], link->fd[!link->side][0] };
	int others[2] = { link->fd[link->side][0], link->fd[!link->side][1] };

	(void)why;
	for (int i = 0; i < 2; i++)
		if (others[i] >= 0 && others[i] != mine[0] &&
		    others[i] != mine[1])
			close(others[i]);
	if (others[0] >= 0 && link->now[link->side][0] >= 0)
		close(link->now[link->side][0]);
	if (others[1] >= 0 && link->now[!link->side][1] >= 0)
		close(link->now[!link->side][1]);
	return link_private(link);
}

/* The same open file again, as a description that never blocks. */
static int reopen(int fd, int how)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, how | O_NONBLOCK | O_CLOEXEC);
}

static int twins(struct link *link, char *why)
{
	for (int d = 0; d < 2; d++) {
		link->now[d][0] = reopen(link->fd[d][0], O_RDONLY);
		link->now[d][1] = reopen(link->fd[d][1], O_WRONLY);
		if (link->now[d][0] < 0 || link->now[d][1] < 0)
			return link_fail(why, "open a pipe again");
	}
	return 0;
}

static int pipe_create(struct link *link, char *why)
{
	link_stride(link);
	for (int d = 0; d < 2; d++)
		if (pipe2(link->fd[d], O_CLOEXEC) < 0)
			return link_fail(why, "pipe");
	return twins(link, why);
}

/* Two named pipes, whose names are gone as soon as both ends are open. */
static int fifo_create(struct link *link, char *why)
{
	char path[64];
	int both;
	int r = 0;

	link_stride(link);
	for (int d = 0; d < 2 && r == 0; d++) {
		snprintf(path, sizeof(path), "/tmp/rigbench-%d-%d",
			 (int)getpid(), d);
		if (mkfifo(path, 0600) < 0)
			return link_fail(why, "mkfifo");
		/* Opened by both ends, so that no open waits for the other. */
		both = open(path, O_RDWR | O_CLOEXEC);
		link->fd[d][0] = open(path, O_RDONLY | O_CLOEXEC);
		link->fd[d][1] = open(path, O_WRONLY | O_CLOEXEC);
		if (both < 0 || link->fd[d][0] < 0 || link->fd[d][1] < 0)
			r = link_fail(why, "open a fifo");
		link_close(&both);
		unlink(path);
	}
	return r == 0 ? twins(link, why) : r;
}

void fd_pair_up(struct link *link, const int sockets[2])
{
	for (int d = 0; d < 2; d++) {
		link->fd[d][1] = sockets[d];
		link->fd[d][0] = sockets[!d];
	}
}

/* Does a message of this size go through at all?  A real message is sent. */
int fd_probe(struct link *link, char *why)
{
	char *data = calloc(1, link->bytes + 1);
	ssize_t n;
	int r = 0;

	if (!data)
		return -ENOMEM;
	n = send(link->fd[0][1], data, link->bytes, MSG_DONTWAIT);
	if (n < 0) {
		snprintf(why, CASE_WHY_BYTES,
			 "a message of %zu bytes: %s (SO_SNDBUF bounds it)",
			 link->bytes, strerror(errno));
		r = -EMSGSIZE;
	} else if (recv(link->fd[0][0], data, link->bytes + 1, 0) !=
		   (ssize_t)link->bytes) {
		snprintf(why, CASE_WHY_BYTES, "a message of %zu bytes is cut",
			 link->bytes);
		r = -EMSGSIZE;
	}
	free(data);
	return r;
}

static int unix_create(struct link *link, int type, char *why)
{
	int sockets[2];

	link_stride(link);
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets) < 0)
		return link_fail(why, "socketpair");
	fd_pair_up(link, sockets);
	return type == SOCK_STREAM ? 0 : fd_probe(link, why);
}

static int stream_create(struct link *link, char *why)
{
	return unix_create(link, SOCK_STREAM, why);
}

static int seqpacket_create(struct link *link, char *why)
{
	return unix_create(link, SOCK_SEQPACKET, why);
}

static int dgram_create(struct link *link, char *why)
{
	return unix_create(link, SOCK_DGRAM, why);
}

/* Connect two sockets over the loopback. */
static int tcp_connect(int sockets[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = -1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sockets[0] = sockets[1] = -1;
	if (listener < 0)
		return -1;
	if (bind(listener, (struct sockaddr *)&address, length) == 0 &&
	    listen(listener, 1) == 0 &&
	    getsockname(listener, (struct sockaddr *)&address, &length) == 0) {
		sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sockets[0] >= 0 &&
		    connect(sockets[0], (struct sockaddr *)&address, length) ==
			    0)
			sockets[1] =
				accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		r = sockets[1] < 0 ? -1 : 0;
	}
	close(listener);
	return r;
}

static int tcp_create(struct link *link, char *why)
{
	int on = link->transport != &transport_tcp_nagle;
	int sockets[2];
	int r = tcp_connect(sockets);

	link_stride(link);
	fd_pair_up(link, sockets);
	if (r < 0)
		return link_fail(why, "connect over the loopback");
	for (int i = 0; i < 2; i++)
		if (setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on,
			       sizeof(on)) < 0)
			return link_fail(why, "TCP_NODELAY");
	return 0;
}

/* A queue for each direction, opened twice by each end; the name of the queue is gone
 * when the function returns. */
static int mq_one(struct link *link, int d, char *why)
{
	struct mq_attr attributes = {
		.mq_maxmsg = 8,
		.mq_msgsize = link->bytes ? (long)link->bytes : 1,
	};
	char name[64];
	int r = 0;

	snprintf(name, sizeof(name), "/rigbench-%d-%d", (int)getpid(), d);
	link->fd[d][1] = mq_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				 0600, &attributes);
	if (link->fd[d][1] < 0) {
		r = link_fail(why, "mq_open");
		if (r == -EINVAL || r == -EMFILE || r == -ENOMEM) {
			snprintf(why, CASE_WHY_BYTES,
				 "a message of %zu bytes: mq_open: %s "
				 "(msgsize_max, RLIMIT_MSGQUEUE)",
				 link->bytes, strerror(-r));
			r = -EMSGSIZE;
		}
		return r;
	}
	link->fd[d][0] = mq_open(name, O_RDONLY | O_CLOEXEC);
	link->now[d][0] = mq_open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	link->now[d][1] = mq_open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (link->fd[d][0] < 0 || link->now[d][0] < 0 || link->now[d][1] < 0)
		r = link_fail(why, "mq_open");
	mq_unlink(name);
	return r;
}

static int mq_create(struct link *link, char *why)
{
	int r;

	link_stride(link);
	r = mq_one(link, 0, why);
	return r == 0 ? mq_one(link, 1, why) : r;
}

#define FD_COMMON                                                              \
	.attach = fd_attach, .put = link_out, .send = fd_send, .get = fd_get,  \
	.done = link_done, .destroy = fd_destroy, .copies = 2

const struct transport transport_pipe = {
	.name = "pipe",
	.summary = "two pipes",
	.calls = "2",
	.survives = true,
	.tier = 1,
	.create = pipe_create,
	FD_COMMON,
};

const struct transport transport_fifo = {
	.name = "fifo",
	.summary = "two named pipes",
	.calls = "2",
	.unrelated = true,
	.survives = true,
	.tier = 2,
	.create = fifo_create,
	FD_COMMON,
};

const struct transport transport_unix_stream = {
	.name = "unix-stream",
	.summary = "a socketpair of streams",
	.calls = "2",
	.unrelated = true,
	.passes_fds = true,
	.survives = true,
	.tier = 1,
	.create = stream_create,
	FD_COMMON,
};

const struct transport transport_unix_seqpacket = {
	.name = "unix-seqpacket",
	.summary = "a socketpair that keeps boundaries and order",
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.passes_fds = true,
	.survives = true,
	.tier = 1,
	.create = seqpacket_create,
	FD_COMMON,
};

const struct transport transport_unix_dgram = {
	.name = "unix-dgram",
	.summary = "a socketpair of datagrams",
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.passes_fds = true,
	.survives = true,
	.empty = true,
	.tier = 1,
	.create = dgram_create,
	FD_COMMON,
};

const struct transport transport_tcp = {
	.name = "tcp",
	.summary = "TCP over the loopback, TCP_NODELAY",
	.calls = "2",
	.unrelated = true,
	.survives = true,
	.tier = 1,
	.create = tcp_create,
	FD_COMMON,
};

const struct transport transport_tcp_nagle = {
	.name = "tcp:nagle",
	.summary = "TCP over the loopback, as it comes",
	.calls = "2",
	.unrelated = true,
	.survives = true,
	.tier = 2,
	.create = tcp_create,
	FD_COMMON,
};

const struct transport transport_mq = {
	.name = "mq-posix",
	.summary = "two POSIX message queues",
	.calls = "2",
	.boundaries = true,
	.unrelated = true,
	.survives = true,
	.empty = true,
	.tier = 1,
	.create = mq_create,
	FD_COMMON,
};
