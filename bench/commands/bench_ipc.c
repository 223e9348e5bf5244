/* SPDX-License-Identifier: MIT */
/*
 * bench_ipc.c - rigbench ipc: transports between two processes.
 */
#include <errno.h>
#include <stdint.h>

#include "commands/commands.h"
#include "ipc/ipc.h"
#include "ipc/transport_own.h"

static int command_ipc(struct command *c)
{
	struct ipc_choice choice = {
		.sizes = { 0, 64, 4096, 65536, 1 << 20, SIZE_MAX },
		.patterns = { 2, { PATTERN_PINGPONG, PATTERN_STREAM } },
		.waits = { 1, { WAITING_HYBRID } },
		.rate = 100000,
		.peers = true,
	};
	int r = 0;

	for (int i = 0; i < c->contender_count; i++)
		if (transport_own_load(c->contenders[i]) < 0)
			return EXIT_USAGE;
	ipc_tier(&choice, 1);
	for (int i = 1; i < c->word_count && r == 0; i++)
		r = ipc_word(&choice, c->words[i]);
	if (r == 0)
		ipc_take_own(&choice);
	if (r == 0)
		r = ipc_cases(&c->plan, &choice);
	if (r < 0)
		return r == -EINVAL ? 1 : 5;
	c->verdict = ipc_verdict;
	c->more = ipc_answer;
	command_openings(c, 3);
	return command_measure(c);
}

const struct bench_command bench_ipc = {
	.name = "ipc",
	.words = "[NAME=LIST...]",
	.summary = "Time transports between two processes.",
	.run = command_ipc,
	.help = help_ipc,
};
