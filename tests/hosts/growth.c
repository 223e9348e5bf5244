/* SPDX-License-Identifier: MIT */
/*
 * growth.c - how verbs of the world of all hosts grow with hosts and ranks, without an
 * MPI: a table of counted messages.
 *
 *	test_growth         the table
 *	test_growth FILE    compare the table with the file, and hold it to the promises
 *
 * The program compiles the library's wide_levels.c, wide_reduce.c, wide_short.c and
 * nb_move.c, and takes the place of all that they call.  Every host is a coroutine that
 * runs the part of the host's leader; messages have a length and a time, and no bytes.
 * Verbs within a host return at once, and are counted.
 *
 * The clock of a leader counts steps.  A step is what a short message takes from host to
 * host; UNIT more bytes take another step.  A host sends one message at a time, and
 * takes in one at a time, in the order of its schedule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <ucontext.h>

#include <runrig/collective.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>

#include "growth.h"
#include "team/rank.h"
#include "team/schedule.h"
#include "team/wide.h"
#include "team/wide_rounds.h"

/* 2 us at 10 GB/s. */
#define UNIT 20000.0

#define STACK_BYTES ((size_t)128 << 10)
#define LONG_BYTES  ((size_t)16 << 20)

enum { HOSTS_MOST = 1024 };

/* A message under way. */
struct packet {
	struct packet *next;
	uint64_t key; /* tag, or number of a schedule */
	double came;
	size_t bytes;
};

enum op { OP_SEND, OP_RECEIVE, OP_AWAIT };

struct step {
	enum op op;
	int peer;
	size_t bytes;
};

/* A request: a message, or a schedule of messages, with a clock of its own. */
struct schedule {
	LIST_ENTRY(schedule) entry;
	uint64_t key;
	double clock, latest;
	int count, room, at;
	struct step *steps;
};

struct host {
	ucontext_t context;
	char *stack;
	bool ended;
	struct rank rank;
	struct rig_team world, leaders;
	double clock, sends_until, receives_until;
	LIST_HEAD(, schedule) open;
	uint64_t schedules;
	/* Counted. */
	uint64_t messages, sent, received, within;
};

/* Messages from a host to a host, in order. */
struct lane {
	struct packet *first, **end;
};

/* A row of the table. */
struct verb_row {
	const char *name;
	size_t bytes; /* a rank has so many */
	int (*call)(struct rig_team *world, size_t bytes);
	bool is_long;
};

static struct {
	ucontext_t scheduler;
	struct host *hosts;
	struct job_shm *jobs;
	struct lane *lanes; /* lane_of() */
	int count, running;
	bool moved; /* some host has got on */
	const struct verb_row *row;
} at;

char *growth_data;

static struct host *here(void)
{
	return &at.hosts[at.running];
}

static struct lane *lane_of(int from, int to)
{
	return &at.lanes[(size_t)to * HOSTS_MOST + (size_t)from];
}

static double cost(size_t bytes)
{
	return 1 + (double)bytes / UNIT;
}

static double later(double a, double b)
{
	return a > b ? a : b;
}

/* --- messages --- */

static void post(int to, uint64_t key, size_t bytes, double clock)
{
	struct host *from = here();
	struct lane *lane = lane_of(at.running, to);
	struct packet *packet = malloc(sizeof(*packet));

	from->sends_until = later(clock, from->sends_until) + cost(bytes);
	from->messages++;
	from->sent += bytes;
	*packet = (struct packet){ NULL, key, from->sends_until, bytes };
	*lane->end = packet;
	lane->end = &packet->next;
	at.moved = true;
}

/* Take the message, if there is one: the time at which all of it is there. */
static bool take(int from, uint64_t key, double *clock)
{
	struct host *host = here();
	struct lane *lane = lane_of(from, at.running);

	for (struct packet **spot = &lane->first, *packet; (packet = *spot);
	     spot = &packet->next) {
		if (packet->key != key)
			continue;
		host->receives_until =
			later(packet->came,
			      host->receives_until + cost(packet->bytes));
		*clock = later(*clock, host->receives_until);
		host->received += packet->bytes;
		*spot = packet->next;
		if (lane->end == &packet->next)
			lane->end = spot;
		free(packet);
		return true;
	}
	return false;
}

/* --- instead of schedule.c --- */

static void add_step(struct schedule *schedule, struct step step)
{
	if (schedule->count == schedule->room) {
		schedule->room = schedule->room ? 2 * schedule->room : 8;
		schedule->steps = realloc(
			schedule->steps, (size_t)schedule->room * sizeof(step));
	}
	schedule->steps[schedule->count++] = step;
}

struct schedule *schedule_make(struct rig_team *team, const struct asked *asked)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	(void)team;
	(void)asked;
	schedule->key = (UINT64_C(1) << 32) + here()->schedules++;
	return schedule;
}

void schedule_send(struct schedule *schedule, int peer, const void *data,
		   size_t bytes)
{
	(void)data;
	add_step(schedule, (struct step){ OP_SEND, peer, bytes });
}

void schedule_receive(struct schedule *schedule, int peer, void *data,
		      size_t bytes)
{
	(void)data;
	add_step(schedule, (struct step){ OP_RECEIVE, peer, bytes });
}

void schedule_await(struct schedule *schedule)
{
	add_step(schedule, (struct step){ OP_AWAIT, 0, 0 });
}

/* Get on with the schedule as far as possible.  Sends do not wait for receives before,
 * unless a step says so. */
static void advance(struct schedule *schedule)
{
	for (; schedule->at < schedule->count; schedule->at++) {
		const struct step *step = &schedule->steps[schedule->at];

		if (step->op == OP_SEND)
			post(step->peer, schedule->key, step->bytes,
			     schedule->clock);
		else if (step->op == OP_AWAIT)
			schedule->clock =
				later(schedule->clock, schedule->latest);
		else if (!take(step->peer, schedule->key, &schedule->latest))
			return;
		at.moved = true;
	}
	schedule->clock = later(schedule->clock, schedule->latest);
}

static void begin(struct schedule *schedule, struct rig_request **request)
{
	struct host *host = here();

	schedule->clock = schedule->latest = host->clock;
	LIST_INSERT_HEAD(&host->open, schedule, entry);
	*request = (struct rig_request *)schedule;
	advance(schedule);
}

int schedule_begin(struct rig_team *team, struct schedule *schedule,
		   const struct asked *asked)
{
	(void)team;
	begin(schedule, asked->request);
	return 0;
}

/* --- instead of message.c and request.c --- */

static int begin_message(enum op op, int peer, int tag, size_t bytes,
			 struct rig_request **request)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	schedule->key = (uint64_t)tag;
	add_step(schedule, (struct step){ op, peer, bytes });
	begin(schedule, request);
	return 0;
}

int rig_team_isend(struct rig_team *team, const void *buffer, size_t count,
		   int type, int dest, int tag, struct rig_request **request)
{
	(void)team;
	(void)buffer;
	return begin_message(OP_SEND, dest, tag, count * rig_type_bytes(type),
			     request);
}

int rig_team_irecv(struct rig_team *team, void *buffer, size_t count, int type,
		   int source, int tag, struct rig_request **request)
{
	(void)team;
	(void)buffer;
	return begin_message(OP_RECEIVE, source, tag,
			     count * rig_type_bytes(type), request);
}

int rig_team_wait(struct rig_team *team, struct rig_request **request,
		  struct rig_status *status)
{
	struct schedule *schedule = (struct schedule *)*request;
	struct host *host = here();

	(void)team;
	(void)status;
	if (!schedule)
		return 0;
	while (advance(schedule), schedule->at < schedule->count) {
		struct schedule *other;

		LIST_FOREACH(other, &host->open, entry)
		advance(other);
		if (schedule->at < schedule->count)
			(void)swapcontext(&host->context, &at.scheduler);
	}
	host->clock = later(host->clock, schedule->clock);
	LIST_REMOVE(schedule, entry);
	free(schedule->steps);
	free(schedule);
	*request = NULL;
	return 0;
}

/* --- for growth_calls.c --- */

int growth_within(void)
{
	here()->within++;
	return 0;
}

void growth_cannot(const char *what)
{
	fprintf(stderr, "growth: %s\n", what);
	exit(1);
}

/* --- the verbs of the table --- */

static int row_barrier(struct rig_team *world, size_t bytes)
{
	(void)bytes;
	return wide_barrier(world);
}

static int row_bcast(struct rig_team *world, size_t bytes)
{
	return wide_bcast(world, growth_data, bytes, 0);
}

static int row_reduce(struct rig_team *world, size_t bytes)
{
	return wide_reduce(world, growth_data, growth_data + LONG_BYTES,
			   bytes / 8, RIG_FLOAT64, RIG_SUM, 0);
}

static int row_allreduce(struct rig_team *world, size_t bytes)
{
	return wide_allreduce(world, growth_data, growth_data + LONG_BYTES,
			      bytes / 8, RIG_FLOAT64, RIG_SUM);
}

static int row_integers(struct rig_team *world, size_t bytes)
{
	return wide_allreduce(world, growth_data, growth_data + LONG_BYTES,
			      bytes / 8, RIG_INT64, RIG_SUM);
}

static int row_allgather(struct rig_team *world, size_t bytes)
{
	return wide_allgather(world, growth_data, growth_data + LONG_BYTES,
			      bytes);
}

static const struct verb_row rows[] = {
	{ "barrier", 0, row_barrier, false },
	{ "bcast 8 B", 8, row_bcast, false },
	{ "reduce 8 B", 8, row_reduce, false },
	{ "allreduce 8 B", 8, row_allreduce, false },
	{ "allgather 8 B", 8, row_allgather, false },
	{ "bcast 16 MiB", LONG_BYTES, row_bcast, true },
	{ "allreduce 16 MiB, doubles", LONG_BYTES, row_allreduce, true },
	{ "allreduce 16 MiB, integers", LONG_BYTES, row_integers, true },
	{ "allgather 64 KiB", (size_t)64 << 10, row_allgather, true },
};
#define ROWS ((int)(sizeof(rows) / sizeof(*rows)))

/* --- hosts --- */

static void live(void)
{
	struct host *host = here();

	if (at.row->call(&host->world, at.row->bytes) < 0)
		growth_cannot(at.row->name);
	host->ended = true;
	at.moved = true;
	(void)swapcontext(&host->context, &at.scheduler);
}

static void make_host(int own, int hosts, int ranks)
{
	struct host *host = &at.hosts[own];
	struct job_shm *job = &at.jobs[own];
	char *stack = host->stack;

	*host = (struct host){ .stack = stack };
	for (int i = 0; i < hosts; i++) {
		struct lane *lane = lane_of(i, own);

		lane->first = NULL;
		lane->end = &lane->first;
	}
	job->hosts.count = hosts;
	job->hosts.own = own;
	for (int i = 0; i <= hosts; i++)
		job->hosts.firsts[i] = i * ranks;
	host->rank.layout.job = job;
	host->rank.size = ranks;
	host->rank.world =
		(struct rig_team){ .owner = &host->rank, .size = ranks };
	host->world = (struct rig_team){ .owner = &host->rank,
					 .rank = own * ranks,
					 .size = hosts * ranks,
					 .wide = true };
	host->leaders = (struct rig_team){
		.owner = &host->rank, .rank = own, .size = hosts, .wide = true
	};
	host->rank.wide.world = &host->world;
	host->rank.wide.leaders = &host->leaders;
	host->rank.thread = thread_self();
	(void)getcontext(&host->context);
	host->context.uc_stack.ss_sp = host->stack;
	host->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&host->context, live, 0);
}

/* Run the verb on all hosts. */
static void run(const struct verb_row *row, int hosts, int ranks)
{
	at.row = row;
	at.count = hosts;
	for (int i = 0; i < hosts; i++)
		make_host(i, hosts, ranks);
	do {
		at.moved = false;
		for (at.running = 0; at.running < hosts; at.running++)
			if (!here()->ended)
				(void)swapcontext(&at.scheduler,
						  &here()->context);
	} while (at.moved);
	for (int i = 0; i < hosts; i++)
		for (int from = 0; from < hosts; from++)
			if (!at.hosts[i].ended || lane_of(from, i)->first)
				growth_cannot("hosts wait for messages, or "
					      "leave some");
}

/* --- the table --- */

/* The counts of a run, for the host with the most of each. */
struct sums {
	double steps;
	uint64_t messages, sent, received, within;
};

static struct sums sum_up(void)
{
	struct sums most = { 0 };

	for (int i = 0; i < at.count; i++) {
		const struct host *host = &at.hosts[i];

		most.steps = later(most.steps,
				   later(host->clock, host->sends_until));
		if (host->messages > most.messages)
			most.messages = host->messages;
		if (host->sent > most.sent)
			most.sent = host->sent;
		if (host->received > most.received)
			most.received = host->received;
		if (host->within > most.within)
			most.within = host->within;
	}
	return most;
}

/* The bytes that some host must send, or receive, whatever the schedule. */
static double least_bytes(const struct verb_row *row, int hosts, int ranks)
{
	if (hosts == 1)
		return 0;
	if (row->call == row_allgather)
		return (double)row->bytes * (hosts - 1) * ranks;
	if (row->call == row_allreduce || row->call == row_integers)
		return 2.0 * (double)row->bytes * (hosts - 1) / hosts;
	return (double)row->bytes;
}

/*
 * The promises.  Short data: steps that grow with the logarithm of the hosts, and with
 * what each host must receive.  Long data: no host sends or receives more than twice
 * what some host must.
 */
static bool is_kept(const struct verb_row *row, int hosts, int ranks,
		    const struct sums *sums)
{
	const double least = least_bytes(row, hosts, ranks);
	const uint64_t bytes =
		sums->sent > sums->received ? sums->sent : sums->received;
	const size_t whole = row->bytes * (size_t)hosts * (size_t)ranks;

	if (row->is_long)
		return hosts == 1 || (double)bytes <= 2.0 * least + 1024;
	return sums->steps <=
	       8.0 * wide_rounds(hosts) + 2 * (double)whole / UNIT;
}

static bool print_row(FILE *to, const struct verb_row *row, int hosts,
		      int ranks)
{
	const double least = least_bytes(row, hosts, ranks);
	struct sums sums;
	bool kept;

	run(row, hosts, ranks);
	sums = sum_up();
	kept = is_kept(row, hosts, ranks, &sums);
	fprintf(to, "%-27s %5d %5d %9.0f %9llu %7llu %10.2f %8.2f\n", row->name,
		hosts, ranks, sums.steps, (unsigned long long)sums.messages,
		(unsigned long long)sums.within,
		(double)(sums.sent > sums.received ? sums.sent
						   : sums.received) /
			1048576.0,
		least > 0
			? (double)(sums.sent > sums.received ? sums.sent
							     : sums.received) /
				  least
			: 0.0);
	if (!kept)
		fprintf(stderr, "%s, %d hosts of %d: not as promised\n",
			row->name, hosts, ranks);
	return kept;
}

static bool print_table(FILE *to)
{
	static const int hosts[] = { 1, 2, 4, 16, 64, 256, 1024 };
	static const int ranks[] = { 1, 16, 256 };
	bool kept = true;

	fprintf(to,
		"Steps of the longest chain; then, of the host with the "
		"most: messages sent, verbs within\nthe host, MiB sent or "
		"received, and how often the least that any schedule "
		"needs.\nA step is a short message; %.0f bytes take a "
		"step more.\n\n%-27s %5s %5s %9s %9s %7s %10s %8s\n",
		UNIT, "verb", "hosts", "ranks", "steps", "messages", "within",
		"MiB", "x least");
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < 3; k++)
			for (int h = 0; h < 7; h++)
				if (hosts[h] * ranks[k] <= RIG_WORLD_MAX)
					kept &= print_row(to, &rows[i],
							  hosts[h], ranks[k]);
	return kept;
}

/* Is the table the file's? */
static bool is_same(const char *table, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[200];
	bool same = file != NULL;

	while (same && fgets(line, sizeof(line), file)) {
		same = strncmp(table, line, strlen(line)) == 0;
		if (!same)
			fprintf(stderr, "%s has: %s", path, line);
		table += strlen(line);
	}
	if (file)
		fclose(file);
	return same && !*table;
}

int main(int argc, char **argv)
{
	char *table = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&table, &bytes);
	bool well;

	at.hosts = calloc(HOSTS_MOST, sizeof(*at.hosts));
	at.jobs = calloc(HOSTS_MOST, sizeof(*at.jobs));
	at.lanes = calloc((size_t)HOSTS_MOST * HOSTS_MOST, sizeof(*at.lanes));
	growth_data = mmap(NULL, (size_t)1 << 40, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!to || !at.hosts || !at.jobs || !at.lanes ||
	    growth_data == MAP_FAILED)
		growth_cannot("no memory");
	for (int i = 0; i < HOSTS_MOST; i++)
		at.hosts[i].stack = malloc(STACK_BYTES);
	well = print_table(to);
	fclose(to);
	if (argc == 2)
		well &= is_same(table, argv[1]);
	else
		fputs(table, stdout);
	for (int i = 0; i < HOSTS_MOST; i++)
		free(at.hosts[i].stack);
	munmap(growth_data, (size_t)1 << 40);
	free(at.hosts);
	free(at.jobs);
	free(at.lanes);
	free(table);
	return !well;
}
