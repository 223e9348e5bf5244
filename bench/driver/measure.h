/* SPDX-License-Identifier: MIT */
/*
 * measure.h - the driver: when each contender runs, for how long, and what its
 * samples are.
 *
 *	for each launch            processes, pages and addresses afresh
 *	    for each contest
 *	        for each opening   1, or more: pages and processes afresh again
 *	            open and warm up every cell, in random order
 *	            for each block visits every cell once, in random order
 *	            verify, read bindings back, close
 *
 * One seed decides every order.  A budget bounds the whole run: each launch gets
 * an equal part, each cell an equal part of what is left of its launch, and
 * warm-ups, then blocks, then launches are cut.  A visit is
 * an untimed run, of an eighth of a sample and one operation at least, then a
 * timed one of a fixed number of operations, long enough that the clock costs
 * less than 1 %.  What is run once a launch is timed at once.
 */
#ifndef RIGBENCH_MEASURE_H
#define RIGBENCH_MEASURE_H

#include <signal.h>

#include "driver/case.h"
#include "driver/latency_histogram.h"
#include "driver/stats.h"
#include "driver/stopwatch.h"

enum cell_status { CELL_OK, CELL_SKIPPED, CELL_FAILED, CELL_IMPLAUSIBLE };

/* Where a sample comes from. */
struct sample_origin {
	uint32_t launch, opening, block, seq;
};

/* A case with its samples. */
struct cell {
	struct bench_case what;
	enum cell_status status;
	char reason[CASE_WHY_BYTES]; /* where status is not CELL_OK */
	bool no_turn;                /* the budget ended before */
	bool unverified;  /* status is CELL_FAILED for a wrong result */
	int twin;         /* index of the cell that is repeated; -1: none */
	void *state;      /* while open */
	uint64_t count;   /* operations a sample */
	uint64_t dropped; /* warm-up operations, all launches */
	size_t n;
	double *values;   /* n samples, per operation */
	uint32_t *launch; /* of each */
	struct sample_origin *origin;
	uint32_t verified;               /* verification passes that held */
	uint32_t last[TIMING_RANKS_MAX]; /* how often each rank ended last */
	struct case_binding binding;     /* the last launch's */
	struct timing_cost lately;       /* the last run's */
	struct timing_cost cost;         /* all timed operations' */
	uint64_t cost_operations;        /* so many */
	double joules;                /* the machine's, meanwhile; 0: unknown */
	double run_ns;                /* an operation of the last run, with
					  * all that was not timed */
	uint64_t open_ns;             /* the last time that it was opened */
	uint64_t kept_ns;             /* the part of open() that other cells of
					  * the launch use, too */
	struct histogram *histogram;  /* NULL: operations are not timed one
					  * by one */
	struct stats_summary summary; /* by measure() */
	/* By measure(): the ratio, 1 or more, of A to A in this cell's contest;
	 * 0: no contender of the contest was measured twice. */
	double again;
};

/* From this ratio of A to A on, a contest is not a result. */
#define AGAIN_MAX 1.2

struct energy;

struct plan {
	/* Given. */
	uint64_t seed;
	uint32_t launches, blocks;
	/* How often in a launch contenders of ours are opened: each time has
	 * other pages and another order, and a part of the blocks.  A peer, which
	 * is dear to open, stays open. */
	uint32_t openings;
	uint64_t budget_ns;                /* the whole run's; 0: none */
	uint64_t batch_ns;                 /* a sample's */
	uint64_t warmup_ns, warmup_max_ns; /* a cell's, in a launch */
	double min_effect; /* no smaller difference is claimed: 0.02 */
	const volatile sig_atomic_t *stop; /* not 0: end; may be NULL */
	struct energy *energy; /* open counters; NULL: the machine has none */
	void (*progress)(void *arg, const char *text); /* may be NULL */
	void *progress_arg;
	/* The time that the budget is counted in; NULL: the stopwatch's.  For
	 * tests. */
	uint64_t (*now)(void);
	uint64_t began_ns; /* by plan_init(): the budget begins there */

	/* By stopwatch_choose(). */
	struct stopwatch watch;

	/* By plan_add(). */
	struct cell *cells;
	size_t cell_count;

	/* By measure(). */
	bool interrupted;
	uint32_t blocks_cut;   /* by the budget */
	uint32_t launches_cut; /* too: launches are those that were */
	uint64_t elapsed_ns;
	uint64_t first_ns; /* when the first launch began */
	uint32_t launches_planned;
	uint64_t optional_ns;    /* the part that a budget may cut */
	uint64_t calibration_ns; /* the part that the first launch alone has */
};

/* Defaults, and a seed from the clock. */
void plan_init(struct plan *plan);
void plan_free(struct plan *plan);

/* Add a case, and with .again a repetition right behind the case. 0 or
 * -ENOMEM. */
int plan_add(struct plan *plan, const struct bench_case *what);

/* The cells of a contest stand side by side: the first cell behind the contest whose
 * first cell is `begin`. */
size_t plan_contest_end(const struct plan *plan, size_t begin);

/* Drop the cells of peers for which wanted(arg, peer) is false. */
void plan_keep_peers(struct plan *plan,
		     bool (*wanted)(const char *arg, const char *peer),
		     const char *arg);

/* Is what the cell's contest says a result, or did the same contender measured
 * twice differ by more than AGAIN_MAX? */
bool cell_trusted(const struct cell *cell);

/* How many contests are not a result. */
size_t plan_untrusted(const struct plan *plan);

/* Measure everything. 0, also where some cells fail (a cell's status says so)
 * or the run was interrupted; -ENOMEM. */
int measure(struct plan *plan);

enum verdict { VERDICT_NOT_SHOWN, VERDICT_A_FASTER, VERDICT_B_FASTER };

/* How much longer b takes than a, paired within blocks.  Nothing is shown by a
 * contest that is not a result. */
struct comparison {
	const struct cell *a, *b;
	struct stats_interval ratio; /* b / a */
	enum verdict verdict;
};

/* 0, -ENOMEM, or -ENODATA where the two were not measured together. */
int measure_compare(const struct plan *plan, const struct cell *a,
		    const struct cell *b, struct comparison *out);

/* The verdict on an interval of b / a, given the smallest effect worth
 * claiming. */
enum verdict verdict_of(const struct stats_interval *ratio, double min_effect);

/* The cell of that contest and name, or NULL. */
const struct cell *plan_find(const struct plan *plan, const char *contest,
			     const char *name);

#endif
