/* SPDX-License-Identifier: MIT */
/*
 * model.c - the state of the modelled machine: where the locations are, and how
 * old messages go.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state state;
const struct checker_scenario *scenario;
int current = -1;
unsigned model_block_parties;

/* Fixed once the scenario is set up. */
static struct {
	const volatile void *at;
	const char *name;
} places[CHECKER_LOCATIONS];
static int place_count;

_Noreturn void model_die(const char *why)
{
	fprintf(stderr, "checker: %s\n", why);
	exit(5);
}

void model_clear(void)
{
	memset(&state, 0, sizeof(state));
	place_count = 0;
	model_block_parties = 0;
	current = -1;
}

const char *model_location_name(int location)
{
	return places[location].name;
}

void checker_location(const volatile void *p, const char *name)
{
	if (place_count == CHECKER_LOCATIONS)
		model_die("too many locations");
	places[place_count].at = p;
	places[place_count].name = name;
	state.locations[place_count++].count = 1;
}

uint8_t model_location(const volatile void *p)
{
	for (int i = 0; i < place_count; i++)
		if (places[i].at == p)
			return (uint8_t)i;
	model_die("an atomic that the scenario did not name");
}

/* --- dropping messages that no thread can read --- */

/* Whether the values that the thread may still read matter.  A thread that
 * waits for a death will know at least the dead thread's view.  Where there is a
 * mutex, a dead thread hands its view on by the mutex alone. */
static bool counts(int t)
{
	const struct thread *thread = &state.threads[t];

	if (thread->status == STATUS_DEAD && state.mutex.used)
		return state.mutex.owner == t + 1;
	return thread->status != STATUS_NONE &&
	       thread->status != STATUS_ENDED &&
	       thread->op.action != ACTION_DEATH;
}

static void lower(uint8_t *index, int by)
{
	*index = (uint8_t)(*index > by ? *index - by : 0);
}

static void drop(int l, int by)
{
	struct location *location = &state.locations[l];
	int left = location->count - by;

	memmove(location->messages, location->messages + by,
		(size_t)left * sizeof(*location->messages));
	memset(location->messages + left, 0,
	       (size_t)by * sizeof(*location->messages));
	location->count = (uint8_t)left;
	lower(&location->seq, by);
	lower(&location->futex, by);
	for (int i = 0; i < CHECKER_THREADS; i++)
		lower(&state.threads[i].view.oldest[l], by);
	lower(&state.block.oldest[l], by);
	lower(&state.mutex.view.oldest[l], by);
	for (int i = 0; i < place_count; i++)
		for (int m = 0; m < state.locations[i].count; m++)
			lower(&state.locations[i].messages[m].view.oldest[l],
			      by);
}

void model_tidy(void)
{
	for (int i = 0; i < CHECKER_THREADS; i++)
		if (state.threads[i].status == STATUS_ENDED)
			state.threads[i] =
				(struct thread){ .status = STATUS_ENDED,
						 .view = state.threads[i].view,
						 .round = UINT8_MAX };
	for (int l = 0; l < place_count; l++) {
		int least = state.locations[l].count - 1;

		for (int i = 0; i < CHECKER_THREADS; i++) {
			const struct thread *thread = &state.threads[i];

			if (counts(i) && thread->view.oldest[l] < least)
				least = thread->view.oldest[l];
		}
		if (least)
			drop(l, least);
	}
}
