/* SPDX-License-Identifier: MIT */
/*
 * fake_world.h - hosts without an MPI, and without pools: an engine and gateways
 * that a test drives, under a clock of the test's own.
 *
 * Every host is a coroutine of one thread.  Wherever a host looks for a message, for
 * an agreement or at its gateway, another host may go on: which one, and how late each
 * message arrives, follows from a seed.  So the compiled hosts_join.c,
 * hosts_run.c and hosts_zero.c meet thousands of orders, and an order that fails can be repeated.
 */
#ifndef RUNRIG_FAKE_WORLD_H
#define RUNRIG_FAKE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_HOSTS_MAX 6
#define FAKE_OPS_MAX   40

/* The next step of a host's part of a run. */
enum fake_op {
	FAKE_STEP,   /* a step that no other host sees */
	FAKE_SEND,   /* a parcel to host `to` */
	FAKE_TAKE,   /* wait for a parcel of any host */
	FAKE_SPIN,   /* compute, for ever */
	FAKE_RETURN, /* the part ends with `code` */
};

struct fake_step {
	enum fake_op op;
	int to;
	int code;
};

/* A host's part of a run, ended by FAKE_RETURN; or a job that cannot be posted. */
struct fake_part {
	int refused; /* 0, or the code of rig_gateway_submit() */
	struct fake_step steps[FAKE_OPS_MAX];
};

/* Troubles of a host. */
struct fake_trouble {
	bool no_pool;
	bool no_gateway;
	bool other_version;
	int ranks;       /* in the pool; 0: 1 */
	int stops_after; /* switches in its first run, as by SIGSTOP; 0: never */
	bool no_memory;  /* for the engine's messages */
};

struct fake_world {
	int hosts;
	struct fake_trouble trouble[FAKE_HOSTS_MAX];
	struct fake_part parts[FAKE_HOSTS_MAX]; /* in the run at hand */
	/* After fake_run(). */
	bool aborted;       /* a host has called MPI_Abort() */
	bool hung;          /* the hosts have not come to an end */
	uint64_t took_ns;   /* on the clock of the test */
	const char *broken; /* a promise of the engine or gateway; NULL: none */
};

/* Run `main` on every host, to the end of all hosts, an abort or a hang. */
void fake_run(struct fake_world *world, unsigned seed, void (*main)(int host));

/* A number from 0 to `below` - 1, which follows from the seed. */
unsigned fake_random(unsigned below);

/* The host that runs, and the world. */
int fake_host(void);
struct fake_world *fake_at(void);

/* Let other hosts run; and for a time on the clock of the test. */
void fake_yield(void);
void fake_sleep(uint64_t ns);
uint64_t fake_now(void);

/* A promise is broken: keeps the first words. */
void fake_break(const char *words);

/* Wait until all hosts that live have come here as often; not in a run. */
void fake_meet(void);

/* Messages that were sent, and not received. */
size_t fake_under_way(void);

/* A run has begun on this host. */
void fake_begin_run(void);

/* A pool for rig_hosts_join(); NULL: the host has none. */
struct rig_pool *fake_pool(void);

#endif
