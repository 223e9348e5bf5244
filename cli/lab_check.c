/* SPDX-License-Identifier: MIT */
/*
 * lab_check.c - compile what a student wrote, run the lab's check, and tell marks.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "command.h"
#include "json.h"
#include "lab.h"
#include "lab_calls.h"
#include "lab_place.h"
#include "lab_run.h"

/* Seconds: a check has a limit of its own, of 60. */
#define COMPILER_LIMIT_S 60
#define CHECK_LIMIT_S    90

/* The most words of $CC. */
#define COMPILER_WORDS 8

/* A text without a NUL, at the end of *text. */
static void append(char **text, const char *words)
{
	size_t used = *text ? strlen(*text) : 0;
	char *room = realloc(*text, used + strlen(words) + 1);

	if (!room)
		return;
	memcpy(room + used, words, strlen(words) + 1);
	*text = room;
}

/* Text as JSON and XML take it: Latin-1 and damage lose every byte beyond ASCII. */
static void make_text(char *text)
{
	json_t *sound = json_string(text);

	if (!sound)
		for (; *text; text++)
			*text = *text & 0x80 ? '?' : *text;
	json_decref(sound);
}

/* The first hint, which goes into the table. */
static void find_hint(struct lab_mark *mark)
{
	const char *at = mark->text ? strstr(mark->text, "  hint: ") : NULL;

	if (at)
		snprintf(mark->hint, sizeof(mark->hint), "%.*s",
			 (int)strcspn(at + 8, "\n"), at + 8);
	/* A letter may have been cut. */
	make_text(mark->hint);
}

/* The words of $CC, which may be "ccache gcc", as make takes them; else cc. */
static int compiler_words(char compiler[PATH_MAX], char **words)
{
	const char *given = getenv("CC");
	char *rest = NULL;
	int count = 0;

	snprintf(compiler, PATH_MAX, "%s", given ? given : "");
	for (char *word = strtok_r(compiler, " ", &rest);
	     word && count < COMPILER_WORDS; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (count == 0)
		words[count++] = "cc";
	return count;
}

/* The compiler's command; the lab's own lab.h, whatever the student's says. */
static int compile(struct lab_mark *mark, const char *source,
		   const char *library)
{
	char lab[PATH_MAX], include[PATH_MAX + 2], headers[PATH_MAX + 2];
	char compiler[PATH_MAX], *words[COMPILER_WORDS + 24];
	struct lab_process process = { .words = words,
				       .limit_s = COMPILER_LIMIT_S };
	int count = compiler_words(compiler, words), r;

	lab_data_path(mark->lab, lab);
	snprintf(include, sizeof(include), "-I%s", lab);
	snprintf(headers, sizeof(headers), "-I%s", lab_headers());
	memcpy(words + count,
	       (char *[]){ "-std=gnu17", "-O1", "-g", "-Wall", "-Wextra",
			   "-shared", "-fPIC", "-iquote", include + 2, include,
			   headers, "-x", "c", (char *)source, "-o",
			   (char *)library, "-lm", NULL },
	       18 * sizeof(*words));
	r = lab_run(&process, &mark->text);
	if (r == -ENOENT)
		return complain(EXIT_SYSTEM,
				"lab check: no compiler %s: install gcc, or "
				"set CC",
				words[0]);
	if (r < 0)
		return complain(EXIT_SYSTEM, "lab check: %s", strerror(-r));
	if (process.status == 0)
		return 0;
	append(&mark->text, process.late
				    ? "  hint: the compiler comes to no end\n"
				    : "  hint: start.c does not compile\n");
	return -1;
}

/* The lab of a folder: its file LAB, else its own name. */
static int find_lab(struct lab_mark *mark)
{
	char path[PATH_MAX], word[LAB_NAME_MAX] = "";
	char *whole;
	FILE *file;

	snprintf(path, sizeof(path), "%s/LAB", mark->folder);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(word, sizeof(word), file))
			word[0] = '\0';
		fclose(file);
		word[strcspn(word, " \t\r\n")] = '\0';
	} else {
		whole = realpath(mark->folder, NULL);
		if (!whole)
			return complain(EXIT_SYSTEM, "%s: %s", mark->folder,
					strerror(errno));
		snprintf(word, sizeof(word), "%.*s", LAB_NAME_MAX - 1,
			 strrchr(whole, '/') + 1);
		free(whole);
	}
	if (!isdigit((unsigned char)word[0]))
		return complain(EXIT_USAGE,
				"%s: no folder of a lab: the file LAB in the "
				"folder names the lab, as `runrig lab start' "
				"writes it",
				mark->folder);
	return lab_named(word, mark->lab);
}

/* The library may call what the lab needs; else the mark says why not. */
static bool is_permitted(struct lab_mark *mark, const char *library)
{
	char why[200], words[300];

	if (lab_calls_allowed(library, strncmp(mark->lab, "22", 2) == 0, why,
			      sizeof(why)))
		return true;
	snprintf(words, sizeof(words), "not run\n  hint: %s\n", why);
	append(&mark->text, words);
	return false;
}

/* Words where the check itself has been ended. */
static void explain_end(struct lab_mark *mark,
			const struct lab_process *process)
{
	char words[200];

	if (process->late)
		append(&mark->text, "the check was ended after its time\n"
				    "  hint: does start.c come to an end?\n");
	else if (WIFSIGNALED(process->status)) {
		snprintf(words, sizeof(words),
			 "the check was ended by signal %d\n"
			 "  hint: start.c must not send signals\n",
			 WTERMSIG(process->status));
		append(&mark->text, words);
	} else if (!mark->passed && !strstr(mark->text, "  hint: ")) {
		append(&mark->text, "  hint: the lines above say what the "
				    "check has seen\n");
	}
}

/* The verdict comes by a pipe that the student's code does not have: a line of
 * the output may be anybody's. */
static int judge(struct lab_mark *mark, const char *library)
{
	char path[PATH_MAX], told[16];
	struct lab_process process = {
		.words = (char *[]){ path, (char *)library, "-", told, NULL },
		.limit_s = CHECK_LIMIT_S
	};
	int r;

	if (!lab_check_path(mark->lab, path))
		return complain(EXIT_SYSTEM, "lab check: a path too long");
	snprintf(told, sizeof(told), "%d", LAB_TOLD_FD);
	r = lab_run(&process, &mark->text);
	if (r < 0)
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(-r));
	if (sscanf(process.told, "%d of %d", &mark->right, &mark->cases) != 2)
		mark->right = mark->cases = 0;
	mark->passed = process.status == 0 && !process.late &&
		       mark->cases > 0 && mark->right == mark->cases;
	explain_end(mark, &process);
	return 0;
}

int lab_check_folder(struct lab_mark *mark)
{
	char source[PATH_MAX], folder[] = "/tmp/runrig-lab-XXXXXX";
	char library[sizeof(folder) + 16];
	int r = find_lab(mark);

	if (r)
		return r;
	snprintf(source, sizeof(source), "%s/start.c", mark->folder);
	if (access(source, R_OK) < 0) {
		append(&mark->text, "no start.c\n  hint: the answer is to be "
				    "in start.c\n");
		find_hint(mark);
		return 0;
	}
	if (!mkdtemp(folder))
		return complain(EXIT_SYSTEM, "%s: %s", folder, strerror(errno));
	snprintf(library, sizeof(library), "%s/start.so", folder);
	r = compile(mark, source, library);
	if (r == 0)
		r = is_permitted(mark, library) ? judge(mark, library) : -1;
	if (mark->text)
		make_text(mark->text);
	find_hint(mark);
	(void)unlink(library);
	(void)rmdir(folder);
	return r < 0 ? 0 : r;
}

static json_t *marks_json(const struct lab_mark *marks, int count)
{
	json_t *all = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:b, s:i, s:i, s:s, s:s}",
				  "folder", marks[i].folder, "lab",
				  marks[i].lab, "passed", marks[i].passed,
				  "right", marks[i].right, "cases",
				  marks[i].cases, "hint", marks[i].hint, "text",
				  marks[i].text ? marks[i].text : ""));
	return all;
}

int lab_print_marks(const struct lab_mark *marks, int count, bool json)
{
	if (json)
		return json_put(marks_json(marks, count), NULL);
	if (count == 1)
		return 0;
	for (int i = 0; i < count; i++)
		printf("%-6s %3d of %3d  %-24s %-28s %s\n",
		       marks[i].passed ? "passed" : "failed", marks[i].right,
		       marks[i].cases, marks[i].lab[0] ? marks[i].lab : "-",
		       marks[i].folder, marks[i].hint);
	return 0;
}

/* A text between quotes: CSV by RFC 4180. */
static void put_field(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	putc('"', file);
}

static int write_file(const char *path, char *text, size_t bytes)
{
	int r = text ? write_whole(path, text, bytes)
		     : complain(EXIT_SYSTEM, "out of memory");

	free(text);
	return r;
}

int lab_write_csv(const struct lab_mark *marks, int count, const char *path)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	if (!file)
		return complain(EXIT_SYSTEM, "out of memory");
	fputs("folder,lab,passed,right,cases,hint\r\n", file);
	for (int i = 0; i < count; i++) {
		put_field(file, marks[i].folder);
		fprintf(file, ",%s,%d,%d,%d,", marks[i].lab, marks[i].passed,
			marks[i].right, marks[i].cases);
		put_field(file, marks[i].hint);
		fputs("\r\n", file);
	}
	fclose(file);
	return write_file(path, text, bytes);
}

/* A text in XML 1.0, where most control characters cannot be. */
static void put_xml(FILE *file, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"')
			fprintf(file, "&#%d;", c);
		else if (c >= ' ' || c == '\n' || c == '\t')
			putc(c, file);
		else
			putc('?', file);
	}
}

int lab_write_junit(const struct lab_mark *marks, int count, const char *path)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);
	int failed = 0;

	if (!file)
		return complain(EXIT_SYSTEM, "out of memory");
	for (int i = 0; i < count; i++)
		failed += !marks[i].passed;
	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"runrig lab\" tests=\"%d\" "
		"failures=\"%d\">\n",
		count, failed);
	for (int i = 0; i < count; i++) {
		fputs("  <testcase classname=\"", file);
		put_xml(file, marks[i].lab);
		fputs("\" name=\"", file);
		put_xml(file, marks[i].folder);
		fputs("\">\n", file);
		if (!marks[i].passed) {
			fputs("    <failure message=\"", file);
			put_xml(file, marks[i].hint);
			fputs("\">", file);
			put_xml(file, marks[i].text ? marks[i].text : "");
			fputs("</failure>\n", file);
		}
		fputs("  </testcase>\n", file);
	}
	fputs("</testsuite>\n", file);
	fclose(file);
	return write_file(path, text, bytes);
}
