/* SPDX-License-Identifier: MIT */
/*
 * model_calls.c - the functions that threads call: plain objects, atomics, futexes, a
 * pthread barrier and a mutex.
 *
 * A function notes the operation, and the explorer decides what comes of the
 * operation.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include <runrig/api.h>

#include "machine/wait.h"

/* --- plain objects --- */

static void tick(int t)
{
	if (++state.threads[t].view.clock[t] == 0)
		model_die("too many plain accesses");
}

static void race(int cell, const char *what)
{
	checker_fail(CHECKER_RACE, "%s: cell %d %s", scenario->names[current],
		     cell, what);
}

void checker_write(int number, uint32_t value)
{
	struct cell *cell = &state.cells[number];
	const uint8_t *clock = state.threads[current].view.clock;

	if (cell->written > clock[cell->writer])
		race(number, "is written, unordered after a write");
	for (int i = 0; i < CHECKER_THREADS; i++)
		if (cell->read[i] > clock[i])
			race(number, "is written, unordered after a read");
	tick(current);
	memset(cell, 0, sizeof(*cell));
	cell->value = value;
	cell->writer = (uint8_t)current;
	cell->written = clock[current];
}

uint32_t checker_read(int number)
{
	struct cell *cell = &state.cells[number];
	const uint8_t *clock = state.threads[current].view.clock;

	if (cell->written > clock[cell->writer])
		race(number, "is read, unordered after a write");
	tick(current);
	cell->read[current] = clock[current];
	return cell->value;
}

/* --- operations --- */

static struct thread *submit(struct op op)
{
	struct thread *self = &state.threads[current];

	self->op = op;
	explore_pause();
	self->stepped = 1;
	return self;
}

/* While the scenario is set up there is one message, and all see it. */
static struct message *only(const volatile void *p)
{
	return &state.locations[model_location(p)].messages[0];
}

uint64_t checker_load(const char *name, enum order order,
		      const volatile void *p, unsigned bytes)
{
	if (current < 0)
		return only(p)->value;
	return submit((struct op){ .name = name,
				   .action = ACTION_LOAD,
				   .order = (uint8_t)order,
				   .location = model_location(p),
				   .bytes = (uint8_t)bytes })
		->result;
}

void checker_store(const char *name, enum order order, volatile void *p,
		   unsigned bytes, uint64_t value)
{
	if (current < 0)
		only(p)->value = value;
	else
		submit((struct op){ .name = name,
				    .action = ACTION_STORE,
				    .order = (uint8_t)order,
				    .location = model_location(p),
				    .bytes = (uint8_t)bytes,
				    .operand = value });
}

static uint64_t rmw(const char *name, enum action action, enum order order,
		    volatile void *p, unsigned bytes, uint64_t value)
{
	if (current < 0)
		model_die("a read-modify-write in set_up");
	return submit((struct op){ .name = name,
				   .action = (uint8_t)action,
				   .order = (uint8_t)order,
				   .location = model_location(p),
				   .bytes = (uint8_t)bytes,
				   .operand = value })
		->result;
}

uint64_t checker_add(const char *name, enum order order, volatile void *p,
		     unsigned bytes, uint64_t value)
{
	return rmw(name, ACTION_ADD, order, p, bytes, value);
}

uint64_t checker_or(const char *name, enum order order, volatile void *p,
		    unsigned bytes, uint64_t value)
{
	return rmw(name, ACTION_OR, order, p, bytes, value);
}

uint64_t checker_swap(const char *name, enum order order, volatile void *p,
		      unsigned bytes, uint64_t value)
{
	return rmw(name, ACTION_SWAP, order, p, bytes, value);
}

bool checker_cas(const char *name, enum order order, enum order failed,
		 volatile void *p, unsigned bytes, void *expected,
		 uint64_t value)
{
	struct op op = { .name = name,
			 .action = ACTION_CAS,
			 .order = (uint8_t)order,
			 .failed = (uint8_t)failed,
			 .location = model_location(p),
			 .bytes = (uint8_t)bytes,
			 .operand = value };
	struct thread *self;

	memcpy(&op.expected, expected, bytes);
	self = submit(op);
	memcpy(expected, &self->result, bytes);
	return self->succeeded;
}

uint32_t wait_change(const _Atomic uint32_t *word, uint32_t value,
		     const struct patience *patience)
{
	return (uint32_t)submit((struct op){ .name = "wait_change",
					     .action = ACTION_CHANGE,
					     .order = ACQUIRE,
					     .location = model_location(word),
					     .bytes = sizeof(*word),
					     .endless = patience->yields ==
							CHECKER_ENDLESS,
					     .operand = value })
		->result;
}

uint64_t wait_reach(const _Atomic uint64_t *word, uint64_t target,
		    uint64_t stop, const struct patience *patience)
{
	return submit((struct op){ .name = "wait_reach",
				   .action = ACTION_REACH,
				   .order = ACQUIRE,
				   .location = model_location(word),
				   .bytes = sizeof(*word),
				   .endless =
					   patience->yields == CHECKER_ENDLESS,
				   .operand = target,
				   .expected = stop })
		->result;
}

int wait_sleep(const _Atomic uint32_t *word, uint32_t value,
	       uint64_t deadline_ns)
{
	return (int)submit((struct op){ .name = "wait_sleep",
					.action = ACTION_SLEEP,
					.location = model_location(word),
					.bytes = sizeof(*word),
					.endless = deadline_ns == RIG_FOREVER,
					.operand = value })
		->result;
}

void wait_wake(_Atomic uint32_t *word, int count)
{
	submit((struct op){ .name = "wait_wake",
			    .action = ACTION_WAKE,
			    .location = model_location(word),
			    .bytes = sizeof(*word),
			    .operand = (uint64_t)count });
}

struct patience wait_patience(int parties)
{
	return (struct patience){ .yields = (uint32_t)parties };
}

int checker_block_init(pthread_barrier_t *block,
		       const pthread_barrierattr_t *attr, unsigned parties)
{
	model_block_parties = parties;
	return 0;
}

int checker_block(pthread_barrier_t *block)
{
	submit((struct op){ .name = "pthread_barrier_wait",
			    .action = ACTION_BLOCK });
	return 0;
}

int checker_lock(pthread_mutex_t *mutex)
{
	return (int)submit((struct op){ .name = "pthread_mutex_lock",
					.action = ACTION_LOCK })
		->result;
}

int checker_unlock(pthread_mutex_t *mutex)
{
	submit((struct op){ .name = "pthread_mutex_unlock",
			    .action = ACTION_UNLOCK });
	return 0;
}

int checker_consistent(pthread_mutex_t *mutex)
{
	submit((struct op){ .name = "pthread_mutex_consistent",
			    .action = ACTION_CONSISTENT });
	return 0;
}

void checker_arrive(int round)
{
	state.threads[current].round = (uint8_t)round;
	state.threads[current].stepped = 0;
}

bool checker_arrived(int thread, int round)
{
	const struct thread *other = &state.threads[thread];

	return other->round > round ||
	       (other->round == round && other->stepped);
}

uint64_t checker_last(const volatile void *p)
{
	const struct location *location = &state.locations[model_location(p)];

	return location->messages[location->count - 1].value;
}

int checker_rounds(void)
{
	return state.rounds;
}

bool checker_unlocked(void)
{
	return state.mutex.owner == 0;
}

void *checker_ghost(void)
{
	return state.ghost;
}

void checker_step(const char *name)
{
	submit((struct op){ .name = name, .action = ACTION_STEP });
}

int checker_wait_death(void)
{
	return (int)submit((struct op){ .name = "told of a death",
					.action = ACTION_DEATH })
		->result;
}

void checker_kill(int thread)
{
	submit((struct op){ .name = "kill",
			    .action = ACTION_KILL,
			    .operand = (uint64_t)thread });
}

void checker_start(int thread)
{
	submit((struct op){ .name = "start",
			    .action = ACTION_START,
			    .operand = (uint64_t)thread });
}
