/* SPDX-License-Identifier: MIT */
/*
 * cmd_lab.c - runrig lab: the labs of the course, given out and checked.
 *
 * `start` writes a student's folder; `check` compiles the start.c of each
 * folder on the command line, and runs the check of the lab
 * (docs/labs/judge/grade.h) in a separate process.  The check's last line is
 * the verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "lab.h"

#define FOLDERS_MAX 4096

enum { KEY_JSON = 256, KEY_JUNIT, KEY_CSV };

struct lab_words {
	const char *given[FOLDERS_MAX];
	int count;
	bool json;
	const char *junit, *csv;
};

static const struct argp_option options[] = {
	{ .name = "json",
	  .key = KEY_JSON,
	  .doc = "Print the table of check as JSON." },
	{ .name = "junit",
	  .key = KEY_JUNIT,
	  .arg = "FILE",
	  .doc = "Write the table of check as JUnit's XML." },
	{ .name = "csv",
	  .key = KEY_CSV,
	  .arg = "FILE",
	  .doc = "Write the table of check as CSV." },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lab_words *words = state->input;

	switch (key) {
	case KEY_JSON:
		words->json = true;
		return 0;
	case KEY_JUNIT:
		words->junit = given_path("--junit", arg);
		return 0;
	case KEY_CSV:
		words->csv = given_path("--csv", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (words->count == FOLDERS_MAX)
			exit(complain(EXIT_USAGE,
				      "lab: at most %d folders at a time",
				      FOLDERS_MAX));
		words->given[words->count++] = given_word(arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "list\n"
		    "start NUMBER [FOLDER]\n"
		    "check [FOLDER...]",
	.doc = "Give out the labs of the course, and check what students "
	       "wrote.\v"
	       "start writes a folder with the task, start.c and a Makefile; "
	       "check compiles start.c of each folder and says what is wrong. "
	       "The exit code of check is 0 where all pass, and 2 where some "
	       "fail.",
};

static int list_labs(void)
{
	struct lab_set labs;
	int r = labs_find(&labs);

	if (r)
		return r;
	for (int i = 0; i < labs.count; i++)
		printf("%.2s  %-28s %s\n", labs.names[i], labs.names[i] + 3,
		       lab_title(labs.names[i]));
	printf("\n`runrig lab start %.2s' writes a folder to begin with.\n",
	       labs.count ? labs.names[0] : "01");
	return finish_output(EXIT_DONE);
}

static int start_lab(const struct lab_words *words)
{
	const char *word = words->count > 1 ? words->given[1] : NULL;
	char name[LAB_NAME_MAX];
	const char *folder;
	int r;

	if (!word || words->count > 3)
		return complain(EXIT_USAGE,
				"lab start: say a lab and, if you like, a "
				"folder: runrig lab start 01 my-first-rig");
	r = lab_named(word, name);
	if (r)
		return r;
	folder = words->count > 2 ? words->given[2] : name;
	r = lab_write_folder(name, folder);
	if (r)
		return r;
	printf("%s: read README.md, change start.c, and then:\n\n"
	       "  runrig lab check %s\n",
	       folder, folder);
	return finish_output(EXIT_DONE);
}

/* In a class, a folder that is no lab's is a failed hand-in, and no more. */
static int check_one(struct lab_mark *mark, bool of_class)
{
	int r = lab_check_folder(mark);

	if (r == 0 || !of_class || mark->lab[0])
		return r;
	snprintf(mark->hint, sizeof(mark->hint), "no folder of a lab");
	return 0;
}

static int check_labs(const struct lab_words *words)
{
	struct lab_set labs;

	const int count = words->count > 1 ? words->count - 1 : 1;
	struct lab_mark *marks = calloc((size_t)count, sizeof(*marks));
	int failed = 0, r;

	if (!marks)
		return complain(EXIT_SYSTEM, "out of memory");
	r = labs_find(&labs);
	for (int i = 0; r == 0 && i < count; i++) {
		marks[i].folder = words->count > 1 ? words->given[i + 1] : ".";
		r = check_one(&marks[i], count > 1);
		failed += !marks[i].passed;
		if (r == 0 && count == 1 && !words->json)
			fputs(marks[i].text, stdout);
	}
	if (r == 0)
		r = lab_print_marks(marks, count, words->json);
	if (r == 0 && words->junit)
		r = lab_write_junit(marks, count, words->junit);
	if (r == 0 && words->csv)
		r = lab_write_csv(marks, count, words->csv);
	for (int i = 0; i < count; i++)
		free(marks[i].text);
	free(marks);
	if (r)
		return r;
	return finish_output(failed ? EXIT_UNVERIFIED : EXIT_DONE);
}

int command_lab(int argc, char **argv)
{
	static struct lab_words words;
	const char *verb;

	parse_command(&argp, argc, argv, &words);
	verb = words.count ? words.given[0] : "";
	if (strcmp(verb, "list") == 0 && words.count == 1)
		return list_labs();
	if (strcmp(verb, "start") == 0)
		return start_lab(&words);
	if (strcmp(verb, "check") == 0)
		return check_labs(&words);
	return complain(EXIT_USAGE,
			"lab: say list, start NUMBER [FOLDER] or check "
			"[FOLDER...]");
}
