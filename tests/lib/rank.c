/* SPDX-License-Identifier: MIT */
/*
 * rank.c - a program that is a rank: the program joins, and obeys its words.
 *
 *	rank WORD [NUMBER]   rank 1 obeys; the others go to a barrier and leave
 *
 * Every rank prints "rank R of N: S" first, where S is the sum of 1 to N, which
 * the ranks have added up together.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/join.h>
#include <runrig/runrig.h>

static int number;

/* An unused address, unknown to the compiler. */
static volatile int *volatile nowhere = (volatile int *)8;

static void put(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

static void say_goodbye(void)
{
	put("atexit\n");
}

static void own_handler(int signal)
{
	(void)signal;
	put("own handler\n");
	_exit(99);
}

/* A fork of a rank is none. */
static int forks(struct rig_team *team)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(rig_team_barrier(team) == 0 ? 1 : 2);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	printf("the fork: signal %d\n",
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}

/* The deed of rank 1 before the last barrier. */
static int act(struct rig_team *team, const char *word)
{
	double x = 0;

	if (strcmp(word, "fault") == 0)
		*nowhere = 1;
	else if (strcmp(word, "signal") == 0)
		raise(number);
	else if (strcmp(word, "exit") == 0)
		exit(number);
	else if (strcmp(word, "leave") == 0)
		exit(rig_leave() < 0);
	else if (strcmp(word, "differ") == 0)
		return rig_team_bcast(team, &x, 1, RIG_FLOAT64, 0);
	else if (strcmp(word, "lonely") == 0)
		return rig_team_recv(team, &x, 1, RIG_FLOAT64, 0, 7, NULL);
	else if (strcmp(word, "sleep") == 0)
		pause();
	else if (strcmp(word, "fork") == 0)
		return forks(team);
	else if (strcmp(word, "twice") == 0)
		printf("again: %d\n", rig_join(&team, NULL));
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const char *rank = getenv("RUNRIG_RANK");
	struct rig_team *team;
	int64_t own, sum = 0;
	int r;

	number = argc > 2 ? atoi(argv[2]) : 0;
	if (strcmp(word, "stranger") == 0 && rank && atoi(rank) == 1)
		return number;
	if (strcmp(word, "handler") == 0)
		(void)signal(SIGSEGV, own_handler);
	if (strcmp(word, "atexit") == 0)
		(void)atexit(say_goodbye);
	if (rig_join(&team, NULL) < 0) {
		fprintf(stderr, "%s\n", rig_why());
		return 9;
	}
	own = rig_team_rank(team) + 1;
	r = rig_team_allreduce(team, &own, &sum, 1, RIG_INT64, RIG_SUM);
	printf("rank %d of %d: %d\n", rig_team_rank(team), rig_team_size(team),
	       (int)sum);
	fflush(stdout);
	if (r == 0)
		r = rig_team_barrier(team);
	if (strcmp(word, "handler") == 0 && rig_team_rank(team) == 1)
		*nowhere = 1;
	if (r == 0 && (own == 2 || rig_team_size(team) == 1))
		r = act(team, word);
	if (r == 0)
		r = rig_team_barrier(team);
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	if (rig_leave() < 0)
		r = -1;
	return r < 0 ? 8 : strcmp(word, "after") == 0 ? number : 0;
}
