/* SPDX-License-Identifier: MIT */
/*
 * kernel_run.h - a kernel rigged up: its arguments, its arrays, a pool to run on.
 *
 *	kernel_run_init()     the kernel, with its defaults
 *	kernel_run_set()      a parameter, from NAME=VALUE
 *	kernel_run_declare()  arrays as the parameters have it
 *	kernel_run_give()     an array of the user's
 *	kernel_run_check()    all of it together; counts and sizes are known now
 *	kernel_run_make()     segments for the arrays, each rank owning its part
 *	kernel_run_prepare()  or kernel_run_digest() for the user's data, then
 *	kernel_run_run()      as often as you like; digest again; and
 *	kernel_run_verify()
 *	kernel_run_finish()
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
	bool shortened;   /* by the first run */
	struct rig_segment *segment; /* that we made; NULL: none */
	size_t made;                 /* bytes that were asked for then */
	bool on_disk;                /* in a file without a name (disk.h) */
};

struct kernel_run {
	/* As registered, and so at the same address in every worker; and as the
	 * parameters make the arrays: `own`, or the same. */
	const struct rig_kernel *registered, *kernel;
	struct rig_kernel own;
	struct rig_declared *declared; /* NULL: the arrays are fixed */
	struct rig_pool *pool;         /* not ours */
	void *args;                    /* kernel->args_bytes */
	int count;                     /* of arrays */
	struct rigged_array arrays[RIG_ARRAYS_MAX];
	uint64_t limit_ns;  /* of each job: preparing, a run, ...; 0: none */
	const char *memory; /* of the segments it makes; see segment.h */
	enum rig_pages pages;
	bool replicated;    /* what is only read is read on each node */
	const char *folder; /* of arrays on disk */
	/* The segments that it makes may have served another run, and are kept
	 * for the next one (spare.h): their bytes are what was left there. */
	bool spares;
	/* Runs a job; NULL: rig_pool_run(). */
	int (*run_job)(void *arg, const struct rig_job *job);
	void *run_job_arg;
	char why[WHY_BYTES];
};

/* -EINVAL where the kernel itself is malformed, which one from a file may be. */
int kernel_run_init(struct kernel_run *run, const struct rig_kernel *kernel);

int kernel_run_set(struct kernel_run *run, const char *word);

/* The arrays are now those of the parameters (rig_kernel.declare).  No array is
 * given yet, or the parameters are as they were. */
int kernel_run_declare(struct kernel_run *run);

/* Parameters, each at most once; `words` ends with a NULL. */
int kernel_run_set_all(struct kernel_run *run, char *const *words);

/* What the runner says of array `index`. */
struct rig_array *kernel_run_array(const struct kernel_run *run, int index);

/* Array `index` is the user's: `what` it is, and in which segment, from which
 * byte on; name NULL: kernel_run_make() makes one, to be filled by you. */
void kernel_run_give(struct kernel_run *run, int index,
		     const struct rig_array *what, const char *name,
		     size_t offset);

/* The user's data, or generated? */
bool kernel_run_has_inputs(const struct kernel_run *run);

int kernel_run_check(struct kernel_run *run);

/* Private memory that all ranks of a team of `size` take in a run, in bytes. */
size_t kernel_run_private_bytes(const struct kernel_run *run, int size);

/* Which bytes of array `index` rank `rank` of `size` owns: at most
 * RIG_SPANS_MAX spans; returns how many. */
int kernel_run_owns(const struct kernel_run *run, int index, int rank, int size,
		    struct rig_span *spans);

/* -ENOEXEC where the kernel says nonsense of who owns what. */
int kernel_run_make(struct kernel_run *run, struct rig_pool *pool);

/* From now on leave the user's segments alone and work on copies of those that
 * the kernel may write. */
int kernel_run_copy(struct kernel_run *run);

int kernel_run_prepare(struct kernel_run *run);
/* From now on each NUMA node reads a copy of its own of what the kernel only
 * reads.  Returns how many arrays that are; their names, "b, c", to `names`. */
int kernel_run_replicate(struct kernel_run *run, char *names, size_t bytes);
int kernel_run_digest(struct kernel_run *run, bool after);
int kernel_run_run(struct kernel_run *run);
int kernel_run_verify(struct kernel_run *run);

/* A job of the kernel's arguments over its arrays, and `more` behind them
 * (NULL: none). */
int kernel_run_job(struct kernel_run *run, rig_kernel_fn *fn,
		   const struct rig_segment *more);

/* Removes the segments it made, and frees.  Twice is once. */
void kernel_run_finish(struct kernel_run *run);

#endif
