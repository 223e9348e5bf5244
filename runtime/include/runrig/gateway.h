/* SPDX-License-Identifier: MIT */
/*
 * gateway.h - a run over several hosts: the world in a kernel, and what carries
 * messages from one host's pool to another's.
 *
 * In a kernel rig_team_world() is the team of all hosts.  In the caller a gateway
 * hands out what the pool's ranks send to ranks of other hosts, and takes in what
 * comes for them.  Who moves a parcel from one gateway to another is no affair of
 * this library: hosts.h does so by an MPI library.
 *
 *	rig_gateway_open(&gateway, pool, &world);
 *	rig_gateway_submit(gateway, &job);
 *	do {
 *		while (rig_gateway_take(gateway, &parcel))
 *			... send the parcel to the host of rank parcel.to
 *		while (... a parcel has come)
 *			rig_gateway_give(gateway, &parcel);
 *	} while (rig_gateway_poll(gateway, deadline_ns) == -EAGAIN);
 *	rig_gateway_close(gateway);
 *
 * A gateway belongs to one thread of the caller.
 */
#ifndef RUNRIG_GATEWAY_H
#define RUNRIG_GATEWAY_H

#include <stdbool.h>

#include <runrig/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_gateway; /* in this process */

/* Which part of the world of all hosts a pool is. */
struct rig_world {
	int hosts; /* at least 1, at most RIG_HOSTS_MAX */
	int own;   /* the pool's number among the hosts */
	/* The number of each host's first rank; firsts[hosts]: how many ranks
	 * there are in all, at most RIG_WORLD_MAX.  Copied. */
	const int *firsts;
	/* Not 0: long messages are sent from the ranks' memory and received into
	 * the ranks' memory, where that memory is shared.  The user of the gateway
	 * then heeds rig_parcel.lent, and calls rig_gateway_place(). */
	uint64_t in_place;
	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/* A message under way from one host to another. */
struct rig_parcel {
	int to;   /* in the world */
	int from; /* in the world */
	/* The rest is for the receiver's library alone. */
	uint32_t context;
	int32_t tag;
	uint32_t team_rank;
	size_t bytes;
	void *data; /* from malloc(), unless `lent` is not NULL */
	/* Where the world is in place.  In a parcel taken: not NULL, the data lies
	 * in a rank's memory, where the data stays until rig_gateway_sent(lent). */
	void *lent;
	/* In a parcel given: not NULL, and `data` is NULL: the data is yet to be
	 * received, into the place that rig_gateway_place() tells for `token`. */
	void *token;
};

/* Where the data of a parcel is to be received. */
struct rig_place {
	void *token; /* of the parcel */
	void *data;  /* NULL: no rank wants the data, which is to be dropped */
	size_t bytes;
	void *handle; /* for rig_gateway_placed(); where data is NULL, NULL */
};

/*
 * In a kernel: the team of all ranks of all hosts, by hosts and then by ranks;
 * every verb of collective.h, nonblocking.h, message.h, cart.h and share.h works on
 * it, and none of symmetric.h.  In a run of one pool, the team of the pool.  Valid
 * until the end of the run; never waits.  NULL, and the run fails: no memory.
 */
RIG_API struct rig_team *rig_team_world(struct rig_team *team);

/* In a kernel: how many hosts run it, and, unless `own` is NULL, this one's number.
 * Never waits. */
RIG_API int rig_team_hosts(const struct rig_team *team, int *own);

/* In a kernel: the number in the world of the first rank of `host`; where `host` is
 * the number of hosts, the size of the world.  -1: out of range.  Never waits. */
RIG_API int rig_team_host_first(const struct rig_team *team, int host);

/* Make the gateway of a pool, which outlives it.  0, -EINVAL: the world cannot be,
 * or is not as large here as the pool; or -ENOMEM.  Never waits. */
RIG_API int rig_gateway_open(struct rig_gateway **gateway,
			     struct rig_pool *pool,
			     const struct rig_world *world);

/* NULL is allowed.  No run is in progress. */
RIG_API void rig_gateway_close(struct rig_gateway *gateway);

/* As rig_pool_submit(), with the world as the kernel's rig_team_world(). */
RIG_API int rig_gateway_submit(struct rig_gateway *gateway,
			       const struct rig_job *job);

/* Take the next parcel that a rank sends: its data is the caller's, unless the data
 * is lent.  false: there is none now.  Never waits. */
RIG_API bool rig_gateway_take(struct rig_gateway *gateway,
			      struct rig_parcel *parcel);

/* Give a parcel that has come: its data is the gateway's from now on, also in case
 * of an error; a token stays the caller's in that case.  0, -EINVAL: it is for no rank here, or no run is in progress; or
 * -ENOMEM.  Never waits. */
RIG_API int rig_gateway_give(struct rig_gateway *gateway,
			     const struct rig_parcel *parcel);

/*
 * The data of a lent parcel has been sent: `lent` is that of the parcel, once, also
 * after the run's end.  The memory must not be read any more.  Nothing happens where
 * `gateway` or `lent` is NULL.  Never waits.
 */
RIG_API void rig_gateway_sent(struct rig_gateway *gateway, void *lent);

/*
 * Tell the next place into which the data of a parcel that was given with a token is
 * to be received.  Each parcel with a token gets a single place, sooner or later; also
 * after the run's end, when no rank wants the data.  false: there is none now, or an
 * argument is NULL.  Never waits.
 */
RIG_API bool rig_gateway_place(struct rig_gateway *gateway,
			       struct rig_place *place);

/* The data is in its place: `handle` is that of the place, once, also after the run's
 * end.  Nothing happens where `gateway` or `handle` is NULL.  Never waits. */
RIG_API void rig_gateway_placed(struct rig_gateway *gateway, void *handle);

/*
 * Get on with the run until something is to be taken, or it has ended, or until
 * deadline_ns (0: do not wait).  Returns -EAGAIN while the run goes on, else what
 * the run returned, as rig_pool_wait(): then no worker is in the kernel any more,
 * and what ranks have sent is still to be taken.
 */
RIG_API int rig_gateway_poll(struct rig_gateway *gateway, uint64_t deadline_ns);

/*
 * Whether only a parcel can wake a rank of the host: every rank that has not
 * returned waits for another rank, no rank waits for a message that has been
 * given, and all messages that ranks have sent are taken.  Never waits.
 */
RIG_API bool rig_gateway_is_quiet(struct rig_gateway *gateway);

/*
 * End the run: another host's part has ended badly, or (`deadlock`) all hosts are
 * quiet and no parcel is under way.  Returns what rig_gateway_poll() returns of a
 * run that has ended: -ECANCELED and the end RIG_END_HOST, -EDEADLK, or what the
 * run itself came to in the meantime.  Waits until no worker is in the kernel.
 */
RIG_API int rig_gateway_end(struct rig_gateway *gateway, bool deadlock);

#ifdef __cplusplus
}
#endif

#endif
