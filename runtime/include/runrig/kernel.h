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

#define RIG_ARRAYS_MAX   4
#define RIG_DIGEST_WORDS 8
#define RIG_ITEM_MAX     20 /* bytes of rig_kernel.item */

/* The runner's description of an array. */
struct rig_array {
	uint64_t count;      /* elements */
	uint32_t item_bytes; /* of one element */
	uint32_t dtype;      /* enum rig_dtype */
	uint32_t swapped;    /* 1: in the other byte order than the machine's */
	/* Of the user's: how many dimensions it has, how many elements its last
	 * one, and the product of the others.  0, 0, 0 of what is made here. */
	uint32_t dims;
	uint64_t rows, columns;
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
	RIG_PARAM_SIZE,  /* size_t: 40M (10^6), 64Ki (2^10) */
	RIG_PARAM_INT,   /* int64_t */
	RIG_PARAM_REAL,  /* double */
	RIG_PARAM_CHOICE /* uint32_t: the index of a word in `choices` */
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
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/* One array a kernel works on: a segment. */
struct rig_array_spec {
	const char *name;     /* --input NAME=FILE; as a kernel's */
	enum rig_dtype dtype; /* what prepare makes, and the default */
	bool any_dtype;       /* takes the user's data of any dtype */
	bool any_byte;        /* takes a user's window that is not aligned */
	bool input, output;   /* may be read from, written to a file */
	/* Elements of a generated array for these arguments. */
	uint64_t (*count)(const void *args);
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

struct rig_kernel {
	const char *name;     /* 1 to 60 of a-z 0-9 -, the first no - */
	const char *summary;  /* one line, no full stop */
	const char *verified; /* against what, one line */
	const struct rig_param *params;               /* to .name == NULL */
	struct rig_array_spec arrays[RIG_ARRAYS_MAX]; /* to .name == NULL */
	size_t args_bytes;

	/* Check parameters against each other and the arrays' sizes, and clip
	 * what is relative to them.  0, or -EINVAL with the words in why. */
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

	/* In the caller, after a run: what it found, as words for people and
	 * programs, "pi = 3.14159, hits = 52707089"; data[i] is where array i
	 * lies.  NULL: the arrays are all there is. */
	void (*result)(const void *args, void *const data[], char *text,
		       size_t bytes);

	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/*
 * Make a kernel known by its name to rig_job.name and rig_kernel_find().
 * `kernel` must live on.  Returns 0, -EEXIST for a name already taken by
 * another, -EINVAL for one without name or run or with a reserved word that is
 * not 0, -ENOSPC beyond 256.  Any thread.
 */
RIG_API int rig_kernel_register(const struct rig_kernel *kernel);

/* The kernel of that name, or NULL; the one at `index`, or NULL past the end. */
RIG_API const struct rig_kernel *rig_kernel_find(const char *name);
RIG_API const struct rig_kernel *rig_kernel_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
