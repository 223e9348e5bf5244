/* SPDX-License-Identifier: MIT */
/*
 * attach_populate.c - the pages of a mapped file: which rank owns which pages, and that
 * the pages are there.
 */
#include <errno.h>

#include "base/error.h"
#include "base/size.h"
#include "machine/huge.h"
#include "machine/inherit.h"
#include "machine/pages.h"
#include "place/numa.h"
#include "pool/attach_parts.h"
#include "pool/code.h"

/* Spans that a user's function may write before the refusal of more than
 * RIG_SPANS_MAX. */
#define SPANS_ROOM (8 * RIG_SPANS_MAX)

/* The pages of `span` (in bytes) within the mapping; none: an empty span. */
static struct rig_span whole_pages(const struct mapped_file *mapping,
				   struct rig_span span)
{
	size_t begin = span.begin & ~(PAGE_BYTES - 1);
	size_t end = size_round_up(span.end, PAGE_BYTES);

	if (end > size_round_up(mapping->bytes, PAGE_BYTES))
		end = size_round_up(mapping->bytes, PAGE_BYTES);
	return (struct rig_span){ begin, begin < end ? end : begin };
}

int mapping_populate(const struct mapped_file *mapping, struct rig_span span,
		     bool write, const char *name)
{
	struct rig_span pages = whole_pages(mapping, span);
	int r = 0;

	if (pages.begin == pages.end || (!write && !pages_can_populate()))
		return 0;
	if (mapping->fd > 0)
		r = shmfile_reserve(mapping->fd, name, pages.begin, pages.end);
	/* A file that cannot be reserved is touched all the same. */
	if (r == -ENOSPC)
		return r;
	r = pages_populate((char *)mapping->base + pages.begin,
			   pages.end - pages.begin, write);
	/* EFAULT is where a touch would have been a SIGBUS. */
	if (r == -EFAULT)
		return rig_fail(-ENOSPC,
				"segment %s: no memory for all of its %zu "
				"bytes",
				name, mapping->bytes);
	return r < 0 ? rig_fail_errno(r, "segment %s: populate", name) : 0;
}

/* An equal block of the file's pages. */
static struct rig_span block_of(const struct rank *rank,
				const struct mapped_file *mapping)
{
	struct rig_span pages =
		rig_strip((mapping->bytes + PAGE_BYTES - 1) / PAGE_BYTES,
			  rank->rank, rank->size);

	return (struct rig_span){ pages.begin * PAGE_BYTES,
				  pages.end * PAGE_BYTES };
}

/* The number of spans that a user's function has returned, or -EINVAL. */
static int checked_count(int count, const char *function)
{
	if (count < 0 || count > RIG_SPANS_MAX)
		return rig_fail(-EINVAL,
				"segment: %s returned %d spans, not 0 to %d",
				function, count, RIG_SPANS_MAX);
	return count;
}

/* The function that tells the owner of each part, if the job has such a function and
 * this worker has the code. */
static bool find_owns(const struct rank *rank, uint64_t *address)
{
	static struct code code;
	const struct job_shm *job = rank->layout.job;
	int r = 0;

	*address = job->owns;
	if (job->owns)
		return inherit_has_code(job->owns);
	if (!job->owns_symbol[0])
		return false;
	r = code_find(&code, 0, job->owns_symbol);
	*address = code.address;
	if (code.loaded)
		worker_publish(rank);
	return r == 0;
}

/* The parts of segment `index` of the job that this rank owns, in bytes of the file.
 * Returns the number of spans, or -EINVAL. */
static int find_own(const struct rank *rank, int index,
		    const struct mapped_file *mapping, struct rig_span *own)
{
	const struct job_shm *job = rank->layout.job;
	const struct job_segment_shm *segment = &job->segments[index];
	int (*owns)(const void *, int, size_t, int, int, struct rig_span *);
	uint64_t address;
	int count;

	if (!find_owns(rank, &address)) {
		own[0] = block_of(rank, mapping);
		return 1;
	}
	owns = (int (*)(const void *, int, size_t, int, int,
			struct rig_span *))(uintptr_t)address;
	count = checked_count(owns(rank->args, index, segment->bytes,
				   rank->rank, rank->size, own),
			      "owns");
	for (int i = 0; i < count; i++) {
		own[i].begin += segment->offset;
		own[i].end += segment->offset;
	}
	return count;
}

int mapping_populate_own(const struct rank *rank, int index,
			 const struct mapped_file *mapping, const char *name,
			 int node)
{
	struct rig_span own[SPANS_ROOM];
	int count = find_own(rank, index, mapping, own);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r == 0; i++) {
		struct rig_span span = whole_pages(mapping, own[i]);

		r = mapping_populate(mapping, span, !mapping->read_only, name);
		if (r == 0 && node >= 0)
			numa_bring((char *)mapping->base + span.begin,
				   span.end - span.begin, node);
	}
	return r;
}

/* Populate the parts that this rank owns; `spans` NULL: an equal block. */
static int populate_spans(struct rank *rank, const struct mapped_file *mapping,
			  rig_spans_fn *spans)
{
	const struct job_segment_shm *segment = &rank->layout.job->segments[0];
	struct rig_span owned[SPANS_ROOM] = { block_of(rank, mapping) };
	bool huge = segment->flags & JOB_HUGE;
	int count = 1, r = 0;

	if (spans)
		count = checked_count(spans(rank->args, segment->data_bytes,
					    rank->rank, rank->size, owned),
				      "spans");
	if (count < 0)
		r = count;
	if (huge)
		huge_ask(mapping->base, mapping->bytes);
	for (int i = 0; i < count && r == 0; i++) {
		r = mapping_populate(mapping, owned[i], true, "");
		if (r == 0 && huge)
			huge_collapse(mapping->base, owned[i].begin,
				      owned[i].end);
	}
	/* The trailer, and pages without an owner. */
	if (r == 0 && rank->rank == 0)
		r = mapping_populate(
			mapping,
			(struct rig_span){ mapping->bytes - PAGE_BYTES,
					   mapping->bytes },
			true, "");
	return r;
}

int attach_populate(struct rank *rank, const struct pool_startup *startup,
		    rig_spans_fn *spans)
{
	const struct job_segment_shm *segment = &rank->layout.job->segments[0];
	struct mapped_file *mapping = mapping_make_room();
	struct rig_span all;
	int r;

	r = mapping_open(rank, mapping, segment, "", startup);
	if (r == 0) {
		mapping_use(mapping);
		r = populate_spans(rank, mapping, spans);
	}
	if (!(segment->flags & JOB_HUGE))
		return r;
	/* Huge pages that several ranks own are whole by now. */
	rank_meet(rank);
	if (r < 0)
		return r;
	all = rig_strip(mapping->bytes / HUGE_BYTES, rank->rank, rank->size);
	huge_collapse(mapping->base, all.begin * HUGE_BYTES,
		      all.end * HUGE_BYTES);
	return 0;
}
