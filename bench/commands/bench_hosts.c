/* SPDX-License-Identifier: MIT */
/*
 * bench_hosts.c - rigbench hosts [openmpi|mpich] [verbs|many|kernels]: verbs of the
 * world of several hosts against the verbs of the MPI between as many callers, and
 * kernels over hosts against one pool.
 *
 *	verbs    two hosts of a worker, and four of two; the MPI has two processes,
 *	         and four
 *	many     two hosts of four workers, and eight processes of the MPI
 *	kernels  two hosts of a worker, and one pool of two
 *
 * All hosts are processes of this machine (hosts_helper.c), so callers and workers
 * share its cores, as processes of the MPI need not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "commands/commands.h"
#include "driver/machine.h"
#include "driver/peer.h"

static const char *const mpis[] = { "openmpi", "mpich" };

/* A contest. */
struct hosts_contest {
	const char *mpi;
	int hosts, workers;
	int callers; /* processes of the MPI */
	const char *what;
	size_t bytes; /* a rank's */
};

/* Each process has a core of its own, where there are so many.  A host plans for the
 * cores that the host may use: two hosts that may use all of a machine would pin
 * workers to the same cores. */
static void launcher(char *text, size_t bytes, const char *mpi, int count)
{
	const char *bind = count <= get_nprocs() ? "core" : "none";

	if (strcmp(mpi, "openmpi") == 0)
		snprintf(text, bytes,
			 "mpirun.openmpi --allow-run-as-root --oversubscribe "
			 "--bind-to %s -n %d",
			 bind, count);
	else
		snprintf(text, bytes, "mpiexec.mpich -bind-to %s -n %d", bind,
			 count);
}

static void size_text(char *text, size_t bytes, size_t n)
{
	if (n >= (size_t)1 << 20)
		snprintf(text, bytes, ", %zu MiB", n >> 20);
	else if (n >= (size_t)1 << 10)
		snprintf(text, bytes, ", %zu KiB", n >> 10);
	else if (n)
		snprintf(text, bytes, ", %zu B", n);
	else
		*text = 0;
}

/* The helper is started by `command`, and told the case by `words`. */
static int add(struct plan *plan, const struct hosts_contest *contest,
	       const char *name, const char *peer, const char *command,
	       const char *words)
{
	struct bench_case what = { .unit = "ns", .peer = peer };
	struct peer_arg arg = { .environment = "" };
	char size[24];

	size_text(size, sizeof(size), contest->bytes);
	snprintf(what.contest, sizeof(what.contest), "%.10s: %.30s%s, %d x %d",
		 contest->mpi, contest->what, size, contest->hosts,
		 contest->workers);
	snprintf(what.name, sizeof(what.name), "%s", name);
	what.axes[0] = (struct bench_axis){ .name = "hosts" };
	what.axes[1] = (struct bench_axis){ .name = "size" };
	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d",
		 contest->hosts);
	snprintf(what.axes[1].value, sizeof(what.axes[1].value), "%zu",
		 contest->bytes);
	snprintf(arg.command, sizeof(arg.command), "%s", command);
	snprintf(arg.words, sizeof(arg.words), "%s", words);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

static int add_verb(struct plan *plan, const struct hosts_contest *contest)
{
	const size_t count = contest->bytes ? contest->bytes / 8 : 1;
	char launch[120], command[200], words[80];
	int r;

	launcher(launch, sizeof(launch), contest->mpi, contest->hosts);
	snprintf(command, sizeof(command), "%s @/rigbench-hosts %% %d", launch,
		 contest->workers);
	snprintf(words, sizeof(words), "verb %s %zu", contest->what, count);
	r = add(plan, contest, "runrig", NULL, command, words);
	launcher(launch, sizeof(launch), contest->mpi, contest->callers);
	snprintf(command, sizeof(command), "%s @/rigbench-%s-verbs %%", launch,
		 contest->mpi);
	snprintf(words, sizeof(words), "%s %zu row", contest->what, count);
	return r < 0 ? r
		     : add(plan, contest, contest->mpi, contest->mpi, command,
			   words);
}

static int add_verbs(struct plan *plan, const char *mpi)
{
	static const char *const moves[] = { "allreduce", "bcast", "allgather",
					     "alltoall" };
	static const size_t sizes[] = { 64 << 10, 1 << 20, 16 << 20 };
	static const int shapes[][2] = { { 2, 1 }, { 4, 2 } };
	int r = 0;

	for (int s = 0; s < 2 && r == 0; s++) {
		struct hosts_contest contest = { mpi,          shapes[s][0],
						 shapes[s][1], shapes[s][0],
						 "barrier",    0 };

		r = add_verb(plan, &contest);
		contest.what = "allreduce";
		contest.bytes = 8;
		if (r == 0)
			r = add_verb(plan, &contest);
		for (int v = 0; v < 4; v++)
			/* 16 MiB of each rank for each other fill a machine. */
			for (int i = 0; i < 3 - s && r == 0; i++) {
				contest.what = moves[v];
				contest.bytes = sizes[i];
				r = add_verb(plan, &contest);
			}
	}
	return r;
}

static int add_many(struct plan *plan, const char *mpi)
{
	struct hosts_contest contest = { mpi, 2, 4, 8, "allreduce", 8 };
	int r = add_verb(plan, &contest);

	contest.bytes = 64 << 10;
	return r < 0 ? r : add_verb(plan, &contest);
}

static int add_kernels(struct plan *plan, const char *mpi)
{
	static const char *const kernels[][2] = {
		{ "heat", "n=129" },
		{ "cg", "class=A" },
		{ "sort", "length=10M" },
		{ "sum", "length=20M" },
	};
	char launch[120], command[200], words[80];
	int r = 0;

	launcher(launch, sizeof(launch), mpi, 2);
	snprintf(command, sizeof(command), "%s @/rigbench-hosts %% 1", launch);
	for (size_t k = 0; k < sizeof(kernels) / sizeof(*kernels) && r == 0;
	     k++) {
		const struct hosts_contest contest = { mpi,           2, 1, 0,
						       kernels[k][0], 0 };

		snprintf(words, sizeof(words), "kernel %s %s", kernels[k][0],
			 kernels[k][1]);
		r = add(plan, &contest, "runrig", NULL, command, words);
		if (r == 0)
			r = add(plan, &contest, "one pool", "pool",
				"@/rigbench-hosts % 2", words);
	}
	return r;
}

static int add_caller(struct plan *plan)
{
	const struct hosts_contest contest = {
		"gateway", 1, 1, 0, "worker to caller and back", 0
	};

	return add(plan, &contest, "runrig", NULL, "@/rigbench-hosts % 1",
		   "caller");
}

/* The time that hosts take, over the time of the MPI or of one pool. */
static void hosts_verdict(const struct plan *plan, FILE *out)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];

		for (size_t k = 0;
		     !own->what.peer && own->n && k < plan->cell_count; k++) {
			const struct cell *peer = &plan->cells[k];
			struct comparison c;

			if (!peer->what.peer || !peer->n ||
			    strcmp(peer->what.contest, own->what.contest) ||
			    measure_compare(plan, own, peer, &c) < 0 ||
			    !(c.ratio.estimate > 0))
				continue;
			fprintf(out, "%-40s %6.3g x the time of %s\n",
				own->what.contest, 1 / c.ratio.estimate,
				peer->what.name);
		}
	}
	fprintf(out, "\n");
}

static bool is_asked(const struct command *c, const char *word,
		     const char *const *others, int count)
{
	bool any = false;

	for (int i = 1; i < c->word_count; i++) {
		if (strcmp(c->words[i], word) == 0)
			return true;
		for (int k = 0; k < count; k++)
			any |= strcmp(c->words[i], others[k]) == 0;
	}
	return !any;
}

static int command_hosts(struct command *c)
{
	static const char *const parts[] = { "verbs", "many", "kernels" };
	int r = add_caller(&c->plan);

	for (int i = 1; i < c->word_count; i++) {
		bool known = false;

		for (int k = 0; k < 3; k++)
			known |= strcmp(c->words[i], parts[k]) == 0;
		for (int k = 0; k < 2; k++)
			known |= strcmp(c->words[i], mpis[k]) == 0;
		if (!known) {
			fprintf(stderr,
				"rigbench: hosts: no word %s; there are "
				"openmpi, mpich, verbs, many, kernels\n",
				c->words[i]);
			return EXIT_USAGE;
		}
	}
	for (int m = 0; m < 2; m++) {
		if (!is_asked(c, mpis[m], mpis, 2))
			continue;
		if (r == 0 && is_asked(c, "verbs", parts, 3))
			r = add_verbs(&c->plan, mpis[m]);
		if (r == 0 && is_asked(c, "many", parts, 3))
			r = add_many(&c->plan, mpis[m]);
		if (r == 0 && is_asked(c, "kernels", parts, 3))
			r = add_kernels(&c->plan, mpis[m]);
	}
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return EXIT_SYSTEM;
	}
	command_warmup(c, 20000000);
	c->verdict = hosts_verdict;
	return command_measure(c);
}

const struct bench_command bench_hosts = {
	.name = "hosts",
	.words = "[openmpi|mpich] [verbs|many|kernels]",
	.summary = "Time verbs and kernels over several hosts against an MPI.",
	.run = command_hosts,
	.about =
		"verbs: two hosts of a worker, and four of two; many: two hosts of "
		"four against eight processes; kernels: against a pool.",
};
