/* SPDX-License-Identifier: MIT */
/*
 * setup.c - the cost of a link before the first message, and after the last.
 *
 * The link is made; two processes, whose start no row pays for, attach to the link,
 * each to an end; a message goes there and a message back; the processes end, and the
 * link is removed.  The sum of the three times is the sample.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/side.h"
#include "driver/stopwatch.h"

/* A side that hangs is ended after this time. */
#define HANG_S 20

/* Shared by the driver and two sides. */
struct setup_shm {
	_Atomic uint32_t here; /* sides that are about to begin */
	_Atomic uint32_t done; /* sides whose memory may go */
	struct {
		uint64_t begin_ns, end_ns; /* by the side */
		int32_t code;
		char why[CASE_WHY_BYTES];
	} side[2];
};

/* In the driver. */
struct setup {
	struct pair_arg arg;
	clockid_t clock;
	struct setup_shm *shm;
};

static void setup_close(void *state)
{
	struct setup *s = state;

	if (s->shm)
		munmap(s->shm, sizeof(*s->shm));
	free(s);
}

static int setup_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct setup *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->arg = *(const struct pair_arg *)arg;
	s->clock = clock;
	s->shm = mmap(NULL, sizeof(*s->shm), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r = s->shm == MAP_FAILED ? -ENOMEM : link_fits(&s->arg, why);
	if (s->shm == MAP_FAILED)
		s->shm = NULL;
	if (r < 0) {
		setup_close(s);
		return r;
	}
	*state = s;
	return 0;
}

/* In a side's process. */
static void setup_side(const struct setup *setup, const struct link *link,
		       int side)
{
	struct setup_shm *shm = setup->shm;
	struct side s = { .arg = &setup->arg,
			  .link = *link,
			  .clock = setup->clock,
			  .cpu = setup->arg.cpu[0][side],
			  .orders = -1 };
	int r;

	s.link.side = side;
	side_begin();
	alarm(HANG_S);
	atomic_fetch_add(&shm->here, 1);
	while (atomic_load(&shm->here) < 2)
		sched_yield();
	shm->side[side].begin_ns = stopwatch_ns(s.clock);
	r = side_attach(&s, shm->side[side].why);
	if (r == 0)
		r = side_round_trip(&s);
	shm->side[side].end_ns = stopwatch_ns(s.clock);
	shm->side[side].code = r;
	/* The memory that the other side reads out of this process stays until the
	 * other side has read. */
	atomic_fetch_add(&shm->done, 1);
	while (r == 0 && atomic_load(&shm->done) < 2)
		sched_yield();
	_exit(0);
}

/* Two processes over a link; *ns is from the first beginning to the last
 * end. */
static int use(struct setup *s, const struct link *link, uint64_t *ns,
	       char *why)
{
	struct setup_shm *shm = s->shm;
	pid_t pid[2];
	int r = 0;

	atomic_store(&shm->here, 0);
	atomic_store(&shm->done, 0);
	for (int i = 0; i < 2; i++) {
		shm->side[i].code = -EOWNERDEAD;
		*shm->side[i].why = '\0';
		fflush(NULL);
		pid[i] = fork();
		if (pid[i] == 0)
			setup_side(s, link, i);
		if (pid[i] < 0)
			r = link_fail(why, "fork");
	}
	/* A side alone ends by the alarm. */
	for (int i = 0; i < 2; i++)
		if (pid[i] > 0)
			(void)waitpid(pid[i], NULL, 0);
	for (int i = 0; i < 2 && r == 0; i++) {
		r = shm->side[i].code;
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%s", shm->side[i].why);
	}
	*ns = (shm->side[0].end_ns > shm->side[1].end_ns
		       ? shm->side[0].end_ns
		       : shm->side[1].end_ns) -
	      (shm->side[0].begin_ns < shm->side[1].begin_ns
		       ? shm->side[0].begin_ns
		       : shm->side[1].begin_ns);
	return r;
}

static int setup_once(struct setup *s, double *value, char *why)
{
	struct link link;
	uint64_t time[4];
	uint64_t used = 0;
	int r;

	link_init(&link, &s->arg);
	time[0] = stopwatch_ns(s->clock);
	r = s->arg.transport->create(&link, why);
	time[1] = stopwatch_ns(s->clock);
	if (r == 0)
		r = use(s, &link, &used, why);
	time[2] = stopwatch_ns(s->clock);
	s->arg.transport->destroy(&link);
	time[3] = stopwatch_ns(s->clock);
	*value += (double)(time[1] - time[0] + used + time[3] - time[2]);
	return r == -EMSGSIZE ? -ENOTSUP : r;
}

static int setup_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	int r = 0;

	timing->measured = true;
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = setup_once(state, &timing->value, why);
	timing->value /= (double)count;
	return r;
}

const struct bench_ops pair_setup_ops = {
	.open = setup_open,
	.run = setup_run,
	.close = setup_close,
};
