/* SPDX-License-Identifier: MIT */
/*
 * bench_new.c - rigbench new contender: a transport of one's own, to begin with.
 *
 * The file is whole: the file builds with the command that is printed, and is
 * measured and verified beside rigbench's transports.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/headers.h>

#include "commands/commands.h"
#include "commands/contender_text.h"

#define NAME_MAX_CHARS 30

/* Where the contender's name stands in the examples. */
#define PLACE "mine"

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	return *name && strlen(name) <= NAME_MAX_CHARS &&
	       strspn(name, allowed) == strlen(name);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Put the example, with the name wherever the word PLACE stands. */
static void put_example(const char *text, const char *name, FILE *out)
{
	size_t n = strlen(PLACE);

	for (const char *c = text; *c;) {
		if (strncmp(c, PLACE, n) == 0 && !in_word(c[n]) &&
		    (c == text || !in_word(c[-1]))) {
			fputs(name, out);
			c += n;
		} else {
			fputc(*c++, out);
		}
	}
}

static int write_example(const char *path, const char *text, const char *name)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool bad;

	if (!file) {
		fprintf(stderr, "rigbench: %s: %s\n", path,
			errno == EEXIST ? "is there already: choose another "
					  "name"
					: strerror(errno));
		return EXIT_SYSTEM;
	}
	put_example(text, name, file);
	bad = ferror(file);
	if (fclose(file) == 0 && !bad)
		return EXIT_DONE;
	fprintf(stderr, "rigbench: %s: not all of the file was written\n",
		path);
	(void)remove(path);
	return EXIT_SYSTEM;
}

/* The name without its .py; true: there was one. */
static bool cut_python(char *name)
{
	size_t n = strlen(name);
	bool python = n > 3 && strcmp(name + n - 3, ".py") == 0;

	if (python)
		name[n - 3] = '\0';
	return python;
}

static void say_python(const char *path)
{
	printf("%s: a transport to begin with.  Measure it:\n\n"
	       "  rigbench ipc --contender='cmd:python3 %s' "
	       "transports=seg-inplace,pipe\n",
	       path, path);
}

static void say_c(const char *path, const char *name)
{
	printf("%s: a transport to begin with.  Build and measure it:\n\n"
	       "  cc -shared -fPIC -O2 -I%s %s -o %s.so\n"
	       "  rigbench ipc --contender=./%s.so transports=seg-inplace,pipe\n",
	       path, headers_folder("rigbench/contender.h", "bench/include"),
	       path, name, name);
}

static int command_new(struct command *c)
{
	char name[NAME_MAX_CHARS + 4] = PLACE;
	char path[NAME_MAX_CHARS + 4];
	bool python;
	int status;

	if (c->word_count == 3)
		snprintf(name, sizeof(name), "%s", c->words[2]);
	python = cut_python(name);
	if (c->word_count < 2 || c->word_count > 3 ||
	    strcmp(c->words[1], "contender") != 0 || !is_name(name)) {
		fprintf(stderr,
			"rigbench: new contender [NAME|NAME.py], and a NAME is "
			"1 to %d letters, digits, - or _\n",
			NAME_MAX_CHARS);
		return EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "%.30s.%s", name, python ? "py" : "c");
	status = write_example(path, python ? contender_py : contender_c, name);
	if (status != EXIT_DONE)
		return status;
	if (python)
		say_python(path);
	else
		say_c(path, name);
	return EXIT_DONE;
}

const struct bench_command bench_new = {
	.name = "new",
	.words = "contender [NAME|NAME.py]",
	.summary = "Write the beginning of a transport of your own.",
	.run = command_new,
	.about = "Writes NAME.c (mine.c) or NAME.py, and says how to build and "
		 "measure the file.",
};
