/* SPDX-License-Identifier: MIT */
/*
 * sort.c - sort an array of this program's, and an array in a live segment.
 *
 *	sort [SEGMENT]     the segment holds doubles: Python's, for example
 */
#include <stdio.h>

#include <runrig/kernels.h>
#include <runrig/runrig.h>

int main(int argc, char **argv)
{
	double x[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
	const int64_t shape[] = { 8 };
	const struct rig_operand arrays[] = {
		{ .data = x, .dtype = RIG_FLOAT64, .dims = 1, .shape = shape },
		{ .segment = argv[argc - 1], .dtype = RIG_FLOAT64 },
	};
	struct rig_spec spec = { .kernel = "sort", .operand_count = 1 };
	struct rig_outcome *outcome = NULL;
	struct rig_pool *pool = NULL;
	int r = rig_kernels_register() < 0 ? -1 : rig_pool_create(&pool, NULL);

	for (int i = 0; i < argc && i < 2 && r == 0; i++) {
		spec.operands = &arrays[i];
		r = rig_kernel_run(pool, &spec, &outcome);
		rig_outcome_free(outcome);
	}
	rig_pool_destroy(pool);
	if (r < 0)
		fprintf(stderr, "sort: %s\n", rig_why());
	for (int i = 0; i < 8 && r == 0; i++)
		printf("%g ", x[i]);
	return r < 0;
}
