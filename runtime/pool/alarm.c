/* SPDX-License-Identifier: MIT */
/*
 * alarm.c - a thread that waits for the ranks' alarm, where no caller does.
 */
#include "pool/alarm.h"

#include <signal.h>

#include "base/error.h"

static void *await(void *arg)
{
	static const struct patience none;
	struct alarm *alarm = arg;

	if (dispatch_wait(alarm->dispatch, &none, true, RIG_FOREVER) < 0)
		alarm->ring(alarm->arg);
	return NULL;
}

int alarm_start(struct alarm *alarm, const struct layout *layout,
		void (*ring)(void *arg), void *arg)
{
	sigset_t all, before;
	int r;

	*alarm = (struct alarm){ .dispatch = layout->dispatch,
				 .ring = ring,
				 .arg = arg };
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&alarm->thread, NULL, await, alarm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return rig_fail_errno(r, "team: a thread that watches it");
	alarm->runs = true;
	return 0;
}

void alarm_finish(struct alarm *alarm)
{
	if (!alarm->runs)
		return;
	dispatch_done(alarm->dispatch);
	pthread_join(alarm->thread, NULL);
	alarm->runs = false;
}
