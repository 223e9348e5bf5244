/* SPDX-License-Identifier: MIT */
/*
 * schedule_steps.h - a schedule and its steps, for schedule_write.c, which writes
 * the steps down, and schedule.c, which does them.
 */
#ifndef RUNRIG_SCHEDULE_STEPS_H
#define RUNRIG_SCHEDULE_STEPS_H

#include "team/schedule.h"

/* The first part of each message of a schedule; see schedule.c. */
struct head {
	uint64_t what;
	uint64_t count;
	uint64_t where;
	uint64_t bytes;
	unsigned char payload[8];
};
_Static_assert(sizeof(struct head) <= SLOT_PAYLOAD, "fits a slot");

enum step_kind {
	STEP_SEND,
	STEP_RECEIVE,
	STEP_AWAIT,
	STEP_COPY,
	STEP_OWN,
	STEP_FOLD
};

/* In this process. */
struct step {
	enum step_kind kind;
	int peer;
	bool folded;  /* a source of the next fold */
	bool borrows; /* the data is where it came */
	bool checked; /* the head is as it should be */
	bool arrived;
	char *data; /* from where, or to where */
	const char *from;
	size_t bytes;         /* of a fold, elements */
	size_t runs;          /* of a copy: so many times `bytes` bytes, */
	size_t data_stride;   /* so far apart in `data` */
	size_t from_stride;   /* and in `from` */
	int first;            /* of a fold, the step of its first source */
	const void **sources; /* of a fold: room for them */
	struct head head;
	struct rig_request head_request;
	struct rig_request request; /* of the data */
};

struct room {
	struct room *next;
	_Alignas(16) unsigned char data[];
};

/* In this process. */
struct schedule {
	TAILQ_ENTRY(schedule) entry; /* of mail.schedules */
	struct rig_request outer;    /* what the kernel has */
	struct rig_team *team;
	struct terms terms;
	struct head head;
	int tag;
	bool plan;
	bool active; /* begun, and not waited for */
	bool broken; /* its messages are still under way */
	int code;
	struct step *steps;
	int count;
	int capacity;
	int at;   /* the next to do */
	int left; /* all before it have arrived */
	int folds_from;
	struct room *rooms;
};

/* Free a schedule; `mail`: the schedule is in its list. */
void schedule_destroy(struct mail *mail, struct schedule *schedule);

#endif
