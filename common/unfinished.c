/* SPDX-License-Identifier: MIT */
/*
 * unfinished.c - a table of names of files in the making.
 *
 * A handler may read the table between any two instructions of other threads: a
 * slot is an atomic pointer, and the text behind the pointer outlives the
 * slot's content.
 */
#include <common/unfinished.h>

#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* More files than a run writes. */
#define NAMES_MAX 32

static _Atomic(const char *) names[NAMES_MAX];

/* The process that owns the files. */
static _Atomic pid_t owner;

bool unfinished_enter(const char *path)
{
	atomic_store(&owner, getpid());
	for (int i = 0; i < NAMES_MAX; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&names[i], &none, path))
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

void unfinished_remove(void)
{
	if (getpid() != atomic_load(&owner))
		return;
	for (int i = 0; i < NAMES_MAX; i++) {
		const char *name = atomic_load(&names[i]);

		if (name)
			(void)unlink(name);
	}
}
