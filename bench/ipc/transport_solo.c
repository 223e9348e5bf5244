/* SPDX-License-Identifier: MIT */
/*
 * transport_solo.c - controls without a second process: the cost of the harness, of a
 * copy, and of an encoding.
 */
#include <stdlib.h>
#include <string.h>

#include "ipc/transport.h"

static int solo_create(struct link *link, char *why)
{
	(void)why;
	link_stride(link);
	return 0;
}

static int solo_send(struct link *link)
{
	link->sent++;
	return 0;
}

/* The message just sent. */
static char *last_sent(struct link *link)
{
	return link->out + ((link->sent - 1) % link->buffers) * link->stride;
}

static void *null_get(struct link *link)
{
	return last_sent(link);
}

static void *memcpy_get(struct link *link)
{
	memcpy(link->in, last_sent(link), link->bytes);
	return link->in;
}

static int solo_done(struct link *link)
{
	link->received++;
	return 0;
}

static void solo_destroy(struct link *link)
{
	(void)link;
}

/* Bytes of one encoded word: a tag and eight bytes, as in a pickle. */
#define ENCODED 9

static int serialise_attach(struct link *link, char *why)
{
	int r = link_attach(link, why);

	if (r == 0) {
		link->extra = malloc(2 * (link->stride / 8 + 1) * ENCODED);
		r = link->extra ? 0 : -1;
	}
	return r;
}

/* Encode, copy, decode: three passes over the bytes. */
static void *serialise_get(struct link *link)
{
	size_t words = (link->bytes + 7) / 8;
	unsigned char *encoded = link->extra;
	unsigned char *copied = encoded + words * ENCODED;
	const char *from = last_sent(link);

	for (size_t i = 0; i < words; i++) {
		encoded[i * ENCODED] = 'Q';
		memcpy(encoded + i * ENCODED + 1, from + i * 8, 8);
	}
	memcpy(copied, encoded, words * ENCODED);
	for (size_t i = 0; i < words; i++)
		if (copied[i * ENCODED] == 'Q')
			memcpy(link->in + i * 8, copied + i * ENCODED + 1, 8);
	return link->in;
}

const struct transport transport_null = {
	.name = "null",
	.summary = "the harness alone: a message handed to oneself",
	.calls = "0",
	.solo = true,
	.empty = true,
	.tier = 0,
	.create = solo_create,
	.attach = link_attach,
	.put = link_out,
	.send = solo_send,
	.get = null_get,
	.done = solo_done,
	.destroy = solo_destroy,
};

const struct transport transport_memcpy = {
	.name = "memcpy",
	.summary = "one memcpy on one core",
	.copies = 1,
	.calls = "0",
	.solo = true,
	.empty = true,
	.tier = 0,
	.create = solo_create,
	.attach = link_attach,
	.put = link_out,
	.send = solo_send,
	.get = memcpy_get,
	.done = solo_done,
	.destroy = solo_destroy,
};

const struct transport transport_serialise = {
	.name = "serialise",
	.summary = "encode, copy, decode on one core, as pickle does",
	.copies = 3,
	.calls = "0",
	.solo = true,
	.empty = true,
	.tier = 0,
	.create = solo_create,
	.attach = serialise_attach,
	.put = link_out,
	.send = solo_send,
	.get = serialise_get,
	.done = solo_done,
	.destroy = solo_destroy,
};
