/* SPDX-License-Identifier: MIT */
/*
 * schedule_steps.h - a schedule and the steps, for schedule_write.c, which writes the
 * steps down, and schedule.c, which does the steps.
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
	bool borrows; /* the data is read where the data came */
	bool checked; /* the head has been compared */
	bool arrived;
	char *data; /* from where, or to where */
	const char *from;
	size_t bytes; /* in a fold: elements */
	size_t runs;  /* in a copy: the number of pieces of `bytes` bytes, */
	size_t data_stride;   /* and the distance of two pieces in `data` */
	size_t from_stride;   /* and in `from` */
	int first;            /* in a fold: the step of the first source */
	const void **sources; /* in a fold: room for the sources */
	struct head head;
	struct rig_request head_request;
	struct rig_request request; /* the message with the data */
};

struct room {
	struct room *next;
	_Alignas(16) unsigned char data[];
};

/* In this process. */
struct schedule {
	TAILQ_ENTRY(schedule) entry; /* entry of mail.schedules */
	struct rig_request outer;    /* the kernel's request */
	struct rig_team *team;
	struct terms terms;
	struct head head;
	int tag;
	bool plan;
	bool active; /* begun, and not waited for */
	bool broken; /* messages of the schedule are still under way */
	int code;
	struct step *steps;
	int count;
	int capacity;
	int at;   /* the next to do */
	int left; /* all steps before have arrived */
	int folds_from;
	struct room *rooms;
};

/* Free a schedule; `mail`: the list that has the schedule. */
void schedule_destroy(struct mail *mail, struct schedule *schedule);

#endif
