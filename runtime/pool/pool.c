/* SPDX-License-Identifier: MIT */
/*
 * pool.c - the caller's side of a pool's life: its processes, from the first to
 * the last.  What it does in between is in run.c and handed.c.
 */
#include "pool/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/place.h>

#include "pool/pool_startup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "segment/ledger.h"
#include "machine/openmp.h"
#include "machine/process.h"
#include "machine/shared.h"
#include "pool/report.h"
#include "pool/team_memory.h"
#include "segment/segment.h"
#include "place/topology.h"

/* It knows its owner: what is not this thread's to unlock, stays locked. */
static pthread_mutex_t pools_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static struct rig_pool *pools;

/* Forks between the first process and this one: a pool is of the process that
 * made it, and asking for the pid would be a system call in every run. */
static uint32_t forks;

static void before_fork(void)
{
	pthread_mutex_lock(&pools_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&pools_lock);
}

static void in_child(void)
{
	forks++;
	worker_forked();
	/* Its thread has another number than the one that took it. */
	pools_lock = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
}

static void hook_fork(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

bool pool_is_maker(const struct rig_pool *pool)
{
	return pool->maker_forks == forks;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_descriptors(struct pool_startup *startup)
{
	int pair[2] = { -1, -1 }, pipe_ends[2] = { -1, -1 };
	int files[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	startup->caller_end = shared_above_standard(pair[0]);
	startup->warden_end = shared_above_standard(pair[1]);
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return rig_fail_errno(-errno, "pool: pipe");
	startup->lifeline_read = shared_above_standard(pipe_ends[0]);
	startup->lifeline_held = shared_above_standard(pipe_ends[1]);
	startup->caller_pidfd = shared_above_standard(
		(int)syscall(SYS_pidfd_open, getpid(), 0));
	if (startup->caller_pidfd < 0)
		return rig_fail_errno(-errno,
				      "pool: pidfd_open (Linux has it since "
				      "5.3; a sandbox, or valgrind, may not)");
	startup->ready =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	startup->bell =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (startup->ready < 0 || startup->bell < 0)
		return rig_fail_errno(-errno, "pool: eventfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	startup->files_send = shared_above_standard(files[0]);
	startup->files_receive = shared_above_standard(files[1]);
	if (startup->caller_end < 0 || startup->warden_end < 0 ||
	    startup->lifeline_read < 0 || startup->lifeline_held < 0 ||
	    startup->files_send < 0 || startup->files_receive < 0)
		return rig_fail_errno(-errno, "pool: descriptors");
	return 0;
}

/* Those the caller has no use for once the warden is there. */
static void close_wardens(struct pool_startup *startup)
{
	close_if_open(&startup->warden_end);
	close_if_open(&startup->lifeline_held);
	close_if_open(&startup->caller_pidfd);
	close_if_open(&startup->ready);
}

/* The process in between: its child is the warden. */
static noreturn void make_warden_and_leave(struct rig_pool *pool)
{
	pid_t pid;

	if (pool->startup.execed)
		exec_and_leave(&pool->exec);
	pid = fork();
	if (pid == 0)
		warden_main(&pool->startup);
	_exit(pid < 0 ? errno : 0);
}

/* What it said, in words. */
static int refuse_warden(const struct rig_pool *pool, int code)
{
	if (pool->exec.error)
		return rig_fail_errno(-pool->exec.error, "pool: start %s",
				      pool->exec.program);
	return rig_fail_errno(-code, "pool: fork (limits: ulimit -u, the "
				     "cgroup's pids.max)");
}

/*
 * Fork the warden, twice: the process in between ends at once and is waited for
 * here, so that nothing of ours is ever a child that the host could meet.  It
 * has our memory and not a copy (vfork), and this thread stands still meanwhile:
 * so it is as if this thread forked the warden, and the price of copying a
 * large caller is paid once; or never, where the warden is exec'ed.
 */
static int make_warden(struct rig_pool *pool)
{
	sigset_t all, before;
	int status = 0;
	pid_t pid;
	int r = 0;

	if (!pool->startup.execed)
		openmp_before_fork();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		make_warden_and_leave(pool);
	if (pid < 0)
		r = refuse_warden(pool, errno);
	/* A host that reaps every child may have been quicker: then the warden
	 * speaks for itself, or its silence does. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0 && WIFSIGNALED(status)) {
		/* Somebody killed it by its number, maybe in its fork: with our
		 * memory and our identity, it may have locked what we need. */
		after_fork();
		ledger_fork_failed();
		segments_fork_failed();
		r = rig_fail(-ECANCELED, "pool: the process that was to fork "
					 "the warden was killed");
	}
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status))
		r = refuse_warden(pool, WEXITSTATUS(status));
	return r;
}

/* The warden's pidfd, its first message.  0, -ECANCELED: it died before that,
 * or why there is none. */
static int meet_warden(struct rig_pool *pool)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	int why = 0;
	struct iovec part = { &why, sizeof(why) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header;
	ssize_t got;

	if (!process_readable(pool->startup.caller_end, clock_after(READY_NS)))
		return rig_fail(-ETIMEDOUT,
				"pool: its warden was not ready in %d s",
				(int)(READY_NS / 1000000000));
	/* Left in the socket, it would be taken for an answer. */
	do
		got = recvmsg(pool->startup.caller_end, &message,
			      MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return rig_fail_errno(-errno, "pool: meet its warden");
	if (got == 0)
		return rig_fail(-ECANCELED, "pool: its warden died");
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&pool->warden_pidfd, CMSG_DATA(header),
		       sizeof(pool->warden_pidfd));
	pool->warden_pidfd = shared_above_standard(pool->warden_pidfd);
	if (pool->warden_pidfd >= 0)
		return 0;
	return rig_fail_errno(why ? -why : -EMFILE,
			      "pool: a descriptor of its warden (ulimit -n)");
}

bool pool_warden_lives(const struct rig_pool *pool)
{
	struct pollfd polled = { .fd = pool->warden_pidfd, .events = POLLIN };

	return poll(&polled, 1, 0) <= 0;
}

/* The workers' and the warden's memory and descriptors are gone. */
static void await_lifeline(const struct rig_pool *pool, uint64_t deadline)
{
	struct pollfd polled = { .fd = pool->startup.lifeline_read };

	while (clock_ns() < deadline) {
		uint64_t left = (deadline - clock_ns()) / 1000000 + 1;

		if (poll(&polled, 1, (int)left) > 0)
			return;
	}
}

/* Has the warden said that it has ended its workers?  (One that was killed says
 * nothing.) */
static bool warden_has_left(const struct rig_pool *pool)
{
	char word = WARDEN_DONE;

	while (word != WARDEN_LEFT &&
	       recv(pool->startup.caller_end, &word, 1, MSG_DONTWAIT) == 1)
		;
	return word == WARDEN_LEFT;
}

/* Wait until no process of the pool lives any more, and reap those that have
 * become children of this process: the warden, and workers that it has not
 * reaped before it died. */
void pool_await_gone(const struct rig_pool *pool)
{
	const struct pool_startup *startup = &pool->startup;
	uint64_t deadline = clock_after(GONE_NS);

	if (pool->warden_pidfd >= 0)
		(void)process_await(pool->warden_pidfd, deadline, NULL);
	/* Workers of a warden that was killed die by themselves.  What a kernel
	 * has cloned may hold their lifeline longer than they live. */
	if (!warden_has_left(pool))
		await_lifeline(pool, deadline);
	if (pool->warden_pidfd < 0)
		process_reap_child(startup->layout.control->warden, WARDEN_NAME,
				   deadline);
	for (int i = 0; i < startup->size; i++)
		process_reap_child(startup->layout.about[i].pid, WORKER_NAME,
				   deadline);
}

/* The patience of workers and caller: who may spin. */
static void set_patience(struct rig_pool *pool)
{
	const struct rig_plan *plan = pool->plan;
	struct pool_startup *startup = &pool->startup;

	pool->own_core = plan->cpus > plan->workers;
	if (plan->workers > plan->cpus)
		startup->busy = (struct patience){ .yields = 4 };
	else
		startup->busy = (struct patience){ .spin_ns = 100000 };
	if (pool->own_core) {
		startup->idle = (struct patience){ .spin_ns = 2000000 };
		pool->patience = (struct patience){ .spin_ns = 2000000 };
	} else {
		startup->idle = (struct patience){ .yields = 100 };
		pool->patience = (struct patience){ 0 };
	}
	for (int i = 0; i < plan->workers; i++)
		for (int w = 0; w < RIG_PUS_MAX / 64; w++)
			pool->cpus.bits[w] |= plan->spots[i].set[w];
}

/* Everything before the fork.  What is done is undone by pool_free(). */
static int prepare(struct rig_pool *pool,
		   const struct rig_pool_options *options)
{
	struct pool_startup *startup = &pool->startup;
	int r;

	r = rig_place_plan(&pool->plan, &(struct rig_place_options){
						.workers = options->workers,
						.place = options->place });
	if (r < 0)
		return r;
	startup->execed = options->start == RIG_EXEC;
	startup->size = pool->plan->workers;
	startup->kind = options->barrier;
	startup->plan = pool->plan;
	startup->caller = getpid();
	startup->tracer = &pool->tracer;
	set_patience(pool);
	r = tracer_init(&pool->tracer, startup->size, options->trace,
			startup->execed ? &pool->exec.trace : NULL);
	if (r < 0)
		return r;
	r = report_init(&pool->report, startup->size);
	if (r == 0)
		r = report_init(&pool->aside, startup->size);
	if (r < 0)
		return r;
	pool->kept = calloc((size_t)startup->size, sizeof(*pool->kept));
	if (!pool->kept)
		return rig_fail_errno(-ENOMEM, "pool");
	r = team_memory_map(&startup->layout, startup->size,
			    "pool: its team segment",
			    startup->execed ? &pool->exec.team : NULL);
	if (r < 0)
		return r;
	r = layout_team(&startup->layout, startup->size, startup->kind);
	if (r < 0)
		return r;
	startup->layout.control->caller = getpid();
	while (!pool->id)
		if (getrandom(&pool->id, sizeof(pool->id), 0) < 0 &&
		    errno != EINTR)
			return rig_fail_errno(-errno, "pool: getrandom");
	r = ledger_open();
	if (r == 0)
		r = open_descriptors(startup);
	if (r == 0 && startup->execed)
		r = exec_prepare(&pool->exec, startup);
	return r;
}

static void pool_free(struct rig_pool *pool)
{
	struct pool_startup *startup = &pool->startup;

	job_segments_finish(pool);
	exec_finish(&pool->exec);
	close_wardens(startup);
	bell_finish(&pool->bell);
	close_if_open(&startup->caller_end);
	close_if_open(&startup->bell);
	close_if_open(&startup->lifeline_read);
	close_if_open(&startup->files_send);
	close_if_open(&startup->files_receive);
	close_if_open(&pool->warden_pidfd);
	if (startup->layout.control)
		munmap(startup->layout.control, startup->layout.map_bytes);
	report_finish(&pool->report);
	report_finish(&pool->aside);
	free(pool->kept);
	tracer_finish(&pool->tracer);
	rig_place_free(pool->plan);
	free(pool->name_copy);
	free(pool);
}

/* Start the warden and wait for the first team. */
static int start(struct rig_pool *pool)
{
	static const struct patience none;
	struct pool_startup *startup = &pool->startup;
	struct control_shm *control = startup->layout.control;
	int r;

	/* The first job is to be there. */
	startup->layout.dispatch->words[JOB_KIND] = JOB_START;
	dispatch_post(startup->layout.dispatch);
	r = make_warden(pool);
	close_wardens(startup);
	if (r < 0)
		return r;
	r = meet_warden(pool);
	if (r < 0)
		return r;
	r = run_await(pool, &none, false, clock_after(READY_NS));
	if (r == -ETIMEDOUT)
		return rig_fail(r, "pool: its workers were not ready in %d s",
				(int)(READY_NS / 1000000000));
	if (r < 0) {
		pool_await_gone(pool);
		return rig_fail(-ECANCELED, "pool: %s",
				startup->execed && pool->exec.shm->why[0]
					? pool->exec.shm->why
					: "its warden died");
	}
	exec_finish(&pool->exec);
	/* acquire: pairs with the release in give_up(). */
	if (load_acquire(&control->state) == CONTROL_DEAD)
		return rig_fail(control->code, "%s", control->why);
	return 0;
}

void pool_kill_warden(struct rig_pool *pool)
{
	if (pool->warden_pidfd >= 0)
		(void)process_kill(pool->warden_pidfd);
	pool_await_gone(pool);
}

bool pool_order(struct rig_pool *pool, enum order what, enum rig_end end)
{
	const struct order_message message = { .order = what, .end = end };

	while (send(pool->startup.caller_end, &message, sizeof(message),
		    MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* No process of the pool any more: by force, where the warden does not answer. */
static void quit(struct rig_pool *pool)
{
	(void)pool_order(pool, ORDER_QUIT, RIG_END_OK);
	pool_await_gone(pool);
	if (pool_warden_lives(pool))
		pool_kill_warden(pool);
}

static uint64_t pool_id(const struct rig_pool *pool)
{
	return pool->id;
}

static enum rig_barrier_kind pool_barrier(const struct rig_pool *pool)
{
	return pool->startup.kind;
}

static void pools_forget(struct identity identity)
{
	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;

		if (!pool_is_maker(pool))
			continue;
		job_segments_queue(pool, identity);
		/* Now, if nobody has the turn; else whoever has it will. */
		if (cas_seq(&pool->turn, &seen, TURN_TAKEN))
			run_end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
}

static int pools_let_go(void)
{
	int count = 0;

	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;

		/* In a run it may be wanted. */
		if (!pool_is_maker(pool) ||
		    !cas_seq(&pool->turn, &seen, TURN_TAKEN))
			continue;
		count += job_segments_let_go(pool);
		run_end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
	return count;
}

/* Before the first pool of this process is made. */
static void prepare_process(void)
{
	static const struct segment_pools calls = {
		.id = pool_id,
		.size = rig_pool_size,
		.barrier = pool_barrier,
		.populate = pool_populate,
		.forget = pools_forget,
		.let_go = pools_let_go,
	};

	hook_fork();
	segment_register_pools(&calls);
}

int rig_pool_create(struct rig_pool **out,
		    const struct rig_pool_options *options)
{
	static const struct rig_pool_options defaults;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct rig_pool *pool;
	int r;

	if (!out)
		return rig_fail(-EINVAL, "pool: no place for the handle");
	if (!options)
		options = &defaults;
	r = reserved_check(options->reserved, "rig_pool_options");
	if (r < 0)
		return r;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return rig_fail_errno(-ENOMEM, "pool");
	pthread_once(&once, prepare_process);
	pool->maker = getpid();
	pool->maker_forks = forks;
	pool->warden_pidfd = -1;
	pool->startup.caller_end = pool->startup.warden_end = -1;
	pool->startup.lifeline_read = pool->startup.lifeline_held = -1;
	pool->startup.caller_pidfd = pool->startup.ready = -1;
	pool->startup.bell = -1;
	bell_init(&pool->bell);
	pool->startup.files_send = pool->startup.files_receive = -1;
	pool->exec.fd = pool->exec.team = pool->exec.trace = -1;
	pthread_mutex_init(&pool->forget_lock, NULL);
	r = prepare(pool, options);
	if (r == 0)
		r = start(pool);
	if (r < 0) {
		if (pool->startup.caller_end >= 0 &&
		    pool->startup.warden_end < 0)
			quit(pool);
		pool_free(pool);
		return r;
	}
	pthread_mutex_lock(&pools_lock);
	pool->next = pools;
	pools = pool;
	pthread_mutex_unlock(&pools_lock);
	*out = pool;
	return 0;
}

void pools_left_behind(void)
{
	for (struct rig_pool *pool = pools; pool; pool = pool->next)
		pool->left_behind = true;
}

/* A call that is given no pool says this. */
static int no_pool(void)
{
	return rig_fail(-EINVAL, "pool: NULL");
}

int rig_pool_size(const struct rig_pool *pool)
{
	if (!pool)
		return no_pool();
	return pool->startup.size;
}

int rig_pool_start(const struct rig_pool *pool)
{
	if (!pool)
		return no_pool();
	return pool->startup.execed ? RIG_EXEC : RIG_FORK;
}

bool rig_pool_oversubscribed(const struct rig_pool *pool)
{
	return pool && pool->plan->oversubscribed;
}

const struct rig_report *rig_pool_report(const struct rig_pool *pool)
{
	return pool ? &pool->report.said : NULL;
}

static int check_rank(const struct rig_pool *pool, int rank)
{
	if (!pool)
		return no_pool();
	if (rank < 0 || rank >= pool->startup.size)
		return rig_fail(-EINVAL, "pool: no rank %d of %d", rank,
				pool->startup.size);
	return 0;
}

/* The code of a rank, where the memory of the team has it yet. */
static int code_of_rank(const struct rig_pool *pool, int rank)
{
	const struct rig_report *said = &pool->report.said;

	if (said->end == RIG_END_OK || said->end == RIG_END_FAILED)
		return load_relaxed(&pool->startup.layout.ranks[rank].code);
	/* Of those that were ended, what the run ended with. */
	return said->ranks[rank].state == RIG_STATE_DONE
		       ? pool->startup.layout.about[rank].code
		       : said->code;
}

void pool_keep_results(struct rig_pool *pool)
{
	if (load_relaxed(&pool->has_kept))
		return;
	for (int i = 0; i < pool->startup.size; i++) {
		pool->kept[i].code = code_of_rank(pool, i);
		memcpy(pool->kept[i].result,
		       pool->startup.layout.ranks[i].result, RIG_RESULT_MAX);
	}
	/* release: a thread that reads a result meanwhile sees them. */
	store_release(&pool->has_kept, 1);
}

int rig_pool_code(const struct rig_pool *pool, int rank)
{
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	/* acquire: pairs with the release in pool_keep_results(). */
	return load_acquire(&pool->has_kept) ? pool->kept[rank].code
					     : code_of_rank(pool, rank);
}

int rig_pool_result(const struct rig_pool *pool, int rank, void *result,
		    size_t bytes)
{
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (!result && bytes)
		return rig_fail(-EINVAL, "pool: result is NULL");
	if (bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"pool: a result of %zu bytes, not at "
				"most %d",
				bytes, RIG_RESULT_MAX);
	/* acquire: as above. */
	memcpy(result,
	       load_acquire(&pool->has_kept)
		       ? pool->kept[rank].result
		       : pool->startup.layout.ranks[rank].result,
	       bytes);
	return 0;
}

int rig_pool_worker(const struct rig_pool *pool, int rank,
		    struct rig_worker *worker)
{
	const struct rig_spot *spot;
	struct cpu_bits set;
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (!worker)
		return rig_fail(-EINVAL, "pool: worker is NULL");
	spot = &pool->plan->spots[rank];
	*worker = (struct rig_worker){
		.pid = pool->startup.layout.about[rank].pid,
		.package = spot->package,
		.node = spot->node,
		.core = spot->core,
	};
	r = topology_pinned(worker->pid, &set);
	if (r < 0)
		return rig_fail_errno(r, "pool: affinity of rank %d", rank);
	worker->pu = cpu_bits_first(&set);
	worker->pus = cpu_bits_count(&set);
	worker->as_planned = memcmp(set.bits, spot->set, sizeof(set.bits)) == 0;
	return 0;
}

const struct rig_plan *rig_pool_plan(const struct rig_pool *pool)
{
	return pool ? pool->plan : NULL;
}

static void leave_list(struct rig_pool *pool)
{
	struct rig_pool **at = &pools;

	pthread_mutex_lock(&pools_lock);
	while (*at && *at != pool)
		at = &(*at)->next;
	if (*at)
		*at = pool->next;
	pthread_mutex_unlock(&pools_lock);
}

int rig_pool_at_destroy(struct rig_pool *pool, void (*fn)(void *arg), void *arg)
{
	struct pool_farewell *farewell;

	if (!pool || !fn || !pool_is_maker(pool))
		return rig_fail(-EINVAL,
				"rig_pool_at_destroy: the pool or the function "
				"is NULL, or the pool is another process's");
	farewell = malloc(sizeof(*farewell));
	if (!farewell)
		return rig_fail_errno(-ENOMEM, "pool");
	farewell->fn = fn;
	farewell->arg = arg;
	/* relaxed: the swap decides. */
	farewell->next = load_relaxed(&pool->farewells);
	while (!cas_seq(&pool->farewells, &farewell->next, farewell))
		;
	return 0;
}

/* A fork of the maker has copies of the functions' data, and calls none. */
static void say_farewell(struct rig_pool *pool)
{
	struct pool_farewell *next = load_acquire(&pool->farewells);

	while (next) {
		struct pool_farewell *farewell = next;

		next = farewell->next;
		if (pool_is_maker(pool))
			farewell->fn(farewell->arg);
		free(farewell);
	}
}

void rig_pool_destroy(struct rig_pool *pool)
{
	if (!pool || pool->left_behind)
		return;
	leave_list(pool);
	say_farewell(pool);
	/* A fork of the maker lets go of its copy, no more. */
	if (pool_is_maker(pool))
		quit(pool);
	pool_free(pool);
}
