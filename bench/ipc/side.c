/* SPDX-License-Identifier: MIT */
/*
 * side.c - the work of each end of a link: produce, hand over, consume, check.
 *
 * A side notes the side's own beginning and end, and the CPU time between: a
 * stream ends when the last message has been consumed.
 */
#include "ipc/side.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "driver/latency_histogram.h"
#include "ipc/shared.h"
#include "driver/stats.h"
#include "driver/stopwatch.h"

/* Messages of an untimed pass that compares every byte, and of maps. */
#define VERIFY_MESSAGES 16
#define VERIFY_MAPS     3

/* Messages that only start a rate. */
#define RATE_LEAD 16

/* Round trips before the other side may be killed. */
#define CRASH_AFTER 8

/* How often a disturbed side is interrupted. */
#define DISTURB_US 200

static size_t touched(const struct side *s)
{
	return s->arg->touch == TOUCH_FULL || s->link.bytes < 8 ? s->link.bytes
								: 8;
}

static int send_one(struct side *s)
{
	void *data = s->link.transport->put(&s->link);

	if (!data)
		return errno ? -errno : -EPIPE;
	if (s->arg->sabotage != SABOTAGE_LIE)
		payload_fill(data, touched(s), s->out_seq);
	if (s->arg->sabotage == SABOTAGE_CORRUPT && s->link.bytes &&
	    s->out_seq % 1000 == 999)
		((char *)data)[s->link.bytes / 2] ^= 4;
	s->out_seq++;
	return s->link.transport->send(&s->link);
}

static int receive_one(struct side *s)
{
	void *data = s->link.transport->get(&s->link);

	if (!data)
		return errno ? -errno : -EPIPE;
	if (s->arg->sabotage != SABOTAGE_LIE &&
	    !payload_right(data, touched(s), s->in_seq))
		return -EBADMSG;
	s->in_seq++;
	return s->link.transport->done(&s->link);
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

/* Make link `i` of a fan the side's own. */
static void choose(struct side *s, int i)
{
	if (!s->fan || i == s->chosen)
		return;
	s->fan[s->chosen] =
		(struct side_link){ s->link, s->out_seq, s->in_seq };
	s->chosen = i;
	s->link = s->fan[i].link;
	s->out_seq = s->fan[i].out_seq;
	s->in_seq = s->fan[i].in_seq;
}

/* Do one thing over each link of this side. */
static int over_links(struct side *s, int (*once)(struct side *s))
{
	int links = s->fan ? s->arg->pairs : 1;
	int r = 0;

	for (int i = 0; i < links && r == 0; i++) {
		choose(s, i);
		r = once(s);
	}
	return r;
}

/* A message over each link, from the hub or to the hub. */
static int fan(struct side *s)
{
	bool out = s->arg->pattern == PATTERN_FAN_OUT;

	return over_links(s,
			  out == (s->link.side == 0) ? send_one : receive_one);
}

/* Side 0 asks, side 1 answers; a solo side does either in turn. */
int side_round_trip(struct side *s)
{
	int r = one_way(s);

	if (r < 0 || s->link.transport->solo)
		return r == 0 ? one_way(s) : r;
	return s->link.side == 0 ? receive_one(s) : send_one(s);
}

/* Side 0 lends the array, and has the array back when the array may be filled
 * again. */
static int lend_array(struct side *s, bool all)
{
	int r = 0;

	if (s->link.transport->solo)
		payload_turn(s->array, s->link.bytes);
	else
		r = s->link.transport->send(&s->link);
	if (r < 0)
		return r;
	s->array = s->link.transport->put(&s->link);
	s->turned = !s->turned;
	return s->array && payload_turned(s->array, s->link.bytes, 1, s->turned,
					  all)
		       ? 0
		       : -EBADMSG;
}

/* Side 0 sends the array, and the reversed array comes back. */
static int send_array(struct side *s, bool all)
{
	void *data = s->link.transport->put(&s->link);
	void *back;
	int r;

	if (!data)
		return -errno;
	if (data != s->array)
		memcpy(data, s->array, s->link.bytes);
	r = s->link.transport->send(&s->link);
	if (r < 0)
		return r;
	back = s->link.transport->get(&s->link);
	if (!back)
		return errno ? -errno : -EPIPE;
	if (!payload_turned(back, s->link.bytes, 1, true, all))
		return -EBADMSG;
	return s->link.transport->done(&s->link);
}

static int turn_array(struct side *s)
{
	void *data = s->link.transport->get(&s->link);
	void *reply;
	int r;

	if (!data)
		return errno ? -errno : -EPIPE;
	if (s->link.transport->inplace) {
		payload_turn(data, s->link.bytes);
		return s->link.transport->done(&s->link);
	}
	reply = s->link.transport->put(&s->link);
	if (!reply)
		return -errno;
	payload_turn_to(reply, data, s->link.bytes);
	r = s->link.transport->done(&s->link);
	return r == 0 ? s->link.transport->send(&s->link) : r;
}

static int map_once(struct side *s, bool all)
{
	if (s->link.side == 1)
		return turn_array(s);
	if (!s->array) {
		s->array = s->link.transport->fresh
				   ? malloc(s->link.bytes)
				   : s->link.transport->put(&s->link);
		if (!s->array)
			return -errno;
		payload_fill(s->array, s->link.bytes, 1);
	}
	return s->link.transport->inplace || s->link.transport->solo
		       ? lend_array(s, all)
		       : send_array(s, all);
}

static int map(struct side *s)
{
	return map_once(s, false);
}

static void cost_now(struct timing_cost *cost)
{
	struct rusage use;

	cost->cpu_ns = stopwatch_ns(CLOCK_THREAD_CPUTIME_ID);
	getrusage(RUSAGE_THREAD, &use);
	cost->switches[0] = (uint64_t)use.ru_nvcsw;
	cost->switches[1] = (uint64_t)use.ru_nivcsw;
	cost->faults[0] = (uint64_t)use.ru_minflt;
	cost->faults[1] = (uint64_t)use.ru_majflt;
}

static void cost_since(struct timing_cost *cost,
		       const struct timing_cost *before)
{
	cost->cpu_ns -= before->cpu_ns;
	for (int i = 0; i < 2; i++) {
		cost->switches[i] -= before->switches[i];
		cost->faults[i] -= before->faults[i];
	}
}

/* Take a tenth longer, whatever the number of operations. */
static void linger(const struct side *s, struct side_answer *a)
{
	uint64_t until = a->end_ns + (a->end_ns - a->begin_ns) / 10;

	while (a->end_ns < until)
		a->end_ns = stopwatch_ns(s->clock);
}

/* An open loop: a message is due at a time that does not depend on the message
 * before, and a stall delays all messages that were due in the stall. */
static int at_rate(struct side *s, const struct side_order *order,
		   struct side_answer *a)
{
	bool each = order->what == ORDER_EACH;
	int r = 0;

	for (uint64_t i = 0; i < order->count + RATE_LEAD && r == 0; i++) {
		uint64_t due = order->start_ns +
			       i * UINT64_C(1000000000) / s->arg->rate;
		uint64_t late;

		if (s->link.side == 0) {
			while (stopwatch_ns(s->clock) < due)
				;
			r = send_one(s);
			continue;
		}
		r = receive_one(s);
		late = stopwatch_ns(s->clock) - due;
		if (i < RATE_LEAD)
			continue;
		a->late_ns += late;
		if (each && s->histogram)
			histogram_add(s->histogram, late);
	}
	return r;
}

static int obey_rate(struct side *s, const struct side_order *order,
		     struct side_answer *a)
{
	struct timing_cost before;
	int r;

	cost_now(&before);
	r = at_rate(s, order, a);
	cost_now(&a->cost);
	cost_since(&a->cost, &before);
	return r;
}

/* The timed part; a round trip first, so that both sides are at work. */
static int obey_run(struct side *s, uint64_t count, struct side_answer *a)
{
	int (*operation)(struct side *) =
		pair_fans(s->arg)                   ? fan
		: s->arg->pattern == PATTERN_STREAM ? one_way
		: s->arg->pattern == PATTERN_MAP    ? map
						    : side_round_trip;
	struct timing_cost before;
	int r = 0;

	if (!s->link.transport->solo)
		r = operation == map ? map(s) : over_links(s, side_round_trip);
	cost_now(&before);
	a->begin_ns = stopwatch_ns(s->clock);
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = operation(s);
	a->end_ns = stopwatch_ns(s->clock);
	if (s->arg->sabotage == SABOTAGE_SLOW)
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

		r = side_round_trip(s);
		if (s->link.side == 0 && s->histogram)
			histogram_add(s->histogram,
				      stopwatch_ns(s->clock) - begin);
	}
	return r;
}

/* Eight bytes that no closed form describes; all eight are compared. */
static uint64_t random_word(uint64_t seq, size_t i)
{
	uint64_t state = seq * 0x10001 + i;

	return stats_random(&state);
}

static void fill_randomly(unsigned char *data, size_t bytes, uint64_t seq)
{
	for (size_t at = 0; at < bytes; at += 8) {
		uint64_t word = random_word(seq, at / 8);

		memcpy(data + at, &word, bytes - at < 8 ? bytes - at : 8);
	}
}

/* The first byte that is not as filled; `bytes`: all are. */
static size_t first_wrong(const unsigned char *data, size_t bytes, uint64_t seq)
{
	for (size_t at = 0; at < bytes; at += 8) {
		uint64_t word = random_word(seq, at / 8);
		size_t n = bytes - at < 8 ? bytes - at : 8;

		if (memcmp(data + at, &word, n) == 0)
			continue;
		while (data[at] == (unsigned char)word) {
			word >>= 8;
			at++;
		}
		return at;
	}
	return bytes;
}

static int verify_out(struct side *s, uint64_t seq)
{
	unsigned char *data = s->link.transport->put(&s->link);

	if (!data)
		return -errno;
	fill_randomly(data, s->link.bytes, seq);
	s->out_seq++;
	if (s->arg->sabotage == SABOTAGE_CORRUPT && s->link.bytes)
		data[0] ^= 1;
	return s->link.transport->send(&s->link);
}

static int verify_in(struct side *s, uint64_t seq, char *why)
{
	const unsigned char *data = s->link.transport->get(&s->link);
	size_t wrong;

	if (!data)
		return errno ? -errno : -EPIPE;
	s->in_seq++;
	wrong = first_wrong(data, s->link.bytes, seq);
	if (wrong < s->link.bytes) {
		snprintf(why, CASE_WHY_BYTES,
			 "message %llu: byte %zu of %zu is wrong",
			 (unsigned long long)seq, wrong, s->link.bytes);
		return -EBADMSG;
	}
	return s->link.transport->done(&s->link);
}

static int verify_trip(struct side *s, uint64_t seq, char *why)
{
	int r;

	if (s->link.side == 1) {
		r = verify_in(s, seq, why);
		return r == 0 ? verify_out(s, ~seq) : r;
	}
	r = verify_out(s, seq);
	if (r < 0)
		return r;
	return verify_in(s, s->link.transport->solo ? seq : ~seq, why);
}

static int obey_verify(struct side *s, struct side_answer *a)
{
	int links = s->fan ? s->arg->pairs : 1;
	int r = 0;

	if (s->arg->pattern == PATTERN_MAP)
		for (int i = 0; i < VERIFY_MAPS && r == 0; i++)
			r = map_once(s, true);
	for (int l = 0; s->arg->pattern != PATTERN_MAP && l < links; l++) {
		choose(s, l);
		for (uint64_t i = 0; i < VERIFY_MESSAGES && r == 0; i++)
			r = verify_trip(s, i, a->why);
	}
	if (r == 0)
		shared_look(&s->link, &a->memory);
	return r;
}

static void describe(struct side *s, struct side_answer *a)
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

/* Round trips until a round trip fails: side 1 is killed meanwhile. Side 0
 * answers once when the round trips are under way, and once when a call has
 * failed. */
static int obey_crash(struct side *s, struct side_answer *a)
{
	int r = 0;

	for (int i = 0; i < CRASH_AFTER && r == 0; i++)
		r = side_round_trip(s);
	if (r == 0 && s->link.side == 0 &&
	    send(s->orders, a, sizeof(*a), MSG_NOSIGNAL) < 0)
		r = -errno;
	while (r == 0)
		r = side_round_trip(s);
	a->end_ns = stopwatch_ns(s->clock);
	return r == -EBADMSG ? r : 0;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Interrupt the system calls of this process, without SA_RESTART; or stop the
 * interruptions. */
static void disturb(const struct side *s, bool on)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 0 }, { 0, 0 } };

	if (!s->arg->disturb)
		return;
	if (on)
		often.it_value.tv_usec = often.it_interval.tv_usec = DISTURB_US;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

void side_begin(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

static int attach_link(struct side *s, char *why)
{
	return s->link.transport->attach
		       ? s->link.transport->attach(&s->link, why)
		       : 0;
}

int side_attach(struct side *s, char *why)
{
	int links = s->fan ? s->arg->pairs : 1;
	cpu_set_t set;
	int r = 0;

	if (s->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)s->cpu, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
	for (int i = 0; i < links && r == 0; i++) {
		choose(s, i);
		r = attach_link(s, why);
	}
	return r;
}

static int obey(struct side *s, struct side_order order, struct side_answer *a)
{
	if (s->arg->pattern == PATTERN_RATE && order.what <= ORDER_EACH)
		return obey_rate(s, &order, a);
	switch (order.what) {
	case ORDER_RUN:
		return obey_run(s, order.count, a);
	case ORDER_EACH:
		return obey_each(s, order.count);
	case ORDER_CRASH:
		return obey_crash(s, a);
	default:
		return obey_verify(s, a);
	}
}

/* The next order; false: there is no further order. */
static bool hear(const struct side *s, struct side_order *order)
{
	ssize_t n;

	do
		n = recv(s->orders, order, sizeof(*order), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*order);
}

void *side_obey(void *side)
{
	struct side *s = side;
	struct side_answer a = { 0 };
	struct side_order order;

	a.code = side_attach(s, a.why);
	for (;;) {
		describe(s, &a);
		if (send(s->orders, &a, sizeof(a), MSG_NOSIGNAL) < 0)
			break;
		if (!hear(s, &order))
			break;
		memset(&a, 0, sizeof(a));
		disturb(s, true);
		a.code = obey(s, order, &a);
		disturb(s, false);
	}
	return NULL;
}
