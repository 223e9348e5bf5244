/* SPDX-License-Identifier: MIT */
/*
 * fake_world.c - the coroutines, the clock, and the engine between them.
 */
#include "fake_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include <runrig/hosts.h>

#include "hosts/choose.h"
#include "hosts/engine.h"

#define STACK_BYTES ((size_t)256 << 10)

/* Switches from host to host after which nothing will come any more. */
#define SWITCHES_MAX 3000000

#define WORDS_MAX (FAKE_HOSTS_MAX + 8)

struct message {
	struct message *next;
	struct wire_head head;
	void *data;
	void *token; /* the sender's; NULL: the data is the engine's */
	int from;
	/* A message that is accepted has: */
	void *place, *taker;
	uint64_t due_ns;
};

/* A token of data that is sent. */
struct sent {
	struct sent *next;
	void *token;
	uint64_t due_ns;
};

/* Messages of a sender to a receiver, in order. */
struct lane {
	struct message *first, **end;
	uint64_t last_due_ns;
};

/* A host. */
struct engine_link {
	ucontext_t context;
	void *stack;
	bool ended;
	uint64_t wakes_at;
	int switches;
	bool in_run;
	bool joined;
	int met; /* calls of fake_meet() */
	struct message *arrivals;
	struct sent *sent;
	int lent; /* messages whose data is not sent */
	/* Combinations: begun, and known to have ended. */
	int begun, ended_rounds;
	uint64_t *words;
	int count;
	bool sum;
};

/* A combination of all hosts.  A round of each parity is at hand at a time. */
struct round {
	int number, contributions, count;
	bool sum;
	uint64_t words[WORDS_MAX];
};

static struct {
	struct fake_world *world;
	ucontext_t scheduler;
	struct engine_link hosts[FAKE_HOSTS_MAX];
	struct lane lanes[FAKE_HOSTS_MAX][FAKE_HOSTS_MAX]; /* [to][from] */
	struct round rounds[2];
	void (*main)(int host);
	int running;
	uint64_t now_ns;
	uint64_t random;
} at;

unsigned fake_random(unsigned below)
{
	at.random = at.random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (unsigned)(at.random >> 33) % below;
}

int fake_host(void)
{
	return at.running;
}

struct fake_world *fake_at(void)
{
	return at.world;
}

uint64_t fake_now(void)
{
	return at.now_ns;
}

void fake_break(const char *words)
{
	if (!at.world->broken)
		at.world->broken = words;
}

void fake_yield(void)
{
	(void)swapcontext(&at.hosts[at.running].context, &at.scheduler);
}

void fake_sleep(uint64_t ns)
{
	at.hosts[at.running].wakes_at = at.now_ns + ns;
	fake_yield();
}

void fake_begin_run(void)
{
	at.hosts[at.running].in_run = true;
}

void fake_meet(void)
{
	const int due = ++at.hosts[at.running].met;

	at.hosts[at.running].in_run = false;
	for (;;) {
		bool all = true;

		for (int i = 0; i < at.world->hosts; i++)
			all &= at.hosts[i].ended || at.hosts[i].met >= due;
		if (all)
			return;
		fake_yield();
	}
}

size_t fake_under_way(void)
{
	size_t count = 0;

	for (int to = 0; to < at.world->hosts; to++)
		for (int from = 0; from < at.world->hosts; from++)
			for (struct message *message = at.lanes[to][from].first;
			     message; message = message->next)
				count++;
	return count;
}

/* --- the scheduler --- */

static void begin(void)
{
	at.main(at.running);
	at.hosts[at.running].ended = true;
	fake_yield();
}

static bool is_stopped(int host)
{
	const int after = at.world->trouble[host].stops_after;

	return after && at.hosts[host].in_run &&
	       at.hosts[host].switches > after;
}

/* A host that may go on; the clock goes on to the first that will.  -1: none. */
static int choose_host(void)
{
	const int hosts = at.world->hosts;
	const int first = (int)fake_random((unsigned)hosts);
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < hosts; i++) {
		const int host = (first + i) % hosts;
		const struct engine_link *link = &at.hosts[host];

		if (link->ended || is_stopped(host))
			continue;
		if (link->wakes_at <= at.now_ns)
			return host;
		if (link->wakes_at < next)
			next = link->wakes_at;
	}
	if (next == UINT64_MAX)
		return -1;
	at.now_ns = next;
	return choose_host();
}

static void make_hosts(void)
{
	for (int i = 0; i < at.world->hosts; i++) {
		struct engine_link *link = &at.hosts[i];

		link->stack = malloc(STACK_BYTES);
		(void)getcontext(&link->context);
		link->context.uc_stack.ss_sp = link->stack;
		link->context.uc_stack.ss_size = STACK_BYTES;
		link->context.uc_link = NULL;
		makecontext(&link->context, begin, 0);
	}
	for (int to = 0; to < FAKE_HOSTS_MAX; to++)
		for (int from = 0; from < FAKE_HOSTS_MAX; from++)
			at.lanes[to][from].end = &at.lanes[to][from].first;
}

/* Free the rest of an aborted run. */
static void free_host(struct engine_link *link)
{
	struct message *message;
	struct sent *sent;

	while ((message = link->arrivals)) {
		link->arrivals = message->next;
		if (!message->token)
			free(message->data);
		free(message);
	}
	while ((sent = link->sent)) {
		link->sent = sent->next;
		free(sent);
	}
	free(link->stack);
}

static void free_all(void)
{
	for (int to = 0; to < FAKE_HOSTS_MAX; to++)
		for (int from = 0; from < FAKE_HOSTS_MAX; from++) {
			struct message *message;

			while ((message = at.lanes[to][from].first)) {
				at.lanes[to][from].first = message->next;
				if (!message->token)
					free(message->data);
				free(message);
			}
		}
	for (int i = 0; i < at.world->hosts; i++)
		free_host(&at.hosts[i]);
}

void fake_run(struct fake_world *world, unsigned seed, void (*main)(int host))
{
	int switches = 0;

	memset(&at, 0, sizeof(at));
	at.world = world;
	at.main = main;
	at.random = seed;
	/* The time 0 means never to hosts_run.c. */
	at.now_ns = UINT64_C(1000000000);
	world->aborted = world->hung = false;
	world->broken = NULL;
	make_hosts();
	while (!world->aborted && !world->hung) {
		const int host = choose_host();

		if (host < 0)
			break;
		at.running = host;
		at.hosts[host].switches += at.hosts[host].in_run;
		at.now_ns += 200 + fake_random(2000);
		(void)swapcontext(&at.scheduler, &at.hosts[host].context);
		world->hung = ++switches > SWITCHES_MAX;
	}
	world->took_ns = at.now_ns - UINT64_C(1000000000);
	free_all();
}

/* --- instead of the C library, for hosts_join.c and hosts_run.c --- */

int fake_clock_gettime(clockid_t clock, struct timespec *time);
int fake_nanosleep(const struct timespec *time, struct timespec *left);
int fake_sched_yield(void);

int fake_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	at.now_ns += 20;
	*time = (struct timespec){ (time_t)(at.now_ns / 1000000000),
				   (long)(at.now_ns % 1000000000) };
	return 0;
}

int fake_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	fake_sleep((uint64_t)time->tv_sec * 1000000000 +
		   (uint64_t)time->tv_nsec);
	return 0;
}

int fake_sched_yield(void)
{
	fake_yield();
	return 0;
}

/* --- the engine --- */

static int link_join(struct engine_link **link, const int *fcomm, char *why,
		     size_t why_bytes)
{
	(void)fcomm;
	(void)why;
	(void)why_bytes;
	*link = &at.hosts[at.running];
	(*link)->joined = true;
	fake_yield();
	return 0;
}

static void link_leave(struct engine_link *link)
{
	if (link->lent || link->arrivals)
		fake_break("a host leaves with data under way");
	if (link->begun != link->ended_rounds)
		fake_break("a host leaves in the middle of an agreement");
	link->joined = false;
}

static int link_rank(const struct engine_link *link)
{
	return (int)(link - at.hosts);
}

static int link_size(const struct engine_link *link)
{
	(void)link;
	return at.world->hosts;
}

static int link_send(struct engine_link *link, int to,
		     const struct wire_head *head, void *data, void *token)
{
	const int from = link_rank(link);
	struct lane *lane = &at.lanes[to][from];
	struct message *message = malloc(sizeof(*message));

	if (!message || (at.world->trouble[from].no_memory && link->in_run)) {
		free(message);
		if (!token)
			free(data);
		return -ENOMEM;
	}
	if (to == from)
		fake_break("a host sends to itself");
	*message = (struct message){
		.head = *head, .data = data, .token = token, .from = from
	};
	link->lent += token != NULL;
	/* In order, and late at times. */
	message->due_ns =
		at.now_ns + fake_random(fake_random(8) ? 5000 : 400000);
	if (message->due_ns < lane->last_due_ns)
		message->due_ns = lane->last_due_ns;
	lane->last_due_ns = message->due_ns;
	*lane->end = message;
	lane->end = &message->next;
	return 0;
}

static int link_receive(struct engine_link *link, int *from,
			struct wire_head *head, void **data, void **later)
{
	const int own = link_rank(link), hosts = at.world->hosts;
	int first;

	fake_yield();
	first = (int)fake_random((unsigned)hosts);
	for (int i = 0; i < hosts; i++) {
		struct lane *lane = &at.lanes[own][(first + i) % hosts];
		struct message *message = lane->first;

		if (!message || message->due_ns > at.now_ns)
			continue;
		lane->first = message->next;
		if (!lane->first)
			lane->end = &lane->first;
		*from = (first + i) % hosts;
		*head = message->head;
		*data = *later = NULL;
		if (message->head.later) {
			*later = message;
			return 1;
		}
		if (message->token)
			fake_break("short data is lent");
		*data = message->data;
		/* Memory in any case, as from the engines of MPIs. */
		if (!*data)
			*data = malloc(1);
		free(message);
		return 1;
	}
	return 0;
}

static void link_accept(struct engine_link *link, void *later, void *data,
			void *token)
{
	struct message *message = later;

	message->place = data;
	message->taker = token;
	message->due_ns =
		at.now_ns + fake_random(fake_random(8) ? 5000 : 400000);
	message->next = link->arrivals;
	link->arrivals = message;
}

/* The data has been sent, and the sender learns so, sooner or later. */
static void end_sent(const struct message *message)
{
	struct engine_link *from = &at.hosts[message->from];
	struct sent *sent;

	if (!message->token) {
		free(message->data);
		return;
	}
	sent = malloc(sizeof(*sent));
	*sent = (struct sent){ from->sent, message->token,
			       at.now_ns + fake_random(5000) };
	from->sent = sent;
}

static void *link_finished(struct engine_link *link)
{
	void *token = NULL;

	fake_yield();
	for (struct message **spot = &link->arrivals, *message;
	     !token && (message = *spot); spot = &message->next) {
		if (message->due_ns > at.now_ns)
			continue;
		memcpy(message->place, message->data, message->head.bytes);
		end_sent(message);
		token = message->taker;
		*spot = message->next;
		free(message);
		return token;
	}
	for (struct sent **spot = &link->sent, *sent; (sent = *spot);
	     spot = &sent->next) {
		if (sent->due_ns > at.now_ns)
			continue;
		token = sent->token;
		*spot = sent->next;
		link->lent--;
		free(sent);
		return token;
	}
	return NULL;
}

static bool link_is_sent(struct engine_link *link)
{
	const int own = link_rank(link);

	fake_yield();
	if (link->lent)
		return false;
	for (int to = 0; to < at.world->hosts; to++)
		if (at.lanes[to][own].first &&
		    at.lanes[to][own].last_due_ns > at.now_ns)
			return false;
	return true;
}

static int link_combine(struct engine_link *link, uint64_t *words, int count,
			bool sum)
{
	const int number = link->begun++;
	struct round *round = &at.rounds[number % 2];

	if (link->begun != link->ended_rounds + 1)
		fake_break("two agreements at once");
	if (round->contributions == 0 || round->number != number) {
		*round = (struct round){ .number = number,
					 .count = count,
					 .sum = sum };
	} else if (round->count != count || round->sum != sum) {
		fake_break("hosts agree on different things");
	}
	for (int i = 0; i < count && i < WORDS_MAX; i++)
		if (sum)
			round->words[i] += words[i];
		else if (words[i] > round->words[i])
			round->words[i] = words[i];
	round->contributions++;
	link->words = words;
	link->count = count;
	return 0;
}

static bool link_combined(struct engine_link *link)
{
	const struct round *round = &at.rounds[(link->begun - 1) % 2];

	fake_yield();
	if (round->contributions < at.world->hosts)
		return false;
	memcpy(link->words, round->words,
	       (size_t)link->count * sizeof(*link->words));
	link->ended_rounds = link->begun;
	return true;
}

static void link_abort(struct engine_link *link, int code)
{
	(void)link;
	(void)code;
	at.world->aborted = true;
	fake_yield(); /* for ever */
}

static const struct engine fake_engine = {
	.version = ENGINE_VERSION,
	.join = link_join,
	.leave = link_leave,
	.rank = link_rank,
	.size = link_size,
	.send = link_send,
	.receive = link_receive,
	.accept = link_accept,
	.finished = link_finished,
	.is_sent = link_is_sent,
	.combine = link_combine,
	.combined = link_combined,
	.abort = link_abort,
};

int choose_engine(const char *name, const struct engine **engine, char *why,
		  size_t why_bytes)
{
	(void)name;
	(void)why;
	(void)why_bytes;
	*engine = &fake_engine;
	return 0;
}
