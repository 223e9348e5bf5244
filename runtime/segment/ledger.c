/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - a table of names in memory that this process shares with its
 * wardens.
 *
 * Entering a name is a few stores, and every warden of this process knows the
 * name at once.  A death between two instructions can leave an entry without a
 * name (harmless: the removal looks at the identity) but no name without an
 * entry.  An entry counts from the moment its `state` says so.
 *
 * The table belongs to a single process.  A fork that makes segments of its own
 * starts a ledger of its own.  Names that still stand in the table at a normal
 * exit are removed then.
 */
#include "segment/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/error.h"
#include "machine/process.h"
#include "machine/shared.h"

enum {
	ENTRY_FREE,
	ENTRY_TAKEN, /* being written */
	ENTRY_STANDS
};

/* In memory shared with the wardens, who only read. */
struct entry_shm {
	_Atomic uint32_t state;
	uint32_t reserved;
	uint64_t device;
	uint64_t inode;
	char name[RIG_NAME_MAX + 1];
	char padding[512 - 24 - RIG_NAME_MAX - 1];
};
_Static_assert(sizeof(struct entry_shm) == 512,
	       "entries do not straddle pages");

struct ledger_shm {
	_Atomic uint32_t used; /* entries below this may stand */
	uint32_t reserved;
	uint64_t maker; /* the process that owns the ledger */
	char padding[512 - 16];
	struct entry_shm entries[LEDGER_MAX];
};

static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static struct ledger_shm *ledger;

/* The file of the ledger; -1: no file could be made, and only forks share the
 * ledger.  The identity tells whether the descriptor is still the file's. */
static int file = -1;
static struct identity file_identity;

static void execute(struct ledger_shm *of)
{
	/* acquire: pairs with the release in ledger_enter(). */
	uint32_t used = load_acquire(&of->used);

	for (uint32_t i = 0; i < used; i++) {
		struct entry_shm *entry = &of->entries[i];

		if (load_acquire(&entry->state) != ENTRY_STANDS)
			continue;
		(void)shmfile_unlink(
			entry->name,
			(struct identity){ entry->device, entry->inode });
	}
}

static void at_exit(void)
{
	if (ledger && ledger->maker == process_self())
		execute(ledger);
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
	/* The child's thread has another number than the thread that locked. */
	lock = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
}

void ledger_fork_failed(void)
{
	after_fork();
}

static void hook_once(void)
{
	/* The lock is free in every child; exit handlers run once a process. */
	(void)pthread_atfork(before_fork, after_fork, in_child);
	(void)atexit(at_exit);
}

static bool is_ledgers(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 &&
	       identity_same(identity_of(&status), file_identity);
}

/* 16 MiB of addresses; pages come when entries do.  With the lock held. */
static int map_ledger(void **memory)
{
	const size_t bytes = sizeof(struct ledger_shm);
	struct stat status;

	if (is_ledgers(file))
		close(file);
	file = -1;
	/* RLIMIT_FSIZE or the number of descriptors may be in the way: then
	 * only forks share the memory of the ledger. */
	if (shared_map(bytes, "ledger", memory, &file) < 0)
		return shared_map(bytes, "ledger", memory, NULL);
	if (fstat(file, &status) < 0) {
		close(file);
		file = -1;
		return 0;
	}
	file_identity = identity_of(&status);
	return 0;
}

/* With the lock held. */
static int open_locked(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	void *memory;
	int r;

	if (ledger && ledger->maker == process_self())
		return 0;
	r = map_ledger(&memory);
	if (r < 0)
		return r;
	if (ledger)
		munmap(ledger, sizeof(*ledger));
	ledger = memory;
	ledger->maker = process_self();
	pthread_once(&once, hook_once);
	return 0;
}

int ledger_open(void)
{
	int r;

	pthread_mutex_lock(&lock);
	r = open_locked();
	pthread_mutex_unlock(&lock);
	return r;
}

int ledger_descriptor(void)
{
	int fd;

	pthread_mutex_lock(&lock);
	fd = is_ledgers(file) ? file : -1;
	pthread_mutex_unlock(&lock);
	return fd >= 0 ? fd
		       : rig_fail(
				 -EBADF,
				 "ledger: it has no descriptor (it was closed, "
				 "or ulimit -n or -f was in the way)");
}

int ledger_adopt(int fd)
{
	void *memory;
	int r = shared_map_fd(fd, sizeof(struct ledger_shm), "ledger", &memory);

	if (r == 0)
		ledger = memory;
	return r;
}

/* A free entry, or NULL.  With the lock held. */
static struct entry_shm *entry_free(void)
{
	uint32_t used = load_relaxed(&ledger->used);

	for (uint32_t i = 0; i < used; i++)
		if (load_relaxed(&ledger->entries[i].state) == ENTRY_FREE)
			return &ledger->entries[i];
	return used < LEDGER_MAX ? &ledger->entries[used] : NULL;
}

int ledger_enter(const char *name, struct identity identity)
{
	struct entry_shm *entry;
	uint32_t index;
	int r;

	pthread_mutex_lock(&lock);
	r = open_locked();
	if (r < 0)
		goto out;
	entry = entry_free();
	if (!entry) {
		r = rig_fail(-ENOSPC,
			     "segment %s: this process has made %d already",
			     name, LEDGER_MAX);
		goto out;
	}
	store_relaxed(&entry->state, ENTRY_TAKEN);
	entry->device = identity.device;
	entry->inode = identity.inode;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	/* release: the warden reads the entry after its state, and the state
	 * after `used`. */
	store_release(&entry->state, ENTRY_STANDS);
	index = (uint32_t)(entry - ledger->entries);
	if (index == load_relaxed(&ledger->used))
		store_release(&ledger->used, index + 1);
out:
	pthread_mutex_unlock(&lock);
	return r;
}

void ledger_strike(struct identity identity)
{
	pthread_mutex_lock(&lock);
	if (ledger && ledger->maker == process_self())
		for (uint32_t i = 0; i < load_relaxed(&ledger->used); i++) {
			struct entry_shm *entry = &ledger->entries[i];

			/* relaxed: a warden that still sees the entry looks at the
			 * identity before a removal. */
			if (load_relaxed(&entry->state) == ENTRY_STANDS &&
			    entry->device == identity.device &&
			    entry->inode == identity.inode)
				store_relaxed(&entry->state, ENTRY_FREE);
		}
	pthread_mutex_unlock(&lock);
}

void ledger_execute(void)
{
	if (ledger)
		execute(ledger);
}
