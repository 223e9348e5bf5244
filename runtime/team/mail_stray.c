/* SPDX-License-Identifier: MIT */
/*
 * mail_stray.c - strays: messages that came before any receive asked for the message.
 *
 * A stray keeps nothing that the sender needs for other messages.  A stray without a
 * tray is received at once into memory of this rank, and from there by the receive
 * that asks; and where there are many strays, a stray in a segment or longer than the
 * tray is received likewise.  So a sender has a free loan again, however many
 * messages stand before the wanted message; only bytes of rig_team_lend() stay in
 * place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "team/mail_parts.h"

void mail_free_copy(struct message *message)
{
	if (message->copy) {
		free(message->copy->buffer);
		free(message->copy);
	}
	message->copy = NULL;
}

void mail_drop_strays(struct mail *mail)
{
	struct message *message;

	TAILQ_CONCAT(&mail->strays, &mail->taken, entry);
	TAILQ_CONCAT(&mail->strays, &mail->matched, entry);
	TAILQ_FOREACH (message, &mail->strays, entry)
		mail_free_copy(message);
	TAILQ_CONCAT(&mail->spare, &mail->strays, entry);
	mail->offers = 0;
}

/* Does the sender wait until the message is received, or copied? */
static bool holds_up(const struct slot_shm *slot)
{
	struct parcel parcel;

	memcpy(&parcel, slot->payload, sizeof(parcel));
	switch ((enum mail_kind)slot->kind) {
	case MAIL_TRAY:
		return parcel.bytes > parcel.room;
	case MAIL_LENT:
	case MAIL_BARE:
		return !parcel.lent;
	case MAIL_INLINE:
		break;
	}
	return false;
}

/* Is the stray a long message from another host? */
static bool is_offer(const struct mail *mail, const struct message *message)
{
	return message->peer > mail->owner->size &&
	       message->slot.kind == MAIL_BARE;
}

void mail_release_sender(struct mail *mail, struct message *message)
{
	if (message->holds && !message->copy && is_offer(mail, message))
		mail->offers--;
	mail_peer(mail, message->peer)->held -= message->holds;
	message->holds = false;
}

/* Receive a stray into memory of our own. */
static bool copy_stray(struct mail *mail, struct message *message)
{
	const size_t bytes = mail_bytes(&message->slot);
	struct rig_request *copy = calloc(1, sizeof(*copy));
	char *memory = malloc(bytes ? bytes : 1);

	if (!copy || !memory) {
		free(copy);
		free(memory);
		return false;
	}
	copy->buffer = memory;
	copy->bytes = bytes;
	copy->copies = true;
	message->copy = copy;
	mail_release_sender(mail, message);
	mail->open++;
	mail->copying++;
	mail_begin_receive(mail, copy, message->peer, &message->slot);
	return true;
}

/* Copy the stray where its sender needs a free loan, whichever messages have the
 * other loans. */
static bool settle_stray(struct mail *mail, struct message *message)
{
	struct peer *peer = mail_peer(mail, message->peer);

	message->holds = holds_up(&message->slot);
	peer->held += message->holds;
	/* The bytes wait at the caller, for the receive that may come. */
	if (message->holds && is_offer(mail, message) && !mail->greedy) {
		mail->offers++;
		return true;
	}
	if (message->holds && (message->slot.kind == MAIL_BARE ||
			       peer->held > LOANS / (2 * mail->owner->size)))
		return copy_stray(mail, message);
	return true;
}

/* The messages of `list` whose bytes wait at another host are received. */
static bool copy_offers(struct mail *mail, struct mail_messages *list)
{
	struct message *message;
	bool copied = false;

	TAILQ_FOREACH (message, list, entry) {
		if (!message->holds || message->copy ||
		    !is_offer(mail, message))
			continue;
		if (!copy_stray(mail, message))
			return mail_no_memory(mail, &message->slot);
		mail->offers--;
		copied = true;
	}
	return copied;
}

bool mail_copy_offers(struct mail *mail)
{
	const bool copied = copy_offers(mail, &mail->strays);

	return copy_offers(mail, &mail->matched) || copied;
}

bool mail_no_memory(const struct mail *mail, const struct slot_shm *slot)
{
	char why[160];

	snprintf(why, sizeof(why),
		 "no memory for a message of %zu bytes, from rank %d, tag %d, "
		 "that no receive has asked for yet",
		 mail_bytes(slot), slot->from, (int)slot->tag);
	rank_failed(mail->owner, -ENOMEM, why);
	return false;
}

/* Keep a message that no receive has asked for; false: no memory. */
bool mail_keep_stray(struct mail *mail, int peer, const struct slot_shm *slot)
{
	struct message *message = TAILQ_FIRST(&mail->spare);

	if (message)
		TAILQ_REMOVE(&mail->spare, message, entry);
	else
		message = aligned_alloc(alignof(struct message),
					sizeof(*message));
	if (!message)
		return mail_no_memory(mail, slot);
	message->peer = peer;
	message->copy = NULL;
	memcpy((void *)&message->slot, (const void *)slot, sizeof(*slot));
	TAILQ_INSERT_TAIL(&mail->strays, message, entry);
	return settle_stray(mail, message) || mail_no_memory(mail, slot);
}

struct message *mail_find_stray(const struct mail *mail, uint32_t context,
				int source, int tag)
{
	struct message *message;

	TAILQ_FOREACH (message, &mail->strays, entry)
		if (mail_fits(context, source, tag, message->peer,
			      &message->slot))
			break;
	return message;
}

const struct message *mail_find(struct mail *mail, uint32_t context, int source,
				int tag)
{
	const struct message *found =
		mail_find_stray(mail, context, source, tag);
	int *wanted = source == RIG_ANY_SOURCE
			      ? &mail->wanted_any
			      : &mail_peer(mail, source)->wanted;
	bool moved = true;

	if (found)
		return found;
	++*wanted;
	/* One message of each source at a time: not all messages of one source
	 * before another source's. */
	for (int i = 0; !found && moved && i < CHANNEL_SLOTS; i++) {
		moved = mail_read_channels(mail, 1);
		found = mail_find_stray(mail, context, source, tag);
	}
	--*wanted;
	return found;
}

struct message *mail_take(struct mail *mail, uint32_t context, int source,
			  int tag)
{
	struct message *message;

	if (!mail_find(mail, context, source, tag))
		return NULL;
	message = mail_find_stray(mail, context, source, tag);
	TAILQ_REMOVE(&mail->strays, message, entry);
	TAILQ_INSERT_TAIL(&mail->matched, message, entry);
	return message;
}
