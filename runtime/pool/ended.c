/* SPDX-License-Identifier: MIT */
/*
 * ended.c - the end of a team whose ranks watch each other, in words.
 *
 * The reason lies in the slot of a rank: the slot of the rank that has died, where the
 * rank's own handler has noted the fault; or the slot of the rank that has found the
 * reason, which has written the words there before the end of the team.
 */
#include "pool/ended.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/report.h>

#include "base/error.h"
#include "base/glibc.h"
#include "pool/report.h"
#include "team/modules.h"

/* In this process. */
static struct {
	struct report report;
	const struct rig_plan *plan;
	char name[64];
} own;

int ended_begin(const char *name, int size, const struct rig_plan *plan)
{
	snprintf(own.name, sizeof(own.name), "%s", name);
	own.plan = plan;
	return report_init(&own.report, size);
}

void ended_finish(void)
{
	report_finish(&own.report);
	memset(&own, 0, sizeof(own));
}

/* Join all lines: " rank 0 ...\n rank 1 ...\n" becomes "rank 0 ...; rank 1 ...". */
static void join_lines(char *to, size_t bytes, const char *lines)
{
	size_t used = 0;

	to[0] = 0;
	for (const char *line = lines; *line && used + 1 < bytes;) {
		const size_t length = strcspn(line, "\n");
		const size_t blank = strspn(line, " ");

		used += (size_t)snprintf(to + used, bytes - used, "%s%.*s",
					 used ? "; " : "",
					 (int)(length - blank), line + blank);
		line += length + (line[length] != 0);
	}
}

static void say_deadlock(struct rank *rank)
{
	const char *lines;

	report_make(&own.report,
		    &(struct report_facts){ .end = RIG_END_DEADLOCK,
					    .code = -EDEADLK,
					    .layout = &rank->layout,
					    .size = rank->size,
					    .plan = own.plan,
					    .name = own.name,
					    .failed = -1 });
	lines = strchr(own.report.said.text, '\n');
	join_lines(rank->mine->why, sizeof(rank->mine->why),
		   lines ? lines + 1 : "");
}

/* Rank `number` has died. */
static int explain_death(const struct rank *rank, int number)
{
	struct rank_shm *dead = &rank->layout.ranks[number];
	const int pid = rank->layout.about[number].pid;
	/* acquire: pairs with the release in the handler. */
	const uint32_t signal = load_acquire(&dead->signal);
	const char *name = signal_abbreviation((int)signal);
	char where[WHERE_BYTES];
	struct symbol symbol;

	if (!signal || !name)
		return rig_fail(-EOWNERDEAD,
				"%s: rank %d (pid %d) was killed, or has ended "
				"without rig_leave()",
				own.name, number, pid);
	if (modules_find(&rank->layout.modules[number], dead->instruction,
			 RIG_FOREVER, &symbol) < 0)
		snprintf(where, sizeof(where), "0x%llx",
			 (unsigned long long)dead->instruction);
	else
		symbol_write(&symbol, false, where, sizeof(where));
	return rig_fail(-EOWNERDEAD, "%s: rank %d (pid %d) died of SIG%s in %s",
			own.name, number, pid, name, where);
}

/* Numbers in shared memory any rank may have written over. */
static int explain(const struct rank *rank, uint32_t ended)
{
	const int number = ENDED_RANK(ended);
	const struct rank_shm *shm;
	int code;

	if (number < 0 || number >= rank->size)
		return rig_fail(-EOWNERDEAD, "%s: the team has ended",
				own.name);
	shm = &rank->layout.ranks[number];
	if (ENDED_END(ended) == RIG_END_DEADLOCK)
		return rig_fail(-EDEADLK, "%s: deadlock: %.*s", own.name,
				WHY_BYTES - 1, shm->why);
	if (ENDED_END(ended) != RIG_END_FAILED)
		return explain_death(rank, number);
	/* relaxed: written before the team ended. */
	code = load_relaxed(&shm->code);
	return rig_fail(code < 0 ? code : -EINVAL, "%s: %.*s", own.name,
			WHY_BYTES - 1, shm->why);
}

const struct rank_ends ended_calls = { say_deadlock, explain };
