/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.c - a file with seats, and a lock that outlives its holder.
 *
 *	open	the file by its name, or make it and give it the name
 *	lock	a robust mutex in the file; whatever follows is under the lock
 *	clear	the seats of processes that have died
 *	memory	make it where nobody waits, else map a waiting process's
 *	sit	the last to sit says MET and removes the name
 *	wait	not under the lock: until the state is MET, or the deadline
 *
 * Invariant: the state is OPEN until it is MET or CLOSED, for ever.  While it is
 * OPEN, fewer than `size` seats are taken, each by a process that waits or has
 * died, and all processes that wait have mapped the same memory, which nobody
 * writes to.  A file that is MET or CLOSED has no name, or loses it by whoever
 * opens it next.
 *
 * A process may die between any two instructions.  Its seat counts for nothing,
 * for the next to come looks at the process and not at the seat: a number, and the
 * time of birth, which tells two processes of one number apart.  The kernel gives
 * the lock of a dead holder to the next, who finds either the old state or the new
 * one: a seat is taken by the store of `pid`, which is the last, and the meeting is
 * over by the store of `state`.  A dead process that was to wake others has not
 * done so; hence nobody sleeps longer than LOOK_NS at a time.
 */
#include "pool/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "machine/process.h"
#include "machine/robust.h"
#include "machine/shared.h"
#include "pool/exec_start.h"
#include "segment/shmfile.h"

#define RENDEZVOUS_MAGIC UINT64_C(0x7a65646e65727472) /* "rtrendez" */

/* How often a sleeper looks, in case a dead process was to wake the sleeper. */
#define LOOK_NS (100 * UINT64_C(1000000))

enum rendezvous_state {
	MEETING_OPEN,
	MEETING_MET,   /* all have come */
	MEETING_CLOSED /* the last to wait has gone */
};

/* In shared memory.  Written under the lock by the process in the seat, or by the
 * next process to come when that process is dead. */
struct seat_shm {
	uint64_t born;
	int32_t memory; /* descriptor of the team's memory, in that process */
	int32_t pid;    /* written last; 0: the seat is free */
};

/* In shared memory: the file.  Written under the lock, but for the first words,
 * which are written before the file has its name. */
struct rendezvous_shm {
	uint64_t magic; /* RENDEZVOUS_MAGIC */
	uint64_t build; /* startup_build() */
	pthread_mutex_t lock;
	_Atomic uint32_t state; /* enum rendezvous_state */
	int32_t size;
	struct identity pids; /* the PID namespace of the numbers */
	struct patience busy;
	struct seat_shm seats[RIG_WORKERS_MAX];
};

/* In this process: an open file. */
struct rendezvous_file {
	const struct rig_join_options *options;
	uint64_t deadline_ns;
	struct identity pids;
	uint64_t born; /* this process */
	int fd;
	struct identity identity;
	struct rendezvous_shm *shm;
	int memory_fd;
	void *memory;
	int seat;
};

/* ---- the file ---- */

static int lock_init(pthread_mutex_t *lock)
{
	int r = robust_init(lock);

	return r < 0 ? rig_fail_errno(r, "join: the meeting's lock") : 0;
}

static int map_file(struct rendezvous_file *meeting)
{
	void *memory = mmap(NULL, sizeof(*meeting->shm), PROT_READ | PROT_WRITE,
			    MAP_SHARED, meeting->fd, 0);

	if (memory == MAP_FAILED)
		return rig_fail_errno(-errno, "join %s: map the meeting",
				      meeting->options->name);
	meeting->shm = memory;
	return 0;
}

static void close_file(struct rendezvous_file *meeting)
{
	if (meeting->shm)
		munmap(meeting->shm, sizeof(*meeting->shm));
	if (meeting->fd >= 0)
		close(meeting->fd);
	meeting->shm = NULL;
	meeting->fd = -1;
}

/* A complete file gets its name; -EEXIST: another process was first. */
static int make_file(struct rendezvous_file *meeting)
{
	const char *name = meeting->options->name;
	struct stat status;
	int r;

	meeting->fd = shmfile_make();
	if (meeting->fd < 0)
		return meeting->fd;
	r = shmfile_resize(meeting->fd, name, sizeof(*meeting->shm));
	if (r == 0)
		r = shmfile_reserve_new(meeting->fd, name,
					sizeof(*meeting->shm));
	if (r == 0)
		r = map_file(meeting);
	if (r < 0)
		return r;
	meeting->shm->magic = RENDEZVOUS_MAGIC;
	meeting->shm->build = startup_build();
	meeting->shm->size = meeting->options->size;
	meeting->shm->pids = meeting->pids;
	r = lock_init(&meeting->shm->lock);
	if (r == 0 && fstat(meeting->fd, &status) < 0)
		r = rig_fail_errno(-errno, "join %s: fstat", name);
	if (r < 0)
		return r;
	meeting->identity = identity_of(&status);
	return shmfile_publish_common(meeting->fd, name);
}

/* The file behind the name, which may be anybody's; -ENOENT: there is none. */
static int open_file(struct rendezvous_file *meeting)
{
	const char *name = meeting->options->name;
	struct stat status;
	int r;

	meeting->fd = shmfile_open(name, false, &status);
	if (meeting->fd < 0)
		return meeting->fd;
	meeting->identity = identity_of(&status);
	if (status.st_size != (off_t)sizeof(*meeting->shm))
		return rig_fail(-EPROTO,
				"join %s: the segment of that name is no "
				"meeting of ranks of this build",
				name);
	r = map_file(meeting);
	if (r < 0)
		return r;
	if (meeting->shm->magic != RENDEZVOUS_MAGIC)
		return rig_fail(-EPROTO,
				"join %s: the segment of that name is no "
				"meeting of ranks",
				name);
	if (meeting->shm->build != startup_build())
		return rig_fail(-EPROTO,
				"join %s: those who wait have another build of "
				"librunrig",
				name);
	return 0;
}

static int lock(struct rendezvous_file *meeting, uint64_t deadline_ns)
{
	pthread_mutex_t *mutex = &meeting->shm->lock;
	const struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};
	int r;

	if (deadline_ns == RIG_FOREVER)
		r = pthread_mutex_lock(mutex);
	else
		r = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
	/* The dead holder has left everything whole: see above. */
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(mutex);
	if (r == ETIMEDOUT)
		return rig_fail(-ETIMEDOUT,
				"join %s: a process that meets there has "
				"stopped",
				meeting->options->name);
	return r ? rig_fail_errno(-r, "join %s: the meeting's lock",
				  meeting->options->name)
		 : 0;
}

static void unlock(struct rendezvous_file *meeting)
{
	pthread_mutex_unlock(&meeting->shm->lock);
}

/* This process can tell no more. */
static void remove_name(const struct rendezvous_file *meeting)
{
	(void)shmfile_unlink(meeting->options->name, meeting->identity);
}

/* ---- the processes in the seats ---- */

/* Does the process of that number and that birth live? */
static bool lives(pid_t pid, uint64_t born)
{
	int fd = process_open(pid);
	bool alive = fd >= 0 && process_born(pid) == born &&
		     !process_readable(fd, 0);

	if (fd >= 0)
		close(fd);
	return alive;
}

/* Clear the seats of the dead, and count the living. */
static int clear_seats(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;
	int living = 0;

	for (int i = 0; i < RIG_WORKERS_MAX; i++) {
		struct seat_shm *seat = &shm->seats[i];

		if (!seat->pid)
			continue;
		if (lives(seat->pid, seat->born))
			living++;
		else
			seat->pid = 0;
	}
	return living;
}

/* The waiting processes are of another PID namespace: their numbers mean nothing
 * here.  A process that waits has the file open, and locked. */
static int check_namespace(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;
	int locked;

	if (identity_same(shm->pids, meeting->pids))
		return 0;
	locked = flock(meeting->fd, LOCK_EX | LOCK_NB);
	(void)flock(meeting->fd, LOCK_SH);
	if (locked < 0)
		return rig_fail(-EXDEV,
				"join %s: those who wait are in another PID "
				"namespace (another container)",
				meeting->options->name);
	memset(shm->seats, 0, sizeof(shm->seats));
	shm->pids = meeting->pids;
	return 0;
}

/* ---- the memory ---- */

static int make_memory(struct rendezvous_file *meeting)
{
	const int size = meeting->options->size;
	struct layout layout = layout_at(NULL, size);
	int r = shared_map(layout.bytes, "join: the team", &meeting->memory,
			   &meeting->memory_fd);

	if (r < 0)
		return r;
	layout = layout_at(meeting->memory, size);
	r = layout_team(&layout, size, RIG_BARRIER_ADAPTIVE);
	if (r < 0)
		return r;
	meeting->shm->size = size;
	dispatch_post(layout.dispatch);
	return 0;
}

/* Map the memory that a waiting process has open. */
static int find_memory(struct rendezvous_file *meeting)
{
	const struct rendezvous_shm *shm = meeting->shm;
	char path[64];
	int r = -ENOENT;

	for (int i = 0; r < 0 && i < shm->size; i++) {
		const struct seat_shm *seat = &shm->seats[i];

		if (!seat->pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)seat->pid,
			 (int)seat->memory);
		meeting->memory_fd =
			shared_above_standard(open(path, O_RDWR | O_CLOEXEC));
		r = meeting->memory_fd < 0 ? -errno : 0;
	}
	if (r < 0)
		return rig_fail_errno(r, "join %s: open the team's memory, %s",
				      meeting->options->name, path);
	return shared_map_fd(meeting->memory_fd,
			     layout_at(NULL, shm->size).bytes, "join: the team",
			     &meeting->memory);
}

static void drop_memory(struct rendezvous_file *meeting)
{
	if (meeting->memory)
		munmap(meeting->memory,
		       layout_at(NULL, meeting->options->size).bytes);
	if (meeting->memory_fd >= 0)
		close(meeting->memory_fd);
	meeting->memory = NULL;
	meeting->memory_fd = -1;
}

/* ---- sitting down ---- */

static int choose_seat(struct rendezvous_file *meeting)
{
	const struct rendezvous_shm *shm = meeting->shm;
	const int wanted = meeting->options->number - 1;

	if (wanted >= 0 && shm->seats[wanted].pid)
		return rig_fail(-EEXIST,
				"join %s: process %d waits as rank %d already",
				meeting->options->name,
				(int)shm->seats[wanted].pid, wanted);
	if (wanted >= 0)
		return wanted;
	for (int i = 0; i < shm->size; i++)
		if (!shm->seats[i].pid)
			return i;
	return rig_fail(-EPROTO, "join %s: the meeting is damaged",
			meeting->options->name);
}

/* The patience of ranks that may run on different CPUs each: all CPUs count. */
static struct patience patience_of(const struct rendezvous_shm *shm)
{
	cpu_set_t all, set;

	CPU_ZERO(&all);
	for (int i = 0; i < shm->size; i++)
		if (sched_getaffinity(shm->seats[i].pid, sizeof(set), &set) ==
		    0)
			CPU_OR(&all, &all, &set);
	return wait_patience_on(shm->size, (uint32_t)CPU_COUNT(&all));
}

/* All have come: each finds the others' numbers in the team's memory. */
static void meet(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;
	const struct layout layout = layout_at(meeting->memory, shm->size);

	for (int i = 0; i < shm->size; i++)
		layout.about[i].pid = shm->seats[i].pid;
	shm->busy = patience_of(shm);
	/* release: the seats and the numbers; pairs with await_others(). */
	store_release(&shm->state, MEETING_MET);
	remove_name(meeting);
	wait_wake(&shm->state, INT_MAX);
}

/* Under the lock of a meeting that is open. */
static int sit(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;
	int living, r = check_namespace(meeting);
	struct seat_shm *seat;

	if (r < 0)
		return r;
	do {
		living = clear_seats(meeting);
		if (living && shm->size != meeting->options->size)
			return rig_fail(-EEXIST,
					"join %s: those who wait are to be %d "
					"ranks, and not %d",
					meeting->options->name, (int)shm->size,
					meeting->options->size);
		r = living ? find_memory(meeting) : make_memory(meeting);
		/* Whoever has died meanwhile has taken the memory along. */
	} while (r < 0 && living && clear_seats(meeting) < living);
	if (r == 0)
		r = meeting->seat = choose_seat(meeting);
	if (r < 0)
		return r;
	seat = &shm->seats[meeting->seat];
	seat->born = meeting->born;
	seat->memory = meeting->memory_fd;
	seat->pid = getpid();
	if (living + 1 == shm->size)
		meet(meeting);
	return 0;
}

/* Give the seat up: 0, or 1 where all have come meanwhile. */
static int stand_up(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;
	int r = lock(meeting, RIG_FOREVER);

	if (r < 0)
		return 0;
	/* relaxed: the lock orders the word. */
	if (load_relaxed(&shm->state) == MEETING_MET) {
		unlock(meeting);
		return 1;
	}
	shm->seats[meeting->seat].pid = 0;
	if (clear_seats(meeting) == 0) {
		store_relaxed(&shm->state, MEETING_CLOSED);
		remove_name(meeting);
	}
	unlock(meeting);
	return 0;
}

static int await_others(struct rendezvous_file *meeting)
{
	struct rendezvous_shm *shm = meeting->shm;

	/* acquire: the seats; pairs with meet(). */
	while (load_acquire(&shm->state) != MEETING_MET) {
		const uint64_t now = clock_ns(), look = now + LOOK_NS;

		if (now < meeting->deadline_ns) {
			(void)wait_sleep(&shm->state, MEETING_OPEN,
					 look < meeting->deadline_ns
						 ? look
						 : meeting->deadline_ns);
			continue;
		}
		if (stand_up(meeting))
			break;
		return rig_fail(-ETIMEDOUT,
				"join %s: not all %d ranks have come",
				meeting->options->name, meeting->options->size);
	}
	return 0;
}

/* Open the meeting, and sit down. 1: the file belonged to a meeting that is over. */
static int enter(struct rendezvous_file *meeting)
{
	int r = open_file(meeting);

	if (r == -ENOENT) {
		close_file(meeting);
		r = make_file(meeting);
		if (r == -EEXIST)
			return 1;
	}
	if (r == 0)
		r = lock(meeting, meeting->deadline_ns);
	if (r < 0)
		return r;
	/* relaxed: the lock orders the word. */
	if (load_relaxed(&meeting->shm->state) != MEETING_OPEN) {
		/* Whoever ended the meeting has died before. */
		remove_name(meeting);
		r = 1;
	} else {
		r = sit(meeting);
		if (r < 0 && r != -EXDEV && clear_seats(meeting) == 0) {
			store_relaxed(&meeting->shm->state, MEETING_CLOSED);
			remove_name(meeting);
		}
	}
	unlock(meeting);
	return r;
}

static int keep(struct rendezvous *out, struct rendezvous_file *meeting)
{
	const struct rendezvous_shm *shm = meeting->shm;

	out->peers = calloc((size_t)shm->size, sizeof(*out->peers));
	if (!out->peers)
		return rig_fail_errno(-ENOMEM, "join");
	for (int i = 0; i < shm->size; i++)
		out->peers[i] = (struct rendezvous_peer){ shm->seats[i].pid,
							  shm->seats[i].born };
	out->rank = meeting->seat;
	out->size = shm->size;
	out->busy = shm->busy;
	out->layout = layout_at(meeting->memory, shm->size);
	meeting->memory = NULL;
	return 0;
}

static int check_options(const struct rig_join_options *options)
{
	int r = shmfile_check_name(options->name);

	if (r < 0)
		return r;
	if (options->size < 1 || options->size > RIG_WORKERS_MAX)
		return rig_fail(-EINVAL, "join %s: %d ranks, not 1 to %d",
				options->name, options->size, RIG_WORKERS_MAX);
	if (options->number < 0 || options->number > options->size)
		return rig_fail(-EINVAL,
				"join %s: number %d, not 1 to %d (0: any)",
				options->name, options->number, options->size);
	return 0;
}

/* The namespace of this process's number. */
static int look_at_self(struct rendezvous_file *meeting)
{
	struct stat status;

	if (stat("/proc/self/ns/pid", &status) < 0)
		return rig_fail_errno(-errno, "join %s: /proc/self/ns/pid",
				      meeting->options->name);
	meeting->pids = identity_of(&status);
	meeting->born = process_born(getpid());
	if (!meeting->born)
		return rig_fail(-ESRCH,
				"join %s: /proc is of another PID namespace",
				meeting->options->name);
	return 0;
}

int rendezvous_meet(struct rendezvous *rendezvous,
		    const struct rig_join_options *options)
{
	struct rendezvous_file meeting = {
		.options = options,
		.deadline_ns = options->deadline_ns ? options->deadline_ns
						    : RIG_FOREVER,
		.fd = -1,
		.memory_fd = -1
	};
	int r = check_options(options);

	if (r == 0)
		r = look_at_self(&meeting);
	if (r < 0)
		return r;
	/* Each turn but the last finds a meeting that other processes have
	 * ended. */
	while ((r = enter(&meeting)) == 1)
		close_file(&meeting);
	if (r == 0)
		r = await_others(&meeting);
	if (r == 0)
		r = keep(rendezvous, &meeting);
	drop_memory(&meeting);
	close_file(&meeting);
	return r;
}

void rendezvous_finish(struct rendezvous *rendezvous)
{
	if (rendezvous->layout.control)
		munmap(rendezvous->layout.control, rendezvous->layout.bytes);
	free(rendezvous->peers);
	*rendezvous = (struct rendezvous){ .rank = 0 };
}
