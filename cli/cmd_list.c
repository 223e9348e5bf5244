/* SPDX-License-Identifier: MIT */
/*
 * cmd_list.c - runrig list show, get, set and create.
 *
 * Values go in as Python literals and come out as Python's repr(): the output
 * of get is right for set.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/list.h>

#include "command.h"
#include "literal.h"

struct words {
	const char *name; /* --name */
	char **given;     /* verb first */
	int count;
};

static const struct argp_option options[] = {
	{ "name", 'N', "NAME", 0,
	  "Give the list that create makes a name, not a fresh one.", 0 },
	{ 0 },
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;

	switch (key) {
	case 'N':
		words->name = given_word(arg);
		return 0;
	case ARGP_KEY_ARG:
		words->given[words->count++] = given_word(arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_word,
	.args_doc = "show NAME\n"
		    "get NAME INDEX\n"
		    "set NAME INDEX VALUE\n"
		    "create [--name NAME] VALUE...",
	.doc = "Make, read and set lists in shared memory, as Python's "
	       "ShareableList has them.\v"
	       "VALUE is a Python literal: 5, -2.5, True, None, \"'text'\", "
	       "\"b'bytes'\"; the shell takes one pair of quotes away.  "
	       "INDEX may be negative.  A list that create makes stays until "
	       "it is removed (runrig rm NAME).",
};

/* The exit code of a failed call: is the command line wrong, or the world? */
static int failed(int r)
{
	/* An index beyond the list, a value too long for its slot. */
	bool typed = r == -ERANGE || r == -EOVERFLOW || r == -EILSEQ;

	return complain(typed ? EXIT_USAGE : exit_of(r), "%s", rig_why());
}

static int64_t given_index(const char *text)
{
	char *end;
	long long index;

	errno = 0;
	index = strtoll(text, &end, 10);
	if (!*text || *end)
		exit(complain(EXIT_USAGE, "index %s: not a whole number",
			      text));
	if (errno)
		exit(complain(EXIT_USAGE,
			      "index %s: out of range: no list is "
			      "that long",
			      text));
	return index;
}

/* The value; the caller frees the text. */
static struct rig_value given_value(const char *text, char **held)
{
	char why[LITERAL_WHY_BYTES];
	struct rig_value value;
	int r = literal_parse(text, &value, held, why);

	if (r == -EINVAL)
		exit(complain(EXIT_USAGE, "value %s", why));
	if (r < 0)
		exit(complain(EXIT_SYSTEM, "out of memory"));
	return value;
}

static int print_value(const struct rig_value *value)
{
	size_t length = rig_value_repr(value, NULL, 0);
	char *text = malloc(length + 1);

	if (!text)
		return complain(EXIT_SYSTEM, "out of memory");
	(void)rig_value_repr(value, text, length + 1);
	puts(text);
	free(text);
	return finish_output(EXIT_DONE);
}

static int show(struct rig_list *list, char **given)
{
	(void)given;
	char *text = NULL;
	int r = rig_list_repr(list, &text);

	if (r < 0)
		return failed(r);
	puts(text);
	free(text);
	return finish_output(EXIT_DONE);
}

static int get(struct rig_list *list, char **given)
{
	struct rig_value value;
	int r = rig_list_get(list, given_index(given[2]), &value);

	return r < 0 ? failed(r) : print_value(&value);
}

static int set(struct rig_list *list, char **given)
{
	int64_t index = given_index(given[2]);
	char *held = NULL;
	struct rig_value value = given_value(given[3], &held);
	int r = rig_list_set(list, index, &value);

	free(held);
	return r < 0 ? failed(r) : EXIT_DONE;
}

static int create(const struct words *words)
{
	size_t count = (size_t)words->count - 1;
	struct rig_value *values = calloc(count + 1, sizeof(*values));
	char **held = calloc(count + 1, sizeof(*held));
	struct rig_list *list = NULL;
	int code = EXIT_DONE;
	int r;

	if (!values || !held)
		exit(complain(EXIT_SYSTEM, "out of memory"));
	for (size_t i = 0; i < count; i++)
		values[i] = given_value(words->given[i + 1], &held[i]);
	r = rig_list_create(&list, words->name, values, count,
			    &(struct rig_segment_options){ .keep = true });
	if (r == 0) {
		puts(rig_list_name(list));
		code = finish_output(EXIT_DONE);
	}
	/* A user who never saw the name could not remove the list. */
	if (code != EXIT_DONE)
		(void)rig_list_unlink(list);
	rig_list_destroy(list);
	for (size_t i = 0; i < count; i++)
		free(held[i]);
	free(held);
	free(values);
	return r < 0 ? failed(r) : code;
}

/* The words for a list whose file lost a part under the mapping. */
static char gone[RIG_NAME_MAX + 100];

static void on_gone(int number)
{
	ssize_t written = write(STDERR_FILENO, gone, strlen(gone));

	(void)number;
	(void)written;
	_exit(EXIT_SYSTEM);
}

/* Other processes can make the file shorter at any time; then only a signal
 * tells. */
static void watch(const char *name)
{
	struct sigaction action = { .sa_handler = on_gone };

	snprintf(gone, sizeof(gone),
		 "runrig: list %s: a part of it is gone: made shorter "
		 "meanwhile, or /dev/shm is full\n",
		 name);
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, NULL);
}

static const struct verb {
	const char *name;
	int words; /* with itself */
	bool read_only;
	int (*act)(struct rig_list *list, char **given);
	const char *usage;
} verbs[] = {
	{ "show", 2, true, show, "show NAME" },
	{ "get", 3, true, get, "get NAME INDEX" },
	{ "set", 4, false, set, "set NAME INDEX VALUE" },
};

static int act(const struct verb *verb, const struct words *words)
{
	struct rig_segment_options how = { .read_only = verb->read_only };
	struct rig_list *list = NULL;
	int r;

	if (words->count != verb->words || words->name)
		return complain(EXIT_USAGE, "usage: runrig list %s",
				verb->usage);
	watch(words->given[1]);
	r = rig_list_attach(&list, words->given[1], &how);
	if (r < 0)
		return failed(r);
	r = verb->act(list, words->given);
	rig_list_destroy(list);
	return r;
}

static int dispatch(const struct words *words)
{
	if (words->count == 0)
		return complain(EXIT_USAGE, "list: show, get, set or create?");
	if (strcmp(words->given[0], "create") == 0)
		return create(words);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(words->given[0], verbs[i].name) == 0)
			return act(&verbs[i], words);
	return complain(EXIT_USAGE,
			"list %s: there are show, get, set and create",
			words->given[0]);
}

int command_list(int argc, char **argv)
{
	struct words words = { 0 };
	int code;

	words.given = calloc((size_t)argc + 1, sizeof(*words.given));
	if (!words.given)
		return complain(EXIT_SYSTEM, "out of memory");
	parse_command(&argp, argc, argv, &words);
	code = dispatch(&words);
	free(words.given);
	return code;
}
