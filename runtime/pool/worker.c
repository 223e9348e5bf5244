/* SPDX-License-Identifier: MIT */
/*
 * worker.c - a worker's life: be pinned, be ready, take jobs until killed.
 *
 * A worker ends by a signal: of the warden, or of the system when the warden is
 * gone.  Any other end of a worker is a death.  A worker leaves nothing to flush:
 * after each job the worker flushes the output of the job.
 */
#include "pool/pool_startup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pool/attach.h"
#include "pool/code.h"
#include "pool/map.h"
#include "base/environment.h"
#include "base/error.h"
#include "machine/inherit.h"
#include "team/mail.h"
#include "machine/oom.h"
#include "place/place.h"
#include "pool/reporter.h"
#include "team/modules.h"
#include "team/rank.h"
#include "place/topology.h"

#define STOP_UNKNOWN (-2) /* RUNRIG_STOP has not been asked yet */

/* The startup of this process, if the process is a worker. */
static const struct pool_startup *own_startup;

void worker_forked(void)
{
	if (!own_startup)
		return;
	/* Where MADV_DONTFORK is taken for a hint, as by emulators. */
	attach_forked();
	(void)munmap(own_startup->layout.control,
		     own_startup->layout.map_bytes);
	close(own_startup->lifeline_held);
	close(own_startup->ready);
	close(own_startup->files_receive);
	close(own_startup->bell);
	own_startup = NULL;
}

/*
 * A kernel that calls exit() ends this process and nothing else: functions that the
 * caller has registered with atexit() are not called.  This function is registered
 * last, and so called first (but for functions that kernels register).
 */
static void leave_at_once(int status, void *arg)
{
	(void)arg;
	(void)fflush(stdout);
	_exit(status);
}

/* A kernel that calls pthread_exit() would leave its other threads running, and
 * the rank neither dead nor alive. */
static void leave_thread(void *arg)
{
	(void)arg;
	_exit(EXIT_SUCCESS);
}

/* The warden has set every signal to the default or to be ignored; a worker ignores
 * only SIGINT (Ctrl-C is the caller's affair) and SIGPIPE. */
static void set_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGQUIT, &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything until "ready".  All calls here are safe after a fork from a warden of a
 * caller with threads. */
static void be_born(const struct pool_startup *startup, struct rank *rank)
{
	const struct rig_spot *spot = &startup->plan->spots[rank->rank];
	const int keep[] = { startup->lifeline_held, startup->ready,
			     startup->files_receive, startup->bell };
	struct cpu_bits set;

	inherit_close(keep, (int)(sizeof(keep) / sizeof(keep[0])));
	if (startup->files.rlim_max)
		(void)setrlimit(RLIMIT_NOFILE, &startup->files);
	set_signals();
	/* A child that a kernel forks is no rank: a child that returns from the
	 * kernel ends here, at memory that the child has not. */
	(void)madvise(startup->layout.control, startup->layout.map_bytes,
		      MADV_DONTFORK);
	/* Losing a worker is an error of a run; losing the caller, its end. */
	oom_volunteer();
	reporter_install(rank);
	/* A failure to pin is no reason not to compute: rig_pool_worker()
	 * tells what the kernel says. */
	if (startup->plan->pinned) {
		memcpy(set.bits, spot->set, sizeof(set.bits));
		(void)topology_pin(0, &set);
	}
}

static int find_kernel(const struct rank *rank, enum job_kind kind,
		       uint64_t named, rig_kernel_fn **fn)
{
	static struct code code;
	uint64_t address = kind == JOB_SYMBOL ? 0 : named;
	int r;

	*fn = kind == JOB_MAP ? map_items : NULL;
	if (kind == JOB_MAP ||
	    (kind == JOB_POPULATE && !address && !rank->layout.job->symbol[0]))
		return 0;
	r = code_find(&code, address, rank->layout.job->symbol);
	if (r == 0)
		*fn = (rig_kernel_fn *)(uintptr_t)code.address;
	if (code.loaded)
		worker_publish(rank);
	return r;
}

/* RUNRIG_STOP: wait for a debugger, or SIGCONT. */
static void stop_for_debugger(const struct rank *rank)
{
	static int stop = STOP_UNKNOWN;

	if (stop == STOP_UNKNOWN)
		stop = environment_stop_rank();
	if (stop != rank->rank)
		return;
	(void)dprintf(STDERR_FILENO,
		      "runrig: rank %d is stopped; attach with: gdb -p %d "
		      "(then: continue), or: kill -CONT %d\n",
		      rank->rank, (int)getpid(), (int)getpid());
	(void)raise(SIGSTOP);
}

/* Where run_kernel() calls the kernel from, for worker_calls_at(): a function of its
 * own, which ends after the call. */
__attribute__((noinline)) static int call_kernel(struct rank *rank,
						 rig_kernel_fn *fn)
{
	int r = fn(&rank->world);

	__asm__ volatile("" : "+r"(r)); /* no tail call: the frame stays */
	return r;
}

void worker_publish(const struct rank *rank)
{
	modules_publish(&rank->layout.modules[rank->rank],
			(uint64_t)(uintptr_t)&call_kernel);
}

bool worker_calls_at(uint64_t address)
{
	uint64_t begin = (uint64_t)(uintptr_t)&call_kernel;

	return address > begin && address < begin + CALL_KERNEL_BYTES;
}

static int run_kernel(struct rank *rank, rig_kernel_fn *fn)
{
	struct trace_event_shm *span = NULL;
	int r;

	/* relaxed: for the report. */
	store_relaxed(&rank->mine->state, RIG_STATE_RUNNING);
	stop_for_debugger(rank);
	rank->thread = thread_self();
	rank->one_thread = true;
	if (TRACE_BRANCH(rank->trace))
		span = trace_follow(rank->trace, rank->span, RIG_TRACE_KERNEL);
	r = call_kernel(rank, fn);
	trace_end(span);
	return r;
}

/* Run the kernel, to the end of the job. */
static int run_to_end(struct rank *rank, rig_kernel_fn *fn)
{
	int r = run_kernel(rank, fn);

	if (r == 0)
		r = mail_end_job(rank);
	/* rig_team_fail() has written the words, if any. */
	if (r < 0 && !rank->mine->why[0])
		return rig_fail(r, "the kernel returned %d", r);
	if (r < 0)
		return rig_fail(r, "%s", rank->mine->why);
	return 0;
}

/* A job of a chain.  All jobs have the segments of the first job, which attaches the
 * segments. */
static int run_chained(const struct pool_startup *startup, struct rank *rank,
		       const struct chain_job_shm *job, bool first)
{
	const int segments = (int)rank->layout.dispatch->words[JOB_SEGMENTS];
	struct chain_shm *chain = rank->layout.chain;
	rig_kernel_fn *fn;
	int r = find_kernel(rank, (enum job_kind)job->kind, job->fn, &fn);

	rank->args_bytes = job->args_bytes;
	if (job->args_bytes)
		memcpy(rank->args, chain->room + job->args_at, job->args_bytes);
	if (r == 0 && first)
		r = attach_segments(rank, segments, startup);
	else if (r == 0)
		attach_again(rank, segments);
	if (r < 0) {
		trace_end(rank->span);
		return r;
	}
	r = run_to_end(rank, fn);
	/* The next job clears the result. */
	if (r == 0 && rank->rank == 0 && job->result_bytes)
		memcpy(chain->room + job->result_at, rank->mine->result,
		       job->result_bytes);
	return r;
}

static int run_job(const struct pool_startup *startup, struct rank *rank)
{
	const uint64_t *words = rank->layout.dispatch->words;
	enum job_kind kind = (enum job_kind)words[JOB_KIND];
	int segments = (int)words[JOB_SEGMENTS];
	rig_kernel_fn *fn;
	int r;

	rank->span = NULL;
	if (TRACE_BRANCH(rank->trace))
		rank->span = trace_begin(rank->trace, RIG_TRACE_ATTACH, 0, 0);
	if (words[JOB_CHAIN])
		return run_chained(startup, rank,
				   &rank->layout.chain->jobs[rank->place],
				   rank->place == 0);
	rank->args_bytes = words[JOB_ARGS_BYTES];
	memcpy(rank->args, rank->layout.job->args, rank->args_bytes);
	rank->segments = 0;
	if (kind == JOB_FORGET) {
		attach_forget(rank);
		trace_end(rank->span);
		return 0;
	}
	if (kind == JOB_REPLICATE)
		return attach_replicate(rank, startup);
	r = find_kernel(rank, kind, words[JOB_FN], &fn);
	if (r < 0)
		return r;
	if (kind == JOB_POPULATE)
		r = attach_populate(rank, startup,
				    (rig_spans_fn *)(void (*)(void))fn);
	else
		r = attach_segments(rank, segments, startup);
	if (r < 0 || kind == JOB_POPULATE) {
		trace_end(rank->span);
		return r;
	}
	return run_to_end(rank, fn);
}

/* The output of a kernel is to come in order with the output of the caller. */
static void flush(void)
{
	if (__fpending(stdout))
		(void)fflush(stdout);
	if (__fpending(stderr))
		(void)fflush(stderr);
}

/* Take jobs, for ever.  Within a chain a rank posts the next job, and the caller waits
 * as long as the chain does: the worker waits as it does for ranks. */
static void take_jobs(const struct pool_startup *startup, struct rank *rank,
		      uint32_t seen)
{
	const struct patience *patience = &startup->idle;
	int r;

	for (;;) {
		seen = dispatch_take(rank->layout.dispatch, seen, patience);
		rank_begin(rank, seen);
		r = run_job(startup, rank);
		flush();
		if (r < 0)
			rank_failed(rank, r, rig_why());
		/* The words may be another job's once the rank has finished. */
		patience = rank_chain_goes_on(rank) ? &startup->busy
						    : &startup->idle;
		rank_finish(rank);
	}
}

noreturn void worker_main(const struct pool_startup *startup, int rank,
			  uint32_t seen)
{
	static struct rank self;
	const uint64_t one = 1;

	/* The warden may die before the note of its child's number, and the caller
	 * may have to reap the child. */
	startup->layout.about[rank].pid = getpid();
	/* If the warden dies, the worker dies.  The warden may be dead already. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != startup->layout.control->warden)
		_exit(EXIT_FAILURE);
	(void)prctl(PR_SET_NAME, WORKER_NAME);
	rank_init(&self, &startup->layout, rank, startup->size, &startup->busy);
	place_levels(startup->plan, rank, &self.levels);
	self.plan = startup->plan;
	self.bell = startup->bell;
	self.trace = tracer_rank(startup->tracer, rank);
	be_born(startup, &self);
	modules_begin(&startup->layout.modules[rank]);
	if (startup->execed) {
		worker_publish(&self);
		/* Forks of the caller have the handler from the caller. */
		(void)pthread_atfork(NULL, NULL, worker_forked);
	}
	own_startup = startup;
	attach_begin();
	(void)on_exit(leave_at_once, NULL);
	pthread_cleanup_push(leave_thread, NULL);
	while (write(startup->ready, &one, sizeof(one)) < 0)
		if (errno != EINTR)
			_exit(EXIT_FAILURE);
	take_jobs(startup, &self, seen);
	pthread_cleanup_pop(0);
	_exit(EXIT_FAILURE);
}
