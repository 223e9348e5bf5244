/* SPDX-License-Identifier: MIT */
/*
 * tray.c - filling and draining, a piece at a time.
 *
 * Invariant: drained <= filled <= drained + room; the bytes between are in the ring,
 * at the byte's number modulo the room.
 */
#include "team/tray.h"

#include <string.h>

#include "base/clock.h"
#include "objects/copy.h"

/* Bytes of a piece: the receiver copies a piece while the sender copies the next
 * piece. */
#define PIECE ((uint64_t)8 << 10)

static const struct {
	int count;
	size_t room;
} sizes[] = {
	{ TRAYS_SHORT, TRAY_SHORT_ROOM },
	{ TRAYS_MIDDLE, TRAY_MIDDLE_ROOM },
	{ TRAYS_LONG - 1, TRAY_LONG_ROOM }, /* the last is the landing */
};
#define SIZES 3

bool tray_sound(const struct layout *layout, int size, uint64_t offset,
		size_t room)
{
	const uint64_t begin =
		(uint64_t)(layout->trays - (unsigned char *)layout->control);
	const uint64_t bytes = (uint64_t)seats_of(size) * TRAYS_BYTES;

	return offset >= begin && offset % sizeof(uint64_t) == 0 &&
	       offset - begin <= bytes - room - sizeof(struct tray_shm);
}

struct tray_shm *tray_at(const struct layout *layout, uint64_t offset)
{
	return (struct tray_shm *)((char *)layout->control + offset);
}

static char *data_of(struct tray_shm *tray)
{
	return (char *)(tray + 1);
}

static uint64_t own(const struct layout *layout, int rank)
{
	return (uint64_t)(layout->trays + (size_t)rank * TRAYS_BYTES -
			  (unsigned char *)layout->control);
}

/* The next tray of this size that is free. */
static uint64_t take_of(struct trays *trays, const struct layout *layout,
			uint64_t offset, int first, int size, uint64_t bytes)
{
	const size_t stride = sizeof(struct tray_shm) + sizes[size].room;

	for (int i = 1; i <= sizes[size].count; i++) {
		int at = (trays->last[size] + i) % sizes[size].count;
		uint64_t found = offset + (uint64_t)at * stride;
		struct tray_shm *tray = tray_at(layout, found);

		uint64_t *last = &trays->bytes[first + at];

		/* acquire: the receiver is through; pairs with
		 * tray_drain(). */
		if (*last && load_acquire(&tray->drained) != *last)
			continue;
		*last = bytes;
		trays->last[size] = at;
		return found;
	}
	return 0;
}

uint64_t tray_take(struct trays *trays, const struct layout *layout, int rank,
		   uint64_t bytes, size_t *room)
{
	uint64_t offset = own(layout, rank);
	int first = 0;

	for (int i = 0; i < SIZES; i++) {
		uint64_t found = 0;

		if (bytes <= sizes[i].room || i == SIZES - 1)
			found = take_of(trays, layout, offset, first, i, bytes);
		if (found) {
			*room = sizes[i].room;
			return found;
		}
		first += sizes[i].count;
		offset += (uint64_t)sizes[i].count *
			  (sizeof(struct tray_shm) + sizes[i].room);
	}
	return 0;
}

bool tray_has(const struct tray_shm *tray, uint64_t timed)
{
	return tray->timed == timed;
}

uint64_t tray_ended(const struct tray_shm *tray, uint64_t bytes, uint64_t timed)
{
	/* The sender's own word: another message has not taken the tray.
	 * acquire: pairs with tray_drain(). */
	if (!tray_has(tray, timed) || load_acquire(&tray->drained) != bytes)
		return 0;
	return load_relaxed(&tray->drained_ns);
}

uint64_t tray_landing(const struct layout *layout, int rank)
{
	uint64_t offset = own(layout, rank) + TRAYS_BYTES - TRAY_LONG_ROOM -
			  sizeof(struct tray_shm);
	struct tray_shm *tray = tray_at(layout, offset);

	/* relaxed: the store that tells of the tray releases the tray. */
	tray->timed = 0;
	store_relaxed(&tray->filled, 0);
	store_relaxed(&tray->drained, 0);
	return offset;
}

/* A piece of the rest, in one part of the ring. */
static uint64_t piece_of(uint64_t left, uint64_t at, size_t room)
{
	uint64_t to_end = room - at % room;
	uint64_t piece = left < PIECE ? left : PIECE;

	return piece < to_end ? piece : to_end;
}

uint64_t tray_begin(struct tray_shm *tray, const char *data, uint64_t bytes,
		    bool bypass, uint64_t timed)
{
	uint64_t piece = bytes < PIECE ? bytes : PIECE;

	copy_bypass_copy(data_of(tray), data, piece, bypass);
	/* relaxed: the header, posted next, releases all stores here. */
	tray->timed = timed;
	store_relaxed(&tray->drained, 0);
	store_relaxed(&tray->filled, piece);
	return piece;
}

uint64_t tray_fill(struct tray_shm *tray, size_t room, const char *data,
		   uint64_t bytes, uint64_t done, bool bypass,
		   struct mailbox_shm *box, bool careful)
{
	while (done < bytes) {
		/* seq_cst: acquire, and for a rank about to sleep; pairs with
		 * tray_drain(). */
		uint64_t free = room - (done - load_seq(&tray->drained));
		uint64_t left = bytes - done;
		uint64_t n = piece_of(left < free ? left : free, done, room);

		if (n == 0)
			break;
		copy_bypass_copy(data_of(tray) + done % room, data + done, n,
				 bypass);
		done += n;
		mailbox_set(box, &tray->filled, done, careful);
	}
	return done;
}

uint64_t tray_drain(struct tray_shm *tray, size_t room, char *data,
		    uint64_t keep, uint64_t whole, uint64_t done,
		    struct mailbox_shm *box, bool careful)
{
	while (done < whole) {
		/* seq_cst: as above; pairs with tray_fill(). */
		uint64_t there = load_seq(&tray->filled) - done;
		uint64_t n = piece_of(there, done, room);

		if (n == 0)
			break;
		if (done < keep)
			memcpy(data + done, data_of(tray) + done % room,
			       keep - done < n ? keep - done : n);
		done += n;
		/* relaxed: released by the next store. */
		if (done == whole && tray->timed)
			store_relaxed(&tray->drained_ns, clock_ns());
		mailbox_set(box, &tray->drained, done, careful);
	}
	return done;
}
