/* SPDX-License-Identifier: MIT */
/*
 * launch.c - programs as ranks: the watch, and the end of all processes.
 *
 * The launcher is a pool's caller and warden in one process.  The launcher sleeps
 * until something happens: a program ends, a rank joins or ends, a line of
 * output comes, a signal, the ranks' alarm, a limit.  All processes of the launch
 * are descendants of the launcher, which is a subreaper: a process without a parent
 * becomes a child.  By ending children until none is left, the launcher ends all.
 */
#include "pool/launch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/glibc.h"
#include "base/error.h"
#include "machine/process.h"
#include "machine/shared.h"

/* How long programs have between a signal to end and SIGKILL. */
#define MERCY_NS (1 * UINT64_C(1000000000))

/* How long the other ranks may go on when a rank has failed. */
#define GRACE_NS (1 * UINT64_C(1000000000))

/* How long the parent of a dead rank has to say how the rank died. */
#define HEARSAY_MS 200

/* How long a tracer has to reap a dead program, and how often the launcher looks: only
 * then does the system tell the launcher how the program ended. */
#define TRACER_NS (5 * UINT64_C(1000000000))
#define LOOK_MS   1

void launch_say(struct rig_launch *launch, const char *format, ...)
{
	size_t used = strlen(launch->text);
	va_list list;

	va_start(list, format);
	vsnprintf(launch->text + used, sizeof(launch->text) - used, format,
		  list);
	va_end(list);
}

void launch_give_up(struct rig_launch *launch, const char *what)
{
	const int error = errno;
	char words[128] = "";

	if (error == EMFILE)
		launch_files_words(launch, words, sizeof(words));
	launch_say(launch, "%s: %s: %s%s\n", launch->name, what,
		   strerrordesc_np(error), words);
	if (!launch->status)
		launch->status = RIG_LAUNCH_WRONG;
	launch->over = true;
}

/* ---- the end ---- */

static void kill_all(struct rig_launch *launch)
{
	for (int i = 0; i < launch->startup.size; i++) {
		struct seat *seat = &launch->seats[i];

		/* A child keeps the pid until a wait for the child, and the
		 * pidfd may be what could not be opened. */
		if (seat->pid && !seat->ended)
			(void)kill(seat->pid, SIGKILL);
		if (seat->member && !seat->member_ended)
			(void)syscall(SYS_pidfd_send_signal, seat->member_fd,
				      SIGKILL, NULL, 0);
	}
}

/* Kill the children of a thread of this process: false where they cannot be read.  A
 * child keeps the pid until a wait for the child. */
static bool kill_children_of(const char *thread)
{
	char path[300], text[4096], *at = text;
	FILE *file;
	size_t got;

	snprintf(path, sizeof(path), "/proc/self/task/%.200s/children", thread);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT;
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	/* Each number ends with a space.  A number that is cut off comes next
	 * time. */
	while (got && text[got - 1] != ' ')
		got--;
	text[got] = 0;
	for (long pid = strtol(at, &at, 10); pid > 0; pid = strtol(at, &at, 10))
		(void)kill((pid_t)pid, SIGKILL);
	return true;
}

/* Kill all children: false where a child may not have been found.  An orphan may have
 * become the child of any thread. */
static bool kill_children(void)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;
	bool all = threads;

	while (threads && (entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			all = kill_children_of(entry->d_name) && all;
	if (threads)
		closedir(threads);
	return all;
}

/* Until no children are left: killing a parent makes new ones.  Where the children
 * could not be read for want of a descriptor, the wait is no long one. */
static void end_children(void)
{
	for (;;) {
		const bool all = kill_children();
		const pid_t pid = waitpid(-1, NULL, all ? 0 : WNOHANG);

		if (pid < 0 && errno != EINTR)
			return;
		if (pid == 0)
			(void)poll(NULL, 0, LOOK_MS);
	}
}

void launch_end_processes(struct rig_launch *launch)
{
	kill_all(launch);
	for (int i = 0; i < 2; i++)
		shared_close(&launch->spare[i]);
	end_children();
	for (int i = 0; i < launch->startup.size; i++)
		launch->seats[i].ended = launch->seats[i].member_ended = true;
}

static void note_status(struct rig_launch *launch, int status)
{
	if (!launch->status)
		launch->status = status;
}

static int shell_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
					: WEXITSTATUS(wait_status);
}

/* End the launch, and make the ranks' report. */
static void end(struct rig_launch *launch, enum rig_end why, int rank,
		int wait_status)
{
	const struct layout *layout = &launch->startup.layout;
	struct report_facts info = { .end = why,
				     .layout = layout,
				     .size = launch->startup.size,
				     .plan = launch->plan,
				     .name = launch->name,
				     .ended = true,
				     .limit_ns = launch->limit_ns };

	launch->over = true;
	launch_end_processes(launch);
	report_take_stock(layout, launch->startup.size);
	layout->control->rank = rank;
	layout->control->wait_status = wait_status;
	report_make(&launch->report, &info);
	launch_say(launch, "%s", launch->report.said.text);
}

/* ---- events ---- */

/* A rank waiting for others to join. */
static int first_asking(const struct rig_launch *launch)
{
	for (int i = 0; i < launch->startup.size; i++)
		if (launch->seats[i].member && !launch->seats[i].member_ended)
			return i;
	return -1;
}

/* A program has ended without joining, while others wait. */
static void check_never_joined(struct rig_launch *launch)
{
	int waiting = launch->met ? -1 : first_asking(launch);

	for (int i = 0; i < launch->startup.size && waiting >= 0; i++) {
		const struct seat *seat = &launch->seats[i];

		if (!seat->ended || seat->member)
			continue;
		launch_say(
			launch,
			"%s: rank %d ended (%s %d) without joining, and rank "
			"%d (pid %d) waits for it in rig_join()\n",
			launch->name, i,
			WIFSIGNALED(seat->status) ? "signal" : "exit status",
			WIFSIGNALED(seat->status) ? WTERMSIG(seat->status)
						  : WEXITSTATUS(seat->status),
			waiting, (int)launch->seats[waiting].member);
		launch->over = true;
		note_status(launch, RIG_LAUNCH_WRONG);
		launch_end_processes(launch);
		return;
	}
}

/* Read the program's status; the pid stays taken. */
static bool look_at_end(struct seat *seat)
{
	siginfo_t info = { 0 };

	if (waitid(BY_PIDFD, (id_t)seat->pidfd, &info,
		   WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid != seat->pid)
		return false;
	seat->status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8
						  : info.si_status;
	seat->ended = true;
	return true;
}

/* Likewise a program that has ended, and wait for the program's tracer: the status, or
 * STATUS_UNKNOWN. */
static int await_status(struct seat *seat)
{
	const uint64_t late = clock_after(TRACER_NS);

	while (!seat->ended && !look_at_end(seat) && clock_ns() < late)
		(void)poll(NULL, 0, LOOK_MS);
	return seat->ended ? seat->status : STATUS_UNKNOWN;
}

static void on_program_end(struct rig_launch *launch, int rank)
{
	struct seat *seat = &launch->seats[rank];

	if (!look_at_end(seat)) {
		(void)poll(NULL, 0, LOOK_MS);
		return;
	}
	if (seat->status)
		note_status(launch, shell_status(seat->status));
	check_never_joined(launch);
}

/* How a rank died that is the child of another process: as the signal handler has
 * noted, else as the parent's exit status has the death, if the parent ends; or
 * STATUS_UNKNOWN. */
static int hearsay(struct rig_launch *launch, int rank)
{
	struct seat *seat = &launch->seats[rank];
	struct pollfd polled = { .fd = seat->pidfd, .events = POLLIN };
	int noted =
		(int)load_acquire(&launch->startup.layout.ranks[rank].signal);
	int code;

	if (noted)
		return noted;
	if (!seat->ended && poll(&polled, 1, HEARSAY_MS) > 0)
		(void)await_status(seat);
	if (!seat->ended)
		return STATUS_UNKNOWN;
	code = WEXITSTATUS(seat->status);
	/* As shells have it. */
	return WIFEXITED(seat->status) && code > 128 ? code - 128
						     : seat->status;
}

/* The process that is the rank, or has asked to be, has ended. */
static void on_member_end(struct rig_launch *launch, int rank)
{
	struct seat *seat = &launch->seats[rank];
	const struct rank_shm *slot = &launch->startup.layout.ranks[rank];
	int status;

	seat->member_ended = true;
	if (!launch->met) {
		/* Gone before all had come. */
		seat->member = 0;
		seat->member_ended = false;
		launch->asked--;
		close(seat->member_fd);
		close(seat->connection);
		seat->member_fd = seat->connection = -1;
		return;
	}
	if (load_acquire(&slot->state) == RIG_STATE_DONE)
		return;
	status = seat->member == seat->pid ? await_status(seat)
					   : hearsay(launch, rank);
	note_status(launch, status && status != STATUS_UNKNOWN
				    ? shell_status(status)
				    : RIG_LAUNCH_WRONG);
	end(launch, RIG_END_DEATH, rank, status);
}

static void on_alarm(struct rig_launch *launch)
{
	struct team_shm *team = launch->startup.layout.team;
	uint64_t count;

	(void)!read(launch->rung, &count, sizeof(count));
	/* Others wait for the rank that has failed. */
	if (load_acquire(&team->failed)) {
		launch->fail_at = clock_after(GRACE_NS);
		return;
	}
	note_status(launch, RIG_LAUNCH_WRONG);
	end(launch, RIG_END_DEADLOCK, -1, 0);
}

/* The programs are to end: by the signal that came to the launcher, and a moment
 * later by SIGKILL.  A terminal signals the programs as well. */
static void on_signal(struct rig_launch *launch)
{
	struct signalfd_siginfo info;

	if (read(launch->signals, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo == SIGCHLD)
		return;
	if (launch->signal)
		launch->kill_at = 0;
	else
		launch->kill_at = clock_after(MERCY_NS);
	launch->signal = (int)info.ssi_signo;
	for (int i = 0; i < launch->startup.size; i++)
		if (info.ssi_code == SI_USER && !launch->seats[i].ended)
			(void)syscall(SYS_pidfd_send_signal,
				      launch->seats[i].pidfd, launch->signal,
				      NULL, 0);
}

/* Do what is due. */
static void on_time(struct rig_launch *launch)
{
	uint64_t now = clock_ns();
	int failed;

	if (now >= launch->kill_at) {
		launch->over = true;
		launch_end_processes(launch);
		return;
	}
	if (now >= launch->limit_at) {
		launch->status = RIG_LAUNCH_LIMIT;
		end(launch, RIG_END_LIMIT, -1, 0);
		return;
	}
	if (now < launch->fail_at)
		return;
	failed = (int)load_acquire(&launch->startup.layout.team->failed) - 1;
	note_status(launch, RIG_LAUNCH_WRONG);
	end(launch, RIG_END_FAILED, failed, 0);
}

/* ---- waiting ---- */

/* Descriptors of a seat to poll. */
enum { SEAT_PROGRAM, SEAT_MEMBER, SEAT_OUT, SEAT_ERR, SEAT_FDS };
enum { AT_SIGNALS, AT_LISTENING, AT_RUNG, AT_SEATS };

size_t launch_polled(const struct rig_launch *launch)
{
	return AT_SEATS + (size_t)launch->startup.size * SEAT_FDS;
}

static bool has_ended(const struct seat *seat)
{
	return seat->ended && (!seat->member || seat->member_ended) &&
	       seat->out.fd < 0 && seat->err.fd < 0;
}

static bool all_ended(const struct rig_launch *launch)
{
	for (int i = 0; i < launch->startup.size; i++)
		if (!has_ended(&launch->seats[i]))
			return false;
	return true;
}

static int time_left(const struct rig_launch *launch)
{
	uint64_t at = launch->limit_at, now = clock_ns(), ms;

	if (launch->kill_at < at)
		at = launch->kill_at;
	if (launch->fail_at < at)
		at = launch->fail_at;
	if (at == RIG_FOREVER)
		return -1;
	ms = at > now ? (at - now) / 1000000 + 1 : 0;
	return ms > 1000000000 ? 1000000000 : (int)ms;
}

static void fill(const struct rig_launch *launch, struct pollfd *polled)
{
	polled[AT_SIGNALS] = (struct pollfd){ launch->signals, POLLIN, 0 };
	polled[AT_LISTENING] = (struct pollfd){ launch->listening, POLLIN, 0 };
	polled[AT_RUNG] = (struct pollfd){ launch->rung, POLLIN, 0 };
	polled += AT_SEATS;
	for (int i = 0; i < launch->startup.size; i++, polled += SEAT_FDS) {
		const struct seat *seat = &launch->seats[i];

		polled[SEAT_PROGRAM] =
			(struct pollfd){ seat->ended ? -1 : seat->pidfd, POLLIN,
					 0 };
		polled[SEAT_MEMBER] =
			(struct pollfd){ seat->member && !seat->member_ended
						 ? seat->member_fd
						 : -1,
					 POLLIN, 0 };
		polled[SEAT_OUT] = (struct pollfd){ seat->out.fd, POLLIN, 0 };
		polled[SEAT_ERR] = (struct pollfd){ seat->err.fd, POLLIN, 0 };
	}
}

static void heed_seats(struct rig_launch *launch, const struct pollfd *polled)
{
	for (int i = 0; i < launch->startup.size && !launch->over;
	     i++, polled += SEAT_FDS) {
		struct seat *seat = &launch->seats[i];

		if (polled[SEAT_OUT].revents)
			stream_relay(launch, &seat->out, i);
		if (polled[SEAT_ERR].revents)
			stream_relay(launch, &seat->err, i);
		/* First the rank: the meaning of a program's end depends on
		 * the rank. */
		if (polled[SEAT_MEMBER].revents)
			on_member_end(launch, i);
		if (polled[SEAT_PROGRAM].revents && !launch->over)
			on_program_end(launch, i);
	}
}

/* Once. */
static void heed(struct rig_launch *launch, struct pollfd *polled)
{
	fill(launch, polled);
	if (poll(polled, launch_polled(launch), time_left(launch)) < 0) {
		/* EINVAL: the limit has been lowered. */
		if (errno != EINTR && errno != EAGAIN)
			launch_give_up(launch, "poll (limit: ulimit -n)");
		return;
	}
	heed_seats(launch, polled + AT_SEATS);
	if (!launch->over && polled[AT_RUNG].revents)
		on_alarm(launch);
	if (!launch->over && polled[AT_LISTENING].revents) {
		launch_accept(launch);
		if (!launch->over)
			check_never_joined(launch);
	}
	if (!launch->over && polled[AT_SIGNALS].revents)
		on_signal(launch);
	if (!launch->over)
		on_time(launch);
	if (!launch->over && launch->output_error) {
		launch_say(launch, "%s: output cannot be written: %s\n",
			   launch->name, errno_words(launch->output_error));
		note_status(launch, RIG_LAUNCH_WRONG);
		launch->over = true;
	}
}

int rig_launch_wait(struct rig_launch *launch)
{
	struct pollfd *polled;

	if (!launch)
		return need(launch, "launch: the launch");
	polled = calloc(launch_polled(launch), sizeof(*polled));
	if (!polled) {
		launch_say(launch, "%s: no memory\n", launch->name);
		note_status(launch, RIG_LAUNCH_WRONG);
	}
	while (polled && !launch->over && !all_ended(launch))
		heed(launch, polled);
	free(polled);
	launch_end_processes(launch);
	launch_drain(launch);
	tracer_run_ends(&launch->tracer);
	alarm_finish(&launch->alarm);
	if (launch->signal)
		return 128 + launch->signal;
	return launch->status;
}
