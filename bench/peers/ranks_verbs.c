/* SPDX-License-Identifier: MIT */
/*
 * ranks_verbs.c - the verbs among ranks of every kind, and the life of a pool: the
 * program, and the library with the kernel, that python/ranks.py runs.
 *
 *	ranks_verbs fork|exec LIBRARY    a pool of 2, workers that are forks or not
 *	ranks_verbs join                 a rank of `runrig exec -n 2`
 *	ranks_verbs name NAME            one of two that meet under a name
 *	ranks_verbs life fork|exec MIB   pools of 2 made and destroyed by a caller
 *	                                 that has touched so many MiB
 *
 * Rank 0, or the caller, prints nanoseconds: of a barrier, an allreduce of 8 bytes, a
 * message of 64 bytes there and back, an allreduce of 64 KiB; or of a life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <runrig/runrig.h>

#define LONG    8192
#define LIVES   15
#define FIGURES 4

/* The times of the verbs, in the result of rank 0. */
struct verb_cost {
	double ns[FIGURES];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int one_call(struct rig_team *team, int which)
{
	static double from[LONG], to[LONG];
	char bytes[64] = "";
	const int other = !rig_team_rank(team);
	int r;

	switch (which) {
	case 0:
		return rig_team_barrier(team);
	case 1:
		return rig_team_allreduce(team, from, to, 1, RIG_FLOAT64,
					  RIG_SUM);
	case 2:
		if (other) {
			r = rig_team_send(team, bytes, 64, RIG_UINT8, other, 1);
			return r < 0 ? r
				     : rig_team_recv(team, bytes, 64, RIG_UINT8,
						     other, 1, NULL);
		}
		r = rig_team_recv(team, bytes, 64, RIG_UINT8, other, 1, NULL);
		return r < 0 ? r
			     : rig_team_send(team, bytes, 64, RIG_UINT8, other,
					     1);
	default:
		return rig_team_allreduce(team, from, to, LONG, RIG_FLOAT64,
					  RIG_SUM);
	}
}

/* The least of many short rounds, for other work disturbs the rest. */
static int measure(struct rig_team *team, struct verb_cost *figures)
{
	static const int counts[FIGURES] = { 20000, 20000, 10000, 400 };
	int r = 0;

	for (int which = 0; which < FIGURES; which++)
		for (int round = 0; round < 25 && r == 0; round++) {
			uint64_t begin;
			double ns;

			r = rig_team_barrier(team);
			begin = now_ns();
			for (int i = 0; i < counts[which] && r == 0; i++)
				r = one_call(team, which);
			ns = (double)(now_ns() - begin) / counts[which];
			if (round == 0 || ns < figures->ns[which])
				figures->ns[which] = ns;
		}
	return r;
}

int measure_verbs(struct rig_team *team);

int measure_verbs(struct rig_team *team)
{
	struct verb_cost figures = { { 0 } };
	int r = measure(team, &figures);

	memcpy(rig_team_result(team), &figures, sizeof(figures));
	return r;
}

static int report(int r, const struct verb_cost *figures, bool prints)
{
	if (r < 0) {
		fprintf(stderr, "%s\n", rig_why());
		return 1;
	}
	for (int i = 0; prints && i < FIGURES; i++)
		printf("%.1f%s", figures->ns[i], i + 1 < FIGURES ? " " : "\n");
	return 0;
}

static int in_pool(bool exec, const char *library)
{
	const struct rig_pool_options options = { .workers = 2,
						  .start = exec ? RIG_EXEC
								: RIG_FORK };
	struct verb_cost figures = { { 0 } };
	struct rig_pool *pool = NULL;
	char name[4096];
	int r;

	snprintf(name, sizeof(name), "%s:measure_verbs", library);
	r = rig_pool_create(&pool, &options);
	if (r == 0)
		r = rig_pool_run(
			pool,
			&(struct rig_job){ .name = name,
					   .result = &figures,
					   .result_bytes = sizeof(figures) });
	r = report(r, &figures, true);
	rig_pool_destroy(pool);
	return r;
}

static int joined(const char *name)
{
	struct rig_join_options options = { .name = name,
					    .size = 2,
					    .deadline_ns = RIG_FOREVER };
	struct verb_cost figures = { { 0 } };
	struct rig_team *team = NULL;
	int r = rig_join(&team, name ? &options : NULL), rank = 0;

	if (r == 0) {
		rank = rig_team_rank(team);
		r = measure(team, &figures);
	}
	r = report(r, &figures, rank == 0);
	rig_leave();
	return r;
}

static int lives(bool exec, size_t bytes)
{
	const struct rig_pool_options options = { .workers = 2,
						  .start = exec ? RIG_EXEC
								: RIG_FORK };
	char *ballast = malloc(bytes + 1);

	memset(ballast, 1, bytes + 1);
	for (int i = 0; i < LIVES; i++) {
		const uint64_t begin = now_ns();
		struct rig_pool *pool = NULL;
		double ns;

		if (rig_pool_create(&pool, &options) < 0)
			return report(-1, NULL, false);
		rig_pool_destroy(pool);
		ns = (double)(now_ns() - begin);
		printf("%.0f%s", ns, i + 1 < LIVES ? " " : "\n");
	}
	free(ballast);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "life"))
		return lives(!strcmp(argv[2], "exec"), (size_t)atoi(argv[3])
							       << 20);
	if (argc == 3 && !strcmp(argv[1], "name"))
		return joined(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "join"))
		return joined(NULL);
	if (argc == 3)
		return in_pool(!strcmp(argv[1], "exec"), argv[2]);
	return 1;
}
