/* SPDX-License-Identifier: MIT */
/*
 * process.c - other processes as a test sees each, by /proc.
 */
#include "lib/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAT_BYTES 512

void process_stat(pid_t pid, char *line, size_t bytes)
{
	char path[64];
	FILE *file;

	line[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(line, (int)bytes, file))
		line[0] = 0;
	fclose(file);
}

/* The words behind the name, which may have blanks and brackets. */
static const char *behind_name(const char *line)
{
	const char *end = strrchr(line, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

char process_state(pid_t pid)
{
	char line[STAT_BYTES];
	const char *words;

	process_stat(pid, line, sizeof(line));
	words = behind_name(line);
	return words ? words[0] : 0;
}

bool process_runs(pid_t pid)
{
	const char state = process_state(pid);

	return state && state != 'Z';
}

pid_t process_parent(pid_t pid)
{
	char line[STAT_BYTES];
	const char *words;
	int parent = 0;

	process_stat(pid, line, sizeof(line));
	words = behind_name(line);
	if (!words || sscanf(words, "%*c %d", &parent) != 1)
		return 0;
	return parent;
}

bool process_has_memory(const char *line)
{
	const char *words = behind_name(line);

	/* The twentieth word behind the state is the size. */
	for (int i = 0; words && i < 20; i++) {
		words = strchr(words, ' ');
		words += words != NULL;
	}
	return words && strtoull(words, NULL, 10) != 0;
}

int process_count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

void process_sleep(uint64_t ns)
{
	const struct timespec time = { .tv_sec = (time_t)(ns / 1000000000),
				       .tv_nsec = (long)(ns % 1000000000) };

	(void)nanosleep(&time, NULL);
}
