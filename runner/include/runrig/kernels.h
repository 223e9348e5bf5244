/* SPDX-License-Identifier: MIT */
/*
 * kernels.h - run a kernel by its name, on data where the data lies.
 *
 *	double x[] = { 3, 1, 2 };
 *	const int64_t shape[] = { 3 };
 *	struct rig_outcome *outcome = NULL;
 *
 *	rig_kernels_register();
 *	rig_pool_create(&pool, NULL);
 *	rig_kernel_run(pool, &(struct rig_spec){
 *			.kernel = "sort",
 *			.operands = &(struct rig_operand){
 *				.data = x, .dtype = RIG_FLOAT64,
 *				.dims = 1, .shape = shape },
 *			.operand_count = 1 }, &outcome);
 *	rig_outcome_free(outcome);
 *
 * Link with -lrunrig-kernels.  Register the kernels, and load kernels of your
 * own, before making the pool: a worker has the code that the caller had when
 * the pool was made.
 *
 * Every function that fails returns a negative errno and leaves one line of
 * words in rig_why() (error.h).
 */
#ifndef RUNRIG_KERNELS_H
#define RUNRIG_KERNELS_H

#include <stdbool.h>

#include <runrig/kernel.h>
#include <runrig/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_job;
struct rig_pool;

/* Make runrig's own kernels known by their names (rig_kernel_at() of kernel.h
 * lists the known kernels).  A second call does nothing.  Returns 0, or an
 * error of rig_kernel_register().  Any thread. */
RIG_API int rig_kernels_register(void);

/* Check that the kernel keeps the contract of kernel.h, without calling any of
 * the kernel's functions.  Returns 0, or -EINVAL.  Any thread. */
RIG_API int rig_kernel_examine(const struct rig_kernel *kernel);

#define RIG_KERNEL_NAME_MAX 60

/* Whether a kernel, a parameter or an array may be called `name`: 1 to 60 of
 * a-z 0-9 -, the first no -.  Any thread. */
RIG_API bool rig_kernel_is_name(const char *name);

/* ---- the kernel, its arrays and its parameters ---- */

/*
 * An array of the kernel, and where the array lies.  At most one of segment,
 * file and data is set; an array that run writes may have none of the three,
 * and then lies in a segment that the library makes.
 *
 *	segment  the name of a segment: the array is used in place, or copied
 *	         where the kernel cannot use the elements in place: with
 *	         strides, or in the other byte order
 *	file     a .npy file: read, and never changed but where inplace is set; in
 *	         Fortran order too, and in either byte order
 *	data     memory of the caller, of `shape`: copied into a segment before the
 *	         run, and back after the run where the kernel writes the array
 */
struct rig_operand {
	const char *name; /* the array's; NULL: the first input or output of
			   * the kernel that no earlier operand has */
	const char *segment;
	const char *file;
	void *data;
	const char *output; /* a file for the verified array: .npy, or .pgm for
			     * a picture; NULL: none */

	/* A segment's array begins at byte `offset`. */
	size_t offset;
	enum rig_dtype dtype; /* segment, data: the dtype; NONE: the kernel's */
	bool swapped;         /* the items are in the other byte order */
	/* The ranks edit the file itself, for an array that the kernel reads
	 * and writes.  The file's old contents are lost from the first store
	 * on, even where the run fails.  No other run uses the file
	 * meanwhile. */
	bool inplace;
	/* Elements of each dimension.  NULL: a single dimension, to the end of
	 * the segment; data needs a shape. */
	int dims;
	const int64_t *shape;
	/* Bytes from an element to the next element of the dimension, positive
	 * or negative; NULL: C order.  A segment in another order than C is
	 * copied, and copied back where the kernel writes the array. */
	const int64_t *strides;

	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

enum rig_setting_kind { RIG_SETTING_TEXT, RIG_SETTING_INT, RIG_SETTING_REAL };

/* A parameter of the kernel.  The text is as a user would type it: 40M. */
struct rig_setting {
	const char *name;
	enum rig_setting_kind kind;
	const char *text;
	int64_t integer;
	double real;
};

/* How much of the result is proved. */
enum rig_verify {
	RIG_VERIFY_NONE,
	/* A sample of the result's blocks, drawn by a seed; a rank proves each
	 * block in full.  A kernel without a proof by blocks is proved in
	 * full. */
	RIG_VERIFY_SAMPLE,
	RIG_VERIFY_FULL
};

/* The phases of a run; see rig_spec.phase. */
enum rig_phase {
	RIG_PHASE_PREPARING,
	RIG_PHASE_RUNNING,
	RIG_PHASE_VERIFYING,
	RIG_PHASE_WRITING
};

struct rig_outcome;

struct rig_spec {
	const char *kernel; /* as registered */
	const struct rig_operand *operands;
	size_t operand_count; /* 0: the kernel makes its own data */
	const struct rig_setting *settings; /* the last has no name; or NULL */
	enum rig_verify verify;
	uint64_t seed;     /* for the sample; 0: drawn at random */
	uint64_t limit_ns; /* limit of each job: a run, a proof; 0: none */

	/* Runs in all; 0 is 1.  Only the first run works on the caller's data:
	 * later runs are for their times, and work on a copy. */
	int repeat;

	/* Memory and pages of the arrays that the library makes (segment.h). */
	const char *memory;
	enum rig_pages pages;
	bool replicate; /* each NUMA node has a copy of the read-only arrays */

	/* Called in the caller's thread as a phase begins; or NULL.  `outcome`
	 * is the call's own outcome, as far as known by then. */
	void (*phase)(void *arg, enum rig_phase phase,
		      const struct rig_outcome *outcome);
	void *phase_arg;

	/* Runs a job instead of rig_pool_run(), with the same results: a run of
	 * several hosts.  NULL: rig_pool_run(). */
	int (*run_job)(void *arg, const struct rig_job *job);
	void *run_job_arg;

	uint64_t reserved[RIG_RESERVED_WORDS - 2]; /* 0 */
};

/*
 * The arrays that kernel `name` has with the parameters `settings`, which may
 * be NULL; an array without a name ends the arrays.  Returns 0, or -EINVAL or
 * -ENOENT as rig_kernel_run().  Any thread; starts nothing.
 */
RIG_API int rig_kernel_arrays(const char *name,
			      const struct rig_setting *settings,
			      struct rig_declared *arrays);

/* ---- the outcome ---- */

/* An array of the kernel, after the run. */
struct rig_outcome_array {
	const char *name;
	enum rig_array_role role;
	struct rig_array array; /* count, dtype, ...: see kernel.h */
	int dims;               /* all dimensions, as many as shape has */
	const int64_t *shape;
	uint64_t bytes;
	size_t offset; /* where the elements begin in the segment */
	/* Where the elements lie until rig_outcome_free(); NULL before the
	 * segment is made. */
	struct rig_segment *segment;
	bool made; /* the library made the segment */
};

/* The facts of a run.  The library writes an outcome; the caller only reads. */
struct rig_outcome {
	const struct rig_kernel *kernel;
	const void *args; /* the kernel's: for rig_kernel's functions */
	int array_count;
	const struct rig_outcome_array *arrays; /* in the kernel's order */

	/* The last phase of the run; where the call failed, the failed
	 * phase. */
	enum rig_phase phase;
	bool started; /* workers were given work: pool.h has a report */
	int code;     /* 0, or the error that the call returned */

	/* The kernel's result in words, "sum = 42, ..."; or "". */
	const char *result;

	/* Wall-clock times in ns: until the run, a proof, ... */
	uint64_t load_ns, proof_ns, store_ns, wall_ns;
	int runs;                 /* runs done */
	const uint64_t *times_ns; /* the time of each run */
	bool copied;              /* runs after the first were on a copy */
	int replicated;           /* arrays of which each node has a copy */

	/* The proof. */
	enum rig_verify verify; /* NONE: nothing was proved */
	bool verified;          /* proved, and found right */
	uint64_t blocks;        /* the result's; 0: proved as a whole */
	uint64_t covered;       /* blocks proved */
	uint64_t seed;

	/* The barrier of the runs: the barrier's segment (NULL: the team's own
	 * barrier), the epochs, and how often a rank slept. */
	const char *barrier_segment;
	uint64_t epochs, blocked;

	/* Arrays for which /dev/shm or memory has no room lie in files without
	 * a name: the bytes of these files, and their folder, which is the
	 * first output's or the edited file's folder, else $TMPDIR, else /tmp.
	 * 0 and NULL: none. */
	uint64_t disk_bytes;
	const char *disk_folder;

	uint64_t reserved[RIG_RESERVED_WORDS - 2]; /* 0 */
};

/*
 * Check all that can be checked before anything is made: the parameters, the
 * files, the segments, dtypes, shapes and sizes.  Sets *outcome, which is the
 * caller's to free, with the arrays as a run would have them: an output's dtype
 * and shape are known now.  Returns 0, or as rig_kernel_run(); then *outcome is
 * NULL.  Any thread; starts no process.  A file that is to be edited is locked
 * until the outcome is freed, and holes in the file are given room.
 */
RIG_API int rig_kernel_check(const struct rig_spec *spec,
			     struct rig_outcome **outcome);

/*
 * Run a kernel once, on the workers of `pool`, and prove the result.
 *
 * Returns 0, or
 *
 *	-EINVAL   the words of the caller do not fit the kernel or each other; a
 *	          reserved field is not 0
 *	-ENOENT   no kernel of that name is registered; no such file or segment
 *	-EBADMSG  the result was proved wrong: no output was written
 *	-ENOSPC   no room for the arrays, or for an output
 *	-EBUSY    a file that is to be edited is being edited by another run
 *	-EPROTO   a file is no array that is supported
 *	or what opening, reading or writing a file said, or rig_pool_run()
 *
 * The caller frees *outcome, also where the call fails: outcome->phase then
 * says which phase failed.  *outcome is NULL where nothing is known.  The pool
 * must outlive the outcome.  Any thread; waits until all is done.
 */
RIG_API int rig_kernel_run(struct rig_pool *pool, const struct rig_spec *spec,
			   struct rig_outcome **outcome);

enum rig_number_kind { RIG_NUMBER_INT, RIG_NUMBER_UINT, RIG_NUMBER_REAL };

/* A number of a kernel's result. */
struct rig_number {
	enum rig_number_kind kind; /* INT: integer is exact; UINT: natural is */
	int64_t integer;
	uint64_t natural;
	double real; /* the nearest double, in any case */
};

/* The number called `name` in the result: "sum", "min", ...  Returns 0, or
 * -ENOENT where the result has no such name, or the value is no number. */
RIG_API int rig_outcome_get(const struct rig_outcome *outcome, const char *name,
			    struct rig_number *number);

/* The value of parameter `index` as a user would type the value; writes and
 * returns as snprintf(). */
RIG_API int rig_outcome_setting(const struct rig_outcome *outcome, int index,
				char *text, size_t bytes);

/* The bytes of array `index` that rank `rank` of `size` owns: at most
 * RIG_SPANS_MAX spans.  Returns the number of spans. */
RIG_API int rig_outcome_owns(const struct rig_outcome *outcome, int index,
			     int rank, int size, struct rig_span *spans);

/* The private memory of a team of `size` ranks in the run, in bytes. */
RIG_API size_t rig_outcome_private_bytes(const struct rig_outcome *outcome,
					 int size);

/* Remove the library's segments, and free the outcome.  NULL is allowed. */
RIG_API void rig_outcome_free(struct rig_outcome *outcome);

/*
 * Remove the unfinished files of .output that runs of this process have begun:
 * for the handler of a signal that is to end the process.  A file system with
 * O_TMPFILE needs no such call.  Any thread, any signal handler; never waits.
 */
RIG_API void rig_outputs_remove(void);

/* ---- element types ---- */

#define RIG_DTYPE_CODE_BYTES 8

/* NumPy's name of a dtype, "float64", and the bytes of an item; "none" and 0
 * for a number that is no dtype.  Any thread. */
RIG_API const char *rig_dtype_name(enum rig_dtype dtype);
RIG_API uint32_t rig_dtype_bytes(enum rig_dtype dtype);

/* The dtype of a name or of NumPy's code ("<f8"): sets dtype, item_bytes and
 * swapped of `array`.  Returns 0, or -EINVAL. */
RIG_API int rig_dtype_parse(const char *text, struct rig_array *array);

/* NumPy's code of the dtype, "<f8"; returns `text`. */
RIG_API char *rig_dtype_code(const struct rig_array *array,
			     char text[RIG_DTYPE_CODE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
