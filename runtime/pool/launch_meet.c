/* SPDX-License-Identifier: MIT */
/*
 * launch_meet.c - ranks that want to join, and the memory that they get.
 */
#include "pool/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/pass.h"
#include "machine/shared.h"

int launch_listen(struct rig_launch *launch)
{
	struct sockaddr_un address;
	uint64_t words[2];
	unsigned length;

	if (getrandom(words, sizeof(words), 0) != sizeof(words))
		return rig_fail_errno(-errno, "launch: getrandom");
	snprintf(launch->meeting, sizeof(launch->meeting),
		 "runrig-%016" PRIx64 "%016" PRIx64, words[0], words[1]);
	launch->listening = shared_above_standard(socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	length = meeting_address(&address, launch->meeting);
	if (launch->listening < 0 ||
	    bind(launch->listening, (struct sockaddr *)&address, length) < 0 ||
	    listen(launch->listening, SOMAXCONN) < 0)
		return rig_fail_errno(-errno, "launch: socket");
	return 0;
}

static void refuse(int connection, int code, const char *why)
{
	struct meeting_answer answer = { .code = code };

	snprintf(answer.why, sizeof(answer.why), "%s", why);
	(void)pass_send(connection, &answer, sizeof(answer), NULL, 0, 0);
	close(connection);
}

/* In the thread that waits for the ranks' alarm. */
static void ring(void *arg)
{
	const struct rig_launch *launch = arg;
	const uint64_t one = 1;

	(void)!write(launch->rung, &one, sizeof(one));
}

/* All have come, and are ranks from now on. */
static void send_memory(struct rig_launch *launch)
{
	const struct meeting_answer answer = { .code = 0 };
	const int fds[] = { [MEETING_STARTUP] = launch->shm_fd,
			    [MEETING_TEAM] = launch->team_fd,
			    [MEETING_TRACE] = launch->trace_fd };
	int count = launch->trace_fd >= 0 ? MEETING_FDS : MEETING_TRACE;

	launch->met = true;
	tracer_run_begins(&launch->tracer, launch->name, 0);
	dispatch_post(launch->startup.layout.dispatch);
	if (alarm_start(&launch->alarm, &launch->startup.layout, ring, launch) <
	    0)
		launch_say(launch, "%s: no deadlock will be seen: %s\n",
			   launch->name, rig_why());
	for (int i = 0; i < launch->startup.size; i++)
		/* A process that is gone meanwhile shows by the pidfd. */
		(void)pass_send(launch->seats[i].connection, &answer,
				sizeof(answer), fds, count, 0);
}

/* Can the request of process `pid` be granted? 0, or the reason against. */
static int check(const struct rig_launch *launch,
		 const struct meeting_request *request, int got, int fds,
		 pid_t pid)
{
	const struct seat *seat;

	if (got != sizeof(*request) || request->magic != STARTUP_MAGIC)
		return rig_fail(-EPROTO, "this is no request");
	if (fds != 1)
		return rig_fail(-EMFILE, "the launcher has no descriptor for "
					 "the rank (ulimit -n)");
	if (request->build != startup_build())
		return rig_fail(-EPROTO, "the launcher is of another build of "
					 "librunrig");
	if (request->rank < 0 || request->rank >= launch->startup.size)
		return rig_fail(-EINVAL, "there is no rank %d, only 0 to %d",
				request->rank, launch->startup.size - 1);
	for (int i = 0; i < launch->startup.size; i++)
		/* The rank whose program this is would be missing. */
		if (i != request->rank && launch->seats[i].pid == pid)
			return rig_fail(-EINVAL,
					"this process was started as rank %d, "
					"and RUNRIG_RANK says %d",
					i, request->rank);
	seat = &launch->seats[request->rank];
	if (seat->member)
		return rig_fail(-EEXIST, "rank %d is process %d already",
				request->rank, (int)seat->member);
	return 0;
}

/* Is the process a process of this user? */
static bool is_ours(int connection, pid_t *pid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		return false;
	*pid = peer.pid;
	return peer.uid == geteuid();
}

void launch_accept(struct rig_launch *launch)
{
	int connection = shared_above_standard(
		accept4(launch->listening, NULL, NULL, SOCK_CLOEXEC));
	const struct timeval moment = { .tv_sec = 1 };
	int fds[PASS_MAX], count = 0, got, r;
	struct meeting_request request;
	struct seat *seat;
	pid_t pid = 0;

	if (connection < 0) {
		/* Waiting ranks would wait for ever.  Else the process that has
		 * asked is gone. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			launch_give_up(launch, "a rank cannot join");
		return;
	}
	/* A process sends its request at once: the launcher waits for no other
	 * process. */
	(void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &moment,
			 sizeof(moment));
	got = pass_receive(connection, &request, sizeof(request), fds, &count,
			   0);
	if (count < 0 && is_ours(connection, &pid)) {
		close(connection);
		errno = EMFILE;
		launch_give_up(launch, "a rank cannot join");
		return;
	}
	r = is_ours(connection, &pid)
		    ? check(launch, &request, got, count, pid)
		    : rig_fail(-EPERM, "the launcher is another user's");
	if (r < 0) {
		for (int i = 0; i < count; i++)
			close(fds[i]);
		refuse(connection, r, rig_why());
		return;
	}
	seat = &launch->seats[request.rank];
	seat->connection = connection;
	seat->member = pid;
	seat->member_fd = shared_above_standard(fds[0]);
	launch->startup.layout.about[request.rank].pid = pid;
	if (++launch->asked == launch->startup.size)
		send_memory(launch);
}
