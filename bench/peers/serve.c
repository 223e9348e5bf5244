/* SPDX-License-Identifier: MIT */
/*
 * serve.c - read a line, do it, answer with a line.
 */
#include "peers/serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void answer_lap(const struct lap *lap)
{
	printf("lap");
	for (int i = 0; i < lap->ranks; i++)
		printf(" %" PRIu64 " %" PRIu64, lap->rank[i].begin_ns,
		       lap->rank[i].end_ns);
	if (lap->cost.cpu_ns)
		printf(" cpu %" PRIu64, lap->cost.cpu_ns);
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
		struct lap lap = { 0 };

		if (sscanf(line, "run %" SCNu64, &operations) == 1) {
			if (served->run(operations, &lap))
				return 1;
			if (lap.gauged)
				printf("gauge %.17g\n", lap.value);
			else
				answer_lap(&lap);
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
