/* SPDX-License-Identifier: MIT */
/*
 * pool.c - the caller's side: making a pool, posting jobs, waiting for them.
 *
 * The caller posts a job in the team segment and waits for `done`.  It decides
 * when a run has to be ended (its limit, a deadlock, a rank that failed while
 * others go on) and orders the warden to; deaths the warden deals with by
 * itself.  Either way `done` comes, and struct control_shm says how.  If the
 * warden is gone nothing will come: its pidfd is looked at whenever a wait has
 * lasted for a while.
 */
#include "pool.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/kernel.h>
#include <runrig/place.h>

#include "birth.h"
#include "clock.h"
#include "error.h"
#include "ledger.h"
#include "report.h"
#include "segment.h"
#include "topology.h"

/* How often a waiting caller looks whether its warden lives. */
#define LOOK_NS (50 * UINT64_C(1000000))

/* How long the others may go on when a rank has failed: long enough for them to
 * fail alike, short enough not to be waited for. */
#define GRACE_NS      (20 * UINT64_C(1000000))
#define GRACE_LOOK_NS UINT64_C(500000)

/* How long a warden may take to carry an order out: it waits 5 s for a worker
 * that does not die, and 10 s for a team to start. */
#define ANSWER_MS 20000

/* How long processes that were killed may take to be gone. */
#define GONE_NS (6 * UINT64_C(1000000000))

/* Files that workers may have mapped: what one keeps (see attach.c), and what
 * one job more may differ in, for a worker keeps those it used last. */
#define HANDED_MAX (64 + 2 * RIG_SEGMENTS_MAX)

/* Foreign segments a pool remembers by name. */
#define FOREIGN_MAX 16

/* A segment that was handed over by name and is nobody's handle here. */
struct foreign {
	char name[RIG_NAME_MAX + 1]; /* "": free */
	struct segment_facts facts;  /* its fd is ours */
};

/* A file that was handed over, and is to be had for as long as a run may want
 * to attach it, whatever becomes of the handle: our own descriptor. */
struct handed_file {
	struct identity identity;
	uint64_t used; /* when last; 0: free */
	int fd;        /* -1: none */
};

/* In this process. */
struct rig_pool {
	struct rig_pool *next;
	struct birth birth;
	struct rig_plan *plan;
	struct report report;
	uint64_t id;
	pid_t maker;
	uint32_t maker_forks;
	int warden_pidfd; /* -1: the kernel gave none */
	bool dead;        /* no workers any more */

	/* One run at a time: who has the turn. */
	_Atomic uint32_t turn; /* enum turn */
	pthread_t holder;      /* the thread that submitted, while `posted` */

	/* The run at hand, or the last; of whoever has the turn. */
	rig_kernel_fn *kernel;
	const char *name; /* NULL, or our copy */
	char *name_copy;
	void *result;
	size_t result_bytes;
	uint64_t limit_ns;
	uint64_t limit_at; /* on the clock */
	bool posted;       /* submitted, and not waited for to the end */

	struct patience patience; /* of a caller with a core to itself */
	bool own_core;            /* there is one for it */
	struct cpu_bits cpus;     /* the workers' */

	/* Files the workers may have mapped. */
	struct handed_file handed[HANDED_MAX];
	uint64_t handed_uses;
	struct foreign foreign[FOREIGN_MAX];
	int foreign_next;

	/* What to forget when the run at hand has ended. */
	pthread_mutex_t forget_lock;
	struct identity *forget;
	size_t forget_room;
	_Atomic uint32_t forget_count;
};

enum turn {
	TURN_FREE,
	TURN_TAKEN,
	TURN_WANTED /* taken, and somebody may sleep until it is free */
};

static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
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
	pthread_mutex_unlock(&pools_lock);
}

static void hook_fork(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

static bool is_maker(const struct rig_pool *pool)
{
	return pool->maker_forks == forks;
}

/* A descriptor above the standard ones, so that a host that closed those does
 * not print into it.  Takes `fd` (or -1, errno set), returns it or -1. */
static int above_standard(int fd)
{
	int moved = fd;

	if (fd >= 0 && fd <= STDERR_FILENO) {
		moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	return moved;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_descriptors(struct birth *birth)
{
	int pair[2] = { -1, -1 }, pipe_ends[2] = { -1, -1 };
	int files[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	birth->caller_end = above_standard(pair[0]);
	birth->warden_end = above_standard(pair[1]);
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return rig_fail_errno(-errno, "pool: pipe");
	birth->lifeline_read = above_standard(pipe_ends[0]);
	birth->lifeline_held = above_standard(pipe_ends[1]);
	birth->caller_pidfd =
		above_standard((int)syscall(SYS_pidfd_open, getpid(), 0));
	if (birth->caller_pidfd < 0)
		return rig_fail_errno(-errno, "pool: pidfd_open");
	birth->ready = above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) < 0)
		return rig_fail_errno(-errno, "pool: socketpair");
	birth->files_send = above_standard(files[0]);
	birth->files_receive = above_standard(files[1]);
	if (birth->ready < 0 || birth->caller_end < 0 ||
	    birth->warden_end < 0 || birth->lifeline_read < 0 ||
	    birth->lifeline_held < 0 || birth->files_send < 0 ||
	    birth->files_receive < 0)
		return rig_fail_errno(-errno, "pool: descriptors");
	return 0;
}

/* Those the caller has no use for once the warden is there. */
static void close_wardens(struct birth *birth)
{
	close_if_open(&birth->warden_end);
	close_if_open(&birth->lifeline_held);
	close_if_open(&birth->caller_pidfd);
	close_if_open(&birth->ready);
}

/*
 * GCC's OpenMP does not survive a fork: a worker's first parallel region would
 * wait for threads that only the caller has.  Pausing it first ends the
 * caller's idle threads; its next region starts them again.  (LLVM's starts
 * afresh in the child by itself.)
 */
static void pause_openmp(void)
{
	int (*pause_all)(int) = NULL;
	const int hard = 2; /* omp_pause_hard of OpenMP 5.0 */

	if (!dlsym(RTLD_DEFAULT, "GOMP_parallel"))
		return;
	*(void **)&pause_all = dlsym(RTLD_DEFAULT, "omp_pause_resource_all");
	/* Within a parallel region it refuses, and nothing is lost. */
	if (pause_all)
		(void)pause_all(hard);
}

/*
 * Fork the warden, twice: the process in between ends at once and is waited for
 * here, so that nothing of ours is ever a child that the host could meet.
 */
static int fork_warden(struct birth *birth)
{
	sigset_t all, before;
	int status;
	pid_t pid;
	int r = 0;

	pause_openmp();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			warden_main(birth);
		_exit(pid < 0 ? errno : 0);
	}
	if (pid < 0)
		r = rig_fail_errno(-errno, "pool: fork (limits: ulimit -u, the "
					   "cgroup's pids.max)");
	/* A host that reaps every child may have been quicker: then the warden
	 * speaks for itself, or its silence does. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = 0;
			break;
		}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status))
		r = rig_fail_errno(-WEXITSTATUS(status),
				   "pool: fork (limits: ulimit -u, the "
				   "cgroup's pids.max)");
	return r;
}

/* The warden's pidfd, its first message. */
static void meet_warden(struct rig_pool *pool)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char nothing;
	struct iovec part = { &nothing, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header;

	pool->warden_pidfd = -1;
	if (recvmsg(pool->birth.caller_end, &message, MSG_CMSG_CLOEXEC) <= 0)
		return;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&pool->warden_pidfd, CMSG_DATA(header),
		       sizeof(pool->warden_pidfd));
	pool->warden_pidfd = above_standard(pool->warden_pidfd);
}

static bool warden_lives(const struct rig_pool *pool)
{
	struct pollfd polled = { .fd = pool->warden_pidfd, .events = POLLIN };

	if (pool->warden_pidfd < 0) {
		/* End of file on the socket says it too. */
		polled.fd = pool->birth.caller_end;
		return !(poll(&polled, 1, 0) > 0 && polled.revents & POLLHUP);
	}
	return poll(&polled, 1, 0) == 0;
}

/* Wait until no process of the pool lives any more. */
static void await_gone(const struct rig_pool *pool)
{
	struct pollfd polled = { .fd = pool->birth.lifeline_read };
	uint64_t deadline = clock_after(GONE_NS);

	while (clock_ns() < deadline) {
		uint64_t left = (deadline - clock_ns()) / 1000000 + 1;

		if (poll(&polled, 1, (int)left) > 0)
			return;
	}
}

/* The patience of workers and caller: who may spin. */
static void set_patience(struct rig_pool *pool)
{
	const struct rig_plan *plan = pool->plan;
	struct birth *birth = &pool->birth;

	pool->own_core = plan->cpus > plan->workers;
	if (plan->workers > plan->cpus)
		birth->busy = (struct patience){ .yields = 4 };
	else
		birth->busy = (struct patience){ .spin_ns = 100000 };
	if (pool->own_core) {
		birth->idle = (struct patience){ .spin_ns = 2000000 };
		pool->patience = (struct patience){ .spin_ns = 2000000 };
	} else {
		birth->idle = (struct patience){ .yields = 100 };
		pool->patience = (struct patience){ 0 };
	}
	for (int i = 0; i < plan->workers; i++)
		for (int w = 0; w < RIG_PUS_MAX / 64; w++)
			pool->cpus.bits[w] |= plan->spots[i].set[w];
}

/* The patience of a caller that waits now: it spins on no worker's CPU. */
static const struct patience *caller_patience(const struct rig_pool *pool)
{
	static const struct patience none;
	int cpu;

	if (!pool->own_core)
		return &none;
	cpu = sched_getcpu();
	if (cpu < 0 || cpu >= RIG_PUS_MAX || cpu_bits_has(&pool->cpus, cpu))
		return &none;
	return &pool->patience;
}

/* Everything before the fork.  What is done is undone by pool_free(). */
static int prepare(struct rig_pool *pool,
		   const struct rig_pool_options *options)
{
	struct birth *birth = &pool->birth;
	void *memory;
	int r;

	r = rig_place_plan(&pool->plan, &(struct rig_place_options){
						.workers = options->workers,
						.place = options->place });
	if (r < 0)
		return r;
	birth->size = pool->plan->workers;
	birth->kind = options->barrier;
	birth->plan = pool->plan;
	birth->caller = getpid();
	set_patience(pool);
	r = report_init(&pool->report, birth->size);
	if (r < 0)
		return r;
	memory =
		mmap(NULL, layout_at(NULL, birth->size).bytes,
		     PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return rig_fail_errno(-errno, "pool: map the team segment");
	birth->layout = layout_at(memory, birth->size);
	r = layout_team(&birth->layout, birth->size, birth->kind);
	if (r < 0)
		return r;
	birth->layout.control->caller = getpid();
	if (getrandom(&pool->id, sizeof(pool->id), 0) < 0 || !pool->id)
		return rig_fail_errno(-EIO, "pool: getrandom");
	r = ledger_open();
	return r < 0 ? r : open_descriptors(birth);
}

static void drop_handed(struct handed_file *file)
{
	if (file->used && file->fd >= 0)
		close(file->fd);
	*file = (struct handed_file){ 0 };
}

static void pool_free(struct rig_pool *pool)
{
	struct birth *birth = &pool->birth;

	for (size_t i = 0; i < HANDED_MAX; i++)
		drop_handed(&pool->handed[i]);
	for (int i = 0; i < FOREIGN_MAX; i++)
		if (pool->foreign[i].name[0])
			close(pool->foreign[i].facts.fd);
	close_wardens(birth);
	close_if_open(&birth->caller_end);
	close_if_open(&birth->lifeline_read);
	close_if_open(&birth->files_send);
	close_if_open(&birth->files_receive);
	close_if_open(&pool->warden_pidfd);
	if (birth->layout.control)
		munmap(birth->layout.control, birth->layout.bytes);
	report_finish(&pool->report);
	rig_place_free(pool->plan);
	pthread_mutex_destroy(&pool->forget_lock);
	free(pool->forget);
	free(pool->name_copy);
	free(pool);
}

/* Wait for job `posted`, come what may to the warden, until deadline_ns.  0,
 * -EINTR (the alarm), -ETIMEDOUT, or -ECANCELED: the warden is gone. */
static int await_done(struct rig_pool *pool, const struct patience *patience,
		      bool heed, uint64_t deadline_ns)
{
	static const struct patience none;
	struct dispatch_shm *dispatch = pool->birth.layout.dispatch;
	int r;

	/* Most runs are done before it is worth asking for the time. */
	if (patience->spin_ns && dispatch_poll(dispatch, patience))
		return 0;
	for (;;) {
		uint64_t look = clock_after(LOOK_NS);

		r = dispatch_wait(dispatch, patience, heed,
				  look < deadline_ns ? look : deadline_ns);
		if (r != -ETIMEDOUT)
			return r;
		if (!warden_lives(pool))
			return dispatch_is_done(dispatch) ? 0 : -ECANCELED;
		/* Given up between runs: nobody was there to be told.
		 * acquire: pairs with the release in give_up(). */
		if (load_acquire(&pool->birth.layout.control->state) ==
		    CONTROL_DEAD)
			return 0;
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		patience = &none;
	}
}

/* Start the warden and wait for the first team. */
static int start(struct rig_pool *pool)
{
	static const struct patience none;
	struct birth *birth = &pool->birth;
	struct control_shm *control = birth->layout.control;
	int r;

	/* The first job is to be there. */
	birth->layout.dispatch->words[JOB_KIND] = JOB_START;
	dispatch_post(birth->layout.dispatch);
	r = fork_warden(birth);
	close_wardens(birth);
	if (r < 0)
		return r;
	meet_warden(pool);
	r = await_done(pool, &none, false, RIG_FOREVER);
	if (r < 0) {
		await_gone(pool);
		return rig_fail(-ECANCELED, "pool: its warden died");
	}
	/* acquire: pairs with the release in give_up(). */
	if (load_acquire(&control->state) == CONTROL_DEAD)
		return rig_fail(control->code, "%s", control->why);
	return 0;
}

static void order(struct rig_pool *pool, enum order what, enum rig_end end)
{
	const struct order_message message = { .order = what, .end = end };

	while (send(pool->birth.caller_end, &message, sizeof(message),
		    MSG_NOSIGNAL) < 0 &&
	       errno == EINTR)
		;
}

int rig_pool_create(struct rig_pool **out,
		    const struct rig_pool_options *options)
{
	static const struct rig_pool_options defaults;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct rig_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return rig_fail_errno(-ENOMEM, "pool");
	pthread_once(&once, hook_fork);
	pool->maker = getpid();
	pool->maker_forks = forks;
	pool->warden_pidfd = -1;
	pool->birth.caller_end = pool->birth.warden_end = -1;
	pool->birth.lifeline_read = pool->birth.lifeline_held = -1;
	pool->birth.caller_pidfd = pool->birth.ready = -1;
	pool->birth.files_send = pool->birth.files_receive = -1;
	pthread_mutex_init(&pool->forget_lock, NULL);
	r = prepare(pool, options ? options : &defaults);
	if (r == 0)
		r = start(pool);
	if (r < 0) {
		if (pool->birth.caller_end >= 0 && pool->birth.warden_end < 0) {
			order(pool, ORDER_QUIT, RIG_END_OK);
			await_gone(pool);
		}
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

/* Take the pool for one run. */
static int take_turn(struct rig_pool *pool)
{
	uint32_t seen = TURN_FREE;

	if (!is_maker(pool))
		return rig_fail(-EINVAL,
				"pool: made by process %d; a fork of it must "
				"make its own",
				(int)pool->maker);
	/* acquire: pairs with the swap in end_turn(). */
	if (cas_acquire(&pool->turn, &seen, TURN_TAKEN))
		return 0;
	/* If it is this thread's, nobody else changes that meanwhile. */
	if (pool->posted && pthread_equal(pool->holder, pthread_self()))
		return rig_fail(-EBUSY,
				"pool: this thread has submitted a run and not "
				"waited for it");
	while (swap_acq_rel(&pool->turn, TURN_WANTED) != TURN_FREE)
		(void)wait_sleep(&pool->turn, TURN_WANTED, RIG_FOREVER);
	return 0;
}

static void put_segment(struct rig_pool *pool, int index,
			const struct segment_facts *facts)
{
	pool->birth.layout.job->segments[index] = (struct job_segment_shm){
		.device = facts->identity.device,
		.inode = facts->identity.inode,
		.file_bytes = facts->file_bytes,
		.data_bytes = facts->data_bytes,
		.bytes = facts->data_bytes,
		.holder_fd = facts->fd,
		.flags = facts->pool == pool->id ? JOB_BARRIER : 0,
	};
}

/* Note that the workers may have it mapped from now on.  Returns a descriptor
 * of it that stays until it is forgotten (or `fd`, where there are no more). */
static int note_handed(struct rig_pool *pool, struct identity identity, int fd)
{
	struct handed_file *file = &pool->handed[0];

	for (size_t i = 0; i < HANDED_MAX; i++) {
		struct handed_file *other = &pool->handed[i];

		if (identity_same(other->identity, identity)) {
			file = other;
			break;
		}
		if (other->used < file->used)
			file = other;
	}
	if (!file->used || !identity_same(file->identity, identity)) {
		drop_handed(file);
		file->identity = identity;
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	}
	file->used = ++pool->handed_uses;
	return file->fd >= 0 ? file->fd : fd;
}

/* True where it was noted; it is no more. */
static bool was_handed(struct rig_pool *pool, struct identity identity)
{
	for (size_t i = 0; i < HANDED_MAX; i++)
		if (pool->handed[i].used &&
		    identity_same(pool->handed[i].identity, identity)) {
			drop_handed(&pool->handed[i]);
			return true;
		}
	return false;
}

static int code_of(enum rig_end end)
{
	switch (end) {
	case RIG_END_DEATH:
		return -EOWNERDEAD;
	case RIG_END_DEADLOCK:
		return -EDEADLK;
	case RIG_END_LIMIT:
		return -ETIMEDOUT;
	case RIG_END_WARDEN:
		return -ECANCELED;
	default:
		return 0;
	}
}

/* The first rank that failed by itself, rather than because another had. */
static int first_failed(const struct rig_pool *pool)
{
	const struct layout *layout = &pool->birth.layout;

	for (int i = 0; i < pool->birth.size; i++) {
		int code = load_relaxed(&layout->ranks[i].code);

		if (code < 0 && code != -ECANCELED)
			return i;
	}
	return (int)load_relaxed(&layout->team->failed) - 1;
}

/* Set what one run left to what the next expects. */
static void reset_run(struct rig_pool *pool)
{
	struct team_shm *team = pool->birth.layout.team;

	pool->birth.layout.control->end = RIG_END_OK;
	/* relaxed: no worker runs; the next post releases it. */
	store_relaxed(&team->failed, 0);
	store_relaxed(&team->deadlock, 0);
	store_relaxed(&team->unattached[0], 0);
	store_relaxed(&team->unattached[1], 0);
}

/* The run is over, and not well: make the report and return the code. */
static int finish_bad(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->birth.layout;
	struct report_facts facts = { .layout = layout,
				      .size = pool->birth.size,
				      .plan = pool->plan,
				      .kernel = pool->kernel,
				      .name = pool->name,
				      .limit_ns = pool->limit_ns };
	int failed = -1;

	if (load_relaxed(&layout->control->state) == CONTROL_DEAD)
		end = RIG_END_WARDEN;
	if (end == RIG_END_OK && layout->control->end != RIG_END_OK) {
		end = (enum rig_end)layout->control->end;
		facts.ended = true;
		failed = (int)layout->control->failed - 1;
	} else if (end == RIG_END_OK) {
		end = RIG_END_FAILED;
		failed = first_failed(pool);
		store_relaxed(&layout->team->failed, (uint32_t)failed + 1);
	}
	if (end == RIG_END_WARDEN)
		pool->dead = true;
	facts.end = end;
	facts.code = code_of(end);
	if (end == RIG_END_FAILED)
		facts.code =
			facts.ended ? layout->about[failed].code
				    : load_relaxed(&layout->ranks[failed].code);
	report_make(&pool->report, &facts);
	reset_run(pool);
	return facts.code;
}

/*
 * The run is over: how did it end?  `end` is OK where only the shared memory
 * knows.  Returns the run's code.
 */
static int finish_run(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->birth.layout;

	pool->posted = false;
	/* acquire: pairs with the releases in give_up() and team_failed(). */
	if (end != RIG_END_OK || layout->control->end != RIG_END_OK ||
	    load_acquire(&layout->control->state) == CONTROL_DEAD ||
	    load_acquire(&layout->team->failed))
		return finish_bad(pool, end);
	report_clear(&pool->report);
	return 0;
}

/* Order the warden to end the run at hand, and wait until it has. */
static int end_run(struct rig_pool *pool, enum rig_end end)
{
	struct pollfd polled = { .fd = pool->birth.caller_end,
				 .events = POLLIN };
	char answer;

	order(pool, ORDER_END, end);
	while (poll(&polled, 1, ANSWER_MS) < 0 && errno == EINTR)
		;
	if (recv(pool->birth.caller_end, &answer, 1, MSG_DONTWAIT) != 1) {
		/* Dead, or stopped for good: then its workers go with it. */
		if (pool->warden_pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal, pool->warden_pidfd,
				      SIGKILL, NULL, 0);
		await_gone(pool);
		end = RIG_END_WARDEN;
	} else {
		end = RIG_END_OK; /* control_shm says how */
	}
	return finish_run(pool, end);
}

/* A rank says that it has failed, or that nobody can go on.  0: the run has
 * ended by itself meanwhile. */
static int heed_alarm(struct rig_pool *pool)
{
	static const struct patience none;
	struct team_shm *team = pool->birth.layout.team;
	uint64_t until = clock_after(GRACE_NS);
	int r;

	/* A rank that failed is the reason why others wait for it. */
	if (!load_acquire(&team->failed))
		return end_run(pool, RIG_END_DEADLOCK);
	do
		r = await_done(pool, &none, false, clock_after(GRACE_LOOK_NS));
	while (r == -ETIMEDOUT && clock_ns() < until &&
	       !load_acquire(&team->deadlock));
	if (r == 0)
		return finish_run(pool, RIG_END_OK);
	return end_run(pool, RIG_END_FAILED);
}

/* One descriptor to whichever rank comes first.  False: nobody took it in time,
 * or the run is over. */
static bool send_file(struct rig_pool *pool, int fd, uint64_t deadline_ns)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char nothing = 0;
	struct iovec part = { &nothing, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct pollfd polled = { .fd = pool->birth.files_send,
				 .events = POLLOUT };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	while (sendmsg(polled.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* Gone: whoever waits for it is told so. */
		if (errno == EBADF) {
			message.msg_control = NULL;
			message.msg_controllen = 0;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ETOOMANYREFS)
			return false;
		if (clock_ns() >= deadline_ns ||
		    dispatch_is_done(pool->birth.layout.dispatch))
			return false;
		(void)poll(&polled, 1, 1);
	}
	return true;
}

/*
 * The workers cannot open this process's files through /proc (it is not
 * dumpable, say).  Post the job once more and hand every rank every file, in
 * the order in which attach.c takes them.
 */
static void hand_over(struct rig_pool *pool)
{
	const struct layout *layout = &pool->birth.layout;
	const struct job_segment_shm *segments = layout->job->segments;
	uint64_t deadline = clock_after(GONE_NS);
	uint64_t count = layout->dispatch->words[JOB_SEGMENTS];
	char nothing;

	/* What an ended team has left in the socket. */
	while (recv(pool->birth.files_receive, &nothing, 1, MSG_DONTWAIT) > 0)
		;
	layout->dispatch->words[JOB_BY_SOCKET] = 1;
	pool->posted = true;
	dispatch_post(layout->dispatch);
	for (uint64_t i = 0; i < count; i++) {
		bool twice = false;

		for (uint64_t k = 0; k < i; k++)
			twice |= segments[k].inode == segments[i].inode &&
				 segments[k].device == segments[i].device &&
				 !((segments[k].flags ^ segments[i].flags) &
				   JOB_READ_ONLY);
		for (int rank = 0; rank < pool->birth.size && !twice &&
				   segments[i].holder_fd >= 0;
		     rank++)
			if (!send_file(pool, segments[i].holder_fd, deadline))
				return;
	}
}

/* Wait for the run at hand until deadline_ns: its code, or -EAGAIN: not yet. */
static int settle_once(struct rig_pool *pool, uint64_t deadline_ns)
{
	static const struct patience none;
	uint64_t until =
		pool->limit_at < deadline_ns ? pool->limit_at : deadline_ns;
	int r = await_done(pool, until ? caller_patience(pool) : &none, true,
			   until);

	switch (r) {
	case 0:
		return finish_run(pool, RIG_END_OK);
	case -EINTR:
		return heed_alarm(pool);
	case -ECANCELED:
		await_gone(pool);
		return finish_run(pool, RIG_END_WARDEN);
	default:
		if (until == pool->limit_at)
			return end_run(pool, RIG_END_LIMIT);
		return -EAGAIN;
	}
}

static int settle_run(struct rig_pool *pool, uint64_t deadline_ns)
{
	uint64_t *by_socket =
		&pool->birth.layout.dispatch->words[JOB_BY_SOCKET];
	int r = settle_once(pool, deadline_ns);

	if (r == JOB_HAND_OVER && !*by_socket) {
		hand_over(pool);
		r = settle_once(pool, deadline_ns);
	}
	if (*by_socket && !pool->posted)
		*by_socket = 0;
	return r == JOB_HAND_OVER ? -EACCES : r;
}

/* Post the job that the team segment holds, and wait for it: ours, not the
 * user's. */
static int run_internal(struct rig_pool *pool, enum job_kind kind, uint64_t fn,
			size_t args_bytes)
{
	struct dispatch_shm *dispatch = pool->birth.layout.dispatch;

	dispatch->words[JOB_KIND] = kind;
	dispatch->words[JOB_FN] = fn;
	dispatch->words[JOB_SEGMENTS] = 1;
	dispatch->words[JOB_ARGS_BYTES] = args_bytes;
	pool->name = kind == JOB_POPULATE ? "populate" : "forget";
	pool->limit_at = RIG_FOREVER;
	dispatch_post(dispatch);
	return settle_run(pool, RIG_FOREVER);
}

/* Have the workers unmap a file.  Only a death can fail that, and then there
 * is nothing left to unmap. */
static void forget_now(struct rig_pool *pool, struct identity identity)
{
	struct segment_facts facts = { .identity = identity, .fd = -1 };

	if (!was_handed(pool, identity) || pool->dead)
		return;
	put_segment(pool, 0, &facts);
	(void)run_internal(pool, JOB_FORGET, 0, 0);
}

/* Do what had to wait for the run's end, with the turn. */
static void forget_queued(struct rig_pool *pool)
{
	struct identity identity = { 0 };

	while (load_relaxed(&pool->forget_count)) {
		pthread_mutex_lock(&pool->forget_lock);
		identity = pool->forget[sub_seq(&pool->forget_count, 1) - 1];
		pthread_mutex_unlock(&pool->forget_lock);
		forget_now(pool, identity);
	}
}

/* Give the turn back. */
static void end_turn(struct rig_pool *pool)
{
	uint32_t seen;

	do {
		forget_queued(pool);
		/* Hands the pool's memory to who takes the next turn. */
		if (swap_seq(&pool->turn, TURN_FREE) == TURN_WANTED)
			wait_wake(&pool->turn, 1);
		/* Store, then look, as in pools_forget() the other way round:
		 * what is queued now is found by one of the two. */
		seen = TURN_FREE;
	} while (load_seq(&pool->forget_count) &&
		 cas_seq(&pool->turn, &seen, TURN_TAKEN));
}

static void queue_forget(struct rig_pool *pool, struct identity identity)
{
	struct identity *grown;
	uint32_t count;

	pthread_mutex_lock(&pool->forget_lock);
	count = load_relaxed(&pool->forget_count);
	if (count == pool->forget_room) {
		grown = realloc(pool->forget,
				(pool->forget_room + 32) * sizeof(*grown));
		if (grown) {
			pool->forget = grown;
			pool->forget_room += 32;
		}
	}
	/* Without memory the workers keep the mapping until they evict it. */
	if (count < pool->forget_room) {
		pool->forget[count] = identity;
		add_seq(&pool->forget_count, 1);
	}
	pthread_mutex_unlock(&pool->forget_lock);
}

void pools_forget(struct identity identity)
{
	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;

		if (!is_maker(pool))
			continue;
		queue_forget(pool, identity);
		/* Now, if nobody has the turn; else whoever has it will. */
		if (cas_seq(&pool->turn, &seen, TURN_TAKEN))
			end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
}

uint64_t pool_id(const struct rig_pool *pool)
{
	return pool->id;
}

enum rig_barrier_kind pool_barrier(const struct rig_pool *pool)
{
	return pool->birth.kind;
}

int pool_populate(struct rig_pool *pool, int fd, struct identity identity,
		  size_t file_bytes, size_t data_bytes,
		  const struct rig_segment_options *options)
{
	struct segment_facts facts = { .identity = identity,
				       .file_bytes = file_bytes,
				       .data_bytes = data_bytes,
				       .fd = fd };
	int r;

	if (options->spans_args_bytes > RIG_ARGS_MAX)
		return rig_fail(-EINVAL,
				"segment: %zu bytes of span "
				"arguments, not at most %d",
				options->spans_args_bytes, RIG_ARGS_MAX);
	r = take_turn(pool);
	if (r < 0)
		return r;
	if (pool->dead) {
		r = rig_fail(-ECANCELED, "segment: its pool is no more");
	} else {
		facts.fd = note_handed(pool, identity, fd);
		put_segment(pool, 0, &facts);
		if (options->spans_args_bytes)
			memcpy(pool->birth.layout.job->args,
			       options->spans_args, options->spans_args_bytes);
		r = run_internal(pool, JOB_POPULATE,
				 (uint64_t)(uintptr_t)options->spans,
				 options->spans_args_bytes);
	}
	if (r < 0) {
		char words[WHY_BYTES];

		/* Whoever could must not keep it mapped. */
		snprintf(words, sizeof(words), "%s", rig_why());
		forget_now(pool, identity);
		(void)rig_fail(r, "%s", words);
	}
	end_turn(pool);
	return r;
}

static int check_job(const struct rig_pool *pool, const struct rig_job *job)
{
	if (!job->kernel == !job->name)
		return rig_fail(-EINVAL,
				"job: give it either a kernel or a name");
	if (job->args_bytes > RIG_ARGS_MAX)
		return rig_fail(-EINVAL,
				"job: %zu bytes of arguments, not at "
				"most %d (hand a segment over)",
				job->args_bytes, RIG_ARGS_MAX);
	if (job->args_bytes && !job->args)
		return rig_fail(-EINVAL, "job: arguments are NULL");
	if (job->result_bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"job: a result of %zu bytes, not at "
				"most %d (use a segment)",
				job->result_bytes, RIG_RESULT_MAX);
	if (pool->dead)
		return rig_fail(-ECANCELED, "pool: it is no more (%s)",
				pool->birth.layout.control->why[0]
					? pool->birth.layout.control->why
					: "its warden died");
	return 0;
}

/* A word of the job, written only if it changes: the takers poll its line. */
static void put_word(struct rig_pool *pool, int index, uint64_t value)
{
	uint64_t *word = &pool->birth.layout.dispatch->words[index];

	if (*word != value)
		*word = value;
}

/* The words that say which kernel. */
static int put_kernel(struct rig_pool *pool, const struct rig_job *job)
{
	const struct rig_kernel *known = NULL;
	rig_kernel_fn *fn = job->kernel;

	if (!fn)
		known = rig_kernel_find(job->name);
	if (known)
		fn = known->run;
	put_word(pool, JOB_KIND, fn ? JOB_KERNEL : JOB_SYMBOL);
	put_word(pool, JOB_FN, (uint64_t)(uintptr_t)fn);
	if (fn)
		return 0;
	if (!strchr(job->name, ':'))
		return rig_fail(-EINVAL,
				"job: no kernel \"%s\" is registered, and it "
				"is not path.so:symbol",
				job->name);
	if (strlen(job->name) >= sizeof(pool->birth.layout.job->symbol))
		return rig_fail(-EINVAL,
				"job: the kernel's name is longer "
				"than %zu bytes",
				sizeof(pool->birth.layout.job->symbol) - 1);
	strcpy(pool->birth.layout.job->symbol, job->name);
	return 0;
}

static void forget_foreign(struct rig_pool *pool, struct foreign *foreign)
{
	close(foreign->facts.fd);
	foreign->name[0] = 0;
	queue_forget(pool, foreign->facts.identity);
}

int pools_let_go(void)
{
	int count = 0;

	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;
		struct stat status;

		/* In a run it may be wanted. */
		if (!is_maker(pool) || !cas_seq(&pool->turn, &seen, TURN_TAKEN))
			continue;
		for (int i = 0; i < FOREIGN_MAX; i++)
			if (pool->foreign[i].name[0] &&
			    fstat(pool->foreign[i].facts.fd, &status) == 0 &&
			    status.st_nlink == 0) {
				forget_foreign(pool, &pool->foreign[i]);
				count++;
			}
		end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
	return count;
}

/* A segment that is no handle's here: opened at first sight, and held, so that
 * the workers find it even when its name has gone (see python.md). */
static int foreign_facts(struct rig_pool *pool, const char *name,
			 struct segment_facts *facts)
{
	struct foreign *foreign;
	struct stat status;
	int fd, r;

	for (int i = 0; i < FOREIGN_MAX; i++) {
		foreign = &pool->foreign[i];
		if (strcmp(foreign->name, name) != 0)
			continue;
		if (shmfile_status(name, &status) == 0 &&
		    identity_same(identity_of(&status),
				  foreign->facts.identity) &&
		    (size_t)status.st_size == foreign->facts.file_bytes) {
			*facts = foreign->facts;
			return 0;
		}
		/* Another segment's name by now, or nobody's. */
		forget_foreign(pool, foreign);
	}
	fd = shmfile_open(name, false, &status);
	if (fd < 0)
		return fd;
	r = segment_read_facts(fd, name, facts);
	if (r < 0) {
		close(fd);
		return r;
	}
	foreign = &pool->foreign[pool->foreign_next++ % FOREIGN_MAX];
	if (foreign->name[0])
		forget_foreign(pool, foreign);
	snprintf(foreign->name, sizeof(foreign->name), "%s", name);
	foreign->facts = *facts;
	return 0;
}

static int put_handed(struct rig_pool *pool, int index,
		      const struct rig_handed *handed)
{
	struct job_shm *job = pool->birth.layout.job;
	struct segment_facts facts;
	size_t bytes;
	int r = shmfile_check_name(handed->name);

	if (r < 0)
		return r;
	if (!segment_handle_facts(handed->name, &facts)) {
		r = foreign_facts(pool, handed->name, &facts);
		if (r < 0)
			return r;
	}
	if (handed->offset > facts.data_bytes ||
	    handed->bytes > facts.data_bytes - handed->offset)
		return rig_fail(-EINVAL,
				"segment %s: bytes %zu to %zu asked for, it "
				"has %zu",
				handed->name, handed->offset,
				handed->offset + handed->bytes,
				facts.data_bytes);
	bytes = handed->bytes ? handed->bytes
			      : facts.data_bytes - handed->offset;
	facts.fd = note_handed(pool, facts.identity, facts.fd);
	put_segment(pool, index, &facts);
	job->segments[index].offset = handed->offset;
	job->segments[index].bytes = bytes;
	if (handed->read_only)
		job->segments[index].flags |= JOB_READ_ONLY;
	/* Names are read by who attaches, which is rare, and compared here,
	 * which is cheaper than sending them every time. */
	if (strcmp(job->names[index], handed->name) != 0)
		strcpy(job->names[index], handed->name);
	return 0;
}

static int put_job(struct rig_pool *pool, const struct rig_job *job)
{
	int count = 0;
	int r = put_kernel(pool, job);

	while (r == 0 && count < RIG_SEGMENTS_MAX &&
	       job->segments[count].name) {
		r = put_handed(pool, count, &job->segments[count]);
		count++;
	}
	if (r < 0)
		return r;
	put_word(pool, JOB_SEGMENTS, (uint64_t)count);
	put_word(pool, JOB_ARGS_BYTES, job->args_bytes);
	if (job->args_bytes)
		memcpy(pool->birth.layout.job->args, job->args,
		       job->args_bytes);
	return 0;
}

/* The kernel's name, for the report: the caller's own may be gone by then. */
static int keep_name(struct rig_pool *pool, const char *name)
{
	char *copy;

	if (!name || (pool->name_copy && strcmp(pool->name_copy, name) == 0)) {
		pool->name = name ? pool->name_copy : NULL;
		return 0;
	}
	copy = strdup(name);
	if (!copy)
		return rig_fail_errno(-ENOMEM, "job: its name");
	free(pool->name_copy);
	pool->name_copy = copy;
	pool->name = copy;
	return 0;
}

int rig_pool_submit(struct rig_pool *pool, const struct rig_job *job)
{
	int r = take_turn(pool);

	if (r < 0)
		return r;
	r = check_job(pool, job);
	if (r == 0)
		r = keep_name(pool, job->name);
	if (r == 0)
		r = put_job(pool, job);
	if (r < 0) {
		end_turn(pool);
		return r;
	}
	pool->kernel = job->kernel;
	pool->result = job->result;
	pool->result_bytes = job->result_bytes;
	pool->limit_ns = job->limit_ns;
	pool->limit_at =
		job->limit_ns ? clock_after(job->limit_ns) : RIG_FOREVER;
	pool->holder = pthread_self();
	pool->posted = true;
	dispatch_post(pool->birth.layout.dispatch);
	return 0;
}

int rig_pool_wait(struct rig_pool *pool, uint64_t deadline_ns)
{
	int r;

	if (!is_maker(pool) || !pool->posted)
		return rig_fail(-EINVAL, "pool: no run to wait for");
	r = settle_run(pool, deadline_ns);
	if (r == -EAGAIN && pool->posted)
		return rig_fail(-ETIMEDOUT, "pool: the run goes on");
	if (pool->result_bytes && r == 0)
		memcpy(pool->result, pool->birth.layout.ranks[0].result,
		       pool->result_bytes);
	end_turn(pool);
	return r;
}

int rig_pool_run(struct rig_pool *pool, const struct rig_job *job)
{
	int r = rig_pool_submit(pool, job);

	return r < 0 ? r : rig_pool_wait(pool, RIG_FOREVER);
}

int rig_pool_size(const struct rig_pool *pool)
{
	return pool->birth.size;
}

bool rig_pool_oversubscribed(const struct rig_pool *pool)
{
	return pool->plan->oversubscribed;
}

const struct rig_report *rig_pool_report(const struct rig_pool *pool)
{
	return &pool->report.said;
}

static int check_rank(const struct rig_pool *pool, int rank)
{
	if (rank < 0 || rank >= pool->birth.size)
		return rig_fail(-EINVAL, "pool: no rank %d of %d", rank,
				pool->birth.size);
	return 0;
}

int rig_pool_code(const struct rig_pool *pool, int rank)
{
	const struct rig_report *said = &pool->report.said;
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (said->end == RIG_END_OK || said->end == RIG_END_FAILED)
		return load_relaxed(&pool->birth.layout.ranks[rank].code);
	/* Of those that were ended, what the run ended with. */
	return said->ranks[rank].state == RIG_STATE_DONE
		       ? pool->birth.layout.about[rank].code
		       : said->code;
}

int rig_pool_result(const struct rig_pool *pool, int rank, void *result,
		    size_t bytes)
{
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"pool: a result of %zu bytes, not at "
				"most %d",
				bytes, RIG_RESULT_MAX);
	memcpy(result, pool->birth.layout.ranks[rank].result, bytes);
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
	spot = &pool->plan->spots[rank];
	*worker = (struct rig_worker){
		.pid = pool->birth.layout.about[rank].pid,
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

void rig_pool_destroy(struct rig_pool *pool)
{
	if (!pool)
		return;
	leave_list(pool);
	/* A fork of the maker lets go of its copy, no more. */
	if (is_maker(pool)) {
		order(pool, ORDER_QUIT, RIG_END_OK);
		await_gone(pool);
	}
	pool_free(pool);
}
