/* SPDX-License-Identifier: MIT */
/*
 * energy.h - the energy that the processors and their memory have used, where the
 * kernel tells (powercap: the running average power limit of Intel and AMD).
 *
 * A counter counts for a whole package, idle cores and other programs included, and
 * moves about once a millisecond: the sum over many samples is right, a single sample
 * of 2 ms is not.
 */
#ifndef RIGBENCH_ENERGY_H
#define RIGBENCH_ENERGY_H

#include <stdint.h>

#define ENERGY_FOLDER    "/sys/class/powercap"
#define ENERGY_ZONES_MAX 32

struct energy {
	int zones;
	struct energy_zone {
		int fd;
		uint64_t last_uj;
		uint64_t
			range_uj; /* from there the counter begins at 0 again */
	} zone[ENERGY_ZONES_MAX];
};

/* Open the counters of all packages, and of their memory.  0, -ENOTSUP where the
 * folder has none, -EACCES where this user may not read the counters. */
int energy_open(struct energy *energy, const char *folder);

/* The joules since the last call, or since energy_open(); 0 where nothing is open. */
double energy_joules(struct energy *energy);

void energy_close(struct energy *energy);

#endif
