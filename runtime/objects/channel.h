/* SPDX-License-Identifier: MIT */
/*
 * channel.h - a ring of slots from one writer to one reader, and the mailbox
 * that a process sleeps at until something of it has changed.
 *
 * A channel is for what fits a slot; what does not is told of in one.  The
 * writer fills the next slot and then stores its number; the reader knows which
 * number comes next, and reads a slot when it has that.  Numbers only grow, so
 * nothing is ever reset.  For each message one line goes from the writer to the
 * reader and nothing back: `taken` is on the reader's line, and the writer
 * looks at it only when it seems to have filled the ring.
 *
 * A mailbox belongs to a process that may sleep.  Arming it is to say "whoever
 * changes what I wait for now must ring"; after that its owner looks at all it
 * waits for once more, and only then sleeps.  Whoever changes something looks
 * afterwards whether the mailbox is armed.  Of these two looks one sees the
 * other's store: in careful mode because all four operations are seq_cst; else
 * because the owner's first sleep is short and it looks again after it, long
 * after any store has become visible (docs/decisions/0005).
 */
#ifndef RUNRIG_CHANNEL_H
#define RUNRIG_CHANNEL_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include <runrig/api.h>

#include "base/atomic.h"

/* Messages of one writer that its reader has not taken yet.  The checker has
 * fewer. */
#ifndef CHANNEL_SLOTS
#define CHANNEL_SLOTS 32
#endif

/* Bytes of a message that travel in its slot. */
#define SLOT_PAYLOAD 40

/* In shared memory.  Written by the writer, `number` last, when the reader has
 * taken the message CHANNEL_SLOTS before. */
struct slot_shm {
	alignas(64) _Atomic uint64_t number;
	/* What the users of a channel say of a message. */
	uint32_t context;
	int32_t tag;
	uint16_t from;
	uint8_t kind;
	uint8_t bytes; /* of the payload */
	uint32_t reserved;
	alignas(8) unsigned char payload[SLOT_PAYLOAD];
};
_Static_assert(sizeof(struct slot_shm) == 64, "one line");

/* In shared memory. */
struct channel_shm {
	/* The number of the last message taken.  The reader writes it; before
	 * the reader knows of the channel, the writer. */
	alignas(RIG_LINE) _Atomic uint64_t taken;
	/* The number of the last message of all.  The writer's own, for when it
	 * begins again (channel_begin). */
	alignas(RIG_LINE) uint64_t last;
	alignas(RIG_LINE) struct slot_shm slots[CHANNEL_SLOTS];
};
_Static_assert(sizeof(struct channel_shm) ==
		       2 * RIG_LINE + (CHANNEL_SLOTS + 1) / 2 * RIG_LINE,
	       "part of the format");

/* In shared memory. */
struct mailbox_shm {
	/* 1: the owner sleeps, or is about to.  The owner writes it. */
	alignas(RIG_LINE) _Atomic uint32_t armed;
	/* The owner sleeps on this; whoever wakes it adds to it. */
	_Atomic uint32_t bell;
	/* How often it was rung while armed. */
	_Atomic uint64_t rung;
};
_Static_assert(sizeof(struct mailbox_shm) == RIG_LINE, "part of the format");

/* In this process: the two ends. */
struct channel_writer {
	struct channel_shm *channel;
	uint64_t last;  /* message posted */
	uint64_t taken; /* as last seen */
};

struct channel_reader {
	struct channel_shm *channel;
	uint64_t last; /* message taken */
};

/*
 * Begin, in memory that was zeroed once: the writer first; then, told of it by
 * other means (which order the two), the reader.  To begin again, when neither
 * uses the channel any more: what was not taken is dropped.
 */
void channel_write_begin(struct channel_writer *writer,
			 struct channel_shm *channel);
void channel_read_begin(struct channel_reader *reader,
			struct channel_shm *channel);

/* The slot of the next message, to be filled; NULL: the ring is full. */
static inline struct slot_shm *channel_room(struct channel_writer *writer)
{
	if (writer->last - writer->taken == CHANNEL_SLOTS) {
		/* acquire: the reader is through with the slot; pairs with
		 * channel_take().  seq_cst: for those about to sleep. */
		writer->taken = load_seq(&writer->channel->taken);
		if (writer->last - writer->taken == CHANNEL_SLOTS)
			return NULL;
	}
	return &writer->channel->slots[writer->last % CHANNEL_SLOTS];
}

/* Set *word, which the owner of `box` may wait for, to `value`: publishes all
 * that was written before. */
static inline void mailbox_set(struct mailbox_shm *box, _Atomic uint64_t *word,
			       uint64_t value, bool careful);

/* Post the slot that channel_room() gave; `box` is the reader's. */
static inline void channel_post(struct channel_writer *writer,
				struct mailbox_shm *box, bool careful)
{
	struct channel_shm *channel = writer->channel;
	struct slot_shm *slot = &channel->slots[writer->last % CHANNEL_SLOTS];

	channel->last = ++writer->last;
	mailbox_set(box, &slot->number, writer->last, careful);
}

/* The word that reaches channel_next() when there is a message. */
static inline _Atomic uint64_t *channel_number(
	const struct channel_reader *reader)
{
	return &reader->channel->slots[reader->last % CHANNEL_SLOTS].number;
}

static inline uint64_t channel_next(const struct channel_reader *reader)
{
	return reader->last + 1;
}

/* The next message, until it is taken; NULL: there is none. */
static inline const struct slot_shm *channel_peek(
	const struct channel_reader *reader)
{
	struct slot_shm *slot =
		&reader->channel->slots[reader->last % CHANNEL_SLOTS];

	/* acquire: the message is there; pairs with channel_post().  seq_cst:
	 * for those about to sleep. */
	return load_seq(&slot->number) == channel_next(reader) ? slot : NULL;
}

/* Take that message: its slot may be written again.  `box` is the writer's. */
static inline void channel_take(struct channel_reader *reader,
				struct mailbox_shm *box, bool careful)
{
	mailbox_set(box, &reader->channel->taken, ++reader->last, careful);
}

/* Wake the owner of `box`, which is armed. */
void mailbox_ring(struct mailbox_shm *box);

static inline void mailbox_set(struct mailbox_shm *box, _Atomic uint64_t *word,
			       uint64_t value, bool careful)
{
	bool armed;

	if (careful) {
		/* seq_cst, both: store, then look; see mailbox_arm(). */
		store_seq(word, value);
		armed = load_seq(&box->armed);
	} else {
		/* release: pairs with whoever polls the word. */
		store_release(word, value);
		armed = load_relaxed(&box->armed);
	}
	if (armed)
		mailbox_ring(box);
}

/*
 * The owner: say that whoever changes something must ring.  It then looks at
 * all it waits for with seq_cst, and may sleep.  Returns how often it was rung.
 */
uint64_t mailbox_arm(struct mailbox_shm *box);
void mailbox_disarm(struct mailbox_shm *box);

/* The owner: sleep until rung more often than `rung`, or for no reason, or
 * until deadline_ns.  Returns whether it was rung. */
bool mailbox_sleep(struct mailbox_shm *box, uint64_t rung,
		   uint64_t deadline_ns);

#endif
