/* SPDX-License-Identifier: MIT */
/*
 * grade.h - how a lab's check.c judges a student's start.c.
 *
 * A check is a program, `lab-01-check start.so [SEED|- [FD]]`.  The program forks: the
 * child loads the student's library and runs lab_check(), and the parent prints
 * the verdict after the child has ended.  Nothing that the student's code prints
 * or returns can pass for a verdict.  A seed draws the inputs of the check; the
 * same seed draws the same inputs, and - draws a seed.  "RIGHT of CASES" goes to FD,
 * which the student's code does not have.
 *
 * The exit code is 0 where all cases are right, 2 where some are wrong, 3 where
 * the check could not be run.
 */
#ifndef LAB_GRADE_H
#define LAB_GRADE_H

#include <stdbool.h>
#include <stdint.h>

/* The student's code cannot call these. */
#pragma GCC visibility push(hidden)

/*
 * Each check.c defines lab_check(): the function judges every case by
 * grade_case() and returns 0, or -errno where a case could not be run.
 */
int lab_check(void);

/* A function of the student's, by its name; the check casts the pointer to the
 * type that lab.h declares.  The check ends with a hint where start.c does not
 * have the function. */
typedef void grade_fn(void);
grade_fn *grade_student(const char *name);

/* Count a case.  The words are printed where the case is wrong. */
void grade_case(bool right, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Count a case: a run that has returned `r`.  Where the run has failed, the words,
 * rig_why() and a hint are printed. */
void grade_run(int r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* End the check now, with the cases so far, of which one at least is wrong. */
_Noreturn void grade_end(void);

/* Print a hint.  Each wrong idea has a hint of its own; a hint is printed once
 * in a check. */
void grade_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A random number below `bound`, which is not 0.  The numbers are those of the
 * check's seed (splitmix64). */
uint64_t grade_draw(uint64_t bound);

#pragma GCC visibility pop

#endif
