/* SPDX-License-Identifier: MIT */
/*
 * tally.c - counting faults, and a line about the faults.
 */
#include "lib/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void tally_add(struct tally *tally, uint64_t ns)
{
	tally->tried++;
	tally->survived++;
	if (ns > tally->worst_ns)
		tally->worst_ns = ns;
}

void tally_write(const struct tally *tally, const char *what)
{
	const char *path = getenv("RUNRIG_TALLY");
	FILE *file = path ? fopen(path, "ae") : NULL;

	if (!file)
		return;
	fprintf(file, "%-52s %10" PRIu64 " %10" PRIu64 " %12.1f\n", what,
		tally->tried, tally->survived, (double)tally->worst_ns * 1e-6);
	fclose(file);
}
