/* SPDX-License-Identifier: MIT */
/*
 * peer.h - contenders that are programs of their own: OpenMP, MPI, Python.
 *
 * OpenMP reads its environment once, MPI wants its launcher: so each such
 * contender is exec'ed with its own settings and obeys the driver over two
 * pipes, one line at a time, interleaved with all others:
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
};

extern const struct bench_ops peer_ops;

/* Fill a case's ops, arg and settings; the settings say which program is
 * started and how. `arg` must live until plan_add(). */
void peer_case(struct bench_case *what, struct peer_arg *arg);

/* The same for two MPIs: `launch` has the launcher's options beside the number of
 * ranks ("--mca coll_sm_priority 100"), `helper` the end of the helper's name after
 * the MPI's ("", "-verbs"), `words` the words of the helper. */
void peer_mpi(struct bench_case *what, struct peer_arg *arg, bool openmpi,
	      const char *helper, int ranks, const char *launch,
	      const char *words);

/* Orders and answers beyond those of peer_ops: send the helper of an open `state`
 * one line, without the end, and read the helper's answer, one line.  The answer
 * lives until the next call. 0, -ECANCELED where the helper has ended, -ETIMEDOUT. */
int peer_tell(void *state, const char *order);
int peer_answer(void *state, const char **answer);

/* Read the numbers of a run from a line "timing ..." or "measured ...".  Returns the
 * text behind the numbers, or NULL where the line is neither. */
const char *peer_timing(const char *line, struct timing *timing);

/* Start a program, read the first line of output, and end the program. 0 or -errno
 * with words in `why`. */
int peer_describe(const struct peer_arg *arg, char *line, size_t bytes,
		  char *why);

/* The folder of this program (the helpers lie beside the program, or in ../libexec). */
const char *peer_folder(void);

/*
 * Add a contender for each way to use an MPI: Open MPI as packaged; Open MPI with
 * coll_sm, the best of Open MPI on one node, where `coll_sm` says that coll_sm has the
 * call; and MPICH. `what` has contest and axes; name, peer and settings are made here.
 * 0 or -ENOMEM.
 */
int peer_add_mpi(struct plan *plan, const struct bench_case *what,
		 const char *helper, int ranks, bool coll_sm,
		 const char *words);

#endif
