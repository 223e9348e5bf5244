/* SPDX-License-Identifier: MIT */
/*
 * attach.c - mapping segments by name, once, and knowing them again.
 *
 * A file is known by device, inode and size, never by its name, so a name that
 * was removed and made again is not mistaken.  Every worker of a team makes the
 * same changes to its table in the same order, so that all agree, without
 * asking, on whether a job is hot.
 *
 * Populating first what this rank owns and then, after a barrier, the rest for
 * reading puts every page that has no home yet onto its owner's node, and makes
 * a full /dev/shm an error here instead of a SIGBUS later.
 */
#include "pool/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "pool/code.h"
#include "place/numa.h"
#include "machine/huge.h"
#include "machine/inherit.h"
#include "machine/pages.h"
#include "place/place.h"
#include "segment/shmfile.h"
#include "base/size.h"

/* Files one worker keeps mapped. */
#define MAPPINGS_MAX 64

/* Spans that a function of the user's may write before it is told that it may
 * not: no more than RIG_SPANS_MAX are heeded. */
#define SPANS_ROOM (8 * RIG_SPANS_MAX)

/* What a file is called that has no name yet. */
#define UNNAMED "(new)"

struct mapping {
	struct identity identity;
	size_t bytes; /* 0: free */
	void *base;
	int fd; /* where pages are reserved through it; 0: none */
	bool read_only;
	uint64_t used; /* when last, for eviction */
};

static struct mapping mappings[MAPPINGS_MAX];
static uint64_t uses;

void attach_begin(void)
{
	/* The maps of a worker that makes a pool in a kernel are not its
	 * workers'. */
	memset(mappings, 0, sizeof(mappings));
}

static struct identity identity_in(const struct job_segment_shm *segment)
{
	return (struct identity){ segment->device, segment->inode };
}

static struct mapping *find(const struct job_segment_shm *segment)
{
	bool read_only = segment->flags & JOB_READ_ONLY;

	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes == segment->file_bytes &&
		    mappings[i].read_only == read_only &&
		    identity_same(mappings[i].identity, identity_in(segment)))
			return &mappings[i];
	return NULL;
}

static void drop(struct mapping *mapping)
{
	munmap(mapping->base, mapping->bytes);
	if (mapping->fd > 0)
		close(mapping->fd);
	memset(mapping, 0, sizeof(*mapping));
}

/* A free mapping, or the one unused for longest, freed. */
static struct mapping *make_room(void)
{
	struct mapping *oldest = &mappings[0];

	for (int i = 0; i < MAPPINGS_MAX; i++) {
		if (!mappings[i].bytes)
			return &mappings[i];
		if (mappings[i].used < oldest->used)
			oldest = &mappings[i];
	}
	drop(oldest);
	return oldest;
}

/* The next file the caller hands over. */
static int receive_file(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char nothing;
	struct iovec part = { &nothing, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header;
	int fd = -1;

	while (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
		if (errno != EINTR)
			return rig_fail_errno(-errno, "segment: receive");
	header = CMSG_FIRSTHDR(&message);
	if (!header && !(message.msg_flags & MSG_CTRUNC))
		return rig_fail(-ENOENT, "segment: was closed meanwhile");
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return rig_fail(-EMFILE, "segment: no descriptor left for it "
					 "(ulimit -n)");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Open the file that the caller holds, where no name leads to it. */
static int open_held(const struct job_segment_shm *segment, const char *name,
		     int flags, pid_t caller)
{
	char path[64];
	int fd;

	if (segment->holder_fd < 0)
		return rig_fail(-ENOENT,
				"segment %s: the name was removed, and nobody "
				"we know holds it",
				name);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)caller,
		 segment->holder_fd);
	fd = open(path, flags);
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == ENOENT))
		return rig_fail(JOB_HAND_OVER, "segment %s: %s is closed to us",
				name, path);
	if (fd < 0)
		return rig_fail_errno(-errno, "segment %s: open %s", name,
				      path);
	return fd;
}

/* Open the file, by its name or, where that no longer leads to it, through
 * whoever holds it. */
static int open_file(struct rank *rank, const struct job_segment_shm *segment,
		     const char *name, const struct pool_startup *startup)
{
	int flags = (segment->flags & JOB_READ_ONLY ? O_RDONLY : O_RDWR) |
		    O_CLOEXEC;
	char path[SHM_PATH_BYTES];
	struct stat status;
	int fd = -1;

	if (rank->layout.dispatch->words[JOB_BY_SOCKET] &&
	    segment->holder_fd >= 0) {
		fd = receive_file(startup->files_receive);
		/* No rank takes the next file before all have this one. */
		rank_meet(rank);
		if (fd < 0)
			return fd;
	} else if (strcmp(name, UNNAMED) != 0) {
		snprintf(path, sizeof(path), SHM_DIR "/%s", name);
		fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &status) == 0 &&
		    identity_same(identity_of(&status), identity_in(segment)))
			return fd;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open_held(segment, name, flags, startup->caller);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		int r = -errno;

		close(fd);
		return rig_fail_errno(r, "segment %s: fstat", name);
	}
	if (!identity_same(identity_of(&status), identity_in(segment))) {
		close(fd);
		return rig_fail(-ENOENT, "segment %s: is gone", name);
	}
	return fd;
}

/* A kernel may have lowered the limit: for itself, not for the runs after it. */
static void allow_descriptors(const struct pool_startup *startup)
{
	struct rlimit now;

	if (startup->files.rlim_max && getrlimit(RLIMIT_NOFILE, &now) == 0 &&
	    now.rlim_cur < startup->files.rlim_cur)
		(void)setrlimit(RLIMIT_NOFILE, &startup->files);
}

static int map(struct rank *rank, struct mapping *mapping,
	       const struct job_segment_shm *segment, const char *name,
	       const struct pool_startup *startup)
{
	bool read_only = segment->flags & JOB_READ_ONLY;
	void *base;
	int fd, r;

	allow_descriptors(startup);
	fd = open_file(rank, segment, name, startup);
	if (fd < 0)
		return fd;
	/* The lock says "in use"; the mapping holds it when fd is closed.  (One
	 * that was handed over is the caller's, and locked already.) */
	while (!(segment->flags & JOB_FILE) && flock(fd, LOCK_SH) < 0 &&
	       errno == EINTR)
		;
	base = huge_map(fd, segment->file_bytes,
			read_only ? PROT_READ : PROT_READ | PROT_WRITE);
	r = base == MAP_FAILED ? -errno : 0;
	if (r < 0 || read_only || pages_can_populate()) {
		close(fd);
		fd = 0;
	}
	if (r < 0)
		return rig_fail_errno(r, "segment %s: map %zu bytes",
				      *name ? name : "(new)",
				      (size_t)segment->file_bytes);
	/* A child that a kernel starts must not outlive us with it. */
	(void)madvise(base, segment->file_bytes, MADV_DONTFORK);
	*mapping = (struct mapping){
		.identity = identity_in(segment),
		.bytes = segment->file_bytes,
		.base = base,
		.fd = fd,
		.read_only = read_only,
	};
	return 0;
}

/* The pages of `span` (in bytes) within the mapping; none: an empty span. */
static struct rig_span whole_pages(const struct mapping *mapping,
				   struct rig_span span)
{
	size_t begin = span.begin & ~(PAGE_BYTES - 1);
	size_t end = size_round_up(span.end, PAGE_BYTES);

	if (end > size_round_up(mapping->bytes, PAGE_BYTES))
		end = size_round_up(mapping->bytes, PAGE_BYTES);
	return (struct rig_span){ begin, begin < end ? end : begin };
}

/* Have the pages of `span` (in bytes) there.  Where the kernel does not
 * populate, the pages of a file that may be sparse (another program's) are
 * reserved first: touching what cannot be had is a SIGBUS.  What is only read is
 * left to the reader then. */
static int populate(const struct mapping *mapping, struct rig_span span,
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
				const struct mapping *mapping)
{
	struct rig_span pages =
		rig_strip((mapping->bytes + PAGE_BYTES - 1) / PAGE_BYTES,
			  rank->rank, rank->size);

	return (struct rig_span){ pages.begin * PAGE_BYTES,
				  pages.end * PAGE_BYTES };
}

/* How many spans a function of the user's says that there are, or -EINVAL. */
static int checked_count(int count, const char *function)
{
	if (count < 0 || count > RIG_SPANS_MAX)
		return rig_fail(-EINVAL,
				"segment: %s returned %d spans, not 0 to %d",
				function, count, RIG_SPANS_MAX);
	return count;
}

/* The function that says who owns what, if the job has one and this worker has
 * its code. */
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

/* What this rank owns of segment `index` of the job, in bytes of the file:
 * returns how many spans, or -EINVAL. */
static int find_own(const struct rank *rank, int index,
		    const struct mapping *mapping, struct rig_span *own)
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

/* Populate what this rank owns of a segment it has just mapped, and bring to
 * its node what has pages elsewhere: nobody else of the team has it mapped
 * yet. */
static int populate_own(const struct rank *rank, int index,
			const struct mapping *mapping, const char *name,
			int node)
{
	struct rig_span own[SPANS_ROOM];
	int count = find_own(rank, index, mapping, own);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r == 0; i++) {
		struct rig_span span = whole_pages(mapping, own[i]);

		r = populate(mapping, span, !mapping->read_only, name);
		if (r == 0 && node >= 0)
			numa_bring((char *)mapping->base + span.begin,
				   span.end - span.begin, node);
	}
	return r;
}

/* The barrier in the trailer, where it is this pool's. */
static struct rig_barrier *barrier_in(const struct job_segment_shm *segment,
				      const struct mapping *mapping)
{
	if (!(segment->flags & JOB_BARRIER) || mapping->read_only)
		return NULL;
	return (void *)((char *)mapping->base + mapping->bytes - PAGE_BYTES);
}

/* The system's number of the node that this rank's cores are on; -1: there is
 * but one, or they are on several, or it has no memory. */
static int own_node(const struct rank *rank, const struct rig_plan *plan)
{
	int node = plan->spots[rank->rank].node;

	if (plan->machine_nodes < 2 || node < 0 || !plan->memory[node].bytes)
		return -1;
	return plan->memory[node].os;
}

/* Map one missing segment.  A team that is new to it finds the barrier as an
 * earlier team left it, maybe with a corpse inside: rank 0 lays it out afresh. */
static int attach_one(struct rank *rank, int index,
		      const struct pool_startup *startup)
{
	const struct job_segment_shm *segment =
		&rank->layout.job->segments[index];
	const char *given = rank->layout.job->names[index];
	const char *name = *given ? given : UNNAMED;
	struct mapping *mapping = make_room();
	struct rig_barrier *barrier;
	int r = map(rank, mapping, segment, name, startup);

	if (r < 0)
		return r;
	mapping->used = ++uses;
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
	return populate_own(rank, index, mapping, name,
			    own_node(rank, startup->plan));
}

/* Every rank says whether it could; all learn whether all could.  A count for
 * each step: another rank may be a step ahead of who still reads. */
static bool all_could(struct rank *rank, int step, int r)
{
	_Atomic uint32_t *count = &rank->layout.team->unattached[step];

	/* relaxed: the barrier orders it. */
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

/* What a rank may read of a mapping: all, or its copy. */
static struct rig_span to_be_read(const struct rank *rank,
				  const struct job_segment_shm *segment,
				  const struct mapping *mapping,
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

	/* One that fails does not keep the others from being handed over: all
	 * ranks take the same steps. */
	for (int i = 0; i < count; i++)
		if (missing[i] && !find(&job->segments[i])) {
			int one = attach_one(rank, i, startup);

			if (r == 0)
				r = one;
		}
	if (!all_could(rank, 0, r))
		goto undo;
	for (int i = 0; i < count && r == 0; i++) {
		const struct mapping *mapping = find(&job->segments[i]);

		if (missing[i] && !(job->segments[i].flags & JOB_FILE))
			r = populate(mapping,
				     to_be_read(rank, &job->segments[i],
						mapping, startup),
				     false, job->names[i]);
	}
	if (all_could(rank, 1, r))
		return 0;
undo:
	for (int i = 0; i < count; i++) {
		struct mapping *mapping = find(&job->segments[i]);

		if (missing[i] && mapping)
			drop(mapping);
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
		struct mapping *mapping = find(&job->segments[i]);

		/* Every rank is handed every file. */
		if (mapping && rank->layout.dispatch->words[JOB_BY_SOCKET]) {
			drop(mapping);
			mapping = NULL;
		}
		missing[i] = !mapping;
		cold |= missing[i];
		/* Those at hand are not to be evicted for the others. */
		if (mapping)
			mapping->used = ++uses;
	}
	if (cold) {
		r = attach_missing(rank, count, startup, missing);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < count; i++) {
		const struct job_segment_shm *segment = &job->segments[i];
		struct mapping *mapping = find(segment);

		rank->handed[i] = (struct handed){
			.data = (char *)mapping->base + segment->offset +
				copy_off(rank, segment, startup),
			.bytes = segment->bytes,
			.barrier = barrier_in(segment, mapping),
		};
	}
	attach_again(rank, count);
	return 0;
}

/* Populate what this rank owns; `spans` NULL: an equal block. */
static int populate_spans(struct rank *rank, const struct mapping *mapping,
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
		r = populate(mapping, owned[i], true, "");
		if (r == 0 && huge)
			huge_collapse(mapping->base, owned[i].begin,
				      owned[i].end);
	}
	/* The trailer, and what nobody owns. */
	if (r == 0 && rank->rank == 0)
		r = populate(mapping,
			     (struct rig_span){ mapping->bytes - PAGE_BYTES,
						mapping->bytes },
			     true, "");
	return r;
}

int attach_populate(struct rank *rank, const struct pool_startup *startup,
		    rig_spans_fn *spans)
{
	const struct job_segment_shm *segment = &rank->layout.job->segments[0];
	struct mapping *mapping = make_room();
	struct rig_span all;
	int r;

	r = map(rank, mapping, segment, "", startup);
	if (r == 0) {
		mapping->used = ++uses;
		r = populate_spans(rank, mapping, spans);
	}
	if (!(segment->flags & JOB_HUGE))
		return r;
	/* Those huge pages that several ranks own are whole by now. */
	rank_meet(rank);
	if (r < 0)
		return r;
	all = rig_strip(mapping->bytes / HUGE_BYTES, rank->rank, rank->size);
	huge_collapse(mapping->base, all.begin * HUGE_BYTES,
		      all.end * HUGE_BYTES);
	return 0;
}

/* The pages of a copy of `bytes` bytes that this rank writes: an equal part
 * among the ranks of its node. */
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
	struct mapping source = { 0 }, copies = { 0 };
	int r = map(rank, &source, &job->segments[0], job->names[0], startup);
	int second = map(rank, &copies, &job->segments[1], "", startup);

	if (r == 0)
		r = second;
	if (r == 0)
		r = populate(&source, span, false, job->names[0]);
	if (r == 0)
		r = populate(
			&copies,
			(struct rig_span){ off + span.begin, off + span.end },
			true, job->names[0]);
	if (r == 0)
		memcpy((char *)copies.base + off + span.begin,
		       (char *)source.base + span.begin, span.end - span.begin);
	if (source.bytes)
		drop(&source);
	if (copies.bytes)
		drop(&copies);
	return r;
}

void attach_forked(void)
{
	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes)
			drop(&mappings[i]);
}

void attach_forget(struct rank *rank)
{
	struct identity identity = identity_in(&rank->layout.job->segments[0]);

	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes &&
		    identity_same(mappings[i].identity, identity))
			drop(&mappings[i]);
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
