/* SPDX-License-Identifier: MIT */
/*
 * lab_run.h - a compiler or a check as a process, whose output is kept.
 */
#ifndef RUNRIG_LAB_RUN_H
#define RUNRIG_LAB_RUN_H

/* The descriptor of `told` in the program. */
#define LAB_TOLD_FD 3

/* The bytes of lab_process.told, a NUL at the end included. */
#define LAB_TOLD_MAX 64

struct lab_process {
	char *const *words; /* the program, its arguments, NULL */
	int limit_s;        /* seconds after which the program is killed */
	/* From here on lab_run()'s. */
	int status; /* as waitpid() has it */
	int late;   /* 1: killed for the limit */
	/* The first line that the program itself has written to LAB_TOLD_FD. */
	char told[LAB_TOLD_MAX];
};

/*
 * Run a program without input, until the program has ended; what the program has
 * started and left running is killed.  Output and errors go to the end of *text,
 * which is free()'s or NULL.  Where there is too much output the middle is left
 * out.  Returns 0, or -errno where the program could not be started.
 */
int lab_run(struct lab_process *process, char **text);

#endif
