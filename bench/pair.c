/* SPDX-License-Identifier: MIT */
/*
 * pair.c - two pinned sides, told over a socket what to do.
 *
 * The sides are forked from the driver and wait for orders; between visits
 * they sleep.  Each notes its own beginning and end, so that a stream ends
 * where the last message was consumed, and what CPU time it took.  The two
 * sides of a thread control are threads of one such process, the one side of
 * a solo control does both ends' work.
 */
#include "pair.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "histogram.h"
#include "stats.h"
#include "stopwatch.h"

#define ANSWER_MS 60000
#define SLOTS     16
/* Messages of an untimed pass that compares every byte. */
#define VERIFY_MESSAGES 16

enum order_what { ORDER_RUN, ORDER_EACH, ORDER_VERIFY };

struct order {
	enum order_what what;
	uint64_t count;
};

struct answer {
	int code; /* 0 or -errno */
	uint64_t begin_ns, end_ns;
	struct lap_cost cost;
	int cpu, cpus;
	char why[CASE_WHY_BYTES];
};

/* In this process: a side at work. */
struct side {
	struct pair_arg arg;
	struct link link;
	clockid_t clock;
	int orders; /* its end of the socket */
	uint64_t out_seq, in_seq;
	struct histogram *histogram; /* shared with the driver */
};

/* In the driver. */
struct pair {
	struct pair_arg arg;
	struct link link;
	clockid_t clock;
	int sides; /* that answer */
	pid_t pid[2];
	int orders[2];
	struct histogram *histogram;
	struct case_binding binding;
};

static int send_one(struct side *s)
{
	void *data = s->link.transport->put(&s->link);
	size_t touched = s->arg.touch == TOUCH_FULL ? s->link.bytes
			 : s->link.bytes < 8        ? s->link.bytes
						    : 8;

	if (!data)
		return -errno;
	if (s->arg.sabotage != SABOTAGE_LIE)
		payload_fill(data, touched, s->out_seq);
	if (s->arg.sabotage == SABOTAGE_CORRUPT && s->link.bytes &&
	    s->out_seq % 1000 == 999)
		((char *)data)[s->link.bytes / 2] ^= 4;
	s->out_seq++;
	return s->link.transport->send(&s->link);
}

static int receive_one(struct side *s)
{
	void *data = s->link.transport->get(&s->link);
	size_t touched = s->arg.touch == TOUCH_FULL ? s->link.bytes
			 : s->link.bytes < 8        ? s->link.bytes
						    : 8;
	int r;

	if (!data)
		return errno ? -errno : -EPIPE;
	if (s->arg.sabotage != SABOTAGE_LIE &&
	    !payload_right(data, touched, s->in_seq))
		return -EBADMSG;
	s->in_seq++;
	r = s->link.transport->done(&s->link);
	return r;
}

/* Side 0 asks, side 1 answers; a solo side does either in turn. */
static int round_trip(struct side *s)
{
	int r;

	if (s->link.transport->solo) {
		r = send_one(s);
		if (r == 0)
			r = receive_one(s);
		if (r == 0)
			r = send_one(s);
		return r == 0 ? receive_one(s) : r;
	}
	r = s->link.side == 0 ? send_one(s) : receive_one(s);
	if (r < 0)
		return r;
	return s->link.side == 0 ? receive_one(s) : send_one(s);
}

static int one_way(struct side *s)
{
	int r;

	if (s->link.transport->solo) {
		r = send_one(s);
		return r == 0 ? receive_one(s) : r;
	}
	return s->link.side == 0 ? send_one(s) : receive_one(s);
}

static void cost_now(struct lap_cost *cost)
{
	struct rusage use;

	cost->cpu_ns = stopwatch_ns(CLOCK_THREAD_CPUTIME_ID);
	getrusage(RUSAGE_THREAD, &use);
	cost->switches[0] = (uint64_t)use.ru_nvcsw;
	cost->switches[1] = (uint64_t)use.ru_nivcsw;
	cost->faults[0] = (uint64_t)use.ru_minflt;
	cost->faults[1] = (uint64_t)use.ru_majflt;
}

static void cost_since(struct lap_cost *cost, const struct lap_cost *before)
{
	cost->cpu_ns -= before->cpu_ns;
	for (int i = 0; i < 2; i++) {
		cost->switches[i] -= before->switches[i];
		cost->faults[i] -= before->faults[i];
	}
}

/* Take a tenth longer than it took, whatever the number of operations. */
static void linger(const struct side *s, struct answer *a)
{
	uint64_t until = a->end_ns + (a->end_ns - a->begin_ns) / 10;

	while (a->end_ns < until)
		a->end_ns = stopwatch_ns(s->clock);
}

/* The timed part; a round trip first, so that both sides are at it. */
static int obey_run(struct side *s, uint64_t count, struct answer *a)
{
	int (*operation)(struct side *) =
		s->arg.pattern == PATTERN_STREAM ? one_way : round_trip;
	struct lap_cost before;
	int r = s->link.transport->solo ? 0 : round_trip(s);

	cost_now(&before);
	a->begin_ns = stopwatch_ns(s->clock);
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = operation(s);
	a->end_ns = stopwatch_ns(s->clock);
	if (s->arg.sabotage == SABOTAGE_SLOW)
		linger(s, a);
	cost_now(&a->cost);
	cost_since(&a->cost, &before);
	return r;
}

static int obey_each(struct side *s, uint64_t count)
{
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		uint64_t begin = stopwatch_ns(s->clock);

		r = round_trip(s);
		if (s->link.side == 0)
			histogram_add(s->histogram,
				      stopwatch_ns(s->clock) - begin);
	}
	return r;
}

/* Bytes that no closed form describes, each of them compared. */
static unsigned char random_byte(uint64_t seq, size_t i)
{
	uint64_t state = seq * 0x10001 + i / 8;

	return (unsigned char)(stats_random(&state) >> (i % 8 * 8));
}

static int verify_out(struct side *s, uint64_t seq)
{
	unsigned char *data = s->link.transport->put(&s->link);

	if (!data)
		return -errno;
	for (size_t i = 0; i < s->link.bytes; i++)
		data[i] = random_byte(seq, i);
	s->out_seq++;
	if (s->arg.sabotage == SABOTAGE_CORRUPT && s->link.bytes)
		data[0] ^= 1;
	return s->link.transport->send(&s->link);
}

static int verify_in(struct side *s, uint64_t seq, char *why)
{
	const unsigned char *data = s->link.transport->get(&s->link);

	if (!data)
		return errno ? -errno : -EPIPE;
	s->in_seq++;
	for (size_t i = 0; i < s->link.bytes; i++) {
		if (data[i] == random_byte(seq, i))
			continue;
		snprintf(why, CASE_WHY_BYTES,
			 "message %llu: byte %zu of %zu is wrong",
			 (unsigned long long)seq, i, s->link.bytes);
		return -EBADMSG;
	}
	return s->link.transport->done(&s->link);
}

static int obey_verify(struct side *s, char *why)
{
	bool first = s->link.side == 0;
	int r = 0;

	for (uint64_t seq = 0; seq < VERIFY_MESSAGES && r == 0; seq++) {
		r = first ? verify_out(s, seq) : verify_in(s, seq, why);
		if (r == 0)
			r = first && !s->link.transport->solo
				    ? verify_in(s, ~seq, why)
			    : first ? verify_in(s, seq, why)
				    : verify_out(s, ~seq);
	}
	return r;
}

static void describe(struct side *s, struct answer *a)
{
	cpu_set_t set;

	if (a->code < 0 && !*a->why)
		snprintf(a->why, sizeof(a->why), "%s: side %d: %s",
			 s->link.transport->name, s->link.side,
			 a->code == -EBADMSG ? "a message is not what was sent"
					     : strerror(-a->code));
	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		a->cpus = CPU_COUNT(&set);
		for (size_t i = CPU_SETSIZE; i-- > 0;)
			if (CPU_ISSET(i, &set))
				a->cpu = (int)i;
	}
}

/* A side: attach, say so, obey until end of file. */
static void *side_main(void *arg)
{
	struct side *s = arg;
	struct answer a = { 0 };
	struct order order;
	cpu_set_t set;

	if (s->arg.cpu[s->link.side] >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)s->arg.cpu[s->link.side], &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
	if (s->link.transport->attach)
		a.code = s->link.transport->attach(&s->link, a.why);
	for (;;) {
		describe(s, &a);
		if (send(s->orders, &a, sizeof(a), MSG_NOSIGNAL) < 0)
			break;
		if (recv(s->orders, &order, sizeof(order), 0) !=
		    (ssize_t)sizeof(order))
			break;
		memset(&a, 0, sizeof(a));
		if (order.what == ORDER_RUN)
			a.code = obey_run(s, order.count, &a);
		else if (order.what == ORDER_EACH)
			a.code = obey_each(s, order.count);
		else
			a.code = obey_verify(s, a.why);
	}
	return NULL;
}

static void make_side(const struct pair *p, int side, int orders,
		      struct side *s)
{
	*s = (struct side){ .arg = p->arg,
			    .link = p->link,
			    .clock = p->clock,
			    .orders = orders,
			    .histogram = p->histogram };
	s->link.side = side;
}

/* In the child. */
static void side_process(const struct pair *p, int side, const int theirs[2])
{
	struct side sides[2];
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < p->sides; i++)
		if (p->orders[i] >= 0)
			close(p->orders[i]);
	/* The other's too, or nobody would see end of file. */
	if (!p->arg.transport->threads && theirs[!side] >= 0)
		close(theirs[!side]);
	make_side(p, side, theirs[side], &sides[side]);
	if (p->arg.transport->threads) {
		make_side(p, 1, theirs[1], &sides[1]);
		if (pthread_create(&thread, NULL, side_main, &sides[1]) != 0)
			_exit(1);
	}
	(void)side_main(&sides[side]);
	_exit(0);
}

static void pair_close(void *state)
{
	struct pair *p = state;

	for (int i = 0; i < 2; i++)
		if (p->orders[i] >= 0)
			close(p->orders[i]);
	for (int i = 0; i < 2; i++) {
		if (p->pid[i] <= 0)
			continue;
		/* It sleeps on its socket, or hangs in a transfer. */
		kill(p->pid[i], SIGKILL);
		waitpid(p->pid[i], NULL, 0);
	}
	p->arg.transport->destroy(&p->link);
	if (p->histogram)
		munmap(p->histogram, sizeof(*p->histogram));
	free(p);
}

static int start_sides(struct pair *p, char *why)
{
	int theirs[2] = { -1, -1 };
	int processes =
		p->arg.transport->solo || p->arg.transport->threads ? 1 : 2;
	int r = 0;

	for (int i = 0; i < p->sides && r == 0; i++) {
		int sockets[2];

		r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			       sockets);
		if (r < 0)
			return link_fail(why, "socketpair");
		p->orders[i] = sockets[0];
		theirs[i] = sockets[1];
	}
	fflush(NULL);
	for (int i = 0; i < processes; i++) {
		p->pid[i] = fork();
		if (p->pid[i] == 0)
			side_process(p, i, theirs);
		if (p->pid[i] < 0)
			r = link_fail(why, "fork");
	}
	for (int i = 0; i < p->sides; i++)
		close(theirs[i]);
	return r;
}

/* What every side answers; the first error is the pair's. */
static int collect(struct pair *p, struct answer answers[2], char *why)
{
	struct pollfd ready[2] = { { p->orders[0], POLLIN, 0 },
				   { p->orders[1], POLLIN, 0 } };
	int missing = p->sides;
	int r = 0;

	while (missing > 0) {
		int n = poll(ready, (nfds_t)p->sides, ANSWER_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			snprintf(why, CASE_WHY_BYTES, "no answer in %d s",
				 ANSWER_MS / 1000);
			return -ETIMEDOUT;
		}
		for (int i = 0; i < p->sides; i++) {
			if (!ready[i].revents)
				continue;
			if (recv(ready[i].fd, &answers[i], sizeof(*answers),
				 0) != (ssize_t)sizeof(*answers)) {
				snprintf(why, CASE_WHY_BYTES, "a side died");
				return -EOWNERDEAD;
			}
			ready[i].fd = -1;
			missing--;
			if (answers[i].code < 0) {
				/* The other may wait for it for ever. */
				snprintf(why, CASE_WHY_BYTES, "%s",
					 answers[i].why);
				return answers[i].code;
			}
		}
	}
	return r;
}

static int command(struct pair *p, struct order order, struct answer answers[2],
		   char *why)
{
	for (int i = 0; i < p->sides; i++)
		if (send(p->orders[i], &order, sizeof(order), MSG_NOSIGNAL) < 0)
			return link_fail(why, "a side died");
	return collect(p, answers, why);
}

static void init_link(struct pair *p)
{
	size_t page = (p->arg.bytes + 4096) & ~(size_t)4095;

	p->link = (struct link){ .transport = p->arg.transport,
				 .bytes = p->arg.bytes,
				 .waiting = p->arg.waiting,
				 .slots = SLOTS,
				 .buffers = 1,
				 .threads = p->arg.transport->threads };
	if (p->arg.rotate > page) {
		p->link.buffers = (uint32_t)(p->arg.rotate / page);
		if (p->link.buffers > SLOTS)
			p->link.slots = p->link.buffers;
	}
	/* Rings of large messages stay within the last-level cache's reach. */
	if (p->link.slots * page > (size_t)16 << 20 && !p->arg.rotate)
		p->link.slots = 2;
	for (int d = 0; d < 2; d++)
		for (int k = 0; k < 2; k++)
			p->link.fd[d][k] = p->link.now[d][k] = -1;
}

/* Does the transport carry such a message at all? */
static int fits(const struct pair_arg *arg, char *why)
{
	const struct transport *t = arg->transport;

	if (arg->bytes == 0 && !t->empty && !t->only_empty) {
		snprintf(why, CASE_WHY_BYTES, "carries no empty message");
		return -ENOTSUP;
	}
	if (arg->bytes > 0 && t->only_empty) {
		snprintf(why, CASE_WHY_BYTES, "carries no bytes");
		return -ENOTSUP;
	}
	return 0;
}

static int pair_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct answer answers[2];
	int r;

	if (!p)
		return -ENOMEM;
	p->arg = *(const struct pair_arg *)arg;
	p->clock = clock;
	p->orders[0] = p->orders[1] = -1;
	p->sides = p->arg.transport->solo ? 1 : 2;
	init_link(p);
	p->histogram = mmap(NULL, sizeof(*p->histogram), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->histogram == MAP_FAILED) {
		free(p);
		return -ENOMEM;
	}
	r = fits(&p->arg, why);
	if (r == 0)
		r = p->arg.transport->create(&p->link, why);
	if (r == 0)
		r = start_sides(p, why);
	if (r == 0)
		r = collect(p, answers, why);
	if (r < 0) {
		pair_close(p);
		return r == -EMSGSIZE ? -ENOTSUP : r;
	}
	for (int i = 0; i < p->sides; i++) {
		p->binding.worker[i].pid =
			(int)(p->pid[i] ? p->pid[i] : p->pid[0]);
		p->binding.worker[i].cpu = answers[i].cpu;
		p->binding.worker[i].cpus = answers[i].cpus;
	}
	p->binding.workers = p->sides;
	*state = p;
	return 0;
}

static void cost_add(struct lap_cost *sum, const struct lap_cost *cost)
{
	sum->cpu_ns += cost->cpu_ns;
	for (int i = 0; i < 2; i++) {
		sum->switches[i] += cost->switches[i];
		sum->faults[i] += cost->faults[i];
	}
}

static int pair_run(void *state, uint64_t count, struct lap *lap, char *why)
{
	struct pair *p = state;
	struct answer answers[2];
	int r;

	r = command(p, (struct order){ ORDER_RUN, count }, answers, why);
	if (r < 0)
		return r;
	lap->ranks = p->sides;
	for (int i = 0; i < p->sides; i++) {
		lap->rank[i].begin_ns = answers[i].begin_ns;
		lap->rank[i].end_ns = answers[i].end_ns;
		cost_add(&lap->cost, &answers[i].cost);
	}
	return 0;
}

static int pair_each(void *state, uint64_t count, struct histogram *histogram,
		     char *why)
{
	struct pair *p = state;
	struct answer answers[2];
	int r;

	memset(p->histogram, 0, sizeof(*p->histogram));
	r = command(p, (struct order){ ORDER_EACH, count }, answers, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < HISTOGRAM_BINS; i++)
		histogram->bin[i] += p->histogram->bin[i];
	histogram->n += p->histogram->n;
	if (p->histogram->max > histogram->max)
		histogram->max = p->histogram->max;
	return 0;
}

static int pair_verify(void *state, char *why)
{
	struct pair *p = state;
	struct answer answers[2];

	return command(p, (struct order){ ORDER_VERIFY, 0 }, answers, why);
}

static void pair_bound(void *state, struct case_binding *binding)
{
	struct pair *p = state;

	*binding = p->binding;
}

/* Set-up: what a link costs before its first message, and after its last. */

static int setup_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct pair *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->arg = *(const struct pair_arg *)arg;
	p->clock = clock;
	init_link(p);
	r = fits(&p->arg, why);
	if (r == 0)
		r = p->arg.transport->create(&p->link, why);
	p->arg.transport->destroy(&p->link);
	if (r < 0) {
		free(p);
		return r == -EMSGSIZE ? -ENOTSUP : r;
	}
	*state = p;
	return 0;
}

/* Create, touch every page of what is shared, destroy. */
static int setup_run(void *state, uint64_t count, struct lap *lap, char *why)
{
	struct pair *p = state;
	int r = 0;

	(void)lap;
	for (uint64_t i = 0; i < count && r == 0; i++) {
		init_link(p);
		r = p->arg.transport->create(&p->link, why);
		if (r == 0 && p->link.segment)
			memset(p->link.shared, 1,
			       rig_segment_bytes(p->link.segment));
		p->arg.transport->destroy(&p->link);
	}
	return r;
}

static void setup_close(void *state)
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

const struct bench_ops pair_stream_ops = {
	.open = pair_open,
	.run = pair_run,
	.verify = pair_verify,
	.bound = pair_bound,
	.close = pair_close,
};

const struct bench_ops pair_setup_ops = {
	.open = setup_open,
	.run = setup_run,
	.close = setup_close,
};
