/* SPDX-License-Identifier: MIT */
/*
 * queue_many.cc - many processes put messages of 64 bytes into one queue, and many
 * take them: runrig's rig_queue, a POSIX message queue, Boost's message_queue.
 *
 *	queue_many rig|rig-1000|mq|boost PUTTERS TAKERS MESSAGES
 *
 * prints the nanoseconds a message, from the first put to the last take.  Each putter
 * sends MESSAGES messages; each taker checks the bytes of each message, and all that
 * was put must have been taken.  The queues have room for 10 messages, rig-1000 for
 * 1000, which no user may have of a POSIX queue by default.  queue_many.py takes turns with the kinds.
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/queue.h>

namespace
{

constexpr size_t BYTES = 64;
/* What Linux lets every user have in a POSIX queue. */
constexpr size_t SLOTS = 10;

using putter = std::function<bool(const void *)>;
using taker = std::function<bool(void *)>;

struct queue {
	putter put;
	taker take;
};

/* In memory of all processes. */
struct shared {
	std::atomic<int> ready, go;
	std::atomic<uint64_t> taken, sum;
};

uint64_t now()
{
	timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void *common(size_t bytes)
{
	void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		exit(2);
	return memory;
}

queue make_rig(size_t slots)
{
	const size_t bytes = rig_queue_bytes(slots, BYTES);
	auto *q = static_cast<rig_queue *>(common(bytes));

	if (rig_queue_init(q, bytes) < 0)
		exit(2);
	return { [q](const void *message) {
			return rig_queue_put(q, message, BYTES, RIG_FOREVER) ==
			       0;
		},
		 [q](void *message) {
			 size_t got = 0;

			 return rig_queue_take(q, message, BYTES, &got,
					       RIG_FOREVER) == 0 &&
				got == BYTES;
		 } };
}

queue make_mq()
{
	char name[40];
	mq_attr attr = {};
	mqd_t q;

	snprintf(name, sizeof(name), "/queue-many-%d", (int)getpid());
	attr.mq_maxmsg = SLOTS;
	attr.mq_msgsize = BYTES;
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (q < 0) {
		perror("mq_open");
		exit(2);
	}
	mq_unlink(name);
	return { [q](const void *message) {
			return mq_send(q, (const char *)message, BYTES, 0) == 0;
		},
		 [q](void *message) {
			 return mq_receive(q, (char *)message, BYTES,
					   nullptr) == (ssize_t)BYTES;
		 } };
}

queue make_boost()
{
	using boost::interprocess::message_queue;
	char name[40];

	snprintf(name, sizeof(name), "queue-many-%d", (int)getpid());
	auto *q = new message_queue(boost::interprocess::create_only, name,
				    SLOTS, BYTES);
	message_queue::remove(name);
	return { [q](const void *message) {
			q->send(message, BYTES, 0);
			return true;
		},
		 [q](void *message) {
			 message_queue::size_type got;
			 unsigned priority;

			 q->receive(message, BYTES, got, priority);
			 return got == BYTES;
		 } };
}

/* A message is a number eight times; 0 is the end of a taker. */
[[noreturn]] void puts(const queue &q, shared *s, int self, uint64_t count)
{
	uint64_t message[BYTES / 8];
	uint64_t sum = 0;

	s->ready++;
	while (!s->go)
		sched_yield();
	for (uint64_t i = 1; i <= count; i++) {
		const uint64_t number = (uint64_t)self << 40 | i;

		for (auto &word : message)
			word = number;
		if (!q.put(message))
			_exit(3);
		sum += number;
	}
	s->sum += sum;
	_exit(0);
}

[[noreturn]] void takes(const queue &q, shared *s)
{
	uint64_t message[BYTES / 8];
	uint64_t sum = 0, count = 0;

	s->ready++;
	for (;;) {
		if (!q.take(message) || memcmp(message, message + 1, BYTES - 8))
			_exit(3);
		if (message[0] == 0)
			break;
		sum += message[0];
		count++;
	}
	s->sum -= sum;
	s->taken += count;
	_exit(0);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 5)
		return 1;
	const queue q = !strcmp(argv[1], "rig")        ? make_rig(SLOTS)
			: !strcmp(argv[1], "rig-1000") ? make_rig(1000)
			: !strcmp(argv[1], "mq")       ? make_mq()
						       : make_boost();
	const int putters = atoi(argv[2]), takers = atoi(argv[3]);
	const uint64_t count = strtoull(argv[4], nullptr, 10);
	auto *s = static_cast<shared *>(common(sizeof(shared)));
	const uint64_t end[BYTES / 8] = {};
	int status, failed = 0;

	alarm(100);
	for (int i = 0; i < putters; i++)
		if (fork() == 0)
			puts(q, s, i + 1, count);
	for (int i = 0; i < takers; i++)
		if (fork() == 0)
			takes(q, s);
	while (s->ready < putters + takers)
		usleep(1000);
	const uint64_t begin = now();
	s->go = 1;
	for (int i = 0; i < putters; i++) {
		wait(&status);
		failed |= status;
	}
	for (int i = 0; i < takers; i++)
		if (!q.put(end))
			failed = 1;
	for (int i = 0; i < takers; i++) {
		wait(&status);
		failed |= status;
	}
	const double ns = (double)(now() - begin);
	const uint64_t all = count * (uint64_t)putters;

	if (failed || s->taken != all || s->sum != 0)
		return 3;
	printf("%.1f\n", ns / (double)all);
	return 0;
}
