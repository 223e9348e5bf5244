/* SPDX-License-Identifier: MIT */
/*
 * model.c - the modelled memory: messages, views, futexes, a pthread barrier and a
 * mutex.
 *
 * See checker.h for the rules.  Modification order is the order in which stores
 * are done here; the modelled machine is weak because loads may be late.
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/api.h>

#include "machine/wait.h"

struct state state;
const struct checker_scenario *scenario;
int current = -1;

/* Fixed once the scenario is set up. */
static struct {
	const volatile void *at;
	const char *name;
} places[CHECKER_LOCATIONS];
static int place_count;
static unsigned block_parties;

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "checker: %s\n", why);
	exit(5);
}

void model_clear(void)
{
	memset(&state, 0, sizeof(state));
	place_count = 0;
	block_parties = 0;
	current = -1;
}

const char *model_location_name(int location)
{
	return places[location].name;
}

void checker_location(const volatile void *p, const char *name)
{
	if (place_count == CHECKER_LOCATIONS)
		die("too many locations");
	places[place_count].at = p;
	places[place_count].name = name;
	state.locations[place_count++].count = 1;
}

static uint8_t location_of(const volatile void *p)
{
	for (int i = 0; i < place_count; i++)
		if (places[i].at == p)
			return (uint8_t)i;
	die("an atomic that the scenario did not name");
}

static uint8_t max(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

static void join(struct view *view, const struct view *other)
{
	for (int i = 0; i < CHECKER_LOCATIONS; i++)
		view->oldest[i] = max(view->oldest[i], other->oldest[i]);
	for (int i = 0; i < CHECKER_THREADS; i++)
		view->clock[i] = max(view->clock[i], other->clock[i]);
}

/* --- plain objects --- */

static void tick(int t)
{
	if (++state.threads[t].view.clock[t] == 0)
		die("too many plain accesses");
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

/* --- functions that threads call: note the operation, and let the explorer
 * decide --- */

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
	return &state.locations[location_of(p)].messages[0];
}

uint64_t checker_load(const char *name, enum order order,
		      const volatile void *p, unsigned bytes)
{
	if (current < 0)
		return only(p)->value;
	return submit((struct op){ .name = name,
				   .action = ACTION_LOAD,
				   .order = (uint8_t)order,
				   .location = location_of(p),
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
				    .location = location_of(p),
				    .bytes = (uint8_t)bytes,
				    .operand = value });
}

static uint64_t rmw(const char *name, enum action action, enum order order,
		    volatile void *p, unsigned bytes, uint64_t value)
{
	if (current < 0)
		die("a read-modify-write in set_up");
	return submit((struct op){ .name = name,
				   .action = (uint8_t)action,
				   .order = (uint8_t)order,
				   .location = location_of(p),
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
			 .location = location_of(p),
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
					     .location = location_of(word),
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
				   .location = location_of(word),
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
					.location = location_of(word),
					.bytes = sizeof(*word),
					.endless = deadline_ns == RIG_FOREVER,
					.operand = value })
		->result;
}

void wait_wake(_Atomic uint32_t *word, int count)
{
	submit((struct op){ .name = "wait_wake",
			    .action = ACTION_WAKE,
			    .location = location_of(word),
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
	block_parties = parties;
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
	const struct location *location = &state.locations[location_of(p)];

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

/* --- the possible steps --- */

static uint64_t value_at(const struct op *op, int index)
{
	return state.locations[op->location].messages[index].value;
}

/* The oldest message that thread `t` may read by the thread's operation. */
static int oldest(int t)
{
	const struct thread *self = &state.threads[t];
	const struct location *location = &state.locations[self->op.location];
	uint8_t index = self->view.oldest[self->op.location];

	if (self->op.order == SEQ)
		index = max(index, location->seq);
	if (self->op.action == ACTION_SLEEP)
		index = max(index, location->futex);
	return index;
}

static bool polled_enough(const struct op *op, uint64_t value)
{
	if (op->action == ACTION_CHANGE)
		return value != op->operand;
	return value >= op->operand || (value & op->expected);
}

static bool may_read(const struct op *op, uint64_t value)
{
	switch (op->action) {
	case ACTION_CHANGE:
	case ACTION_REACH:
		return !op->endless || polled_enough(op, value);
	case ACTION_CAS:
		return value != op->expected;
	default:
		return true;
	}
}

/* Somebody who lives has the mutex, which is not lost. */
static bool owner_holds(void)
{
	const struct mutex *mutex = &state.mutex;

	return mutex->owner && !mutex->lost &&
	       state.threads[mutex->owner - 1].status != STATUS_DEAD;
}

static int choices_ready(int t, struct choice *choices)
{
	const struct op *op = &state.threads[t].op;
	const struct location *location = &state.locations[op->location];
	bool sleeps = false;
	bool again = false;
	int n = 0;

	switch (op->action) {
	case ACTION_CAS:
		if (value_at(op, location->count - 1) == op->expected)
			choices[n++].how = HOW_GO;
		/* fall through */
	case ACTION_LOAD:
	case ACTION_CHANGE:
	case ACTION_REACH:
		/* The newest first: the shortest schedules. */
		for (int i = location->count - 1; i >= oldest(t); i--)
			if (may_read(op, value_at(op, i)))
				choices[n++] =
					(struct choice){ HOW_READ, (uint8_t)i };
		return n;
	case ACTION_SLEEP:
		for (int i = oldest(t); i < location->count; i++) {
			sleeps |= value_at(op, i) == op->operand;
			again |= value_at(op, i) != op->operand;
		}
		if (again)
			choices[n++].how = HOW_AGAIN;
		if (sleeps)
			choices[n++].how = HOW_SLEEP;
		return n;
	case ACTION_DEATH:
		choices[0].how = HOW_GO;
		return state.dead ? 1 : 0;
	case ACTION_LOCK:
		choices[0].how = HOW_GO;
		return owner_holds() ? 0 : 1;
	default:
		choices[0].how = HOW_GO;
		return 1;
	}
}

/* Can no thread do anything but wait? */
static bool all_wait(void)
{
	struct choice choices[CHOICES_MAX];

	for (int i = 0; i < scenario->threads; i++) {
		uint8_t status = state.threads[i].status;

		if (status == STATUS_RELEASED ||
		    (status == STATUS_READY && choices_ready(i, choices)))
			return false;
	}
	return true;
}

int model_choices(int t, struct choice *choices)
{
	const struct thread *self = &state.threads[t];
	int n = 0;

	memset(choices, 0, CHOICES_MAX * sizeof(*choices));
	switch (self->status) {
	case STATUS_READY:
		n = choices_ready(t, choices);
		break;
	case STATUS_RELEASED:
		choices[n++].how = HOW_GO;
		break;
	case STATUS_ASLEEP:
		if (state.spurious < scenario->spurious)
			choices[n++].how = HOW_SPURIOUS;
		/* Further deadlines pass only when nothing else can happen. */
		if (!self->op.endless &&
		    (state.timeouts < scenario->timeouts || all_wait()))
			choices[n++].how = HOW_TIMEOUT;
		break;
	case STATUS_BLOCKED:
		break;
	default:
		return 0;
	}
	if (scenario->mortal >> t & 1 && state.deaths < scenario->deaths)
		choices[n++].how = HOW_DIE;
	return n;
}

bool model_progress(struct choice choice)
{
	return choice.how != HOW_SPURIOUS && choice.how != HOW_DIE;
}

/* --- the steps --- */

static uint64_t cut(const struct op *op, uint64_t value)
{
	return op->bytes == 4 ? (uint32_t)value : value;
}

static void do_read(int t, int index, uint8_t order)
{
	struct thread *self = &state.threads[t];
	struct location *location = &state.locations[self->op.location];

	self->result = location->messages[index].value;
	self->view.oldest[self->op.location] = (uint8_t)index;
	if (order & ACQUIRE)
		join(&self->view, &location->messages[index].view);
	if (order == SEQ)
		location->seq = max(location->seq, (uint8_t)index);
}

/* `before`: the message that an RMW replaces; the message's view goes on. */
static void do_write(int t, uint64_t value, const struct message *before)
{
	struct thread *self = &state.threads[t];
	struct location *location = &state.locations[self->op.location];
	struct message *message = &location->messages[location->count];

	if (location->count == CHECKER_MESSAGES)
		die("too many messages");
	self->view.oldest[self->op.location] = location->count;
	message->value = cut(&self->op, value);
	if (before)
		message->view = before->view;
	if (self->op.order & RELEASE)
		join(&message->view, &self->view);
	if (self->op.order == SEQ)
		location->seq = location->count;
	location->count++;
}

static void do_rmw(int t)
{
	const struct op *op = &state.threads[t].op;
	const struct location *location = &state.locations[op->location];
	int last = location->count - 1;
	uint64_t value;

	do_read(t, last, op->order);
	value = state.threads[t].result;
	if (op->action == ACTION_ADD)
		value += op->operand;
	else if (op->action == ACTION_OR)
		value |= op->operand;
	else
		value = op->operand;
	state.threads[t].succeeded = 1;
	do_write(t, value, &location->messages[last]);
}

static void do_wake(int t)
{
	const struct op *op = &state.threads[t].op;
	struct location *location = &state.locations[op->location];
	uint64_t left = op->operand;

	location->futex = max(location->futex,
			      state.threads[t].view.oldest[op->location]);
	for (int i = 0; i < CHECKER_THREADS && left; i++) {
		struct thread *other = &state.threads[i];

		if (other->status == STATUS_ASLEEP &&
		    other->op.location == op->location) {
			other->status = STATUS_RELEASED;
			other->result = 0;
			left--;
		}
	}
}

/* Returns whether the thread goes on: the last to enter does. */
static bool do_block(int t)
{
	struct thread *self = &state.threads[t];

	for (int i = 0; i < CHECKER_THREADS; i++) {
		const struct thread *other = &state.threads[i];

		if (other->status == STATUS_BLOCKED &&
		    other->round != self->round)
			explore_fail(CHECKER_MIX,
				     "two epochs meet in one round "
				     "of the pthread barrier");
	}
	join(&state.block, &self->view);
	self->status = STATUS_BLOCKED;
	if (++state.blocked < block_parties)
		return false;
	for (int i = 0; i < CHECKER_THREADS; i++) {
		struct thread *other = &state.threads[i];

		if (other->status == STATUS_BLOCKED) {
			join(&other->view, &state.block);
			other->status = STATUS_RELEASED;
		}
	}
	self->status = STATUS_READY;
	state.blocked = 0;
	state.rounds++;
	memset(&state.block, 0, sizeof(state.block));
	return true;
}

static void do_kill(int t, int other)
{
	/* The corpse has been waited for. */
	join(&state.threads[t].view, &state.threads[other].view);
	state.threads[other].status = STATUS_DEAD;
}

static void do_start(int t, int other)
{
	struct thread *thread = &state.threads[other];

	memset(thread, 0, sizeof(*thread));
	thread->view = state.threads[t].view;
	thread->op = (struct op){ .name = "begins", .action = ACTION_STEP };
	thread->status = STATUS_READY;
	explore_begin(other);
}

/* The mutex is free, lost, or its owner has died. */
static void do_lock(int t)
{
	struct thread *self = &state.threads[t];
	struct mutex *mutex = &state.mutex;

	mutex->used = 1;
	join(&self->view, &mutex->view);
	self->result = mutex->lost ? ENOTRECOVERABLE : 0;
	if (mutex->lost)
		return;
	if (mutex->owner) {
		join(&self->view, &state.threads[mutex->owner - 1].view);
		self->result = EOWNERDEAD;
		mutex->damaged = 1;
	}
	mutex->owner = (uint8_t)(t + 1);
}

static void do_unlock(int t)
{
	struct mutex *mutex = &state.mutex;

	if (mutex->owner != t + 1) {
		explore_fail(CHECKER_WRONG, "unlocks the mutex of another");
		return;
	}
	join(&mutex->view, &state.threads[t].view);
	mutex->lost = mutex->damaged;
	mutex->owner = 0;
}

static bool go(int t)
{
	struct thread *self = &state.threads[t];
	const struct op *op = &self->op;

	switch (op->action) {
	case ACTION_STORE:
		do_write(t, op->operand, NULL);
		break;
	case ACTION_ADD:
	case ACTION_OR:
	case ACTION_SWAP:
	case ACTION_CAS:
		do_rmw(t);
		break;
	case ACTION_WAKE:
		do_wake(t);
		break;
	case ACTION_BLOCK:
		return do_block(t);
	case ACTION_LOCK:
		do_lock(t);
		break;
	case ACTION_UNLOCK:
		do_unlock(t);
		break;
	case ACTION_CONSISTENT:
		state.mutex.damaged = 0;
		break;
	case ACTION_DEATH:
		self->result = state.dead - 1u;
		state.dead = 0;
		break;
	case ACTION_KILL:
		do_kill(t, (int)op->operand);
		break;
	case ACTION_START:
		do_start(t, (int)op->operand);
		break;
	default: /* ACTION_STEP */
		break;
	}
	return true;
}

bool model_do(int t, struct choice choice)
{
	struct thread *self = &state.threads[t];

	self->succeeded = 0;
	switch (choice.how) {
	case HOW_READ:
		do_read(t, choice.index,
			self->op.action == ACTION_CAS ? self->op.failed
						      : self->op.order);
		return true;
	case HOW_SLEEP:
		self->status = STATUS_ASLEEP;
		return false;
	case HOW_AGAIN:
		self->result = (uint64_t)-EAGAIN;
		return true;
	case HOW_TIMEOUT:
		if (state.timeouts < scenario->timeouts)
			state.timeouts++;
		self->result = (uint64_t)-ETIMEDOUT;
		self->status = STATUS_READY;
		return true;
	case HOW_SPURIOUS:
		state.spurious++;
		self->result = 0;
		self->status = STATUS_READY;
		return true;
	case HOW_DIE:
		self->status = STATUS_DEAD;
		state.deaths++;
		state.dead = (uint8_t)(t + 1);
		return false;
	default: /* HOW_GO */
		if (self->status == STATUS_RELEASED) {
			self->status = STATUS_READY;
			return true;
		}
		return go(t);
	}
}

/* --- dropping messages that no thread can read --- */

/* Whether the values that the thread may still read matter.  A thread that
 * waits for a death will know at least the dead thread's view.  Where there is a
 * mutex, a dead thread hands its view on by the mutex alone. */
static bool counts(int t)
{
	const struct thread *thread = &state.threads[t];

	if (thread->status == STATUS_DEAD && state.mutex.used)
		return state.mutex.owner == t + 1;
	return thread->status != STATUS_NONE &&
	       thread->status != STATUS_ENDED &&
	       thread->op.action != ACTION_DEATH;
}

static void lower(uint8_t *index, int by)
{
	*index = (uint8_t)(*index > by ? *index - by : 0);
}

static void drop(int l, int by)
{
	struct location *location = &state.locations[l];
	int left = location->count - by;

	memmove(location->messages, location->messages + by,
		(size_t)left * sizeof(*location->messages));
	memset(location->messages + left, 0,
	       (size_t)by * sizeof(*location->messages));
	location->count = (uint8_t)left;
	lower(&location->seq, by);
	lower(&location->futex, by);
	for (int i = 0; i < CHECKER_THREADS; i++)
		lower(&state.threads[i].view.oldest[l], by);
	lower(&state.block.oldest[l], by);
	lower(&state.mutex.view.oldest[l], by);
	for (int i = 0; i < place_count; i++)
		for (int m = 0; m < state.locations[i].count; m++)
			lower(&state.locations[i].messages[m].view.oldest[l],
			      by);
}

void model_tidy(void)
{
	for (int i = 0; i < CHECKER_THREADS; i++)
		if (state.threads[i].status == STATUS_ENDED)
			state.threads[i] =
				(struct thread){ .status = STATUS_ENDED,
						 .view = state.threads[i].view,
						 .round = UINT8_MAX };
	for (int l = 0; l < place_count; l++) {
		int least = state.locations[l].count - 1;

		for (int i = 0; i < CHECKER_THREADS; i++) {
			const struct thread *thread = &state.threads[i];

			if (counts(i) && thread->view.oldest[l] < least)
				least = thread->view.oldest[l];
		}
		if (least)
			drop(l, least);
	}
}
