/* SPDX-License-Identifier: MIT */
/*
 * chaos_kernel.h - the kernel that the hosts of test_chaos.c run, and the kernel's
 * results.
 */
#ifndef RUNRIG_TESTS_CHAOS_KERNEL_H
#define RUNRIG_TESTS_CHAOS_KERNEL_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/atomic.h"

#define WORDS       512
#define WORKERS_MAX 5

/* Bytes that a run prints. */
#define LINE_BYTES 9

struct board {
	_Atomic uint32_t arrived[WORKERS_MAX]; /* rounds */
	/* A rank has passed a barrier before all ranks had arrived. */
	_Atomic uint32_t passed_early;
	uint64_t words[WORDS];
};

struct task {
	int rounds;
	int number; /* rank 0 prints the number */
};

/* exit() is not for signal handlers: the kernel calls it. */
static volatile sig_atomic_t told_to_exit;

static void leaves(int signal)
{
	if (signal == SIGUSR2)
		_exit(3);
	told_to_exit = 1;
}

static int work(struct rig_team *team)
{
	struct board *board = rig_team_data(team, 0);
	const struct task *task = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, WORDS);
	int rank = rig_team_rank(team), size = rig_team_size(team);

	(void)signal(SIGUSR1, leaves);
	(void)signal(SIGUSR2, leaves);
	if (rank == 0)
		printf("%08d\n", task->number);
	for (int round = 1; round <= task->rounds; round++) {
		if (told_to_exit)
			exit(0);
		for (size_t i = strip.begin; i < strip.end; i++)
			board->words[i] = board->words[i] * 3 + i;
		store_relaxed(&board->arrived[rank], (uint32_t)round);
		(void)rig_team_barrier(team);
		for (int i = 0; i < size; i++)
			if (load_relaxed(&board->arrived[i]) < (uint32_t)round)
				store_relaxed(&board->passed_early, 1);
		(void)rig_team_barrier(team);
	}
	return 0;
}

/* The value of word `i` after the rounds. */
static uint64_t computed(size_t i, int rounds)
{
	uint64_t word = 0;

	for (int round = 0; round < rounds; round++)
		word = word * 3 + i;
	return word;
}

#endif
