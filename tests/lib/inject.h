/* SPDX-License-Identifier: MIT */
/*
 * inject.h - have a single system call of a process fail, or the process die there.
 *
 * By ptrace, as in puppet.h: the test runs the product, byte for byte.  On
 * x86-64 only; puppet_possible() tells.
 */
#ifndef RUNRIG_INJECT_H
#define RUNRIG_INJECT_H

#include <stdbool.h>
#include <sys/types.h>

/* The process whose calls fail: the process that is begun, its child, and so on
 * down. */
enum inject_role {
	INJECT_CALLER,
	INJECT_BETWEEN, /* forked by the caller */
	INJECT_WARDEN,  /* forked by the process between */
	INJECT_WORKER,  /* the first worker that the warden forks */
	INJECT_ROLES
};

/* The fault at the call. */
enum inject_deed {
	INJECT_FAIL,
	INJECT_KILL_BEFORE, /* SIGKILL, and the call is not made */
	INJECT_KILL_AFTER   /* SIGKILL, some instructions behind the call */
};

/* The most calls of a process that may fail. */
#define INJECT_CALLS_MAX 2048

struct inject {
	enum inject_role role;
	int at;    /* number of the failing call, from 0; -1: none */
	int which; /* number of the error among the call's errors */
	enum inject_deed deed;
	long steps; /* to kill after: the instructions */
	/* The outcome of an injection. */
	int error;   /* the call's errno; 0: the call never came */
	bool killed; /* the process was killed */
	int status;  /* wait status of the begun process */
	int calls;   /* calls of the role: those that may fail, or all */
	int numbers[INJECT_CALLS_MAX];
};

/* Begin a process that calls fn() and leaves with the value returned, and wait
 * for the process and all its descendants: 0, -ETIMEDOUT (after limit_s all are
 * killed) or -errno.  The caller has no other child, and adopts orphans. */
int inject_run(struct inject *inject, int (*fn)(void), unsigned limit_s);

/* The errors with which system call `number` may fail: their number, and a
 * single error. */
int inject_errors(int number);
int inject_error(int number, int which);

/* The name of the call, or "?". */
const char *inject_name(int number);

#endif
