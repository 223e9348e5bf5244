/* SPDX-License-Identifier: MIT */
/*
 * rig_queue.c - runrig's queue as a contender: a queue in shared memory for each
 * direction, copied into and out of.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rigbench/contender.h>
#include <runrig/queue.h>

struct queues {
	struct rig_queue *way[2]; /* the queue of side 0, and of side 1 */
	size_t bytes;             /* bytes of a queue */
};

static void destroy(struct rigbench_link *link)
{
	struct queues *queues = link->state;

	for (int i = 0; queues && i < 2; i++)
		if (queues->way[i])
			munmap(queues->way[i], queues->bytes);
	free(queues);
	link->state = NULL;
}

static int create(struct rigbench_link *link)
{
	struct queues *queues = calloc(1, sizeof(*queues));
	int r = 0;

	if (!queues)
		return -ENOMEM;
	link->state = queues;
	queues->bytes = rig_queue_bytes(link->slots, link->bytes);
	for (int i = 0; i < 2 && r == 0; i++) {
		void *memory =
			mmap(NULL, queues->bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (memory == MAP_FAILED)
			return -errno;
		queues->way[i] = memory;
		r = rig_queue_init(memory, queues->bytes);
	}
	return r;
}

/* A side that spins asks again and again, as with the other queues. */
static int send_one(struct rigbench_link *link)
{
	struct queues *queues = link->state;
	const uint64_t deadline =
		link->waiting == RIGBENCH_SPIN ? 0 : RIG_FOREVER;
	int r;

	do
		r = rig_queue_put(queues->way[link->side], link->out,
				  link->bytes, deadline);
	while (r == -ETIMEDOUT);
	return r;
}

static void *get(struct rigbench_link *link)
{
	struct queues *queues = link->state;
	const uint64_t deadline =
		link->waiting == RIGBENCH_SPIN ? 0 : RIG_FOREVER;
	size_t bytes = 0;
	int r;

	do
		r = rig_queue_take(queues->way[!link->side], link->in,
				   link->bytes, &bytes, deadline);
	while (r == -ETIMEDOUT);
	errno = r < 0 ? -r : EBADMSG;
	return r == 0 && bytes == link->bytes ? link->in : NULL;
}

const struct rigbench_contender rigbench_contender = {
	.version = RIGBENCH_CONTENDER_VERSION,
	.copies = 2,
	.name = "rig-queue",
	.summary = "runrig, rig_queue",
	.create = create,
	.send = send_one,
	.get = get,
	.destroy = destroy,
};
