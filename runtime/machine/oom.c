/* SPDX-License-Identifier: MIT */
/*
 * oom.c - processes that the kernel killed for want of memory.
 *
 * A SIGKILL does not name its sender.  The control group counts the SIGKILLs
 * that the kernel has sent for want of memory, whether the group's own or the
 * machine's, in a line "oom_kill N" of memory.events (version 2; the groups
 * below are counted too) or memory.oom_control (version 1).  The kernel counts
 * before the kill.
 */
#include "machine/oom.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/group.h"

#define TEXT_BYTES 512

/* Added to the score of a volunteer, in thousandths of all memory; the most
 * there is. */
#define VOLUNTEER 500
#define SCORE_MAX 1000

/* The nearest group with a count is taken. */
static bool read_kills(const char *folder, void *arg)
{
	static const char word[] = "\noom_kill ";
	char text[TEXT_BYTES];
	const char *at = NULL;

	/* In neither file is the line the first line. */
	if (group_read(folder, "memory.events", text, sizeof(text)))
		at = strstr(text, word);
	if (!at && group_read(folder, "memory.oom_control", text, sizeof(text)))
		at = strstr(text, word);
	if (!at)
		return false;
	*(int64_t *)arg = strtoll(at + sizeof(word) - 1, NULL, 10);
	return true;
}

int64_t oom_kills(const char *root)
{
	int64_t kills = -1;

	(void)group_walk(root, "memory", read_kills, &kills);
	return kills;
}

void oom_volunteer(void)
{
	char text[16];
	int fd, score;

	if (!group_read("/proc/self", "oom_score_adj", text, sizeof(text)))
		return;
	score = atoi(text) + VOLUNTEER;
	snprintf(text, sizeof(text), "%d",
		 score < SCORE_MAX ? score : SCORE_MAX);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}
