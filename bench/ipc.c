/* SPDX-License-Identifier: MIT */
/*
 * ipc.c - rigbench ipc: every transport, pattern, size and way to wait.
 *
 * A contest is one pattern, wait and size: its transports are measured
 * interleaved and compared with the segment in place.
 */
#include "ipc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "command.h"
#include "peer.h"

static const char *const pattern_names[] = { "pingpong", "stream", "setup" };
static const char *const waiting_names[] = { "spin", "hybrid", "block" };

const char *pattern_name(enum pattern pattern)
{
	return pattern_names[pattern];
}

const char *waiting_name(enum waiting waiting)
{
	return waiting_names[waiting];
}

/* 4Ki, 1Mi, 64: as one says them. */
static void format_size(char *text, size_t bytes, size_t size)
{
	if (size >= 1 << 20 && size % (1 << 20) == 0)
		snprintf(text, bytes, "%zuMi", size >> 20);
	else if (size >= 1024 && size % 1024 == 0)
		snprintf(text, bytes, "%zuKi", size >> 10);
	else
		snprintf(text, bytes, "%zu", size);
}

static void set_axis(struct bench_case *what, int i, const char *name,
		     const char *value)
{
	what->axes[i].name = name;
	snprintf(what->axes[i].value, sizeof(what->axes[i].value), "%.23s",
		 value);
}

static const struct bench_ops *ops_of(enum pattern pattern)
{
	return pattern == PATTERN_STREAM  ? &pair_stream_ops
	       : pattern == PATTERN_SETUP ? &pair_setup_ops
					  : &pair_pingpong_ops;
}

static void name_contest(struct bench_case *what, const struct pair_arg *arg)
{
	char size[24];

	format_size(size, sizeof(size), arg->bytes);
	snprintf(what->contest, sizeof(what->contest), "%s %s, %s",
		 pattern_names[arg->pattern], size,
		 waiting_names[arg->waiting]);
}

/* The axes of a contender that is a program of its own, and what it moves. */
static void foreign_axes(struct bench_case *what, const struct pair_arg *arg)
{
	char size[24];

	snprintf(size, sizeof(size), "%zu", arg->bytes);
	set_axis(what, 0, "pattern", pattern_names[arg->pattern]);
	set_axis(what, 1, "size", size);
	set_axis(what, 2, "wait", "its own");
	set_axis(what, 3, "touch", "full");
	set_axis(what, 4, "reuse", "hot");
	set_axis(what, 5, "transport", what->name);
	what->bytes =
		(double)arg->bytes * (arg->pattern == PATTERN_PINGPONG ? 2 : 1);
}

int ipc_add(struct plan *plan, const struct pair_arg *arg, const char *name)
{
	struct bench_case what = {
		.unit = "ns",
		.ops = arg->transport == &transport_pool ? &pair_pool_ops
							 : ops_of(arg->pattern),
		.arg = arg,
		.arg_bytes = sizeof(*arg),
	};
	const struct transport *t = arg->transport;
	int ways = arg->pattern == PATTERN_PINGPONG ? 2 : 1;
	char size[24];

	name_contest(&what, arg);
	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings),
		 "%s; %d copies, %s system calls a message", t->summary,
		 t->copies, t->calls ? t->calls : "0");
	set_axis(&what, 0, "pattern", pattern_names[arg->pattern]);
	snprintf(size, sizeof(size), "%zu", arg->bytes);
	set_axis(&what, 1, "size", size);
	set_axis(&what, 2, "wait", waiting_names[arg->waiting]);
	set_axis(&what, 3, "touch",
		 arg->touch == TOUCH_FULL ? "full" : "header");
	set_axis(&what, 4, "reuse", arg->rotate ? "rotate" : "hot");
	set_axis(&what, 5, "transport", t->name);
	if (arg->pattern != PATTERN_SETUP) {
		what.bytes = (double)arg->bytes * ways;
		if (arg->touch == TOUCH_FULL)
			what.least = ways *
				     payload_least_ns(arg->bytes,
						      plan->watch.clock) /
				     1.05;
		/* The noise floor: the same cell twice, once a contest. */
		what.again = t == &transport_seg_inplace;
	}
	return plan_add(plan, &what);
}

/* The cores of the two sides: the first two workers' of a pool. */
static void place_sides(int cpu[2])
{
	struct rig_plan *plan;

	cpu[0] = cpu[1] = -1;
	if (rig_place_plan(&plan, &(struct rig_place_options){ .workers = 2 }) <
	    0)
		return;
	for (int i = 0; i < 2; i++)
		cpu[i] = plan->spots[i].pu;
	rig_place_free(plan);
}

static int add_contest(struct plan *plan, const struct ipc_choice *choice,
		       struct pair_arg arg)
{
	int r = 0;

	for (int i = 0; choice->transports[i] && r == 0; i++) {
		arg.transport = transport_find(choice->transports[i]);
		if (!arg.transport) {
			fprintf(stderr,
				"rigbench: no transport %s; `rigbench cases` "
				"lists them\n",
				choice->transports[i]);
			return -EINVAL;
		}
		/* A notification belongs to no bytes, a control has no set-up,
		 * and neither has a row where it means nothing. */
		if (arg.transport->only_empty && arg.bytes)
			continue;
		if (arg.pattern == PATTERN_SETUP &&
		    (arg.transport->solo || arg.transport->threads ||
		     arg.transport == &transport_pool))
			continue;
		r = ipc_add(plan, &arg, arg.transport->name);
	}
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
		struct bench_case what = { .unit = "ns" };
		struct peer_arg peer;
		char helper[48];

		/* A window has no stream of its own: that is up to the user. */
		if (stream && i % 2)
			continue;
		name_contest(&what, arg);
		snprintf(what.name, sizeof(what.name), "%s %s",
			 openmpi ? "Open MPI" : "MPICH",
			 i % 2 ? "window" : "send");
		snprintf(helper, sizeof(helper), "%s %zu",
			 stream ? "stream" : words[i % 2], arg->bytes);
		peer_mpi(&what, &peer, openmpi, "", 2,
			 openmpi ? "--bind-to core" : "-bind-to core", helper);
		foreign_axes(&what, arg);
		r = plan_add(plan, &what);
	}
	return r;
}

/* Python's Pool, which pickles, and its SharedMemory, which does not. */
static int add_python(struct plan *plan, const struct pair_arg *arg)
{
	static const char *const forms[][2] = {
		{ "Python Pool", "pool" }, { "Python SharedMemory", "shared" }
	};
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct bench_case what = { .unit = "ns", .peer = "python" };
		struct peer_arg peer = { .environment = "" };

		name_contest(&what, arg);
		snprintf(what.name, sizeof(what.name), "%s", forms[i][0]);
		snprintf(peer.command, sizeof(peer.command),
			 "/usr/bin/python3 @/python_pair.py %% %s %s %zu %d %d",
			 forms[i][1], pattern_names[arg->pattern], arg->bytes,
			 arg->cpu[0], arg->cpu[1]);
		peer_case(&what, &peer);
		foreign_axes(&what, arg);
		r = plan_add(plan, &what);
	}
	return r;
}

int ipc_cases(struct plan *plan, const struct ipc_choice *choice)
{
	struct pair_arg arg = { .touch = choice->touch,
				.rotate = choice->rotate };
	int r = 0;

	place_sides(arg.cpu);
	for (int p = 0; p < choice->pattern_count && r == 0; p++)
		for (int w = 0; w < choice->wait_count && r == 0; w++)
			for (int s = 0; choice->sizes[s] != SIZE_MAX && r == 0;
			     s++) {
				arg.pattern = choice->patterns[p];
				arg.waiting = choice->waits[w];
				arg.bytes = choice->sizes[s];
				r = add_contest(plan, choice, arg);
				if (r == 0 && choice->peers &&
				    arg.pattern != PATTERN_SETUP && arg.bytes)
					r = add_mpi(plan, &arg);
				if (r == 0 && choice->peers &&
				    arg.pattern != PATTERN_SETUP && arg.bytes)
					r = add_python(plan, &arg);
			}
	return r;
}

/* Of one pattern, the cell of a transport at a size, measured; or NULL. */
static const struct cell *cell_at(const struct plan *plan, const char *pattern,
				  const char *transport, const char *size)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->n && cell->twin < 0 && cell->status == CELL_OK &&
		    strcmp(cell->what.axes[0].value, pattern) == 0 &&
		    strcmp(cell->what.axes[1].value, size) == 0 &&
		    strcmp(cell->what.name, transport) == 0)
			return cell;
	}
	return NULL;
}

/* How the segment in place stands to the pipe at one size. */
static enum verdict against(const struct plan *plan, const struct cell *own,
			    const char *pattern, const char *other,
			    struct comparison *c)
{
	const struct cell *cell =
		cell_at(plan, pattern, other, own->what.axes[1].value);

	if (!cell || measure_compare(plan, own, cell, c) < 0)
		return VERDICT_NOT_SHOWN;
	return c->verdict;
}

/* From which size on sharing wins, with the sizes between which that turns. */
static void say_crossover(const struct plan *plan, const char *pattern,
			  const char *other, FILE *out)
{
	const char *lost = NULL;
	const char *won = NULL;
	struct comparison last = { 0 };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];
		struct comparison c = { 0 };

		if (strcmp(own->what.name, "seg-inplace") != 0 || !own->n ||
		    strcmp(own->what.axes[0].value, pattern) != 0)
			continue;
		if (against(plan, own, pattern, other, &c) !=
		    VERDICT_A_FASTER) {
			lost = own->what.axes[1].value;
			won = NULL;
			continue;
		}
		won = won ? won : own->what.axes[1].value;
		last = c;
	}
	if (!last.a)
		return;
	fprintf(out, "%s: at %s B in place is %.3gx [%.3g,%.3g] faster than %s",
		pattern, last.a->what.axes[1].value, last.ratio.estimate,
		last.ratio.low, last.ratio.high, other);
	if (last.a->cost_operations && last.b->cost_operations &&
	    last.b->cost.cpu_ns)
		fprintf(out, " and uses %.2gx the CPU",
			(double)last.a->cost.cpu_ns /
				(double)last.a->cost_operations /
				((double)last.b->cost.cpu_ns /
				 (double)last.b->cost_operations));
	if (won && lost)
		fprintf(out, "; it overtakes it between %s and %s B", lost,
			won);
	else if (won)
		fprintf(out, "; it is faster from the smallest size (%s B)",
			won);
	fprintf(out, ".\n");
}

/* After how many messages a segment's dearer set-up has paid. */
static void say_break_even(const struct plan *plan, const char *size, FILE *out)
{
	const struct cell *seg = cell_at(plan, "setup", "seg-inplace", size);
	const struct cell *pipe = cell_at(plan, "setup", "pipe", size);
	const struct cell *a = cell_at(plan, "pingpong", "seg-inplace", size);
	const struct cell *b = cell_at(plan, "pingpong", "pipe", size);
	double saved;

	if (!seg || !pipe || !a || !b)
		return;
	saved = b->summary.p50.estimate - a->summary.p50.estimate;
	if (saved <= 0)
		return;
	fprintf(out,
		"break-even at %s B: a segment has paid for its set-up after "
		"%.0f round trips against a pipe.\n",
		size,
		fmax(1, ceil((seg->summary.p50.estimate -
			      pipe->summary.p50.estimate) /
			     saved)));
}

void ipc_verdict(const struct plan *plan, FILE *out)
{
	const char *size = "";

	say_crossover(plan, "pingpong", "pipe", out);
	say_crossover(plan, "stream", "pipe", out);
	say_crossover(plan, "pingpong", "unix-stream", out);
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (strcmp(cell->what.axes[0].value, "setup") != 0 ||
		    strcmp(cell->what.axes[1].value, size) == 0)
			continue;
		size = cell->what.axes[1].value;
		say_break_even(plan, size, out);
	}
	fprintf(out, "\n");
}

static int parse_size(const char *text, size_t *size)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text)
		return -EINVAL;
	if (strcmp(end, "Ki") == 0)
		n <<= 10;
	else if (strcmp(end, "Mi") == 0)
		n <<= 20;
	else if (*end)
		return -EINVAL;
	*size = (size_t)n;
	return n > (unsigned long long)1 << 32 ? -EINVAL : 0;
}

static int index_in(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* One word of one list: --sizes 64,4Ki: "64". */
static int take(struct ipc_choice *choice, const char *list, int n,
		const char *word)
{
	int index;

	if (n >= IPC_LIST_MAX - 1)
		return -EINVAL;
	if (strcmp(list, "transports") == 0) {
		choice->transports[n] = word;
		choice->transports[n + 1] = NULL;
	} else if (strcmp(list, "sizes") == 0) {
		choice->sizes[n + 1] = SIZE_MAX;
		return parse_size(word, &choice->sizes[n]);
	} else if (strcmp(list, "patterns") == 0 && n < 3) {
		index = index_in(pattern_names, 3, word);
		choice->patterns[n] = (enum pattern)index;
		choice->pattern_count = n + 1;
		return index < 0 ? -EINVAL : 0;
	} else if (strcmp(list, "wait") == 0 && n < 3) {
		index = index_in(waiting_names, 3, word);
		choice->waits[n] = (enum waiting)index;
		choice->wait_count = n + 1;
		return index < 0 ? -EINVAL : 0;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int take_list(struct ipc_choice *choice, const char *list, char *text)
{
	char *rest = NULL;
	int n = 0;
	int r = text ? 0 : -EINVAL;

	for (char *word = text ? strtok_r(text, ",", &rest) : NULL;
	     word && r == 0; word = strtok_r(NULL, ",", &rest))
		r = take(choice, list, n++, word);
	return r;
}

/* All transports up to a tier, in their order, the segment in place first. */
static void choose_tier(struct ipc_choice *choice, int tier)
{
	int n = 0;

	choice->transports[n++] = "seg-inplace";
	for (const struct transport *const *t = transports;
	     *t && n < IPC_LIST_MAX - 1; t++)
		if (((*t)->tier <= tier || (*t)->tier == 3) &&
		    *t != &transport_seg_inplace)
			choice->transports[n++] = (*t)->name;
	choice->transports[n] = NULL;
}

/* One NAME=LIST word, as kernels have their parameters. */
static int take_word(struct ipc_choice *choice, const char *word)
{
	char *text = strdup(word);
	char *equals = text ? strchr(text, '=') : NULL;
	int r = 0;

	if (!text)
		return -ENOMEM;
	if (equals)
		*equals = '\0';
	if (strcmp(word, "transports=all") == 0)
		choose_tier(choice, 2);
	else if (strcmp(word, "touch=header") == 0)
		choice->touch = TOUCH_HEADER;
	else if (strncmp(word, "rotate=", 7) == 0)
		r = parse_size(word + 7, &choice->rotate);
	else
		r = take_list(choice, text, equals ? equals + 1 : NULL);
	if (r < 0)
		fprintf(stderr,
			"rigbench: ipc takes transports=LIST|all sizes=LIST "
			"patterns=pingpong,stream,setup "
			"wait=spin,hybrid,block touch=full|header "
			"rotate=BYTES\n");
	/* The names of transports point into the text: they must be known
	 * ones, so that a table's own stand in for them. */
	for (int i = 0; r == 0 && choice->transports[i]; i++) {
		const struct transport *t =
			transport_find(choice->transports[i]);

		if (!t) {
			fprintf(stderr,
				"rigbench: no transport %s; `rigbench cases` "
				"lists them\n",
				choice->transports[i]);
			r = -EINVAL;
		} else {
			choice->transports[i] = t->name;
		}
	}
	free(text);
	return r;
}

int command_ipc(struct command *c)
{
	struct ipc_choice choice = {
		.sizes = { 0, 64, 4096, 65536, 1 << 20, SIZE_MAX },
		.patterns = { PATTERN_PINGPONG, PATTERN_STREAM },
		.pattern_count = 2,
		.waits = { WAITING_HYBRID },
		.wait_count = 1,
	};
	int r = 0;

	choose_tier(&choice, 1);
	choice.peers = true;
	for (int i = 1; i < c->word_count && r == 0; i++)
		r = take_word(&choice, c->words[i]);
	if (r == 0)
		r = ipc_cases(&c->plan, &choice);
	if (r < 0)
		return r == -EINVAL ? 1 : 5;
	c->verdict = ipc_verdict;
	return command_measure(c);
}
