/* SPDX-License-Identifier: MIT */
/*
 * bench_cases.c - rigbench cases: every transport with its facts, what measures the
 * machine, every peer, and for each whether it can be had here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <runrig/kernel.h>

#include "commands/commands.h"
#include "driver/fit.h"
#include "ipc/field.h"
#include "ipc/ipc.h"
#include "ipc/transport_own.h"
#include "driver/machine.h"
#include "driver/peer.h"
#include "commands/roof.h"

/* The case that is tried: a message that the transport carries, and the usual
 * value of every axis. */
static struct pair_arg usual(const struct transport *t)
{
	struct pair_arg arg = { .transport = t,
				.bytes = t->only_empty ? 0
					 : t->fixed    ? t->fixed
						       : 64,
				.waiting = WAITING_HYBRID,
				.pairs = 1,
				.nodes = 1 };

	memset(arg.cpu, 0xff, sizeof(arg.cpu));
	return arg;
}

/* Move verified messages, or say why not. */
static void try_pair(const struct pair_arg *arg, clockid_t clock, char *why)
{
	const struct transport *t = arg->transport;
	const struct bench_ops *ops =
		t == &transport_pool ? &pair_pool_ops : &pair_pingpong_ops;
	void *state = NULL;
	int r = ops->open(arg, clock, &state, why);

	if (r < 0 && !*why)
		snprintf(why, CASE_WHY_BYTES, "%s", strerror(-r));
	if (r < 0)
		return;
	if (ops->wake)
		(void)ops->wake(state);
	r = t->only_empty ? 0 : ops->verify(state, why);
	if (ops->rest)
		ops->rest(state);
	ops->close(state);
	if (r < 0 && !*why)
		snprintf(why, CASE_WHY_BYTES, "%s", strerror(-r));
}

static void print_value(const struct plan *plan, const struct pair_arg *arg,
			const char *axis, const char *value)
{
	char why[CASE_WHY_BYTES] = "";

	try_pair(arg, plan->watch.clock, why);
	printf("%-15s %-10s %s%s\n", axis, value, *why ? "no: " : "yes", why);
}

/* The segment in place, with each value of each axis that a machine may
 * lack. */
static void print_axes(const struct plan *plan)
{
	struct pair_arg arg = usual(&transport_seg_inplace);

	printf("%-15s %-10s available\n", "axis of ipc", "value");
	for (int i = 0; ipc_pages[i]; i++) {
		arg.pages = (enum pages)i;
		print_value(plan, &arg, "pages", ipc_pages[i]);
	}
	for (int i = 0; ipc_homes[i]; i++) {
		arg = usual(&transport_seg_inplace);
		(void)distance_place(DISTANCE_CORES, 1, arg.cpu, &arg.crowded,
				     &arg.nodes);
		arg.home = (enum home)i;
		print_value(plan, &arg, "home", ipc_homes[i]);
	}
	for (int i = 0; ipc_places[i]; i++) {
		arg = usual(&transport_seg_inplace);
		arg.missing = distance_place((enum distance)i, 1, arg.cpu,
					     &arg.crowded, &arg.nodes);
		print_value(plan, &arg, "place", ipc_places[i]);
	}
	printf("%-15s", "patterns");
	for (int i = 0; ipc_patterns[i]; i++)
		printf(" %s", ipc_patterns[i]);
	printf("\n%-15s", "wait");
	for (int i = 0; ipc_waits[i]; i++)
		printf(" %s", ipc_waits[i]);
	printf("\n%-15s 1 to %d, at once\n\n", "pairs", PAIRS_MAX);
}

static void print_transports(const struct plan *plan)
{
	static const char *const tiers[] = { "control", "default", "on request",
					     "notify" };

	printf("%-15s %-10s %6s %5s  %-4s %-4s %-4s %-4s  %s\n", "transport",
	       "tier", "copies", "calls", "bnd", "unr", "fds", "die",
	       "available");
	for (const struct transport *const *t = transports; *t; t++) {
		const struct pair_arg arg = usual(*t);
		char why[CASE_WHY_BYTES] = "";

		try_pair(&arg, plan->watch.clock, why);
		printf("%-15s %-10s %6d %5s  %-4s %-4s %-4s %-4s  %s%s\n",
		       (*t)->name, tiers[(*t)->tier], (*t)->copies,
		       (*t)->calls ? (*t)->calls : "0",
		       (*t)->boundaries ? "yes" : "no",
		       (*t)->unrelated ? "yes" : "no",
		       (*t)->passes_fds ? "yes" : "no",
		       (*t)->survives ? "yes" : "no", *why ? "no: " : "yes",
		       why);
	}
	printf("\nbnd: keeps message boundaries; unr: between processes of no "
	       "common parent;\nfds: passes descriptors; die: data outlive "
	       "the death of the other side\n\n");
}

/* Transports that others use: shared objects and programs, each as a contender. */
static void print_field(const struct plan *plan)
{
	const char *name;

	field_load();
	printf("%-15s %6s  available\n", "of the field", "copies");
	for (size_t i = 0; (name = field_name(i)); i++) {
		const struct transport *t = transport_find(name);
		const struct pair_arg arg = usual(t);
		char why[CASE_WHY_BYTES] = "";

		/* An interpreter takes its time to start: a run tries it. */
		if (!transport_command(t))
			try_pair(&arg, plan->watch.clock, why);
		printf("%-15s %6d  %s%s\n", name, t->copies,
		       *why                   ? "no: "
		       : transport_command(t) ? "by python3: "
					      : "yes: ",
		       *why ? why : t->summary);
	}
	printf("\n");
}

/* Start a helper and see whether it is ready. */
static void print_peer(const struct plan *plan, const char *name,
		       const char *environment, const char *command)
{
	struct peer_arg arg = { .environment = "" };
	char why[CASE_WHY_BYTES] = "";
	void *state;

	snprintf(arg.environment, sizeof(arg.environment), "%s", environment);
	snprintf(arg.command, sizeof(arg.command), "%s", command);
	if (peer_ops.open(&arg, plan->watch.clock, &state, why) == 0)
		peer_ops.close(state);
	printf("%-15s %s%s\n", name, *why ? "no: " : "yes", why);
}

/* The commands that measure the machine itself. */
static void print_machine(void)
{
	int pus = machine_pus();
	int kernels = 0;

	while (rig_kernels_register() == 0 && rig_kernel_at((size_t)kernels))
		kernels++;
	printf("%-15s available\n", "command");
	if (pus > 1)
		printf("%-15s yes, pairs of PUs: %d\n", "c2c",
		       pus * (pus - 1) / 2);
	else
		printf("%-15s no: one usable PU\n", "c2c");
	printf("%-15s yes, roofs:", "mem");
	for (int i = 0; i < ROOFS; i++)
		if (i != ROOF_WRITE_NT || roof_has_nt())
			printf(" %s", roof_names[i]);
	printf("\n%-15s yes, kernels: %d%s\n", "scale", kernels,
	       pus < FIT_AMDAHL_POINTS ? "; too few cores to fit a law" : "");
	printf("%-15s yes\n\n", "doctor");
}

static int command_cases(struct command *c)
{
	print_transports(&c->plan);
	print_field(&c->plan);
	print_axes(&c->plan);
	print_machine();
	printf("%-15s available\n", "peer");
	print_peer(&c->plan, "libgomp", "OMP_NUM_THREADS=2",
		   "@/rigbench-omp % region");
	print_peer(&c->plan, "libomp", "OMP_NUM_THREADS=2",
		   "@/rigbench-libomp % region");
	print_peer(&c->plan, "python", "",
		   "/usr/bin/python3 @/python_pair.py % shared pingpong 64 -1 "
		   "-1");
	print_peer(&c->plan, "openmpi", "",
		   "mpirun.openmpi --allow-run-as-root --oversubscribe -n 2 "
		   "@/rigbench-openmpi % barrier");
	print_peer(&c->plan, "mpich", "",
		   "mpirun.mpich -n 2 @/rigbench-mpich % barrier");
	print_peer(&c->plan, "python, lists", "",
		   "/usr/bin/python3 @/shared_list.py % get 10 loop");
	return 0;
}

const struct bench_command bench_cases = {
	.name = "cases",
	.words = "",
	.summary = "List the cases, and why one is not to be had here.",
	.run = command_cases,
};
