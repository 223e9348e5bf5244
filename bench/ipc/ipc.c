/* SPDX-License-Identifier: MIT */
/*
 * ipc.c - the cases of rigbench ipc: every transport, pattern, size and way to wait.
 *
 * A contest is one value of each axis: the transports of a contest are measured
 * interleaved, and compared with the segment in place.
 */
#include "ipc/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver/peer.h"
#include "ipc/transport_own.h"

/* A size in the usual words: 4Ki, 1Mi, 64. */
static void format_size(char *text, size_t bytes, size_t size)
{
	if (size >= 1 << 20 && size % (1 << 20) == 0)
		snprintf(text, bytes, "%zuMi", size >> 20);
	else if (size >= 1024 && size % 1024 == 0)
		snprintf(text, bytes, "%zuKi", size >> 10);
	else
		snprintf(text, bytes, "%zu", size);
}

static void set_axis(struct bench_case *what, const char *name,
		     const char *value)
{
	int i = 0;

	while (what->axes[i].name)
		i++;
	what->axes[i].name = name;
	snprintf(what->axes[i].value, sizeof(what->axes[i].value), "%.23s",
		 value);
}

static void set_number(struct bench_case *what, const char *name, size_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", number);
	set_axis(what, name, text);
}

static const struct bench_ops *ops_of(const struct pair_arg *arg)
{
	if (arg->transport == &transport_pool)
		return &pair_pool_ops;
	if (transport_command(arg->transport))
		return &pair_command_ops;
	switch (arg->pattern) {
	case PATTERN_PINGPONG:
	case PATTERN_RATE:
		return &pair_pingpong_ops;
	case PATTERN_SETUP:
		return &pair_setup_ops;
	case PATTERN_CRASH:
		return &pair_crash_ops;
	default:
		return &pair_stream_ops;
	}
}

static const char *numa_name(const struct pair_arg *arg, char *text,
			     size_t bytes)
{
	if (arg->home != NUMA_NODE)
		return ipc_homes[arg->home];
	snprintf(text, bytes, "node:%d", arg->node);
	return text;
}

/* The pattern, the size, the wait, and the values that differ from the usual ones. */
static void name_contest(struct bench_case *what, const struct pair_arg *arg,
			 enum distance distance)
{
	char text[24];
	char *at = what->contest;
	char *end = at + sizeof(what->contest);

	format_size(text, sizeof(text), arg->bytes);
	at += snprintf(at, (size_t)(end - at), "%s %s, %s",
		       ipc_patterns[arg->pattern], text,
		       ipc_waits[arg->waiting]);
	if (arg->pages != PAGES_BASE)
		at += snprintf(at, (size_t)(end - at), ", %s",
			       ipc_pages[arg->pages]);
	if (arg->home != NUMA_WRITER)
		at += snprintf(at, (size_t)(end - at), ", home %s",
			       numa_name(arg, text, sizeof(text)));
	if (distance != DISTANCE_CORES)
		at += snprintf(at, (size_t)(end - at), ", %s",
			       ipc_places[distance]);
	if (arg->pairs > 1)
		at += snprintf(at, (size_t)(end - at), ", %d pairs",
			       arg->pairs);
	if (arg->pattern == PATTERN_RATE)
		at += snprintf(at, (size_t)(end - at), ", %u/s", arg->rate);
	if (arg->disturb)
		snprintf(at, (size_t)(end - at), ", disturbed");
}

/* Bytes of payload that one operation moves. */
static double moved(const struct pair_arg *arg)
{
	if (arg->pattern > PATTERN_MAP && !pair_fans(arg))
		return 0;
	return (double)arg->bytes * arg->pairs *
	       (arg->pattern == PATTERN_PINGPONG ? 2 : 1);
}

static void set_axes(struct bench_case *what, const struct pair_arg *arg,
		     enum distance distance, const char *transport)
{
	char text[24];

	set_axis(what, "pattern", ipc_patterns[arg->pattern]);
	set_number(what, "size", arg->bytes);
	set_axis(what, "wait",
		 arg->transport ? ipc_waits[arg->waiting] : "its own");
	set_axis(what, "touch", arg->touch == TOUCH_FULL ? "full" : "header");
	set_axis(what, "reuse", arg->rotate ? "rotate" : "hot");
	set_axis(what, "transport", transport);
	set_axis(what, "pages", ipc_pages[arg->pages]);
	set_axis(what, "home", numa_name(arg, text, sizeof(text)));
	set_axis(what, "place", ipc_places[distance]);
	set_number(what, "pairs", (size_t)arg->pairs);
	set_axis(what, "disturb", arg->disturb ? "signals" : "none");
	if (arg->pattern == PATTERN_RATE)
		set_number(what, "rate", arg->rate);
}

int ipc_add(struct plan *plan, const struct pair_arg *arg,
	    enum distance distance, const char *name)
{
	const struct transport *t = arg->transport;
	struct bench_case what = {
		.unit = "ns",
		.ops = ops_of(arg),
		.arg = arg,
		.arg_bytes = sizeof(*arg),
		.bytes = moved(arg),
	};

	name_contest(&what, arg, distance);
	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings),
		 "%s; %d cop%s, %s system call%s a message", t->summary,
		 t->copies, t->copies == 1 ? "y" : "ies",
		 t->calls ? t->calls : "0",
		 t->calls && strcmp(t->calls, "1") == 0 ? "" : "s");
	set_axes(&what, arg, distance, t->name);
	/* Each makes processes anew. */
	if (arg->pattern == PATTERN_SETUP || arg->pattern == PATTERN_CRASH)
		what.count_max = arg->pattern == PATTERN_SETUP ? 4 : 1;
	/* As many as are due in 5 ms. */
	if (arg->pattern == PATTERN_RATE)
		what.count = arg->rate / 200 + 1;
	/* The noise floor: the same cell twice, once a contest. */
	what.again = t == &transport_seg_inplace &&
		     (what.bytes > 0 || arg->pattern == PATTERN_RATE);
	if (what.bytes > 0) {
		if (arg->touch == TOUCH_FULL)
			what.least =
				what.bytes / (double)arg->bytes *
				payload_least_ns(arg->bytes,
						 arg->pattern == PATTERN_MAP,
						 plan->watch.clock) /
				arg->pairs / 1.05;
	}
	return plan_add(plan, &what);
}

/* Rows that mean something: a notification has no bytes, a control has no link to set
 * up or to lose, and a map needs memory of the side's own. */
static bool has_row(const struct pair_arg *arg)
{
	const struct transport *t = arg->transport;
	bool control = t->solo || t->threads;

	if (t->only_empty && arg->bytes)
		return false;
	switch (arg->pattern) {
	case PATTERN_SETUP:
		return !control && t != &transport_pool;
	case PATTERN_CRASH:
		return !control;
	case PATTERN_RATE:
		return !t->solo && t != &transport_pool;
	case PATTERN_FAN_OUT:
	case PATTERN_FAN_IN:
		return !control && t != &transport_pool;
	case PATTERN_MAP:
		return !t->only_empty && (!t->solo || t == &transport_null);
	default:
		return true;
	}
}

static int add_contest(struct plan *plan, const struct ipc_choice *choice,
		       struct pair_arg *arg, enum distance distance)
{
	int r = 0;

	for (int i = 0; choice->transports[i] && r == 0; i++) {
		arg->transport = transport_find(choice->transports[i]);
		if (has_row(arg))
			r = ipc_add(plan, arg, distance, arg->transport->name);
	}
	arg->transport = NULL;
	return r;
}

/* Two MPIs, by message and in a shared window, for one contest. */
static int add_mpi(struct plan *plan, const struct pair_arg *arg)
{
	static const char *const words[] = { "pingpong", "window" };
	bool stream = arg->pattern == PATTERN_STREAM;
	int r = 0;

	for (int i = 0; i < 4 && r == 0; i++) {
		bool openmpi = i < 2;
		struct bench_case what = { .unit = "ns", .bytes = moved(arg) };
		struct peer_arg peer;
		char helper[48];

		/* A window has no stream: a program that wants a stream builds one. */
		if (stream && i % 2)
			continue;
		name_contest(&what, arg, DISTANCE_CORES);
		snprintf(what.name, sizeof(what.name), "%s %s",
			 openmpi ? "Open MPI" : "MPICH",
			 i % 2 ? "window" : "send");
		snprintf(helper, sizeof(helper), "%s %zu",
			 stream ? "stream" : words[i % 2], arg->bytes);
		peer_mpi(
			&what, &peer,
			&(struct mpi_peer){ .openmpi = openmpi,
					    .suffix = "",
					    .ranks = 2,
					    .launch = openmpi ? "--bind-to core"
							      : "-bind-to core",
					    .words = helper,
					    .many_cases = true });
		set_axes(&what, arg, DISTANCE_CORES, what.name);
		r = plan_add(plan, &what);
	}
	return r;
}

/* Python's Pool, which pickles, and Python's SharedMemory, which does not. */
static int add_python(struct plan *plan, const struct pair_arg *arg)
{
	static const char *const forms[][2] = {
		{ "Python Pool", "pool" }, { "Python SharedMemory", "shared" }
	};
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct bench_case what = { .unit = "ns",
					   .bytes = moved(arg),
					   .peer = "python" };
		struct peer_arg peer = { .environment = "" };

		name_contest(&what, arg, DISTANCE_CORES);
		snprintf(what.name, sizeof(what.name), "%s", forms[i][0]);
		snprintf(peer.command, sizeof(peer.command),
			 "/usr/bin/python3 @/python_pair.py %% %s %s %zu %d %d",
			 forms[i][1], ipc_patterns[arg->pattern], arg->bytes,
			 arg->cpu[0][0], arg->cpu[0][1]);
		peer_case(&what, &peer);
		set_axes(&what, arg, DISTANCE_CORES, what.name);
		r = plan_add(plan, &what);
	}
	return r;
}

/* Peers choose pages, places and the like themselves, and so stand only where
 * runrig's transports have the usual values, too. */
static int add_peers(struct plan *plan, const struct pair_arg *arg,
		     enum distance distance)
{
	int r = 0;

	if (arg->pattern > PATTERN_MAP || arg->bytes == 0 || arg->pairs > 1 ||
	    arg->pages != PAGES_BASE || arg->home != NUMA_WRITER ||
	    distance != DISTANCE_CORES || arg->disturb)
		return 0;
	if (arg->pattern != PATTERN_MAP)
		r = add_mpi(plan, arg);
	return r == 0 && (arg->pattern != PATTERN_MAP || arg->bytes >= 8)
		       ? add_python(plan, arg)
		       : r;
}

/* Count up the values of all axes, the last axis fastest; false: all values have been
 * counted. */
static bool next(const struct ipc_axis *const *axes, int *at, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		if (++at[i] < (axes[i]->count ? axes[i]->count : 1))
			return true;
		at[i] = 0;
	}
	return false;
}

int ipc_cases(struct plan *plan, const struct ipc_choice *choice)
{
	const struct ipc_axis *const axes[] = {
		&choice->patterns, &choice->waits,  &choice->pages,
		&choice->homes,    &choice->places, &choice->pairs
	};
	int at[6] = { 0 };
	int r = 0;

	do {
		struct pair_arg arg = {
			.pattern = (enum pair_pattern)axes[0]->value[at[0]],
			.waiting = (enum waiting)axes[1]->value[at[1]],
			.pages = (enum pages)axes[2]->value[at[2]],
			.pairs = axes[5]->value[at[5]] + 1,
			.touch = choice->touch,
			.rotate = choice->rotate,
			.rate = choice->rate,
			.disturb = choice->disturb,
		};
		int home = axes[3]->value[at[3]];
		enum distance distance = (enum distance)axes[4]->value[at[4]];

		arg.home = home < NUMA_NODE ? (enum home)home : NUMA_NODE;
		arg.node = home < NUMA_NODE ? 0 : home - NUMA_NODE;
		arg.missing = distance_place(distance, arg.pairs, arg.cpu,
					     &arg.crowded, &arg.nodes);
		for (int s = 0; choice->sizes[s] != SIZE_MAX && r == 0; s++) {
			arg.bytes = choice->sizes[s];
			r = add_contest(plan, choice, &arg, distance);
			if (r == 0 && choice->peers)
				r = add_peers(plan, &arg, distance);
		}
	} while (r == 0 && next(axes, at, 6));
	return r;
}
