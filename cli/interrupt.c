/* SPDX-License-Identifier: MIT */
/*
 * interrupt.c - the handler of the signals that end the command.
 *
 * Example: Ctrl-C in `runrig run`, while ranks wait for each other.  The handler
 * cancels the run; the command gets -EINTR, prints the report, removes what a run
 * leaves, and ends by SIGINT.  A second Ctrl-C, and a signal while no run is in
 * progress, ends the command at once.
 */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include <common/unfinished.h>
#include <runrig/pool.h>

static const int signals[] = { SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
			       SIGPIPE, SIGALRM, SIGXCPU };

/* The first three of these signals cancel a run. */
#define CANCELLING 3

static struct rig_pool *_Atomic pool;

/* The signal by which the command is to end; 0: none. */
static atomic_int caught;

/* Removes further files in the making; NULL: there are none. */
static void (*remove_more)(void);

/* A fork of the command (a worker, a plugin's trial) is somebody else. */
static pid_t command_pid;

static bool cancels(int number)
{
	struct rig_pool *running = atomic_load(&pool);

	for (int i = 0; i < CANCELLING; i++)
		if (signals[i] == number && running && !atomic_load(&caught))
			return getpid() == command_pid &&
			       rig_pool_cancel(running) == 0;
	return false;
}

static void remove_files(void)
{
	if (remove_more)
		remove_more();
	unfinished_remove();
}

static void on_signal(int number)
{
	if (cancels(number)) {
		atomic_store(&caught, number);
		return;
	}
	remove_files();
	/* SA_RESETHAND: the second time is the end. */
	(void)raise(number);
}

void interrupt_watch(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags =
					    (int)SA_RESETHAND | SA_NODEFER };
	struct sigaction before;

	command_pid = getpid();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &before) == 0 &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &action, NULL);
}

void interrupt_removes(void (*remove)(void))
{
	remove_more = remove;
}

void interrupt_pool(struct rig_pool *running)
{
	atomic_store(&pool, running);
}

void interrupt_end(void)
{
	const int number = atomic_load(&caught);

	if (!number)
		return;
	remove_files();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}
