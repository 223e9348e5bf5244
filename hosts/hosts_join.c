/* SPDX-License-Identifier: MIT */
/*
 * hosts_join.c - joining the other hosts, and leaving.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <runrig/error.h>

#include "choose.h"
#include "hosts_state.h"

int hosts_fail(int code, const char *format, ...)
{
	char words[512];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof(words), format, list);
	va_end(list);
	return rig_why_set(code, words);
}

/* Every host must have the same word: the version of the library, and of the
 * messages between callers. */
static uint64_t version_word(void)
{
	const uint16_t order = 1;

	return (uint64_t)rig_version() << 32 | (uint64_t)ENGINE_VERSION << 16 |
	       (uint64_t)sizeof(struct wire_head) << 8 |
	       (uint64_t)(*(const unsigned char *)&order);
}

void hosts_combine(struct rig_hosts *hosts, int count, bool sum)
{
	(void)hosts->engine->combine(hosts->link, hosts->words, count, sum);
	for (int turns = 0; !hosts->engine->combined(hosts->link); turns++)
		hosts_pause(turns);
}

void hosts_pause(int turns)
{
	const struct timespec nap = { 0, 100000 };

	if (turns < 50)
		(void)sched_yield();
	else
		(void)nanosleep(&nap, NULL);
}

int hosts_send(struct rig_hosts *hosts, int to, const struct wire_head *head,
	       void *data, void *token)
{
	hosts->messages[to]++;
	return hosts->engine->send(hosts->link, to, head, data, token);
}

int hosts_agree(struct rig_hosts *hosts, enum hosts_step step, uint64_t sign)
{
	if (hosts->left)
		return -ECANCELED;
	hosts->words[0] = sign;
	hosts->words[1] = ~sign;
	hosts->words[2] = step == HOSTS_LEAVE;
	hosts_combine(hosts, 3, false);
	hosts->left = hosts->words[2];
	if (hosts->left)
		return -ECANCELED;
	return hosts->words[0] == sign && hosts->words[1] == ~sign ? 0
								   : -EINVAL;
}

static void destroy(struct rig_hosts *hosts)
{
	rig_gateway_close(hosts->gateway);
	if (hosts->link)
		hosts->engine->leave(hosts->link);
	free(hosts->firsts);
	free(hosts->words);
	free(hosts->messages);
	free(hosts->report);
	free(hosts);
}

/* Words of the first agreement; behind these words stand the hosts' sizes. */
enum { WORD_VERSION, WORD_VERSION_NOT, WORD_MEMORY, WORDS };

/* Learn how many ranks each host has.  Returns the same on every host. */
static int agree(struct rig_hosts *hosts)
{
	const int ranks = hosts->pool ? rig_pool_size(hosts->pool) : 0;
	const uint64_t version = version_word();
	int64_t all = 0;

	memset(hosts->words, 0,
	       (size_t)(hosts->size + WORDS) * sizeof(*hosts->words));
	hosts->words[WORD_VERSION] = version;
	hosts->words[WORD_VERSION_NOT] = ~version;
	hosts->words[WORDS + hosts->rank] = (uint64_t)ranks;
	hosts_combine(hosts, hosts->size + WORDS, false);
	if (hosts->words[WORD_VERSION] != version ||
	    hosts->words[WORD_VERSION_NOT] != ~version)
		return hosts_fail(-EPROTO,
				  "hosts: not all have the same version "
				  "of runrig");
	for (int i = 0; i < hosts->size; i++) {
		if (hosts->words[WORDS + i] == 0)
			return hosts_fail(-ECHILD, "hosts: host %d has no pool",
					  i);
		hosts->firsts[i] = (int)all;
		all += (int64_t)hosts->words[WORDS + i];
		if (all > RIG_WORLD_MAX)
			return hosts_fail(-E2BIG,
					  "hosts: more than %d ranks in all",
					  RIG_WORLD_MAX);
	}
	hosts->firsts[hosts->size] = (int)all;
	return 0;
}

/* Open the gateway, and learn whether every host has opened a gateway. */
static int open_gateway(struct rig_hosts *hosts)
{
	const struct rig_world world = { .hosts = hosts->size,
					 .own = hosts->rank,
					 .firsts = hosts->firsts,
					 .in_place = 1 };
	const int r = rig_gateway_open(&hosts->gateway, hosts->pool, &world);

	hosts->words[0] = (uint64_t)-r;
	hosts_combine(hosts, 1, false);
	if (r == 0 && hosts->words[0])
		return hosts_fail(-(int)hosts->words[0],
				  "hosts: another host has no gateway");
	return r;
}

/* Make room for the numbers of all hosts. */
static int make_room(struct rig_hosts *hosts)
{
	const size_t n = (size_t)hosts->size;

	hosts->firsts = calloc(n + 1, sizeof(*hosts->firsts));
	hosts->words = calloc(n + 8, sizeof(*hosts->words));
	hosts->messages = calloc(n, sizeof(*hosts->messages));
	hosts->report = calloc(1, 1);
	if (hosts->firsts && hosts->words && hosts->messages && hosts->report)
		return 0;
	hosts->engine->abort(hosts->link, 1);
	return hosts_fail(-ENOMEM, "hosts: no memory");
}

static int check_options(const struct rig_hosts_options *options)
{
	for (int i = 0; options && i < RIG_RESERVED_WORDS; i++)
		if (options->reserved[i])
			return hosts_fail(
				-EINVAL,
				"rig_hosts_options: reserved words are "
				"not 0");
	return 0;
}

int rig_hosts_join(struct rig_hosts **out, struct rig_pool *pool,
		   const struct rig_hosts_options *options)
{
	const bool have_fcomm = options && options->have_fcomm;
	struct rig_hosts *hosts;
	char why[320] = "";
	int r = check_options(options);

	if (r == 0 && !out)
		r = hosts_fail(-EINVAL, "hosts: NULL");
	if (r < 0)
		return r;
	hosts = calloc(1, sizeof(*hosts));
	if (!hosts)
		return hosts_fail(-ENOMEM, "hosts: no memory");
	r = choose_engine(options ? options->mpi : NULL, &hosts->engine, why,
			  sizeof(why));
	if (r == 0)
		r = hosts->engine->join(&hosts->link,
					have_fcomm ? &options->fcomm : NULL,
					why, sizeof(why));
	if (r < 0) {
		free(hosts);
		return hosts_fail(r, "%s", why);
	}
	hosts->pool = pool;
	hosts->rank = hosts->engine->rank(hosts->link);
	hosts->size = hosts->engine->size(hosts->link);
	r = hosts->size > RIG_HOSTS_MAX
		    ? hosts_fail(-E2BIG, "hosts: %d, more than %d", hosts->size,
				 RIG_HOSTS_MAX)
		    : make_room(hosts);
	if (r == 0)
		r = agree(hosts);
	if (r == 0)
		r = open_gateway(hosts);
	if (r < 0) {
		snprintf(why, sizeof(why), "%.300s", rig_why());
		destroy(hosts);
		return hosts_fail(r, "%s", why);
	}
	*out = hosts;
	return 0;
}

void rig_hosts_leave(struct rig_hosts *hosts)
{
	if (!hosts)
		return;
	/* A host that wants another run learns so. */
	(void)hosts_agree(hosts, HOSTS_LEAVE, 0);
	destroy(hosts);
}

int rig_hosts_rank(const struct rig_hosts *hosts)
{
	return hosts->rank;
}

int rig_hosts_size(const struct rig_hosts *hosts)
{
	return hosts->size;
}

int rig_hosts_first(const struct rig_hosts *hosts, int host)
{
	return host < 0 || host > hosts->size ? -1 : hosts->firsts[host];
}

const char *rig_hosts_report(const struct rig_hosts *hosts)
{
	return hosts->report;
}
