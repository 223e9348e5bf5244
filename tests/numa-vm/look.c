/* SPDX-License-Identifier: MIT */
/*
 * look.c - a user's kernel that touches the same pages as reverse, and fails where
 * less than 99 of 100 pages are on the rank's node.
 *
 * In the guest `runrig run ./look.so` has the kernel look at data from a file, and
 * at data that Python has made.
 */
#include <stdbool.h>

#include <runrig/kernel.h>

#include "look.h"

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)given;
	(void)index;
	touched_by_reverse(bytes / sizeof(double), rank, size, spans);
	for (int i = 0; i < 2; i++) {
		spans[i].begin *= sizeof(double);
		spans[i].end *= sizeof(double);
	}
	return 2;
}

static int run(struct rig_team *team)
{
	struct local local;
	int r = look_at_pages(team);

	if (r < 0)
		return r;
	memcpy(&local, rig_team_result(team), sizeof(local));
	if (local.pages <= 100 || local.local * 100 < local.pages * 99)
		return rig_team_fail(team, -EBADMSG,
				     "%d of %d pages are on its node",
				     (int)local.local, (int)local.pages);
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{
		.name = "x",
		.role = RIG_INOUT,
		.dtype = RIG_FLOAT64,
	},
	{ 0 },
};

extern const struct rig_kernel runrig_kernel;
const struct rig_kernel runrig_kernel = {
	.version = RIG_KERNEL_VERSION,
	.name = "look",
	.summary = "is it where reverse wants it",
	.verified = "each rank asks the kernel of the system",
	.arrays = arrays,
	.args_bytes = sizeof(struct rig_kernel_args),
	.owns = owns,
	.run = run,
};
