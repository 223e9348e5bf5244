/* SPDX-License-Identifier: MIT */
/*
 * serve.c - read a line, do it, answer with a line.
 */
#include "peers/serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void answer_timing(const struct timing *timing)
{
	printf("timing");
	for (int i = 0; i < timing->ranks; i++)
		printf(" %" PRIu64 " %" PRIu64, timing->rank[i].begin_ns,
		       timing->rank[i].end_ns);
	if (timing->cost.cpu_ns)
		printf(" cpu %" PRIu64, timing->cost.cpu_ns);
	printf("\n");
}

int serve_cannot(const char *why)
{
	printf("cannot %s\n", why);
	return fflush(stdout) ? 1 : 0;
}

int serve(const struct served *served, const int *pids, int count)
{
	char line[64];
	uint64_t operations;

	printf("ready");
	for (int i = 0; i < count; i++)
		printf(" %d", pids[i]);
	printf("\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		char why[CASE_WHY_BYTES] = "";
		struct timing timing = { 0 };

		if (sscanf(line, "run %" SCNu64, &operations) == 1) {
			if (served->run(operations, &timing))
				return 1;
			if (timing.measured)
				printf("measured %.17g\n", timing.value);
			else
				answer_timing(&timing);
		} else if (strcmp(line, "verify\n") == 0) {
			if (served->verify && served->verify(why))
				printf("wrong %s\n", why);
			else
				printf("verified\n");
		} else {
			return 1;
		}
		fflush(stdout);
	}
	return 0;
}
