/* SPDX-License-Identifier: MIT */
/*
 * peer.h - contenders that are separate programs: OpenMP, MPI, Python.
 *
 * OpenMP reads the environment once, and MPI wants a launcher.  Each such contender
 * is exec'ed with separate settings, and obeys the driver over two pipes, line by
 * line, interleaved with all others:
 *
 *	helper   ready PID...             or  cannot WORDS
 *	driver   run COUNT
 *	helper   timing BEGIN END ...     one pair a rank, ns on the
 *	                                  driver's clock; then "cpu NS",
 *	                                  of all ranks, where the helper
 *	                                  knows
 *	                                  or  measured VALUE
 *	driver   verify
 *	helper   verified                 or  wrong WORDS
 *
 * A helper of many cases, which is dear to start, waits for a case, and serves case
 * after case until the launch ends:
 *
 *	driver   case WORDS
 *	helper   ready PID...             or  cannot WORDS, and it ends
 *
 * Between its turns a helper is stopped (SIGSTOP), so that threads which spin
 * while idle cost nobody else anything.  End of file ends it.
 */
#ifndef RIGBENCH_PEER_H
#define RIGBENCH_PEER_H

#include "driver/case.h"
#include "driver/measure.h"

/* How to start a helper: words parted by spaces. */
struct peer_arg {
	char environment[160]; /* NAME=VALUE ... */
	char command[600]; /* PROGRAM ARGUMENT ...; @ stands for the folder of
			    * rigbench and % for the number of the clock */
	char words[120];   /* the case, of a helper of many cases; "": the
			    * command says all */
};

extern const struct bench_ops peer_ops;

/* Fill a case's ops, arg and settings; the settings say which program is
 * started and how. `arg` must live until plan_add(). */
void peer_case(struct bench_case *what, struct peer_arg *arg);

/* A helper under the launcher of an MPI. */
struct mpi_peer {
	bool openmpi;       /* else MPICH */
	const char *suffix; /* the end of the helper's name: "-verbs" */
	int ranks;
	const char *launch; /* more words for the launcher: "--mca ..." */
	const char *words;  /* the helper's own */
	bool many_cases;    /* the words are a case, not arguments */
};

/* The same as peer_case() for an MPI. */
void peer_mpi(struct bench_case *what, struct peer_arg *arg,
	      const struct mpi_peer *helper);

/* Orders and answers beyond the orders of peer_ops: give the helper of an open
 * `state` a line, without the end of line, and take the answer.  The answer lives
 * until the next call.  0, -ECANCELED where the helper has ended, -ETIMEDOUT. */
int peer_tell(void *state, const char *order);
int peer_answer(void *state, const char **answer);

/* Take the numbers of a run, behind "timing" or "measured".  Returns the rest of
 * the line, or NULL where the line is neither. */
const char *peer_timing(const char *line, struct timing *timing);

/* Start a program for the first line of the output, and end the program.  0 or -errno
 * with words in `why`. */
int peer_describe(const struct peer_arg *arg, char *line, size_t bytes,
		  char *why);

/* The folder of the helpers: beside rigbench, or ../libexec. */
const char *peer_folder(void);

/*
 * Add a contender for each way to take an MPI: Open MPI as the package has it,
 * Open MPI with coll_sm, the best form on one node, where `coll_sm` says that
 * coll_sm has the call, and MPICH.  `what` has contest and axes; name, peer and
 * settings are made here, and the MPI and the words for the launcher.  0 or
 * -ENOMEM.
 */
int peer_add_mpi(struct plan *plan, const struct bench_case *what,
		 const struct mpi_peer *helper, bool coll_sm);

#endif
