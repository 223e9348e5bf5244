/* SPDX-License-Identifier: MIT */
/*
 * channel.h - a ring of slots from a writer to a reader, and the mailbox that a
 * process sleeps at until a word has changed.
 *
 * A channel carries messages that fit a slot; a slot announces a longer message.
 * The writer fills the next slot and then stores the slot's number; the reader
 * knows the next number, and reads a slot when the slot has that number.
 * Numbers only grow, so nothing is ever reset.  For each message a line goes from
 * the writer to the reader and nothing back: `taken` is on the reader's line, and
 * the writer looks at `taken` only when the ring seems full.
 *
 * A mailbox belongs to a process that may sleep.  Arming the mailbox means
 * "whoever changes a word that I wait for must ring now"; the owner then looks at
 * all its words once more, and only then sleeps.  A process that changes a word
 * looks afterwards whether the mailbox is armed.  At least one of these two looks
 * sees the other's store: in careful mode because all four operations are
 * seq_cst; else because the owner's first sleep is short and the owner looks again
 * afterwards, long after any store has become visible (docs/decisions/0005).
 */
#ifndef RUNRIG_CHANNEL_H
#define RUNRIG_CHANNEL_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include <runrig/api.h>

#include "base/atomic.h"

/* Messages of a writer that the reader has not taken yet.  The checker has
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
	/* The users of a channel describe a message by two numbers. */
	uint32_t context;
	int32_t tag;
	uint16_t from;
	uint8_t kind;
	uint8_t bytes; /* bytes of the payload */
	/* The other rank's number, where the message crosses hosts, in
	 * the world, + 1; else 0. */
	uint32_t far;
	alignas(8) unsigned char payload[SLOT_PAYLOAD];
};
_Static_assert(sizeof(struct slot_shm) == 64, "one line");

/* In shared memory. */
struct channel_shm {
	/* The number of the last message taken.  The reader writes the number;
	 * before the reader knows of the channel, the writer does. */
	alignas(RIG_LINE) _Atomic uint64_t taken;
	/* The number of the last message of all.  The writer's own, for the next
	 * channel_begin(). */
	alignas(RIG_LINE) uint64_t last;
	alignas(RIG_LINE) struct slot_shm slots[CHANNEL_SLOTS];
};
_Static_assert(sizeof(struct channel_shm) ==
		       2 * RIG_LINE + (CHANNEL_SLOTS + 1) / 2 * RIG_LINE,
	       "part of the format");

/* In shared memory. */
struct mailbox_shm {
	/* 1: the owner sleeps, or is about to.  The owner writes the word. */
	alignas(RIG_LINE) _Atomic uint32_t armed;
	/* The owner sleeps on the word; a process that wakes the owner adds 1. */
	_Atomic uint32_t bell;
	/* How often the mailbox was rung while armed. */
	_Atomic uint64_t rung;
};
_Static_assert(sizeof(struct mailbox_shm) == RIG_LINE, "part of the format");

/* In this process: the ends of a channel. */
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
 * Begin, in memory that was zeroed once: the writer first, and then the reader,
 * whom other means tell about the writer and put in order.  Either may begin
 * again when neither uses the channel any more: messages that were not taken
 * are dropped.
 */
void channel_write_begin(struct channel_writer *writer,
			 struct channel_shm *channel);
void channel_read_begin(struct channel_reader *reader,
			struct channel_shm *channel);

/* The slot of the next message, to be filled; NULL: the ring is full. */
static inline struct slot_shm *channel_room(struct channel_writer *writer)
{
	if (writer->last - writer->taken == CHANNEL_SLOTS) {
		/* acquire: the reader has done with the slot; pairs with
		 * channel_take().  seq_cst: for a process about to sleep. */
		writer->taken = load_seq(&writer->channel->taken);
		if (writer->last - writer->taken == CHANNEL_SLOTS)
			return NULL;
	}
	return &writer->channel->slots[writer->last % CHANNEL_SLOTS];
}

/* Set *word, which the owner of `box` may wait for, to `value`: publishes all
 * earlier writes. */
static inline void mailbox_set(struct mailbox_shm *box, _Atomic uint64_t *word,
			       uint64_t value, bool careful);

/* Post the slot that channel_room() returned; `box` is the reader's. */
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

/* The next message, valid until channel_take(); NULL: there is none. */
static inline const struct slot_shm *channel_peek(
	const struct channel_reader *reader)
{
	struct slot_shm *slot =
		&reader->channel->slots[reader->last % CHANNEL_SLOTS];

	/* acquire: the message is there; pairs with channel_post().  seq_cst:
	 * for a process about to sleep. */
	return load_seq(&slot->number) == channel_next(reader) ? slot : NULL;
}

/* Take the message: the slot may be written again.  `box` is the writer's. */
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
 * The owner arms the mailbox: every process that changes a word must ring.  The
 * owner then looks at all its words with seq_cst, and may sleep.  Returns the
 * count of rings.
 */
uint64_t mailbox_arm(struct mailbox_shm *box);
void mailbox_disarm(struct mailbox_shm *box);

/* The owner: sleep until rung more often than `rung`, or for no reason, or until
 * deadline_ns.  Returns whether the mailbox was rung. */
bool mailbox_sleep(struct mailbox_shm *box, uint64_t rung,
		   uint64_t deadline_ns);

#endif
