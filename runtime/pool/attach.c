/* SPDX-License-Identifier: MIT */
/*
 * attach.c - the segments of a job, in the memory of each rank.
 *
 * attach_map.c maps a file once and knows the file again; attach_populate.c has the
 * pages there.  Each rank populates first the pages that the rank owns and, after a
 * barrier, all others for reading: so every page that has no home yet comes to the
 * node of the page's owner, and a full /dev/shm is an error here instead of a SIGBUS
 * later.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "pool/attach_parts.h"
#include "place/place.h"

/* The barrier in the trailer, where the barrier is this pool's. */
static struct rig_barrier *barrier_in(const struct job_segment_shm *segment,
				      const struct mapped_file *mapping)
{
	if (!(segment->flags & JOB_BARRIER) || mapping->read_only)
		return NULL;
	return (void *)((char *)mapping->base + mapping->bytes - PAGE_BYTES);
}

/* The system's number of the node of this rank's cores; -1: the machine has one
 * node, or the cores are on several nodes, or the node has no memory. */
static int own_node(const struct rank *rank, const struct rig_plan *plan)
{
	int node = plan->spots[rank->rank].node;

	if (plan->machine_nodes < 2 || node < 0 || !plan->memory[node].bytes)
		return -1;
	return plan->memory[node].os;
}

/* Map one missing segment.  A new team finds the barrier as an earlier team left the
 * barrier, maybe with a dead rank inside: rank 0 lays the barrier out afresh. */
static int attach_one(struct rank *rank, int index,
		      const struct pool_startup *startup)
{
	const struct job_segment_shm *segment =
		&rank->layout.job->segments[index];
	const char *given = rank->layout.job->names[index];
	const char *name = *given ? given : UNNAMED;
	struct mapped_file *mapping = mapping_make_room();
	struct rig_barrier *barrier;
	int r = mapping_open(rank, mapping, segment, name, startup);

	if (r < 0)
		return r;
	mapping_use(mapping);
	barrier = barrier_in(segment, mapping);
	if (barrier && rank->rank == 0) {
		enum rig_barrier_kind kind = rank->layout.barrier->kind;

		memset((void *)barrier, 0, sizeof(*barrier));
		r = rig_barrier_init(barrier, rank->size, kind);
		if (r < 0)
			return r;
	}
	/* Copies are where they belong; a file may be larger than memory. */
	if (segment->stride || segment->flags & JOB_FILE)
		return 0;
	return mapping_populate_own(rank, index, mapping, name,
				    own_node(rank, startup->plan));
}

/* Every rank tells whether its step has succeeded, and learns whether all ranks
 * have.  Each step has a count of its own: another rank may be a step ahead of a rank
 * that still reads. */
static bool all_could(struct rank *rank, int step, int r)
{
	_Atomic uint32_t *count = &rank->layout.team->unattached[step];

	/* relaxed: the barrier orders the count. */
	if (r < 0)
		add_relaxed(count, 1);
	rank_meet(rank);
	return load_relaxed(count) == 0;
}

/* How far into the file this rank's copy is. */
static size_t copy_off(const struct rank *rank,
		       const struct job_segment_shm *segment,
		       const struct pool_startup *startup)
{
	if (!segment->stride)
		return 0;
	return segment->stride *
	       (size_t)place_copy_of(startup->plan, rank->rank);
}

/* The bytes of a mapping that a rank may read: all, or its copy. */
static struct rig_span to_be_read(const struct rank *rank,
				  const struct job_segment_shm *segment,
				  const struct mapped_file *mapping,
				  const struct pool_startup *startup)
{
	size_t begin = copy_off(rank, segment, startup);

	return (struct rig_span){ begin, segment->stride
						 ? begin + segment->stride
						 : mapping->bytes };
}

static int attach_missing(struct rank *rank, int count,
			  const struct pool_startup *startup,
			  const bool *missing)
{
	const struct job_shm *job = rank->layout.job;
	int r = 0;

	/* A rank that fails does not keep the other ranks from their files:
	 * all ranks take the same steps. */
	for (int i = 0; i < count; i++)
		if (missing[i] && !mapping_find(&job->segments[i])) {
			int one = attach_one(rank, i, startup);

			if (r == 0)
				r = one;
		}
	if (!all_could(rank, 0, r))
		goto undo;
	for (int i = 0; i < count && r == 0; i++) {
		const struct mapped_file *mapping =
			mapping_find(&job->segments[i]);

		if (missing[i] && !(job->segments[i].flags & JOB_FILE))
			r = mapping_populate(mapping,
					     to_be_read(rank, &job->segments[i],
							mapping, startup),
					     false, job->names[i]);
	}
	if (all_could(rank, 1, r))
		return 0;
undo:
	for (int i = 0; i < count; i++) {
		struct mapped_file *mapping = mapping_find(&job->segments[i]);

		if (missing[i] && mapping)
			mapping_drop(mapping);
	}
	if (r == 0)
		r = rig_fail(-ECANCELED, "another rank could not attach");
	return r;
}

void attach_again(struct rank *rank, int count)
{
	rank->segments = count;
	/* The caller of several hosts looks at the team's own. */
	for (int i = 0; i < count && rank->layout.job->hosts.count == 0; i++)
		if (rank->handed[i].barrier) {
			rank->barrier = rank->handed[i].barrier;
			break;
		}
}

int attach_segments(struct rank *rank, int count,
		    const struct pool_startup *startup)
{
	const struct job_shm *job = rank->layout.job;
	bool missing[RIG_SEGMENTS_MAX], cold = false;
	int r;

	for (int i = 0; i < count; i++) {
		struct mapped_file *mapping = mapping_find(&job->segments[i]);

		/* Every rank is handed every file. */
		if (mapping && rank->layout.dispatch->words[JOB_BY_SOCKET]) {
			mapping_drop(mapping);
			mapping = NULL;
		}
		missing[i] = !mapping;
		cold |= missing[i];
		/* Mappings of this job are not to be evicted for other
		 * mappings. */
		if (mapping)
			mapping_use(mapping);
	}
	if (cold) {
		r = attach_missing(rank, count, startup, missing);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < count; i++) {
		const struct job_segment_shm *segment = &job->segments[i];
		struct mapped_file *mapping = mapping_find(segment);

		rank->handed[i] = (struct handed){
			.data = (char *)mapping->base + segment->offset +
				copy_off(rank, segment, startup),
			.bytes = segment->bytes,
			.barrier = barrier_in(segment, mapping),
			.read_only = segment->flags & JOB_READ_ONLY,
		};
	}
	attach_again(rank, count);
	return 0;
}

/* The pages of a copy of `bytes` bytes that this rank writes: an equal part among
 * the ranks of the node. */
static struct rig_span copied_here(const struct rank *rank, size_t bytes,
				   const struct pool_startup *startup)
{
	int copy = place_copy_of(startup->plan, rank->rank);
	int before = 0, all = 0;
	struct rig_span span;

	for (int i = 0; i < rank->size; i++)
		if (place_copy_of(startup->plan, i) == copy) {
			before += i < rank->rank;
			all++;
		}
	span = rig_strip((bytes + PAGE_BYTES - 1) / PAGE_BYTES, before, all);
	span.begin *= PAGE_BYTES;
	span.end *= PAGE_BYTES;
	return (struct rig_span){ span.begin,
				  span.end < bytes ? span.end : bytes };
}

int attach_replicate(struct rank *rank, const struct pool_startup *startup)
{
	const struct job_shm *job = rank->layout.job;
	size_t bytes = job->segments[0].data_bytes;
	size_t off = copy_off(rank, &job->segments[1], startup);
	struct rig_span span = copied_here(rank, bytes, startup);
	struct mapped_file source = { 0 }, copies = { 0 };
	int r = mapping_open(rank, &source, &job->segments[0], job->names[0],
			     startup);
	int second =
		mapping_open(rank, &copies, &job->segments[1], "", startup);

	if (r == 0)
		r = second;
	if (r == 0)
		r = mapping_populate(&source, span, false, job->names[0]);
	if (r == 0)
		r = mapping_populate(
			&copies,
			(struct rig_span){ off + span.begin, off + span.end },
			true, job->names[0]);
	if (r == 0)
		memcpy((char *)copies.base + off + span.begin,
		       (char *)source.base + span.begin, span.end - span.begin);
	if (source.bytes)
		mapping_drop(&source);
	if (copies.bytes)
		mapping_drop(&copies);
	return r;
}

int attach_which(const struct rank *rank, uint64_t address, uint64_t *offset)
{
	for (int i = 0; i < rank->segments; i++) {
		uint64_t begin = (uint64_t)(uintptr_t)rank->handed[i].data;

		if (address >= begin &&
		    address - begin < rank->handed[i].bytes) {
			*offset = address - begin;
			return i;
		}
	}
	return -1;
}
