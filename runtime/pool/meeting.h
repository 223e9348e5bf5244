/* SPDX-License-Identifier: MIT */
/*
 * meeting.h - the messages between a rank that joins and its launcher.
 *
 * The messages go by a socket whose name is in the environment, for descriptors do not
 * get through shells and other programs in between.  The rank sends a request and its
 * pidfd; when all ranks have sent a request, each gets an answer and the memory.  The
 * socket stays open as long as the process is a rank.
 */
#ifndef RUNRIG_MEETING_H
#define RUNRIG_MEETING_H

#include <stdint.h>

#include "base/error.h"

/* RUNRIG_LAUNCHER: the socket's name, abstract. */
#define MEETING_NAME_BYTES 64

struct meeting_request {
	uint64_t magic; /* STARTUP_MAGIC */
	uint64_t build; /* startup_build() */
	int32_t rank;
	int32_t pid;
};

struct meeting_answer {
	int32_t code; /* 0, or why not */
	int32_t reserved;
	char why[WHY_BYTES];
};

/* Descriptors beside an answer of 0. */
enum { MEETING_STARTUP, MEETING_TEAM, MEETING_TRACE, MEETING_FDS };

/* Write the address of the meeting of that name.  Returns the address's length. */
struct sockaddr_un;
unsigned meeting_address(struct sockaddr_un *address, const char *name);

#endif
