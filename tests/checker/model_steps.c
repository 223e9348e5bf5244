/* SPDX-License-Identifier: MIT */
/*
 * model_steps.c - the steps that a thread may take next, and what each step does:
 * messages, views, futexes, a pthread barrier and a mutex.
 *
 * See checker.h for the rules.  Modification order is the order in which stores
 * are done here; the modelled machine is weak because loads may be late.
 */
#include "model.h"

#include <errno.h>
#include <string.h>

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
		model_die("too many messages");
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
	if (++state.blocked < model_block_parties)
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
