/* SPDX-License-Identifier: MIT */
/*
 * join.c - a process becomes a rank, and ends being one.
 *
 * With a launcher the team is the launcher's: the rank sends its pidfd and its
 * number, and gets the memory when all ranks have come.  Without a launcher the team
 * has one rank, in memory of its own; or processes meet under a name (rendezvous.h)
 * and then watch each other (watch.h).  The rank publishes its code, notes faults, and
 * is in a job that lasts until rig_leave().
 *
 * When the launcher is gone, the launcher's end of the socket is closed; the rank has
 * asked the system for SIGKILL in that case, as PDEATHSIG kills the launcher's
 * children.
 */
#include <runrig/join.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <runrig/pool.h>

#include "base/clock.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/reserved.h"
#include "machine/pass.h"
#include "machine/shared.h"
#include "place/place.h"
#include "pool/alarm.h"
#include "pool/ended.h"
#include "pool/exec_start.h"
#include "pool/meeting.h"
#include "pool/rendezvous.h"
#include "pool/reporter.h"
#include "pool/team_memory.h"
#include "pool/watch.h"
#include "team/mail.h"
#include "team/modules.h"
#include "team/rank.h"

/* This process, as a rank. */
static struct {
	pid_t pid;     /* 0: the process is no rank */
	bool has_been; /* the process was a rank, without a name */
	int rank;
	int socket; /* the socket to the launcher; -1: none */
	struct startup_shm *shm;
	size_t bytes; /* bytes of the memory */
	struct pool_startup startup;
	struct rig_plan plan;
	struct rig_plan *own_plan; /* the plan of a team without a launcher */
	struct rendezvous met;     /* by name: the meeting */
	struct rank_watch watch;   /* likewise */
	struct tracer tracer;
	struct alarm alarm;           /* the alarm of a team of one */
	struct trace_event_shm *span; /* from join to leave */
	struct rank self;
} joined = { .socket = -1 };

/* ---- with a launcher ---- */

/* The time left until deadline_ns as poll() has it. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_ns(), ms;

	if (deadline_ns == RIG_FOREVER)
		return -1;
	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now) / 1000000 + 1;
	return ms > 1000000000 ? 1000000000 : (int)ms;
}

static int dial(const char *name)
{
	int fd = shared_above_standard(
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	struct sockaddr_un address;
	unsigned length = meeting_address(&address, name);

	if (fd < 0)
		return rig_fail_errno(-errno, "join: socket");
	if (connect(fd, (struct sockaddr *)&address, length) < 0) {
		int r = -errno;

		close(fd);
		return rig_fail_errno(r,
				      "join: the launcher (RUNRIG_LAUNCHER "
				      "is %.60s)",
				      name);
	}
	return fd;
}

static int ask(int socket, int rank)
{
	const struct meeting_request request = { .magic = STARTUP_MAGIC,
						 .build = startup_build(),
						 .rank = rank,
						 .pid = (int32_t)getpid() };
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int r;

	if (own < 0)
		return rig_fail_errno(-errno, "join: pidfd_open");
	r = pass_send(socket, &request, sizeof(request), &own, 1, 0);
	close(own);
	return r < 0 ? rig_fail_errno(r, "join: the launcher") : 0;
}

/* The answer, which comes when all ranks have come. */
static int hear(int socket, uint64_t deadline_ns, int *fds, int *count)
{
	struct pollfd polled = { .fd = socket, .events = POLLIN };
	struct meeting_answer answer = { 0 };
	int r;

	do
		r = poll(&polled, 1, left_ms(deadline_ns));
	while ((r < 0 && errno == EINTR) ||
	       (r == 0 && clock_ns() < deadline_ns));
	if (r == 0)
		return rig_fail(-ETIMEDOUT, "join: not all ranks have come");
	r = pass_receive(socket, &answer, sizeof(answer), fds, count, 0);
	if (r != sizeof(answer))
		return rig_fail(-ECONNREFUSED, "join: the launcher is gone");
	answer.why[sizeof(answer.why) - 1] = 0;
	return answer.code < 0 ? rig_fail(answer.code, "join: %s", answer.why)
			       : 0;
}

/* From now on the system kills this process when the launcher is gone: as soon as the
 * launcher's end of the socket is closed, for no more messages come. */
static int die_with_launcher(int socket)
{
	struct pollfd polled = { .fd = socket, .events = POLLIN };

	if (fcntl(socket, F_SETSIG, SIGKILL) < 0 ||
	    fcntl(socket, F_SETOWN, getpid()) < 0 ||
	    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_ASYNC) < 0)
		return rig_fail_errno(-errno, "join: watch the launcher");
	/* The launcher may have gone before. */
	if (poll(&polled, 1, 0) > 0)
		return rig_fail(-ECONNREFUSED, "join: the launcher is gone");
	return 0;
}

/* Map the memory that the launcher has sent. */
static int map_memory(const int *fds, int count)
{
	struct stat status;
	void *memory;
	int r;

	if (count <= MEETING_TEAM || fstat(fds[MEETING_STARTUP], &status) < 0 ||
	    (size_t)status.st_size < sizeof(struct startup_shm))
		return rig_fail(-EPROTO, "join: the launcher sent no memory");
	joined.bytes = (size_t)status.st_size;
	r = shared_map_fd(fds[MEETING_STARTUP], joined.bytes, "join", &memory);
	if (r < 0)
		return r;
	joined.shm = memory;
	r = startup_unpack(joined.shm, joined.bytes, &joined.startup,
			   &joined.plan, &joined.tracer);
	if (r < 0)
		return r;
	r = team_memory_map_fd(&joined.startup.layout, joined.startup.size,
			       "join: the team", fds[MEETING_TEAM]);
	if (r < 0)
		return r;
	if (!joined.tracer.bytes || count <= MEETING_TRACE)
		return 0;
	r = shared_map_fd(fds[MEETING_TRACE], joined.tracer.bytes,
			  "join: the trace", &memory);
	if (r == 0)
		joined.tracer.memory = memory;
	return r;
}

static int meet_launcher(const char *name, uint64_t deadline_ns)
{
	int fds[PASS_MAX], count = 0, r;

	joined.socket = dial(name);
	if (joined.socket < 0)
		return joined.socket;
	r = ask(joined.socket, joined.rank);
	if (r == 0)
		r = hear(joined.socket, deadline_ns, fds, &count);
	if (r == 0)
		r = map_memory(fds, count);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	return r < 0 ? r : die_with_launcher(joined.socket);
}

/* ---- alone ---- */

/* The one rank waits for a step that no other process can make, and no process is
 * there to end the rank. */
static void end_alone(void *arg)
{
	(void)arg;
	if (!load_relaxed(&joined.startup.layout.team->deadlock))
		return;
	(void)dprintf(STDERR_FILENO,
		      "runrig: deadlock: the only rank waits for itself; "
		      "`runrig exec -n N -- PROGRAM' starts more\n");
	abort();
}

static int be_alone(void)
{
	struct pool_startup *startup = &joined.startup;
	struct layout layout;
	int r = rig_place_plan(
		&joined.own_plan,
		&(struct rig_place_options){ .workers = 1, .place = "none" });

	if (r == 0)
		r = team_memory_map(&layout, 1, "join: the team", NULL);
	if (r < 0)
		return r;
	*startup = (struct pool_startup){ .size = 1,
					  .plan = joined.own_plan,
					  .layout = layout,
					  .tracer = &joined.tracer,
					  .execed = true };
	r = layout_team(&startup->layout, 1, RIG_BARRIER_ADAPTIVE);
	if (r < 0)
		return r;
	dispatch_post(startup->layout.dispatch);
	return alarm_start(&joined.alarm, &startup->layout, end_alone, NULL);
}

/* ---- by name ---- */

/* Map the team's memory, and prepare the words for the team's end. */
static int meet_by_name(const struct rig_join_options *options)
{
	struct rendezvous *met = &joined.met;
	int r = rendezvous_meet(met, options);

	if (r < 0)
		return r;
	joined.rank = met->rank;
	r = rig_place_plan(&joined.own_plan,
			   &(struct rig_place_options){ .workers = met->size,
							.place = "none" });
	if (r < 0)
		return r;
	joined.startup = (struct pool_startup){ .size = met->size,
						.plan = joined.own_plan,
						.layout = met->layout,
						.tracer = &joined.tracer,
						.busy = met->busy,
						.execed = true };
	return ended_begin(options->name, met->size, joined.own_plan);
}

/* This process cannot be a rank: the ranks that have met do not wait for it. */
static void tell_others(void)
{
	struct rank self;

	if (!joined.met.layout.control)
		return;
	rank_init(&self, &joined.met.layout, joined.met.rank, joined.met.size,
		  &joined.met.busy);
	rank_end(&self, RIG_END_DEATH, self.rank);
}

/* ---- either way ---- */

static void let_go(void)
{
	alarm_finish(&joined.alarm);
	watch_finish(&joined.watch);
	if (joined.met.size) {
		ended_finish();
		rendezvous_finish(&joined.met);
		joined.startup.layout.control = NULL;
	}
	if (joined.socket >= 0)
		close(joined.socket);
	joined.socket = -1;
	if (joined.startup.layout.control)
		munmap(joined.startup.layout.control,
		       joined.startup.layout.map_bytes);
	if (joined.tracer.memory)
		munmap(joined.tracer.memory, joined.tracer.bytes);
	if (joined.shm)
		munmap(joined.shm, joined.bytes);
	rig_place_free(joined.own_plan);
	joined.own_plan = NULL;
	joined.shm = NULL;
	joined.tracer = (struct tracer){ .memory = NULL };
	joined.startup = (struct pool_startup){ .size = 0 };
	joined.pid = 0;
}

/* By name: notice the deaths of other ranks. */
static int watch_others(void)
{
	if (!joined.met.size)
		return 0;
	joined.self.ends = &ended_calls;
	return watch_start(&joined.watch, &joined.self, joined.met.peers);
}

static int become_rank(void)
{
	const struct pool_startup *startup = &joined.startup;
	struct modules_shm *modules = &startup->layout.modules[joined.rank];
	struct rank *self = &joined.self;
	int r;

	/* A child of this process is no rank. */
	(void)madvise(startup->layout.control, startup->layout.map_bytes,
		      MADV_DONTFORK);
	rank_init(self, &startup->layout, joined.rank, startup->size,
		  &startup->busy);
	r = watch_others();
	if (r < 0)
		return r;
	place_levels(startup->plan, joined.rank, &self->levels);
	self->plan = startup->plan;
	self->trace = tracer_rank(&joined.tracer, joined.rank);
	modules_begin(modules);
	modules_publish(modules, 0);
	reporter_install(self);
	rank_begin(self,
		   dispatch_take(startup->layout.dispatch, 0, &startup->busy));
	/* relaxed: for the report. */
	store_relaxed(&self->mine->state, RIG_STATE_RUNNING);
	joined.span = NULL;
	if (TRACE_BRANCH(self->trace))
		joined.span = trace_begin(self->trace, RIG_TRACE_KERNEL, 0, 0);
	joined.pid = getpid();
	joined.has_been |= !joined.met.size;
	return 0;
}

/* Join, with this process's turn to join. */
static int join_somehow(const struct rig_join_options *options)
{
	uint64_t deadline_ns = options && options->deadline_ns
				       ? options->deadline_ns
				       : RIG_FOREVER;
	const char *launcher = environment_launcher();

	if (options && options->name)
		return meet_by_name(options);
	joined.rank = launcher ? environment_rank() : 0;
	if (joined.rank < 0)
		return rig_fail(-EINVAL, "join: RUNRIG_RANK is no rank");
	return launcher ? meet_launcher(launcher, deadline_ns) : be_alone();
}

static int check_join(struct rig_team *const *team,
		      const struct rig_join_options *options)
{
	int r = need(team, "join: the place for the team");

	if (r == 0 && options)
		r = reserved_check(options->reserved, "rig_join_options");
	if (r < 0)
		return r;
	if (options && !options->name && (options->size || options->number))
		return rig_fail(-EINVAL, "join: a size or a number, and no "
					 "name to meet under");
	if (joined.pid == 0 && (!joined.has_been || (options && options->name)))
		return 0;
	return rig_fail(-EALREADY, "join: this process %s",
			joined.pid == getpid() ? "has joined already"
					       : "has been a rank, or its "
						 "parent has");
}

int rig_join(struct rig_team **team, const struct rig_join_options *options)
{
	/* 1: a thread is in here. */
	static _Atomic uint32_t busy;
	char words[WHY_BYTES];
	uint32_t nobody = 0;
	int r;

	if (!cas_acq_rel(&busy, &nobody, 1))
		return rig_fail(-EALREADY,
				"join: another thread of this process joins");
	r = check_join(team, options);
	if (r < 0)
		goto out;
	r = join_somehow(options);
	if (r == 0)
		r = become_rank();
	if (r < 0) {
		snprintf(words, sizeof(words), "%s", rig_why());
		tell_others();
		let_go();
		r = rig_fail(r, "%s", words);
		goto out;
	}
	*team = &joined.self.world;
out:
	store_release(&busy, 0);
	return r;
}

int rig_leave(void)
{
	char words[WHY_BYTES];
	int r;

	if (!joined.pid || joined.pid != getpid())
		return rig_fail(-EINVAL, "leave: this process is no rank");
	r = mail_end_job(&joined.self);
	if (r < 0)
		snprintf(words, sizeof(words), "%s",
			 joined.self.mine->why[0] ? joined.self.mine->why
						  : rig_why());
	trace_end(joined.span);
	rank_finish(&joined.self);
	mail_free(&joined.self);
	reporter_remove();
	let_go();
	return r < 0 ? rig_fail(r, "leave: %s", words) : 0;
}
