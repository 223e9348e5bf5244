/* SPDX-License-Identifier: MIT */
/*
 * launch_rank.c - starting the program of one rank.
 *
 * The launcher is a small process of one thread, so a plain fork is enough.  An error of
 * the exec comes back through a pipe that a successful exec closes.
 */
#include "pool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"
#include "place/topology.h"

/* In the child: the descriptor `fd` becomes number `number`. */
static bool take_number(int fd, int number)
{
	return fd < 0 || dup2(fd, number) == number;
}

static bool set_environment(const struct rig_launch *launch, int rank)
{
	char number[16], size[16];

	snprintf(number, sizeof(number), "%d", rank);
	snprintf(size, sizeof(size), "%d", launch->startup.size);
	return setenv("RUNRIG_LAUNCHER", launch->meeting, 1) == 0 &&
	       setenv("RUNRIG_RANK", number, 1) == 0 &&
	       setenv("RUNRIG_SIZE", size, 1) == 0 &&
	       setenv("MPI_LOCALRANKID", number, 1) == 0 &&
	       setenv("MPI_LOCALNRANKS", size, 1) == 0;
}

/* Only the first rank reads the launcher's input: two ranks could not share the
 * input. */
static bool set_streams(int rank, int out, int err)
{
	int null = -1;

	if (rank > 0)
		null = open("/dev/null", O_RDONLY);
	return take_number(null, STDIN_FILENO) &&
	       take_number(out, STDOUT_FILENO) &&
	       take_number(err, STDERR_FILENO);
}

static noreturn void become(const struct rig_launch *launch, int rank, int out,
			    int err, int said, pid_t launcher)
{
	const struct rig_launch_options *options = launch->options;
	const struct rig_plan *plan = launch->plan;
	struct cpu_bits set;
	int error;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(EXIT_FAILURE);
	/* Signals that the launcher ignores are not ignored in the program. */
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &launch->before, NULL);
	if (plan->pinned) {
		memcpy(set.bits, plan->spots[rank].set, sizeof(set.bits));
		(void)topology_pin(0, &set);
	}
	if (set_environment(launch, rank) && set_streams(rank, out, err) &&
	    (!options->directory || chdir(options->directory) == 0))
		(void)execvp(options->arguments[0], options->arguments);
	error = errno;
	(void)!write(said, &error, sizeof(error));
	_exit(EXIT_FAILURE);
}

/* A pipe whose ends are above the standard streams, -1 each where none is
 * wanted. */
static int open_pipe(bool wanted, int ends[2])
{
	ends[0] = ends[1] = -1;
	if (!wanted)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return rig_fail_errno(-errno, "launch: pipe");
	ends[0] = shared_above_standard(ends[0]);
	ends[1] = shared_above_standard(ends[1]);
	return ends[0] < 0 || ends[1] < 0
		       ? rig_fail_errno(-errno, "launch: descriptors")
		       : 0;
}

static int open_stream(struct stream *stream, bool wanted, int to, int *write)
{
	int ends[2];
	int r = open_pipe(wanted, ends);

	stream->fd = ends[0];
	stream->to = to;
	*write = ends[1];
	if (r == 0 && wanted) {
		stream->bytes = malloc(STREAM_BYTES);
		if (!stream->bytes)
			r = rig_fail_errno(-ENOMEM, "launch: output");
	}
	return r;
}

/* The error of the program's exec: 0, or -errno and the words. */
static int hear_exec(const struct rig_launch *launch, int said)
{
	const struct rig_launch_options *options = launch->options;
	int error = 0;
	ssize_t got;

	do
		got = read(said, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(error))
		return 0;
	if (options->directory && access(options->directory, X_OK) < 0)
		return rig_fail_errno(-errno, "%s", options->directory);
	return rig_fail_errno(-error, "%s", options->arguments[0]);
}

static int fork_rank(struct rig_launch *launch, int rank, int out, int err)
{
	struct seat *seat = &launch->seats[rank];
	pid_t launcher = getpid();
	int said[2];
	int r = open_pipe(true, said);

	if (r == 0) {
		seat->pid = fork();
		if (seat->pid == 0)
			become(launch, rank, out, err, said[1], launcher);
		if (seat->pid < 0) {
			r = rig_fail_errno(-errno,
					   "launch: fork of rank %d (limits: "
					   "ulimit -u, the cgroup's pids.max)",
					   rank);
			seat->pid = 0;
		}
	}
	shared_close(&said[1]);
	if (r == 0) {
		seat->pidfd = shared_above_standard(
			(int)syscall(SYS_pidfd_open, seat->pid, 0));
		r = seat->pidfd < 0
			    ? rig_fail_errno(-errno, "launch: pidfd_open")
			    : hear_exec(launch, said[0]);
	}
	shared_close(&said[0]);
	return r;
}

int launch_rank(struct rig_launch *launch, int rank)
{
	struct seat *seat = &launch->seats[rank];
	int out = -1, err = -1;
	int r = open_stream(&seat->out, launch->label, STDOUT_FILENO, &out);

	if (r == 0)
		r = open_stream(&seat->err, launch->label, STDERR_FILENO, &err);
	if (r == 0)
		r = fork_rank(launch, rank, out, err);
	shared_close(&out);
	shared_close(&err);
	return r;
}
