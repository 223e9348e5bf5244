/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - the contract of a kernel that can be named, tuned and checked.
 *
 * A kernel states its parameters, its arrays, who owns which part of them, how
 * to make input, how to run and how to prove the result.  It knows nothing of
 * timing, printing or files: `runrig run`, rigbench and the tests do those the
 * same way for every kernel.
 *
 * A run is some jobs over the same segments, with the same arguments:
 *
 *	prepare  make input; each rank writes what it owns      (generated data)
 *	digest   sum up what the output must be, from the input (the user's data)
 *	run      the work
 *	digest   again, args->after set: sum up what it is      (the user's data)
 *	verify   0, or rig_team_fail(team, -EBADMSG, "what is wrong where")
 *
 * Every rank leaves RIG_DIGEST_WORDS words of a digest in its result; those of
 * all ranks are added up (mod 2^64) for verify.
 *
 * While it goes on, run says by rig_team_progress() how far it is: it is what a
 * terminal shows of a long one.
 *
 * Their arguments are a struct whose first member is struct rig_kernel_args,
 * followed by the kernel's own parameters.
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
#define RIG_DIMS_MAX     4 /* of rig_array.shape */
#define RIG_DIGEST_WORDS 8
#define RIG_ITEM_MAX     20  /* bytes of rig_kernel.item */
#define RIG_TEXT_BYTES   128 /* of a RIG_PARAM_TEXT, its terminator included */

/* The runner's description of an array. */
struct rig_array {
	uint64_t count;      /* elements */
	uint32_t item_bytes; /* of one element */
	uint32_t dtype;      /* enum rig_dtype */
	uint32_t swapped;    /* 1: in the other byte order than the machine's */
	/* The user's arrays: the number of dimensions, as the user has it.  An
	 * array of more than RIG_DIMS_MAX dimensions has the product of its
	 * first ones in shape[0].  An array that prepare makes: 0. */
	uint32_t dims;
	int64_t shape[RIG_DIMS_MAX];   /* elements of each dimension */
	int64_t strides[RIG_DIMS_MAX]; /* bytes to the next element of it */
};

struct rig_kernel_args {
	struct rig_array arrays[RIG_ARRAYS_MAX];
	uint64_t digest[RIG_DIGEST_WORDS]; /* all ranks', before the run */
	uint64_t found[RIG_DIGEST_WORDS];  /* all ranks', after it */
	uint32_t given; /* 1: the user's data, 0: made by prepare */
	uint32_t after; /* of digest: 1: after the run */
	/* The runner's, which later versions take fields from. */
	uint64_t reserved[RIG_RESERVED_WORDS];
};

enum rig_param_kind {
	RIG_PARAM_SIZE,   /* size_t: 40M (10^6), 64Ki (2^10) */
	RIG_PARAM_INT,    /* int64_t */
	RIG_PARAM_REAL,   /* double */
	RIG_PARAM_CHOICE, /* uint32_t: the index of a word in `choices` */
	RIG_PARAM_TEXT    /* char[RIG_TEXT_BYTES]: printable, terminated */
};

/* One parameter: NAME=VALUE on the command line, a field of the arguments. */
struct rig_param {
	const char *name; /* as a kernel's */
	const char *help; /* one line */
	enum rig_param_kind kind;
	size_t offset;        /* of the field in the kernel's arguments */
	const char *fallback; /* the default, as a user would type it */
	double min, max;      /* of SIZE, INT, REAL; inclusive */
	const char *choices;  /* of CHOICE: "swap copy" */
	/* Bytes of the field of a TEXT; 0: RIG_TEXT_BYTES. */
	uint64_t bytes;
	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/* The part that an array plays; RIG_INOUT is both bits. */
enum rig_array_role {
	/* The kernel's own, and no concern of the user's.  In a run over the
	 * user's data the bytes are 0, or what another run left there; so are
	 * those of an output. */
	RIG_SCRATCH = 0,
	RIG_INPUT = 1,  /* read, and never written by run */
	RIG_OUTPUT = 2, /* written by run, all of it */
	RIG_INOUT = 3   /* read and then written, in place */
};

/* One array a kernel works on: a segment. */
struct rig_array_spec {
	const char *name; /* --input NAME=FILE; as a kernel's */
	enum rig_array_role role;
	enum rig_dtype dtype; /* what prepare makes, and the default */
	bool any_dtype;       /* takes the user's data of any dtype */
	bool any_byte;        /* takes a user's window that is not aligned */
	bool any_order; /* of an input: taken in whichever order the elements
			 * lie, Fortran's too, which `strides` tells */
	/* The run may shorten the array: rank 0 leaves the number of elements
	 * that the array has in the end in word `index` of its result, an array
	 * of RIG_ARRAYS_MAX uint64_t. */
	bool shortens;
	/* An input that nobody has to give; the array then has no element
	 * then, `dims` of 0 and `count` of 0, and whose `count` below is NULL.
	 * Of an output: one that few ask for.  In the command, a file without
	 * the name of an array is none of these. */
	bool optional;
	/* Takes items in the other byte order too, as they lie; without, the
	 * kernel gets a copy in this machine's order. */
	bool any_endian;
	/* Elements of a generated array for these arguments. */
	uint64_t (*count)(const void *args);
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/* Bytes of the name of a declared array, the terminator included. */
#define RIG_DECLARED_BYTES 64

/* The arrays of a kernel whose parameters name the arrays (rig_kernel.declare).
 * The struct has the names itself: specs[i].name points to names[i]. */
struct rig_declared {
	struct rig_array_spec specs[RIG_ARRAYS_MAX + 1]; /* to .name == NULL */
	char names[RIG_ARRAYS_MAX][RIG_DECLARED_BYTES];
};

struct rig_kernel {
	uint32_t version;     /* RIG_KERNEL_VERSION */
	const char *name;     /* 1 to 60 of a-z 0-9 -, the first no - */
	const char *summary;  /* one line, no full stop */
	const char *verified; /* against what, one line */
	const struct rig_param *params;      /* to .name == NULL */
	const struct rig_array_spec *arrays; /* to .name == NULL; 1 to 16 */
	size_t args_bytes;

	/* Check parameters against each other and the arrays' sizes, and clip
	 * what is relative to them.  0, or -EINVAL with the words in why.  Of an
	 * output that nobody gives (`dims` is 0), check may set the dtype, and
	 * `dims` and `shape`; the elements are counted afterwards. */
	int (*check)(void *args, char *why, size_t why_bytes);

	/* Bytes moved to or from memory by one run, and floating-point
	 * operations; 0 where the figure means nothing.  Write-allocate
	 * traffic is not counted. */
	double (*bytes_moved)(const void *args);
	double (*flops)(const void *args);

	/* What else a run gets through, for a rate of those: how many, and
	 * what they are called, "keys".  `data` as in result; NULL before the
	 * run, and 0 where that many are not known then. */
	double (*items)(const void *args, void *const data[]);
	const char *item;

	/* Who owns what of array `index` (see rig_spans_fn): no byte is two
	 * ranks'; NULL: one equal block of elements a rank. */
	int (*owns)(const void *args, int index, size_t bytes, int rank,
		    int size, struct rig_span *spans);

	/* Private memory that one rank allocates at most in any of the jobs
	 * above, in bytes; where ranks differ, so much that `size` times it is
	 * enough for all. */
	size_t (*private_bytes)(const void *args, int size);

	rig_kernel_fn *prepare; /* NULL: the kernel needs no input */
	rig_kernel_fn *digest;  /* NULL: verify cannot judge the user's data */
	rig_kernel_fn *run;
	rig_kernel_fn *verify; /* NULL: nothing is verified, and that is said */

	/*
	 * A proof by blocks, of a run over the user's data.  The result has
	 * blocks(args) blocks; prove(team, block, before) returns 0 where block
	 * `block` of the result follows from the input, or fails like verify.
	 * One rank calls prove, alone: no collective function may be called.
	 * The last block is in every sample: in it is what holds the others
	 * together.
	 *
	 * Where run writes over its input, keeps(args, block) gives the elements
	 * of the array `kept` that prove needs as they were before the run, and
	 * `before` points to a copy of these; NULL where keeps is NULL.
	 *
	 * NULL: the kernel is proved as a whole, by verify.
	 */
	uint64_t (*blocks)(const void *args);
	struct rig_span (*keeps)(const void *args, uint64_t block);
	int kept; /* the index of an array */
	int (*prove)(struct rig_team *team, uint64_t block, const void *before);

	/* In the caller, after a run: what it found, as words for people and
	 * programs, "pi = 3.14159, hits = 52707089"; data[i] is where array i
	 * lies.  NULL: the arrays are all there is. */
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

	/* run works over several hosts (gateway.h), each of which has the whole
	 * of each array: ranks take parts of the world, and at the end all hosts
	 * have all that run writes. */
	uint64_t hosts; /* 1; or 0: one host only */

	uint64_t reserved[RIG_RESERVED_WORDS - 2]; /* 0 */
};

/*
 * Make a kernel known by its name to rig_job.name and rig_kernel_find().
 * `kernel` must live on.  Returns 0, -EEXIST for a name already taken by
 * another, -EINVAL for one without name or run, of another version, or with a
 * reserved word that is not 0, -ENOSPC beyond 256.  Any thread.
 */
RIG_API int rig_kernel_register(const struct rig_kernel *kernel);

/* The kernel of that name, or NULL; the one at `index`, or NULL past the end. */
RIG_API const struct rig_kernel *rig_kernel_find(const char *name);
RIG_API const struct rig_kernel *rig_kernel_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
