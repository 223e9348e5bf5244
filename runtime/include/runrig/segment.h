/* SPDX-License-Identifier: MIT */
/*
 * segment.h - named shared memory, as Python's SharedMemory.
 *
 * A segment is a file in /dev/shm of mode 0600.  A *plain* segment is exactly its
 * bytes: CPython and any other program can attach, and it may grow while others
 * have it.  A segment made for a pool, or
 * for a number of parties, has a page after the bytes (the trailer) that holds a
 * barrier.
 *
 * No half-made segment ever has a name: a segment is made without a name, sized,
 * reserved, zeroed, locked, and named last.  An attacher sees the whole segment or
 * -ENOENT.
 *
 * The name is removed by the maker's rig_segment_destroy(), by anyone of the same
 * user with rig_segment_unlink(), and, when the maker dies without either, by the
 * warden of any pool of the maker or by `runrig clean`.  Attaching never makes an
 * owner, and a failed attach removes nothing.  A segment made with .keep outlives
 * the maker.  The memory goes when the name is gone and the last mapping too.
 *
 * Where Python's SharedMemory is wrong:
 *
 *	a failed attach removes the name      here the name stays
 *	an attacher becomes an owner, and     attaching never makes an owner
 *	takes the name away when it exits
 *	a segment that its maker has not      -ENODATA, waited for until a
 *	sized is an error like any other,     deadline; rig_segment_remove()
 *	and cannot be removed                 removes the name like any other
 *	a segment whose name was removed or   the segment stays usable, unlinking
 *	taken is not told so, and unlinking   leaves the other segment alone, and
 *	removes the other segment             rig_segment_named() tells
 *	a second unlink fails; close fails    everything may be called twice
 *	while a view is out
 *	no room is a SIGBUS at first touch    -ENOSPC from create
 *
 * Nobody can prevent a SIGBUS where somebody else makes a file *shorter*: the first
 * touch of a lost byte is a SIGBUS.  In a kernel the SIGBUS is a report (see
 * pool.h).
 *
 * Every process makes its own handle from the name.  A handle belongs to the
 * process that made it; any thread may use a handle, a single thread at a time.
 */
#ifndef RUNRIG_SEGMENT_H
#define RUNRIG_SEGMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_barrier;
struct rig_pool;
struct rig_segment; /* in this process */

/* The kind of pages for a segment's bytes. */
enum rig_pages {
	RIG_PAGES_BASE,
	RIG_PAGES_HUGE /* huge ones, as far as they are to be had */
};

struct rig_segment_options {
	/* create: populate the segment by this pool's pinned workers, each
	 * worker its part, and add a trailer with a barrier for the team. */
	struct rig_pool *pool;

	/* create, with .pool: the parts of the ranks; NULL: an equal block a rank. */
	rig_spans_fn *spans;
	const void *spans_args;
	size_t spans_args_bytes; /* at most RIG_ARGS_MAX / 2 */

	/* create: a trailer with a barrier for so many unrelated processes. */
	int parties;

	/* create: outlive the maker; removed by an unlink and nothing else. */
	bool keep;

	/* attach: map it read-only. */
	bool read_only;

	/* attach: the handle is for a moment.  Pools that run over the segment
	 * keep the segment mapped when the handle is destroyed, as they do where
	 * this process has no handle at all (pool.h): the next run is as fast as
	 * if the handle had stayed. */
	bool brief;

	/* attach: how long to wait for a foreign segment that exists but is
	 * not ready; absolute CLOCK_MONOTONIC, 0: do not wait. */
	uint64_t deadline_ns;

	/*
	 * create: the NUMA nodes of the pages, whoever touches a page first.
	 * NULL or "local": the node of the toucher, which with .pool is the
	 * owning rank; "interleave": page after page round the nodes with
	 * usable cores; "bind:0,2-3": only these nodes (logical numbers, as
	 * printed by `runrig topo`).
	 */
	const char *memory;

	/* create: what pages; rig_segment_huge_bytes() tells what was got. */
	enum rig_pages pages;

	/*
	 * create, attach: the most bytes that this handle is ever to see, for a
	 * plain segment that grows (rig_segment_grow()).  Address space for so
	 * many bytes is reserved now, no memory.  0, or fewer bytes than there
	 * are: the handle has the bytes that are there now, and no more.
	 */
	size_t most;

	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/* A segment as it is handed to a job (pool.h) or a map (map.h): by name, with an
 * optional window. */
struct rig_handed {
	const char *name;
	size_t offset; /* the window's first byte */
	size_t bytes;  /* its length; 0: to the end */
	bool read_only;
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/*
 * Create a segment of `bytes` zeroed bytes under `name`, and attach to it.
 *
 *	name     1 to RIG_NAME_MAX of A-Z a-z 0-9 . _ -, neither starting with
 *	         a dot nor with "sem."; or NULL: "rig-" and 32 random hex digits
 *	bytes    at least 1; the memory is reserved now, not at first touch
 *	options  NULL: a plain segment that dies with its maker
 *
 * Returns 0 and sets *segment.  On failure *segment is untouched, nothing is
 * left behind, and the result is
 *
 *	-EINVAL  name or bytes is out of range, memory is not one of the above or
 *	         names a node without memory
 *	-EEXIST  the name is taken
 *	-ENOSPC  /dev/shm, the memory this process may use, or the nodes it is to
 *	         be bound to, are too small
 *	-EPERM   memory is not "local", and a container forbids mbind
 *	-EFBIG   RLIMIT_FSIZE is smaller
 *	or what open, mmap, flock or linkat said, or rig_pool_run() with .pool
 *
 * Waits, with .pool, until a run in progress on that pool has ended.
 */
RIG_API int rig_segment_create(struct rig_segment **segment, const char *name,
			       size_t bytes,
			       const struct rig_segment_options *options);

/*
 * Attach to the segment called `name`, whoever made the segment.
 *
 * Returns 0 and sets *segment.  On failure *segment and the name are untouched
 * and the result is
 *
 *	-EINVAL   the name is malformed
 *	-ENOENT   there is no segment of the name
 *	-EACCES   the file is another user's, open to others, a link, or no file
 *	-ENODATA  the file is empty: the maker has not sized the segment (waited
 *	          for until options->deadline_ns)
 *	-EPROTO   the trailer is of another layout or damaged
 *	or the error of open, mmap or flock
 */
RIG_API int rig_segment_attach(struct rig_segment **segment, const char *name,
			       const struct rig_segment_options *options);

/*
 * A file of any file system as a segment: all of its bytes as they are now, in
 * place.  The handle's name stands for the file in jobs of this process, and
 * nobody else can attach by it.  Of the options .read_only alone counts; NULL:
 * the file is mapped to be written as well, which changes the file itself.
 *
 * Pages are read as somebody touches them, and the system may drop them again:
 * the file may be larger than memory.  A worker that touches what somebody has
 * cut off the file meanwhile, or writes into a hole on a full disk, ends with a
 * report; the caller's own touch would be the caller's SIGBUS.
 *
 * Returns 0 and sets *segment, which rig_segment_destroy() frees; the file
 * stays.  Or -EACCES: not a regular file, -ENODATA: it is empty, or what open,
 * fstat or mmap said.
 */
RIG_API int rig_segment_open_file(struct rig_segment **segment,
				  const char *path,
				  const struct rig_segment_options *options);

/*
 * Make a plain segment `bytes` bytes long, for everybody who has the segment: the
 * new bytes are zero, and their memory is reserved before the size changes.  A
 * segment never becomes shorter: where it is `bytes` bytes long already, or longer,
 * nothing happens.  `segment` was made or attached with .most.
 *
 * Nothing moves.  Every handle with .most sees the new bytes at once, behind the
 * old ones, and rig_segment_bytes() tells their number; other handles, and
 * Python's SharedMemory, keep the size that they began with until they attach
 * again.  A run has the size that the segment had when the run began.  Any
 * number of processes may grow a segment at the same time, and one that is killed
 * meanwhile leaves the old size or the new one.
 *
 * The size is the file's, so a segment that Python has made grows as well.  Bytes
 * between the old end and the end of its page are zero unless a program has
 * written past the end.
 *
 * Any thread; waits for the memory, with all signals held back.  Returns 0, or,
 * with the size unchanged,
 *
 *	-EINVAL  the handle has no .most, is read-only or is detached
 *	-EFBIG   bytes is more than .most, or than RLIMIT_FSIZE
 *	-ENOSPC  /dev/shm, or the memory this process may use, is too small
 *	or what fallocate said: -EOPNOTSUPP where a sandbox lacks the call
 */
RIG_API int rig_segment_grow(struct rig_segment *segment, size_t bytes);

/* The bytes, their number, the name.  Any thread; never wait.  The data is
 * NULL after detach; bytes and name stay valid until destroy.  The number of a
 * handle with .most is the number now, at most .most: it asks the system (fstat)
 * each time, and it may grow at any moment. */
RIG_API void *rig_segment_data(const struct rig_segment *segment);
RIG_API size_t rig_segment_bytes(const struct rig_segment *segment);
RIG_API const char *rig_segment_name(const struct rig_segment *segment);

/* The barrier in the trailer, or NULL where there is none, or it is mapped
 * read-only. */
RIG_API struct rig_barrier *rig_segment_barrier(
	const struct rig_segment *segment);

/*
 * Does the name still lead to this segment?  1: yes; 0: someone removed it, or
 * another segment has it now (the handle stays usable all the same).
 */
RIG_API int rig_segment_named(const struct rig_segment *segment);

/* The bytes begin, begin + 1, ... end - 1 of a segment lie on one node. */
struct rig_home {
	size_t begin, end;
	int node; /* logical; -1: they have no page in memory now */
};

/*
 * Ask the kernel for the node of each part of the segment: neighbouring pages on
 * the same node are a home.  Writes the first `max` homes to homes, and returns the
 * number of homes (interleaved memory has a home a page).  Without the trailer.
 * Gives no page a home.  Any thread; or
 *
 *	-EINVAL  the handle is detached, and no longer knows the segment
 *	-EPERM   a container forbids move_pages
 *	or mmap's error
 */
RIG_API ssize_t rig_segment_where(const struct rig_segment *segment,
				  struct rig_home *homes, size_t max);

/*
 * Ask the kernel how many of the segment's bytes lie on huge pages.  Any
 * thread.  Or -EINVAL: the handle is detached, -ENODATA: parts of the segment
 * have no page yet, or what mmap said, or opening /proc/self/smaps.
 */
RIG_API ssize_t rig_segment_huge_bytes(const struct rig_segment *segment);

/* Unmap the bytes; the handle and the name stay.  Twice is once. */
RIG_API void rig_segment_detach(struct rig_segment *segment);

/*
 * Remove the name; the bytes stay, for whoever is attached.  Twice is once.
 *
 * Returns 0, also where the name is already gone or now another segment's
 * (which is left alone), or what unlink said.
 */
RIG_API int rig_segment_unlink(struct rig_segment *segment);

/*
 * Detach, remove the name if this process made the segment without .keep, and
 * free the handle.  NULL is allowed.  Pools unmap the segment too: at once, or when
 * their run has ended.
 */
RIG_API void rig_segment_destroy(struct rig_segment *segment);

/* Remove `name` whoever of this user made it, whatever the file's mode is: the
 * content is not looked at.  Any name that a program can make will do (see
 * attach).  Returns 0, -EINVAL, -ENOENT,
 * -EACCES (another user's, or no segment), or what unlink said. */
RIG_API int rig_segment_remove(const char *name);

/* The bytes free in /dev/shm; 0 where it cannot be told.  Any thread; never
 * waits. */
RIG_API size_t rig_shm_available(void);

/* The bytes of memory that this process and its workers can still have, by the
 * machine and by its control groups; SIZE_MAX where the system does not tell.  Any
 * thread; reads /proc and the control groups' files. */
RIG_API size_t rig_memory_available(void);

#ifdef __cplusplus
}
#endif

#endif
