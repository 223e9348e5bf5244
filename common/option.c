/* SPDX-License-Identifier: MIT */
/*
 * option.c - getopt without messages, its answers in words; argp in our order.
 */
#include <common/option.h>

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/nearest.h>

/* getopt's answer for a long option: FIRST and the option's place in the
 * table. */
enum { FIRST = 1000, KEY_USAGE = FIRST - 1 };

/* The common options, which every command has. */
static const struct argp_option common_options[] = {
	{ .name = "help", .key = 'h', .doc = "Print this help." },
	{ .key = '?', .flags = OPTION_ALIAS | OPTION_HIDDEN },
	{ .name = "usage", .key = KEY_USAGE, .flags = OPTION_HIDDEN },
	{ .name = "version", .key = 'V', .doc = "Print the version." },
	{ 0 },
};

struct table {
	struct option *longs; /* with names; ends with a zeroed entry */
	char *shorts;         /* in getopt's form */
	int count;            /* options of both kinds */
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
	/* getopt would confuse "-?" with its own answer '?'. */
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
	const struct argp_option *const parts[] = { options, common_options };
	size_t most = sizeof(common_options) / sizeof(*common_options);

	for (const struct argp_option *o = options; o && !is_end(o); o++)
		most++;
	table->longs = calloc(most + 1, sizeof(*table->longs));
	table->options = calloc(most + 1, sizeof(*table->options));
	table->shorts = calloc(1, 3 * most + 3);
	if (!table->longs || !table->options || !table->shorts)
		return -ENOMEM;
	/* getopt returns every other word in its place, and prints nothing. */
	strcpy(table->shorts, "-:");
	for (int part = 0; part < 2; part++)
		for (const struct argp_option *o = parts[part]; o && !is_end(o);
		     o++)
			enter(table, o);
	return 0;
}

/* The options, for a user who has typed another word. */
static void put_names(FILE *out, const struct table *table)
{
	const char *between = "there are ";

	for (int i = 0; i < table->count; i++) {
		const struct argp_option *option = table->options[i];

		if (option->flags & OPTION_HIDDEN)
			continue;
		if (option->name)
			fprintf(out, "%s--%s", between, option->name);
		else
			fprintf(out, "%s-%c", between, option->key);
		between = ", ";
	}
}

/* The options whose names begin with the word, to be written in full; returns
 * their number. */
static int put_beginning(FILE *out, const struct table *table, const char *name,
			 size_t length)
{
	int count = 0;

	for (const struct option *o = table->longs; o->name; o++)
		if (strncmp(o->name, name, length) == 0 &&
		    !(table->options[o->val - FIRST]->flags & OPTION_HIDDEN))
			fprintf(out, "%s--%s",
				count++ ? " or " : "write it in full, ",
				o->name);
	return count;
}

/* The option of getopt's answer `said`: a place in the table or a letter. */
static const struct argp_option *known(const struct table *table, int said)
{
	if (said >= FIRST)
		return table->options[said - FIRST];
	for (int i = 0; i < table->count; i++)
		if (table->options[i]->key == said)
			return table->options[i];
	return NULL;
}

/* Nothing is called "--name", whatever follows a "=". */
static void refuse_long(FILE *out, const struct table *table, const char *name)
{
	size_t length = strcspn(name, "=");
	struct nearest nearest = { .word = name };

	fprintf(out, "no option --%.*s: ", (int)length, name);
	if (length == 1 && known(table, *name)) {
		fprintf(out, "did you mean -%c?", *name);
		return;
	}
	if (put_beginning(out, table, name, length))
		return;
	for (int i = 0; i < table->count; i++)
		if (table->options[i]->name)
			nearest_look(&nearest, table->options[i]->name);
	if (nearest.name)
		fprintf(out, "did you mean --%s?", nearest.name);
	else
		put_names(out, table);
}

/* getopt's optopt tells the mistake in `word`: the place of a known long
 * option, a letter, or nothing. */
static void explain(FILE *out, const struct table *table, int c,
		    const char *word)
{
	const struct argp_option *option = known(table, optopt);

	if (optopt >= FIRST && c == ':')
		fprintf(out, "option --%s wants %s", option->name, option->arg);
	else if (optopt >= FIRST)
		fprintf(out, "option --%s takes nothing after it",
			option->name);
	else if (c == ':')
		fprintf(out, "option -%c wants %s", optopt, option->arg);
	else if (optopt) {
		fprintf(out, "no option -%c: ", optopt);
		put_names(out, table);
	} else
		refuse_long(out, table, word + 2);
}

/* Whether the word, "--repeat=3", has the full name of the option that getopt
 * took. */
static bool in_full(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word + 2, name, length) == 0 &&
	       (word[2 + length] == '=' || word[2 + length] == '\0');
}

/* Write an option's word in the command's own form: see option_check(). */
static char *rewritten(const struct table *table, char *word)
{
	static char number[] = "-n";
	char *joined;

	if (!known(table, 'n'))
		return word;
	if (strcmp(word, "-np") == 0 || strcmp(word, "--np") == 0)
		return number;
	/* The new word stays allocated: argp keeps pointers to the words. */
	if (strncmp(word, "--np=", 5) == 0 &&
	    asprintf(&joined, "-n%s", word + 5) >= 0)
		return joined;
	return word;
}

static bool asks_help(const struct table *table, int c)
{
	return c == 'h' || (c == '?' && optopt == '?') ||
	       (c >= FIRST && known(table, c) == common_options);
}

static int look(const struct table *table, int argc, char **argv, FILE *out)
{
	int at = 1, c;

	opterr = 0;
	optind = 0;
	for (;;) {
		if (at < argc && *argv[at])
			argv[at] = rewritten(table, argv[at]);
		c = getopt_long(argc, argv, table->shorts, table->longs, NULL);
		if (c == -1 || asks_help(table, c))
			return 0;
		if (c == '?' || c == ':') {
			explain(out, table, c, argv[at]);
			return -EINVAL;
		}
		if (c >= FIRST && !in_full(argv[at], known(table, c)->name)) {
			refuse_long(out, table, argv[at] + 2);
			return -EINVAL;
		}
		at = optind;
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

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case 'h':
	case '?':
		argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
		return 0;
	case KEY_USAGE:
		argp_state_help(state, state->out_stream,
				ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		return 0;
	case 'V':
		fprintf(state->out_stream, "%s\n", argp_program_version);
		exit(0);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A copy of the table in which every option is a group by itself: argp sorts
 * the options within a group by their names. */
static struct argp_option *in_order(const struct argp_option *options)
{
	struct argp_option *copy;
	size_t count = 0;

	while (options && !is_end(&options[count]))
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = options[i];
		copy[i].group = (int)i + 1;
	}
	return copy;
}

void option_parse(const struct argp *argp, int argc, char **argv, int code,
		  void *input)
{
	static const struct argp common = { .options = common_options,
					    .parser = parse_common };
	const struct argp_child children[] = { { .argp = &common, .group = -1 },
					       { 0 } };
	struct argp whole = *argp;
	struct argp_option *ordered = in_order(argp->options);

	if (ordered)
		whole.options = ordered;
	whole.children = children;
	argp_err_exit_status = code;
	/* 80 columns, and no line on arguments of short options. */
	(void)setenv("ARGP_HELP_FMT", "no-dup-args-note,rmargin=79", 0);
	(void)argp_parse(&whole, argc, argv, ARGP_NO_HELP, NULL, input);
	(void)unsetenv("ARGP_HELP_FMT");
	free(ordered);
}
