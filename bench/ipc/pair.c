/* SPDX-License-Identifier: MIT */
/*
 * pair.c - pairs of pinned sides, which get orders over sockets.
 *
 * The sides are forked from the driver and wait for orders; between visits the sides
 * sleep.  The two sides of a thread control are threads of one such process; the only
 * side of a solo control does the work of both ends.
 */
#include "ipc/pair.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/latency_histogram.h"
#include "driver/machine.h"
#include "ipc/side.h"
#include "driver/stopwatch.h"

#define ANSWER_MS 60000

/* From an order to the time the first message of a rate is due. */
#define LEAD_NS 300000

/* A side without news of a death after this time gets no news any more. */
#define NEVER_MS 200

/* In the driver: one end. */
struct end {
	pid_t pid; /* 0: the end is a thread of the other end's process */
	int orders;
};

struct pair {
	struct pair_arg arg;
	clockid_t clock;
	int ends; /* ends that answer, of all pairs */
	struct end end[2 * PAIRS_MAX];
	struct link link[PAIRS_MAX];
	struct side_answer answers[2 * PAIRS_MAX];
	struct histogram *histogram;
	struct case_binding binding;
};

/* Ends of a pair: a control that does the work of both ends has one end. */
static int ends_of(const struct pair_arg *arg)
{
	return arg->transport->solo ? 1 : 2;
}

/* The hub of a fan is end 0 and has all links; each other end has one link. */
static void make_fan_side(const struct pair *p, int end, int orders,
			  struct side *s)
{
	int pair = end ? end - 1 : 0;

	*s = (struct side){ .arg = &p->arg,
			    .link = p->link[pair],
			    .clock = p->clock,
			    .cpu = p->arg.cpu[pair][end > 0],
			    .orders = orders };
	s->link.side = end > 0;
	if (end)
		return;
	/* The thread lives as long as the side's process. */
	s->fan = calloc((size_t)p->arg.pairs, sizeof(*s->fan));
	for (int i = 0; s->fan && i < p->arg.pairs; i++)
		s->fan[i].link = p->link[i];
}

static void make_side(const struct pair *p, int end, int orders, struct side *s)
{
	int ends = ends_of(&p->arg);
	int pair = end / ends;

	*s = (struct side){ .arg = &p->arg,
			    .link = p->link[pair],
			    .clock = p->clock,
			    .cpu = p->arg.cpu[pair][end % ends],
			    .orders = orders,
			    .histogram = end < ends ? p->histogram : NULL };
	s->link.side = end % ends;
}

/* In the child: end `end`, and where ends are threads the next end too. */
static void end_process(const struct pair *p, int end, const int *theirs)
{
	struct side sides[2];
	pthread_t thread;
	bool threads = p->arg.transport->threads;

	for (int i = 0; i < p->ends; i++) {
		if (p->end[i].orders >= 0)
			close(p->end[i].orders);
		/* The others' too, or nobody would see end of file. */
		if (i != end && !(threads && i == end + 1) && theirs[i] >= 0)
			close(theirs[i]);
	}
	if (pair_fans(&p->arg))
		make_fan_side(p, end, theirs[end], &sides[0]);
	else
		make_side(p, end, theirs[end], &sides[0]);
	side_begin();
	if (threads) {
		make_side(p, end + 1, theirs[end + 1], &sides[1]);
		if (pthread_create(&thread, NULL, side_obey, &sides[1]) != 0)
			_exit(1);
	}
	(void)side_obey(&sides[0]);
	_exit(0);
}

static void destroy_links(struct pair *p)
{
	for (int i = 0; i < p->arg.pairs; i++)
		p->arg.transport->destroy(&p->link[i]);
}

static void pair_close(void *state)
{
	struct pair *p = state;

	for (int i = 0; i < p->ends; i++)
		link_close(&p->end[i].orders);
	for (int i = 0; i < p->ends; i++) {
		if (p->end[i].pid <= 0)
			continue;
		/* The end sleeps on a socket, or hangs in a transfer. */
		kill(p->end[i].pid, SIGKILL);
		waitpid(p->end[i].pid, NULL, 0);
	}
	destroy_links(p);
	if (p->histogram)
		munmap(p->histogram, sizeof(*p->histogram));
	free(p);
}

static int start_ends(struct pair *p, char *why)
{
	int theirs[2 * PAIRS_MAX];
	int step = p->arg.transport->threads ? 2 : 1;
	int r = 0;

	memset(theirs, 0xff, sizeof(theirs));
	for (int i = 0; i < p->ends && r == 0; i++) {
		int sockets[2];

		r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			       sockets);
		if (r < 0) {
			r = link_fail(why, "socketpair");
			break;
		}
		p->end[i].orders = sockets[0];
		theirs[i] = sockets[1];
	}
	fflush(NULL);
	for (int i = 0; i < p->ends && r == 0; i += step) {
		p->end[i].pid = fork();
		if (p->end[i].pid == 0)
			end_process(p, i, theirs);
		if (p->end[i].pid < 0)
			r = link_fail(why, "fork");
	}
	for (int i = 0; i < p->ends; i++)
		link_close(&theirs[i]);
	return r;
}

/* One answer.  0 or -errno with words. */
static int hear(struct pair *p, int end, char *why)
{
	struct side_answer *a = &p->answers[end];

	if (recv(p->end[end].orders, a, sizeof(*a), 0) != (ssize_t)sizeof(*a)) {
		snprintf(why, CASE_WHY_BYTES, "a side died");
		return -EOWNERDEAD;
	}
	if (a->code < 0)
		snprintf(why, CASE_WHY_BYTES, "%s", a->why);
	return a->code;
}

/* Take the answer of every end; the first error is the pair's, for the other ends may
 * wait for ever for the failed end. */
static int collect(struct pair *p, char *why)
{
	struct pollfd ready[2 * PAIRS_MAX];
	int missing = p->ends;
	int r = 0;

	for (int i = 0; i < p->ends; i++)
		ready[i] = (struct pollfd){ p->end[i].orders, POLLIN, 0 };
	while (missing > 0 && r == 0) {
		int n = poll(ready, (nfds_t)p->ends, ANSWER_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			snprintf(why, CASE_WHY_BYTES, "no answer in %d s",
				 ANSWER_MS / 1000);
			return -ETIMEDOUT;
		}
		for (int i = 0; i < p->ends && r == 0; i++) {
			if (!ready[i].revents)
				continue;
			r = hear(p, i, why);
			ready[i].fd = -1;
			missing--;
		}
	}
	return r;
}

static int tell(struct pair *p, enum order_what what, uint64_t count, char *why)
{
	const struct side_order order = { what, count,
					  stopwatch_ns(p->clock) + LEAD_NS };

	for (int i = 0; i < p->ends; i++)
		if (send(p->end[i].orders, &order, sizeof(order),
			 MSG_NOSIGNAL) < 0)
			return link_fail(why, "a side died");
	return 0;
}

static int command(struct pair *p, enum order_what what, uint64_t count,
		   char *why)
{
	int r = tell(p, what, count, why);

	return r == 0 ? collect(p, why) : r;
}

static void note_bindings(struct pair *p)
{
	for (int i = 0; i < p->ends; i++) {
		pid_t pid = p->end[i].pid ? p->end[i].pid : p->end[i - 1].pid;

		p->binding.worker[i].pid = (int)pid;
		p->binding.worker[i].cpu = p->answers[i].cpu;
		p->binding.worker[i].cpus = p->answers[i].cpus;
	}
	p->binding.workers = p->ends;
}

static int create_links(struct pair *p, char *why)
{
	int r = link_fits(&p->arg, why);

	for (int i = 0; i < p->arg.pairs && r == 0; i++)
		r = p->arg.transport->create(&p->link[i], why);
	return r;
}

static int pair_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct pair *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->arg = *(const struct pair_arg *)arg;
	p->clock = clock;
	p->ends = pair_fans(&p->arg) ? p->arg.pairs + 1
				     : p->arg.pairs * ends_of(&p->arg);
	for (int i = 0; i < p->ends; i++)
		p->end[i].orders = -1;
	for (int i = 0; i < p->arg.pairs; i++)
		link_init(&p->link[i], &p->arg);
	p->histogram = mmap(NULL, sizeof(*p->histogram), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->histogram == MAP_FAILED) {
		free(p);
		return -ENOMEM;
	}
	r = create_links(p, why);
	if (r == 0)
		r = start_ends(p, why);
	if (r == 0)
		r = collect(p, why);
	if (r < 0) {
		pair_close(p);
		return r == -EMSGSIZE ? -ENOTSUP : r;
	}
	note_bindings(p);
	*state = p;
	return 0;
}

static void cost_add(struct timing_cost *sum, const struct timing_cost *cost)
{
	sum->cpu_ns += cost->cpu_ns;
	for (int i = 0; i < 2; i++) {
		sum->switches[i] += cost->switches[i];
		sum->faults[i] += cost->faults[i];
	}
}

static int pair_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct pair *p = state;
	int r = command(p, ORDER_RUN, count, why);

	if (r < 0)
		return r;
	timing->measured = p->arg.pattern == PATTERN_RATE;
	timing->ranks = timing->measured ? 0 : p->ends;
	for (int i = 0; i < p->ends; i++) {
		timing->value += (double)p->answers[i].late_ns /
				 (double)(count * (uint64_t)p->arg.pairs);
		timing->rank[i].begin_ns = p->answers[i].begin_ns;
		timing->rank[i].end_ns = p->answers[i].end_ns;
		cost_add(&timing->cost, &p->answers[i].cost);
	}
	return 0;
}

static int pair_each(void *state, uint64_t count, struct histogram *histogram,
		     char *why)
{
	struct pair *p = state;
	int r;

	memset(p->histogram, 0, sizeof(*p->histogram));
	r = command(p, ORDER_EACH, count, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < HISTOGRAM_BINS; i++)
		histogram->bin[i] += p->histogram->bin[i];
	histogram->n += p->histogram->n;
	if (p->histogram->max > histogram->max)
		histogram->max = p->histogram->max;
	return 0;
}

/* The memory of all sides together. */
static double pss_of(const struct pair *p)
{
	double sum = 0;

	for (int i = 0; i < p->ends; i++)
		if (p->end[i].pid > 0)
			sum += machine_pss_bytes((int)p->end[i].pid);
	return sum;
}

static int pair_verify(void *state, char *why)
{
	struct pair *p = state;
	int r = command(p, ORDER_VERIFY, 0, why);

	p->binding.memory = p->answers[0].memory;
	p->binding.pss_bytes = pss_of(p);
	return r;
}

static void pair_bound(void *state, struct case_binding *binding)
{
	struct pair *p = state;

	*binding = p->binding;
}

/* A crash: the sides are made afresh each time, for side 1 dies. */

struct crash {
	struct pair_arg arg;
	clockid_t clock;
};

static int crash_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct crash *c = malloc(sizeof(*c));

	(void)why;
	if (!c)
		return -ENOMEM;
	*c = (struct crash){ *(const struct pair_arg *)arg, clock };
	*state = c;
	return 0;
}

/* Kill end 1 in the midst of messages; *told is when end 0 knew. */
static int kill_one(struct pair *p, uint64_t *killed, uint64_t *told, char *why)
{
	struct pollfd ready = { p->end[0].orders, POLLIN, 0 };
	int r;

	/* The driver's own ends too, or nobody would see end of file. */
	destroy_links(p);
	r = tell(p, ORDER_CRASH, 0, why);
	if (r == 0)
		r = hear(p, 0, why);
	if (r < 0)
		return r;
	*killed = stopwatch_ns(p->clock);
	kill(p->end[1].pid, SIGKILL);
	do
		r = poll(&ready, 1, NEVER_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0) {
		snprintf(why, CASE_WHY_BYTES,
			 "never: the other side waits, ended after %d ms",
			 NEVER_MS);
		return -ENOTSUP;
	}
	r = hear(p, 0, why);
	*told = p->answers[0].end_ns;
	return r;
}

static int crash_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	struct crash *c = state;
	uint64_t killed;
	uint64_t told;
	double sum = 0;
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		void *pair;

		r = pair_open(&c->arg, c->clock, &pair, why);
		if (r < 0)
			return r;
		r = kill_one(pair, &killed, &told, why);
		if (r == 0)
			sum += (double)(told - killed);
		pair_close(pair);
	}
	timing->measured = true;
	timing->value = sum / (double)count;
	return r;
}

static void crash_close(void *state)
{
	free(state);
}

const struct bench_ops pair_pingpong_ops = {
	.open = pair_open,
	.run = pair_run,
	.verify = pair_verify,
	.each = pair_each,
	.bound = pair_bound,
	.close = pair_close,
};

/* Also of maps. */
const struct bench_ops pair_stream_ops = {
	.open = pair_open,
	.run = pair_run,
	.verify = pair_verify,
	.bound = pair_bound,
	.close = pair_close,
};

const struct bench_ops pair_crash_ops = {
	.open = crash_open,
	.run = crash_run,
	.close = crash_close,
};
