/* SPDX-License-Identifier: MIT */
/*
 * transport_segment.c - a ring in a segment: produced in place or copied in, consumed
 * in place or copied out; and the same controls between threads.
 */
#include <string.h>

#include "ipc/ring.h"

/* Slots begin on pages, so that no variant is luckier with the alignment. */
static int seg_create(struct link *link, char *why)
{
	return ring_create(link, (link->bytes + 4095) & ~(size_t)4095, why);
}

static int seg_attach(struct link *link, char *why)
{
	int r = ring_attach(link, why);

	return r < 0 ? r : link_private(link);
}

static char *slot_to_fill(struct link *link)
{
	struct ring_shm *ring = ring_of(link, link->side);

	bell_wait(&ring->consumed, link->sent + 1 - link->slots, link->waiting);
	return ring_slots(link, link->side) +
	       (link->sent % link->slots) * link->stride;
}

static int publish(struct link *link)
{
	struct ring_shm *ring = ring_of(link, link->side);

	bell_ring(&ring->produced, ++link->sent, link->waiting);
	return 0;
}

static char *slot_to_read(struct link *link)
{
	struct ring_shm *ring = ring_of(link, !link->side);

	bell_wait(&ring->produced, link->received + 1, link->waiting);
	return ring_slots(link, !link->side) +
	       (link->received % link->slots) * link->stride;
}

static int give_back(struct link *link)
{
	struct ring_shm *ring = ring_of(link, !link->side);

	bell_ring(&ring->consumed, ++link->received, link->waiting);
	return 0;
}

static void *put_inplace(struct link *link)
{
	return slot_to_fill(link);
}

static int send_copy(struct link *link)
{
	memcpy(slot_to_fill(link), link_out(link), link->bytes);
	return publish(link);
}

static void *get_inplace(struct link *link)
{
	return slot_to_read(link);
}

/* The slot goes back before the message is consumed: the copy is ours. */
static void *get_copy(struct link *link)
{
	memcpy(link->in, slot_to_read(link), link->bytes);
	(void)give_back(link);
	return link->in;
}

/* The ring is the same in every memory. */
#define RING_COMMON                                                            \
	.calls = "0", .boundaries = true, .survives = true, .empty = true,     \
	.create = seg_create, .attach = seg_attach, .destroy = ring_destroy

#define SEGMENT_COMMON .unrelated = true, .memory = MEMORY_SEGMENT, RING_COMMON

#define INPLACE                                                                \
	.inplace = true, .put = put_inplace, .send = publish,                  \
	.get = get_inplace, .done = give_back

const struct transport transport_seg_inplace = {
	.name = "seg-inplace",
	.summary = "a ring in a segment, produced and consumed in place",
	.copies = 0,
	.tier = 1,
	INPLACE,
	SEGMENT_COMMON,
};

const struct transport transport_seg_copyin = {
	.name = "seg-copyin",
	.summary = "copied into the ring, consumed in place",
	.copies = 1,
	.tier = 1,
	.put = link_out,
	.send = send_copy,
	.get = get_inplace,
	.done = give_back,
	SEGMENT_COMMON,
};

const struct transport transport_seg_copyout = {
	.name = "seg-copyout",
	.summary = "produced in place, copied out of the ring",
	.copies = 1,
	.tier = 1,
	.put = put_inplace,
	.send = publish,
	.get = get_copy,
	.done = link_done,
	SEGMENT_COMMON,
};

const struct transport transport_seg_copyboth = {
	.name = "seg-copyboth",
	.summary = "copied into the ring and out of it",
	.copies = 2,
	.tier = 1,
	.put = link_out,
	.send = send_copy,
	.get = get_copy,
	.done = link_done,
	SEGMENT_COMMON,
};

const struct transport transport_sync = {
	.name = "sync",
	.summary = "a hand-off of no bytes with the chosen way to wait",
	.only_empty = true,
	.tier = 0,
	INPLACE,
	SEGMENT_COMMON,
};

const struct transport transport_byref = {
	.name = "byref",
	.summary = "a pointer passed between threads of one process",
	.threads = true,
	.tier = 0,
	INPLACE,
	SEGMENT_COMMON,
};

const struct transport transport_memcpy_x = {
	.name = "memcpy-x",
	.summary = "one memcpy, from the other core's cache, between threads",
	.copies = 1,
	.threads = true,
	.tier = 0,
	.put = put_inplace,
	.send = publish,
	.get = get_copy,
	.done = link_done,
	SEGMENT_COMMON,
};

const struct transport transport_shm_posix = {
	.name = "shm-posix",
	.summary = "the ring in place, in memory of shm_open",
	.unrelated = true,
	.memory = MEMORY_POSIX,
	.tier = 2,
	INPLACE,
	RING_COMMON,
};

const struct transport transport_shm_sysv = {
	.name = "shm-sysv",
	.summary = "the ring in place, in memory of shmget",
	.unrelated = true,
	.memory = MEMORY_SYSV,
	.tier = 2,
	INPLACE,
	RING_COMMON,
};

const struct transport transport_mmap_file = {
	.name = "mmap-file",
	.summary = "the ring in place, in a mapped file on a tmpfs",
	.unrelated = true,
	.memory = MEMORY_TMPFS,
	.tier = 2,
	INPLACE,
	RING_COMMON,
};

const struct transport transport_mmap_disk = {
	.name = "mmap-disk",
	.summary = "the ring in place, in a mapped file on a disk",
	.unrelated = true,
	.memory = MEMORY_DISK,
	.tier = 2,
	INPLACE,
	RING_COMMON,
};
