/* SPDX-License-Identifier: MIT */
/*
 * alarm.h - a thread that waits for the ranks' alarm, where no caller waits.
 */
#ifndef RUNRIG_ALARM_H
#define RUNRIG_ALARM_H

#include <pthread.h>
#include <stdbool.h>

#include "objects/layout.h"

/* In this process. */
struct alarm {
	pthread_t thread;
	bool runs;
	struct dispatch_shm *dispatch;
	void (*ring)(
		void *arg); /* called in the thread when the alarm is raised */
	void *arg;
};

/* Wait for the alarm of the posted job, which rings once. 0 or -errno and the words. */
int alarm_start(struct alarm *alarm, const struct layout *layout,
		void (*ring)(void *arg), void *arg);

/* End the posted job, if the job has not ended, and the thread. */
void alarm_finish(struct alarm *alarm);

#endif
