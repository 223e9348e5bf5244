/* SPDX-License-Identifier: MIT */
/*
 * peer_case.c - cases of contenders that are programs of their own.
 */
#include <stdio.h>
#include <string.h>

#include "driver/machine.h"
#include "driver/peer.h"

void peer_case(struct bench_case *what, struct peer_arg *arg)
{
	char shown[sizeof(arg->command)];
	size_t n = 0;

	/* The folder and the clock's number tell a reader nothing. */
	for (const char *c = arg->command; *c && n + 1 < sizeof(shown); c++) {
		if (*c == '@' && c[1] == '/') {
			c++;
			continue;
		}
		if (*c == '%') {
			c += c[1] == ' ';
			continue;
		}
		shown[n++] = *c;
	}
	while (n && shown[n - 1] == ' ')
		n--;
	shown[n] = '\0';
	snprintf(what->settings, sizeof(what->settings),
		 "%.100s%s%.150s%s%.60s", arg->environment,
		 *arg->environment ? " " : "", shown, *arg->words ? " " : "",
		 arg->words);
	what->ops = &peer_ops;
	what->arg = arg;
	what->arg_bytes = sizeof(*arg);
}

void peer_mpi(struct bench_case *what, struct peer_arg *arg,
	      const struct mpi_peer *helper)
{
	*arg = (struct peer_arg){ .environment = "" };
	snprintf(arg->command, sizeof(arg->command),
		 helper->openmpi
			 ? "mpirun.openmpi --allow-run-as-root --oversubscribe "
			   "-n %d %s @/rigbench-openmpi%s %%%s%s"
			 : "mpirun.mpich -n %d %s @/rigbench-mpich%s %%%s%s",
		 helper->ranks, helper->launch, helper->suffix,
		 helper->many_cases ? "" : " ",
		 helper->many_cases ? "" : helper->words);
	if (helper->many_cases)
		snprintf(arg->words, sizeof(arg->words), "%s", helper->words);
	what->peer = helper->openmpi ? "openmpi" : "mpich";
	peer_case(what, arg);
}

int peer_add_mpi(struct plan *plan, const struct bench_case *what,
		 const struct mpi_peer *helper, bool coll_sm)
{
	static const struct {
		const char *name, *launch;
		bool openmpi;
	} ways[] = {
		{ "Open MPI", "", true },
		{ "Open MPI coll_sm", "--mca coll_sm_priority 100", true },
		{ "MPICH", "", false },
	};
	bool bind = helper->ranks <= machine_pus();
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		struct mpi_peer way = *helper;
		struct bench_case one = *what;
		struct peer_arg arg;
		char launch[80];

		if (i == 1 && !coll_sm)
			continue;
		snprintf(one.name, sizeof(one.name), "%s", ways[i].name);
		snprintf(launch, sizeof(launch), "%s%s",
			 !bind             ? ""
			 : ways[i].openmpi ? "--bind-to core "
					   : "-bind-to core ",
			 ways[i].launch);
		way.openmpi = ways[i].openmpi;
		way.launch = launch;
		peer_mpi(&one, &arg, &way);
		r = plan_add(plan, &one);
	}
	return r;
}
