/* SPDX-License-Identifier: MIT */
/*
 * serve.h - the helper's side of peer.h: obey lines until end of file.
 */
#ifndef RIGBENCH_SERVE_H
#define RIGBENCH_SERVE_H

#include "driver/case.h"

struct served {
	int (*run)(uint64_t count, struct timing *timing);
	/* 0, or not and words in `why`; NULL: nothing to be wrong. */
	int (*verify)(char *why);
};

/* The longest order, with its end. */
#define SERVE_LINE_BYTES 160

/* Say "ready" with these pids, then obey.  Returns the exit status. */
int serve(const struct served *served, const int *pids, int count);

/* Obey; the driver tells a case first.  take() takes the case, and says serve_ready()
 * or serve_cannot(): 0, or an exit status. */
int serve_cases(const struct served *served, int (*take)(const char *words));

/* Say "ready" with these pids. */
void serve_ready(const int *pids, int count);

/* Say "cannot" with words; returns the exit status. */
int serve_cannot(const char *why);

#endif
