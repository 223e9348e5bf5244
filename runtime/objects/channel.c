/* SPDX-License-Identifier: MIT */
/*
 * channel.c - beginning, and sleeping.
 */
#include "objects/channel.h"

#include "machine/wait.h"

void channel_write_begin(struct channel_writer *writer,
			 struct channel_shm *channel)
{
	*writer = (struct channel_writer){ channel, channel->last,
					   channel->last };
	/* relaxed: whoever tells the reader releases the store. */
	store_relaxed(&channel->taken, channel->last);
}

void channel_read_begin(struct channel_reader *reader,
			struct channel_shm *channel)
{
	/* relaxed: ordered by the writer's message about the channel.  The
	 * writer may have posted since, but `taken` is still as at first. */
	*reader = (struct channel_reader){ channel,
					   load_relaxed(&channel->taken) };
}

void mailbox_ring(struct mailbox_shm *box)
{
	/* release: whoever sees the count sees the reason; pairs with
	 * mailbox_sleep() and with the search for a deadlock. */
	add_seq(&box->rung, 1);
	add_seq(&box->bell, 1);
	wait_wake(&box->bell, 1);
}

uint64_t mailbox_arm(struct mailbox_shm *box)
{
	/* relaxed: rung only while armed, and the mailbox was not armed. */
	uint64_t rung = load_relaxed(&box->rung);

	/* seq_cst: the store comes before the owner's looks that follow. */
	store_seq(&box->armed, 1);
	return rung;
}

void mailbox_disarm(struct mailbox_shm *box)
{
	/* relaxed: to be rung for nothing does no harm. */
	store_relaxed(&box->armed, 0);
}

bool mailbox_sleep(struct mailbox_shm *box, uint64_t rung, uint64_t deadline_ns)
{
	/* acquire, both: the bell before the count; pairs with the additions in
	 * mailbox_ring(). */
	uint32_t bell = load_seq(&box->bell);

	if (load_seq(&box->rung) > rung)
		return true;
	(void)wait_sleep(&box->bell, bell, deadline_ns);
	return load_seq(&box->rung) > rung;
}
