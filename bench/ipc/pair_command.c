/* SPDX-License-Identifier: MIT */
/*
 * pair_command.c - contenders that are programs: start each, give the orders, and
 * prove the answers.
 *
 * A program produces and consumes the messages itself, so that no code of rigbench
 * lies between the transport and the data.  The program adds up the words that the
 * program has consumed, and in an untimed pass moves bytes that no closed form
 * describes.
 */
#include "ipc/pair_command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver/peer.h"
#include "driver/stats.h"
#include "ipc/ipc.h"
#include "ipc/side.h"
#include "ipc/transport_own.h"

/* Messages of the untimed pass: fewer where messages are large. */
#define VERIFY_MESSAGES 8
#define VERIFY_BYTES    ((size_t)64 << 20)

/* In the driver: a program a pair. */
struct pair_command {
	struct pair_arg arg;
	uint64_t seed;
	int open;
	void *program[PAIRS_MAX];
};

/* The module for programs in Python lies beside rigbench's helpers. */
void command_offer_module(void)
{
	const char *path = getenv("PYTHONPATH");
	char text[4096];

	if (path && strncmp(path, peer_folder(), strlen(peer_folder())) == 0)
		return;
	snprintf(text, sizeof(text), "%s%s%s", peer_folder(), path ? ":" : "",
		 path ? path : "");
	setenv("PYTHONPATH", text, 1);
}

int command_describe(const char *command, struct command_words *words,
		     char *why)
{
	struct peer_arg arg = { .environment = "" };
	char line[256];
	int r;

	if (strlen(command) >= sizeof(words->command)) {
		snprintf(why, CASE_WHY_BYTES, "more than %zu characters",
			 sizeof(words->command) - 1);
		return -EINVAL;
	}
	command_offer_module();
	snprintf(words->command, sizeof(words->command), "%s", command);
	snprintf(arg.command, sizeof(arg.command), "%s describe", command);
	r = peer_describe(&arg, line, sizeof(line), why);
	if (r < 0)
		return r;
	if (strncmp(line, "cannot ", 7) == 0) {
		snprintf(why, CASE_WHY_BYTES, "%.200s", line + 7);
		return -EINVAL;
	}
	if (sscanf(line, "contender 1 %d %31s %127[^\n]", &words->copies,
		   words->name, words->summary) == 3)
		return 0;
	snprintf(why, CASE_WHY_BYTES,
		 "it says \"%.120s\", not \"contender 1 COPIES NAME SUMMARY\"",
		 line);
	return -EINVAL;
}

/* The reason why a program has no such row; NULL: the program may have the row. */
static const char *not_here(const struct pair_arg *arg)
{
	return pair_fans(arg)  ? "a program joins two sides"
	       : arg->disturb  ? "rigbench interrupts no program but its own"
	       : arg->sabotage ? "a sabotage is of rigbench's own transports"
			       : NULL;
}

static void command_close(void *state)
{
	struct pair_command *p = state;

	for (int i = 0; i < p->open; i++)
		peer_ops.close(p->program[i]);
	free(p);
}

static int open_one(struct pair_command *p, clockid_t clock, char *why)
{
	const struct pair_arg *a = &p->arg;
	struct peer_arg arg = { .environment = "" };
	struct link link;
	int r;

	link_init(&link, a);
	snprintf(arg.command, sizeof(arg.command),
		 "%s pair clock=%% pattern=%s bytes=%zu slots=%u wait=%s "
		 "cpus=%d,%d touch=%s rotate=%zu rate=%u",
		 transport_command(a->transport), ipc_patterns[a->pattern],
		 a->bytes, link.slots, ipc_waits[a->waiting],
		 a->cpu[p->open][0], a->cpu[p->open][1],
		 a->touch == TOUCH_FULL ? "full" : "header", a->rotate,
		 a->rate);
	r = peer_ops.open(&arg, clock, &p->program[p->open], why);
	if (r == 0)
		p->open++;
	return r;
}

static int command_open(const void *arg, clockid_t clock, void **state,
			char *why)
{
	struct pair_command *p = calloc(1, sizeof(*p));
	const char *no;
	int r;

	if (!p)
		return -ENOMEM;
	p->arg = *(const struct pair_arg *)arg;
	p->seed = stopwatch_ns(clock);
	no = not_here(&p->arg);
	r = no ? -ENOTSUP : link_fits(&p->arg, why);
	if (no)
		snprintf(why, CASE_WHY_BYTES, "%s", no);
	while (r == 0 && p->open < p->arg.pairs)
		r = open_one(p, clock, why);
	if (r < 0) {
		command_close(p);
		return r;
	}
	*state = p;
	return 0;
}

static int command_wake(void *state)
{
	struct pair_command *p = state;
	int r = 0;

	for (int i = 0; i < p->open && r == 0; i++)
		r = peer_ops.wake(p->program[i]);
	return r;
}

static void command_rest(void *state)
{
	struct pair_command *p = state;

	for (int i = 0; i < p->open; i++)
		peer_ops.rest(p->program[i]);
}

/* The sum of the words that a program consumes in a run. */
static uint64_t sum_due(const struct pair_arg *arg, uint64_t seed,
			uint64_t count)
{
	size_t bytes =
		arg->touch == TOUCH_FULL || arg->bytes < 8 ? arg->bytes : 8;
	bool both = arg->pattern == PATTERN_PINGPONG ||
		    arg->pattern == PATTERN_SETUP;
	uint64_t sum = 0;

	if (arg->pattern == PATTERN_CRASH)
		return 0;
	if (arg->pattern == PATTERN_MAP)
		return count * payload_ends(arg->bytes, seed);
	for (uint64_t k = 0; k < count; k++)
		sum += payload_sum(bytes, seed + k);
	return both ? 2 * sum : sum;
}

/* One answer to "run".  0 or -errno with words. */
static int take_run(struct pair_command *p, const char *line, uint64_t count,
		    struct timing *timing, char *why)
{
	const char *rest = peer_timing(line, timing);
	uint64_t sum;

	if (strncmp(line, "cannot ", 7) == 0 ||
	    strncmp(line, "wrong ", 6) == 0) {
		snprintf(why, CASE_WHY_BYTES, "%.200s", strchr(line, ' ') + 1);
		return *line == 'c' ? -ENOTSUP : -EBADMSG;
	}
	if (!rest || sscanf(rest, " sum %" SCNu64, &sum) != 1) {
		snprintf(why, CASE_WHY_BYTES,
			 "it answers \"%.150s\", which is no timing with a sum",
			 line);
		return -EPROTO;
	}
	if (sum == sum_due(&p->arg, p->seed, count))
		return 0;
	snprintf(why, CASE_WHY_BYTES,
		 "what it says it consumed is not what was sent: a sum of "
		 "%" PRIu64 ", not %" PRIu64,
		 sum, sum_due(&p->arg, p->seed, count));
	return -EBADMSG;
}

static int lost(int r, char *why)
{
	snprintf(why, CASE_WHY_BYTES, "its program: %s",
		 r == -ECANCELED ? "it has ended" : strerror(-r));
	return r;
}

static int command_run(void *state, uint64_t count, struct timing *timing,
		       char *why)
{
	struct pair_command *p = state;
	char order[64];
	int r = 0;

	/* Other words each time, so that old words are found out. */
	p->seed = stats_random(&p->seed) >> 1;
	snprintf(order, sizeof(order), "run %" PRIu64 " %" PRIu64, count,
		 p->seed);
	for (int i = 0; i < p->open && r == 0; i++)
		r = peer_tell(p->program[i], order);
	for (int i = 0; i < p->open && r == 0; i++) {
		const char *line;

		r = peer_answer(p->program[i], &line);
		if (r == 0)
			r = take_run(p, line, count, timing, why);
	}
	if (timing->measured)
		timing->value /= p->open;
	return r < 0 && !*why ? lost(r, why) : r;
}

/* Reverse the order of the words of a message; bytes behind the last word stay. */
static void turn(unsigned char *data, size_t bytes)
{
	payload_turn(data, bytes / 8 * 8);
}

/* Are the `count` messages at `got` those at `sent`?  If not, words. */
static int same(const unsigned char *sent, const unsigned char *got,
		size_t count, size_t bytes, const char *where, char *why)
{
	for (size_t at = 0; at < count * bytes; at++) {
		if (sent[at] == got[at])
			continue;
		snprintf(why, CASE_WHY_BYTES,
			 "message %zu: byte %zu of %zu is wrong %s", at / bytes,
			 at % bytes, bytes, where);
		return -EBADMSG;
	}
	return 0;
}

/* One program: bytes in a file without a name, by a path that both processes have. */
static int verify_one(struct pair_command *p, void *program, int fd,
		      unsigned char *data, size_t count, char *why)
{
	size_t bytes = p->arg.bytes;
	const char *line;
	char order[96];
	int r;

	for (size_t at = 0; at < count * bytes; at++)
		data[at] = (unsigned char)(stats_random(&p->seed) >> 32);
	memset(data + count * bytes, 0, 2 * count * bytes);
	snprintf(order, sizeof(order), "verify %zu /proc/%d/fd/%d", count,
		 (int)getpid(), fd);
	r = peer_tell(program, order);
	if (r == 0)
		r = peer_answer(program, &line);
	if (r < 0)
		return lost(r, why);
	if (strcmp(line, "verified") != 0) {
		snprintf(why, CASE_WHY_BYTES, "%.200s", line);
		return -EBADMSG;
	}
	r = same(data, data + count * bytes, count, bytes, "at side 1", why);
	if (p->arg.pattern == PATTERN_MAP)
		for (size_t i = 0; i < count; i++)
			turn(data + i * bytes, bytes);
	if (r == 0)
		r = same(data, data + 2 * count * bytes, count, bytes,
			 "back at side 0", why);
	return r;
}

static int command_verify(void *state, char *why)
{
	struct pair_command *p = state;
	size_t count = VERIFY_MESSAGES;
	size_t bytes;
	unsigned char *data;
	int fd;
	int r = 0;

	if (p->arg.pattern > PATTERN_MAP || !p->arg.bytes)
		return 0;
	while (count > 1 && count * p->arg.bytes > VERIFY_BYTES)
		count /= 2;
	bytes = 3 * count * p->arg.bytes;
	fd = memfd_create("rigbench", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return fd < 0 ? link_fail(why, "memfd_create") : -ENOMEM;
	data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		r = link_fail(why, "mmap");
	for (int i = 0; i < p->open && r == 0; i++)
		r = verify_one(p, p->program[i], fd, data, count, why);
	if (data != MAP_FAILED)
		munmap(data, bytes);
	close(fd);
	return r;
}

static void command_bound(void *state, struct case_binding *binding)
{
	struct pair_command *p = state;

	/* The workers of the other pairs are alike. */
	peer_ops.bound(p->program[0], binding);
}

const struct bench_ops pair_command_ops = {
	.open = command_open,
	.wake = command_wake,
	.rest = command_rest,
	.run = command_run,
	.verify = command_verify,
	.bound = command_bound,
	.close = command_close,
};
