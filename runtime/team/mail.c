/* SPDX-License-Identifier: MIT */
/*
 * mail.c - a rank's mail as a whole: made, begun with each run, moved on, dropped.
 *
 * Each rank has a channel from each other rank (and from itself), whatever team
 * a message is of; the slot says which.  mail_send.c posts slots and fills trays;
 * mail_receive.c reads channels and gives each message to the receive it is for;
 * mail_stray.c keeps the messages that came before anybody asked.
 *
 * A send waits for no rank but its receiver: where trays or slots are all in use,
 * the send stays queued, or the receiver gives a tray.
 *
 * A rank's state of one run is dropped when the next run begins; numbers in
 * channels go on, and a reader begins where the writer did, so a message that was
 * not received is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "team/mail_parts.h"
#include "team/schedule.h"

struct mail *mail_make(struct rank *owner)
{
	const size_t n = (size_t)seats_of(owner->size);
	struct mail *mail = calloc(1, sizeof(*mail));

	if (!mail)
		return NULL;
	mail->peers = calloc(n, sizeof(*mail->peers));
	mail->sources = calloc(n, sizeof(*mail->sources));
	mail->loans = calloc(loans_of(owner->size), sizeof(*mail->loans));
	mail->sent = calloc(n, sizeof(*mail->sent));
	if (!mail->peers || !mail->sources || !mail->loans || !mail->sent) {
		free(mail->peers);
		free(mail->sent);
		free(mail->sources);
		free(mail->loans);
		free(mail);
		return NULL;
	}
	mail->owner = owner;
	mail->careful = owner->patience.spin_ns == 0;
	mail->box = &owner->layout.inboxes[owner->rank].box;
	TAILQ_INIT(&mail->sends);
	TAILQ_INIT(&mail->posted);
	TAILQ_INIT(&mail->incoming);
	TAILQ_INIT(&mail->strays);
	TAILQ_INIT(&mail->matched);
	TAILQ_INIT(&mail->taken);
	TAILQ_INIT(&mail->spare);
	TAILQ_INIT(&mail->idle);
	TAILQ_INIT(&mail->borrowed);
	TAILQ_INIT(&mail->schedules);
	return mail;
}

struct mail *mail_of(struct rig_team *team)
{
	struct rank *owner = team->owner;

	if (!owner->mail)
		owner->mail = mail_make(owner);
	if (owner->mail)
		owner->mail->used = true;
	return owner->mail;
}

/* Drop the requests of the last run.  An incomplete request may lie on a stack that
 * is gone: the lists are only emptied. */
void mail_begin_job(struct rank *rank)
{
	struct mail *mail = rank->mail;
	struct loan *loan;

	if (!mail || !mail->used)
		return;
	mail->used = false;
	memset(mail->peers, 0,
	       (size_t)seats_of(rank->size) * sizeof(*mail->peers));
	memset(mail->loans, 0, loans_of(rank->size) * sizeof(*mail->loans));
	memset(&mail->trays, 0, sizeof(mail->trays));
	mail->source_count = mail->wanted_any = mail->open = 0;
	mail->copying = mail->any = 0;
	mail->greedy = false;
	mail->landing = false;
	TAILQ_INIT(&mail->sends);
	TAILQ_INIT(&mail->posted);
	TAILQ_INIT(&mail->incoming);
	schedule_drop_all(mail);
	mail_drop_strays(mail);
	while ((loan = TAILQ_FIRST(&mail->borrowed))) {
		TAILQ_REMOVE(&mail->borrowed, loan, entry);
		if (loan->peer < 0)
			free((void *)(uintptr_t)loan->data);
		free(loan);
	}
}

int mail_end_job(struct rank *rank)
{
	int open = mail_open(rank);

	if (!open || rank_has_ended(rank))
		return 0;
	open -= schedule_steps_open(rank->mail) + rank->mail->copying;
	if (!open)
		return 0;
	return rig_team_fail(&rank->world, -EINVAL,
			     "the kernel returned with %d request%s that %s "
			     "not complete: wait for them",
			     open, open == 1 ? "" : "s",
			     open == 1 ? "is" : "are");
}

void mail_all_done(struct rank *rank)
{
	struct team_shm *shm = rank->layout.team;

	/* relaxed, all: no other rank runs, and dispatch_done() releases the
	 * words. */
	if (!load_relaxed(&shm->mailed))
		return;
	store_relaxed(&shm->mailed, 0);
	for (int i = 0; i < rank->size; i++)
		for (int w = 0; w <= rank->size / 64; w++)
			store_relaxed(&rank->layout.inboxes[i].from[w], 0);
}

/* A message for this rank is damaged: fail the rank. */
void mail_written_over(const struct mail *mail)
{
	rank_failed(mail->owner, -EPROTO,
		    "a message was written over in the team's memory: a stray "
		    "store of one of its ranks");
}

bool mail_progress(struct mail *mail)
{
	struct rig_request *request, *next;
	bool moved = false;

	for (request = TAILQ_FIRST(&mail->sends); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		moved |= mail_advance_send(mail, request);
	}
	if (mail->greedy || !TAILQ_EMPTY(&mail->posted))
		moved |= mail_read_channels(mail, CHANNEL_SLOTS);
	if (mail->greedy && mail->offers)
		moved |= mail_copy_offers(mail);
	for (request = TAILQ_FIRST(&mail->incoming); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		moved |= mail_advance_receive(mail, request);
	}
	return moved | schedule_progress(mail);
}

void mail_delete(struct mail *mail)
{
	struct rig_request *request;
	struct message *message;

	mail_drop_strays(mail);
	while ((message = TAILQ_FIRST(&mail->spare))) {
		TAILQ_REMOVE(&mail->spare, message, entry);
		free(message);
	}
	while ((request = TAILQ_FIRST(&mail->idle))) {
		TAILQ_REMOVE(&mail->idle, request, entry);
		free(request);
	}
	free(mail->peers);
	free(mail->sent);
	free(mail->sources);
	free(mail->loans);
	free(mail);
}

void mail_free(struct rank *rank)
{
	if (!rank->mail)
		return;
	rank->mail->used = true;
	mail_begin_job(rank);
	mail_delete(rank->mail);
	rank->mail = NULL;
}

void mail_abandon(struct mail *mail)
{
	const int seats = seats_of(mail->owner->size);

	for (int i = 0; i < seats; i++) {
		mail->peers[i].queue = NULL;
		mail->peers[i].wanted = 0;
	}
	mail->wanted_any = mail->open = mail->copying = 0;
	TAILQ_INIT(&mail->sends);
	TAILQ_INIT(&mail->posted);
	TAILQ_INIT(&mail->incoming);
	schedule_abandon(mail);
}
