/* SPDX-License-Identifier: MIT */
/*
 * launch.h - a launch as its launcher has it: what the launch_*.c share.
 */
#ifndef RUNRIG_LAUNCH_PRIVATE_H
#define RUNRIG_LAUNCH_PRIVATE_H

#include <signal.h>

#include <runrig/launch.h>

#include "pool/alarm.h"
#include "pool/exec_start.h"
#include "pool/meeting.h"
#include "pool/report.h"

/* Bytes of output that wait for the end of their line. */
#define STREAM_BYTES ((size_t)16384)

/* Output of a program, on its way. */
struct stream {
	int fd; /* to read from; -1: it is not the launcher's affair */
	int to; /* the descriptor it goes to */
	size_t held;
	char *bytes; /* STREAM_BYTES */
};

/* The place of one rank: the program that was started for it, and the process
 * that has joined as it, which may be another. */
struct seat {
	pid_t pid; /* the program's; 0: not started */
	int pidfd;
	bool ended;
	int status; /* as waitpid() gives it */

	int connection; /* from when it asks to join; -1: it does not */
	pid_t member;   /* who has asked; 0: nobody */
	int member_fd;  /* its pidfd */
	bool member_ended;

	struct stream out, err;
};

struct rig_launch {
	const struct rig_launch_options *options; /* while it starts */
	struct pool_startup startup;
	struct rig_plan *plan;
	struct tracer tracer;
	struct report report;
	struct startup_shm *shm;
	size_t shm_bytes;
	int shm_fd, team_fd, trace_fd;
	struct seat *seats;
	bool label;
	char name[64]; /* of the program */

	char meeting[MEETING_NAME_BYTES];
	int listening;
	int asked; /* ranks that have asked to join */
	bool met;  /* all have, and are ranks */

	int signals;     /* signalfd */
	sigset_t before; /* of this thread */
	int rung;        /* eventfd: the ranks' alarm */
	struct alarm alarm;

	uint64_t limit_ns;
	uint64_t limit_at, kill_at, fail_at; /* on the clock; RIG_FOREVER */
	int signal;                          /* that is to end it; 0: none */
	int status;       /* what wait returns, as far as is known */
	bool over;        /* it was ended */
	int output_error; /* errno of what could not be written; 0: none */
	char text[WHY_BYTES + 64 * 256];
};

/* ---- launch_rank.c ---- */

/* Start the program of `rank`: 0 or -errno and the words. */
int launch_rank(struct rig_launch *launch, int rank);

/* ---- launch_meet.c ---- */

/* Have an address that ranks find. */
int launch_listen(struct rig_launch *launch);

/* Somebody wants to join. */
void launch_accept(struct rig_launch *launch);

/* ---- launch_output.c ---- */

/* Pass on what has come; at its end, or with `all`, what waits for the end of its
 * line, too. */
void stream_relay(struct rig_launch *launch, struct stream *stream, int rank,
		  bool all);

/* ---- launch.c ---- */

/* Add words to what is said at the end. */
void launch_say(struct rig_launch *launch, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
