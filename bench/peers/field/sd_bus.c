/* SPDX-License-Identifier: MIT */
/*
 * sd_bus.c - D-Bus as a contender: signals with an array of bytes between the two
 * ends of a connection, by systemd's sd-bus, without a daemon between them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include <rigbench/contender.h>

/* The specification's bound of an array. */
#define ARRAY_MAX ((size_t)64 << 20)

struct sd {
	int fd[2];
	sd_bus *bus; /* a side's */
	sd_bus_message *in;
};

static int create(struct rigbench_link *link)
{
	struct sd *s = link->state = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (link->bytes > ARRAY_MAX) {
		strcpy(link->why, "an array of D-Bus has 64 MiB at most");
		return -ENOTSUP;
	}
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  0, s->fd) < 0
		       ? -errno
		       : 0;
}

static int attach(struct rigbench_link *link)
{
	struct sd *s = link->state;
	sd_id128_t id = { .qwords = { 1, 2 } };
	int fd = s->fd[link->side];
	int r;

	close(s->fd[!link->side]);
	r = sd_bus_new(&s->bus);
	if (r >= 0)
		r = sd_bus_set_fd(s->bus, fd, fd);
	if (r >= 0 && link->side == 1)
		r = sd_bus_set_server(s->bus, 1, id);
	if (r >= 0)
		r = sd_bus_set_anonymous(s->bus, 1);
	if (r >= 0)
		r = sd_bus_start(s->bus);
	return r < 0 ? r : 0;
}

static int send_one(struct rigbench_link *link)
{
	struct sd *s = link->state;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_signal(s->bus, &m, "/rigbench",
					  "org.rigbench.Link", "Message");

	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', link->out, link->bytes);
	if (r >= 0)
		r = sd_bus_send(s->bus, m, NULL);
	if (r >= 0)
		r = sd_bus_flush(s->bus);
	sd_bus_message_unref(m);
	return r < 0 ? r : 0;
}

static void *get(struct rigbench_link *link)
{
	struct sd *s = link->state;
	const void *data = NULL;
	size_t bytes = 0;
	int r;

	for (;;) {
		r = sd_bus_process(s->bus, &s->in);
		if (r > 0 && s->in &&
		    sd_bus_message_is_signal(s->in, "org.rigbench.Link",
					     "Message") > 0)
			break;
		s->in = sd_bus_message_unref(s->in);
		if (r == 0 && link->waiting != RIGBENCH_SPIN)
			r = sd_bus_wait(s->bus, UINT64_MAX);
		if (r < 0 && r != -EINTR) {
			errno = -r;
			return NULL;
		}
	}
	r = sd_bus_message_read_array(s->in, 'y', &data, &bytes);
	if (r < 0 || bytes != link->bytes) {
		errno = EBADMSG;
		return NULL;
	}
	/* An array may lie anywhere in a message: a payload's words are read only
	 * where the words are aligned. */
	if (bytes)
		memcpy(link->in, data, bytes);
	return link->in;
}

static int done(struct rigbench_link *link)
{
	struct sd *s = link->state;

	s->in = sd_bus_message_unref(s->in);
	return 0;
}

static void destroy(struct rigbench_link *link)
{
	struct sd *s = link->state;

	for (int i = 0; s && i < 2; i++)
		close(s->fd[i]);
	free(s);
	link->state = NULL;
}

const struct rigbench_contender rigbench_contender = {
	.version = RIGBENCH_CONTENDER_VERSION,
	.copies = 4,
	.name = "sd-bus",
	.summary = "D-Bus between two ends, by systemd's library",
	.create = create,
	.attach = attach,
	.send = send_one,
	.get = get,
	.done = done,
	.destroy = destroy,
};
