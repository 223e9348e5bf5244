/* SPDX-License-Identifier: MIT */
/*
 * unfinished.c - a table of names, and the handler that removes them.
 *
 * The handler runs in whichever thread the signal finds, between any two
 * instructions of the others: a slot is one atomic pointer, and the text behind
 * the pointer outlives the slot's content.
 */
#include <common/unfinished.h>

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* More files than one command writes. */
#define NAMES_MAX 16

static _Atomic(const char *) names[NAMES_MAX];

/* A fork of the program (a worker, a plugin's trial) removes nothing. */
static _Atomic pid_t owner;

static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE,
			       SIGALRM, SIGTERM, SIGXCPU };

static void remove_and_end(int signal_number)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		const char *name = atomic_load(&names[i]);

		if (name && getpid() == atomic_load(&owner))
			(void)unlink(name);
	}
	/* SA_RESETHAND: the second time is the end. */
	(void)raise(signal_number);
}

void unfinished_watch(void)
{
	struct sigaction action = { .sa_handler = remove_and_end,
				    .sa_flags =
					    (int)SA_RESETHAND | SA_NODEFER };
	struct sigaction before;

	atomic_store(&owner, getpid());
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &before) == 0 &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &action, NULL);
}

bool unfinished_enter(const char *path)
{
	for (int i = 0; i < NAMES_MAX; i++)
		if (!atomic_load(&names[i])) {
			atomic_store(&names[i], path);
			return true;
		}
	return false;
}

void unfinished_strike(const char *path)
{
	for (int i = 0; i < NAMES_MAX; i++)
		if (path && atomic_load(&names[i]) == path)
			atomic_store(&names[i], NULL);
}
