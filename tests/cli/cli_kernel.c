/* SPDX-License-Identifier: MIT */
/*
 * cli_kernel.c - a kernel that does as the parameter says, well or badly.
 *
 * tests/cli/test_cli.py builds the kernel as a user would, and runs the kernel by the
 * file's name.  With PROBE_GATES=FOLDER the kernel waits in each phase until a file
 * with the phase's name is there.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <runrig/kernel.h>

enum mode {
	MODE_RIGHT, /* x[i] = 1 */
	MODE_WRONG, /* but for the last element */
	MODE_FAIL,  /* rank 0 returns an error */
	MODE_CRASH, /* the last rank dies of SIGSEGV */
	MODE_EXIT,  /* or leaves */
	MODE_STUCK, /* rank 0 leaves the others at the barrier */
	MODE_SLEEP, /* run as long as the worker lives */
	MODE_DOUBT, /* verify as long as the worker lives */
	MODE_LEAVE, /* the command calls exit() in a function of the kernel */
	MODE_LEAVE_AT_ONCE, /* or _exit() */
	MODE_LEAVE_QUICKLY  /* or quick_exit() */
};

struct probe_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t mode;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "bytes",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct probe_args, length),
	  .fallback = "1000",
	  .min = 1,
	  .max = 1e6 },
	{ .name = "mode",
	  .help = "what to do",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct probe_args, mode),
	  .fallback = "right",
	  .choices = "right wrong fail crash exit stuck sleep doubt leave "
		     "leave-at-once leave-quickly" },
	{ 0 },
};

static uint64_t count(const void *args)
{
	return ((const struct probe_args *)args)->length;
}

static double items(const void *args, void *const data[])
{
	(void)data;
	return (double)count(args);
}

static void wait_for(const char *phase)
{
	const char *folder = getenv("PROBE_GATES");
	char path[4096];

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, phase);
	while (access(path, F_OK) < 0)
		(void)usleep(1000);
}

static int prepare(struct rig_team *team)
{
	wait_for("prepare");
	return rig_team_barrier(team);
}

static int run(struct rig_team *team)
{
	const struct probe_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	bool last = rig_team_rank(team) == rig_team_size(team) - 1;
	char *x = rig_team_data(team, 0);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = 1;
	wait_for("begin");
	rig_team_progress(team, 0.25);
	wait_for("run");
	if (args->mode == MODE_WRONG && last)
		x[args->length - 1] = 2;
	if (args->mode == MODE_FAIL && rig_team_rank(team) == 0)
		return rig_team_fail(team, -ERANGE, "probe: told to fail");
	if (args->mode == MODE_CRASH && last)
		(void)raise(SIGSEGV);
	if (args->mode == MODE_EXIT && last)
		_exit(0);
	if (args->mode == MODE_STUCK && rig_team_rank(team) == 0)
		return 0;
	while (args->mode == MODE_SLEEP)
		(void)pause();
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct probe_args *args = rig_team_args(team);
	const char *x = rig_team_data(team, 0);

	wait_for("verify");
	while (args->mode == MODE_DOUBT)
		(void)pause();
	for (size_t i = 0; i < args->length; i++)
		if (x[i] != 1)
			return rig_team_fail(team, -EBADMSG,
					     "probe: element %zu is %d, "
					     "expected 1",
					     i, x[i]);
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct probe_args *args = given;

	(void)data;
	if (args->mode == MODE_LEAVE)
		exit(0);
	if (args->mode == MODE_LEAVE_AT_ONCE)
		_exit(0);
	if (args->mode == MODE_LEAVE_QUICKLY)
		quick_exit(0);
	snprintf(text, bytes, "mode = %d", (int)args->mode);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x", .role = RIG_OUTPUT, .dtype = RIG_UINT8, .count = count },
	{ 0 },
};

RIG_API extern const struct rig_kernel runrig_kernel;

const struct rig_kernel runrig_kernel = {
	.version = RIG_KERNEL_VERSION,
	.name = "probe",
	.summary = "does what its parameter says",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct probe_args),
	.items = items,
	.item = "marks",
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
