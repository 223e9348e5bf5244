/* SPDX-License-Identifier: MIT */
/*
 * segment.c - handles to segments: create, attach, detach, unlink, destroy.
 *
 * A handle keeps its descriptor for as long as the descriptor may be needed: the
 * maker's until the name is gone (workers attach by /proc/<maker>/fd before there
 * is a name, and after somebody else has removed the name), every other handle's
 * until detach.  The shared lock, which means "in use", goes with descriptor and
 * mapping.
 */
#include "segment/handle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "machine/process.h"
#include "place/numa.h"
#include "machine/huge.h"
#include "machine/memory.h"
#include "machine/pages.h"
#include "segment/ledger.h"
#include "base/size.h"
#include "segment/sweep.h"

/* NULL: this process has not made a pool. */
static const struct segment_pools *_Atomic registered_pools;

void segment_register_pools(const struct segment_pools *pools)
{
	store_release(&registered_pools, pools);
}

/* The pools of this process unmap the file. */
static void forget_in_pools(struct identity identity)
{
	/* acquire: pairs with the release of segment_register_pools(). */
	const struct segment_pools *pools = load_acquire(&registered_pools);

	if (pools)
		pools->forget(identity);
}

/* Free memory that only pools hold: did the pools hold any? */
static bool let_go_in_pools(void)
{
	/* acquire: as there. */
	const struct segment_pools *pools = load_acquire(&registered_pools);

	return pools && pools->let_go() > 0;
}

bool segment_free_memory(void)
{
	char words[WHY_BYTES];
	bool freed;

	snprintf(words, sizeof(words), "%s", rig_why());
	freed = let_go_in_pools();
	/* Names of dead processes may be holding memory. */
	if (sweep_stale() > 0 || freed)
		return true;
	(void)rig_fail(-ENOSPC, "%s", words);
	return false;
}

/* Map all of the file, and what it may become; the barrier, where there is any, is in the last page. */
static int map(struct rig_segment *segment, bool read_only, size_t most)
{
	struct segment_info *info = &segment->info;
	int prot = read_only ? PROT_READ : PROT_READ | PROT_WRITE;

	segment->read_only = read_only;
	segment->grows = most != 0;
	segment->mapped = most > info->file_bytes ? most : info->file_bytes;
	segment->data = huge_map(info->fd, segment->mapped, prot);
	if (segment->data == MAP_FAILED) {
		segment->data = NULL;
		return rig_fail_errno(-errno, "segment %s: map %zu bytes",
				      segment->name, segment->mapped);
	}
	/* A process that may only read cannot arrive. */
	if (info->file_bytes != info->data_bytes && !read_only)
		segment->barrier = (void *)((char *)segment->data +
					    info->file_bytes - PAGE_BYTES);
	return 0;
}

/* Free the handle and its mapping and descriptor; the name stays. */
static void release(struct rig_segment *segment)
{
	if (segment->data)
		munmap(segment->data, segment->mapped);
	if (segment->info.fd >= 0)
		close(segment->info.fd);
	free(segment);
}

/* Write barrier and trailer into the page after the bytes. */
static int lay_trailer(struct rig_segment *segment,
		       const struct rig_segment_options *options)
{
	struct trailer_shm *trailer = (void *)((char *)segment->barrier +
					       PAGE_BYTES - sizeof(*trailer));
	struct rig_pool *pool = options->pool;
	/* acquire: whoever made the pool has registered them. */
	const struct segment_pools *pools = load_acquire(&registered_pools);
	int parties = pool ? pools->size(pool) : options->parties;
	enum rig_barrier_kind kind =
		pool ? pools->barrier(pool) : RIG_BARRIER_ADAPTIVE;
	int r = rig_barrier_init(segment->barrier, parties, kind);

	if (r < 0)
		return r;
	segment->info.pool = pool ? pools->id(pool) : 0;
	*trailer = (struct trailer_shm){
		.bytes = segment->info.data_bytes,
		.pool = segment->info.pool,
		.parties = (uint32_t)parties,
		.owner = (uint32_t)getpid(),
		.kind = kind,
		.layout = TRAILER_LAYOUT,
		.magic = TRAILER_MAGIC,
	};
	return 0;
}

/* Touch the file through a mapping that asks for huge pages: reserving a file
 * asks for none.  A failure here shows again, with words, in the reservation. */
static void populate_huge(const struct segment_info *info)
{
	void *base =
		huge_map(info->fd, info->file_bytes, PROT_READ | PROT_WRITE);

	if (base == MAP_FAILED)
		return;
	huge_ask(base, info->file_bytes);
	if (pages_can_populate())
		(void)pages_populate(
			base, size_round_up(info->file_bytes, PAGE_BYTES),
			true);
	huge_collapse(base, 0, info->file_bytes);
	munmap(base, info->file_bytes);
}

/* Give the file of a new segment its size and its pages. */
static int fill(struct rig_segment *segment, const char *name,
		const struct rig_segment_options *options,
		const struct numa_rule *rule)
{
	struct segment_info *info = &segment->info;
	struct stat status;
	int r;

	r = shmfile_resize(info->fd, name, info->file_bytes);
	if (r == 0)
		r = numa_set(info->fd, name, info->file_bytes, options->most,
			     rule);
	if (r < 0)
		return r;
	if (fstat(info->fd, &status) < 0)
		return rig_fail_errno(-errno, "segment: fstat");
	info->identity = identity_of(&status);
	if (options->pool) {
		/* acquire: as in lay_trailer(). */
		r = load_acquire(&registered_pools)
			    ->populate(options->pool, info->fd, info->identity,
				       info->file_bytes, info->data_bytes,
				       options);
		/* Parts that no worker owns have no pages yet. */
		if (r < 0 || fstat(info->fd, &status) < 0 ||
		    (size_t)status.st_blocks * 512 >= info->file_bytes)
			return r;
	}
	if (options->pages == RIG_PAGES_HUGE && !options->pool)
		populate_huge(info);
	return shmfile_reserve_new(info->fd, name, info->file_bytes);
}

/* The rule for the pages of a new segment, as the user says it. */
static int find_rule(struct numa_rule *rule, const char *words)
{
	struct topology *topology = NULL;
	int r;

	*rule = (struct numa_rule){ .kind = NUMA_LOCAL };
	if (!words)
		return 0;
	r = topology_load(&topology, NULL);
	if (r == 0)
		r = numa_parse(rule, words, topology);
	topology_free(topology);
	return r;
}

static int make(struct rig_segment *segment, const char *name,
		const struct rig_segment_options *options)
{
	struct segment_info *info = &segment->info;
	bool trailer = options->pool || options->parties;
	struct numa_rule rule;
	int r = find_rule(&rule, options->memory);

	if (r < 0)
		return r;
	info->fd = shmfile_make();
	if (info->fd < 0)
		return info->fd;
	info->file_bytes = trailer ? trailer_file_bytes(info->data_bytes)
				   : info->data_bytes;
	if (info->file_bytes == 0)
		return rig_fail(-EINVAL, "segment: %zu bytes are too many",
				info->data_bytes);
	r = fill(segment, name, options, &rule);
	if (r == -ENOSPC && segment_free_memory())
		r = fill(segment, name, options, &rule);
	if (r < 0)
		return r;
	segment->huge = options->pages == RIG_PAGES_HUGE;
	r = map(segment, false, options->most);
	if (r == 0 && trailer)
		r = lay_trailer(segment, options);
	if (r < 0)
		return r;
	segment->dies = !options->keep;
	return shmfile_publish(info->fd, name, segment->dies, segment->name);
}

int rig_segment_create(struct rig_segment **out, const char *name, size_t bytes,
		       const struct rig_segment_options *options)
{
	static const struct rig_segment_options defaults;
	struct rig_segment *segment;
	int r = need(out, "segment: the place for the handle");

	if (!options)
		options = &defaults;
	if (r == 0)
		r = reserved_check(options->reserved, "rig_segment_options");
	if (r == 0 && name)
		r = shmfile_check_name(name);
	if (r < 0)
		return r;
	if (bytes == 0)
		return rig_fail(-EINVAL, "segment %s: at least 1 byte",
				name ? name : "(new)");
	if (options->pages != RIG_PAGES_BASE &&
	    options->pages != RIG_PAGES_HUGE)
		return rig_fail(-EINVAL, "segment %s: no such pages",
				name ? name : "(new)");
	if (options->parties < 0 || options->parties > RIG_WORKERS_MAX)
		return rig_fail(-EINVAL, "segment %s: %d parties, not 1 to %d",
				name ? name : "(new)", options->parties,
				RIG_WORKERS_MAX);
	if (options->most && (options->pool || options->parties))
		return rig_fail(-EINVAL,
				"segment %s: one with a barrier does not grow",
				name ? name : "(new)");
	segment = calloc(1, sizeof(*segment));
	if (!segment)
		return rig_fail_errno(-ENOMEM, "segment");
	segment->info.data_bytes = bytes;
	segment->info.fd = -1;
	if (name)
		memcpy(segment->name, name, strlen(name) + 1);
	r = make(segment, name, options);
	if (r < 0) {
		if (options->pool && segment->info.identity.inode)
			forget_in_pools(segment->info.identity);
		release(segment);
		return r;
	}
	segment->maker = process_self();
	handle_add(segment);
	*out = segment;
	return 0;
}

/* The facts of the file behind `fd`, which `status` has been seen of. */
static int facts_from(int fd, const char *name, const struct stat *status,
		      struct segment_info *info)
{
	struct trailer_shm trailer = { 0 };
	ssize_t got;
	int r = 0;

	if (status->st_size <= 0)
		return rig_fail(-ENODATA,
				"segment %s: is empty; its maker has not sized "
				"it",
				name);
	info->identity = identity_of(status);
	info->file_bytes = (size_t)status->st_size;
	info->data_bytes = info->file_bytes;
	info->pool = 0;
	info->file = false;
	info->fd = fd;
	/* Copied once, then checked, then used. */
	if (info->file_bytes >= 2 * PAGE_BYTES &&
	    info->file_bytes % PAGE_BYTES == 0) {
		got = pread(fd, &trailer, sizeof(trailer),
			    status->st_size - (off_t)sizeof(trailer));
		if (got != sizeof(trailer))
			return rig_fail_errno(got < 0 ? -errno : -EIO,
					      "segment %s: read", name);
		r = trailer_check(&trailer, info->file_bytes, name);
	}
	if (r > 0) {
		info->data_bytes = trailer.bytes;
		info->pool = trailer.pool;
	}
	return r < 0 ? r : 0;
}

int segment_read_info(int fd, const char *name, struct segment_info *info)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "segment %s: fstat", name);
	return facts_from(fd, name, &status, info);
}

/* Look every millisecond until the maker has sized the segment: there is no
 * event to wait for that every maker would send.  `status` is the first look. */
static int await_size(int fd, const char *name, uint64_t deadline_ns,
		      const struct stat *status, struct segment_info *info)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int r = facts_from(fd, name, status, info);

	while (r == -ENODATA && deadline_ns && clock_ns() < deadline_ns) {
		nanosleep(&moment, NULL);
		r = segment_read_info(fd, name, info);
	}
	return r;
}

int rig_segment_attach(struct rig_segment **out, const char *name,
		       const struct rig_segment_options *options)
{
	static const struct rig_segment_options defaults;
	struct rig_segment *segment;
	struct stat status;
	int r = need(out, "segment: the place for the handle");

	if (!options)
		options = &defaults;
	if (r == 0)
		r = reserved_check(options->reserved, "rig_segment_options");
	if (r < 0)
		return r;
	segment = calloc(1, sizeof(*segment));
	if (!segment)
		return rig_fail_errno(-ENOMEM, "segment");
	r = shmfile_open(name, options->read_only, &status);
	segment->info.fd = r;
	if (r < 0)
		goto out;
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	r = await_size(segment->info.fd, name, options->deadline_ns, &status,
		       &segment->info);
	if (r == 0 && options->most &&
	    segment->info.data_bytes != segment->info.file_bytes)
		r = rig_fail(-EINVAL,
			     "segment %s: one with a barrier does not grow",
			     name);
	if (r == 0)
		r = map(segment, options->read_only, options->most);
out:
	if (r < 0) {
		release(segment);
		return r;
	}
	segment->brief = options->brief;
	handle_add(segment);
	*out = segment;
	return 0;
}

int segment_adopt(struct rig_segment **out, const char *name,
		  const struct segment_info *info, bool read_only)
{
	struct rig_segment *segment = calloc(1, sizeof(*segment));
	int r;

	if (!segment)
		return rig_fail_errno(-ENOMEM, "segment");
	segment->info = *info;
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	r = map(segment, read_only, 0);
	if (r < 0) {
		segment->info.fd = -1;
		release(segment);
		return r;
	}
	handle_add(segment);
	*out = segment;
	return 0;
}

struct segment_info segment_info_of(const struct rig_segment *segment)
{
	struct segment_info info = segment->info;

	if (segment->grows)
		info.file_bytes = info.data_bytes = rig_segment_bytes(segment);
	return info;
}

void *rig_segment_data(const struct rig_segment *segment)
{
	return segment ? segment->data : NULL;
}

const char *rig_segment_name(const struct rig_segment *segment)
{
	return segment ? segment->name : NULL;
}

struct rig_barrier *rig_segment_barrier(const struct rig_segment *segment)
{
	return segment ? segment->barrier : NULL;
}

int rig_segment_named(const struct rig_segment *segment)
{
	struct stat status;

	if (!segment)
		return need(segment, "segment: the segment");
	return shmfile_status(segment->name, &status) == 0 &&
	       identity_same(identity_of(&status), segment->info.identity);
}

/* Does the handle answer for the name of a file that this process made? */
static bool is_maker(const struct rig_segment *segment)
{
	return segment->maker && segment->maker == process_self();
}

void rig_segment_detach(struct rig_segment *segment)
{
	if (!segment || !segment->data)
		return;
	segment->info = segment_info_of(segment);
	munmap(segment->data, segment->mapped);
	segment->data = NULL;
	segment->barrier = NULL;
	/* The maker's descriptor, and the lock with the descriptor, means that
	 * the name is not stale. */
	if (!is_maker(segment) || segment->unlinked) {
		close(segment->info.fd);
		segment->info.fd = -1;
	}
}

int rig_segment_unlink(struct rig_segment *segment)
{
	int r = need(segment, "segment: the segment");

	if (r < 0)
		return r;
	if (segment->unlinked)
		return 0;
	r = shmfile_unlink(segment->name, segment->info.identity);
	if (r < 0)
		return r;
	segment->unlinked = true;
	if (is_maker(segment) && segment->dies)
		ledger_strike(segment->info.identity);
	if (!segment->data && segment->info.fd >= 0) {
		close(segment->info.fd);
		segment->info.fd = -1;
	}
	return 0;
}

void rig_segment_destroy(struct rig_segment *segment)
{
	if (!segment)
		return;
	if (is_maker(segment) && segment->dies)
		(void)rig_segment_unlink(segment);
	handle_remove(segment);
	if (!segment->brief)
		forget_in_pools(segment->info.identity);
	release(segment);
}

int rig_segment_remove(const char *name)
{
	struct stat status;
	int r = shmfile_own(name, &status);

	if (r == 0)
		r = shmfile_unlink(name, identity_of(&status));
	if (r == 0)
		ledger_strike(identity_of(&status));
	return r;
}

size_t rig_shm_available(void)
{
	return memory_in_shm();
}

size_t rig_memory_available(void)
{
	return memory_available();
}
