/* SPDX-License-Identifier: MIT */
/*
 * inject.h - have one system call of one process fail.
 *
 * By ptrace, as in puppet.h: what is tested is the product, byte for byte.  On
 * x86-64; puppet_possible() says whether.
 */
#ifndef RUNRIG_INJECT_H
#define RUNRIG_INJECT_H

#include <sys/types.h>

/* The process whose calls fail: the process that is begun, its children, and so on
 * down. */
enum inject_role {
	INJECT_CALLER,
	INJECT_BETWEEN, /* forked by the caller */
	INJECT_WARDEN,  /* forked by that */
	INJECT_WORKER,  /* the first that the warden forks */
	INJECT_ROLES
};

/* Calls of one process that may fail. */
#define INJECT_CALLS_MAX 2048

struct inject {
	enum inject_role role;
	int at;    /* which of its calls that may fail, from 0; -1: none */
	int which; /* which of the errors that it may fail with */
	/* The outcome of an injection. */
	int error;  /* the errno it had; 0: it never came to that call */
	int status; /* of the process begun, as waitpid() gives it */
	int calls;  /* of that role that may fail */
	int numbers[INJECT_CALLS_MAX];
};

/* Begin a process that calls fn() and leaves with the value returned, and wait for
 * the process and all its descendants: 0, -ETIMEDOUT (after limit_s all are killed)
 * or -errno.  The caller has no other child, and adopts orphans. */
int inject_run(struct inject *inject, int (*fn)(void), unsigned limit_s);

/* The errors that system call `number` may fail with: how many, and one. */
int inject_errors(int number);
int inject_error(int number, int which);

/* Its name, or "?". */
const char *inject_name(int number);

#endif
