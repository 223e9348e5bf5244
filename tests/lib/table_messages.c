/* SPDX-License-Identifier: MIT */
/*
 * table_messages.c - trials of messages, neighbours, teams, shares and one-sided
 * memory.
 *
 * Messages go around: each rank sends to the next rank and receives from the
 * rank before; a single rank sends to itself.
 */
#include "lib/table_messages.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/elements.h"

static int next_of(const struct trial *t)
{
	return (t->rank + 1) % t->size;
}

static int before(const struct trial *t)
{
	return (t->rank + t->size - 1) % t->size;
}

/* This rank's elements in `send`, nothing in `recv`. */
static void fill(struct trial *t, size_t sent, size_t room)
{
	for (size_t i = 0; i < sent; i++)
		table_brought(t, t->rank, i, t->send + i * t->item);
	memset(t->recv, FILL, room * t->item + GUARD);
}

/* Are `count` elements of `rank`, from `index` on, at `found`? */
static int holds(const struct trial *t, const char *found, int rank,
		 size_t index, size_t count)
{
	char wanted[ELEMENT_BYTES];

	for (size_t i = 0; i < count; i++) {
		table_brought(t, rank, index + i, wanted);
		if (memcmp(found + i * t->item, wanted, t->item) != 0)
			return table_fails(t, "wrong is element", i);
	}
	return 0;
}

/* The message of the rank before, and nothing behind the end. */
static int arrived(const struct trial *t, const struct rig_status *status)
{
	if (status && (status->bytes != t->count * t->item ||
		       status->source != before(t)))
		return table_fails(t, "the status tells bytes", status->bytes);
	for (size_t i = 0; i < GUARD; i++)
		if (t->recv[t->count * t->item + i] != FILL)
			return table_fails(t, "written behind the buffer", i);
	return holds(t, t->recv, before(t), 0, t->count);
}

static const void *from(const struct trial *t)
{
	return t->count ? t->send : NULL;
}

static void *into(const struct trial *t)
{
	return t->count ? t->recv : NULL;
}

/* --- messages --- */

/* A single rank's send may wait for the rank's own receive, and so the receive
 * is begun first. */
int try_send(struct trial *t)
{
	struct rig_request *request = NULL;
	struct rig_status status = { 0 };
	const int tag = (int)(t->turn % 7);
	int r = 0;

	fill(t, t->count, t->count);
	if (t->rank % 2 || t->size == 1)
		r = rig_team_irecv(t->team, into(t), t->count, t->type,
				   before(t), tag, &request);
	if (r == 0)
		r = rig_team_send(t->team, from(t), t->count, t->type,
				  next_of(t), tag);
	if (r == 0)
		r = request ? rig_team_wait(t->team, &request, &status)
			    : rig_team_recv(t->team, into(t), t->count, t->type,
					    before(t), tag, &status);
	return r < 0 ? r : arrived(t, &status);
}

/* Begun or waited for; received by a receive, or taken out by a probe. */
int try_ssend(struct trial *t)
{
	struct rig_request *receive = NULL, *send = NULL;
	struct rig_message *message = NULL;
	struct rig_status status = { 0 };
	const bool posted = t->rank % 2 || t->size == 1;
	int r = 0;

	fill(t, t->count, t->count);
	if (posted)
		r = rig_team_irecv(t->team, into(t), t->count, t->type,
				   before(t), 5, &receive);
	if (r == 0 && t->turn % 2)
		r = rig_team_issend(t->team, from(t), t->count, t->type,
				    next_of(t), 5, &send);
	else if (r == 0)
		r = rig_team_ssend(t->team, from(t), t->count, t->type,
				   next_of(t), 5);
	if (r == 0 && posted)
		r = rig_team_wait(t->team, &receive, &status);
	if (r == 0 && !posted)
		r = rig_team_mprobe(t->team, RIG_ANY_SOURCE, 5, &message, NULL);
	if (r == 0 && !posted)
		r = rig_team_mrecv(t->team, into(t), t->count, t->type,
				   &message, &status);
	if (r == 0)
		r = rig_team_wait(t->team, &send, NULL);
	return r < 0 ? r : arrived(t, &status);
}

int try_sendrecv(struct trial *t)
{
	struct rig_status status = { 0 };
	int r;

	fill(t, t->count, t->count);
	r = rig_team_sendrecv(t->team, from(t), t->count, t->type, next_of(t),
			      3, into(t), t->count, t->type, RIG_ANY_SOURCE,
			      RIG_ANY_TAG, &status);
	return r < 0 ? r : arrived(t, &status);
}

int try_probe(struct trial *t)
{
	struct rig_request *request = NULL;
	struct rig_status status = { 0 };
	int r;

	fill(t, t->count, t->count);
	r = rig_team_isend(t->team, from(t), t->count, t->type, next_of(t), 4,
			   &request);
	if (r == 0)
		r = rig_team_probe(t->team, RIG_ANY_SOURCE, 4, &status);
	if (r == 0 && status.bytes != t->count * t->item)
		return table_fails(t, "the probe tells bytes", status.bytes);
	if (r == 0)
		r = rig_team_recv(t->team, into(t), t->count, t->type,
				  status.source, status.tag, &status);
	if (r == 0)
		r = rig_team_wait(t->team, &request, NULL);
	return r < 0 ? r : arrived(t, &status);
}

/* All, any, some; by waiting and by testing. */
static int complete(struct trial *t, struct rig_request *requests[2])
{
	bool done = false;
	int index, some, r = 0;
	int indices[2];

	switch (t->turn % 6) {
	case 0:
		return rig_team_waitall(t->team, 2, requests, NULL);
	case 1:
		for (int i = 0; r == 0 && i < 2; i++)
			r = rig_team_waitany(t->team, 2, requests, &index,
					     NULL);
		return r;
	case 2:
		while (r == 0 && (requests[0] || requests[1]))
			r = rig_team_waitsome(t->team, 2, requests, &some,
					      indices, NULL);
		return r;
	case 3:
		while (r == 0 && !done)
			r = rig_team_testall(t->team, 2, requests, &done, NULL);
		return r;
	case 4:
		while (r == 0 && (requests[0] || requests[1]))
			r = rig_team_testany(t->team, 2, requests, &index,
					     &done, NULL);
		return r;
	default:
		while (r == 0 && (requests[0] || requests[1]))
			r = rig_team_testsome(t->team, 2, requests, &some,
					      indices, NULL);
		return r;
	}
}

int try_wait(struct trial *t)
{
	struct rig_request *requests[2] = { NULL, NULL };
	int r;

	fill(t, t->count, t->count);
	r = rig_team_irecv(t->team, into(t), t->count, t->type, before(t), 5,
			   &requests[0]);
	if (r == 0)
		r = rig_team_isend(t->team, from(t), t->count, t->type,
				   next_of(t), 5, &requests[1]);
	if (r == 0)
		r = complete(t, requests);
	if (r == 0 && (requests[0] || requests[1]))
		return table_fails(t, "a request is still there", 0);
	return r < 0 ? r : arrived(t, NULL);
}

/* Lent bytes lie in the segment; no bytes at all lie there as well. */
int try_lend(struct trial *t)
{
	struct rig_request *request = NULL;
	struct rig_status status = { 0 };
	const void *found = NULL;
	int r;

	t->send = (char *)rig_team_data(t->team, 0) +
		  (size_t)t->rank * SHARED_BYTES;
	fill(t, t->count, 0);
	r = rig_team_lend(t->team, t->send, t->count, t->type, next_of(t), 6,
			  &request);
	if (r == 0)
		r = rig_team_borrow(t->team, &found, before(t), 6, &status);
	if (r == 0 && status.bytes != t->count * t->item)
		return table_fails(t, "the status tells bytes", status.bytes);
	if (r == 0)
		r = holds(t, found, before(t), 0, t->count);
	if (r == 0)
		r = rig_team_release(t->team, found);
	return r < 0 ? r : rig_team_wait(t->team, &request, NULL);
}

/* --- neighbours --- */

/* Call NAME of the ring in the form of the trial; a plan is made, and started
 * twice. */
#define CALL(NAME, ...)                                                        \
	switch (t->form) {                                                     \
	case FORM_PLAIN:                                                       \
		r = rig_team_##NAME(ring, __VA_ARGS__);                        \
		break;                                                         \
	case FORM_BEGUN:                                                       \
		r = rig_team_i##NAME(ring, __VA_ARGS__, &request);             \
		break;                                                         \
	case FORM_PLAN:                                                        \
		r = rig_team_##NAME##_init(ring, __VA_ARGS__, &request);       \
		break;                                                         \
	}

/* Wait for the request of a call, if there is one. */
static int completed(struct rig_team *ring, enum form form,
		     struct rig_request **request)
{
	int r = 0;

	for (int i = 0; form == FORM_PLAN && r == 0 && i < 2; i++) {
		r = rig_team_start(ring, request);
		if (r == 0)
			r = rig_team_wait(ring, request, NULL);
	}
	if (r == 0 && form == FORM_BEGUN)
		r = rig_team_wait(ring, request, NULL);
	return r < 0 || form != FORM_PLAN
		       ? r
		       : rig_team_request_free(ring, request);
}

/* Block 0 goes to the rank before, which gets it as block 1. */
static int hears_neighbors(const struct trial *t, bool alike)
{
	const size_t count = t->count;
	int r = holds(t, t->recv, before(t), alike ? 0 : count, count);

	return r < 0 ? r
		     : holds(t, t->recv + count * t->item, next_of(t), 0,
			     count);
}

static int exchanges(struct trial *t, struct rig_team *ring)
{
	const size_t counts[] = { t->count, t->count };
	const size_t displs[] = { 0, t->count };
	struct rig_request *request = NULL;
	const size_t n = t->count;
	int r = -1;

	fill(t, 2 * n, 2 * n);
	if (t->row->verb == VERB_NEIGHBOR_ALLTOALL)
		CALL(neighbor_alltoall, from(t), n, t->type, into(t), n,
		     t->type)
	else if (t->row->verb == VERB_NEIGHBOR_ALLTOALLV)
		CALL(neighbor_alltoallv, from(t), counts, displs, t->type,
		     into(t), counts, displs, t->type)
	else
		CALL(neighbor_allgather, from(t), n, t->type, into(t), n,
		     t->type)
	if (r == 0)
		r = completed(ring, t->form, &request);
	if (r < 0)
		return r;
	return hears_neighbors(t, t->row->verb == VERB_NEIGHBOR_ALLGATHER);
}

/* In a ring of one or two ranks a rank is its own neighbour twice. */
static int in_ring(struct trial *t,
		   int (*run)(struct trial *t, struct rig_team *ring))
{
	struct rig_team *ring = NULL;
	int r = rig_team_cart_create(t->team, 1, &t->size, &(bool){ true },
				     &ring);

	if (r == 0)
		r = run(t, ring);
	return r < 0 ? r : rig_team_free(ring);
}

int try_neighbor_alltoall(struct trial *t)
{
	return in_ring(t, exchanges);
}

int try_neighbor_alltoallv(struct trial *t)
{
	return in_ring(t, exchanges);
}

int try_neighbor_allgather(struct trial *t)
{
	return in_ring(t, exchanges);
}

/* `count` elements with a layer of the neighbours' on each side. */
static int brings_halo(struct trial *t, struct rig_team *ring)
{
	const size_t n = t->count < 3 ? 3 : t->count;
	char *own = t->recv + t->item;
	struct rig_request *request = NULL;
	int r = -1;

	memset(t->recv, FILL, n * t->item + GUARD);
	for (size_t i = 0; i + 2 < n; i++)
		table_brought(t, t->rank, i, own + i * t->item);
	CALL(halo, t->recv, &n, 1, t->type)
	if (r == 0)
		r = completed(ring, t->form, &request);
	if (r == 0)
		r = holds(t, t->recv, before(t), n - 3, 1);
	if (r == 0)
		r = holds(t, own, t->rank, 0, n - 2);
	return r < 0 ? r : holds(t, own + (n - 2) * t->item, next_of(t), 0, 1);
}

int try_halo(struct trial *t)
{
	return in_ring(t, brings_halo);
}

/* --- teams --- */

/* All ranks have come: no rank is past the barrier before the last rank
 * arrives. */
int try_barrier(struct trial *t)
{
	struct rig_request *request = NULL;
	int r;

	switch (t->form) {
	case FORM_PLAIN:
		return rig_team_barrier(t->team);
	case FORM_BEGUN:
		r = rig_team_ibarrier(t->team, &request);
		break;
	case FORM_PLAN:
	default:
		r = rig_team_barrier_init(t->team, &request);
		if (r == 0)
			r = rig_team_start(t->team, &request);
		break;
	}
	if (r == 0)
		r = rig_team_wait(t->team, &request, NULL);
	return r < 0 || !request ? r : rig_team_request_free(t->team, &request);
}

/* Is the sum of `mine` over the team `wanted`? */
static int sums_to(struct trial *t, struct rig_team *team, uint64_t mine,
		   uint64_t wanted)
{
	uint64_t all = 0;
	int r = rig_team_allreduce(team, &mine, &all, 1, RIG_UINT64, RIG_SUM);

	if (r == 0 && all != wanted)
		return table_fails(t, "the sum is wrong:", (size_t)all);
	return r;
}

/* Even ranks backwards, odd ranks in none. */
int try_split(struct trial *t)
{
	const bool in = t->rank % 2 == 0;
	const int size = (t->size + 1) / 2;
	struct rig_team *part = NULL;
	int r = rig_team_split(t->team, in ? 0 : RIG_UNDEFINED, -t->rank,
			       &part);

	if (r < 0 || (!in && !part))
		return r;
	if (!in || rig_team_size(part) != size ||
	    rig_team_rank(part) != size - 1 - t->rank / 2)
		return table_fails(t, "not this rank's team: rank",
				   (size_t)rig_team_rank(part));
	r = sums_to(t, part, 1, (uint64_t)size);
	return r < 0 ? r : rig_team_free(part);
}

int try_split_type(struct trial *t)
{
	struct rig_team *host = NULL;
	int r = rig_team_split_type(t->team, RIG_LEVEL_HOST, t->rank, &host);

	if (r == 0 &&
	    (rig_team_size(host) != t->size || rig_team_rank(host) != t->rank))
		return table_fails(t, "not this rank's team: rank",
				   (size_t)rig_team_rank(host));
	return r < 0 ? r : rig_team_free(host);
}

int try_dup(struct trial *t)
{
	struct rig_team *dup = NULL;
	int r = rig_team_dup(t->team, &dup);

	if (r == 0 && (dup == t->team || rig_team_size(dup) != t->size ||
		       rig_team_rank(dup) != t->rank))
		return table_fails(t, "not this rank's team: rank",
				   (size_t)rig_team_rank(dup));
	if (r == 0)
		r = sums_to(t, dup, 1, (uint64_t)t->size);
	return r < 0 ? r : rig_team_free(dup);
}

/* Each element belongs to a single rank, once. */
int try_share(struct trial *t)
{
	const enum rig_schedule schedule = (enum rig_schedule)(t->turn % 3);
	struct rig_share share;
	struct rig_span part;
	uint64_t count = 0, sum = 0;
	int r = rig_share_begin(&share, t->team, t->count, schedule,
				t->turn % 4);

	while (r == 0 && rig_share_next(&share, &part))
		for (size_t i = part.begin; i < part.end; i++) {
			count++;
			sum += i * i;
		}
	for (uint64_t i = 0; i < t->count; i++)
		sum -= t->rank ? 0 : i * i;
	if (r == 0)
		r = sums_to(t, t->team, count, t->count);
	return r < 0 ? r : sums_to(t, t->team, sum, 0);
}

/* --- sums --- */

/* All elements of all ranks are put into an exact sum, real parts and imaginary
 * parts apart. */
int try_sum(struct trial *t)
{
	static _Alignas(16) char each[2][ELEMENT_BYTES], found[ELEMENT_BYTES];
	const void *both[] = { each[0], each[1] };
	int r;

	if (t->type != RIG_FLOAT32 && t->type != RIG_FLOAT64 &&
	    t->type != RIG_COMPLEX64 && t->type != RIG_COMPLEX128)
		return 0;
	fill(t, t->count, 0);
	r = rig_team_sum(t->team, from(t), t->count, t->type, found);
	memset(each, 0, sizeof(each));
	for (int i = 0; i < t->size; i++)
		for (size_t k = 0; k < t->count; k++) {
			table_brought(t, i, k, each[1]);
			elements_fold(each[0], both, 2, t->type, RIG_SUM);
		}
	if (r == 0 && !elements_same(found, each[0], t->type))
		return table_fails(t, "the sum is wrong", 0);
	return r;
}

/* --- memory of all ranks --- */

int try_wait_until(struct trial *t)
{
	uint64_t *word = NULL;
	void *memory = NULL;
	int r = rig_team_alloc(t->team, sizeof(*word), &memory);

	word = memory;
	for (size_t i = 0; r == 0 && i < t->count; i++)
		r = rig_team_notify(t->team, word, next_of(t));
	if (r == 0)
		r = rig_team_wait_until(t->team, word, t->count);
	if (r == 0 && *word != t->count)
		return table_fails(t, "the counter is", (size_t)*word);
	return r < 0 ? r : rig_team_dealloc(t->team, memory);
}

/* A number beside the lock of rank 0, to which every rank adds in two steps. */
int try_lock(struct trial *t)
{
	const size_t rounds = t->count < 20 ? t->count : 20;
	uint64_t *words, value = 0;
	void *memory = NULL;
	int r = rig_team_alloc(t->team, 3 * sizeof(*words), &memory);

	words = memory;
	for (size_t i = 0; r == 0 && i < rounds; i++) {
		r = rig_team_lock(t->team, words, 0);
		if (r == 0)
			r = rig_team_get(t->team, &value, words + 2,
					 sizeof(value), 0);
		value++;
		if (r == 0)
			r = rig_team_put(t->team, words + 2, &value,
					 sizeof(value), 0);
		if (r == 0)
			r = rig_team_unlock(t->team, words, 0);
	}
	if (r == 0)
		r = rig_team_barrier(t->team);
	if (r == 0 && t->rank == 0 && words[2] != rounds * (size_t)t->size)
		return table_fails(t, "the number is", (size_t)words[2]);
	return r < 0 ? r : rig_team_dealloc(t->team, memory);
}

/* Whether the operation makes sense only in rank order, or only on all elements
 * at once. */
static bool by_twos(const struct trial *t)
{
	return t->op < RIG_OPS && t->type != RIG_FLOAT16 &&
	       t->type != RIG_BFLOAT16;
}

/* Every rank adds to the memory of the root, which has elements of its own. */
int try_accumulate(struct trial *t)
{
	static _Alignas(16) char each[TABLE_RANKS_MAX][ELEMENT_BYTES];
	static _Alignas(16) char wanted[ELEMENT_BYTES];
	const void *all[TABLE_RANKS_MAX];
	void *memory = NULL;
	int r;

	/* The order of ranks is open, and every element has a single odd
	 * rank. */
	if (!by_twos(t) || t->count > 301)
		return 0;
	r = rig_team_alloc(t->team, t->count * t->item + GUARD, &memory);
	if (r == 0) {
		fill(t, t->count, 0);
		memcpy(memory, t->send, t->count * t->item);
		r = rig_team_barrier(t->team);
	}
	if (r == 0 && t->rank != t->root)
		r = rig_team_accumulate(t->team, memory, from(t), t->count,
					t->type, t->op, t->root);
	if (r == 0)
		r = rig_team_barrier(t->team);
	for (size_t i = 0; r == 0 && t->rank == t->root && i < t->count; i++) {
		for (int k = 0; k < t->size; k++) {
			table_brought(t, k, i, each[k]);
			all[k] = each[k];
		}
		elements_fold(wanted, all, t->size, t->type, t->op);
		if (t->size > 1 && !elements_same((char *)memory + i * t->item,
						  wanted, t->type))
			return table_fails(t, "wrong is element", i);
	}
	return r < 0 ? r : rig_team_dealloc(t->team, memory);
}
