/* SPDX-License-Identifier: MIT */
/*
 * exec_start.h - what a process that is no fork of the caller starts with.
 *
 * A pool that is made with RIG_EXEC has a warden that was exec'ed: nothing of
 * the caller's memory is in it.  What struct pool_startup tells a fork travels in
 * a file without a name, whose descriptor the exec leaves open; pointers are made
 * anew where it is unpacked.
 */
#ifndef RUNRIG_EXEC_START_H
#define RUNRIG_EXEC_START_H

#include <stdnoreturn.h>

#include "pool/pool_startup.h"

#define STARTUP_MAGIC UINT64_C(0x7075747261747372) /* "rstartup" */

/* Descriptors that stay open across the exec; -1: there is none. */
enum {
	STARTUP_WARDEN_END,
	STARTUP_LIFELINE_HELD,
	STARTUP_CALLER_PIDFD,
	STARTUP_READY,
	STARTUP_BELL,
	STARTUP_FILES_RECEIVE,
	STARTUP_TEAM,   /* memory of the team */
	STARTUP_TRACE,  /* memory of the trace */
	STARTUP_LEDGER, /* names that the caller has made */
	STARTUP_FDS
};

/* In shared memory, written by the caller before the exec.  After it lie the
 * plan's spots, machine and memory, one after the other. */
struct startup_shm {
	uint64_t magic;      /* STARTUP_MAGIC */
	uint64_t build;      /* startup_build() */
	char why[WHY_BYTES]; /* of who could not start with it; "": nobody */
	int32_t fds[STARTUP_FDS];
	int32_t size;
	uint32_t kind; /* enum rig_barrier_kind */
	int32_t caller;
	uint32_t reserved;
	uint64_t bytes;        /* of all this */
	uint64_t trace_bytes;  /* 0: nothing is traced */
	uint64_t trace_stride; /* from one rank's to the next */
	struct patience idle;
	struct patience busy;
	struct rig_plan plan; /* its pointers mean nothing */
};

/* Tells one build of the library from another: they must not share memory. */
uint64_t startup_build(void);

/* Bytes of a startup_shm with this plan. */
size_t startup_bytes(const struct rig_plan *plan);

/* Write to `shm` (startup_bytes() of it) what `startup` says; the descriptors
 * are -1. */
void startup_pack(struct startup_shm *shm, const struct pool_startup *startup);

/* The way back: 0, or -EPROTO and the words, also in shm->why, where another
 * build has written it.  What `startup` points to lies in `shm`, in `plan` and in
 * `tracer`, which must live as long. */
int startup_unpack(struct startup_shm *shm, size_t bytes,
		   struct pool_startup *startup, struct rig_plan *plan,
		   struct tracer *tracer);

/* ---- in the caller ---- */

/* What is needed to exec a warden.  In this process. */
struct exec_start {
	struct startup_shm *shm;
	int fd;          /* of that */
	int team;        /* of the team's memory; -1: made for a fork */
	int trace;       /* of the trace's; -1: there is none */
	int error;       /* what execve said; 0: nothing */
	char number[16]; /* of `fd`, in decimal: an argument */
	char program[4096];
};

/* Make ready: 0, or -ENOENT where the workers' program is not found, or what
 * memfd_create or mmap said.  Descriptors of `startup` are open. */
int exec_prepare(struct exec_start *start, const struct pool_startup *startup);
void exec_finish(struct exec_start *start);

/* In a process that has this one's memory (vfork): start the warden, and end
 * with 0, or with an errno. */
noreturn void exec_and_leave(struct exec_start *start);

/* Find the program that workers are exec'ed from: 0, or -ENOENT and the words. */
int exec_find_program(char *path, size_t bytes);

#endif
