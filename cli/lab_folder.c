/* SPDX-License-Identifier: MIT */
/*
 * lab_folder.c - where the labs lie, and the folder that a student gets.
 */
#include "lab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "lab_place.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* "01-first-rig": two digits, a minus, and more. */
static bool is_lab(const char *name)
{
	return isdigit((unsigned char)name[0]) &&
	       isdigit((unsigned char)name[1]) && name[2] == '-' && name[3] &&
	       strlen(name) < LAB_NAME_MAX;
}

/* A lab without a check cannot be given out. */
static bool has_check(const char *name)
{
	char path[PATH_MAX];

	return lab_check_path(name, path) && access(path, X_OK) == 0;
}

int labs_find(struct lab_set *labs)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	lab_data_path("", path);
	folder = opendir(path);
	if (!folder)
		return complain(EXIT_SYSTEM,
				"no labs at %s: install the package of labs",
				path);
	labs->count = 0;
	while ((entry = readdir(folder)) && labs->count < LABS_MAX)
		if (is_lab(entry->d_name) && has_check(entry->d_name))
			snprintf(labs->names[labs->count++], LAB_NAME_MAX,
				 "%.*s", LAB_NAME_MAX - 1, entry->d_name);
	closedir(folder);
	qsort(labs->names, (size_t)labs->count, LAB_NAME_MAX, by_name);
	return 0;
}

/* "4", "04", "04-false-sharing" and "false-sharing" name one lab. */
static bool names(const char *word, const char *lab)
{
	char *end;
	long number = strtol(word, &end, 10);

	if (*word && !*end)
		return number == strtol(lab, NULL, 10);
	return strcmp(word, lab) == 0 || strcmp(word, lab + 3) == 0;
}

int lab_named(const char *word, char name[LAB_NAME_MAX])
{
	struct lab_set labs;
	int r = labs_find(&labs);

	if (r)
		return r;
	for (int i = 0; i < labs.count; i++)
		if (names(word, labs.names[i])) {
			snprintf(name, LAB_NAME_MAX, "%s", labs.names[i]);
			return 0;
		}
	return complain(EXIT_USAGE,
			"lab: no lab \"%s\": `runrig lab list' shows all",
			word);
}

const char *lab_title(const char *name)
{
	static char title[200];
	char path[PATH_MAX], leaf[LAB_NAME_MAX + 16];
	FILE *file;
	char *colon;

	snprintf(leaf, sizeof(leaf), "%s/README.md", name);
	lab_data_path(leaf, path);
	title[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return title;
	if (!fgets(title, sizeof(title), file))
		title[0] = '\0';
	fclose(file);
	title[strcspn(title, "\n")] = '\0';
	colon = strchr(title, ':');
	return colon ? colon + 1 + (colon[1] == ' ') : title;
}

/* Comments of a page are for the tests, and stand on lines of their own. */
static void copy_bytes(FILE *in, FILE *out, bool is_page)
{
	char bytes[65536];
	size_t got;

	if (is_page)
		while (fgets(bytes, sizeof(bytes), in)) {
			if (strncmp(bytes, "<!--", 4) != 0)
				fputs(bytes, out);
		}
	else
		while ((got = fread(bytes, 1, sizeof(bytes), in)) > 0)
			if (fwrite(bytes, 1, got, out) != got)
				return;
}

static int copy_file(const char *from, const char *folder, const char *leaf)
{
	char path[PATH_MAX];
	FILE *in, *out;
	bool wrong;

	in = fopen(from, "re");
	if (!in)
		return complain(EXIT_SYSTEM, "%s: %s", from, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", folder, leaf);
	out = fopen(path, "wxe");
	if (!out) {
		fclose(in);
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	}
	copy_bytes(in, out, strcmp(leaf, "README.md") == 0);
	wrong = ferror(in) || ferror(out);
	fclose(in);
	if (fclose(out) || wrong)
		return complain(EXIT_SYSTEM, "%s: cannot be written", path);
	return 0;
}

/* `make' compiles, and `make check' asks runrig. */
static int write_makefile(const char *name, const char *folder)
{
	char path[PATH_MAX], program[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/Makefile", folder);
	file = fopen(path, "wxe");
	if (!file)
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	fprintf(file,
		"# A lab of runrig's course.  `make' compiles start.c; `make "
		"check' checks it.\n"
		"LAB = %s\n"
		"RUNRIG = %s\n"
		"CFLAGS = -std=c17 -O1 -g -Wall -Wextra\n\n"
		"start.so: start.c lab.h\n"
		"\t$(CC) $(CFLAGS) -shared -fPIC -I%s -o $@ start.c -lm\n\n"
		"check:\n\t$(RUNRIG) lab check .\n\n"
		".PHONY: check\n",
		name, lab_program_path(program), lab_headers());
	if (ferror(file) | fclose(file))
		return complain(EXIT_SYSTEM, "%s: cannot be written", path);
	return 0;
}

/* The check finds the lab of a folder by this file. */
static int write_name(const char *name, const char *folder)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/LAB", folder);
	file = fopen(path, "wxe");
	if (!file)
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	fprintf(file, "%s\n", name);
	if (ferror(file) | fclose(file))
		return complain(EXIT_SYSTEM, "%s: cannot be written", path);
	return 0;
}

static void remove_folder(const char *folder)
{
	static const char *const leaves[] = { "README.md",  "start.c",
					      "lab.h",      "figure.svg",
					      "figure.png", "Makefile",
					      "LAB" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, leaves[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

int lab_write_folder(const char *name, const char *folder)
{
	static const char *const leaves[] = { "README.md", "start.c", "lab.h",
					      "figure.svg", "figure.png" };
	int r = 0;

	if (mkdir(folder, 0777) < 0)
		return errno == EEXIST
			       ? complain(EXIT_SYSTEM,
					  "lab start: %s is there already, and "
					  "is not overwritten: choose another "
					  "folder",
					  folder)
			       : complain(EXIT_SYSTEM, "%s: %s", folder,
					  strerror(errno));
	for (size_t i = 0; r == 0 && i < sizeof(leaves) / sizeof(*leaves);
	     i++) {
		char leaf[LAB_NAME_MAX + 16], path[PATH_MAX];

		snprintf(leaf, sizeof(leaf), "%s/%s", name, leaves[i]);
		lab_data_path(leaf, path);
		/* Most labs have a single figure, or a figure in the text. */
		if (i < 3 || access(path, R_OK) == 0)
			r = copy_file(path, folder, leaves[i]);
	}
	if (r == 0)
		r = write_makefile(name, folder);
	if (r == 0)
		r = write_name(name, folder);
	/* The folder is whole, or is not there. */
	if (r)
		remove_folder(folder);
	return r;
}
