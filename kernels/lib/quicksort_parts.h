/* SPDX-License-Identifier: MIT */
/*
 * quicksort_parts.h - eight lanes with those below a pivot first, for each way in
 * which the lanes can be below.
 *
 * Bit i of a number from 0 to 255 says that lane i is above.  Byte k of the
 * number's entry is the lane that comes to place k: those below in their order,
 * and then the others.
 */
#ifndef KERNELS_QUICKSORT_PARTS_H
#define KERNELS_QUICKSORT_PARTS_H

#include <stdint.h>

/* How many of the lanes before lane i are above. */
#define PART_BIT(m, i) ((m) >> (i)&1)
#define PART_ABOVE2(m, i)                                                      \
	((i > 0 ? PART_BIT(m, 0) : 0) + (i > 1 ? PART_BIT(m, 1) : 0))
#define PART_ABOVE4(m, i)                                                      \
	(PART_ABOVE2(m, i) + (i > 2 ? PART_BIT(m, 2) : 0) +                    \
	 (i > 3 ? PART_BIT(m, 3) : 0))
#define PART_ABOVE(m, i)                                                       \
	(PART_ABOVE4(m, i) + (i > 4 ? PART_BIT(m, 4) : 0) +                    \
	 (i > 5 ? PART_BIT(m, 5) : 0) + (i > 6 ? PART_BIT(m, 6) : 0) +         \
	 (i > 7 ? PART_BIT(m, 7) : 0))

/* Lane i at its place. */
#define PART_LANE(m, i)                                                        \
	(UINT64_C(i) << 8 * (PART_BIT(m, i)                                    \
				     ? 8 - PART_ABOVE(m, 8) + PART_ABOVE(m, i) \
				     : (i)-PART_ABOVE(m, i)))
#define PART(m)                                                                \
	(PART_LANE(m, 0) | PART_LANE(m, 1) | PART_LANE(m, 2) |                 \
	 PART_LANE(m, 3) | PART_LANE(m, 4) | PART_LANE(m, 5) |                 \
	 PART_LANE(m, 6) | PART_LANE(m, 7))
#define PARTS4(m)  PART(m), PART((m) + 1), PART((m) + 2), PART((m) + 3)
#define PARTS16(m) PARTS4(m), PARTS4((m) + 4), PARTS4((m) + 8), PARTS4((m) + 12)
#define PARTS64(m)                                                             \
	PARTS16(m), PARTS16((m) + 16), PARTS16((m) + 32), PARTS16((m) + 48)

static const uint64_t parts[256] = { PARTS64(0), PARTS64(64), PARTS64(128),
				     PARTS64(192) };

#endif
