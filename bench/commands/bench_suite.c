/* SPDX-License-Identifier: MIT */
/*
 * bench_suite.c - rigbench suite: a fixed choice of everything, for pages that are
 * compared with each other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/commands.h"
#include "ipc/ipc.h"

static const struct ipc_choice quick = {
	.transports = { "seg-inplace", "null", "memcpy", "pipe", "unix-stream",
			"seg-copyboth", "cma-read", "pool", NULL },
	.sizes = { 64, 4096, 65536, 1 << 20, SIZE_MAX },
	.patterns = { 2, { PATTERN_PINGPONG, PATTERN_STREAM } },
	.waits = { 1, { WAITING_HYBRID } },
};

/* The cost of a link before and after its messages: pages and names for a
 * segment. */
static const struct ipc_choice quick_setup = {
	.transports = { "seg-inplace", "pipe", "unix-stream", "seg-copyboth",
			"cma-read", NULL },
	.sizes = { 65536, 1 << 20, SIZE_MAX },
	.patterns = { 1, { PATTERN_SETUP } },
	.waits = { 1, { WAITING_HYBRID } },
};

static const struct ipc_choice normal = {
	.transports = { "seg-inplace",    "null",       "sync",
			"byref",          "memcpy",     "memcpy-x",
			"serialise",      "pipe",       "unix-stream",
			"unix-seqpacket", "unix-dgram", "tcp",
			"mq-posix",       "seg-copyin", "seg-copyout",
			"seg-copyboth",   "cma-read",   "vmsplice",
			"pool",           NULL },
	.sizes = { 0, 8, 64, 256, 1024, 4096, 16384, 65536, 262144, 1 << 20,
		   4 << 20, 16 << 20, SIZE_MAX },
	.patterns = { 3, { PATTERN_PINGPONG, PATTERN_STREAM, PATTERN_MAP } },
	.waits = { 1, { WAITING_HYBRID } },
	.peers = true,
};

/* Beginnings and ends, of small and large messages. */
static const struct ipc_choice normal_ends = {
	.transports = { "seg-inplace", "pipe", "unix-stream", "unix-seqpacket",
			"unix-dgram", "tcp", "mq-posix", "seg-copyin",
			"seg-copyout", "seg-copyboth", "cma-read", "vmsplice",
			"pool", NULL },
	.sizes = { 64, 65536, 1 << 20, SIZE_MAX },
	.patterns = { 2, { PATTERN_SETUP, PATTERN_CRASH } },
	.waits = { 1, { WAITING_HYBRID } },
};

/* Where the page and the next comparison find it: -o DIR, else here. */
static void default_json(struct command *c, const char *name)
{
	static char path[4096];

	if (c->json_path)
		return;
	if (c->folder)
		(void)mkdir(c->folder, 0777);
	snprintf(path, sizeof(path), "%s%s%s.json", c->folder ? c->folder : "",
		 c->folder ? "/" : "", name);
	c->json = true;
	c->json_path = path;
}

static int command_suite(struct command *c)
{
	int r;

	if (c->word_count != 2 || (strcmp(c->words[1], "quick") != 0 &&
				   strcmp(c->words[1], "normal") != 0)) {
		fprintf(stderr, "rigbench: suite quick, or suite normal\n");
		return 1;
	}
	c->verdict = ipc_verdict;
	c->more = ipc_answer;
	command_openings(c, 3);
	if (strcmp(c->words[1], "quick") == 0) {
		/* 80 cells in 90 seconds: short warm-ups, short samples. */
		if (!c->warmup_given)
			c->plan.warmup_ns = 10000000;
		c->plan.warmup_max_ns = 30000000;
		c->plan.batch_ns = 500000;
		if (c->plan.blocks < 21)
			c->plan.blocks = 21;
		if (!c->plan.budget_ns)
			c->plan.budget_ns = UINT64_C(70000000000);
		default_json(c, "rigbench-quick");
		r = ipc_cases(&c->plan, &quick);
		if (r == 0)
			r = ipc_cases(&c->plan, &quick_setup);
	} else {
		if (c->plan.blocks < 31)
			c->plan.blocks = 31;
		default_json(c, "rigbench-normal");
		r = ipc_cases(&c->plan, &normal);
		if (r == 0)
			r = ipc_cases(&c->plan, &normal_ends);
	}
	if (r < 0)
		return r == -EINVAL ? 1 : 5;
	return command_measure(c);
}

const struct bench_command bench_suite = {
	.name = "suite",
	.words = "quick|normal",
	.summary = "Measure a fixed choice, to a JSON file.",
	.run = command_suite,
	.about =
		"quick takes 90 seconds and writes rigbench-quick.json, normal all "
		"transports, sizes and peers, and rigbench-normal.json: here, or in "
		"the folder of -o.",
};
