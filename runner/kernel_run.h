/* SPDX-License-Identifier: MIT */
/*
 * kernel_run.h - a kernel rigged up: its arguments, its arrays, a pool to run on.
 *
 *	rigging_init()     the kernel, with its defaults
 *	rigging_set()      a parameter, from NAME=VALUE
 *	rigging_give()     an array of the user's
 *	rigging_check()    all of it together; counts and sizes are known now
 *	rigging_make()     segments for the arrays, each rank owning its part
 *	rigging_prepare()  or rigging_digest() for the user's data, then
 *	rigging_run()      as often as you like; digest again; and
 *	rigging_verify()
 *	rigging_finish()
 *
 * It knows nothing of files, time or output.  Functions return 0 or a negative
 * errno with one line of words in `why`; jobs return what rig_pool_run() does.
 */
#ifndef KERNELS_KERNEL_RUN_H
#define KERNELS_KERNEL_RUN_H

#include <stdbool.h>

#include <runrig/kernel.h>
#include <runrig/pool.h>
#include <runrig/segment.h>

#include <runner/arguments.h>

/* In this process. */
struct rigged_array {
	bool given;       /* the user's data */
	const char *name; /* of the user's segment; NULL: we make one */
	size_t offset;    /* of the elements in it, in bytes */
	size_t bytes;     /* of the elements; known once checked */
	struct rig_segment *segment; /* that we made; NULL: none */
};

struct rigging {
	const struct rig_kernel *kernel;
	struct rig_pool *pool; /* not ours */
	void *args;            /* kernel->args_bytes */
	int count;             /* of arrays */
	struct rigged_array arrays[RIG_ARRAYS_MAX];
	uint64_t limit_ns;  /* of each job: preparing, a run, ...; 0: none */
	const char *memory; /* of the segments it makes; see segment.h */
	enum rig_pages pages;
	bool replicated; /* what is only read is read on each node */
	char why[WHY_BYTES];
};

/* -EINVAL where the kernel itself is malformed, which one from a file may be. */
int rigging_init(struct rigging *rigging, const struct rig_kernel *kernel);

int rigging_set(struct rigging *rigging, const char *word);

/* Parameters, each at most once; `words` ends with a NULL. */
int rigging_set_all(struct rigging *rigging, char *const *words);

/* What the runner says of array `index`. */
struct rig_array *rigging_array(const struct rigging *rigging, int index);

/* Array `index` is the user's: `what` it is, and in which segment, from which
 * byte on; name NULL: rigging_make() makes one, to be filled by you. */
void rigging_give(struct rigging *rigging, int index,
		  const struct rig_array *what, const char *name,
		  size_t offset);

/* The user's data, or generated? */
bool rigging_given(const struct rigging *rigging);

int rigging_check(struct rigging *rigging);

/* Private memory that all ranks of a team of `size` take in a run, in bytes. */
size_t rigging_private_bytes(const struct rigging *rigging, int size);

/* Which bytes of array `index` rank `rank` of `size` owns: at most
 * RIG_SPANS_MAX spans; returns how many. */
int rigging_owns(const struct rigging *rigging, int index, int rank, int size,
		 struct rig_span *spans);

/* -ENOEXEC where the kernel says nonsense of who owns what. */
int rigging_make(struct rigging *rigging, struct rig_pool *pool);

/* From now on leave the user's segments alone and work on copies of those that
 * the kernel may write. */
int rigging_copy(struct rigging *rigging);

int rigging_prepare(struct rigging *rigging);
/* From now on each NUMA node reads a copy of its own of what the kernel only
 * reads.  Returns how many arrays that are; their names, "b, c", to `names`. */
int rigging_replicate(struct rigging *rigging, char *names, size_t bytes);
int rigging_digest(struct rigging *rigging, bool after);
int rigging_run(struct rigging *rigging);
int rigging_verify(struct rigging *rigging);

/* Removes the segments it made, and frees.  Twice is once. */
void rigging_finish(struct rigging *rigging);

#endif
