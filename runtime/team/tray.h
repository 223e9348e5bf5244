/* SPDX-License-Identifier: MIT */
/*
 * tray.h - memory that a long message passes through.
 *
 * A tray is a ring of bytes from one sender to one receiver, for one message.
 * The sender counts what it has put in, the receiver what it has taken out, and
 * both work at once.  A tray is free when all of its last message is taken out.
 */
#ifndef RUNRIG_TRAY_H
#define RUNRIG_TRAY_H

#include "objects/layout.h"

/* In this process: of one rank's own trays, how long the last message of each
 * was in this run (0: none), and which was taken last in each size. */
struct trays {
	uint64_t bytes[TRAYS];
	int last[3];
};

/* Does a tray with that much room lie at `offset`, in a team of `size` ranks? */
bool tray_sound(const struct layout *layout, int size, uint64_t offset,
		size_t room);

/* The tray at `offset` of the team segment. */
struct tray_shm *tray_at(const struct layout *layout, uint64_t offset);

/* Take a tray of `rank`, its own, for a message of `bytes`: its offset, and
 * what it has room for; 0: none is free. */
uint64_t tray_take(struct trays *trays, const struct layout *layout, int rank,
		   uint64_t bytes, size_t *room);

/* The one of `rank` that others fill: its offset, empty. */
uint64_t tray_landing(const struct layout *layout, int rank);

/*
 * Put in as much of message `data` as there is room for, or take out as much as
 * there is, piece by piece, each told to the owner of `box`.  `done` is how far
 * the message was; returns how far it is now.  Of the `whole` message only the
 * first `keep` bytes are stored in `data`, the rest is dropped.  The tray is not
 * looked at again once all of it is out: its owner may have begun another.
 */
uint64_t tray_fill(struct tray_shm *tray, size_t room, const char *data,
		   uint64_t bytes, uint64_t done, bool bypass,
		   struct mailbox_shm *box, bool careful);
uint64_t tray_drain(struct tray_shm *tray, size_t room, char *data,
		    uint64_t keep, uint64_t whole, uint64_t done,
		    struct mailbox_shm *box, bool careful);

/* The same for the first piece, before the receiver knows of the tray.  `bypass`:
 * past the caches.  `timed`: the number of a trial, 0: it is none. */
uint64_t tray_begin(struct tray_shm *tray, const char *data, uint64_t bytes,
		    bool bypass, uint64_t timed);

/* The sender's: is trial `timed` the last message that the tray has had? */
bool tray_has(const struct tray_shm *tray, uint64_t timed);

/* The sender's: when the receiver had all `bytes` bytes of trial `timed`, on the
 * clock; 0: not yet, or the tray has had another message since. */
uint64_t tray_ended(const struct tray_shm *tray, uint64_t bytes,
		    uint64_t timed);

#endif
