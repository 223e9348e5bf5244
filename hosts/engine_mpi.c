/* SPDX-License-Identifier: MIT */
/*
 * engine_mpi.c - the engine over an MPI library; compiled once for each mpi.h.
 *
 * A message is a head with short data behind it.  Longer data follows under a tag
 * of its own, which is the number of the message among those to the same process.  A
 * receive for heads from any process is always posted.  Only joining and leaving wait.
 */
#include "engine.h"

#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Data that travels behind its head. */
#define SHORT_BYTES 8192

/* Bytes of an MPI message: MPI counts in ints. */
#define CHUNK ((uint64_t)1 << 30)

/* See part_quietly(). */
#define LAST_LOOK_NS 200000000

/* Tags of data; every MPI has tags up to 32767. */
#define TAG_DATA  2
#define DATA_TAGS 32000

enum { TAG_HEAD = 1 };

/* On the wire. */
struct packet {
	struct wire_head head;
	char data[SHORT_BYTES];
};

/* A message that is sent or received. */
struct delivery {
	struct delivery *next;
	int peer;
	struct wire_head head;
	struct packet *packet; /* only a send has one */
	char *data;
	void *token;    /* the taker's; NULL: the data is the engine's */
	uint64_t begun; /* bytes of long data, chunk by chunk */
	MPI_Request head_request;
	MPI_Request request;
};

struct list {
	struct delivery *first, **end;
};

struct engine_link {
	MPI_Comm comm;
	MPI_Request combining;
	MPI_Request waiting; /* for a head */
	struct packet packet;
	/* `arrivals`: accepted; `done`: with tokens. */
	struct list sends, receives, arrivals, done;
	uint32_t *numbers; /* long messages to each process so far */
	bool finalize;
};

static void append(struct list *list, struct delivery *delivery)
{
	delivery->next = NULL;
	*list->end = delivery;
	list->end = &delivery->next;
}

/* Take the delivery at *at out of the list. */
static struct delivery *unlink_at(struct list *list, struct delivery **at)
{
	struct delivery *delivery = *at;

	*at = delivery->next;
	if (list->end == &delivery->next)
		list->end = at;
	return delivery;
}

static void await_head(struct engine_link *link)
{
	MPI_Irecv(&link->packet, sizeof(link->packet), MPI_BYTE, MPI_ANY_SOURCE,
		  TAG_HEAD, link->comm, &link->waiting);
}

/* Duplicate the communicator; false: no memory. */
static bool make_numbers(struct engine_link *link, const int *fcomm)
{
	int size;

	MPI_Comm_dup(fcomm ? MPI_Comm_f2c((MPI_Fint)*fcomm) : MPI_COMM_WORLD,
		     &link->comm);
	MPI_Comm_size(link->comm, &size);
	link->numbers = calloc((size_t)size, sizeof(*link->numbers));
	return link->numbers != NULL;
}

static int link_join(struct engine_link **out, const int *fcomm, char *why,
		     size_t why_bytes)
{
	struct engine_link *link = calloc(1, sizeof(*link));
	int initialized = 0, finalized = 0, level = MPI_THREAD_SINGLE;

	MPI_Finalized(&finalized);
	if (finalized) {
		free(link);
		snprintf(why, why_bytes, "MPI_Finalize() has been called");
		return -EINVAL;
	}
	MPI_Initialized(&initialized);
	if (!initialized)
		MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
	if (!link || !make_numbers(link, fcomm)) {
		/* The other processes wait for this process. */
		MPI_Abort(MPI_COMM_WORLD, 1);
		return -ENOMEM;
	}
	link->finalize = !initialized;
	link->combining = MPI_REQUEST_NULL;
	link->sends.end = &link->sends.first;
	link->receives.end = &link->receives.first;
	link->arrivals.end = &link->arrivals.first;
	link->done.end = &link->done.first;
	await_head(link);
	*out = link;
	return 0;
}

static int link_rank(const struct engine_link *link)
{
	int rank;

	MPI_Comm_rank(link->comm, &rank);
	return rank;
}

static int link_size(const struct engine_link *link)
{
	int size;

	MPI_Comm_size(link->comm, &size);
	return size;
}

static bool is_done(MPI_Request *request)
{
	int done = 1;

	if (*request != MPI_REQUEST_NULL)
		MPI_Test(request, &done, MPI_STATUS_IGNORE);
	return done;
}

/* Begin the next chunk of long data when the chunk before has gone.  Has all the
 * data gone? */
static bool is_moved(struct engine_link *link, struct delivery *delivery)
{
	while (is_done(&delivery->request)) {
		const uint64_t left = delivery->head.bytes - delivery->begun;
		const int count = (int)(left < CHUNK ? left : CHUNK);
		const int tag =
			TAG_DATA + (int)(delivery->head.number % DATA_TAGS);
		char *at = delivery->data + delivery->begun;

		if (left == 0)
			return true;
		if (delivery->packet)
			MPI_Isend(at, count, MPI_BYTE, delivery->peer, tag,
				  link->comm, &delivery->request);
		else
			MPI_Irecv(at, count, MPI_BYTE, delivery->peer, tag,
				  link->comm, &delivery->request);
		delivery->begun += (uint64_t)count;
	}
	return false;
}

static bool link_is_sent(struct engine_link *link)
{
	struct delivery **at = &link->sends.first, *delivery;

	while ((delivery = *at)) {
		if (!is_moved(link, delivery) ||
		    !is_done(&delivery->head_request)) {
			at = &delivery->next;
			continue;
		}
		(void)unlink_at(&link->sends, at);
		free(delivery->packet);
		if (delivery->token) {
			append(&link->done, delivery);
			continue;
		}
		free(delivery->data);
		free(delivery);
	}
	return !link->sends.first;
}

static int link_send(struct engine_link *link, int to,
		     const struct wire_head *head, void *data, void *token)
{
	const bool is_short = head->bytes <= SHORT_BYTES;
	const size_t behind = is_short ? head->bytes : 0;
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	struct packet *packet = malloc(sizeof(packet->head) + behind);

	if (!delivery || !packet) {
		free(delivery);
		free(packet);
		if (!token)
			free(data);
		return -ENOMEM;
	}
	packet->head = *head;
	if (!is_short)
		packet->head.number = link->numbers[to]++;
	if (behind)
		memcpy(packet->data, data, behind);
	*delivery = (struct delivery){ .peer = to,
				       .head = packet->head,
				       .packet = packet,
				       .data = data,
				       .token = token,
				       .begun = is_short ? head->bytes : 0,
				       .request = MPI_REQUEST_NULL };
	MPI_Isend(packet, (int)(sizeof(packet->head) + behind), MPI_BYTE, to,
		  TAG_HEAD, link->comm, &delivery->head_request);
	append(&link->sends, delivery);
	(void)link_is_sent(link);
	return 0;
}

/* A head has come: note it, with room for its data. */
static int take_head(struct engine_link *link, int from)
{
	const struct packet *packet = &link->packet;
	const uint64_t bytes = packet->head.bytes;
	const bool later = packet->head.later && bytes > SHORT_BYTES;
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		return -ENOMEM;
	*delivery =
		(struct delivery){ .peer = from,
				   .head = packet->head,
				   .data = later ? NULL
						 : malloc(bytes ? bytes : 1),
				   .head_request = MPI_REQUEST_NULL,
				   .request = MPI_REQUEST_NULL };
	if (!delivery->data && !later) {
		free(delivery);
		return -ENOMEM;
	}
	if (bytes && bytes <= SHORT_BYTES) {
		memcpy(delivery->data, packet->data, bytes);
		delivery->begun = bytes;
	}
	append(&link->receives, delivery);
	return 0;
}

static int take_heads(struct engine_link *link)
{
	MPI_Status status;
	int done = 0, r = 0;

	MPI_Test(&link->waiting, &done, &status);
	while (r == 0 && done) {
		r = take_head(link, status.MPI_SOURCE);
		await_head(link);
		MPI_Test(&link->waiting, &done, &status);
	}
	return r;
}

/* The message, which is in no list any more, is the taker's. */
static void hand_out(struct delivery *delivery, int *from,
		     struct wire_head *head, void **data, void **later)
{
	*from = delivery->peer;
	*head = delivery->head;
	*data = delivery->data;
	*later = delivery->data ? NULL : delivery;
	if (delivery->data)
		free(delivery);
}

static int link_receive(struct engine_link *link, int *from,
			struct wire_head *head, void **data, void **later)
{
	struct delivery **at = &link->receives.first, *delivery;
	int r = take_heads(link);

	if (link->sends.first)
		(void)link_is_sent(link);
	for (; r == 0 && (delivery = *at); at = &delivery->next) {
		bool first = true;

		for (struct delivery *other = link->receives.first;
		     other != delivery; other = other->next)
			first &= other->peer != delivery->peer;
		if (!first || (delivery->data && !is_moved(link, delivery)))
			continue;
		hand_out(unlink_at(&link->receives, at), from, head, data,
			 later);
		return 1;
	}
	return r;
}

static void link_accept(struct engine_link *link, void *later, void *data,
			void *token)
{
	struct delivery *delivery = later;

	delivery->data = data;
	delivery->token = token;
	append(&link->arrivals, delivery);
	(void)is_moved(link, delivery);
}

static void *link_finished(struct engine_link *link)
{
	struct delivery **at = &link->arrivals.first, *delivery;
	void *token;

	while ((delivery = *at)) {
		if (is_moved(link, delivery))
			append(&link->done, unlink_at(&link->arrivals, at));
		else
			at = &delivery->next;
	}
	delivery = link->done.first;
	if (!delivery)
		return NULL;
	token = unlink_at(&link->done, &link->done.first)->token;
	free(delivery);
	return token;
}

static int link_combine(struct engine_link *link, uint64_t *words, int count,
			bool sum)
{
	MPI_Iallreduce(MPI_IN_PLACE, words, count, MPI_UINT64_T,
		       sum ? MPI_SUM : MPI_MAX, link->comm, &link->combining);
	return 0;
}

static bool link_combined(struct engine_link *link)
{
	return is_done(&link->combining);
}

static void link_abort(struct engine_link *link, int code)
{
	MPI_Abort(link->comm, code);
}

/*
 * MPI_Finalize() of MPICH before 4.2 asks every other process for an answer, over UCX,
 * and answers as long as answers are outstanding; then the function waits for all
 * processes, and answers no more (MPICH's pull request 6596 took that wait out).  So a
 * process that looks at the network when another process has asked, and has not begun
 * MPI_Finalize() itself, answers too early: the other process goes on to the wait, and
 * this process asks later and in vain, for ever.
 *
 * So all processes meet, and then none looks at the network for LAST_LOOK_NS, in which
 * the last process has seen that all have met: each process answers from within its own
 * MPI_Finalize(), behind its own question.
 */
static void part_quietly(void)
{
#if defined(MPICH_NUMVERSION) && MPICH_NUMVERSION < 40200000
	struct timespec look_away = { 0, LAST_LOOK_NS };

	MPI_Barrier(MPI_COMM_WORLD);
	while (nanosleep(&look_away, &look_away) < 0 && errno == EINTR)
		;
#endif
}

static void link_leave(struct engine_link *link)
{
	const bool finalize = link->finalize;

	while (!link_is_sent(link))
		;
	MPI_Cancel(&link->waiting);
	MPI_Wait(&link->waiting, MPI_STATUS_IGNORE);
	MPI_Comm_free(&link->comm);
	free(link->numbers);
	free(link);
	if (!finalize)
		return;
	part_quietly();
	MPI_Finalize();
}

extern const struct engine rig_hosts_engine;

__attribute__((visibility("default"))) const struct engine rig_hosts_engine = {
	.version = ENGINE_VERSION,
	.join = link_join,
	.leave = link_leave,
	.rank = link_rank,
	.size = link_size,
	.send = link_send,
	.receive = link_receive,
	.accept = link_accept,
	.finished = link_finished,
	.is_sent = link_is_sent,
	.combine = link_combine,
	.combined = link_combined,
	.abort = link_abort,
};
