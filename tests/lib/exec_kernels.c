/* SPDX-License-Identifier: MIT */
/*
 * exec_kernels.c - kernels in a library, for pools whose workers load the
 * library.
 */
#include <errno.h>

#include <runrig/runrig.h>

RIG_API int named_sum(struct rig_team *team);
RIG_API const struct rig_kernel *exec_kernel(void);
RIG_API rig_kernel_fn *exec_static_kernel(void);
RIG_API int exec_reverse_owns(const void *args, int index, size_t bytes,
			      int rank, int size, struct rig_span *spans);

/* Every rank's number + 1, summed up. */
static int sum(struct rig_team *team)
{
	int64_t own = rig_team_rank(team) + 1, all = 0;
	int r = rig_team_allreduce(team, &own, &all, 1, RIG_INT64, RIG_SUM);

	*(int64_t *)rig_team_result(team) = all;
	return r;
}

int named_sum(struct rig_team *team)
{
	return sum(team);
}

rig_kernel_fn *exec_static_kernel(void)
{
	return sum;
}

/* The ranks own equal blocks, the last rank the first. */
int exec_reverse_owns(const void *args, int index, size_t bytes, int rank,
		      int size, struct rig_span *spans)
{
	spans[0] = rig_strip(bytes, size - 1 - rank, size);
	return 1;
}

/* Whether rank 0 owns the part that exec_reverse_owns() tells.  The pages are
 * there when the kernel begins, whichever rank owns a page; only the sum is
 * checked. */
const struct rig_kernel *exec_kernel(void)
{
	static const struct rig_kernel kernel = {
		.version = RIG_KERNEL_VERSION,
		.name = "exec-sum",
		.summary = "the sum of rank numbers",
		.verified = "by the test",
		.owns = exec_reverse_owns,
		.run = sum,
	};

	return &kernel;
}
