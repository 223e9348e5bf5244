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

struct rig_gateway {
	struct rig_pool *pool;
	struct rank rank;     /* at the seat, and none of the team's */
	struct rank_shm mine; /* for the words of an error; nobody reads */
	struct mail *mail;
	struct hosts_shm hosts;
	bool running;
	uint64_t settle_at;        /* the next look at the clock */
	struct rig_request *given; /* not all sent on */
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
	*out = gateway;
	return 0;
}

static void free_given(struct rig_gateway *gateway)
{
	struct rig_request *request;

	while ((request = gateway->given)) {
		gateway->given = request->next;
		free(request->buffer);
		free(request);
	}
}

void rig_gateway_close(struct rig_gateway *gateway)
{
	if (!gateway)
		return;
	free_given(gateway);
	mail_gateway_free(gateway->mail);
	free(gateway);
}

void gateway_put(struct rig_gateway *gateway, struct hosts_shm *shm)
{
	if (!gateway) {
		shm->count = 0;
		return;
	}
	free_given(gateway);
	mail_gateway_begin(gateway->mail);
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
	free(request);
	return true;
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
		free(request->buffer);
		free(request);
	}
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
