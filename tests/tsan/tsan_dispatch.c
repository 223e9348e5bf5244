/* SPDX-License-Identifier: MIT */
/*
 * tsan_dispatch.c - jobs to threads, under ThreadSanitizer.
 *
 * Words and results are plain: dispatch alone orders writers and readers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "objects/dispatch.h"

#define TAKERS 3
#define JOBS   2000u
#define JOB    2u

static struct dispatch_shm dispatch;
static uint64_t results[TAKERS];
static struct patience patience;
/* Alarms come with a reason, which is plain too. */
static uint64_t reason;

static void *taker(void *arg)
{
	int self = (int)(intptr_t)arg;
	uint32_t seen = 0;

	for (uint64_t n = 1; n <= JOBS; n++) {
		seen = dispatch_take(&dispatch, seen, &patience);
		if (seen != n * JOB || dispatch.words[0] != n)
			return &results[self];
		results[self] = n;
		if (self == 0) {
			reason = n;
			dispatch_alarm(&dispatch);
		}
		if (dispatch_finish(&dispatch, TAKERS) == DISPATCH_ALL_DONE)
			dispatch_done(&dispatch);
	}
	return NULL;
}

static int post(uint64_t n)
{
	int failed = 0;
	int r;

	dispatch.words[0] = n;
	dispatch_post(&dispatch);
	r = dispatch_wait(&dispatch, &patience, true, RIG_FOREVER);
	if (r == -EINTR) {
		failed |= reason != n;
		r = dispatch_wait(&dispatch, &patience, false, RIG_FOREVER);
	}
	for (int i = 0; i < TAKERS; i++)
		failed |= results[i] != n;
	return failed | (r != 0);
}

static int work(void)
{
	pthread_t threads[TAKERS];
	int failed = 0;
	void *wrong;

	store_relaxed(&dispatch.posted, 0);
	store_relaxed(&dispatch.done, 0);
	dispatch_init(&dispatch, TAKERS);
	for (intptr_t i = 0; i < TAKERS; i++)
		if (pthread_create(&threads[i], NULL, taker, (void *)i))
			return 1;
	for (uint64_t n = 1; n <= JOBS; n++)
		failed |= post(n);
	for (int i = 0; i < TAKERS; i++) {
		pthread_join(threads[i], &wrong);
		failed |= wrong != NULL;
	}
	return failed;
}

int main(void)
{
	static const struct patience patiences[] = { { 0 },
						     { .yields = 4 },
						     { .spin_ns = 20000 } };
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		patience = patiences[i];
		failed |= work();
	}
	if (failed)
		fprintf(stderr, "a job was taken or done wrongly\n");
	return failed;
}
