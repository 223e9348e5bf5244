/* SPDX-License-Identifier: MIT */
/*
 * progress_line.c - the progress of a long run, on a terminal.
 *
 * Within a run the progress is what the ranks report (rig_pool_progress());
 * among several runs the finished runs count too.  Time outside of runs is left
 * out: rates and the time left are those of the runs alone.
 */
#include "progress_line.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <runrig/kernel.h>
#include <runrig/pool.h>

#include "show.h"

/* Between two lines, and before the first. */
#define STEP_NS UINT64_C(500000000)

/* Bytes of a line: more than any line takes. */
#define LINE_BYTES 400

/* From the line's beginning on. */
#define CLEAR "\r\033[K"

static const char *const phases[] = {
	[PROGRESS_PREPARING] = "preparing",
	[PROGRESS_RUNNING] = "running",
	[PROGRESS_VERIFYING] = "verifying",
	[PROGRESS_WRITING] = "writing",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static bool begun, drawn;
static struct progress_work work;
static double flops, bytes, items; /* a run's; 0: not known */
static enum progress_phase phase;
static uint64_t since_ns; /* begin of the phase */
static uint64_t done;     /* runs */
static uint64_t done_ns;  /* time of these runs */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ", 1.51 Gflop/s": of `runs` runs in `ns`. */
static void draw_rate(FILE *line, double runs, double ns)
{
	char rate[SHOWN_BYTES];

	if (flops > 0)
		fprintf(line, ", %.3g Gflop/s", flops * runs / ns);
	else if (bytes > 0)
		fprintf(line, ", %s", show_rate(bytes * runs, ns, rate));
	else if (items > 0)
		fprintf(line, ", %s",
			show_item_rate(items * runs, ns, work.kernel->item,
				       rate));
}

/* The runs done, with the reported part of the present run, and the time of
 * both. */
static void draw_running(FILE *line, uint64_t now)
{
	double part = rig_pool_progress(work.pool);
	double runs = (double)done + part;
	double share = runs / (double)work.runs;
	double ns = (double)(done_ns + (part > 0 ? now - since_ns : 0));
	char time[SHOWN_BYTES];

	show_time((double)(done_ns + now - since_ns), time);
	fprintf(line, " %s", time);
	if (!(share > 0))
		return;
	fprintf(line, ", %.0f %% done", 100 * share);
	draw_rate(line, runs, ns);
	show_time(ns / share * (1 - share), time);
	fprintf(line, ", %s left", time);
}

/* A line longer than the terminal's width would become two lines, and only one
 * could be cleared. */
static void cut(char *text)
{
	struct winsize size;
	size_t end;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
	    strlen(text) < size.ws_col)
		return;
	/* Not within a character: the sign of a microsecond has two bytes. */
	for (end = size.ws_col - 1U; end > 0 && (text[end] & 0xc0) == 0x80;)
		end--;
	text[end] = '\0';
}

static void draw(void)
{
	uint64_t now = now_ns();
	char text[LINE_BYTES] = "", time[SHOWN_BYTES];
	FILE *line = fmemopen(text, sizeof(text), "w");

	if (!line)
		return;
	fprintf(line, "%s: %s", work.kernel->name, phases[phase]);
	if (phase == PROGRESS_RUNNING)
		draw_running(line, now);
	else
		fprintf(line, " %s", show_time((double)(now - since_ns), time));
	fclose(line);
	cut(text);
	fprintf(stderr, CLEAR "%s", text);
	fflush(stderr);
	drawn = true;
}

static void *watch(void *arg)
{
	pthread_mutex_lock(&lock);
	while (begun) {
		uint64_t until_ns = now_ns() + STEP_NS;
		struct timespec until = {
			.tv_sec = (time_t)(until_ns / 1000000000),
			.tv_nsec = (long)(until_ns % 1000000000),
		};

		while (begun &&
		       pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC,
					      &until) == 0)
			;
		if (begun)
			draw();
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

void progress_begin(const struct progress_work *of)
{
	const struct rig_kernel *kernel = of->kernel;

	const char *term = getenv("TERM");

	/* A dumb terminal cannot clear a line. */
	if (!isatty(STDERR_FILENO) || (term && strcmp(term, "dumb") == 0))
		return;
	work = *of;
	flops = kernel->flops ? kernel->flops(of->args) : 0;
	bytes = kernel->bytes_moved ? kernel->bytes_moved(of->args) : 0;
	items = kernel->items ? kernel->items(of->args, NULL) : 0;
	phase = PROGRESS_PREPARING;
	since_ns = now_ns();
	done = done_ns = 0;
	begun = true;
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		begun = false;
}

void progress_enter(enum progress_phase next)
{
	uint64_t now;

	if (!begun)
		return;
	pthread_mutex_lock(&lock);
	now = now_ns();
	if (phase == PROGRESS_RUNNING) {
		done++;
		done_ns += now - since_ns;
	}
	phase = next;
	since_ns = now;
	pthread_mutex_unlock(&lock);
}

/* With the lock. */
static void clear(void)
{
	if (drawn)
		fprintf(stderr, CLEAR);
	drawn = false;
}

void progress_clear(void)
{
	pthread_mutex_lock(&lock);
	clear();
	pthread_mutex_unlock(&lock);
}

void progress_end(void)
{
	if (!begun)
		return;
	pthread_mutex_lock(&lock);
	begun = false;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	progress_clear();
}
