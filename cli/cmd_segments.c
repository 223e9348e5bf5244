/* SPDX-License-Identifier: MIT */
/*
 * cmd_segments.c - runrig segments, create, rm and clean: names in /dev/shm.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/number.h>
#include <runrig/error.h>
#include <runrig/segment.h>
#include <runrig/sweep.h>

#include "command.h"
#include "json.h"
#include "show.h"

enum { KEY_JSON = 256, KEY_DRY_RUN };

struct options {
	bool json;
	const char *path;
	bool dry_run;
	char **words;
	int count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		options->path = given_path("--json", arg);
		return 0;
	case KEY_DRY_RUN:
		options->dry_run = true;
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->count = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- segments ---- */

static const char *const makers[] = {
	[RIG_MAKER_PLAIN] = "runrig, plain",
	[RIG_MAKER_TRAILER] = "runrig, trailer",
	[RIG_MAKER_LIST] = "Python list",
	[RIG_MAKER_OTHER] = "other",
};

static const char *const lives[] = {
	[RIG_LIFE_LIVE] = "live",
	[RIG_LIFE_KEPT] = "kept",
	[RIG_LIFE_STALE] = "stale",
	[RIG_LIFE_ALIEN] = "not ours",
};

static const char *user_name(uid_t uid, char text[SHOWN_BYTES])
{
	const struct passwd *entry = getpwuid(uid);

	snprintf(text, SHOWN_BYTES, "%u", (unsigned int)uid);
	return entry ? entry->pw_name : text;
}

/* Bytes of a name in its printable form. */
#define TAME_BYTES (4 * sizeof(((struct rig_found *)0)->name))

/* The name, with \xNN for each byte that could disturb a terminal or JSON:
 * other users' names may have any bytes. */
static const char *tame(const char *name, char text[TAME_BYTES])
{
	char *at = text;

	for (; *name; name++)
		if (*name >= ' ' && *name <= '~')
			*at++ = *name;
		else
			at += sprintf(at, "\\x%02x", (unsigned char)*name);
	*at = '\0';
	return text;
}

static void list(const struct rig_found *found, int count)
{
	char bytes[SHOWN_BYTES], user[SHOWN_BYTES], name[TAME_BYTES];
	size_t width = strlen("NAME");

	for (int i = 0; i < count; i++)
		if (strlen(tame(found[i].name, name)) > width)
			width = strlen(name);
	printf("%-*s %18s  %-15s %-9s %s\n", (int)width, "NAME", "BYTES",
	       "MAKER", "STATE", "USER");
	for (int i = 0; i < count; i++)
		printf("%-*s %18s  %-15s %-9s %s\n", (int)width,
		       tame(found[i].name, name),
		       show_count(found[i].bytes, bytes),
		       makers[found[i].maker], lives[found[i].life],
		       user_name(found[i].uid, user));
}

static json_t *list_json(const struct rig_found *found, int count)
{
	static const char *const maker_words[] = {
		[RIG_MAKER_PLAIN] = "plain",
		[RIG_MAKER_TRAILER] = "trailer",
		[RIG_MAKER_LIST] = "list",
		[RIG_MAKER_OTHER] = "other",
	};
	static const char *const life_words[] = {
		[RIG_LIFE_LIVE] = "live",
		[RIG_LIFE_KEPT] = "kept",
		[RIG_LIFE_STALE] = "stale",
		[RIG_LIFE_ALIEN] = "alien",
	};
	json_t *array = json_array();
	char name[TAME_BYTES];

	for (int i = 0; i < count; i++)
		json_array_append_new(
			array, json_pack("{ss sI si si ss ss}", "name",
					 tame(found[i].name, name), "bytes",
					 (json_int_t)found[i].bytes, "uid",
					 (int)found[i].uid, "owner",
					 (int)found[i].owner, "maker",
					 maker_words[found[i].maker], "life",
					 life_words[found[i].life]));
	return json_pack("{so}", "segments", array);
}

static const struct argp_option segments_options[] = {
	JSON_OPTION(KEY_JSON),
	{ 0 },
};

static const struct argp segments_argp = {
	.options = segments_options,
	.parser = parse,
	.doc = "List what is in /dev/shm: whose it is, and whether anybody "
	       "uses it.",
};

int command_segments(int argc, char **argv)
{
	struct options options = { 0 };
	struct rig_found *found = NULL;
	int count, r = EXIT_DONE;

	parse_command(&segments_argp, argc, argv, &options);
	if (options.count)
		return complain(EXIT_USAGE, "segments: takes no words: %s",
				given_word(options.words[0]));
	count = rig_sweep_list(&found);
	if (count < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	if (!options.json || options.path)
		list(found, count);
	if (options.json)
		r = json_put(list_json(found, count), options.path);
	free(found);
	return finish_output(r);
}

/* ---- create, rm ---- */

static const struct argp create_argp = {
	.parser = parse,
	.args_doc = "NAME BYTES",
	.doc = "Create a segment of BYTES zeroed bytes (1000, 64Ki, 40M) that "
	       "stays until it is removed: runrig rm NAME.",
};

int command_create(int argc, char **argv)
{
	struct options options = { 0 };
	struct rig_segment *segment = NULL;
	const char *name, *size;
	char text[SHOWN_BYTES];
	size_t bytes;
	int r;

	parse_command(&create_argp, argc, argv, &options);
	if (options.count != 2)
		return complain(EXIT_USAGE, "create: a name and a size, NAME "
					    "BYTES");
	name = given_word(options.words[0]);
	size = given_word(options.words[1]);
	if (number_size(size, &bytes) < 0)
		return complain(EXIT_USAGE,
				"create %s: \"%s\" is no size such "
				"as 1000, 64Ki or 40M",
				name, size);
	r = rig_segment_create(&segment, name, bytes,
			       &(struct rig_segment_options){ .keep = true });
	if (r < 0)
		return complain(exit_of(r), "%s", rig_why());
	printf("%s: %s bytes; remove it with: runrig rm %s\n", name,
	       show_count(bytes, text), name);
	r = finish_output(EXIT_DONE);
	if (r != EXIT_DONE)
		(void)rig_segment_unlink(segment);
	rig_segment_destroy(segment);
	return r;
}

static const struct argp rm_argp = {
	.parser = parse,
	.args_doc = "NAME...",
	.doc = "Remove segments by name, whoever of this user made them.  "
	       "Those who have them attached keep the memory.",
};

/* Returns the exit code: `before`, or the code of a failure. */
static int remove_one(const char *name, int before)
{
	int r = rig_segment_remove(name);

	if (r == 0)
		return before;
	return complain(exit_of(r), "%s", rig_why());
}

int command_rm(int argc, char **argv)
{
	struct options options = { 0 };
	int r = EXIT_DONE;

	parse_command(&rm_argp, argc, argv, &options);
	if (!options.count)
		return complain(EXIT_USAGE, "rm: which segments? `runrig "
					    "segments' lists them");
	for (int i = 0; i < options.count; i++)
		r = remove_one(given_word(options.words[i]), r);
	return r;
}

/* ---- clean ---- */

static const struct argp_option clean_options[] = {
	{ .name = "dry-run",
	  .key = KEY_DRY_RUN,
	  .doc = "Only say what would be removed." },
	{ 0 },
};

static const struct argp clean_argp = {
	.options = clean_options,
	.parser = parse,
	.doc = "Remove the segments whose makers died without removing them "
	       "and that nobody uses.  Never one that was made to stay, that "
	       "another program made, or that is in use.",
};

int command_clean(int argc, char **argv)
{
	struct options options = { 0 };
	struct rig_found *found = NULL;
	char bytes[SHOWN_BYTES], name[TAME_BYTES];
	double sum = 0;
	int count;

	parse_command(&clean_argp, argc, argv, &options);
	if (options.count)
		return complain(EXIT_USAGE,
				"clean: takes no names (runrig rm "
				"does): %s",
				given_word(options.words[0]));
	count = rig_sweep_clean(options.dry_run, &found);
	if (count < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	for (int i = 0; i < count; i++) {
		printf("%s\n", tame(found[i].name, name));
		sum += (double)found[i].bytes;
	}
	printf("%d stale segment%s%s, %s\n", count, count == 1 ? "" : "s",
	       options.dry_run ? "" : " removed", show_bytes(sum, bytes));
	free(found);
	return finish_output(EXIT_DONE);
}
