/* SPDX-License-Identifier: MIT */
/*
 * demo_pipes.c - the same reverse, with the data copied instead of shared.
 *
 * The design is that of most programs: a pipe to each worker, and a pipe back.
 * The caller writes a worker's strip into the pipe, a mebibyte at a time; the
 * worker reverses each piece and writes the piece back; the caller reads the
 * piece to its place.  Pieces are in flight both ways at once, pipes are as
 * large as the system allows, and neither side copies more than the pipes need:
 * copying could not be faster.
 *
 * The workers are the pool's, older than the pipes, and open the pipes through
 * /proc/CALLER/fd; a segment tells each worker its pipes.
 */
#include "cmd_demo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/segment.h>
#include <runrig/team.h>

/* Bytes of a write. */
#define PIECE_BYTES ((size_t)1 << 20)
#define PIECE       (PIECE_BYTES / sizeof(double))

/* How often a caller that waits for pipes looks whether the run still goes
 * on. */
#define LOOK_MS 100

/* Descriptors of the caller: four a worker, and some more. */
#define DESCRIPTORS 64

/* In shared memory, an entry for each rank: the caller's descriptors of the
 * worker's ends.  Written before the run, never after. */
struct ends_shm {
	int32_t in;
	int32_t out;
};

struct pipe_args {
	pid_t caller;
	size_t count; /* elements of all */
};

/* ---- the worker ---- */

static int open_end(pid_t caller, int32_t fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)caller, (int)fd);
	return open(path, flags | O_CLOEXEC);
}

static bool read_piece(int fd, void *to, size_t bytes)
{
	for (char *next = to; bytes;) {
		ssize_t got = read(fd, next, bytes);

		if (got <= 0) {
			errno = got ? errno : EPIPE;
			return false;
		}
		next += got;
		bytes -= (size_t)got;
	}
	return true;
}

static bool write_piece(int fd, const void *from, size_t bytes)
{
	for (const char *next = from; bytes;) {
		ssize_t put = write(fd, next, bytes);

		if (put < 0)
			return false;
		next += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* Reverse the incoming pieces, and send each piece back. */
static bool reverse_stream(int in, int out, size_t count)
{
	double *piece = malloc(2 * PIECE_BYTES);
	bool fine = piece;

	for (size_t left = count; left && fine;) {
		size_t now = left < PIECE ? left : PIECE;
		size_t bytes = now * sizeof(double);

		fine = read_piece(in, piece, bytes);
		if (fine) {
			for (size_t i = 0; i < now; i++)
				piece[PIECE + i] = piece[now - 1 - i];
			fine = write_piece(out, piece + PIECE, bytes);
		}
		left -= now;
	}
	free(piece);
	return fine;
}

static int reverse_by_pipe(struct rig_team *team)
{
	const struct pipe_args *args = rig_team_args(team);
	const struct ends_shm *ends = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, args->count);
	int rank = rig_team_rank(team);
	int in = open_end(args->caller, ends[rank].in, O_RDONLY);
	int out = open_end(args->caller, ends[rank].out, O_WRONLY);
	bool fine = in >= 0 && out >= 0 &&
		    reverse_stream(in, out, strip.end - strip.begin);
	int error = errno;

	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (!fine)
		return rig_team_fail(team, -EIO, "demo: pipe of rank %d: %s",
				     rank, strerror(error));
	return 0;
}

/* ---- the caller ---- */

/* A worker's pipes, and the progress on both; elements are counted in bytes of
 * the strip, in the order of sending. */
struct lane {
	int to[2];         /* read end, write end */
	int from[2];       /* read end, write end */
	size_t begin, end; /* the worker's strip, in elements */
	size_t sent;
	size_t received;
};

struct pump {
	struct rig_pool *pool;
	const double *from;
	double *to;
	size_t count;
	int size;
	struct lane *lanes;
	struct pollfd *polled; /* two a lane */
	struct rig_segment *ends;
	int pipe_bytes;
};

static int largest_pipe(void)
{
	FILE *file = fopen("/proc/sys/fs/pipe-max-size", "re");
	int bytes = 1 << 20;

	if (file && fscanf(file, "%d", &bytes) != 1)
		bytes = 1 << 20;
	if (file)
		fclose(file);
	return bytes;
}

/* The caller's own ends never block, for the caller serves all lanes at once.
 * The worker opens its ends anew, and the new ends block. */
static bool open_pipe(struct pump *pump, int ends[2], int own)
{
	int bytes;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		ends[0] = ends[1] = -1;
		return false;
	}
	/* A pipe beyond the user's share of pipe memory may stay small. */
	(void)fcntl(ends[0], F_SETPIPE_SZ, largest_pipe());
	bytes = fcntl(ends[0], F_GETPIPE_SZ);
	if (!pump->pipe_bytes || bytes < pump->pipe_bytes)
		pump->pipe_bytes = bytes;
	return fcntl(ends[own], F_SETFL, O_NONBLOCK) == 0;
}

static void allow_descriptors(int size)
{
	rlim_t wanted = (rlim_t)size * 4 + DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int pump_open(struct pump *pump)
{
	struct ends_shm *ends;
	int r;

	r = rig_segment_create(&pump->ends, NULL,
			       (size_t)pump->size * sizeof(*ends), NULL);
	if (r < 0)
		return r;
	ends = rig_segment_data(pump->ends);
	allow_descriptors(pump->size);
	for (int i = 0; i < pump->size; i++) {
		struct lane *lane = &pump->lanes[i];
		struct rig_span strip = rig_strip(pump->count, i, pump->size);

		lane->begin = strip.begin;
		lane->end = strip.end;
		if (!open_pipe(pump, lane->to, 1) ||
		    !open_pipe(pump, lane->from, 0))
			return -errno;
		ends[i].in = lane->to[0];
		ends[i].out = lane->from[1];
	}
	return 0;
}

static void pump_close(struct pump *pump)
{
	for (int i = 0; i < pump->size && pump->lanes; i++) {
		struct lane *lane = &pump->lanes[i];
		const int fds[] = { lane->to[0], lane->to[1], lane->from[0],
				    lane->from[1] };

		for (int k = 0; k < 4; k++)
			if (fds[k] >= 0)
				close(fds[k]);
	}
	rig_segment_destroy(pump->ends);
	free(pump->lanes);
	free(pump->polled);
}

/* Write as much of a lane's strip as the pipe takes. */
static int send_some(struct pump *pump, struct lane *lane)
{
	size_t bytes = (lane->end - lane->begin) * sizeof(double);
	size_t left = bytes - lane->sent;
	ssize_t put =
		write(lane->to[1],
		      (const char *)(pump->from + lane->begin) + lane->sent,
		      left < PIECE_BYTES ? left : PIECE_BYTES);

	if (put < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	lane->sent += (size_t)put;
	return 0;
}

/* Read the piece in hand to the place of its mirror image. */
static int receive_some(struct pump *pump, struct lane *lane)
{
	size_t piece = lane->received / PIECE_BYTES;
	size_t begin = lane->begin + piece * PIECE;
	size_t end = lane->end - begin < PIECE ? lane->end : begin + PIECE;
	size_t done = lane->received - piece * PIECE_BYTES;
	ssize_t got = read(lane->from[0],
			   (char *)(pump->to + pump->count - end) + done,
			   (end - begin) * sizeof(double) - done);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	lane->received += (size_t)got;
	return 0;
}

/* The lanes that still send or receive, in pump->polled; returns their
 * number. */
static int who_is_left(struct pump *pump)
{
	int left = 0;

	for (int i = 0; i < pump->size; i++) {
		struct lane *lane = &pump->lanes[i];
		size_t bytes = (lane->end - lane->begin) * sizeof(double);
		bool sends = lane->sent < bytes;
		bool receives = lane->received < bytes;

		/* poll() skips negative descriptors. */
		pump->polled[2 * i] =
			(struct pollfd){ .fd = sends ? lane->to[1] : -1,
					 .events = POLLOUT };
		pump->polled[2 * i + 1] =
			(struct pollfd){ .fd = receives ? lane->from[0] : -1,
					 .events = POLLIN };
		left += sends + receives;
	}
	return left;
}

/* Until all is back, or 1: the run has ended before, or -errno. */
static int pump_all(struct pump *pump, int *run)
{
	int r = 0;

	while (r == 0 && who_is_left(pump)) {
		int ready = poll(pump->polled, (nfds_t)pump->size * 2, LOOK_MS);

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0) {
			*run = rig_pool_wait(pump->pool, 0);
			if (*run != -ETIMEDOUT)
				return 1;
		}
		for (int i = 0; i < pump->size && ready > 0 && r == 0; i++) {
			if (pump->polled[2 * i].revents)
				r = send_some(pump, &pump->lanes[i]);
			if (r == 0 && pump->polled[2 * i + 1].revents)
				r = receive_some(pump, &pump->lanes[i]);
		}
	}
	return r;
}

static int pump_run(struct pump *pump)
{
	const struct pipe_args args = { getpid(), pump->count };
	int run = 0;
	int r = rig_pool_submit(
		pump->pool,
		&(struct rig_job){ .kernel = reverse_by_pipe,
				   .segments = { { .name = rig_segment_name(
							   pump->ends) } },
				   .args = &args,
				   .args_bytes = sizeof(args) });

	if (r < 0)
		return r;
	r = pump_all(pump, &run);
	if (r > 0)
		return run < 0 ? run : -EIO;
	/* A caller that fails closes its ends, and then the workers fail
	 * too. */
	if (r < 0)
		return r;
	return rig_pool_wait(pump->pool, RIG_FOREVER);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int demo_pipes(struct rig_pool *pool, const double *from, double *to,
	       size_t count, struct pipes_cost *cost, char *why,
	       size_t why_bytes)
{
	int size = rig_pool_size(pool);
	struct pump pump = {
		.pool = pool,
		.from = from,
		.to = to,
		.count = count,
		.size = size,
		.lanes = calloc((size_t)size, sizeof(struct lane)),
		.polled = calloc((size_t)size * 2, sizeof(struct pollfd)),
	};
	uint64_t begin_ns;
	int r = pump.lanes && pump.polled ? 0 : -ENOMEM;

	for (int i = 0; i < size && r == 0; i++)
		pump.lanes[i] =
			(struct lane){ .to = { -1, -1 }, .from = { -1, -1 } };
	if (r == 0)
		r = pump_open(&pump);
	if (r < 0) {
		snprintf(why, why_bytes, "%s", strerror(-r));
		pump_close(&pump);
		return r;
	}
	begin_ns = now_ns();
	r = pump_run(&pump);
	cost->ns = now_ns() - begin_ns;
	cost->pipe_bytes = pump.pipe_bytes;
	if (r < 0)
		snprintf(why, why_bytes, "%s", rig_why());
	pump_close(&pump);
	return r;
}
