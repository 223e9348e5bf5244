/* SPDX-License-Identifier: MIT */
/*
 * hosts_zero.c - host 0 of a run: the end of the run, and deadlocks over hosts.
 *
 * A deadlock over several hosts is found by F. Mattern's four counters (Algorithms
 * for distributed termination detection, 1987).  Only a parcel frees a quiet host.  If
 * all hosts are quiet, the sums of parcels sent and received are equal, and a second
 * look at all hosts finds the same numbers, then no parcel is under way, and no host
 * will ever send a parcel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hosts_run.h"

static void tell_all(struct hosts_run *run, enum wire_kind kind, int32_t number,
		     const char *text)
{
	/* The own host comes last, and goes on from there. */
	for (int i = 1; i <= run->hosts->size; i++)
		hosts_tell(run, i % run->hosts->size, kind, number, text);
}

static void end_all(struct hosts_run *run, bool deadlock)
{
	if (run->ended)
		return;
	run->ended = true;
	run->deadlock = deadlock;
	tell_all(run, END, deadlock, NULL);
}

/* The words of the run, then the report of the host that failed, or all reports. */
static char *make_text(const struct hosts_run *run)
{
	const size_t room = TEXT_BYTES * 16;
	char *text = malloc(room);
	size_t used;

	if (!text)
		return NULL;
	if (run->deadlock)
		used = (size_t)snprintf(
			text, room,
			"deadlock: every rank of %d hosts waits for one that "
			"waits or has returned\n",
			run->hosts->size);
	else
		used = (size_t)snprintf(text, room, "host %d: ", run->failed);
	for (int i = 0; i < run->hosts->size && used < room; i++) {
		const char *said = run->states[i].text;

		if (!run->deadlock && i != run->failed)
			continue;
		if (run->deadlock)
			used += (size_t)snprintf(text + used, room - used,
						 "host %d: ", i);
		if (used < room)
			used += (size_t)snprintf(text + used, room - used, "%s",
						 said ? said : "?\n");
	}
	return text;
}

/* All hosts have ended. */
static void finish_all(struct hosts_run *run)
{
	char *text = NULL;
	int code = 0;

	/* END ends the own part too: the last news may come within the first. */
	if (run->finished)
		return;
	run->finished = true;
	if (run->failed >= 0) {
		code = run->deadlock ? -EDEADLK : run->states[run->failed].code;
		text = make_text(run);
	}
	tell_all(run, FINAL, code, text);
	free(text);
}

/* Is every host quiet, and no parcel under way, as far as the numbers say? */
static bool seem_quiet(const struct hosts_run *run)
{
	uint64_t sent = 0, received = 0;

	for (int i = 0; i < run->hosts->size; i++) {
		if (!run->states[i].quiet)
			return false;
		sent += run->states[i].sent;
		received += run->states[i].received;
	}
	return sent == received;
}

static void ask_all(struct hosts_run *run)
{
	if (run->asking || run->ended || run->done == run->hosts->size ||
	    !seem_quiet(run))
		return;
	run->asking = true;
	run->answers = 0;
	run->wave++;
	for (int i = 0; i < run->hosts->size; i++) {
		struct host_state *state = &run->states[i];

		state->again = false;
		state->asked_sent = state->sent;
		state->asked_received = state->received;
	}
	tell_all(run, ASK, run->wave, NULL);
}

void hosts_take_done(struct hosts_run *run, int from,
		     const struct wire_head *head, char *text)
{
	struct host_state *state = &run->states[from];

	state->done = state->quiet = true;
	state->code = head->numbers[0];
	state->text = text;
	state->sent = head->counts[0];
	state->received = head->counts[1];
	run->done++;
	if (state->code < 0 && run->failed < 0)
		run->failed = from;
	if (state->code < 0)
		end_all(run, false);
	if (run->done == run->hosts->size)
		finish_all(run);
	else
		ask_all(run);
}

void hosts_take_answer(struct hosts_run *run, int from,
		       const struct wire_head *head)
{
	struct host_state *state = &run->states[from];
	bool all = true;

	if (!run->asking || head->numbers[0] != run->wave)
		return;
	state->again = head->kind == AGAIN &&
		       state->asked_sent == head->counts[0] &&
		       state->asked_received == head->counts[1];
	if (!state->again && !state->done)
		state->quiet = false;
	if (++run->answers < run->hosts->size)
		return;
	run->asking = false;
	for (int i = 0; i < run->hosts->size; i++)
		all &= run->states[i].again;
	if (all && run->done < run->hosts->size) {
		run->failed = 0;
		end_all(run, true);
	}
}

void hosts_take_quiet(struct hosts_run *run, int from,
		      const struct wire_head *head)
{
	struct host_state *state = &run->states[from];

	state->quiet = true;
	state->sent = head->counts[0];
	state->received = head->counts[1];
	ask_all(run);
}
