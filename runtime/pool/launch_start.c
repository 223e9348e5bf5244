/* SPDX-License-Identifier: MIT */
/*
 * launch_start.c - a launch is made and freed, with the plan, the memory, the programs.
 */
#include "pool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "machine/shared.h"
#include "pool/team_memory.h"

static void set_patience(struct rig_launch *launch)
{
	if (launch->plan->workers > launch->plan->cpus)
		launch->startup.busy = (struct patience){ .yields = 4 };
	else
		launch->startup.busy = (struct patience){ .spin_ns = 100000 };
}

/* Make the ranks' memory. */
static int prepare_memory(struct rig_launch *launch, size_t trace)
{
	struct pool_startup *startup = &launch->startup;
	void *memory = NULL;
	int r = tracer_init(&launch->tracer, startup->size, trace,
			    &launch->trace_fd);

	if (r == 0)
		r = report_init(&launch->report, startup->size);
	if (r == 0)
		r = team_memory_map(&startup->layout, startup->size,
				    "launch: the team", &launch->team_fd);
	if (r < 0)
		return r;
	r = layout_team(&startup->layout, startup->size, startup->kind);
	launch->shm_bytes = startup_bytes(launch->plan);
	if (r == 0)
		r = shared_map(launch->shm_bytes, "launch: its start", &memory,
			       &launch->shm_fd);
	if (r < 0)
		return r;
	launch->shm = memory;
	startup_pack(launch->shm, startup);
	return 0;
}

/* Programs that have ended stay children until the launcher waits for them, although the
 * process may have been started with SIGCHLD ignored. */
static void keep_children(struct rig_launch *launch)
{
	struct sigaction action;

	(void)sigaction(SIGCHLD, NULL, &launch->on_child);
	action = launch->on_child;
	if (action.sa_handler == SIG_IGN)
		action.sa_handler = SIG_DFL;
	action.sa_flags &= ~SA_NOCLDWAIT;
	(void)sigaction(SIGCHLD, &action, NULL);
}

/* This process gets the signals and the orphans. */
static int prepare_process(struct rig_launch *launch)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &ours, &launch->before) < 0)
		return rig_fail_errno(-errno, "launch: sigprocmask");
	keep_children(launch);
	launch->changed = true;
	launch->signals = shared_above_standard(
		signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
	launch->rung =
		shared_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	for (int i = 0; i < 2; i++)
		launch->spare[i] =
			fcntl(launch->rung, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (launch->signals < 0 || launch->rung < 0 || launch->spare[1] < 0)
		return rig_fail_errno(-errno, "launch: descriptors");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return rig_fail_errno(-errno, "launch: subreaper");
	return 0;
}

static int prepare(struct rig_launch *launch,
		   const struct rig_launch_options *options)
{
	struct pool_startup *startup = &launch->startup;
	const char *slash = strrchr(options->arguments[0], '/');
	int r = rig_place_plan(
		&launch->plan,
		&(struct rig_place_options){ .workers = options->ranks,
					     .place = options->place });

	if (r < 0)
		return r;
	snprintf(launch->name, sizeof(launch->name), "%s",
		 slash && slash[1] ? slash + 1 : options->arguments[0]);
	launch->label = options->label;
	launch->limit_ns = options->limit_ns;
	launch->limit_at = options->limit_ns ? clock_after(options->limit_ns)
					     : RIG_FOREVER;
	startup->size = launch->plan->workers;
	startup->plan = launch->plan;
	startup->caller = getpid();
	startup->tracer = &launch->tracer;
	startup->execed = true;
	set_patience(launch);
	launch->seats = calloc((size_t)startup->size, sizeof(*launch->seats));
	if (!launch->seats)
		return rig_fail_errno(-ENOMEM, "launch");
	for (int i = 0; i < startup->size; i++) {
		struct seat *seat = &launch->seats[i];

		seat->pidfd = seat->member_fd = seat->connection = -1;
		seat->out.fd = seat->err.fd = -1;
	}
	r = launch_check_files(launch);
	if (r == 0)
		r = prepare_memory(launch, options->trace);
	if (r == 0)
		r = launch_listen(launch);
	return r < 0 ? r : prepare_process(launch);
}

int rig_launch_start(struct rig_launch **out,
		     const struct rig_launch_options *options)
{
	struct rig_launch *launch;
	char words[WHY_BYTES], more[128] = "";
	int r = 0;

	if (!out)
		return need(out, "launch: the place for the handle");
	if (!options || !options->arguments || !options->arguments[0])
		return rig_fail(-EINVAL, "launch: no program");
	launch = calloc(1, sizeof(*launch));
	if (!launch)
		return rig_fail_errno(-ENOMEM, "launch");
	launch->options = options;
	launch->shm_fd = launch->team_fd = launch->trace_fd = -1;
	launch->listening = launch->signals = launch->rung = -1;
	launch->spare[0] = launch->spare[1] = -1;
	launch->kill_at = launch->fail_at = RIG_FOREVER;
	launch_raise_files(launch);
	r = prepare(launch, options);
	for (int i = 0; r == 0 && i < launch->startup.size; i++)
		r = launch_rank(launch, i);
	if (r < 0) {
		if (r == -EMFILE)
			launch_files_words(launch, more, sizeof(more));
		snprintf(words, sizeof(words), "%s%s", rig_why(), more);
		if (launch->seats) {
			launch_end_processes(launch);
			launch_drain(launch);
		}
		rig_launch_finish(launch);
		return rig_fail(r, "%s", words);
	}
	*out = launch;
	return 0;
}

const char *rig_launch_text(const struct rig_launch *launch)
{
	return launch ? launch->text : "";
}

const struct rig_plan *rig_launch_plan(const struct rig_launch *launch)
{
	return launch ? launch->plan : NULL;
}

ssize_t rig_launch_trace(const struct rig_launch *launch, int rank,
			 struct rig_trace_span *spans, size_t max,
			 uint64_t *lost)
{
	if (!launch)
		return need(launch, "launch: the launch");
	return tracer_read(&launch->tracer, &launch->startup.layout,
			   launch->startup.size, rank, spans, max, lost);
}

static void free_seat(struct seat *seat)
{
	shared_close(&seat->pidfd);
	shared_close(&seat->member_fd);
	shared_close(&seat->connection);
	shared_close(&seat->out.fd);
	shared_close(&seat->err.fd);
	free(seat->out.bytes);
	free(seat->err.bytes);
}

void rig_launch_finish(struct rig_launch *launch)
{
	if (!launch)
		return;
	for (int i = 0; launch->seats && i < launch->startup.size; i++)
		free_seat(&launch->seats[i]);
	free(launch->seats);
	shared_close(&launch->listening);
	shared_close(&launch->rung);
	shared_close(&launch->spare[0]);
	shared_close(&launch->spare[1]);
	shared_close(&launch->shm_fd);
	shared_close(&launch->team_fd);
	shared_close(&launch->trace_fd);
	if (launch->files.rlim_max)
		(void)setrlimit(RLIMIT_NOFILE, &launch->files);
	shared_close(&launch->signals);
	if (launch->changed) {
		(void)sigaction(SIGCHLD, &launch->on_child, NULL);
		(void)sigprocmask(SIG_SETMASK, &launch->before, NULL);
		(void)prctl(PR_SET_CHILD_SUBREAPER, 0);
	}
	if (launch->startup.layout.control)
		munmap(launch->startup.layout.control,
		       launch->startup.layout.map_bytes);
	if (launch->shm)
		munmap(launch->shm, launch->shm_bytes);
	report_finish(&launch->report);
	tracer_finish(&launch->tracer);
	rig_place_free(launch->plan);
	free(launch);
}
