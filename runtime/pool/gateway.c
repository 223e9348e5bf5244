/* SPDX-License-Identifier: MIT */
/*
 * gateway.c - the caller's seat among its ranks: messages of the ranks to other hosts,
 * and messages from there.
 *
 * The gateway uses the channels and trays of a seat behind the last rank's, by the same
 * code as a rank (mail.h), and sleeps at that seat's mailbox.  The gateway trusts no
 * rank: a slot or an offset that cannot be right ends the run.
 */
#include <runrig/gateway.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "pool/caller.h"
#include "pool/gateway.h"
#include "team/mail.h"

/* How often a waiting gateway looks whether the run has ended, or passed its limit:
 * no bell rings for either. */
#define LOOK_NS (UINT64_C(1000000) / 2)
/* The same where no event tells the end of the run. */
#define SETTLE_NS (10 * UINT64_C(1000000))

/* A segment that the caller has mapped. */
struct caller_mapping {
	struct identity identity;
	void *base;
	size_t bytes; /* 0: none */
	bool read_only;
};

struct rig_gateway {
	struct rig_pool *pool;
	struct rank rank;     /* at the seat, and none of the team's */
	struct rank_shm mine; /* for the words of an error; nobody reads */
	struct mail *mail;
	struct hosts_shm hosts;
	bool running;
	uint64_t settle_at;        /* the next look at the clock */
	struct rig_request *given; /* not all sent on */
	struct caller_mapping
		mapped[RIG_SEGMENTS_MAX]; /* segments of the last job */
	struct rig_request *lent;         /* sent from the memory of ranks */
};

static int first_of(const struct rig_gateway *gateway)
{
	return gateway->hosts.firsts[gateway->hosts.own];
}

static int check_world(const struct rig_pool *pool,
		       const struct rig_world *world)
{
	int r = reserved_check(world->reserved, "rig_world");

	if (r < 0)
		return r;
	if (world->hosts < 1 || world->hosts > RIG_HOSTS_MAX ||
	    world->own < 0 || world->own >= world->hosts || !world->firsts ||
	    world->firsts[0] != 0)
		return rig_fail(-EINVAL,
				"gateway: host %d of %d, not one of 1 to %d",
				world->own, world->hosts, RIG_HOSTS_MAX);
	for (int i = 0; i < world->hosts; i++)
		if (world->firsts[i + 1] <= world->firsts[i] ||
		    world->firsts[i + 1] > RIG_WORLD_MAX)
			return rig_fail(-EINVAL,
					"gateway: host %d has ranks %d to %d, "
					"not 1 or more and not up to %d",
					i, world->firsts[i],
					world->firsts[i + 1] - 1,
					RIG_WORLD_MAX - 1);
	if (world->firsts[world->own + 1] - world->firsts[world->own] !=
	    pool->startup.size)
		return rig_fail(-EINVAL,
				"gateway: host %d has %d ranks, and its pool "
				"has %d",
				world->own,
				world->firsts[world->own + 1] -
					world->firsts[world->own],
				pool->startup.size);
	return 0;
}

int rig_gateway_open(struct rig_gateway **out, struct rig_pool *pool,
		     const struct rig_world *world)
{
	struct rig_gateway *gateway;
	int r;

	if (!out || !pool || !world || !pool_is_maker(pool))
		return rig_fail(-EINVAL, "gateway: of no pool of this process, "
					 "or without a world");
	r = check_world(pool, world);
	if (r < 0)
		return r;
	gateway = aligned_alloc(alignof(struct rig_gateway), sizeof(*gateway));
	if (!gateway)
		return rig_fail_errno(-ENOMEM, "gateway");
	memset((void *)gateway, 0, sizeof(*gateway));
	gateway->pool = pool;
	gateway->hosts.count = world->hosts;
	gateway->hosts.own = world->own;
	memcpy(gateway->hosts.firsts, world->firsts,
	       ((size_t)world->hosts + 1) * sizeof(*world->firsts));
	gateway->rank.rank = pool->startup.size;
	gateway->rank.size = pool->startup.size;
	gateway->rank.layout = pool->startup.layout;
	gateway->rank.mine = &gateway->mine;
	gateway->rank.patience = pool->startup.busy;
	gateway->rank.patience.shares = true;
	gateway->rank.barrier = pool->startup.layout.barrier;
	gateway->mail = mail_gateway_make(&gateway->rank);
	if (!gateway->mail) {
		free(gateway);
		return rig_fail_errno(-ENOMEM, "gateway");
	}
	gateway->rank.mail = gateway->mail;
	gateway->mail->in_place = world->in_place;
	pool->gateway = gateway;
	*out = gateway;
	return 0;
}

/* The request has ended, and is in no list. */
static void free_request(struct rig_request *request)
{
	if (!request->direct && !request->lend)
		free(request->buffer);
	free(request);
}

static void free_all(struct rig_request **list)
{
	struct rig_request *request;

	while ((request = *list)) {
		*list = request->next;
		free_request(request);
	}
}

/* --- the segments of the job, mapped --- */

static void unmap(struct caller_mapping *mapped)
{
	if (mapped->bytes)
		munmap(mapped->base, mapped->bytes);
	*mapped = (struct caller_mapping){ 0 };
}

void gateway_forget(struct rig_gateway *gateway, struct identity identity)
{
	/* After a run that has failed, bytes may be under way to a segment; the
	 * next job maps its segments anew. */
	if (!gateway || gateway->lent || gateway->given)
		return;
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		if (identity_same(gateway->mapped[i].identity, identity))
			unmap(&gateway->mapped[i]);
}

/* Map the segment of the job that is about to be posted; false: the bytes of messages
 * are copied. */
static bool map_segment(struct caller_mapping *mapped,
			const struct job_segment_shm *segment)
{
	const struct identity identity = { segment->device, segment->inode };
	const bool read_only = segment->flags & JOB_READ_ONLY;
	void *base;

	/* A file that somebody may make shorter would end the caller. */
	if (segment->flags & JOB_FILE || segment->holder_fd < 0)
		return false;
	if (mapped->bytes == segment->file_bytes &&
	    mapped->read_only == read_only &&
	    identity_same(mapped->identity, identity))
		return true;
	unmap(mapped);
	base = mmap(NULL, segment->file_bytes,
		    read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
		    segment->holder_fd, 0);
	if (base == MAP_FAILED)
		return false;
	*mapped = (struct caller_mapping){ identity, base, segment->file_bytes,
					   read_only };
	return true;
}

/* The memory of the ranks that the caller finds, as rank_segment(). */
static uint32_t map_memory(struct rig_gateway *gateway)
{
	const struct layout *layout = &gateway->pool->startup.layout;
	const int count = (int)layout->dispatch->words[JOB_SEGMENTS];
	uint32_t in_place = UINT32_C(1) << SEGMENT_TEAM;

	gateway->rank.segments = count;
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++) {
		const struct job_segment_shm *segment =
			&layout->job->segments[i];
		struct caller_mapping *mapped = &gateway->mapped[i];

		gateway->rank.handed[i] = (struct handed){ 0 };
		if (i >= count || !map_segment(mapped, segment)) {
			unmap(mapped);
			continue;
		}
		gateway->rank.handed[i] = (struct handed){
			.data = (char *)mapped->base + segment->offset,
			.bytes = segment->bytes,
			.read_only = mapped->read_only,
		};
		in_place |= UINT32_C(2) << i;
	}
	return in_place;
}

void rig_gateway_close(struct rig_gateway *gateway)
{
	if (!gateway)
		return;
	free_all(&gateway->given);
	free_all(&gateway->lent);
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		unmap(&gateway->mapped[i]);
	if (gateway->pool->gateway == gateway)
		gateway->pool->gateway = NULL;
	mail_gateway_free(gateway->mail);
	free(gateway);
}

void gateway_put(struct rig_gateway *gateway, struct hosts_shm *shm)
{
	if (!gateway) {
		shm->count = 0;
		return;
	}
	free_all(&gateway->given);
	free_all(&gateway->lent);
	mail_gateway_begin(gateway->mail);
	gateway->hosts.in_place =
		gateway->mail->in_place ? map_memory(gateway) : 0;
	*shm = gateway->hosts;
}

int rig_gateway_submit(struct rig_gateway *gateway, const struct rig_job *job)
{
	int r;

	if (!gateway || gateway->running)
		return rig_fail(-EINVAL, "gateway: NULL, or a run is in "
					 "progress");
	r = run_submit(gateway->pool, job, NULL, gateway);
	if (r < 0)
		return r;
	gateway->running = true;
	gateway->settle_at = clock_after(SETTLE_NS);
	return 0;
}

bool rig_gateway_take(struct rig_gateway *gateway, struct rig_parcel *parcel)
{
	struct rig_request *request = NULL;

	if (gateway && parcel)
		request = mail_gateway_take(gateway->mail);
	if (!request)
		return false;
	*parcel = (struct rig_parcel){
		.to = (int)request->far - 1,
		.from = first_of(gateway) + request->peer,
		.context = request->context,
		.tag = request->tag,
		.team_rank = (uint32_t)request->from,
		.bytes = request->whole,
		.data = request->buffer,
	};
	if (!request->lend) {
		free(request);
		return true;
	}
	parcel->lent = request;
	request->orphan = !gateway->running;
	request->next = gateway->lent;
	gateway->lent = request;
	return true;
}

static void take_from(struct rig_request **at,
		      const struct rig_request *request)
{
	while (*at && *at != request)
		at = &(*at)->next;
	if (*at)
		*at = request->next;
}

void rig_gateway_sent(struct rig_gateway *gateway, void *lent)
{
	struct rig_request *request = lent;

	if (!gateway || !request)
		return;
	take_from(&gateway->lent, request);
	if (!request->orphan)
		mail_give_back(gateway->mail, request->peer, request->loan);
	free_request(request);
}

int rig_gateway_give(struct rig_gateway *gateway,
		     const struct rig_parcel *parcel)
{
	struct rig_request *request;
	int to, size;
	int r = need(gateway, "gateway: the gateway");

	if (r == 0)
		r = need(parcel, "gateway: the parcel");
	if (r < 0)
		return r;
	to = parcel->to - first_of(gateway);
	size = gateway->pool->startup.size;
	if (!gateway->running || to < 0 || to >= size || parcel->from < 0 ||
	    parcel->from >= gateway->hosts.firsts[gateway->hosts.count]) {
		free(parcel->data);
		return rig_fail(-EINVAL,
				"gateway: a message for rank %d, and this "
				"host's are %d to %d, or nothing runs",
				parcel->to, first_of(gateway),
				first_of(gateway) + size - 1);
	}
	request = calloc(1, sizeof(*request));
	if (!request) {
		free(parcel->data);
		return rig_fail_errno(-ENOMEM, "gateway");
	}
	request->context = parcel->context;
	request->peer = to;
	request->tag = parcel->tag;
	request->from = (int)parcel->team_rank;
	request->far = (uint32_t)parcel->from + 1;
	request->buffer = parcel->data;
	request->bytes = parcel->bytes;
	request->token = parcel->data ? NULL : parcel->token;
	request->next = gateway->given;
	gateway->given = request;
	mail_send(gateway->mail, request);
	return 0;
}

/* Let go of messages that are sent on. */
static void sweep(struct rig_gateway *gateway)
{
	struct rig_request **at = &gateway->given, *request;

	while ((request = *at)) {
		if (request->stage != STAGE_DONE) {
			at = &request->next;
			continue;
		}
		*at = request->next;
		free_request(request);
	}
}

/* Does the memory lie in the team's, and not in a segment? */
static bool is_of_team(const struct rig_gateway *gateway, const char *data)
{
	const struct layout *layout = &gateway->rank.layout;

	return (uintptr_t)data - (uintptr_t)layout->control < layout->map_bytes;
}

bool rig_gateway_place(struct rig_gateway *gateway, struct rig_place *place)
{
	struct rig_request *request = gateway && place ? gateway->given : NULL;

	for (; request; request = request->next)
		if (request->token && !request->told &&
		    (request->stage == STAGE_PLACE || request->orphan))
			break;
	if (!request)
		return false;
	*place = (struct rig_place){ .token = request->token,
				     .bytes = request->bytes };
	request->told = true;
	if (request->orphan) {
		take_from(&gateway->given, request);
		free_request(request);
		return true;
	}
	place->data = request->buffer;
	place->handle = request;
	return true;
}

void rig_gateway_placed(struct rig_gateway *gateway, void *handle)
{
	struct rig_request *request = handle;

	if (!gateway || !request)
		return;
	if (!request->orphan) {
		mail_gateway_placed(gateway->mail, request);
		return;
	}
	/* The heaps of the next team are zeros. */
	if (request->direct && is_of_team(gateway, request->buffer))
		memset(request->buffer, 0, request->bytes);
	take_from(&gateway->given, request);
	free_request(request);
}

/* No rank waits any more for what is under way. */
static void orphan_all(struct rig_gateway *gateway)
{
	for (struct rig_request *request = gateway->given; request;
	     request = request->next)
		request->orphan = request->token != NULL;
	for (struct rig_request *request = gateway->lent; request;
	     request = request->next)
		request->orphan = true;
}

static bool progress(struct rig_gateway *gateway)
{
	bool moved = mail_progress(gateway->mail);

	sweep(gateway);
	return moved;
}

/* The run has ended with `r`.  Its ranks send no more messages; messages are left
 * only if the team's memory is. */
static int finish(struct rig_gateway *gateway, int r)
{
	while (r == 0 && progress(gateway))
		;
	orphan_all(gateway);
	gateway->running = false;
	run_end_turn(gateway->pool);
	return r;
}

/* Has the run ended, or passed its limit?  -EAGAIN, or its code. */
static int settle(struct rig_gateway *gateway)
{
	struct rig_pool *pool = gateway->pool;
	int r;

	if (!dispatch_has_news(pool->startup.layout.dispatch) &&
	    clock_ns() < gateway->settle_at)
		return -EAGAIN;
	gateway->settle_at = clock_after(SETTLE_NS);
	r = run_wait(pool, clock_ns());
	return pool->posted ? -EAGAIN : finish(gateway, r);
}

/* Until a rank rings, or `until`. */
static void sleep_until(struct rig_gateway *gateway, uint64_t until)
{
	struct mailbox_shm *box = gateway->mail->box;
	uint64_t rung = mailbox_arm(box);

	if (!progress(gateway))
		(void)mailbox_sleep(box, rung, until);
	mailbox_disarm(box);
}

static bool has_outbound(const struct rig_gateway *gateway)
{
	for (const struct rig_request *request = gateway->mail->outbound;
	     request; request = request->next)
		if (request->stage == STAGE_DONE)
			return true;
	return false;
}

int rig_gateway_poll(struct rig_gateway *gateway, uint64_t deadline_ns)
{
	if (!gateway || !gateway->running)
		return rig_fail(-EINVAL, "gateway: no run to get on with");
	for (;;) {
		const bool moved = progress(gateway);
		const int r = settle(gateway);
		uint64_t look;

		if (r != -EAGAIN || has_outbound(gateway))
			return r;
		if (moved)
			continue;
		if (deadline_ns == 0 || clock_ns() >= deadline_ns)
			return -EAGAIN;
		look = clock_after(LOOK_NS);
		sleep_until(gateway, look < deadline_ns ? look : deadline_ns);
	}
}

bool rig_gateway_is_quiet(struct rig_gateway *gateway)
{
	if (!gateway || !gateway->running ||
	    dispatch_anyone_awake(gateway->pool->startup.layout.dispatch))
		return false;
	/* Messages sent before are read, and the ranks still sleep. */
	while (progress(gateway))
		;
	for (const struct rig_request *request = gateway->given; request;
	     request = request->next)
		if (request->stage == STAGE_PLACE)
			return false;
	return !gateway->mail->outbound && rank_all_wait(&gateway->rank);
}

int rig_gateway_end(struct rig_gateway *gateway, bool deadlock)
{
	struct rig_pool *pool;
	int r = need(gateway, "gateway: the gateway");

	if (r < 0)
		return r;
	if (!gateway->running)
		return rig_fail(-EINVAL, "gateway: no run to end");
	pool = gateway->pool;
	r = run_wait(pool, clock_ns());
	if (pool->posted)
		r = run_stop(pool, deadlock ? RIG_END_DEADLOCK : RIG_END_HOST);
	return finish(gateway, r);
}
