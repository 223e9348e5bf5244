/* SPDX-License-Identifier: MIT */
/*
 * test_sizes.c - for test.f90: where C has the fields of the structs that runrig.f90
 * describes.
 */
#include <stddef.h>

#include <runrig/runrig.h>

size_t test_layout(int index);

/* Sizes, and the last fields before `reserved`, in the order of test.f90. */
size_t test_layout(int index)
{
	static const size_t layout[] = {
		sizeof(struct rig_pool_options),
		sizeof(struct rig_segment_options),
		sizeof(struct rig_handed),
		sizeof(struct rig_job),
		sizeof(struct rig_value),
		offsetof(struct rig_report, text),
		RIG_INT32,
		RIG_INT64,
		RIG_FLOAT32,
		RIG_FLOAT64,
		RIG_COMPLEX128,
		RIG_MAX,
		RIG_BXOR,
		RIG_VALUE_BYTES,
	};

	return index < (int)(sizeof(layout) / sizeof(*layout)) ? layout[index]
							       : 0;
}
