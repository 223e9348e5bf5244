/* SPDX-License-Identifier: MIT */
/*
 * warden.c - the process that forks the workers, watches them, and outlives the
 * caller.
 *
 *	a worker dies      note where every rank was, kill the rest, reap all, lay
 *	                   the team's memory out afresh, fork a new team, tell the
 *	                   caller that its run (if one was on) has failed
 *	the caller orders  the same, for the caller's reasons: a limit, a deadlock, a
 *	                   rank that failed
 *	the caller dies    kill the workers, remove the names of the caller, exit
 *
 * The warden has one thread, takes no lock, allocates nothing, and never writes to a
 * process that might not read.  The warden kills by pidfd, and its own children by
 * number where the system refuses a signal by pidfd, never another process by a bare
 * pid.  The truth about the workers is in the warden's own memory; shared memory has
 * copies.
 *
 * Only a death makes the warden end a run without an order.  For all other reasons
 * the caller orders the end, and posts no job while the order is carried out, so
 * warden and caller never race for a run.
 */
#include "pool/pool_startup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/glibc.h"
#include "base/error.h"
#include "machine/inherit.h"
#include "segment/ledger.h"
#include "machine/oom.h"
#include "machine/openmp.h"
#include "machine/pass.h"
#include "pool/report.h"
#include "machine/process.h"
#include "segment/segment.h"

/* How long a killed worker may take to be gone: a worker that hangs in the kernel
 * (state D) is abandoned after this time. */
#define REAP_NS (5 * UINT64_C(1000000000))

/* How long a team may take to be ready. */
#define START_NS (10 * UINT64_C(1000000000))

/* Tries of one fork, with pauses of 1, 10 and 100 ms between them. */
#define FORK_TRIES 4

/* Teams in a row that may lose a worker before the team is ready. */
#define START_TRIES 4

struct worker {
	pid_t pid; /* 0: none */
	int fd;    /* the pidfd */
};

struct warden {
	struct pool_startup *startup;
	int ready;         /* workers of the team that are ready */
	bool starting;     /* not all workers are ready */
	uint64_t start_by; /* when all must be ready, on the clock */
	int failed_starts; /* in a row */
	int64_t oom_kills; /* when the team was forked; -1: not known */
	bool tell_done;    /* once ready: the run posted is done */
	bool answer;       /* once ready: the caller's order is carried out */
	struct worker workers[RIG_WORKERS_MAX];
	/* socket, caller, ready, then the workers. */
	struct pollfd polled[3 + RIG_WORKERS_MAX];
};

static struct warden warden;

static int pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void kill_worker(const struct worker *worker)
{
	if (!worker->pid)
		return;
	/* Where signals by descriptor are refused: the worker is a child that has
	 * not been reaped, and no other process has its number. */
	if (syscall(SYS_pidfd_send_signal, worker->fd, SIGKILL, NULL, 0) < 0 &&
	    errno != ESRCH)
		(void)kill(worker->pid, SIGKILL);
}

/* Wait for a worker that is dying.  Returns the worker's wait status, as waitpid()
 * gives the status, or STATUS_UNKNOWN. */
static int reap(struct worker *worker, uint64_t deadline_ns)
{
	int status;

	(void)process_readable(worker->fd, deadline_ns);
	/* While no other process can have the number. */
	openmp_forget(worker->pid);
	(void)process_await(worker->fd, deadline_ns, &status);
	close(worker->fd);
	worker->pid = 0;
	return status;
}

/* Kill and reap every worker. */
static void end_team(struct warden *w)
{
	uint64_t deadline = clock_after(REAP_NS);

	for (int i = 0; i < w->startup->size; i++)
		kill_worker(&w->workers[i]);
	for (int i = 0; i < w->startup->size; i++)
		if (w->workers[i].pid)
			(void)reap(&w->workers[i], deadline);
}

static noreturn void leave(struct warden *w, bool caller_is_dead)
{
	const char left = WARDEN_LEFT;

	end_team(w);
	openmp_forget(getpid());
	if (caller_is_dead)
		ledger_execute();
	else
		(void)send(w->startup->warden_end, &left, 1, MSG_DONTWAIT);
	_exit(EXIT_SUCCESS);
}

static void pause_ns(long ns)
{
	const struct timespec time = { .tv_nsec = ns };

	(void)nanosleep(&time, NULL);
}

/* The caller's order, if any, is carried out. */
static void answer(struct warden *w)
{
	const char word = WARDEN_DONE;

	if (w->answer)
		(void)send(w->startup->warden_end, &word, 1, MSG_DONTWAIT);
	w->answer = false;
}

/* The run posted is done. */
static void done(struct warden *w)
{
	dispatch_done(w->startup->layout.dispatch);
	dispatch_ring(w->startup->layout.dispatch, w->startup->bell);
}

/* No more workers, now or later. */
static void give_up(struct warden *w, int code, const char *why)
{
	struct control_shm *control = w->startup->layout.control;

	end_team(w);
	w->starting = false;
	control->code = code;
	snprintf(control->why, sizeof(control->why), "%s", why);
	/* release: the words are written. */
	store_release(&control->state, CONTROL_DEAD);
	done(w);
	answer(w);
}

static int fork_worker(struct warden *w, int rank, uint32_t seen)
{
	struct worker *worker = &w->workers[rank];
	long pause = 1000000;
	pid_t pid;

	for (int tries = 1;; tries++) {
		pid = fork();
		if (pid == 0)
			worker_main(w->startup, rank, seen);
		if (pid > 0)
			break;
		if (tries == FORK_TRIES)
			return -errno;
		pause_ns(pause);
		pause *= 10;
	}
	worker->fd = pidfd_open(pid);
	if (worker->fd < 0) {
		int r = -errno;

		/* Not reaped yet, so the pid is still the worker's. */
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	worker->pid = pid;
	w->startup->layout.about[rank].pid = pid;
	return 0;
}

/* Fork all workers of a new generation.  Never a part of a team. */
static void fork_team(struct warden *w, uint32_t seen)
{
	struct pool_startup *startup = w->startup;
	char why[WHY_BYTES];
	uint64_t stale;
	int r;

	add_relaxed(&startup->layout.control->generation, 1);
	store_relaxed(&startup->layout.control->state, CONTROL_STARTING);
	/* Words of a team that has ended, for the report. */
	(void)!read(startup->ready, &stale, sizeof(stale));
	w->ready = 0;
	w->starting = true;
	w->start_by = clock_after(START_NS);
	for (int i = 0; i < startup->size; i++) {
		r = fork_worker(w, i, seen);
		if (r == 0)
			continue;
		snprintf(why, sizeof(why),
			 "pool: worker %d of %d could not be forked: %s "
			 "(limits: ulimit -u and -n, the cgroup's pids.max and "
			 "memory.max, threads-max)",
			 i, startup->size, errno_words(-r));
		give_up(w, r, why);
		return;
	}
	/* The workers are being born meanwhile, and have no job. */
	w->oom_kills = oom_kills("");
}

/* Has the kernel killed for want of memory since the team was forked? */
static bool lacks_memory(const struct warden *w)
{
	return w->oom_kills >= 0 && oom_kills("") > w->oom_kills;
}

/* All workers of the team are ready. */
static void on_ready(struct warden *w)
{
	w->starting = false;
	w->failed_starts = 0;
	store_release(&w->startup->layout.control->state, CONTROL_READY);
	if (w->tell_done)
		done(w);
	w->tell_done = false;
	answer(w);
}

/* End this team, for the reason `end`, and start a new team. */
static void renew(struct warden *w, enum rig_end end, int rank, int status)
{
	const struct layout *layout = &w->startup->layout;
	struct control_shm *control = layout->control;
	bool in_flight;
	uint32_t seen;
	int r;

	end_team(w);
	/* No process but the caller writes `posted` now, and the caller posts
	 * nothing while a run is on: the value stays.  A job posted after this
	 * look is for the new team. */
	seen = load_acquire(&layout->dispatch->done) & ~1u;
	in_flight = load_acquire(&layout->dispatch->posted) != seen;
	if (w->tell_done) {
		/* The run has ended already; the caller is not told yet. */
		seen = load_acquire(&layout->dispatch->posted);
	} else if (in_flight || w->answer) {
		/* Else the caller may still read the results of the last run. */
		report_take_stock(layout, w->startup->size);
		seen = load_acquire(&layout->dispatch->posted);
		control->end = end;
		control->rank = rank;
		control->wait_status = status;
		control->out_of_memory =
			status != STATUS_UNKNOWN && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGKILL && lacks_memory(w);
		w->tell_done = true;
	} else {
		/* The last rank may have died before it woke the caller. */
		dispatch_wake(layout->dispatch);
		dispatch_ring(layout->dispatch, w->startup->bell);
	}
	r = layout_team(layout, w->startup->size, w->startup->kind);
	if (r < 0)
		give_up(w, r, rig_why());
	else
		fork_team(w, seen);
}

/* A death while the team starts.  The cause may have been meant for the team before,
 * so there is another try; but the cause may also stay. */
static void fail_start(struct warden *w, int rank, int status)
{
	char why[WHY_BYTES];

	if (++w->failed_starts < START_TRIES) {
		renew(w, RIG_END_DEATH, rank, status);
		return;
	}
	snprintf(why, sizeof(why),
		 "pool: worker %d died while it started (%s %d), %d times in "
		 "a row",
		 rank, WIFSIGNALED(status) ? "signal" : "exit status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 START_TRIES);
	give_up(w, -ECANCELED, why);
}

static void on_death(struct warden *w, int rank)
{
	int status = reap(&w->workers[rank], clock_after(REAP_NS));

	if (w->starting)
		fail_start(w, rank, status);
	else
		renew(w, RIG_END_DEATH, rank, status);
}

static void on_order(struct warden *w)
{
	struct order_message message;
	ssize_t got = recv(w->startup->warden_end, &message, sizeof(message),
			   MSG_DONTWAIT);

	if (got == 0)
		leave(w, true);
	if (got != sizeof(message))
		return;
	if (message.order == ORDER_QUIT)
		leave(w, false);
	w->answer = true;
	/* The caller gets an answer about a run that has ended already when
	 * the team is ready; a run that a starting team has begun is another
	 * run. */
	if (load_relaxed(&w->startup->layout.control->state) == CONTROL_DEAD)
		answer(w);
	else if (!w->tell_done)
		renew(w, (enum rig_end)message.end, -1, 0);
}

static void on_worker_ready(struct warden *w)
{
	uint64_t count = 0;

	if (read(w->startup->ready, &count, sizeof(count)) != sizeof(count))
		return;
	w->ready += (int)count;
	if (w->starting && w->ready == w->startup->size)
		on_ready(w);
}

/* Wait until an event comes; where a team starts, until the team must be ready. */
static int await(struct warden *w)
{
	const struct pool_startup *startup = w->startup;
	int timeout = -1, count = 3;

	w->polled[0] = (struct pollfd){ startup->warden_end, POLLIN, 0 };
	w->polled[1] = (struct pollfd){ startup->caller_pidfd, POLLIN, 0 };
	w->polled[2] = (struct pollfd){ startup->ready, POLLIN, 0 };
	for (int i = 0; i < startup->size; i++, count++)
		w->polled[count] = (struct pollfd){
			w->workers[i].pid ? w->workers[i].fd : -1, POLLIN, 0
		};
	if (w->starting) {
		uint64_t now = clock_ns();

		timeout = now < w->start_by
				  ? (int)((w->start_by - now) / 1000000 + 1)
				  : 0;
	}
	return poll(w->polled, (nfds_t)count, timeout);
}

static noreturn void watch(struct warden *w)
{
	for (;;) {
		int happened = await(w);

		if (happened < 0)
			continue;
		if (w->polled[1].revents)
			leave(w, true);
		if (happened == 0 && w->starting && clock_ns() >= w->start_by)
			give_up(w, -ETIMEDOUT,
				"pool: the workers were not ready in 10 s");
		if (w->polled[2].revents)
			on_worker_ready(w);
		for (int i = 0; i < w->startup->size; i++)
			if (w->polled[3 + i].revents) {
				/* Other events are looked at afresh: this step
				 * ends or renews the whole team. */
				on_death(w, i);
				break;
			}
		if (w->polled[0].revents)
			on_order(w);
	}
}

/* Send the caller a descriptor of this process, by which the caller notices the
 * warden's death.  The caller waits for the message: with a descriptor, or with the
 * reason for its absence. */
static void introduce(const struct pool_startup *startup)
{
	const int fd = pidfd_open(getpid());
	const int why = fd < 0 ? errno : 0;

	/* A message that cannot be sent shows by the warden's end. */
	if (pass_send(startup->warden_end, &why, sizeof(why), &fd, fd >= 0,
		      MSG_DONTWAIT) < 0)
		_exit(EXIT_FAILURE);
	if (fd >= 0)
		close(fd);
}

/* A descriptor a worker: as many as may be had. */
static void raise_file_limit(struct pool_startup *startup)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &startup->files) < 0)
		return;
	limit = startup->files;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

noreturn void warden_main(struct pool_startup *startup)
{
	const int keep[] = { startup->warden_end,    startup->lifeline_held,
			     startup->caller_pidfd,  startup->ready,
			     startup->files_receive, startup->bell };
	char why[WHY_BYTES];
	sigset_t none;
	int r;

	startup->layout.control->warden = getpid();
	(void)prctl(PR_SET_NAME, WARDEN_NAME);
	inherit_rseq();
	inherit_signals();
	inherit_close(keep, (int)(sizeof(keep) / sizeof(keep[0])));
	r = inherit_maps();
	segments_left_behind();
	pools_left_behind();
	/* Output that the caller had not flushed is the caller's to flush. */
	__fpurge(stdout);
	__fpurge(stderr);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	raise_file_limit(startup);
	introduce(startup);

	/* A pool made in a kernel: the warden has a copy of another warden's
	 * state. */
	memset(&warden, 0, sizeof(warden));
	warden.startup = startup;
	warden.tell_done = true;
	snprintf(why, sizeof(why), "pool: /proc/self/maps cannot be read: %s",
		 errno_words(-r));
	if (r < 0)
		give_up(&warden, r, why);
	else
		fork_team(&warden,
			  load_relaxed(&startup->layout.dispatch->posted));
	watch(&warden);
}
