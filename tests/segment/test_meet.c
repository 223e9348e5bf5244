/* SPDX-License-Identifier: MIT */
/*
 * test_meet.c - programs that share only a segment's name meet in the segment.
 *
 * Without arguments the program makes a segment for PARTIES, and executes
 * itself PARTIES times with the name and a rank: each program attaches and
 * meets the others.  (A separate main: under Check a program cannot be executed
 * afresh.)
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define PARTIES 2
#define EPOCHS  2000

/* Seconds the parties may take: against hanging. */
#define LIMIT_S 60

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rig_why());
	return 1;
}

/* A party: writes its element before, and reads all elements after; two rows
 * take turns. */
static int meet(const char *name, int rank)
{
	struct rig_segment *segment = NULL;
	struct rig_barrier *barrier;
	uint64_t(*rows)[PARTIES];
	int wrong = 0;

	alarm(LIMIT_S);
	if (rig_segment_attach(&segment, name, NULL) < 0)
		return fail("attach");
	barrier = rig_segment_barrier(segment);
	if (!barrier)
		return fail("no barrier");
	rows = rig_segment_data(segment);
	for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
		rows[epoch % 2][rank] = epoch + 1;
		rig_barrier_wait(barrier);
		for (int i = 0; i < PARTIES; i++)
			wrong |= rows[epoch % 2][i] != epoch + 1;
	}
	rig_segment_destroy(segment);
	return wrong;
}

static pid_t spawn(const char *name, int rank)
{
	char number[16];
	char *argv[] = { "meet", (char *)(uintptr_t)name, number, NULL };
	char *env[] = { NULL };
	pid_t pid;

	snprintf(number, sizeof(number), "%d", rank);
	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, env))
		return -1;
	return pid;
}

static int together(void)
{
	const struct rig_segment_options options = { .parties = PARTIES };
	struct rig_segment *segment = NULL;
	pid_t pids[PARTIES];
	int failed = 0;

	if (rig_segment_create(&segment, NULL, 2 * PARTIES * sizeof(uint64_t),
			       &options) < 0)
		return fail("create");
	for (int i = 0; i < PARTIES; i++)
		pids[i] = spawn(rig_segment_name(segment), i);
	for (int i = 0; i < PARTIES; i++) {
		int status = 0;

		if (pids[i] < 0 || waitpid(pids[i], &status, 0) < 0 || status) {
			fprintf(stderr, "party %d: status %#x\n", i, status);
			failed = 1;
		}
	}
	if (rig_barrier_epochs(rig_segment_barrier(segment)) != EPOCHS)
		failed = fail("epochs");
	rig_segment_destroy(segment);
	return failed;
}

int main(int argc, char **argv)
{
	return argc == 3 ? meet(argv[1], atoi(argv[2])) : together();
}
