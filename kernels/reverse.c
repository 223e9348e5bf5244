/* SPDX-License-Identifier: MIT */
/*
 * reverse.c - an array, or a slice [begin, end) of it, in reverse order, in place.
 *
 * The pairs (begin + i, end - 1 - i) are independent of each other, and each
 * rank takes a strip of the pairs: a strip of the lower half *and the strip's
 * mirror* in the upper half.  No rank reads items that another rank writes, and
 * the middle of an odd slice stays.
 *
 *	method=swap  exchange the items of each pair
 *	method=copy  each rank takes a contiguous strip of the slice: copy the
 *	             strip's mirror image to private memory, meet at the barrier,
 *	             write the copy back.  Without the barrier a rank would read
 *	             items that another rank has already overwritten.
 *
 * Generated data is x[i] = i: the result is known for each element.  The user's
 * data is compared with sums that tell the order of the items: before the run
 * each item counts for the place to which it must go, afterwards for the place
 * at which it is; inside and outside of the slice apart.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/mirror.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/omp_threads.h>
#include <kernels/lib/world.h>

#define LENGTH_DEFAULT 40000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53: each index is a double */

/* Large pages, as on x86-64 and on most other machines. */
#define HUGE_BYTES ((size_t)2 << 20)

enum method { METHOD_SWAP, METHOD_COPY };

/* The words of a digest. */
enum { DIGEST_INSIDE, DIGEST_OUTSIDE };

struct reverse_args {
	struct rig_kernel_args header;
	size_t length; /* length of generated data */
	size_t begin;
	size_t end; /* SIZE_MAX until checked: to the end */
	uint32_t method;
	int64_t threads; /* threads of method=swap */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reverse_args, length),
	  .fallback = "40M",
	  .max = LENGTH_MAX },
	{ .name = "method",
	  .help = "swap pairs in place, or copy through private memory",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct reverse_args, method),
	  .fallback = "swap",
	  .choices = "swap copy" },
	{ .name = "begin",
	  .help = "first element of the slice",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reverse_args, begin),
	  .fallback = "0",
	  .max = LENGTH_MAX },
	{ .name = "end",
	  .help = "the one after its last; all: the array's end",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct reverse_args, end),
	  .fallback = "all",
	  .max = LENGTH_MAX },
	THREADS_PARAM(struct reverse_args, threads),
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct reverse_args *args = given;

	return args->length;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct reverse_args *args = given;
	const struct rig_array *array = &args->header.arrays[0];

	if (!mirror_knows(array->item_bytes)) {
		snprintf(why, why_bytes, "items of %u bytes cannot be reversed",
			 array->item_bytes);
		return -EINVAL;
	}
	if (arguments_length(&args->header, LENGTH_DEFAULT, &args->length, why,
			     why_bytes) < 0)
		return -EINVAL;
	if (args->threads != 1 && args->method == METHOD_COPY) {
		snprintf(why, why_bytes, "threads=%lld is for method=swap only",
			 (long long)args->threads);
		return -EINVAL;
	}
	if (args->end == SIZE_MAX)
		args->end = array->count;
	if (args->end > array->count) {
		snprintf(why, why_bytes,
			 "end=%zu is out of range: the array has %zu elements",
			 args->end, (size_t)array->count);
		return -EINVAL;
	}
	if (args->begin > args->end) {
		snprintf(why, why_bytes, "begin=%zu is beyond end=%zu",
			 args->begin, args->end);
		return -EINVAL;
	}
	return 0;
}

static size_t item_bytes(const struct reverse_args *args)
{
	return args->header.arrays[0].item_bytes;
}

/* Every item is read and written once; method=copy also reads and writes a
 * private copy. */
static double bytes_moved(const void *given)
{
	const struct reverse_args *args = given;
	double each = args->method == METHOD_COPY ? 4 : 2;

	return each * (double)(args->end - args->begin) *
	       (double)item_bytes(args);
}

/* Large private memory lies in large pages: page faults would cost more than
 * the copying. */
static size_t whole_pages(size_t bytes)
{
	if (bytes < HUGE_BYTES)
		return bytes;
	return (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
}

static size_t private_bytes(const void *given, int size)
{
	const struct reverse_args *args = given;
	struct rig_span first = rig_strip(args->end - args->begin, 0, size);

	if (args->method != METHOD_COPY)
		return 0;
	return whole_pages((first.end - first.begin) * item_bytes(args));
}

/* The number of spans of own(), empty spans too. */
#define SPANS 4

/* The elements that a rank owns: spans 0 and 1 of the slice, 2 and 3 outside of
 * the slice. */
static void own(const struct reverse_args *args, int rank, int size,
		struct rig_span spans[SPANS])
{
	size_t count = args->end - args->begin;
	size_t tail = args->length - args->end;
	struct rig_span strip;

	if (args->method == METHOD_COPY) {
		strip = rig_strip(count, rank, size);
		spans[0] = (struct rig_span){ args->begin + strip.begin,
					      args->begin + strip.end };
		spans[1] = (struct rig_span){ args->end, args->end };
	} else {
		strip = rig_strip(count / 2, rank, size);
		spans[0] = (struct rig_span){ args->begin + strip.begin,
					      args->begin + strip.end };
		spans[1] = (struct rig_span){ args->end - strip.end,
					      args->end - strip.begin };
		/* The middle follows the last pair's lower item. */
		if (rank == size - 1)
			spans[0].end += count % 2;
	}
	spans[2] = rig_strip(args->begin, rank, size);
	strip = rig_strip(tail, rank, size);
	spans[3] = (struct rig_span){ args->end + strip.begin,
				      args->end + strip.end };
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	(void)index;
	const struct reverse_args *args = given;
	struct rig_span owned[SPANS];
	int count = 0;

	own(args, rank, size, owned);
	for (int i = 0; i < SPANS; i++) {
		if (owned[i].begin == owned[i].end)
			continue;
		spans[count++] =
			(struct rig_span){ owned[i].begin * item_bytes(args),
					   owned[i].end * item_bytes(args) };
	}
	return count;
}

static int prepare(struct rig_team *team)
{
	const struct reverse_args *args = rig_team_args(team);
	double *x = rig_team_data(team, 0);
	struct rig_span spans[SPANS];

	own(args, rig_team_rank(team), rig_team_size(team), spans);
	for (int s = 0; s < SPANS; s++)
		for (size_t i = spans[s].begin; i < spans[s].end; i++)
			x[i] = (double)i;
	return rig_team_barrier(team);
}

/* A rank's strip of the pairs, for its threads. */
struct pairs {
	char *low, *high; /* first items of the strip, end of the mirror */
	size_t item;
};

static void swap_pairs(void *arg, size_t begin, size_t end)
{
	const struct pairs *pairs = arg;

	mirror_swap(pairs->low + begin * pairs->item,
		    pairs->high - end * pairs->item, end - begin, pairs->item);
}

/* Each rank has written its strip of `count` items from the first on, and if
 * `mirrored` the mirror of the strip: afterwards all hosts have all items. */
static int exchange(struct rig_team *team, const struct reverse_args *args,
		    size_t count, bool mirrored)
{
	size_t item = item_bytes(args);
	char *x = rig_team_data(team, 0);
	int r = world_rows(team, x + args->begin * item, count, item);

	if (r == 0 && mirrored && rig_team_hosts(team, NULL) > 1)
		r = world_rows_mirrored(team, x + (args->end - count) * item,
					count, item);
	return r;
}

static int swap(struct rig_team *team, const struct reverse_args *args)
{
	size_t item = item_bytes(args);
	char *x = rig_team_data(team, 0);
	const size_t half = (args->end - args->begin) / 2;
	struct rig_span strip = world_strip(team, half);
	struct pairs pairs = { x + (args->begin + strip.begin) * item,
			       x + (args->end - strip.begin) * item, item };

	threads_run(team, args->threads, strip.end - strip.begin, swap_pairs,
		    &pairs);
	return exchange(team, args, half, true);
}

static char *private_memory(size_t bytes)
{
	size_t whole = whole_pages(bytes);
	char *memory;

	if (bytes < HUGE_BYTES)
		return malloc(bytes ? bytes : 1);
	memory = aligned_alloc(HUGE_BYTES, whole);
	if (memory)
		(void)madvise(memory, whole, MADV_HUGEPAGE);
	return memory;
}

static int copy(struct rig_team *team, const struct reverse_args *args)
{
	size_t item = item_bytes(args);
	char *x = rig_team_data(team, 0);
	const size_t count = args->end - args->begin;
	struct rig_span strip = world_strip(team, count);
	size_t bytes = (strip.end - strip.begin) * item;
	char *mirror = private_memory(bytes);
	int r;

	if (!mirror)
		return rig_team_fail(team, -ENOMEM,
				     "reverse: no %zu bytes of private memory",
				     bytes);
	mirror_copy(mirror, x + (args->end - strip.end) * item,
		    strip.end - strip.begin, item);
	/* Everybody has read before anybody writes. */
	r = rig_team_barrier(team);
	memcpy(x + (args->begin + strip.begin) * item, mirror, bytes);
	free(mirror);
	return r ? r : exchange(team, args, count, false);
}

static int run(struct rig_team *team)
{
	const struct reverse_args *args = rig_team_args(team);

	return args->method == METHOD_COPY ? copy(team, args)
					   : swap(team, args);
}

/* After the run a rank looks at the next rank's items: no rank judges its own
 * work. */
static int digest(struct rig_team *team)
{
	const struct reverse_args *args = rig_team_args(team);
	int size = rig_team_size(team);
	int rank = (rig_team_rank(team) + (int)args->header.after) % size;
	const char *x = rig_team_data(team, 0);
	uint64_t *sums = rig_team_result(team);
	struct rig_span spans[SPANS];

	own(args, rank, size, spans);
	for (int s = 0; s < SPANS; s++) {
		struct rig_span at = spans[s];
		bool moves = s < 2 && !args->header.after;
		size_t place = moves ? args->begin + args->end - 1 - at.begin
				     : at.begin;

		sums[s < 2 ? DIGEST_INSIDE : DIGEST_OUTSIDE] += sum_items(
			x + at.begin * item_bytes(args), at.end - at.begin,
			item_bytes(args), place, moves ? -1 : 1);
	}
	return 0;
}

static int verify_given(struct rig_team *team, const struct reverse_args *args)
{
	const struct rig_kernel_args *header = &args->header;

	if (header->digest[DIGEST_INSIDE] != header->found[DIGEST_INSIDE])
		return rig_team_fail(
			team, -EBADMSG,
			"reverse: elements %zu to %zu are not the "
			"input's in reverse order (sum %016llx, "
			"expected %016llx)",
			args->begin, args->end,
			(unsigned long long)header->found[DIGEST_INSIDE],
			(unsigned long long)header->digest[DIGEST_INSIDE]);
	if (header->digest[DIGEST_OUTSIDE] != header->found[DIGEST_OUTSIDE])
		return rig_team_fail(team, -EBADMSG,
				     "reverse: elements outside of %zu to %zu "
				     "were changed",
				     args->begin, args->end);
	return 0;
}

/* A span of generated data, another rank's. */
static int verify_span(struct rig_team *team, const struct reverse_args *args,
		       struct rig_span span)
{
	const double *x = rig_team_data(team, 0);

	for (size_t i = span.begin; i < span.end; i++) {
		bool inside = i >= args->begin && i < args->end;
		size_t want = inside ? args->begin + args->end - 1 - i : i;

		if (x[i] != (double)want)
			return rig_team_fail(team, -EBADMSG,
					     "reverse: element %zu is %.17g, "
					     "expected %zu",
					     i, x[i], want);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct reverse_args *args = rig_team_args(team);
	int size = rig_team_size(team);
	struct rig_span spans[SPANS];
	int r = 0;

	if (args->header.given)
		return verify_given(team, args);
	own(args, (rig_team_rank(team) + 1) % size, size, spans);
	for (int s = 0; s < SPANS && r == 0; s++)
		r = verify_span(team, args, spans[s]);
	return r;
}

/* Elements of a block. */
#define BLOCK 1024

/* The number of blocks in `count` elements. */
static uint64_t blocks_in(size_t count)
{
	return count / BLOCK + (count % BLOCK != 0);
}

/* The blocks of the slice, then the blocks before the slice, then the blocks
 * behind. */
static uint64_t blocks(const void *given)
{
	const struct reverse_args *args = given;

	return blocks_in(args->end - args->begin) + blocks_in(args->begin) +
	       blocks_in(args->length - args->end);
}

/* The elements of a block; `inside`: the block is of the slice. */
static struct rig_span block_at(const struct reverse_args *args, uint64_t block,
				bool *inside)
{
	struct rig_span parts[] = { { args->begin, args->end },
				    { 0, args->begin },
				    { args->end, args->length } };
	int part = 0;
	size_t begin;

	while (block >= blocks_in(parts[part].end - parts[part].begin)) {
		block -= blocks_in(parts[part].end - parts[part].begin);
		part++;
	}
	*inside = part == 0;
	begin = parts[part].begin + block * BLOCK;
	return (struct rig_span){ begin, begin + BLOCK < parts[part].end
						 ? begin + BLOCK
						 : parts[part].end };
}

/* Where the elements of a block were. */
static struct rig_span keeps(const void *given, uint64_t block)
{
	const struct reverse_args *args = given;
	bool inside;
	struct rig_span span = block_at(args, block, &inside);
	size_t ends = args->begin + args->end;

	if (!inside)
		return span;
	return (struct rig_span){ ends - span.end, ends - span.begin };
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct reverse_args *args = rig_team_args(team);
	size_t item = item_bytes(args);
	const char *x = rig_team_data(team, 0), *was = before;
	bool inside;
	struct rig_span span = block_at(args, block, &inside);
	size_t count = span.end - span.begin;

	for (size_t i = 0; i < count; i++) {
		size_t from = inside ? count - 1 - i : i;

		if (memcmp(x + (span.begin + i) * item, was + from * item,
			   item) != 0)
			return rig_team_fail(team, -EBADMSG,
					     "reverse: element %zu is not the "
					     "one that was at %zu",
					     span.begin + i,
					     keeps(args, block).begin + from);
	}
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INOUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_endian = true,
	  .any_byte = true,
	  .count = count_generated },
	{ 0 },
};

const struct rig_kernel kernel_reverse = {
	.version = RIG_KERNEL_VERSION,
	.name = "reverse",
	.summary = "an array in reverse order, in place, or a slice of it",
	.verified = "x[i] = i reversed, each element; the user's data by sums "
		    "that tell the order, before and after",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct reverse_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.hosts = 1,
	.verify = verify,
	.blocks = blocks,
	.keeps = keeps,
	.prove = prove,
};
