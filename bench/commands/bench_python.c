/* SPDX-License-Identifier: MIT */
/*
 * bench_python.c - rigbench python: runrig's lists and segments against
 * CPython's, an operation a contest.
 *
 * Both sides are separate processes on the same first CPU, driven by the same
 * lines (see peer.h): neither is nearer to the driver.  CPython runs every
 * operation in each sensible form, and the fastest form counts; only the
 * article's program runs unchanged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/number.h>
#include <runrig/runrig.h>

#include "commands/commands.h"
#include "driver/peer.h"

/* Items of the large lists, and of the list whose items are got and set, which
 * stays in the nearest cache. */
#define LENGTH_DEFAULT 1000000
#define LENGTH_ITEMS   1000

/* Items of the article's list, and bytes of a segment: a page either way. */
#define LENGTH_SMALL 10
#define BYTES_SMALL  64

struct contestant {
	const char *contest, *name;
	bool ours;
	const char *words; /* WORD, and FORM behind the length */
	const char *form;
	enum { SMALL, BYTES, ITEMS, LARGE } length;
	bool once;
};

static const struct contestant contestants[] = {
	{ "list get", "runrig", true, "get", "", ITEMS, false },
	{ "list get", "CPython, loop", false, "get", "loop", ITEMS, false },
	{ "list get", "CPython, map", false, "get", "map", ITEMS, false },
	{ "list set", "runrig", true, "set", "", ITEMS, false },
	{ "list set", "CPython, loop", false, "set", "loop", ITEMS, false },
	{ "list set", "CPython, map", false, "set", "map", ITEMS, false },
	{ "list create", "runrig", true, "create", "", LARGE, false },
	{ "list create", "CPython", false, "create", "plain", LARGE, true },
	{ "list reverse", "runrig, pool", true, "reverse", "2", LARGE, false },
	{ "list reverse", "runrig, alone", true, "swap", "", LARGE, false },
	{ "list reverse", "CPython, article's loop", false, "reverse",
	  "article", LARGE, true },
	{ "list reverse", "CPython, get all, set all", false, "reverse",
	  "items", LARGE, true },
	{ "list reverse", "NumPy on the slots", false, "reverse", "numpy",
	  LARGE, false },
	{ "attach segment", "runrig", true, "segment", "", BYTES, false },
	{ "attach segment", "system calls alone", true, "calls", "", BYTES,
	  false },
	{ "attach segment", "CPython", false, "segment", "plain", BYTES,
	  false },
	{ "attach segment", "CPython, no tracker", false, "segment", "silent",
	  BYTES, false },
	{ "attach list", "runrig", true, "attach", "", SMALL, false },
	{ "attach list", "CPython", false, "attach", "plain", SMALL, false },
	{ "attach list", "CPython, no tracker", false, "attach", "silent",
	  SMALL, false },
	{ "attach list", "runrig", true, "attach", "", LARGE, false },
	{ "attach list", "CPython", false, "attach", "plain", LARGE, false },
	{ "attach list", "CPython, no tracker", false, "attach", "silent",
	  LARGE, false },
};

static size_t length_of(const struct contestant *c, size_t large)
{
	const size_t lengths[] = { [SMALL] = LENGTH_SMALL,
				   [BYTES] = BYTES_SMALL,
				   [ITEMS] = LENGTH_ITEMS,
				   [LARGE] = large };

	return lengths[c->length];
}

static int add(struct plan *plan, const struct contestant *c, size_t large)
{
	size_t length = length_of(c, large);
	struct peer_arg arg = { .environment = "" };
	struct bench_case what = {
		.unit = "ns",
		.once = c->once,
		.again = c->ours && strcmp(c->name, "runrig") == 0,
		.peer = c->ours ? NULL : "python",
		.axes = { { .name = "length" } },
	};

	/* The length is part of the contest: a promise is about a single
	 * length. */
	snprintf(what.contest, sizeof(what.contest), "%s, %zu", c->contest,
		 length);
	snprintf(what.name, sizeof(what.name), "%s", c->name);
	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%zu", length);
	snprintf(arg.command, sizeof(arg.command), "%s %% %s %zu %s",
		 c->ours ? "@/rigbench-list"
			 : "/usr/bin/python3 @/shared_list.py",
		 c->words, length, c->form);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

static int command_python(struct command *c)
{
	size_t length = LENGTH_DEFAULT;

	for (int i = 1; i < c->word_count; i++)
		if (strncmp(c->words[i], "length=", 7) != 0 ||
		    number_size(c->words[i] + 7, &length) < 0 || length < 2) {
			fprintf(stderr,
				"rigbench: python %s: there is length=N, the "
				"items of the large list, at least 2\n",
				c->words[i]);
			return 1;
		}
	for (size_t i = 0; i < sizeof(contestants) / sizeof(*contestants); i++)
		if (add(&c->plan, &contestants[i], length) < 0) {
			fprintf(stderr, "rigbench: out of memory\n");
			return 5;
		}
	return command_measure(c);
}

const struct bench_command bench_python = {
	.name = "python",
	.words = "[length=N]",
	.summary = "Time lists and segments against CPython's own.",
	.run = command_python,
	.about = "length=1M is how many items the large list has.",
};
