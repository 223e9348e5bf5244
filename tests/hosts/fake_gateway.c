/* SPDX-License-Identifier: MIT */
/*
 * fake_gateway.c - the pool and the gateway of a host of fake_world.h: a part of a
 * run is a list of steps, done a few at a time.
 */
#include "fake_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/gateway.h>
#include <runrig/pool.h>
#include <runrig/report.h>

#include "hosts/engine.h"

/* In a parcel. */
#define MARK UINT64_C(0x72756e726967)

/* The pool of each host; a host without a pool has NULL. */
struct rig_pool {
	struct rig_report report;
	char text[200];
};

struct rig_gateway {
	int own;
	int firsts[FAKE_HOSTS_MAX + 1];
	bool running;
	uint32_t run;
	int step;
	int given, taken; /* parcels that came, and that the part has taken */
	int outgoing[FAKE_OPS_MAX], sent, fetched;
	/* Long parcels, sent from memory of the part, which waits for the end;
	 * and parcels whose data is yet to come. */
	uint64_t *lent;
	struct offer *offers;
	uint64_t limit_at; /* 0: none */
};

/* A parcel whose data is yet to come. */
struct offer {
	struct offer *next;
	void *token;
	uint64_t *data; /* the place, where the place is told */
};

#define LONG_BYTES ((size_t)LATER_BYTES)

static struct rig_pool pools[FAKE_HOSTS_MAX];

struct rig_pool *fake_pool(void)
{
	struct rig_pool *pool = &pools[fake_host()];

	*pool = (struct rig_pool){ .text = "" };
	pool->report.text = pool->text;
	return fake_at()->trouble[fake_host()].no_pool ? NULL : pool;
}

int rig_pool_size(const struct rig_pool *pool)
{
	const int ranks = fake_at()->trouble[pool - pools].ranks;

	return ranks ? ranks : 1;
}

const struct rig_report *rig_pool_report(const struct rig_pool *pool)
{
	return &pool->report;
}

int rig_version(void)
{
	return fake_at()->trouble[fake_host()].other_version ? 2 : 1;
}

int rig_gateway_open(struct rig_gateway **out, struct rig_pool *pool,
		     const struct rig_world *world)
{
	struct rig_gateway *gateway;

	(void)pool;
	if (fake_at()->trouble[fake_host()].no_gateway)
		return rig_why_set(-ENOMEM, "gateway: no memory");
	gateway = calloc(1, sizeof(*gateway));
	if (!gateway)
		return -ENOMEM;
	gateway->own = world->own;
	memcpy(gateway->firsts, world->firsts,
	       ((size_t)world->hosts + 1) * sizeof(*world->firsts));
	*out = gateway;
	return 0;
}

void rig_gateway_close(struct rig_gateway *gateway)
{
	if (gateway && gateway->running)
		fake_break("a gateway is closed in the middle of a run");
	if (gateway && (gateway->lent || gateway->offers))
		fake_break("a gateway is closed with data under way");
	free(gateway);
}

static const struct fake_part *part_of(const struct rig_gateway *gateway)
{
	return &fake_at()->parts[gateway->own];
}

int rig_gateway_submit(struct rig_gateway *gateway, const struct rig_job *job)
{
	const int refused = part_of(gateway)->refused;

	if (gateway->lent || gateway->offers)
		fake_break("a run begins with data under way");
	gateway->run++;
	fake_begin_run();
	if (refused)
		return rig_why_set(refused, "the job cannot be posted");
	gateway->running = true;
	gateway->step = gateway->given = gateway->taken = 0;
	gateway->sent = gateway->fetched = 0;
	gateway->limit_at = job->limit_ns ? fake_now() + job->limit_ns : 0;
	return 0;
}

bool rig_gateway_take(struct rig_gateway *gateway, struct rig_parcel *parcel)
{
	uint64_t *data;

	if (gateway->fetched == gateway->sent)
		return false;
	data = malloc(sizeof(*data));
	*data = MARK + gateway->run;
	*parcel = (struct rig_parcel){
		.to = gateway->firsts[gateway->outgoing[gateway->fetched++]],
		.from = gateway->firsts[gateway->own],
		.context = gateway->run,
		.tag = 1,
		.bytes = sizeof(*data),
		.data = data,
	};
	if (!fake_random(2) || gateway->lent)
		return true;
	/* The part waits until the data is sent: see advance(). */
	free(data);
	data = calloc(1, LONG_BYTES);
	*data = MARK + gateway->run;
	parcel->data = parcel->lent = gateway->lent = data;
	parcel->bytes = LONG_BYTES;
	return true;
}

void rig_gateway_sent(struct rig_gateway *gateway, void *lent)
{
	if (!lent)
		return;
	if (lent != gateway->lent)
		fake_break("data that is not lent has been sent");
	free(gateway->lent);
	gateway->lent = NULL;
}

bool rig_gateway_place(struct rig_gateway *gateway, struct rig_place *place)
{
	struct offer **at = &gateway->offers, *offer;

	for (; (offer = *at); at = &offer->next)
		if (!offer->data && (!gateway->running || fake_random(2)))
			break;
	if (!offer)
		return false;
	*place = (struct rig_place){ .token = offer->token,
				     .bytes = LONG_BYTES };
	if (!gateway->running) {
		*at = offer->next;
		free(offer);
		return true;
	}
	place->data = offer->data = calloc(1, LONG_BYTES);
	place->handle = offer;
	return true;
}

void rig_gateway_placed(struct rig_gateway *gateway, void *handle)
{
	struct offer **at = &gateway->offers, *offer = handle;

	if (!offer)
		return;
	while (*at && *at != offer)
		at = &(*at)->next;
	if (!*at) {
		fake_break("a place that was not told is filled");
		return;
	}
	if (*offer->data != MARK + gateway->run)
		fake_break("the data of another run");
	gateway->given += gateway->running;
	*at = offer->next;
	free(offer->data);
	free(offer);
}

int rig_gateway_give(struct rig_gateway *gateway,
		     const struct rig_parcel *parcel)
{
	const uint64_t *data = parcel->data;
	struct offer *offer;

	if (!gateway->running)
		fake_break("a parcel is given to a part that has ended");
	if (parcel->context != gateway->run ||
	    (data && *data != MARK + gateway->run))
		fake_break("a parcel of an earlier run");
	if (parcel->to != gateway->firsts[gateway->own])
		fake_break("a parcel for another host");
	if (parcel->token) {
		offer = malloc(sizeof(*offer));
		*offer = (struct offer){ .next = gateway->offers,
					 .token = parcel->token };
		gateway->offers = offer;
		return 0;
	}
	free(parcel->data);
	gateway->given++;
	return 0;
}

/* The part ends. */
static int end(struct rig_gateway *gateway, int code, const char *words)
{
	struct rig_pool *pool = &pools[gateway->own];

	gateway->running = false;
	pool->report.code = code;
	pool->text[0] = 0;
	if (code)
		snprintf(pool->text, sizeof(pool->text),
			 "%s of host %d, code %d\n", words, gateway->own, code);
	if (code < 0) {
		gateway->fetched = gateway->sent;
		(void)rig_why_set(code, words);
	}
	return code;
}

/* One step, if the part can take one; -EAGAIN, or the code of its end. */
static int advance(struct rig_gateway *gateway, bool *moved)
{
	const struct fake_step *step = &part_of(gateway)->steps[gateway->step];

	*moved = true;
	if (gateway->lent) {
		*moved = false;
		return -EAGAIN;
	}
	switch (step->op) {
	case FAKE_SEND:
		gateway->outgoing[gateway->sent++] = step->to;
		break;
	case FAKE_TAKE:
		if (gateway->taken == gateway->given) {
			*moved = false;
			return -EAGAIN;
		}
		gateway->taken++;
		break;
	case FAKE_RETURN:
		return end(gateway, step->code, "the part failed");
	case FAKE_SPIN:
		*moved = false;
		return -EAGAIN;
	case FAKE_STEP:
		break;
	}
	gateway->step++;
	return -EAGAIN;
}

int rig_gateway_poll(struct rig_gateway *gateway, uint64_t deadline_ns)
{
	int most = (int)fake_random(3);
	bool moved = true;
	int r = -EAGAIN;

	if (!gateway->running)
		fake_break("a gateway is polled, and nothing runs");
	if (deadline_ns > fake_now())
		fake_sleep(fake_random((unsigned)(deadline_ns - fake_now())));
	else
		fake_yield();
	while (r == -EAGAIN && moved && most-- > 0)
		r = advance(gateway, &moved);
	if (r == -EAGAIN && gateway->limit_at && fake_now() > gateway->limit_at)
		r = end(gateway, -ETIMEDOUT, "the limit has passed");
	return r;
}

bool rig_gateway_is_quiet(struct rig_gateway *gateway)
{
	return gateway->running && gateway->taken == gateway->given &&
	       gateway->fetched == gateway->sent && !gateway->offers &&
	       (gateway->lent ||
		part_of(gateway)->steps[gateway->step].op == FAKE_TAKE);
}

int rig_gateway_end(struct rig_gateway *gateway, bool deadlock)
{
	bool moved = fake_random(3) == 0;
	int r = -EAGAIN;

	if (!gateway->running)
		fake_break("a part is ended that has ended");
	/* The part may come to its own end in the meantime. */
	while (r == -EAGAIN && moved)
		r = advance(gateway, &moved);
	if (r != -EAGAIN)
		return r;
	return deadlock ? end(gateway, -EDEADLK, "every rank waits")
			: end(gateway, -ECANCELED, "another host has failed");
}
