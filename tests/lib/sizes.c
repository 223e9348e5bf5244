/* SPDX-License-Identifier: MIT */
/*
 * sizes.c - the bytes of the public structs that Python programs describe again
 * for ctypes, by the names they have there: see test_ctypes.py.
 */
#include <stdio.h>

#include <runrig/runrig.h>

int main(void)
{
	printf("Handed %zu\n", sizeof(struct rig_handed));
	printf("Job %zu\n", sizeof(struct rig_job));
	printf("PoolOptions %zu\n", sizeof(struct rig_pool_options));
	printf("SegmentOptions %zu\n", sizeof(struct rig_segment_options));
	printf("Value %zu\n", sizeof(struct rig_value));
	printf("Worker %zu\n", sizeof(struct rig_worker));
	return 0;
}
