/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep.c - one life after another, each with a kill at another place.
 */
#include "lib/kill_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/process.h"
#include "lib/tally.h"

/* Against hanging: longer than every limit of the runtime. */
#define HANGS_S 40

/* The most instructions behind a call. */
#define STEPS_MAX 600

int kill_sweep_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		char target[64] = "";

		(void)!readlinkat(dirfd(dir), entry->d_name, target,
				  sizeof(target) - 1);
		count += !strstr(target, "/memfd:ledger");
	}
	if (dir)
		closedir(dir);
	return count;
}

static bool live(const struct kill_sweep *sweep, struct inject *inject,
		 int names)
{
	static const char *const deeds[] = { "well", "before", "after" };
	uint64_t begin = clock_ns();
	int r = inject_run(inject, sweep->life, HANGS_S);
	const char *why = NULL;

	if (r < 0)
		why = r == -ETIMEDOUT ? "it hangs" : "it cannot be traced";
	if (!why)
		why = sweep->judge(inject, inject->status);
	if (!why && process_count_entries("/dev/shm") != names)
		why = "a name is left";
	if (getenv("RUNRIG_SAY") || why)
		fprintf(stderr,
			"%s: %s call %d (number %d) + %ld: %s, status %x "
			"(%.1f ms)\n",
			sweep->what, deeds[inject->deed], inject->at,
			inject->at >= 0 && inject->at < inject->calls
				? inject->numbers[inject->at]
				: -1,
			inject->steps, why ? why : "well",
			(unsigned)inject->status,
			(double)(clock_ns() - begin) * 1e-6);
	return !why;
}

/* One call, in all ways of this form. */
static int live_at(const struct kill_sweep *sweep, struct inject *inject,
		   int names, bool all, struct tally *tally)
{
	int wrong = 0;

	for (int way = 0; way < 4; way++) {
		uint64_t begin = clock_ns();

		if (!all && way != inject->at % 4)
			continue;
		inject->deed =
			way == 0 ? INJECT_KILL_BEFORE : INJECT_KILL_AFTER;
		/* Other places for each call. */
		inject->steps = way < 2 ? 0
					: (inject->at * 7919L + way * 104729L) %
						  STEPS_MAX;
		if (!live(sweep, inject, names))
			wrong++;
		else if (inject->killed)
			tally_add(tally, clock_ns() - begin);
	}
	return wrong;
}

int kill_sweep(const struct kill_sweep *sweep)
{
	const char *value = getenv("RUNRIG_STEPS");
	const int every = value ? atoi(value) : sweep->share;
	struct inject inject = { .role = sweep->victim,
				 .at = -1,
				 .deed = INJECT_KILL_BEFORE };
	struct tally tally = { 0 };
	int names, calls, wrong = 0;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	names = process_count_entries("/dev/shm");
	if (!live(sweep, &inject, names))
		return 100;
	calls = inject.calls;
	for (int at = every / 2; at < calls; at += every) {
		inject.at = at;
		wrong += live_at(sweep, &inject, names, value != NULL, &tally);
	}
	tally_write(&tally, sweep->what);
	return wrong > 99 ? 99 : wrong;
}
