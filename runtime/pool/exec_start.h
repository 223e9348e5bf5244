/* SPDX-License-Identifier: MIT */
/*
 * exec_start.h - the startup of a process that is no fork of the caller.
 *
 * A pool that is made with RIG_EXEC has a warden that was exec'ed, without any of the
 * caller's memory.  The contents of struct pool_startup, which a fork has by itself,
 * travel in a file without a name, whose descriptor the exec leaves open; the reader
 * makes the pointers anew.
 */
#ifndef RUNRIG_EXEC_START_H
#define RUNRIG_EXEC_START_H

#include <stdnoreturn.h>

#include "pool/pool_startup.h"

#define STARTUP_MAGIC UINT64_C(0x7075747261747372) /* "rstartup" */

/* Descriptors that stay open across the exec; -1: none. */
enum {
	STARTUP_WARDEN_END,
	STARTUP_LIFELINE_HELD,
	STARTUP_CALLER_PIDFD,
	STARTUP_READY,
	STARTUP_BELL,
	STARTUP_FILES_RECEIVE,
	STARTUP_TEAM,   /* memory of the team */
	STARTUP_TRACE,  /* memory of the trace */
	STARTUP_LEDGER, /* names of the caller's files */
	STARTUP_FDS
};

/* In shared memory, written by the caller before the exec.  Behind the struct lie the
 * plan's spots, machine and memory, one after the other. */
struct startup_shm {
	uint64_t magic;      /* STARTUP_MAGIC */
	uint64_t build;      /* startup_build() */
	char why[WHY_BYTES]; /* why the program could not start; "": no failure */
	int32_t fds[STARTUP_FDS];
	int32_t size;
	uint32_t kind; /* enum rig_barrier_kind */
	int32_t caller;
	uint32_t reserved;
	uint64_t bytes;        /* bytes of the struct, with the plan */
	uint64_t trace_bytes;  /* 0: nothing is traced */
	uint64_t trace_stride; /* from the spans of a rank to the next rank's */
	struct patience idle;
	struct patience busy;
	struct rig_plan plan; /* the pointers mean nothing */
};

/* A number that differs between builds of the library, which must not share memory. */
uint64_t startup_build(void);

/* Bytes of a startup_shm with this plan. */
size_t startup_bytes(const struct rig_plan *plan);

/* Write `startup` to `shm`, which has startup_bytes() bytes; the descriptors are -1. */
void startup_pack(struct startup_shm *shm, const struct pool_startup *startup);

/* Read *shm back into *startup.  Returns 0, or -EPROTO and the words, also in
 * shm->why, where another build has written *shm.  Pointers of `startup` lead into
 * `shm`, `plan` and `tracer`, which must live as long. */
int startup_unpack(struct startup_shm *shm, size_t bytes,
		   struct pool_startup *startup, struct rig_plan *plan,
		   struct tracer *tracer);

/* ---- in the caller ---- */

/* In this process: the means to exec a warden. */
struct exec_start {
	struct startup_shm *shm;
	int fd;    /* bytes of the startup_shm */
	int team;  /* the file of the team's memory; -1: made for a fork */
	int trace; /* the file of the trace's memory; -1: no trace */
	int error; /* the error of execve; 0: none */
	char number[16]; /* `fd` in decimal: an argument */
	char program[4096];
};

/* Prepare the exec.  Returns 0, or -ENOENT where the workers' program is not found,
 * or the error of memfd_create or mmap.  Descriptors of `startup` are open. */
int exec_prepare(struct exec_start *start, const struct pool_startup *startup);
void exec_finish(struct exec_start *start);

/* In a process that shares this process's memory (vfork): start the warden, and end
 * with 0, or with an errno. */
noreturn void exec_and_leave(struct exec_start *start);

/* Find the program of the workers: 0, or -ENOENT and the words. */
int exec_find_program(char *path, size_t bytes);

#endif
