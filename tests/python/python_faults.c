/* SPDX-License-Identifier: MIT */
/*
 * python_faults.c - what test_python_pool.py runs: functions of which rank 1 dies or
 * errs in each way, and a kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define RANK_FUNCTION(name)                                                    \
	int name(struct rig_team *team);                                       \
	__attribute__((visibility("default"))) int name(struct rig_team *team)

static bool is_first(struct rig_team *team)
{
	return rig_team_rank(team) == 0;
}

RANK_FUNCTION(segv)
{
	volatile int *nowhere = NULL;

	if (!is_first(team))
		*nowhere = 1;
	return rig_team_barrier(team);
}

RANK_FUNCTION(abort_)
{
	if (!is_first(team))
		abort();
	return rig_team_barrier(team);
}

RANK_FUNCTION(divide)
{
	if (!is_first(team))
		(void)raise(SIGFPE);
	return rig_team_barrier(team);
}

RANK_FUNCTION(killed)
{
	if (!is_first(team))
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

RANK_FUNCTION(leaves)
{
	if (!is_first(team))
		_exit(3);
	return rig_team_barrier(team);
}

RANK_FUNCTION(deadlock)
{
	return is_first(team) ? rig_team_barrier(team) : 0;
}

RANK_FUNCTION(mismatch)
{
	int32_t x = 0, sum;

	return is_first(team) ? rig_team_allreduce(team, &x, &sum, 1, RIG_INT32,
						   RIG_SUM)
			      : rig_team_bcast(team, &x, 1, RIG_INT32, 0);
}

RANK_FUNCTION(fails)
{
	if (!is_first(team))
		return rig_team_fail(team, -33, "words of the kernel");
	return 0;
}

RANK_FUNCTION(endless)
{
	(void)team;
	for (;;)
		(void)pause();
}

/* The second array, far beyond its end. */
RANK_FUNCTION(beyond)
{
	volatile char *y = rig_team_data(team, 1);

	if (!is_first(team))
		y[(size_t)1 << 40] = 1;
	return rig_team_barrier(team);
}

RANK_FUNCTION(nothing)
{
	(void)team;
	return 0;
}

RANK_FUNCTION(echo)
{
	const char *args = rig_team_args(team);
	char *result = rig_team_result(team);

	for (int i = 0; i < 5; i++)
		result[i] = args[i];
	return 0;
}

/* x[i] *= by; the proof fails where by is 0. */
struct faults_args {
	struct rig_kernel_args header;
	double by;
};

static int run(struct rig_team *team)
{
	const struct faults_args *args = rig_team_args(team);
	double *x = rig_team_data(team, 0);
	struct rig_span strip =
		rig_team_strip(team, (size_t)args->header.arrays[0].count);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] *= args->by;
	return rig_team_barrier(team);
}

static int digest(struct rig_team *team)
{
	(void)team;
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct faults_args *args = rig_team_args(team);

	return args->by == 0 ? rig_team_fail(team, -EBADMSG, "by is 0") : 0;
}

static uint64_t count(const void *args)
{
	(void)args;
	return 100;
}

static const struct rig_param params[] = {
	{ .name = "by",
	  .help = "the factor",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct faults_args, by),
	  .fallback = "2",
	  .min = -1e300,
	  .max = 1e300 },
	{ 0 },
};

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INOUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ 0 },
};

extern const struct rig_kernel runrig_kernel;

__attribute__((visibility("default"))) const struct rig_kernel runrig_kernel = {
	.version = RIG_KERNEL_VERSION,
	.name = "python-faults",
	.summary = "an array times a number",
	.verified = "the number is not 0",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct faults_args),
	.run = run,
	.digest = digest,
	.verify = verify,
};
