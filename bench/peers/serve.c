/* SPDX-License-Identifier: MIT */
/*
 * serve.c - read a line, obey, answer with a line.
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

void serve_ready(const int *pids, int count)
{
	printf("ready");
	for (int i = 0; i < count; i++)
		printf(" %d", pids[i]);
	printf("\n");
	fflush(stdout);
}

static int obey_run(const struct served *served, uint64_t operations)
{
	struct timing timing = { 0 };

	if (served->run(operations, &timing))
		return 1;
	if (timing.measured)
		printf("measured %.17g\n", timing.value);
	else
		answer_timing(&timing);
	return 0;
}

static void obey_verify(const struct served *served)
{
	char why[CASE_WHY_BYTES] = "";

	if (served->verify && served->verify(why))
		printf("wrong %s\n", why);
	else
		printf("verified\n");
}

int serve_cases(const struct served *served, int (*take)(const char *words))
{
	char line[SERVE_LINE_BYTES];
	uint64_t operations;
	int status = 0;

	while (!status && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "run %" SCNu64, &operations) == 1)
			status = obey_run(served, operations);
		else if (strcmp(line, "verify") == 0)
			obey_verify(served);
		else if (take && strncmp(line, "case ", 5) == 0)
			status = take(line + 5);
		else
			status = 1;
		fflush(stdout);
	}
	return status;
}

int serve(const struct served *served, const int *pids, int count)
{
	serve_ready(pids, count);
	return serve_cases(served, NULL);
}
