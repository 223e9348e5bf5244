/* SPDX-License-Identifier: MIT */
/*
 * launch_output.c - passing on the output of the ranks, a line at a time.
 *
 * A line goes out in one write, with the rank before the line, so that no two lines are
 * torn.  A line that is longer than the buffer goes out in pieces, each a line.
 */
#include "pool/launch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"

/* Write all bytes, or set output_error. */
static void write_all(struct rig_launch *launch, int to, struct iovec *parts,
		      int count)
{
	while (count && !launch->output_error) {
		ssize_t done = writev(to, parts, count);

		if (done < 0 && errno != EINTR && errno != EAGAIN)
			launch->output_error = errno;
		while (done > 0 && count) {
			size_t part = parts->iov_len < (size_t)done
					      ? parts->iov_len
					      : (size_t)done;

			parts->iov_base = (char *)parts->iov_base + part;
			parts->iov_len -= part;
			done -= (ssize_t)part;
			if (!parts->iov_len) {
				parts++;
				count--;
			}
		}
	}
}

static void put_line(struct rig_launch *launch, const struct stream *stream,
		     int rank, char *line, size_t bytes)
{
	static char end[] = "\n";
	char label[24];
	struct iovec parts[3] = { { label, 0 }, { line, bytes }, { end, 1 } };

	parts[0].iov_len =
		(size_t)snprintf(label, sizeof(label), "[%d] ", rank);
	write_all(launch, stream->to, parts, 3);
}

/* Pass on the whole lines of the buffer; all of the buffer where the buffer is full,
 * or the output has ended. */
static void put_lines(struct rig_launch *launch, struct stream *stream,
		      int rank, bool all)
{
	char *at = stream->bytes, *end = stream->bytes + stream->held, *stop;

	while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
		put_line(launch, stream, rank, at, (size_t)(stop - at));
		at = stop + 1;
	}
	if (at < end &&
	    (all || (at == stream->bytes && stream->held == STREAM_BYTES))) {
		put_line(launch, stream, rank, at, (size_t)(end - at));
		at = end;
	}
	stream->held = (size_t)(end - at);
	memmove(stream->bytes, at, stream->held);
}

void stream_relay(struct rig_launch *launch, struct stream *stream, int rank)
{
	ssize_t got;

	if (stream->fd < 0)
		return;
	do
		got = read(stream->fd, stream->bytes + stream->held,
			   STREAM_BYTES - stream->held);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		stream->held += (size_t)got;
	put_lines(launch, stream, rank, got <= 0);
	if (got > 0)
		return;
	close(stream->fd);
	stream->fd = -1;
}

/* A process that is none of the launch may have the other end of the pipe: the launcher
 * does not wait for the end of the output. */
static void drain_stream(struct rig_launch *launch, struct stream *stream,
			 int rank)
{
	struct pollfd polled = { .fd = stream->fd, .events = POLLIN };

	/* No memory at the start. */
	if (!stream->bytes)
		return;
	while (stream->fd >= 0 && !launch->output_error &&
	       poll(&polled, 1, 0) > 0)
		stream_relay(launch, stream, rank);
	if (stream->fd >= 0)
		put_lines(launch, stream, rank, true);
	shared_close(&stream->fd);
}

void launch_drain(struct rig_launch *launch)
{
	for (int i = 0; i < launch->startup.size; i++) {
		drain_stream(launch, &launch->seats[i].out, i);
		drain_stream(launch, &launch->seats[i].err, i);
	}
}
