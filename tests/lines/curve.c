/* SPDX-License-Identifier: MIT */
/*
 * curve.c - the cost of a call as ranks grow: line transfers of the compiled
 * collectives, 1 to 256 ranks on 1 to 8 NUMA nodes.
 *
 *	curve         a table, for gnuplot and a reader
 *	curve check   is the growth logarithmic, not linear?  And the result right?
 *
 * The ranks' calls are aligned at no cost, so a figure is the time from the moment
 * when all call to the return of the last, in transfers within a node.
 */
#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <runrig/collective.h>
#include <runrig/pool.h>

#include "team/rank.h"

#define WARM  32
#define CALLS 64

enum op { BARRIER, BCAST, ALLREDUCE, REDUCE, OPS };

static const char *const names[OPS] = { "barrier", "bcast", "allreduce",
					"reduce" };

static const int sizes[] = { 1,  2,  4,  8,  12,  16,  17, 24,
			     32, 48, 64, 96, 128, 192, 256 };
#define SIZES ((int)(sizeof(sizes) / sizeof(*sizes)))

static struct rank *owners[LINES_RANKS_MAX];
static enum op op;
static int size;
static uint64_t begun, took[WARM + CALLS], warm_transfers, warm_far;
static int wrong, arrived;

static void call_once(struct rig_team *team, int call)
{
	const int rank = rig_team_rank(team), root = call * 5 % size;
	int64_t own = rank + call, all = rank == root ? own : -1, wanted;
	int r = 0;

	switch (op) {
	case BARRIER:
		arrived++;
		r = rig_team_barrier(team);
		wrong += arrived < (call + 1) * size;
		break;
	case BCAST:
		r = rig_team_bcast(team, &all, 1, RIG_INT64, root);
		wrong += all != root + call;
		break;
	case ALLREDUCE:
	case REDUCE:
		wanted = (int64_t)size * (size - 1) / 2 + (int64_t)size * call;
		if (op == ALLREDUCE)
			r = rig_team_allreduce(team, &own, &all, 1, RIG_INT64,
					       RIG_SUM);
		else
			r = rig_team_reduce(team, &own, &all, 1, RIG_INT64,
					    RIG_SUM, root);
		wrong += (op == ALLREDUCE || rank == root) && all != wanted;
		break;
	case OPS:
		break;
	}
	wrong += r < 0;
}

static void run_rank(int rank)
{
	for (int call = 0; call < WARM + CALLS; call++) {
		lines_align();
		begun = lines_clock();
		if (call == WARM && rank == 0) {
			warm_transfers = lines_transfers;
			warm_far = lines_far;
		}
		call_once(&owners[rank]->world, call);
		if (lines_clock() - begun > took[call])
			took[call] = lines_clock() - begun;
	}
}

struct figure {
	double time;           /* ns of a call, on average */
	double transfers, far; /* in a call, for a rank */
};

static int measure(int nodes, struct figure *figure)
{
	size_t bytes = layout_at(NULL, size).bytes;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const struct patience patience = { .spin_ns = 1 };
	struct layout layout;
	double sum = 0;
	int r;

	if (memory == MAP_FAILED)
		return -errno;
	layout = layout_at(memory, size);
	wrong = arrived = 0;
	memset(took, 0, sizeof(took));
	r = layout_team(&layout, size, RIG_BARRIER_ADAPTIVE);
	for (int i = 0; i < size && r == 0; i++) {
		owners[i] = calloc(1, sizeof(*owners[i]));
		if (!owners[i])
			return -ENOMEM;
		rank_init(owners[i], &layout, i, size, &patience);
		rank_begin(owners[i], 1);
	}
	if (r == 0)
		r = lines_run(size, nodes, run_rank);
	for (int i = 0; i < size; i++)
		free(owners[i]);
	(void)munmap(memory, bytes);
	for (int i = WARM; i < WARM + CALLS; i++)
		sum += (double)took[i];
	figure->time = sum / CALLS;
	figure->transfers =
		(double)(lines_transfers - warm_transfers) / CALLS / size;
	figure->far = (double)(lines_far - warm_far) / CALLS / size;
	return r < 0 ? r : wrong ? -EBADMSG : 0;
}

/* A single operation on `nodes` nodes.  Returns the exit status. */
static int measure_or_say(int what, int nodes, int ranks, struct figure *figure)
{
	int r;

	op = (enum op)what;
	size = ranks;
	r = measure(nodes, figure);
	if (r < 0)
		fprintf(stderr, "%s, %d ranks on %d nodes: %s\n", names[op],
			size, nodes, strerror(-r));
	return r < 0;
}

static int print_table(void)
{
	struct figure f;

	printf("# A line from one rank to another of its node takes 1, from "
	       "another node %d.\n"
	       "# call: from the moment when all call to the return of the "
	       "last, average of %d\n"
	       "# transfers, far: of lines, and those between nodes, a rank "
	       "and call\n"
	       "%-10s %5s %5s %8s %9s %8s\n",
	       LINES_FAR, CALLS, "operation", "nodes", "ranks", "call",
	       "transfers", "far");
	for (int what = 0; what < OPS; what++)
		for (int nodes = 1; nodes <= 8; nodes *= 2) {
			for (int i = 0; i < SIZES; i++) {
				if (sizes[i] < nodes)
					continue;
				if (measure_or_say(what, nodes, sizes[i], &f))
					return 1;
				printf("%-10s %5d %5d %8.1f %9.2f %8.2f\n",
				       names[what], nodes, sizes[i], f.time,
				       f.transfers, f.far);
			}
			printf("\n\n");
		}
	return 0;
}

/* From 32 to 256 ranks are three doublings: each may add so much, and a rank
 * makes no more transfers than before. */
static int check(void)
{
	int failed = 0;

	for (int what = 0; what < OPS; what++)
		for (int nodes = 1; nodes <= 8; nodes *= 8) {
			struct figure few, many;
			double added, limit = nodes > 1 ? 16 : 12;

			if (measure_or_say(what, nodes, 32, &few) ||
			    measure_or_say(what, nodes, 256, &many))
				return 1;
			added = (many.time - few.time) / 3;
			printf("%-10s %d nodes: 32 ranks %.1f, 256 ranks %.1f: "
			       "%.1f a doubling\n",
			       names[what], nodes, few.time, many.time, added);
			if (added > limit ||
			    many.transfers > 1.5 * few.transfers + 1) {
				printf("  more than %.0f a doubling, or %.1f "
				       "transfers a rank instead of %.1f\n",
				       limit, many.transfers, few.transfers);
				failed = 1;
			}
		}
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "check") == 0)
		return check();
	return print_table();
}
