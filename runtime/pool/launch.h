/* SPDX-License-Identifier: MIT */
/*
 * launch.h - a launch in the launcher: shared by the files launch_*.c.
 */
#ifndef RUNRIG_LAUNCH_PRIVATE_H
#define RUNRIG_LAUNCH_PRIVATE_H

#include <signal.h>
#include <sys/resource.h>

#include <runrig/launch.h>

#include "pool/alarm.h"
#include "pool/exec_start.h"
#include "pool/meeting.h"
#include "pool/report.h"

/* Bytes of output that wait for the end of a line. */
#define STREAM_BYTES ((size_t)16384)

/* Output of a program, on its way. */
struct stream {
	int fd; /* the descriptor to read; -1: not the launcher's affair */
	int to; /* descriptor to write to */
	size_t held;
	char *bytes; /* STREAM_BYTES */
};

/* The seat of a rank: the program that was started, and the process that has joined,
 * maybe a child of the program. */
struct seat {
	pid_t pid; /* the program's; 0: not started */
	int pidfd;
	bool ended;
	int status; /* as from waitpid() */

	int connection; /* the socket of a process that has asked to join; -1: none */
	pid_t member;  /* the process that has asked; 0: none */
	int member_fd; /* the pidfd of the process */
	bool member_ended;

	struct stream out, err;
};

struct rig_launch {
	const struct rig_launch_options *options; /* during the start */
	struct pool_startup startup;
	struct rig_plan *plan;
	struct tracer tracer;
	struct report report;
	struct startup_shm *shm;
	size_t shm_bytes;
	int shm_fd, team_fd, trace_fd;
	struct seat *seats;
	bool label;
	char name[64];  /* the program's name */
	int exec_error; /* errno of the last start that failed; 0: none */
	const char *exec_what; /* the name to go with exec_error */

	char meeting[MEETING_NAME_BYTES];
	int listening;
	int asked; /* ranks that have asked to join */
	bool met;  /* all have, and are ranks */

	int signals;               /* signalfd */
	sigset_t before;           /* the signal mask of this thread */
	struct sigaction on_child; /* the process's action for SIGCHLD */
	bool changed; /* both are to be restored, and the process a subreaper */
	struct rlimit files; /* descriptors, as the launcher found the limit */
	int rung;            /* eventfd: the ranks' alarm */
	int spare[2];        /* descriptors for the end, which reads /proc */
	struct alarm alarm;

	uint64_t limit_ns;
	uint64_t limit_at, kill_at, fail_at; /* on the clock; RIG_FOREVER */
	int signal;       /* the signal that ends the launch; 0: none */
	int status;       /* for wait to return, as far as known */
	bool over;        /* ended by the launcher */
	int output_error; /* errno of a failed write; 0: none */
	char text[WHY_BYTES + 64 * 256];
};

/* ---- launch_rank.c ---- */

/* Start the program of `rank`: 0 or -errno and the words. */
int launch_rank(struct rig_launch *launch, int rank);

/* ---- launch_files.c ---- */

/* Raise the soft limit of descriptors to the hard limit: a rank needs three, or five
 * with labels.  The programs get the limit back. */
void launch_raise_files(struct rig_launch *launch);

/* Whether the limit lets the launcher wait for all ranks: 0 or -EMFILE. */
int launch_check_files(const struct rig_launch *launch);

/* The words that follow "Too many open files": the limit, and how many descriptors are
 * enough. */
void launch_files_words(const struct rig_launch *launch, char *words,
			size_t bytes);

/* ---- launch_meet.c ---- */

/* Listen at an address that ranks find. */
int launch_listen(struct rig_launch *launch);

/* A process asks to join. */
void launch_accept(struct rig_launch *launch);

/* ---- launch_output.c ---- */

/* Pass on the output: whole lines, and at the end of the output the last line without an
 * end. */
void stream_relay(struct rig_launch *launch, struct stream *stream, int rank);

/* Pass on the rest, when all programs have ended. */
void launch_drain(struct rig_launch *launch);

/* ---- launch.c ---- */

/* How many descriptors the launcher waits for at once, at most. */
size_t launch_polled(const struct rig_launch *launch);

/* End every process of the launch, and wait until none runs. */
void launch_end_processes(struct rig_launch *launch);

/* The launch cannot go on, because of errno: the words, and the end of wait. */
void launch_give_up(struct rig_launch *launch, const char *what);

/* Add words to the launch's text. */
void launch_say(struct rig_launch *launch, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
