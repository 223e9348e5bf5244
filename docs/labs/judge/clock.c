/* SPDX-License-Identifier: MIT */
/*
 * clock.c - see clock.h.
 */
#include "clock.h"

#include <errno.h>
#include <string.h>

static uint64_t now;

/* A message carries the clock at which the message arrives. */
struct letter {
	uint64_t arrival;
	double numbers[GRADE_MESSAGE];
};

static size_t bytes_of(size_t count)
{
	return sizeof(uint64_t) + count * sizeof(double);
}

void grade_clock_set(uint64_t ns)
{
	now = ns;
}

uint64_t grade_clock(void)
{
	return now;
}

void grade_spend(uint64_t ns)
{
	now += ns;
}

int grade_meet(struct rig_team *team)
{
	uint64_t last = now;
	int r = rig_team_allreduce(team, &now, &last, 1, RIG_UINT64, RIG_MAX);

	now = last;
	return r;
}

int grade_send(struct rig_team *team, const double *from, size_t count, int to,
	       uint64_t cost)
{
	struct letter letter = { .arrival = now + cost };

	if (count > GRADE_MESSAGE)
		return rig_team_fail(team, -EINVAL,
				     "a message of %zu numbers, %d at most",
				     count, GRADE_MESSAGE);
	if (count > 0)
		memcpy(letter.numbers, from, count * sizeof(*from));
	return rig_team_send(team, &letter, bytes_of(count), RIG_UINT8, to, 0);
}

int grade_recv(struct rig_team *team, double *into, size_t count, int from)
{
	struct letter letter = { .arrival = 0 };
	int r;

	if (count > GRADE_MESSAGE)
		return rig_team_fail(team, -EINVAL,
				     "a message of %zu numbers, %d at most",
				     count, GRADE_MESSAGE);
	r = rig_team_recv(team, &letter, bytes_of(count), RIG_UINT8, from, 0,
			  NULL);
	if (r < 0)
		return r;
	if (count > 0)
		memcpy(into, letter.numbers, count * sizeof(*into));
	if (letter.arrival > now)
		now = letter.arrival;
	return 0;
}
