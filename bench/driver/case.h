/* SPDX-License-Identifier: MIT */
/*
 * case.h - a case to measure: the contract between a contender and the driver.
 *
 * A contender opens, runs `count` operations when told, proves that the
 * operations' results are right, and closes.  A contender knows nothing of
 * order, repetition, warm-up or statistics, and the driver knows nothing of the
 * operations.  Cases of a contest are measured interleaved and compared with
 * each other.
 *
 * Where several processes or threads take part, each notes its begin and end on
 * the driver's clock, and the driver takes the time from the first begin to the
 * last end.  Where only the calling thread takes part, the contender notes
 * nothing and the driver reads the clock around the call.
 */
#ifndef RIGBENCH_CASE_H
#define RIGBENCH_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The most ranks of a contender: barriers and hand-overs of more ranks are not
 * measured on a machine's cores. */
#define TIMING_RANKS_MAX 64
#define CASE_AXES_MAX    12
#define CASE_WHY_BYTES   256
#define CASE_NODES_MAX   16

/* The times and costs of a run. */
struct timing {
	int ranks; /* 0: the driver's own readings count */
	struct {
		uint64_t begin_ns;
		uint64_t end_ns;
	} rank[TIMING_RANKS_MAX];
	bool measured; /* `value` is the sample, not a time */
	double value;
	/* The cost of all ranks together; zeros where the contender did not
	 * look. */
	struct timing_cost {
		uint64_t cpu_ns;
		uint64_t switches[2]; /* voluntary, involuntary */
		uint64_t faults[2];   /* minor, major */
	} cost;
};

/* Where each worker ran, and where the memory between the workers lay: read
 * back from the kernel. */
struct case_binding {
	struct case_memory {
		uint64_t page_bytes;               /* 0: none is shared */
		uint64_t pages_on[CASE_NODES_MAX]; /* 4 KiB pages looked at */
	} memory;
	int workers;
	double pss_bytes; /* proportional set size of all; 0: nobody looked */
	struct {
		int pid;
		int cpu;  /* first CPU that the process may use */
		int cpus; /* number of CPUs that the process may use */
	} worker[TIMING_RANKS_MAX];
};

struct histogram;

struct bench_ops {
	/* Sets *state and returns 0; or -ENOTSUP where the machine lacks
	 * something (a row tells the reason), or another -errno, with words in
	 * `why`. */
	int (*open)(const void *arg, clockid_t clock, void **state, char *why);

	/* Before and after each visit, for contenders whose idle threads would
	 * take the CPU from others; NULL: nothing to do. */
	int (*wake)(void *state);
	void (*rest)(void *state);

	/* `count` operations.  0 or -errno with words in `why`. */
	int (*run)(void *state, uint64_t count, struct timing *timing,
		   char *why);

	/* Untimed: are the results right? 0 or -EBADMSG with words; NULL: the
	 * contender has no result. */
	int (*verify)(void *state, char *why);

	/* `count` operations, each timed by itself, into a histogram of
	 * nanoseconds; NULL: cannot be. */
	int (*each)(void *state, uint64_t count, struct histogram *histogram,
		    char *why);

	/* NULL: not bound. */
	void (*bound)(void *state, struct case_binding *binding);

	void (*close)(void *state);

	/* After each launch, when no state is open: end what close() has kept.
	 * Called once for each of the plan's cells; NULL: nothing is kept. */
	void (*end_launch)(void);

	/* How long the open() of this state took to start what close() keeps
	 * for the other states of the launch; NULL: nothing is kept. */
	uint64_t (*kept_ns)(void *state);
};

struct bench_axis {
	const char *name;
	char value[24];
};

struct bench_case {
	char contest[80];   /* cases of the same contest are compared */
	char name[40];      /* unique in the contest */
	char settings[320]; /* launch and binding, for a reader */
	const char *peer;   /* the peer's name: "libgomp"; NULL: ours, or a
			   * control */
	const char *unit; /* unit of a sample: "ns" an operation, or "bytes" */
	struct bench_axis axes[CASE_AXES_MAX]; /* the last has .name == NULL */
	double bytes;       /* an operation moves; 0: no rate is given */
	double least;       /* a smaller sample is implausible; 0: unknown */
	uint64_t batch_ns;  /* length of a sample; 0: the driver's default */
	uint64_t count;     /* operations of a sample; 0: by their time */
	uint64_t count_max; /* the most operations; 0: no limit */
	bool once;  /* a single sample a launch, no warm-up: a first time */
	bool again; /* measure twice, as A and A: the noise floor */
	const struct bench_ops *ops;
	const void *arg; /* copied, arg_bytes bytes */
	size_t arg_bytes;
};

#endif
