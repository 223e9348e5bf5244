/* SPDX-License-Identifier: MIT */
/*
 * tally.h - the count of a long test's trials, for the table of `./do torture`.
 *
 * Faults are counted as they are tried and survived; RUNRIG_TALLY names a file
 * that gets a line when the test ends.
 */
#ifndef RUNRIG_TALLY_H
#define RUNRIG_TALLY_H

#include <stdint.h>

struct tally {
	uint64_t tried;
	uint64_t survived;
	uint64_t worst_ns; /* from fault to report */
};

/* Count a fault that was survived, after `ns`. */
void tally_add(struct tally *tally, uint64_t ns);

/* Add the line. */
void tally_write(const struct tally *tally, const char *what);

#endif
