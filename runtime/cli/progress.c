/* SPDX-License-Identifier: MIT */
/*
 * progress.c - how far a long run is, on a terminal.
 *
 * Workers are not asked: a kernel that says how many barriers a run has is as
 * far as its barrier has counted, and of several runs those are done that are.
 */
#include "progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <runrig/barrier.h>

#include "show.h"

/* Between two lines, and before the first. */
#define STEP_NS UINT64_C(500000000)

struct progress {
	struct progress_work work;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	const struct rig_barrier *barrier; /* NULL: not in a run, or unknown */
	uint64_t before;                   /* its epochs when the run began */
	uint64_t done;                     /* runs */
	uint64_t begin_ns;
	bool drawn, ended;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of all runs, 0 to 1. */
static double share_of(const struct progress *p)
{
	double share = 0;

	if (p->barrier && p->work.epochs) {
		share = (double)(rig_barrier_epochs(p->barrier) - p->before) /
			(double)p->work.epochs;
		share = share < 1 ? share : 1;
	}
	return ((double)p->done + share) / (double)p->work.runs;
}

static void draw(struct progress *p)
{
	double ns = (double)(now_ns() - p->begin_ns);
	double share = share_of(p);
	double runs = share * (double)p->work.runs;
	char time[SHOWN_BYTES], rate[SHOWN_BYTES];

	fprintf(stderr, "\r\033[K%s: ", p->work.name);
	if (share > 0) {
		fprintf(stderr, "%.0f %% done, ", 100 * share);
		if (p->work.flops > 0)
			fprintf(stderr, "%.3g Gflop/s, ",
				p->work.flops * runs / ns);
		else if (p->work.bytes > 0)
			fprintf(stderr, "%s, ",
				show_rate(p->work.bytes * runs, ns, rate));
		fprintf(stderr, "%s left",
			show_time(ns / share * (1 - share), time));
	} else {
		fprintf(stderr, "%s", show_time(ns, time));
	}
	fflush(stderr);
	p->drawn = true;
}

static void *watch(void *arg)
{
	struct progress *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->ended) {
		uint64_t until_ns = now_ns() + STEP_NS;
		struct timespec until = {
			.tv_sec = (time_t)(until_ns / 1000000000),
			.tv_nsec = (long)(until_ns % 1000000000),
		};

		while (!p->ended &&
		       pthread_cond_clockwait(&p->changed, &p->lock,
					      CLOCK_MONOTONIC, &until) == 0)
			;
		if (!p->ended)
			draw(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct progress *progress_begin(const struct progress_work *work)
{
	struct progress *p;

	if (!isatty(STDERR_FILENO))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->work = *work;
	p->begin_ns = now_ns();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	if (pthread_create(&p->thread, NULL, watch, p) == 0)
		return p;
	free(p);
	return NULL;
}

void progress_run(struct progress *p, const struct rig_barrier *barrier,
		  uint64_t done)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->done = done;
	p->barrier = barrier;
	p->before = barrier ? rig_barrier_epochs(barrier) : 0;
	pthread_mutex_unlock(&p->lock);
}

void progress_rest(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	/* What it looked at may be gone before the next run. */
	p->barrier = NULL;
	p->done++;
	pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->drawn)
		fprintf(stderr, "\r\033[K");
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
