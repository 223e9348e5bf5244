/* SPDX-License-Identifier: MIT */
/*
 * mail_gateway.c - the mail of the caller's seat: messages of ranks to other hosts.
 *
 * The gateway receives every message at once into memory of its own, in the order in
 * which the messages came, and hands each message on when all bytes are there.  A long
 * message in shared memory stays there, and is sent from there.  The caller trusts no
 * rank: a slot is looked at in a copy.
 */
#include <stdlib.h>
#include <string.h>

#include "team/mail_parts.h"

/* The bytes of a message that is sent from where the message lies; NULL: they lie in no
 * memory of the ranks. */
static char *lent_bytes(const struct mail *mail, const struct parcel *parcel)
{
	return mail->in_place
		       ? rank_found_whole(mail->owner, parcel->segment,
					  parcel->offset, parcel->bytes, false)
		       : NULL;
}

/* Is the slot a message of a rank to another host, as far as can be seen? */
static bool is_outbound(const struct mail *mail, const struct slot_shm *slot)
{
	struct parcel parcel;

	memcpy(&parcel, slot->payload, sizeof(parcel));
	if (slot->far == 0 || slot->far > RIG_WORLD_MAX)
		return false;
	switch ((enum mail_kind)slot->kind) {
	case MAIL_INLINE:
		return slot->bytes <= SLOT_PAYLOAD;
	case MAIL_TRAY:
		return parcel.room <= TRAY_LONG_ROOM && parcel.room &&
		       tray_sound(&mail->owner->layout, mail->owner->size,
				  parcel.offset, parcel.room);
	case MAIL_BARE:
		return parcel.loan < loans_of(mail->owner->size);
	case MAIL_LENT:
		return parcel.loan < loans_of(mail->owner->size) &&
		       lent_bytes(mail, &parcel);
	}
	return false;
}

/* The message stays where it lies. */
static void lend_out(const struct mail *mail, struct rig_request *request,
		     int seat, const struct slot_shm *slot)
{
	struct parcel parcel;

	memcpy(&parcel, slot->payload, sizeof(parcel));
	request->lend = true;
	request->buffer = lent_bytes(mail, &parcel);
	request->loan = parcel.loan;
	request->whole = parcel.bytes;
	request->peer = seat;
	request->stage = STAGE_DONE;
}

/* Receive a message into memory that the taker of the message gets. */
static bool take_out(struct mail *mail, int seat, const struct slot_shm *slot)
{
	const size_t bytes = mail_bytes(slot);
	const bool lent = slot->kind == MAIL_LENT;
	struct rig_request *request = calloc(1, sizeof(*request));
	char *memory = lent ? NULL : malloc(bytes ? bytes : 1);

	if (!request || (!memory && !lent)) {
		free(request);
		free(memory);
		return mail_no_memory(mail, slot);
	}
	request->context = slot->context;
	request->tag = slot->tag;
	request->from = slot->from;
	request->far = slot->far;
	request->buffer = memory;
	request->bytes = bytes;
	*mail->outbound_end = request;
	mail->outbound_end = &request->next;
	if (lent) {
		lend_out(mail, request, seat, slot);
		return true;
	}
	mail->open++;
	mail_begin_receive(mail, request, seat, slot);
	return true;
}

/* The caller trusts no rank: a look at a copy, which no rank can write to. */
bool mail_gateway_accept(struct mail *mail, int seat,
			 const struct slot_shm *slot)
{
	struct slot_shm copy;

	memcpy((void *)&copy, (const void *)slot, sizeof(copy));
	if (is_outbound(mail, &copy))
		return take_out(mail, seat, &copy);
	mail_written_over(mail);
	return false;
}

struct mail *mail_gateway_make(struct rank *owner)
{
	struct mail *mail = mail_make(owner);

	if (!mail)
		return NULL;
	mail->is_gateway = true;
	mail->outbound_end = &mail->outbound;
	return mail;
}

static void free_outbound(struct mail *mail)
{
	struct rig_request *request;

	while ((request = mail->outbound)) {
		mail->outbound = request->next;
		if (!request->lend)
			free(request->buffer);
		free(request);
	}
	mail->outbound_end = &mail->outbound;
}

void mail_gateway_begin(struct mail *mail)
{
	const struct rank *owner = mail->owner;
	const uint64_t bit = UINT64_C(1) << (owner->rank % 64);

	free_outbound(mail);
	mail->used = true;
	mail_begin_job(mail->owner);
	mail->greedy = true;
	/* relaxed, all: no worker is in a run, and the post releases the
	 * words. */
	for (int i = 0; i < owner->size; i++)
		store_relaxed(
			&mail_inbox(mail, i)->from[owner->rank / 64],
			load_relaxed(
				&mail_inbox(mail, i)->from[owner->rank / 64]) &
				~bit);
	for (int w = 0; w <= owner->size / 64; w++)
		store_relaxed(&mail_inbox(mail, owner->rank)->from[w], 0);
}

void mail_gateway_free(struct mail *mail)
{
	if (!mail)
		return;
	free_outbound(mail);
	mail_delete(mail);
}

struct rig_request *mail_gateway_take(struct mail *mail)
{
	struct rig_request **at = &mail->outbound, *request;
	uint64_t held[RIG_WORKERS_MAX / 64 + 1] = { 0 };

	/* Messages of one rank keep their order. */
	for (; (request = *at); at = &request->next) {
		uint64_t *word = &held[request->peer / 64];
		const uint64_t bit = UINT64_C(1) << request->peer % 64;

		if (request->stage == STAGE_DONE && !(*word & bit))
			break;
		*word |= bit;
	}
	if (!request)
		return NULL;
	*at = request->next;
	if (mail->outbound_end == &request->next)
		mail->outbound_end = at;
	request->next = NULL;
	return request;
}
