/* SPDX-License-Identifier: MIT */
/*
 * kernel_run.h - a kernel made ready: its arguments, its arrays and a pool.
 *
 *	kernel_run_init()     the kernel, with its defaults
 *	kernel_run_set()      a parameter, from NAME=VALUE
 *	kernel_run_declare()  the arrays, by the parameters
 *	kernel_run_give()     an array of the user's
 *	kernel_run_check()    all together; counts and sizes are known now
 *	kernel_run_make()     segments for the arrays, each rank owning its part
 *	kernel_run_prepare()  or kernel_run_digest() for the user's data, then
 *	kernel_run_run()      as often as you like; digest again; and
 *	kernel_run_verify()
 *	kernel_run_finish()
 *
 * A kernel run knows nothing of files, time or output.  Functions return 0 or a
 * negative errno with a line of words in `why`; jobs return as rig_pool_run().
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
	const char *name; /* the user's segment; NULL: the run makes one */
	size_t offset;    /* where the elements begin, in bytes */
	size_t bytes;     /* bytes of the elements; known once checked */
	bool shortened;   /* by the first run */
	struct rig_segment *segment; /* made by the run; NULL: none */
	size_t made;                 /* bytes of the segment when it was made */
	bool on_disk;                /* in a file without a name (disk.h) */
	bool in_output;              /* in the file that becomes the output */
};

struct kernel_run {
	/* `registered` has the same address in every worker.  `kernel` has the
	 * arrays that the parameters make: `own`, or `registered`. */
	const struct rig_kernel *registered, *kernel;
	struct rig_kernel own;
	struct rig_declared *declared; /* NULL: the arrays are fixed */
	struct rig_pool *pool;         /* owned by the caller */
	void *args;                    /* kernel->args_bytes */
	int count;                     /* number of arrays */
	struct rigged_array arrays[RIG_ARRAYS_MAX];
	uint64_t limit_ns;  /* of each job: preparing, a run, ...; 0: none */
	const char *memory; /* memory of the run's segments; see segment.h */
	enum rig_pages pages;
	bool replicated;    /* nodes have copies of read-only arrays */
	const char *folder; /* folder of the arrays on disk */
	/* The run's segments may have served an earlier run, and are kept for
	 * the next run (spare.h): the bytes of the earlier run are still
	 * there. */
	bool spares;
	/* Runs a job; NULL: rig_pool_run(). */
	int (*run_job)(void *arg, const struct rig_job *job);
	void *run_job_arg;
	char why[WHY_BYTES];
};

/* -EINVAL where the kernel itself is malformed, as a kernel from a file may
 * be. */
int kernel_run_init(struct kernel_run *run, const struct rig_kernel *kernel);

int kernel_run_set(struct kernel_run *run, const char *word);

/* Make the arrays of the parameters (rig_kernel.declare).  Called before any
 * array is given, or again with the same parameters. */
int kernel_run_declare(struct kernel_run *run);

/* Parameters, each at most once; `words` ends with a NULL. */
int kernel_run_set_all(struct kernel_run *run, char *const *words);

/* The runner's description of array `index`. */
struct rig_array *kernel_run_array(const struct kernel_run *run, int index);

/* Array `index` is the user's: `what` describes the array, which begins at byte
 * `offset` of segment `name`.  NULL: kernel_run_make() makes a segment, and the
 * caller fills it. */
void kernel_run_give(struct kernel_run *run, int index,
		     const struct rig_array *what, const char *name,
		     size_t offset);

/* The user's data, or generated? */
bool kernel_run_has_inputs(const struct kernel_run *run);

int kernel_run_check(struct kernel_run *run);

/* Private memory of all ranks of a team of `size` together in a run, in
 * bytes. */
size_t kernel_run_private_bytes(const struct kernel_run *run, int size);

/* The bytes of array `index` that rank `rank` of `size` owns: at most
 * RIG_SPANS_MAX spans.  Returns the number of spans. */
int kernel_run_owns(const struct kernel_run *run, int index, int rank, int size,
		    struct rig_span *spans);

/* -ENOEXEC where the kernel's answers about owners make no sense. */
int kernel_run_make(struct kernel_run *run, struct rig_pool *pool);

/* From now on leave the user's segments alone, and work on copies of the
 * segments that the kernel may write. */
int kernel_run_copy(struct kernel_run *run);

int kernel_run_prepare(struct kernel_run *run);
/* From now on each NUMA node reads its own copy of the arrays that the kernel
 * only reads.  Returns the number of these arrays; their names, "b, c", go to
 * `names`. */
int kernel_run_replicate(struct kernel_run *run, char *names, size_t bytes);
int kernel_run_digest(struct kernel_run *run, bool after);
int kernel_run_run(struct kernel_run *run);
int kernel_run_verify(struct kernel_run *run);

/* A job with the kernel's arguments over its arrays, and `more` behind the
 * arrays (NULL: none). */
int kernel_run_job(struct kernel_run *run, rig_kernel_fn *fn,
		   const struct rig_segment *more);

/* Remove the run's segments, and free.  A second call does nothing. */
void kernel_run_finish(struct kernel_run *run);

#endif
