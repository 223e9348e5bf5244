/* SPDX-License-Identifier: MIT */
/*
 * launch_rank.c - starting the program of one rank.
 *
 * The program is started with vfork: the launcher's memory is not copied, and the next
 * rank is started while the program is loaded.  Until the exec the child has the
 * launcher's memory, and changes nothing there but `exec_error` and `exec_what`: no
 * handler runs in the child, nothing is allocated, and a function of its own has the
 * child's variables, below those that the launcher goes on with.
 */
#include "pool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"
#include "machine/shared.h"
#include "place/topology.h"

/* In the child: the descriptor `fd` becomes number `number`. */
static bool take_number(int fd, int number)
{
	return fd < 0 || dup2(fd, number) == number;
}

/* The variables that a rank finds. */
enum {
	VARIABLE_LAUNCHER,
	VARIABLE_RANK,
	VARIABLE_SIZE,
	VARIABLE_LOCAL_RANK,
	VARIABLE_LOCAL_SIZE,
	VARIABLES
};

static const char *const variable_names[VARIABLES] = {
	[VARIABLE_LAUNCHER] = "RUNRIG_LAUNCHER=",
	[VARIABLE_RANK] = "RUNRIG_RANK=",
	[VARIABLE_SIZE] = "RUNRIG_SIZE=",
	[VARIABLE_LOCAL_RANK] = "MPI_LOCALRANKID=",
	[VARIABLE_LOCAL_SIZE] = "MPI_LOCALNRANKS=",
};

/* The environment of a rank: the launcher's, and the variables. */
struct rank_environment {
	char text[VARIABLES][32 + MEETING_NAME_BYTES];
	char **list; /* NULL at the end */
};

static bool is_variable(const char *word)
{
	for (int i = 0; i < VARIABLES; i++)
		if (strncmp(word, variable_names[i],
			    strlen(variable_names[i])) == 0)
			return true;
	return false;
}

static int make_environment(struct rank_environment *environment,
			    const struct rig_launch *launch, int rank)
{
	size_t count = 0;

	for (char **word = environ; word && *word; word++)
		count++;
	environment->list =
		calloc(count + VARIABLES + 1, sizeof(*environment->list));
	if (!environment->list)
		return rig_fail_errno(-ENOMEM, "launch: the environment");
	count = 0;
	for (char **word = environ; word && *word; word++)
		if (!is_variable(*word))
			environment->list[count++] = *word;
	for (int i = 0; i < VARIABLES; i++) {
		char *text = environment->text[i];
		const size_t bytes = sizeof(environment->text[i]);
		const char *name = variable_names[i];

		if (i == VARIABLE_LAUNCHER)
			snprintf(text, bytes, "%s%s", name, launch->meeting);
		else
			snprintf(text, bytes, "%s%d", name,
				 i == VARIABLE_RANK || i == VARIABLE_LOCAL_RANK
					 ? rank
					 : launch->startup.size);
		environment->list[count++] = text;
	}
	return 0;
}

/* No handler of the launcher runs in the child.  Signals that the launcher ignores
 * are not ignored in the program. */
static void reset_signals(const sigset_t *mask)
{
	struct sigaction action;

	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN)
			(void)signal(number, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
}

/* Only the first rank reads the launcher's input: two ranks could not share the
 * input.  The lowest number is free when open() comes, so that all descriptors may be in
 * use. */
static bool set_input(int rank)
{
	if (rank == 0)
		return true;
	(void)close(STDIN_FILENO);
	return open("/dev/null", O_RDONLY) == STDIN_FILENO;
}

/* In the child: true, or `exec_what` names what has failed. */
static bool prepare_child(struct rig_launch *launch, int rank, int out, int err)
{
	const struct rig_launch_options *options = launch->options;

	launch->exec_what = "/dev/null";
	if (!set_input(rank))
		return false;
	launch->exec_what = options->arguments[0];
	if (!take_number(out, STDOUT_FILENO) ||
	    !take_number(err, STDERR_FILENO))
		return false;
	if (options->directory && chdir(options->directory) < 0) {
		launch->exec_what = options->directory;
		return false;
	}
	/* Last: the limit may be below the descriptors that are open. */
	if (launch->files.rlim_max)
		(void)setrlimit(RLIMIT_NOFILE, &launch->files);
	return true;
}

/* In the child, which has the launcher's memory. */
static NOINLINE noreturn void become(struct rig_launch *launch, int rank,
				     int out, int err, char **environment,
				     pid_t launcher)
{
	const struct rig_launch_options *options = launch->options;
	const struct rig_plan *plan = launch->plan;
	struct cpu_bits set;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(EXIT_FAILURE);
	reset_signals(&launch->before);
	if (plan->pinned) {
		memcpy(set.bits, plan->spots[rank].set, sizeof(set.bits));
		(void)topology_pin(0, &set);
	}
	if (prepare_child(launch, rank, out, err))
		(void)execvpe(options->arguments[0], options->arguments,
			      environment);
	launch->exec_error = errno;
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

/* The program was not started: the code, and the words. */
static int fail_exec(const struct rig_launch *launch)
{
	return rig_fail_errno(-launch->exec_error, "%s", launch->exec_what);
}

static int fork_rank(struct rig_launch *launch, int rank, int out, int err)
{
	struct seat *seat = &launch->seats[rank];
	struct rank_environment environment;
	const pid_t launcher = getpid();
	sigset_t all, before;
	pid_t pid;
	int cancel;
	int r = make_environment(&environment, launch, rank);

	if (r < 0)
		return r;
	launch->exec_error = 0;
	/* A handler of the launcher's in the child would change the launcher. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	/* Nor does the child end as a thread that is cancelled. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pid = vfork();
	if (pid == 0)
		become(launch, rank, out, err, environment.list, launcher);
	if (pid < 0)
		r = rig_fail_errno(-errno,
				   "launch: fork of rank %d (limits: ulimit "
				   "-u, the cgroup's pids.max)",
				   rank);
	(void)pthread_setcancelstate(cancel, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(environment.list);
	if (r < 0)
		return r;
	seat->pid = pid;
	if (launch->exec_error)
		return fail_exec(launch);
	seat->pidfd = shared_above_standard(
		(int)syscall(SYS_pidfd_open, seat->pid, 0));
	if (seat->pidfd < 0)
		return rig_fail_errno(-errno, "launch: pidfd_open");
	return 0;
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
