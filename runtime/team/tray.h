/* SPDX-License-Identifier: MIT */
/*
 * tray.h - memory that a long message passes through.
 *
 * A tray is a ring of bytes from one sender to one receiver, for one message.  The
 * sender counts the bytes put in, the receiver the bytes taken out, and both work at
 * the same time.  A tray is free when all of the last message is taken out.
 */
#ifndef RUNRIG_TRAY_H
#define RUNRIG_TRAY_H

#include "objects/layout.h"

/* In this process, for the trays of the rank: the length of each tray's last message
 * in this run (0: none), and the tray of each size that was taken last. */
struct trays {
	uint64_t bytes[TRAYS];
	int last[3];
};

/* Does a tray with `room` bytes lie at `offset`, in a team of `size` ranks? */
bool tray_sound(const struct layout *layout, int size, uint64_t offset,
		size_t room);

/* The tray at `offset` of the team segment. */
struct tray_shm *tray_at(const struct layout *layout, uint64_t offset);

/* Take a tray of `rank`, this rank, for a message of `bytes`: the offset, and the
 * room of the tray; 0: no tray is free. */
uint64_t tray_take(struct trays *trays, const struct layout *layout, int rank,
		   uint64_t bytes, size_t *room);

/* The tray of `rank` that others fill: the offset, empty. */
uint64_t tray_landing(const struct layout *layout, int rank);

/*
 * Put in as much of message `data` as there is room for, or take out as much as there
 * is, piece by piece, and tell the owner of `box` each piece.  `done` is how far the
 * message was; returns how far the message is now.  Only the first `keep` bytes of
 * the `whole` message are stored in `data`, the rest is dropped.  Once all bytes are
 * out the tray is not looked at again: the owner may have begun another message.
 */
uint64_t tray_fill(struct tray_shm *tray, size_t room, const char *data,
		   uint64_t bytes, uint64_t done, bool bypass,
		   struct mailbox_shm *box, bool careful);
uint64_t tray_drain(struct tray_shm *tray, size_t room, char *data,
		    uint64_t keep, uint64_t whole, uint64_t done,
		    struct mailbox_shm *box, bool careful);

/* The same for the first piece, before the receiver knows of the tray.  `bypass`:
 * past the caches.  `timed`: the number of a trial, 0: no trial. */
uint64_t tray_begin(struct tray_shm *tray, const char *data, uint64_t bytes,
		    bool bypass, uint64_t timed);

/* Is trial `timed` the last message of the tray?  The sender asks. */
bool tray_has(const struct tray_shm *tray, uint64_t timed);

/* The sender's: when the receiver had all `bytes` bytes of trial `timed`, on the
 * clock; 0: not yet, or the tray has had another message since. */
uint64_t tray_ended(const struct tray_shm *tray, uint64_t bytes,
		    uint64_t timed);

#endif
