/* SPDX-License-Identifier: MIT */
/*
 * tsan_channel.c - messages between threads, under ThreadSanitizer.
 *
 * Payloads are plain: the channel alone orders writer and reader.  Two pairs of
 * ends: questions in a direction, answers in the other; each side sleeps at its
 * mailbox as ranks do.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "objects/channel.h"
#include "machine/wait.h"

#define MESSAGES 20000u

static struct channel_shm channels[2];
static struct mailbox_shm boxes[2];
static bool careful;
static struct patience patience;

/* Until there is room, or a message: as a rank does it. */
static bool ready(struct channel_writer *out, struct channel_reader *in)
{
	return out ? channel_room(out) != NULL : channel_peek(in) != NULL;
}

static void await(int self, struct channel_writer *out,
		  struct channel_reader *in)
{
	struct wait wait = { 0 };
	uint64_t rung;

	while (!ready(out, in)) {
		if (wait_more(&wait, &patience))
			continue;
		rung = mailbox_arm(&boxes[self]);
		if (!ready(out, in))
			/* Not careful: a short sleep, as mail_wait.c has it. */
			(void)mailbox_sleep(&boxes[self], rung,
					    careful ? RIG_FOREVER : 1);
		mailbox_disarm(&boxes[self]);
		wait = (struct wait){ 0 };
	}
}

static void put(int self, struct channel_writer *out, uint64_t value)
{
	struct slot_shm *slot;

	await(self, out, NULL);
	slot = channel_room(out);
	slot->tag = (int32_t)value;
	memcpy(slot->payload, &value, sizeof(value));
	channel_post(out, &boxes[!self], careful);
}

static bool get(int self, struct channel_reader *in, uint64_t wanted)
{
	const struct slot_shm *slot;
	uint64_t value;
	bool right;

	await(self, NULL, in);
	slot = channel_peek(in);
	memcpy(&value, slot->payload, sizeof(value));
	right = value == wanted && slot->tag == (int32_t)wanted;
	channel_take(in, &boxes[!self], careful);
	return right;
}

static void *answers(void *arg)
{
	struct channel_writer out;
	struct channel_reader in;
	void *wrong = NULL;

	channel_write_begin(&out, &channels[1]);
	channel_read_begin(&in, &channels[0]);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		if (!get(1, &in, i))
			wrong = arg;
		if (i % 100 == 0)
			put(1, &out, i);
	}
	return wrong;
}

static int work(void)
{
	struct channel_writer out;
	struct channel_reader in;
	pthread_t thread;
	int failed = 0;
	void *wrong;

	memset((void *)channels, 0, sizeof(channels));
	channel_write_begin(&out, &channels[0]);
	channel_read_begin(&in, &channels[1]);
	if (pthread_create(&thread, NULL, answers, channels))
		return 1;
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		put(0, &out, i);
		if (i % 100 == 0)
			failed |= !get(0, &in, i);
	}
	pthread_join(thread, &wrong);
	return failed | (wrong != NULL);
}

int main(void)
{
	static const struct patience patiences[] = { { 0 },
						     { .yields = 4 },
						     { .spin_ns = 20000 } };
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		patience = patiences[i];
		careful = patience.spin_ns == 0;
		failed |= work();
	}
	if (failed)
		fprintf(stderr, "a message is wrong\n");
	return failed;
}
