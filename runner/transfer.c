/* SPDX-License-Identifier: MIT */
/*
 * transfer.c - arrays between the caller's private memory and a segment.
 */
#include <runner/transfer.h>

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

/* The most pieces of the caller's memory that a system call copies, and the
 * most bytes.  A larger call would be no faster, and a signal waits until the
 * call ends. */
#define PIECES     256
#define CALL_BYTES ((size_t)16 << 20)

/* Elements that lie without gaps: their number, and the number of dimensions
 * outside of them. */
struct run_of {
	uint64_t elements;
	int outer;
};

static struct run_of find_run(const struct transfer *t)
{
	struct run_of run = { 1, t->dims };

	while (run.outer > 0 &&
	       (t->shape[run.outer - 1] == 1 ||
		t->strides[run.outer - 1] ==
			(int64_t)(run.elements * t->item_bytes)))
		run.elements *= (uint64_t)t->shape[--run.outer];
	return run;
}

/* The distance of element `index` from the first element, in bytes. */
static int64_t place_of(const struct transfer *t, struct run_of run,
			uint64_t index)
{
	uint64_t left = index / run.elements;
	int64_t place = (int64_t)(index % run.elements * t->item_bytes);

	for (int d = run.outer - 1; d >= 0; d--) {
		place +=
			(int64_t)(left % (uint64_t)t->shape[d]) * t->strides[d];
		left /= (uint64_t)t->shape[d];
	}
	return place;
}

/* Elements [begin, ...) as up to PIECES pieces of the caller's memory.  Returns
 * the number of pieces, and moves *begin behind the last piece. */
static int next_pieces(const struct transfer *t, struct run_of run,
		       uint64_t *begin, uint64_t end,
		       struct iovec pieces[PIECES], size_t *bytes)
{
	int count = 0;

	*bytes = 0;
	while (count < PIECES && *begin < end && *bytes < CALL_BYTES) {
		uint64_t more = run.elements - *begin % run.elements;
		size_t most = (CALL_BYTES - *bytes) / t->item_bytes + 1;
		uint64_t at = t->address + (uint64_t)place_of(t, run, *begin);

		more = more < end - *begin ? more : end - *begin;
		more = more < most ? more : most;
		pieces[count++] = (struct iovec){ (void *)(uintptr_t)at,
						  more * t->item_bytes };
		*bytes += more * t->item_bytes;
		*begin += more;
	}
	return count;
}

/* A rank copies a strip of the elements. 0, or the system's error. */
static int move_strip(const struct transfer *t, char *data,
		      struct rig_span strip)
{
	struct run_of run = find_run(t);
	struct iovec pieces[PIECES];
	uint64_t next = strip.begin;
	char *at = data + strip.begin * t->item_bytes;

	while (next < strip.end) {
		size_t bytes;
		int count =
			next_pieces(t, run, &next, strip.end, pieces, &bytes);
		struct iovec own = { at, bytes };
		ssize_t moved = (t->out ? process_vm_writev : process_vm_readv)(
			t->pid, &own, 1, pieces, (unsigned long)count, 0);

		if (moved < 0)
			return -errno;
		if ((size_t)moved != bytes)
			return -EFAULT;
		at += bytes;
	}
	return 0;
}

static int move(struct rig_team *team)
{
	const struct transfer *t = rig_team_args(team);
	int code = move_strip(t, rig_team_data(team, 0),
			      rig_team_strip(team, t->count));

	memcpy(rig_team_result(team), &code, sizeof(code));
	return 0;
}

/* The caller itself. */
static void move_here(const struct transfer *t, char *data)
{
	struct run_of run = find_run(t);
	struct iovec pieces[PIECES];
	uint64_t next = 0;

	while (next < t->count) {
		size_t bytes;
		int count =
			next_pieces(t, run, &next, t->count, pieces, &bytes);

		for (int i = 0; i < count; i++) {
			memcpy(t->out ? pieces[i].iov_base : data,
			       t->out ? data : pieces[i].iov_base,
			       pieces[i].iov_len);
			data += pieces[i].iov_len;
		}
	}
}

int transfer_run(struct rig_pool *pool, const struct transfer *transfer,
		 struct rig_segment *segment)
{
	struct rig_job job = {
		.kernel = move,
		.segments = { { .name = rig_segment_name(segment) } },
		.args = transfer,
		.args_bytes = sizeof(*transfer)
	};
	int r = transfer->count ? rig_pool_run(pool, &job) : 0;
	bool refused = false;

	for (int rank = 0; r == 0 && rank < rig_pool_size(pool); rank++) {
		int code = 0;

		if (transfer->count)
			r = rig_pool_result(pool, rank, &code, sizeof(code));
		refused |= code < 0;
	}
	if (r == 0 && refused)
		move_here(transfer, rig_segment_data(segment));
	return r;
}
