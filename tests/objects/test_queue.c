/* SPDX-License-Identifier: MIT */
/*
 * test_queue.c - messages between processes: in order, each once, whole, whoever
 * dies.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/queue.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "lib/puppet.h"

#define ROOM_BYTES  4096
#define LONGEST     300
#define PUTTERS     3
#define TAKERS      3
#define MESSAGES    2000u
#define PATIENCE_NS UINT64_C(20000000000)

/* A message: the sender, the number among the sender's messages, and bytes that
 * follow from both. */
struct message {
	uint32_t putter;
	uint32_t number;
	unsigned char bytes[LONGEST];
};

/* In shared memory. */
struct arena {
	_Atomic uint32_t go;
	_Atomic uint32_t taken[PUTTERS];
	_Atomic uint32_t left; /* messages that no process has taken yet */
	alignas(RIG_LINE) unsigned char queue[ROOM_BYTES];
};

static struct arena *arena;
static struct rig_queue *queue;

static void setup(void)
{
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(arena, MAP_FAILED);
	queue = (void *)arena->queue;
	ck_assert_int_eq(rig_queue_init(queue, ROOM_BYTES), 0);
}

static void teardown(void)
{
	munmap(arena, sizeof(*arena));
}

static size_t length_of(uint32_t number)
{
	return 8 + number * 37 % (LONGEST + 1);
}

static size_t make(struct message *message, uint32_t putter, uint32_t number)
{
	size_t length = length_of(number);

	message->putter = putter;
	message->number = number;
	memset(message->bytes, (int)(putter * 31 + number), length - 8);
	return length;
}

static bool is_whole(const struct message *message, size_t length)
{
	if (length < 8 || length != length_of(message->number))
		return false;
	for (size_t i = 0; i + 8 < length; i++)
		if (message->bytes[i] !=
		    (unsigned char)(message->putter * 31 + message->number))
			return false;
	return true;
}

static int put(uint32_t putter, uint32_t number, uint64_t deadline_ns)
{
	struct message message;
	size_t length = make(&message, putter, number);

	return rig_queue_put(queue, &message, length, deadline_ns);
}

/* The number of the next message, which is whole; or -errno. */
static int take(uint64_t deadline_ns)
{
	struct message message;
	size_t length = 0;
	int r = rig_queue_take(queue, &message, sizeof(message), &length,
			       deadline_ns);

	if (r < 0)
		return r;
	return is_whole(&message, length) ? (int)message.number : -EBADMSG;
}

START_TEST(in_order_all_around_the_ring)
{
	uint32_t in = 0, out = 0;

	for (int round = 0; round < 500; round++) {
		while (put(0, in, 0) == 0)
			in++;
		ck_assert_uint_eq(rig_queue_count(queue), in - out);
		for (int i = 0; i <= round % 5 && out < in; i++)
			ck_assert_int_eq(take(0), (int)out++);
	}
	while (out < in)
		ck_assert_int_eq(take(0), (int)out++);
	ck_assert_int_eq(take(0), -ETIMEDOUT);
	ck_assert_uint_eq(rig_queue_count(queue), 0);
}
END_TEST

static int put_all(int putter)
{
	for (uint32_t number = 0; number < MESSAGES; number++)
		if (put((uint32_t)putter, number, clock_after(PATIENCE_NS)) < 0)
			return 1;
	return 0;
}

/* The messages that a taker gets from a putter come in the putter's order. */
static int take_many(void)
{
	uint32_t next[PUTTERS] = { 0 };
	struct message message;
	size_t length;

	while (sub_seq(&arena->left, 1) - 1 < PUTTERS * MESSAGES) {
		if (rig_queue_take(queue, &message, sizeof(message), &length,
				   clock_after(PATIENCE_NS)) < 0)
			return 2;
		if (!is_whole(&message, length) || message.putter >= PUTTERS)
			return 3;
		if (message.number < next[message.putter])
			return 4;
		next[message.putter] = message.number + 1;
		add_seq(&arena->taken[message.putter], 1);
	}
	return 0;
}

static int put_or_take(int rank, void *arg)
{
	(void)arg;
	return rank < PUTTERS ? put_all(rank) : take_many();
}

START_TEST(many_put_and_many_take)
{
	store_relaxed(&arena->left, PUTTERS * MESSAGES);
	ck_assert_int_eq(run_workers(PUTTERS + TAKERS, put_or_take, NULL), 0);
	for (int i = 0; i < PUTTERS; i++)
		ck_assert_uint_eq(load_relaxed(&arena->taken[i]), MESSAGES);
	ck_assert_uint_eq(rig_queue_count(queue), 0);
}
END_TEST

static int wait_for_message(int rank, void *arg)
{
	(void)arg;
	if (rank == 0)
		return take(RIG_FOREVER) == 5 ? 0 : 1;
	usleep(50000);
	return put(1, 5, 0) == 0 ? 0 : 2;
}

static int wait_for_room(int rank, void *arg)
{
	(void)arg;
	if (rank == 0)
		return put(0, 6, RIG_FOREVER) == 0 ? 0 : 1;
	usleep(50000);
	while (take(0) >= 0)
		if (rig_queue_count(queue) < 3)
			return 0;
	return 2;
}

START_TEST(who_sleeps_is_woken)
{
	ck_assert_int_eq(run_workers(2, wait_for_message, NULL), 0);
	for (uint32_t i = 0; put(0, i, 0) == 0; i++)
		;
	ck_assert_int_eq(run_workers(2, wait_for_room, NULL), 0);
}
END_TEST

START_TEST(deadlines_and_sizes)
{
	char large[ROOM_BYTES], small[4];
	uint64_t deadline = clock_after(2000000);
	size_t bytes = 0;

	ck_assert_int_eq(take(deadline), -ETIMEDOUT);
	ck_assert_uint_ge(clock_ns(), deadline);
	ck_assert_int_eq(
		rig_queue_put(queue, large, rig_queue_longest(queue) + 1, 0),
		-EMSGSIZE);
	memset(large, 7, sizeof(large));
	ck_assert_int_eq(
		rig_queue_put(queue, large, rig_queue_longest(queue), 0), 0);
	ck_assert_int_eq(rig_queue_put(queue, "", 0, 0), -ETIMEDOUT);
	ck_assert_int_eq(rig_queue_take(queue, small, sizeof(small), &bytes, 0),
			 -EMSGSIZE);
	ck_assert_uint_eq(bytes, rig_queue_longest(queue));
	ck_assert_int_eq(rig_queue_take(queue, large, sizeof(large), &bytes, 0),
			 0);
	ck_assert_int_eq(rig_queue_put(queue, NULL, 0, 0), 0);
	ck_assert_int_eq(rig_queue_take(queue, NULL, 0, &bytes, 0), 0);
	ck_assert_uint_eq(bytes, 0);
	ck_assert_uint_eq(rig_queue_bytes(SIZE_MAX / 4, 100), 0);
	ck_assert_uint_eq(rig_queue_bytes(1, SIZE_MAX), 0);
}
END_TEST

START_TEST(what_is_no_queue)
{
	alignas(RIG_LINE) unsigned char other[1024] = { 0 };
	size_t bytes;

	ck_assert_int_eq(rig_queue_put((void *)other, "x", 1, 0), -EPROTO);
	ck_assert_int_eq(rig_queue_take((void *)other, other, 1, &bytes, 0),
			 -EPROTO);
	ck_assert_int_eq(rig_queue_put(NULL, "x", 1, 0), -EINVAL);
	ck_assert_uint_eq(rig_queue_longest((void *)other), 0);
	ck_assert_int_eq(rig_queue_init((void *)(other + 8), 900), -EINVAL);
	ck_assert_int_eq(rig_queue_init((void *)other, 100), -EINVAL);
}
END_TEST

/* ---- deaths ---- */

/* A child that puts or takes a message on command; then the child waits to be
 * killed. */
static pid_t start_victim(bool puts, uint32_t number)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	while (!load_acquire(&arena->go))
		;
	if (puts)
		(void)put(0, number, 0);
	else
		(void)take(0);
	for (;;)
		pause();
}

/* Kill the child `steps` instructions after the begin of its call. */
static void kill_within(bool puts, uint32_t number, long steps)
{
	void (*call)(void) = puts ? (void (*)(void))rig_queue_put
				  : (void (*)(void))rig_queue_take;
	struct puppet puppet;
	pid_t pid;

	store_relaxed(&arena->go, 0);
	pid = start_victim(puts, number);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(puppet_attach(&puppet, pid), 0);
	ck_assert_int_eq(puppet_go(&puppet, call), 0);
	store_release(&arena->go, 1);
	ck_assert_int_eq(puppet_arrive(&puppet, clock_after(PATIENCE_NS)), 0);
	if (steps)
		(void)puppet_step(&puppet, steps);
	puppet_kill(&puppet);
	(void)waitpid(pid, NULL, 0);
}

/* Instructions of a call, at the very most. */
#define STEPS_MAX 3000

/* Three messages are in the queue.  A process that puts a fourth message is
 * killed after each instruction in turn: then the queue has the three messages,
 * and perhaps the fourth, and goes on. */
START_TEST(a_putter_dies_anywhere)
{
	uint32_t arrived = 0, lost = 0;
	const long stride = getenv("RUNRIG_STEPS") ? 1 : 53;

	if (!puppet_possible()) {
		printf("needs ptrace on x86-64\n");
		return;
	}
	for (long steps = 0; steps < STEPS_MAX; steps += stride) {
		int next;

		for (uint32_t i = 0; i < 3; i++)
			ck_assert_int_eq(put(0, i, 0), 0);
		kill_within(true, 3, steps);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(take(clock_after(PATIENCE_NS)), i);
		next = take(0);
		ck_assert(next == 3 || next == -ETIMEDOUT);
		ck_assert_uint_eq(rig_queue_count(queue), 0);
		arrived += next == 3;
		lost += next != 3;
		if (arrived > 2)
			break;
	}
	ck_assert_uint_gt(arrived, 0);
	ck_assert_uint_gt(lost, 0);
}
END_TEST

START_TEST(a_taker_dies_anywhere)
{
	uint32_t there = 0, gone = 0;
	const long stride = getenv("RUNRIG_STEPS") ? 1 : 53;

	if (!puppet_possible())
		return;
	for (long steps = 0; steps < STEPS_MAX; steps += stride) {
		int first;

		for (uint32_t i = 0; i < 3; i++)
			ck_assert_int_eq(put(0, i, 0), 0);
		kill_within(false, 0, steps);
		first = take(clock_after(PATIENCE_NS));
		ck_assert(first == 0 || first == 1);
		ck_assert_uint_eq(rig_queue_count(queue),
				  (uint64_t)(2 - first));
		for (int i = first + 1; i < 3; i++)
			ck_assert_int_eq(take(0), i);
		ck_assert_int_eq(take(0), -ETIMEDOUT);
		there += first == 0;
		gone += first == 1;
		if (gone > 2)
			break;
	}
	ck_assert_uint_gt(there, 0);
	ck_assert_uint_gt(gone, 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = make_tcase("messages", 40);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, in_order_all_around_the_ring);
	tcase_add_test(tcase, many_put_and_many_take);
	tcase_add_test(tcase, who_sleeps_is_woken);
	tcase_add_test(tcase, deadlines_and_sizes);
	tcase_add_test(tcase, what_is_no_queue);
	tcase_add_test(tcase, a_putter_dies_anywhere);
	tcase_add_test(tcase, a_taker_dies_anywhere);
	suite_add_tcase(suite, tcase);
	return suite;
}
