/* SPDX-License-Identifier: MIT */
/*
 * redis.c - Redis as a contender: a list for each direction, LPUSH and BRPOP, over a
 * Unix socket.
 *
 * The server is started for the link, keeps nothing on a disk, and ends with the link
 * or with rigbench.  The protocol is spoken here, so that no client's library is in
 * the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rigbench/contender.h>

#include "peers/field/port.h"

/* How long a server may take until it listens. */
#define START_MS 5000

/* Bytes of an answer that stand before and behind a message. */
#define FRAME_MAX 64

struct redis {
	char path[64];
	pid_t server;
	int fd;   /* a side's */
	char *in; /* a message with its frame */
};

static int dial(const struct redis *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, s->path, sizeof(address.sun_path) - 1);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void become_server(const char *path)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
	       path, "--save", "", "--appendonly", "no", "--dir", "/tmp",
	       (char *)NULL);
	_exit(127);
}

static int fail(struct rigbench_link *link, const char *why)
{
	snprintf(link->why, sizeof(link->why), "%s", why);
	return -ENOTSUP;
}

static int create(struct rigbench_link *link)
{
	struct redis *s = link->state = calloc(1, sizeof(*s));
	int fd = -1;

	if (!s)
		return -ENOMEM;
	port_name(s->path, sizeof(s->path), "/tmp/");
	s->server = fork();
	if (s->server == 0)
		become_server(s->path);
	for (int ms = 0; ms < START_MS && fd < 0; ms++) {
		if (waitpid(s->server, NULL, WNOHANG) == s->server) {
			s->server = 0;
			return fail(link, "redis-server is not installed, or "
					  "did not start");
		}
		usleep(1000);
		fd = dial(s);
	}
	if (fd < 0)
		return fail(link, "redis-server does not listen");
	close(fd);
	return 0;
}

static int attach(struct rigbench_link *link)
{
	struct redis *s = link->state;

	s->in = malloc(link->bytes + FRAME_MAX);
	if (!s->in)
		return -ENOMEM;
	s->fd = dial(s);
	return s->fd < 0 ? -errno : 0;
}

static int write_all(int fd, struct iovec *part, int parts)
{
	while (parts > 0) {
		ssize_t n = writev(fd, part, parts);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		while (parts > 0 && (size_t)n >= part->iov_len) {
			n -= (ssize_t)part->iov_len;
			part++;
			parts--;
		}
		if (parts > 0) {
			part->iov_base = (char *)part->iov_base + n;
			part->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Read until at least `least` bytes are there.  How many, or -errno. */
static ssize_t read_least(int fd, char *to, size_t least, size_t most)
{
	size_t got = 0;

	while (got < least) {
		ssize_t n = read(fd, to + got, most - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int send_one(struct rigbench_link *link)
{
	struct redis *s = link->state;
	char head[64];
	char answer[FRAME_MAX];
	struct iovec part[3] = {
		{ head, (size_t)snprintf(head, sizeof(head),
					 "*3\r\n$5\r\nLPUSH\r\n$2\r\nq%d\r\n"
					 "$%zu\r\n",
					 link->side, link->bytes) },
		{ link->out, link->bytes },
		{ "\r\n", 2 },
	};
	ssize_t n = write_all(s->fd, part, 3);

	/* ":1\r\n": the length of the list. */
	if (n == 0)
		n = read_least(s->fd, answer, 4, sizeof(answer));
	return n < 0 ? (int)n : *answer == ':' ? 0 : -EPROTO;
}

static void *get(struct rigbench_link *link)
{
	struct redis *s = link->state;
	char order[48];
	char head[48];
	struct iovec part = { order,
			      (size_t)snprintf(order, sizeof(order),
					       "*3\r\n$5\r\nBRPOP\r\n$2\r\nq%d"
					       "\r\n$1\r\n0\r\n",
					       !link->side) };
	size_t frame = (size_t)snprintf(head, sizeof(head),
					"*2\r\n$2\r\nq%d\r\n$%zu\r\n",
					!link->side, link->bytes);
	ssize_t n = write_all(s->fd, &part, 1);

	if (n == 0)
		n = read_least(s->fd, s->in, frame + link->bytes + 2,
			       frame + link->bytes + 2);
	if (n < 0 || memcmp(s->in, head, frame) != 0) {
		errno = n < 0 ? (int)-n : EPROTO;
		return NULL;
	}
	/* A payload begins on a line, as everywhere. */
	memmove(link->in, s->in + frame, link->bytes);
	return link->in;
}

static void destroy(struct rigbench_link *link)
{
	struct redis *s = link->state;

	if (!s)
		return;
	if (s->server > 0) {
		kill(s->server, SIGKILL);
		(void)waitpid(s->server, NULL, 0);
	}
	(void)unlink(s->path);
	free(s);
	link->state = NULL;
}

const struct rigbench_contender rigbench_contender = {
	.version = RIGBENCH_CONTENDER_VERSION,
	.copies = 4,
	.name = "redis",
	.summary = "Redis, LPUSH and BRPOP over a Unix socket",
	.create = create,
	.attach = attach,
	.send = send_one,
	.get = get,
	.destroy = destroy,
};
