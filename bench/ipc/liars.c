/* SPDX-License-Identifier: MIT */
/*
 * liars.c - one transport through contender.h, a slot of shared memory each way, and
 * three transports that leave out a part of the work.
 *
 * Side s raises sent[s] when the slot s is full, and the other side raises taken[s]
 * when the slot is empty again.
 */
#include "ipc/liars.h"

#include <errno.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define LINE 128

/* In shared memory, before the slots. */
struct slot_pair_shm {
	alignas(LINE) _Atomic uint32_t sent[2];  /* by side 0, by side 1 */
	alignas(LINE) _Atomic uint32_t taken[2]; /* from side s */
	alignas(LINE) char data[];
};

static size_t slots_bytes(const struct rigbench_link *link)
{
	return sizeof(struct slot_pair_shm) + 2 * link->bytes;
}

static int create(struct rigbench_link *link)
{
	void *shm = mmap(NULL, slots_bytes(link), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shm == MAP_FAILED)
		return -errno;
	link->state = shm;
	return 0;
}

static void destroy(struct rigbench_link *link)
{
	if (link->state)
		munmap(link->state, slots_bytes(link));
	link->state = NULL;
}

static char *slot(const struct rigbench_link *link, int side)
{
	struct slot_pair_shm *shm = link->state;

	return shm->data + (size_t)side * link->bytes;
}

/* Copy `bytes` of the message into this side's slot. */
static int fill(const struct rigbench_link *link, size_t bytes)
{
	struct slot_pair_shm *shm = link->state;
	int me = link->side;

	/* acquire: the slot's bytes have been read; pairs with empty(). */
	while (atomic_load_explicit(&shm->taken[me], memory_order_acquire) !=
	       atomic_load_explicit(&shm->sent[me], memory_order_relaxed))
		sched_yield();
	memcpy(slot(link, me), link->out, bytes);
	/* release: publishes the bytes; pairs with the acquire in await(). */
	atomic_fetch_add_explicit(&shm->sent[me], 1, memory_order_release);
	return 0;
}

static void await(const struct rigbench_link *link)
{
	struct slot_pair_shm *shm = link->state;
	int from = !link->side;

	while (atomic_load_explicit(&shm->sent[from], memory_order_acquire) ==
	       atomic_load_explicit(&shm->taken[from], memory_order_relaxed))
		sched_yield();
}

static void empty(const struct rigbench_link *link)
{
	struct slot_pair_shm *shm = link->state;

	atomic_fetch_add_explicit(&shm->taken[!link->side], 1,
				  memory_order_release);
}

static int send_all(struct rigbench_link *link)
{
	return fill(link, link->bytes);
}

static int send_half(struct rigbench_link *link)
{
	return fill(link, link->bytes / 2);
}

static int send_none(struct rigbench_link *link)
{
	(void)link;
	return 0;
}

static void *get_all(struct rigbench_link *link)
{
	await(link);
	memcpy(link->in, slot(link, !link->side), link->bytes);
	empty(link);
	return link->in;
}

static void *get_unread(struct rigbench_link *link)
{
	await(link);
	empty(link);
	return link->in;
}

static void *get_none(struct rigbench_link *link)
{
	return link->in;
}

#define LIAR(title, words, sender, getter)                                     \
	{                                                                      \
		.version = RIGBENCH_CONTENDER_VERSION, .copies = 2,            \
		.name = (title), .summary = (words), .create = create,         \
		.send = (sender), .get = (getter), .destroy = destroy          \
	}

const struct rigbench_contender liar_honest =
	LIAR("honest", "a slot of shared memory each way", send_all, get_all);

const struct rigbench_contender liar_less = LIAR(
	"copies less", "the same, half of each message", send_half, get_all);

const struct rigbench_contender liar_nothing = LIAR(
	"reads nothing", "the same, taken and not read", send_all, get_unread);

const struct rigbench_contender liar_claims = LIAR(
	"only claims", "says sent, and sends nothing", send_none, get_none);
