/* SPDX-License-Identifier: MIT */
/*
 * option.c - getopt, asked quietly, and its answer in words.
 */
#include <common/option.h>

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What getopt says of a long option: FIRST and its place in the table. */
enum { FIRST = 1000 };

/* As argp adds them to every command. */
static const struct argp_option added[] = {
	{ .name = "help", .key = '?' },
	{ .name = "usage", .key = FIRST - 1 },
	{ .name = "version", .key = 'V' },
	{ 0 },
};

struct table {
	struct option *longs; /* with names; ends with a zeroed entry */
	char *shorts;         /* as getopt takes them */
	int count;            /* of both kinds of options */
	const struct argp_option **options;
};

static int wants(const struct argp_option *option)
{
	if (!option->arg)
		return no_argument;
	return option->flags & OPTION_ARG_OPTIONAL ? optional_argument
						   : required_argument;
}

static void enter(struct table *table, const struct argp_option *option)
{
	struct option *entry = table->longs;
	char *end = table->shorts + strlen(table->shorts);

	while (entry->name)
		entry++;
	if (option->name)
		*entry = (struct option){ .name = option->name,
					  .has_arg = wants(option),
					  .val = FIRST + table->count };
	/* Of -? getopt would not say that it is one. */
	if (option->key > ' ' && option->key < 127 && option->key != '?') {
		*end++ = (char)option->key;
		for (int i = 0; i < wants(option); i++)
			*end++ = ':';
	}
	table->options[table->count++] = option;
}

static bool is_end(const struct argp_option *option)
{
	return !option->name && !option->key;
}

static int fill(struct table *table, const struct argp_option *options)
{
	const struct argp_option *const parts[] = { options, added };
	size_t most = sizeof(added) / sizeof(*added);

	for (const struct argp_option *o = options; o && !is_end(o); o++)
		most++;
	table->longs = calloc(most + 1, sizeof(*table->longs));
	table->options = calloc(most + 1, sizeof(*table->options));
	table->shorts = calloc(1, 3 * most + 3);
	if (!table->longs || !table->options || !table->shorts)
		return -ENOMEM;
	/* Words that are no options in their place; and no message. */
	strcpy(table->shorts, "-:");
	for (int part = 0; part < 2; part++)
		for (const struct argp_option *o = parts[part]; o && !is_end(o);
		     o++)
			enter(table, o);
	return 0;
}

/* The options whose names begin with the first `length` bytes of `word`. */
static void put_names(FILE *out, const struct table *table, const char *word,
		      size_t length)
{
	const char *between = "";

	for (const struct option *o = table->longs; o->name; o++)
		if (strncmp(o->name, word, length) == 0) {
			fprintf(out, "%s--%s", between, o->name);
			between = ", ";
		}
	for (int i = 0; i < table->count && length == 0; i++)
		if (!table->options[i]->name) {
			fprintf(out, "%s-%c", between, table->options[i]->key);
			between = ", ";
		}
}

/* Of an option that getopt knows, by `said`: a place or a letter. */
static const struct argp_option *known(const struct table *table, int said)
{
	if (said >= FIRST)
		return table->options[said - FIRST];
	for (int i = 0; i < table->count; i++)
		if (table->options[i]->key == said)
			return table->options[i];
	return NULL;
}

/* What getopt left in optopt says which mistake it was: of a long option that
 * there is its place, of a letter the letter, else nothing. */
static void explain(FILE *out, const struct table *table, int c, char **argv)
{
	const struct argp_option *option = known(table, optopt);
	const char *name = optopt ? "" : argv[optind - 1] + 2;
	size_t length = strcspn(name, "=");
	bool begins = false;

	for (const struct option *o = table->longs; o->name; o++)
		begins |= strncmp(o->name, name, length) == 0;
	if (optopt >= FIRST && c == ':')
		fprintf(out, "option --%s wants %s", option->name, option->arg);
	else if (optopt >= FIRST)
		fprintf(out, "option --%s takes nothing after it",
			option->name);
	else if (c == ':')
		fprintf(out, "option -%c wants %s", optopt, option->arg);
	else if (optopt)
		fprintf(out, "no option -%c: there are ", optopt);
	else if (begins)
		fprintf(out, "option --%.*s is the beginning of ", (int)length,
			name);
	else
		fprintf(out, "no option --%.*s: there are ", (int)length, name);
	if (optopt < FIRST && c != ':')
		put_names(out, table, name, begins ? length : 0);
}

static int look(const struct table *table, int argc, char **argv, FILE *out)
{
	opterr = 0;
	optind = 0;
	for (;;) {
		int c = getopt_long(argc, argv, table->shorts, table->longs,
				    NULL);

		if (c == -1 || (c == '?' && optopt == added[0].key) ||
		    (c >= FIRST && known(table, c) == &added[0]))
			return 0;
		if (c == '?' || c == ':') {
			explain(out, table, c, argv);
			return -EINVAL;
		}
	}
}

int option_check(const struct argp_option *options, int argc, char **argv,
		 char *line, size_t bytes)
{
	struct table table = { 0 };
	FILE *out = fmemopen(line, bytes, "w");
	int r = out ? fill(&table, options) : -ENOMEM;

	if (r == 0)
		r = look(&table, argc, argv, out);
	if (out)
		fclose(out);
	line[bytes - 1] = '\0';
	free(table.longs);
	free(table.options);
	free(table.shorts);
	return r;
}
