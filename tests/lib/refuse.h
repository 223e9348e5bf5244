/* SPDX-License-Identifier: MIT */
/*
 * refuse.h - a system call that is refused, as by a sandbox or an older kernel.
 */
#ifndef RUNRIG_TEST_REFUSE_H
#define RUNRIG_TEST_REFUSE_H

#include <stdint.h>

/* Calls of that number, and with -1 what kernels newer than 5.4 have; and, unless `bits` is 0, only those whose argument
 * `argument` (0 to 5) is `value` in these bits. */
struct refusal {
	const char *name;
	int number;
	int argument;
	uint32_t bits;
	uint32_t value;
};

/* The refusals that are tried, `refusals_count` entries. */
extern const struct refusal refusals[];
extern const int refusals_count;

/*
 * From now on, for ever, such calls fail with `error` and do nothing, in this
 * process and in all its descendants. 0, or -errno where the system has no
 * filters.
 */
int refuse(const struct refusal *refusal, int error);

#endif
