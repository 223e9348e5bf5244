/* SPDX-License-Identifier: MIT */
/*
 * ipc_words.c - the words of rigbench ipc: NAME=LIST, like the parameters of kernels.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/nearest.h>
#include <common/number.h>

#include "commands/commands.h"
#include "ipc/field.h"
#include "ipc/ipc.h"
#include "ipc/transport_own.h"

const char *const ipc_patterns[] = { "pingpong", "stream", "map",
				     "setup",    "crash",  "rate",
				     "fan-out",  "fan-in", NULL };
const char *const ipc_waits[] = { "spin", "hybrid", "block", NULL };
const char *const ipc_pages[] = { "4k", "thp", "2m", NULL };
const char *const ipc_homes[] = { "writer", "reader", "node:N", NULL };
const char *const ipc_places[] = { "cores", "pu",    "smt", "l3",
				   "node",  "other", NULL };

static const struct {
	const char *name;
	const char *const *values;
	size_t axis; /* offset in struct ipc_choice */
	const char *about;
} axes[] = {
	{ "patterns", ipc_patterns, offsetof(struct ipc_choice, patterns),
	  "what is done with a message (pingpong,stream)" },
	{ "wait", ipc_waits, offsetof(struct ipc_choice, waits),
	  "how a side waits: polls, polls and then sleeps, sleeps (hybrid)" },
	{ "pages", ipc_pages, offsetof(struct ipc_choice, pages),
	  "pages of a segment (4k)" },
	{ "home", ipc_homes, offsetof(struct ipc_choice, homes),
	  "on whose NUMA node a segment lies (writer)" },
	{ "place", ipc_places, offsetof(struct ipc_choice, places),
	  "the two sides on PUs of one core, one L3, ... (cores: as a pool)" },
	{ "pairs", NULL, offsetof(struct ipc_choice, pairs),
	  "how many pairs at once (1)" },
};

/* Words that are no axis. */
static const struct {
	const char *word, *about;
} others[] = {
	{ "transports=LIST|all|field",
	  "`rigbench cases' lists them (the default ones); field: what others "
	  "use" },
	{ "sizes=0..4Gi (bytes, 64Ki, 1M, 1e6; a list)",
	  "of a message (0,64,4Ki,64Ki,1Mi)" },
	{ "touch=full|header",
	  "every byte is written and read, or eight of them (full)" },
	{ "rate=PER_SECOND",
	  "messages that are due, of pattern rate (100000)" },
	{ "rotate=BYTES", "walk through so much memory, not one hot buffer" },
	{ "disturb=signals", "interrupt both sides every 200 us: for tests" },
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

#define AXES (sizeof(axes) / sizeof(*axes))

void ipc_tier(struct ipc_choice *choice, int tier)
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

void ipc_take_own(struct ipc_choice *choice)
{
	const struct transport *own;

	for (size_t i = 0; (own = transport_own(i)); i++) {
		int n = 0;

		if (!transport_given(own))
			continue;
		while (choice->transports[n] &&
		       strcmp(choice->transports[n], own->name) != 0)
			n++;
		if (choice->transports[n] || n >= IPC_LIST_MAX - 1)
			continue;
		choice->transports[n] = own->name;
		choice->transports[n + 1] = NULL;
	}
}

/* The segment in place, a pipe, a socket, and all transports in common use. */
static void take_field(struct ipc_choice *choice)
{
	const char *name;
	int n = 0;

	field_load();
	choice->transports[n++] = "seg-inplace";
	choice->transports[n++] = "pipe";
	choice->transports[n++] = "unix-stream";
	for (size_t i = 0; (name = field_name(i)) && n < IPC_LIST_MAX - 1; i++)
		choice->transports[n++] = name;
	choice->transports[n] = NULL;
}

/* The largest message, and the largest memory to walk through. */
#define SIZE_MOST ((size_t)1 << 32)

static int parse_size(const char *text, size_t *size)
{
	return number_size(text, size) < 0 || *size > SIZE_MOST ? -EINVAL : 0;
}

static int parse_rate(const char *text, uint32_t *rate)
{
	size_t number;

	if (parse_size(text, &number) < 0 || number < 1 || number > 10000000)
		return -EINVAL;
	*rate = (uint32_t)number;
	return 0;
}

/* A value of an axis by the name; "node:3" is the last value of the axis, and 3. */
static int parse_value(const char *const *values, const char *word)
{
	size_t number;

	if (!values)
		return parse_size(word, &number) == 0 && number >= 1 &&
				       number <= PAIRS_MAX
			       ? (int)number - 1
			       : -EINVAL;
	for (int i = 0; values[i]; i++) {
		if (strcmp(values[i], "node:N") == 0 &&
		    strncmp(word, "node:", 5) == 0 &&
		    parse_size(word + 5, &number) == 0 &&
		    number < CASE_NODES_MAX)
			return i + (int)number;
		if (strcmp(values[i], word) == 0 && !strchr(word, ':'))
			return i;
	}
	return -EINVAL;
}

static void say_transport(const char *wrong)
{
	struct nearest nearest = { .word = wrong };
	const struct transport *own;

	for (const struct transport *const *t = transports; *t; t++)
		nearest_look(&nearest, (*t)->name);
	for (size_t i = 0; (own = transport_own(i)); i++)
		nearest_look(&nearest, own->name);
	fprintf(stderr, "rigbench: no transport \"%s\"", wrong);
	if (nearest.name)
		fprintf(stderr, ": did you mean %s?\n", nearest.name);
	else
		fprintf(stderr, "; `rigbench cases' lists all\n");
}

static int take_transport(struct ipc_choice *choice, int n, const char *word)
{
	const struct transport *t = transport_find(word);

	if (!t) {
		field_load();
		t = transport_find(word);
	}
	if (!t) {
		say_transport(word);
		return -ENOENT;
	}
	/* The table's own name: the word does not live as long. */
	choice->transports[n] = t->name;
	choice->transports[n + 1] = NULL;
	return 0;
}

/* The n-th value of one list: sizes=64,4Ki: "64". */
static int take(struct ipc_choice *choice, const char *list, int n,
		const char *word)
{
	if (n >= IPC_LIST_MAX - 1)
		return -EINVAL;
	if (strcmp(list, "transports") == 0)
		return take_transport(choice, n, word);
	if (strcmp(list, "sizes") == 0) {
		choice->sizes[n + 1] = SIZE_MAX;
		return parse_size(word, &choice->sizes[n]);
	}
	for (size_t i = 0; i < AXES && n < IPC_VALUES_MAX; i++) {
		struct ipc_axis *axis = (void *)((char *)choice + axes[i].axis);

		if (strcmp(axes[i].name, list) != 0)
			continue;
		axis->value[n] = parse_value(axes[i].values, word);
		axis->count = n + 1;
		return axis->value[n] < 0 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int take_list(struct ipc_choice *choice, const char *list, char *text)
{
	char *rest = NULL;
	int n = 0;
	int r = 0;

	for (char *word = strtok_r(text, ",", &rest); word && r == 0;
	     word = strtok_r(NULL, ",", &rest))
		r = take(choice, list, n++, word);
	return n ? r : -EINVAL;
}

/* "wait=spin,hybrid,block" */
static void put_axis(FILE *out, size_t i)
{
	fprintf(out, "%s=", axes[i].name);
	for (int k = 0; axes[i].values && axes[i].values[k]; k++)
		fprintf(out, "%s%s", k ? "," : "", axes[i].values[k]);
	if (!axes[i].values)
		fprintf(out, "1..%d", PAIRS_MAX);
}

/* The lists that a word may begin with. */
static const char *const lists[] = { "transports", "sizes",  "touch",
				     "rate",       "rotate", "disturb" };

/* The list that the user may have meant, where the word begins with none; else
 * NULL. */
static const char *nearest_list(const char *wrong)
{
	struct nearest nearest = { .word = wrong };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		nearest_look(&nearest, lists[i]);
	for (size_t i = 0; i < AXES; i++)
		nearest_look(&nearest, axes[i].name);
	/* A list that is there, and a value that is not. */
	if (nearest.name && strlen(nearest.name) == strcspn(wrong, "=") &&
	    strncmp(nearest.name, wrong, strlen(nearest.name)) == 0)
		return NULL;
	return nearest.name;
}

static void say_words(const char *wrong)
{
	const char *meant = nearest_list(wrong);

	if (meant) {
		fprintf(stderr,
			"rigbench: ipc has no \"%s\": did you mean %s=?\n",
			wrong, meant);
		return;
	}
	fprintf(stderr, "rigbench: ipc %s: not among", wrong);
	for (size_t i = 0; i < OTHERS; i++)
		fprintf(stderr, " %s", others[i].word);
	for (size_t i = 0; i < AXES; i++) {
		fprintf(stderr, " ");
		put_axis(stderr, i);
	}
	fprintf(stderr, "\n");
}

void help_ipc(FILE *out)
{
	fprintf(out, "Words, and in brackets what is usual; lists have "
		     "commas.\n\n");
	for (size_t i = 0; i < OTHERS; i++)
		fprintf(out, "  %s\n      %s\n", others[i].word,
			others[i].about);
	for (size_t i = 0; i < AXES; i++) {
		fprintf(out, "  ");
		put_axis(out, i);
		fprintf(out, "\n      %s\n", axes[i].about);
	}
}

int ipc_word(struct ipc_choice *choice, const char *word)
{
	char *text = strdup(word);
	char *equals = text ? strchr(text, '=') : NULL;
	int r = 0;

	if (!text)
		return -ENOMEM;
	if (equals)
		*equals = '\0';
	if (strcmp(word, "transports=all") == 0)
		ipc_tier(choice, 2);
	else if (strcmp(word, "transports=field") == 0)
		take_field(choice);
	else if (strcmp(word, "touch=header") == 0)
		choice->touch = TOUCH_HEADER;
	else if (strcmp(word, "touch=full") == 0)
		choice->touch = TOUCH_FULL;
	else if (strcmp(word, "disturb=signals") == 0)
		choice->disturb = true;
	else if (strncmp(word, "rate=", 5) == 0)
		r = parse_rate(word + 5, &choice->rate);
	else if (strncmp(word, "rotate=", 7) == 0)
		r = parse_size(word + 7, &choice->rotate);
	else
		r = equals ? take_list(choice, text, equals + 1) : -EINVAL;
	if (r == -EINVAL)
		say_words(word);
	free(text);
	return r == -ENOENT ? -EINVAL : r;
}
