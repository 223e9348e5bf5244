/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - the contract of a kernel that can be named, tuned and checked.
 *
 * A kernel states its parameters, its arrays, the part of each array that a
 * rank owns, how to make input, how to run and how to prove the result.  A
 * kernel knows nothing of timing, printing or files: `runrig run`, rigbench and
 * the tests time, print and store in the same way for every kernel.
 *
 * A run is some jobs over the same segments, with the same arguments:
 *
 *	prepare  make input; each rank writes its own part      (generated data)
 *	digest   sum up the output to be, from the input        (the user's data)
 *	run      the work
 *	digest   again, args->after set: sum up the output      (the user's data)
 *	verify   0, or rig_team_fail(team, -EBADMSG, "what is wrong where")
 *
 * Every rank leaves RIG_DIGEST_WORDS words of a digest in its result; the words
 * of all ranks are added up (mod 2^64) for verify.
 *
 * A run that lasts calls rig_team_progress() now and then: a terminal shows
 * the user how far the run has come.
 *
 * The arguments of the jobs are a struct whose first member is struct
 * rig_kernel_args, followed by the kernel's own parameters.
 */
#ifndef RUNRIG_KERNEL_H
#define RUNRIG_KERNEL_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/dtype.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of struct rig_kernel that this header describes. */
#define RIG_KERNEL_VERSION 1

#define RIG_ARRAYS_MAX   16
#define RIG_DIMS_MAX     4 /* dimensions in rig_array.shape */
#define RIG_DIGEST_WORDS 8
#define RIG_ITEM_MAX     20  /* bytes of rig_kernel.item */
#define RIG_TEXT_BYTES   128 /* bytes of a RIG_PARAM_TEXT, the NUL included */

/* The runner's description of an array. */
struct rig_array {
	uint64_t count;      /* elements */
	uint32_t item_bytes; /* bytes of an element */
	uint32_t dtype;      /* enum rig_dtype */
	uint32_t swapped;    /* 1: in the other byte order than the machine's */
	/* The number of dimensions of the user's array.  An array of more than
	 * RIG_DIMS_MAX dimensions has the product of the first dimensions in
	 * shape[0]; an array that prepare makes has 0 dimensions. */
	uint32_t dims;
	int64_t shape[RIG_DIMS_MAX];   /* elements of each dimension */
	int64_t strides[RIG_DIMS_MAX]; /* bytes to a dimension's next element */
};

struct rig_kernel_args {
	struct rig_array arrays[RIG_ARRAYS_MAX];
	uint64_t digest[RIG_DIGEST_WORDS]; /* all ranks', before the run */
	uint64_t found[RIG_DIGEST_WORDS];  /* all ranks', after the run */
	uint32_t given; /* 1: the user's data, 0: made by prepare */
	uint32_t after; /* 1: digest is called after the run */
	/* The runner's: later versions take fields from these words. */
	uint64_t reserved[RIG_RESERVED_WORDS];
};

enum rig_param_kind {
	RIG_PARAM_SIZE,   /* size_t: 40M (10^6), 64Ki (2^10) */
	RIG_PARAM_INT,    /* int64_t */
	RIG_PARAM_REAL,   /* double */
	RIG_PARAM_CHOICE, /* uint32_t: the index of a word in `choices` */
	RIG_PARAM_TEXT    /* char[RIG_TEXT_BYTES]: printable, terminated */
};

/* A parameter: NAME=VALUE on the command line, a field of the arguments. */
struct rig_param {
	const char *name; /* spelled like a kernel's name */
	const char *help; /* a single line */
	enum rig_param_kind kind;
	size_t offset;        /* where the arguments have the field, in bytes */
	const char *fallback; /* the default, as a user would type the value */
	double min, max;      /* SIZE, INT and REAL: the limits, inclusive */
	const char *choices;  /* CHOICE: the words, "swap copy" */
	/* Bytes of the field of a TEXT; 0: RIG_TEXT_BYTES. */
	uint64_t bytes;
	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/* The part that an array plays; RIG_INOUT is both bits. */
enum rig_array_role {
	/* The kernel's own: the user never sees the array.  In a run over the
	 * user's data a scratch or output array holds zeros, or the bytes that
	 * another run left there. */
	RIG_SCRATCH = 0,
	RIG_INPUT = 1,  /* read, and never written by run */
	RIG_OUTPUT = 2, /* every element is written by run */
	RIG_INOUT = 3   /* read and then written, in place */
};

/* An array that a kernel works on: a segment. */
struct rig_array_spec {
	const char *name; /* --input NAME=FILE; spelled like a kernel's name */
	enum rig_array_role role;
	enum rig_dtype dtype; /* the dtype that prepare makes; the default */
	bool any_dtype;       /* takes the user's data of any dtype */
	bool any_byte;        /* takes user data that is not aligned */
	bool any_order; /* an input is taken in whichever order the elements
			 * lie, Fortran's too: `strides` tells the order */
	/* The run may shorten the array.  Rank 0 leaves the final number of
	 * elements in word `index` of its result, an array of RIG_ARRAYS_MAX
	 * uint64_t. */
	bool shortens;
	/* An optional input may be left out; the array then has no element: its
	 * `dims` and its `count` are 0.  The function `count` below is NULL for
	 * an optional input.  An optional output is an output that few users
	 * ask for.  The command never gives a file without an array's name to
	 * an optional array. */
	bool optional;
	/* true: the kernel takes elements in the other byte order in place;
	 * false: the kernel gets a copy in this machine's order. */
	bool any_endian;
	/* Elements of a generated array with the arguments `args`. */
	uint64_t (*count)(const void *args);
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/* Bytes of the name of a declared array, the terminator included. */
#define RIG_DECLARED_BYTES 64

/* The arrays of a kernel whose parameters name the arrays (rig_kernel.declare).
 * The struct has the names itself: specs[i].name points to names[i]. */
struct rig_declared {
	struct rig_array_spec specs[RIG_ARRAYS_MAX + 1]; /* the last: no name */
	char names[RIG_ARRAYS_MAX][RIG_DECLARED_BYTES];
};

struct rig_kernel {
	uint32_t version;     /* RIG_KERNEL_VERSION */
	const char *name;     /* at most 60 of a-z 0-9 -, the first no - */
	const char *summary;  /* a single line, no full stop */
	const char *verified; /* how the result is verified, a single line */
	const struct rig_param *params;      /* the last has no name */
	const struct rig_array_spec *arrays; /* likewise; at most 16 */
	size_t args_bytes;

	/* Check the parameters against each other and against the sizes of the
	 * arrays, and clip parameters that are relative to an array's size.
	 * Returns 0, or -EINVAL with the words in why.  Where an output is not
	 * given (`dims` is 0), check may set the output's dtype, `dims` and
	 * `shape`; the elements are counted afterwards. */
	int (*check)(void *args, char *why, size_t why_bytes);

	/* Bytes that a run moves to or from memory, and floating-point
	 * operations of a run; 0 where the figure means nothing.
	 * Write-allocate traffic is not counted. */
	double (*bytes_moved)(const void *args);
	double (*flops)(const void *args);

	/* Another amount of work, for a rate: how many items a run works
	 * through, and the name of an item, "keys".  `data` is as in result,
	 * but NULL before the run; items returns 0 where the number is not
	 * known before the run. */
	double (*items)(const void *args, void *const data[]);
	const char *item;

	/* The bytes of array `index` that rank `rank` owns (see rig_spans_fn);
	 * no two ranks own a byte.  NULL: each rank owns an equal block of
	 * elements. */
	int (*owns)(const void *args, int index, size_t bytes, int rank,
		    int size, struct rig_span *spans);

	/* The most private memory that a rank allocates in any of the jobs
	 * above, in bytes.  Where ranks differ, `size` times the figure is
	 * enough for all ranks together. */
	size_t (*private_bytes)(const void *args, int size);

	rig_kernel_fn *prepare; /* NULL: the kernel needs no input */
	rig_kernel_fn *digest;  /* NULL: verify cannot judge the user's data */
	rig_kernel_fn *run;
	rig_kernel_fn *verify; /* NULL: not verified, and the user is told */

	/*
	 * A proof by blocks, for a run over the user's data.  The result has
	 * blocks(args) blocks; prove(team, block, before) returns 0 where block
	 * `block` of the result follows from the input, or fails like verify.
	 * A single rank calls prove, so prove calls no collective function.
	 * The last block is in every sample: the last block proves the parts of
	 * the result that hold the other blocks together.
	 *
	 * Where run writes over its input, keeps(args, block) tells the
	 * elements of the array `kept` that prove needs with their values from
	 * before the run, and `before` points to a copy of these elements;
	 * `before` is NULL where keeps is NULL.
	 *
	 * blocks is NULL: verify proves the result as a whole.
	 */
	uint64_t (*blocks)(const void *args);
	struct rig_span (*keeps)(const void *args, uint64_t block);
	int kept; /* the index of an array */
	int (*prove)(struct rig_team *team, uint64_t block, const void *before);

	/* Called in the caller after a run: write the result as words for
	 * people and programs, "pi = 3.14159, hits = 52707089"; data[i] points
	 * to array i.  NULL: the kernel has no result besides the arrays. */
	void (*result)(const void *args, void *const data[], char *text,
		       size_t bytes);

	/*
	 * Where the arrays depend on the parameters: expr="a*x" makes arrays a
	 * and x.  In the caller, when all parameters are set and before an array
	 * is given: fill *declared, which is zeroed, and leave every specs[i].name
	 * alone: the runner points specs[i].name to names[i], up to the first
	 * empty name.  A name is 1 to 63 of A-Z a-z 0-9 _ -, the first no digit
	 * and no -.  `arrays` above are the arrays of the default parameters.
	 * Returns 0, or -EINVAL with the words in why.  NULL: `arrays` are all.
	 */
	int (*declare)(const void *args, struct rig_declared *declared,
		       char *why, size_t why_bytes);

	/* 1: run works over several hosts (gateway.h).  Each host has the whole
	 * of each array, ranks take parts of the world's work, and at the end
	 * every host has all elements that run writes.  0: a single host. */
	uint64_t hosts;

	uint64_t reserved[RIG_RESERVED_WORDS - 2]; /* 0 */
};

/*
 * Make a kernel known by its name to rig_job.name and rig_kernel_find().
 * `kernel` must live on.  Returns 0; -EEXIST where another kernel has the name;
 * -EINVAL where the kernel has no name or no run, another version, or a
 * reserved word that is not 0; -ENOSPC beyond 256 kernels.  Any thread.
 */
RIG_API int rig_kernel_register(const struct rig_kernel *kernel);

/* find: the kernel called `name`, or NULL.  at: the kernel at `index`, or NULL
 * past the end. */
RIG_API const struct rig_kernel *rig_kernel_find(const char *name);
RIG_API const struct rig_kernel *rig_kernel_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
