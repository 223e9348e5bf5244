/* SPDX-License-Identifier: MIT */
/*
 * lab.h - three collectives, made of messages.
 *
 * Messages are counted, and so are steps: a message is received one step after
 * the later of two: what the sender had received or sent before, and what the
 * receiver had.  A rank sends or receives one message in a step; a message that
 * goes out while another comes in (lab_both()) is one step.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/*
 * Yours, in start.c, for any number of ranks and count numbers.
 *
 * tree: x of rank 0 goes to all.  At most ceil(log2(size)) steps, and size - 1
 * messages.
 *
 * ring: x of each rank becomes the sum of all ranks'.  `count` is a multiple of
 * size: the array goes round in size parts.  A rank sends at most 2 (size - 1)
 * messages of count / size numbers.
 *
 * doubling: the same sum, for sizes that are powers of two, in log2(size) steps;
 * each rank sends all of x in each step.
 */
int tree(struct rig_team *team, double *x, size_t count);
int ring(struct rig_team *team, double *x, size_t count);
int doubling(struct rig_team *team, double *x, size_t count);

/* The lab's, in check.c: `count` numbers to a rank, from a rank, or both at once. */
int lab_send(struct rig_team *team, const double *from, size_t count, int to);
int lab_recv(struct rig_team *team, double *into, size_t count, int from);
int lab_both(struct rig_team *team, const double *from, size_t sent, int to,
	     double *into, size_t received, int source);

#endif
