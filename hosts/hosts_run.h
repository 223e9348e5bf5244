/* SPDX-License-Identifier: MIT */
/*
 * hosts_run.h - a run on all hosts: what hosts_run.c and hosts_zero.c share.
 *
 * Besides parcels the callers send each other news:
 *
 *	DONE   to host 0: the host's part has ended, with a code and words
 *	END    from host 0: end the host's part; a host has failed, or all wait
 *	FINAL  from host 0, when all are done: the code and words of the run
 *	QUIET  to host 0: all ranks of the host wait; parcels sent and received
 *	ASK    from host 0: does the host still wait?  The answer is AGAIN, with
 *	       the numbers of parcels, or BUSY
 */
#ifndef RUNRIG_HOSTS_RUN_H
#define RUNRIG_HOSTS_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "hosts_state.h"

enum wire_kind { PARCEL = 1, DONE, END, FINAL, QUIET, ASK, AGAIN, BUSY };

/* At host 0: the last news of a host. */
struct host_state {
	bool done;
	int code;
	char *text;
	bool quiet; /* or done */
	bool again; /* unchanged in the second look */
	uint64_t sent, received;
	/* The numbers of the first look: news may come before the answer. */
	uint64_t asked_sent, asked_received;
};

/* In this process: the run. */
struct hosts_run {
	struct rig_hosts *hosts;
	const struct rig_job *job;
	bool over;  /* the host's part has ended */
	bool looks; /* for an answer, and does not rest */
	bool final; /* `code` and `text` are set */
	int code;
	char *text;
	uint64_t sent, received; /* parcels */
	uint64_t abort_at;       /* 0: never */
	/* The numbers in the last QUIET. */
	bool told;
	uint64_t told_sent, told_received;
	/* At host 0. */
	struct host_state *states;
	int done;
	int failed;    /* the first host that failed; -1: none */
	bool ended;    /* END is sent, */
	bool deadlock; /* for a deadlock */
	int32_t wave;  /* of looks at all */
	bool asking;
	int answers;
	bool finished; /* FINAL is sent */
};

/* ---- hosts_run.c ---- */

/* Send news of the run; `text` may be NULL.  News to the own host is handled at
 * once. */
void hosts_tell(struct hosts_run *run, int to, enum wire_kind kind,
		int32_t number, const char *text);

/* ---- hosts_zero.c, at host 0 ---- */

/* Host `from` is done; `text` (or NULL) is kept, and freed after the run. */
void hosts_take_done(struct hosts_run *run, int from,
		     const struct wire_head *head, char *text);

/* Host `from` has answered ASK; all ranks of host `from` wait. */
void hosts_take_answer(struct hosts_run *run, int from,
		       const struct wire_head *head);
void hosts_take_quiet(struct hosts_run *run, int from,
		      const struct wire_head *head);

#endif
