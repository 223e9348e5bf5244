/* SPDX-License-Identifier: MIT */
/*
 * lab.h - the time of a message, measured, put on a line, and predicted.
 *
 * Times are nanoseconds.  The clock is the check's: what a message costs is drawn
 * for each check, and no machine is too busy to be measured.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* Round trips of one measuring. */
#define LAB_ROUNDS 20

/* A message of `bytes` bytes took `ns`. */
struct lab_sample {
	size_t bytes;
	double ns;
};

/* A message of n bytes takes a + b n. */
struct lab_line {
	double a; /* latency, ns */
	double b; /* ns a byte: 1 / bandwidth */
};

/*
 * Yours, in start.c: how long is a message of `bytes` bytes on its way from rank
 * 0 to rank `peer`?  All ranks call the function; rank 0 writes *ns.  LAB_ROUNDS
 * round trips are enough: the first messages are slow, and some later ones are
 * disturbed.  Returns 0, or the error of lab_send() or lab_recv().
 */
int measure(struct rig_team *team, int peer, size_t bytes, double *ns);

/* Yours: the line of these samples, each of another length, each with an error of
 * up to 1 %.  Both numbers of the line are to be right to 8 %. */
void fit(const struct lab_sample *samples, size_t count, struct lab_line *line);

/* Yours: the time of `bytes` bytes in `pieces` messages of one length, one after
 * the other. */
double predict(const struct lab_line *line, size_t bytes, size_t pieces);

/* Yours: the shortest message, in bytes, that has at least `share` of the
 * bandwidth 1 / b; share is below 1. */
size_t long_enough(const struct lab_line *line, double share);

/* The lab's, in check.c.  A send returns when the message is on its way. */
int lab_send(struct rig_team *team, size_t bytes, int to);
int lab_recv(struct rig_team *team, size_t bytes, int from);

/* This rank's clock.  No two ranks have set their clocks alike. */
double lab_clock(struct rig_team *team);

#endif
