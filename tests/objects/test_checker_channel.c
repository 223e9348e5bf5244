/* SPDX-License-Identifier: MIT */
/*
 * test_checker_channel.c - channel.c and its mailboxes, compiled, in every
 * interleaving.
 *
 * A single slot, so that the writer waits for the reader as often as the reader for
 * the writer.  The message is a cell, written before each post and read after each
 * peek; the next message is written to the same cell.
 */
#include "checker.h"

#include <stddef.h>
#include <string.h>

#include "objects/channel.h"

enum { WRITER, READER, WARDEN };

static struct channel_shm channel;
static struct mailbox_shm boxes[2];
static uint32_t messages;

static const char *const names[] = { "writer", "reader", "warden" };

static void lay_out(uint32_t count)
{
	messages = count;
	memset((void *)&channel, 0, sizeof(channel));
	checker_location(&channel.slots[0].number, "number");
	checker_location(&channel.taken, "taken");
	checker_location(&boxes[0].armed, "writer armed");
	checker_location(&boxes[0].bell, "writer bell");
	checker_location(&boxes[0].rung, "writer rung");
	checker_location(&boxes[1].armed, "reader armed");
	checker_location(&boxes[1].bell, "reader bell");
	checker_location(&boxes[1].rung, "reader rung");
}

/* As mail_wait.c waits, without patience. */
static void wait_for_room(struct channel_writer *out)
{
	while (!channel_room(out)) {
		uint64_t rung = mailbox_arm(&boxes[WRITER]);

		while (!channel_room(out) &&
		       !mailbox_sleep(&boxes[WRITER], rung, UINT64_MAX))
			;
		mailbox_disarm(&boxes[WRITER]);
	}
}

static void wait_for_message(struct channel_reader *in)
{
	while (!channel_peek(in)) {
		uint64_t rung = mailbox_arm(&boxes[READER]);

		while (!channel_peek(in) &&
		       !mailbox_sleep(&boxes[READER], rung, UINT64_MAX))
			;
		mailbox_disarm(&boxes[READER]);
	}
}

static void writes(void)
{
	struct channel_writer out = { &channel, 0, 0 };

	for (uint32_t i = 1; i <= messages; i++) {
		wait_for_room(&out);
		checker_write(0, i);
		/* As channel_post(), but for the note. */
		mailbox_set(&boxes[READER], &channel.slots[0].number,
			    ++out.last, true);
	}
}

static void reads(void)
{
	struct channel_reader in = { &channel, 0 };

	for (uint32_t i = 1; i <= messages; i++) {
		wait_for_message(&in);
		if (checker_read(0) != i)
			checker_fail(CHECKER_WRONG, "another message");
		channel_take(&in, &boxes[WRITER], true);
	}
}

static void thread(int self)
{
	if (self == WRITER)
		writes();
	else
		reads();
}

static void three(void)
{
	lay_out(3);
}

static void two(void)
{
	lay_out(2);
}

/* As after the warden: every process is killed, the memory is zero again. */
static void warden(void)
{
	checker_wait_death();
	checker_kill(WRITER);
	checker_kill(READER);
	store_relaxed(&channel.slots[0].number, 0);
	store_relaxed(&channel.taken, 0);
	for (int i = 0; i < 2; i++) {
		store_relaxed(&boxes[i].armed, 0);
		store_relaxed(&boxes[i].bell, 0);
		store_relaxed(&boxes[i].rung, 0);
	}
	checker_start(WRITER);
	checker_start(READER);
}

static void thread_death(int self)
{
	if (self == WARDEN)
		warden();
	else
		thread(self);
}

static const char *end_death(bool stuck)
{
	return stuck ? "somebody sleeps for ever" : NULL;
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(int argc, char **argv)
{
	static const struct checker_scenario scenarios[] = {
		{ .name = "messages, asleep",
		  .threads = 2,
		  .names = names,
		  .set_up = three,
		  .thread = thread },
		{ .name = "messages, spurious wakes",
		  .threads = 2,
		  .names = names,
		  .set_up = two,
		  .thread = thread,
		  .spurious = 2 },
		{ .name = "the writer dies",
		  .threads = 3,
		  .names = names,
		  .set_up = two,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << WRITER,
		  .deaths = 1 },
		{ .name = "the reader dies",
		  .threads = 3,
		  .names = names,
		  .set_up = two,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << READER,
		  .deaths = 1 },
	};

	if (argc == 2 && strcmp(argv[1], "thorough") == 0)
		argc = 1;
	return checker_main(scenarios, COUNT(scenarios), argc, argv);
}
