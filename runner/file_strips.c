/* SPDX-License-Identifier: MIT */
/*
 * file_strips.c - arrays between a file and a segment, by read and write.
 */
#include <runner/file_strips.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Strips begin at multiples of GRAIN in the file. */
#define GRAIN ((size_t)1 << 20)

/* Bytes that a call moves: a signal waits no longer than a call. */
#define PIECE ((size_t)16 << 20)

/* The arguments of the job. */
struct file_part_args {
	int32_t pid, fd;
	uint32_t out;
	uint32_t reserved; /* 0 */
	uint64_t at, bytes;
};

/* The result slot of a rank. */
struct file_part_state {
	int32_t code;
	uint32_t shut; /* 1: the file could not be opened */
};

static int move(int fd, char *data, size_t bytes, off_t at, bool out)
{
	while (bytes) {
		size_t most = bytes < PIECE ? bytes : PIECE;
		ssize_t moved = out ? pwrite(fd, data, most, at)
				    : pread(fd, data, most, at);

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved < 0)
			return -errno;
		if (moved == 0)
			return out ? -EIO : -ENODATA;
		data += moved;
		at += moved;
		bytes -= (size_t)moved;
	}
	return 0;
}

/* A rank's part, whose borders are multiples of GRAIN in the file. */
static struct rig_span part_of(const struct file_part_args *args,
			       struct rig_team *team)
{
	uint64_t first = args->at / GRAIN;
	uint64_t end = (args->at + args->bytes + GRAIN - 1) / GRAIN;
	struct rig_span grains = rig_team_strip(team, end - first);
	uint64_t from = (first + grains.begin) * GRAIN;
	uint64_t to = (first + grains.end) * GRAIN;

	from = from < args->at ? args->at : from;
	to = to > args->at + args->bytes ? args->at + args->bytes : to;
	if (grains.begin == grains.end)
		to = from;
	return (struct rig_span){ from - args->at, to - args->at };
}

static int move_part(struct rig_team *team)
{
	const struct file_part_args *args = rig_team_args(team);
	struct rig_span part = part_of(args, team);
	struct file_part_state result = { 0 };
	char path[48], *data = rig_team_data(team, 0);
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)args->pid,
		 (int)args->fd);
	if (part.begin < part.end) {
		fd = open(path, (args->out ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
		result.shut = fd < 0;
	}
	if (fd >= 0) {
		result.code = move(fd, data + part.begin, part.end - part.begin,
				   (off_t)(args->at + part.begin), args->out);
		close(fd);
	}
	memcpy(rig_team_result(team), &result, sizeof(result));
	return 0;
}

static int move_here(const struct file_part *what, bool out)
{
	char *data = rig_segment_data(what->segment);

	return move(what->fd, data + what->offset, what->bytes, what->at, out);
}

static int move_all(struct rig_pool *pool, const struct file_part *what,
		    bool out, bool *ran)
{
	const struct file_part_args args = { .pid = (int32_t)getpid(),
					     .fd = what->fd,
					     .out = out,
					     .at = (uint64_t)what->at,
					     .bytes = what->bytes };
	const struct rig_job job = {
		.kernel = move_part,
		.segments = { { .name = rig_segment_name(what->segment),
				.offset = what->offset,
				.bytes = what->bytes } },
		.args = &args,
		.args_bytes = sizeof(args),
	};
	bool shut = false;
	int code = 0, r;

	*ran = false;
	/* Few bytes are moved before a job is posted. */
	if (what->bytes <= GRAIN)
		return move_here(what, out);
	r = rig_pool_run(pool, &job);
	*ran = r < 0;
	for (int rank = 0; rank < rig_pool_size(pool) && r == 0; rank++) {
		struct file_part_state result;

		r = rig_pool_result(pool, rank, &result, sizeof(result));
		shut |= r == 0 && result.shut;
		if (r == 0 && result.code < 0 && code == 0)
			code = result.code;
	}
	if (r < 0)
		return r;
	return shut ? move_here(what, out) : code;
}

int file_strips_read(struct rig_pool *pool, const struct file_part *what,
		     bool *job)
{
	return move_all(pool, what, false, job);
}

int file_strips_write(struct rig_pool *pool, const struct file_part *what,
		      bool *job)
{
	return move_all(pool, what, true, job);
}
