/* SPDX-License-Identifier: MIT */
/*
 * clock.h - a clock of each rank that goes on by what the rank does, and not by time.
 *
 * A check whose subject is time draws what everything costs.  A rank's clock goes
 * on by what the rank computes; a message arrives at the sender's clock and the
 * message's cost, and moves the receiver's clock there; a meeting moves all clocks
 * to the latest.  Equal programs have equal clocks, on any machine.
 *
 * Each worker is a process, so the clock is a number of the process.
 */
#ifndef LAB_CLOCK_H
#define LAB_CLOCK_H

#include <stdint.h>

#include <runrig/runrig.h>

/* The student's code cannot call these. */
#pragma GCC visibility push(hidden)

/* The most numbers of a message. */
#define GRADE_MESSAGE 64

/* The clock of this rank, in nanoseconds.  A kernel of the check sets the clock
 * first. */
void grade_clock_set(uint64_t ns);
uint64_t grade_clock(void);

/* This rank computes for so long. */
void grade_spend(uint64_t ns);

/* All ranks wait for the last.  Returns 0, or the error of the run. */
int grade_meet(struct rig_team *team);

/* `count` numbers, GRADE_MESSAGE at most, to rank `to`, where the message is
 * `cost` later than the sender's clock; `from` may be NULL where count is 0. */
int grade_send(struct rig_team *team, const double *from, size_t count, int to,
	       uint64_t cost);
int grade_recv(struct rig_team *team, double *into, size_t count, int from);

#pragma GCC visibility pop

#endif
