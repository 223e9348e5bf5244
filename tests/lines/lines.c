/* SPDX-License-Identifier: MIT */
/*
 * lines.c - the model of lines.h, and the functions of wait.h over the model.
 *
 * Transfers happen in the order of the ranks' clocks: before a transfer, every rank
 * whose clock is behind runs first.  Between transfers a rank runs on.
 */
#include "lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/atomic.h"
#include "machine/wait.h"

#define LINE_BYTES  64
#define STACK_BYTES 131072
#define LINES       (1 << 16)

struct line {
	uintptr_t address; /* 0: free */
	/* The time from which the line can serve the next rank. */
	uint64_t free;
	uint64_t holders[LINES_RANKS_MAX / 64];
};

enum state { RUNS, SLEEPS, ALIGNS, ENDED };

static struct rank {
	ucontext_t context;
	uint64_t clock;
	/* The rank sleeps until a write to the line. */
	const struct line *awaited;
	enum state state;
	char *stack;
} ranks[LINES_RANKS_MAX];

static struct line lines[LINES];
static ucontext_t scheduler;
static void (*body)(int rank);
static int count, nodes_of_all, self;

uint64_t lines_transfers, lines_far;

static int node_of(int rank)
{
	return rank * nodes_of_all / count;
}

static struct line *line_of(const volatile void *p)
{
	uintptr_t address = (uintptr_t)p / LINE_BYTES;
	size_t at = address * UINT64_C(0x9e3779b97f4a7c15) >> 48;

	while (lines[at].address && lines[at].address != address)
		at = (at + 1) % LINES;
	lines[at].address = address;
	return &lines[at];
}

static bool holds(const struct line *line, int rank)
{
	return line->holders[rank / 64] >> rank % 64 & 1;
}

static bool holds_alone(const struct line *line, int rank)
{
	for (int i = 0; i < LINES_RANKS_MAX / 64; i++)
		if (line->holders[i] !=
		    (i == rank / 64 ? UINT64_C(1) << rank % 64 : 0))
			return false;
	return true;
}

static void yield(void)
{
	(void)swapcontext(&ranks[self].context, &scheduler);
}

/* The rank that is farthest behind goes first. */
static void let_others(void)
{
	for (int i = 0; i < count; i++)
		if (ranks[i].state == RUNS &&
		    ranks[i].clock < ranks[self].clock) {
			yield();
			return;
		}
}

/* The cost to get the line here: 0: nobody has the line. */
static uint64_t distance(const struct line *line, bool write)
{
	bool near = false, far = false;

	for (int i = 0; i < count; i++) {
		if (i == self || !holds(line, i))
			continue;
		if (node_of(i) == node_of(self))
			near = true;
		else
			far = true;
	}
	if (far && (write || (!near && !holds(line, self))))
		return LINES_FAR;
	return near || far;
}

static void transfer(struct line *line, bool write)
{
	struct rank *rank = &ranks[self];
	uint64_t takes = distance(line, write);

	if (takes == 0)
		return;
	lines_transfers++;
	lines_far += takes == LINES_FAR;
	if (line->free > rank->clock)
		rank->clock = line->free;
	rank->clock += takes;
	line->free = rank->clock;
}

void lines_read(const volatile void *p)
{
	struct line *line = line_of(p);

	if (holds(line, self))
		return;
	let_others();
	transfer(line, false);
	line->holders[self / 64] |= UINT64_C(1) << self % 64;
}

void lines_write(const volatile void *p)
{
	struct line *line = line_of(p);

	if (!holds_alone(line, self)) {
		let_others();
		transfer(line, true);
	}
	memset(line->holders, 0, sizeof(line->holders));
	line->holders[self / 64] = UINT64_C(1) << self % 64;
	for (int i = 0; i < count; i++)
		if (ranks[i].state == SLEEPS && ranks[i].awaited == line) {
			ranks[i].state = RUNS;
			if (ranks[i].clock < ranks[self].clock)
				ranks[i].clock = ranks[self].clock;
		}
}

/* ---- wait.h ---- */

uint64_t wait_reach(const _Atomic uint64_t *word, uint64_t target,
		    uint64_t stop, const struct patience *patience)
{
	(void)patience;
	for (;;) {
		uint64_t seen = load_acquire(word);

		if (seen >= target || seen & stop)
			return seen;
		/* No rank runs between the last look and this store. */
		ranks[self].awaited = line_of(word);
		ranks[self].state = SLEEPS;
		yield();
	}
}

uint32_t wait_change(const _Atomic uint32_t *word, uint32_t value,
		     const struct patience *patience)
{
	(void)patience;
	while (load_acquire(word) == value) {
		ranks[self].awaited = line_of(word);
		ranks[self].state = SLEEPS;
		yield();
	}
	return load_acquire(word);
}

/* Patience never ends here. */
struct patience wait_patience(int parties)
{
	(void)parties;
	return (struct patience){ .spin_ns = 1 };
}

/* For messages, which these ranks do not send. */
bool wait_more(struct wait *wait, const struct patience *patience)
{
	(void)wait, (void)patience;
	abort();
}

int wait_sleep(const _Atomic uint32_t *word, uint32_t value,
	       uint64_t deadline_ns)
{
	(void)word, (void)value, (void)deadline_ns;
	abort();
}

void wait_wake(_Atomic uint32_t *word, int sleepers)
{
	(void)word, (void)sleepers;
}

/* ---- the ranks ---- */

uint64_t lines_clock(void)
{
	return ranks[self].clock;
}

void lines_align(void)
{
	ranks[self].state = ALIGNS;
	yield();
}

static void run_rank(void)
{
	body(self);
	ranks[self].state = ENDED;
	yield();
}

/* All have come: the clocks become the latest of all. */
static void release_all(void)
{
	uint64_t latest = 0;

	for (int i = 0; i < count; i++)
		if (ranks[i].clock > latest)
			latest = ranks[i].clock;
	for (int i = 0; i < count; i++) {
		ranks[i].clock = latest;
		ranks[i].state = RUNS;
	}
}

/* The rank that is furthest behind; -1: no rank can go on. */
static int choose(void)
{
	int best = -1, aligned = 0;

	for (int i = 0; i < count; i++) {
		aligned += ranks[i].state == ALIGNS;
		if (ranks[i].state == RUNS &&
		    (best < 0 || ranks[i].clock < ranks[best].clock))
			best = i;
	}
	if (best < 0 && aligned == count) {
		release_all();
		return 0;
	}
	return best;
}

static bool all_ended(void)
{
	for (int i = 0; i < count; i++)
		if (ranks[i].state != ENDED)
			return false;
	return true;
}

int lines_run(int size, int nodes, void (*fn)(int rank))
{
	body = fn;
	count = size;
	nodes_of_all = nodes;
	memset(lines, 0, sizeof(lines));
	lines_transfers = lines_far = 0;
	for (int i = 0; i < count; i++) {
		if (!ranks[i].stack)
			ranks[i].stack = malloc(STACK_BYTES);
		if (!ranks[i].stack)
			return -ENOMEM;
		ranks[i].clock = 0;
		ranks[i].state = RUNS;
		getcontext(&ranks[i].context);
		ranks[i].context.uc_stack.ss_sp = ranks[i].stack;
		ranks[i].context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&ranks[i].context, run_rank, 0);
	}
	while (!all_ended()) {
		self = choose();
		if (self < 0)
			return -EDEADLK;
		(void)swapcontext(&scheduler, &ranks[self].context);
	}
	return 0;
}
