/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what a trace tells about a run, and a program whose trace is bad.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

enum lab_kind {
	LAB_KERNEL, /* the whole of a rank's run: work and waits */
	LAB_MEET,   /* waiting for all others, in a barrier or a collective */
	LAB_RECV    /* waiting for a message */
};

/* A piece of a rank's time.  A meeting may lie within a meeting: a collective
 * that waits at a barrier of its own. */
struct lab_span {
	enum lab_kind kind;
	int rank;
	double begin, end;
	int peer;    /* LAB_RECV: the sender */
	double sent; /* LAB_RECV: when the sender sent, on the same clock */
};

/* A trace: the spans of all ranks, in order of their beginnings. */
struct lab_trace {
	const struct lab_span *spans;
	int count, ranks;
};

/* Yours, in start.c: how long does a rank work, and not wait? */
double busy(const struct lab_trace *trace, int rank);

/* Yours: the busiest rank's work by the mean of all ranks'; 1 is even. */
double imbalance(const struct lab_trace *trace);

/* Yours: for how long does exactly one rank work? */
double alone(const struct lab_trace *trace);

/* Yours: the time that ranks waited for messages which were not sent yet, all
 * ranks together.  (After the sending a message is on its way, and nobody's fault.)
 * *culprit is the rank that was waited for longest. */
double late(const struct lab_trace *trace, int *culprit);

/* Where do the waits come from?  More than half of all waits in a trace come from
 * one trouble, or the ranks wait for less than a tenth of their time, all ranks
 * together. */
enum lab_trouble { LAB_NONE, LAB_SERIAL, LAB_IMBALANCE, LAB_LATE_SENDER };

/* Yours. */
enum lab_trouble diagnose(const struct lab_trace *trace);

#define LAB_BLOCKS 16

/*
 * Yours: rank r makes blocks 0 to LAB_BLOCKS - 1; block k of rank r is made from
 * block k of rank r - 1, and rank 0's from 0.  Steps are counted, and nothing is
 * timed: a block costs 100 steps, a message 5.
 */
int pipeline(struct rig_team *team);

/* The lab's, in check.c. */
double lab_make(struct rig_team *team, int k, double from);
int lab_send(struct rig_team *team, double block, int to);
int lab_recv(struct rig_team *team, double *block, int from);

#endif
