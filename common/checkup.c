/* SPDX-License-Identifier: MIT */
/*
 * checkup.c - a list of checks of this machine, done and shown.
 */
#include <common/checkup.h>

#include <stdarg.h>
#include <string.h>

/* Where words of findings, effects and cures begin, and where lines end. */
#define INDENT  9
#define COLUMNS 80

const char *checkup_word(enum checkup_state state)
{
	static const char *const words[] = { [FINE] = "fine",
					     [NOTE] = "note",
					     [BAD] = "bad",
					     [UNKNOWN] = "unknown" };

	return words[state];
}

void checkup_do(const struct checkup *checks, size_t count, const void *context,
		struct checkup_finding *findings)
{
	for (size_t i = 0; i < count; i++) {
		findings[i].found[0] = '\0';
		findings[i].state = checks[i].look(context, findings[i].found);
	}
}

int checkup_count(const struct checkup_finding *findings, size_t count,
		  enum checkup_state state)
{
	int n = 0;

	for (size_t i = 0; i < count; i++)
		n += findings[i].state == state;
	return n;
}

/* Words behind `column` columns of a line, the next lines at INDENT. */
static void put_words(FILE *out, const char *words, size_t column)
{
	for (bool first = true; *words; first = false) {
		size_t length = strcspn(words, " ");

		if (!first && column + 1 + length > COLUMNS) {
			fprintf(out, "\n%*s", INDENT, "");
			column = INDENT;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(words, 1, length, out);
		column += length;
		words += length + (words[length] == ' ');
	}
	fputc('\n', out);
}

void checkup_print(FILE *out, const struct checkup *checks,
		   const struct checkup_finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum checkup_state state = findings[i].state;

		fprintf(out, "%-7s  %s: ", checkup_word(state), checks[i].name);
		put_words(out, findings[i].found,
			  INDENT + strlen(checks[i].name) + 2);
		if (state != NOTE && state != BAD)
			continue;
		fprintf(out, "%*s", INDENT, "");
		put_words(out, checks[i].effect, INDENT);
		fprintf(out, "%*scure: ", INDENT, "");
		put_words(out, checks[i].cure, INDENT + 6);
	}
}

void checkup_say(char *found, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(found, FOUND_BYTES, format, args);
	va_end(args);
}

bool checkup_file(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "r");
	bool got = file && fgets(text, (int)bytes, file);

	if (file)
		fclose(file);
	if (got)
		text[strcspn(text, "\n")] = '\0';
	return got;
}
