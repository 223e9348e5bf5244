/* SPDX-License-Identifier: MIT */
/*
 * mail_receive.c - the receives of a rank, and the channels of the receives.
 *
 * A receive looks among the strays first, in the order in which the strays came; then
 * the receive is posted, and each message that comes is compared with all posted
 * receives, in order.  So messages of a channel for the same receives never overtake
 * each other.
 *
 * A channel is read while a receive is posted for which a message may come there.  A
 * rank that is about to sleep reads all channels.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "team/mail_parts.h"

#define NO_LOAN UINT32_MAX

size_t mail_bytes(const struct slot_shm *slot)
{
	struct parcel parcel;

	if (slot->kind == MAIL_INLINE)
		return slot->bytes;
	memcpy(&parcel, slot->payload, sizeof(parcel));
	return parcel.bytes;
}

static void answer(struct mail *mail, int peer, uint32_t index, uint64_t state)
{
	mailbox_set(mail_box(mail, peer), &mail_loan(mail, peer, index)->state,
		    state, mail->careful);
}

void mail_give_back(struct mail *mail, int peer, uint32_t index)
{
	answer(mail, peer, index, LOAN_READ);
}

void mail_release(struct mail *mail, struct loan *loan)
{
	TAILQ_REMOVE(&mail->borrowed, loan, entry);
	if (loan->peer < 0)
		free((void *)(uintptr_t)loan->data);
	else
		mail_give_back(mail, loan->peer, loan->index);
	free(loan);
}

void mail_release_of(struct mail *mail, const struct rig_request *request)
{
	struct loan *loan;

	TAILQ_FOREACH (loan, &mail->borrowed, entry)
		if (loan->data == request->buffer &&
		    (loan->peer < 0 || (loan->peer == request->peer &&
					loan->index == request->loan)))
			break;
	if (loan)
		mail_release(mail, loan);
}

static void drop_wanted(struct mail *mail, const struct rig_request *request)
{
	if (request->peer == RIG_ANY_SOURCE)
		mail->wanted_any--;
	else
		mail_peer(mail, request->peer)->wanted--;
}

/* Get memory of this rank for a message that is borrowed, and not lent. */
static bool lend_memory(struct mail *mail, struct rig_request *request)
{
	struct loan *loan = calloc(1, sizeof(*loan));

	request->buffer = malloc(request->whole ? request->whole : 1);
	if (!loan || !request->buffer) {
		free(loan);
		free(request->buffer);
		request->buffer = NULL;
		request->bytes = 0;
		request->code = -ENOMEM;
		return false;
	}
	request->bytes = request->whole;
	*loan = (struct loan){ .data = request->buffer, .peer = -1 };
	TAILQ_INSERT_TAIL(&mail->borrowed, loan, entry);
	return true;
}

/* Read lent bytes in place. */
static void read_lent(struct mail *mail, struct rig_request *request, int peer,
		      const struct parcel *parcel)
{
	const char *data =
		rank_found(mail->owner, parcel->segment, parcel->offset);
	uint64_t keep = request->whole < request->bytes ? request->whole
							: request->bytes;
	struct loan *loan;

	if (request->borrow) {
		loan = calloc(1, sizeof(*loan));
		if (loan) {
			*loan = (struct loan){ .data = data,
					       .peer = peer,
					       .index = parcel->loan };
			TAILQ_INSERT_TAIL(&mail->borrowed, loan, entry);
			request->buffer = (char *)(uintptr_t)data;
			request->loan = parcel->loan;
			return;
		}
		request->code = -ENOMEM;
		keep = 0;
	}
	/* The very same place is nothing to copy. */
	if (keep && data != request->buffer)
		memmove(request->buffer, data, keep);
	answer(mail, peer, parcel->loan, LOAN_READ);
}

static bool drain(struct mail *mail, struct rig_request *request)
{
	uint64_t before = request->moved;
	uint64_t keep = request->whole < request->bytes ? request->whole
							: request->bytes;

	request->moved =
		tray_drain(request->tray, request->room, request->buffer, keep,
			   request->whole, before,
			   mail_box(mail, request->peer), mail->careful);
	if (request->moved == request->whole) {
		if (request->loan != NO_LOAN)
			mail->landing = false;
		mail_finish(mail, &mail->incoming, request);
	}
	return request->moved != before;
}

/* The memory of the copy is the borrower's until rig_team_release(). */
static bool lend_copy(struct mail *mail, struct rig_request *request,
		      struct rig_request *copy)
{
	struct loan *loan = calloc(1, sizeof(*loan));

	if (!loan) {
		request->code = -ENOMEM;
		return false;
	}
	*loan = (struct loan){ .data = copy->buffer, .peer = -1 };
	TAILQ_INSERT_TAIL(&mail->borrowed, loan, entry);
	request->buffer = copy->buffer;
	copy->buffer = NULL;
	return true;
}

/* Give the request the copy of its stray, if the copy is complete. */
static bool take_copy(struct mail *mail, struct rig_request *request)
{
	struct message *message = request->stray;
	struct rig_request *copy = message->copy;

	if (copy->stage != STAGE_DONE)
		return false;
	if (request->borrow)
		(void)lend_copy(mail, request, copy);
	else if (request->whole && request->bytes)
		memcpy(request->buffer, copy->buffer,
		       request->whole < request->bytes ? request->whole
						       : request->bytes);
	request->status.code = request->code;
	mail_free_copy(message);
	TAILQ_REMOVE(&mail->taken, message, entry);
	TAILQ_INSERT_HEAD(&mail->spare, message, entry);
	mail_finish(mail, &mail->incoming, request);
	return true;
}

/* The caller is to receive the bytes into the memory of the receive, where the message
 * fits and the memory is shared; else into a block of the heap. */
static bool ask_direct(struct mail *mail, struct rig_request *request)
{
	struct rank *owner = mail->owner;
	const uint32_t in_place = owner->layout.job->hosts.in_place;
	uint64_t offset;
	uint32_t segment;

	if (request->peer <= owner->size || !in_place ||
	    request->whole < FAR_BYTES || request->whole > request->bytes)
		return false;
	segment = rank_segment(owner, request->buffer, request->whole, &offset);
	if (!(in_place >> segment & 1) ||
	    (segment <= RIG_SEGMENTS_MAX &&
	     owner->handed[segment - 1].read_only)) {
		request->bounce = rig_heap_malloc(&owner->heap, request->whole);
		if (!request->bounce)
			return false;
		segment = rank_segment(owner, request->bounce, request->whole,
				       &offset);
	}
	request->stage = STAGE_DIRECT;
	answer(mail, request->peer, request->loan, LOAN_PLACE(segment, offset));
	return true;
}

/* Has the caller put the bytes where they are wanted? */
static bool hear_placed(struct mail *mail, struct rig_request *request)
{
	/* seq_cst: acquire, the bytes lie there; and for ranks about to sleep.
	 * Pairs with mail_gateway_placed(). */
	if (load_seq(&mail_loan(mail, request->peer, request->loan)->state) !=
	    LOAN_PLACED)
		return false;
	answer(mail, request->peer, request->loan, LOAN_READ);
	if (request->bounce)
		memcpy(request->buffer, request->bounce, request->whole);
	mail_free_bounce(mail, request);
	mail_finish(mail, &mail->incoming, request);
	return true;
}

bool mail_advance_receive(struct mail *mail, struct rig_request *request)
{
	const struct rank *owner = mail->owner;

	if (request->stage == STAGE_STRAY)
		return take_copy(mail, request);
	if (request->stage == STAGE_DIRECT)
		return hear_placed(mail, request);
	if (request->stage == STAGE_LANDING && ask_direct(mail, request))
		return true;
	if (request->stage == STAGE_LANDING) {
		uint64_t offset;

		if (mail->landing)
			return false;
		mail->landing = true;
		offset = tray_landing(&owner->layout, owner->rank);
		request->tray = tray_at(&owner->layout, offset);
		request->room = TRAY_LONG_ROOM;
		request->stage = STAGE_DRAIN;
		answer(mail, request->peer, request->loan, offset);
	}
	return drain(mail, request);
}

static void meet(struct rig_request *request, int peer,
		 const struct slot_shm *slot)
{
	request->whole = mail_bytes(slot);
	request->peer = peer;
	request->status =
		(struct rig_status){ slot->from, slot->tag, request->whole, 0 };
	if (request->whole > request->bytes && !request->borrow)
		request->code = -EMSGSIZE;
}

/* `request`, which is in no list, gets the message. */
void mail_begin_receive(struct mail *mail, struct rig_request *request,
			int peer, const struct slot_shm *slot)
{
	struct parcel parcel;

	meet(request, peer, slot);
	TAILQ_INSERT_TAIL(&mail->incoming, request, entry);
	memcpy(&parcel, slot->payload, sizeof(parcel));
	if (request->borrow && slot->kind != MAIL_LENT)
		(void)lend_memory(mail, request);
	request->status.code = request->code;
	request->loan = NO_LOAN;
	request->moved = 0;
	switch ((enum mail_kind)slot->kind) {
	case MAIL_INLINE:
		if (request->whole && request->bytes)
			memcpy(request->buffer, slot->payload,
			       request->whole < request->bytes
				       ? request->whole
				       : request->bytes);
		mail_finish(mail, &mail->incoming, request);
		break;
	case MAIL_LENT:
		read_lent(mail, request, peer, &parcel);
		mail_finish(mail, &mail->incoming, request);
		break;
	case MAIL_TRAY:
		request->tray = tray_at(&mail->owner->layout, parcel.offset);
		request->room = parcel.room;
		request->stage = STAGE_DRAIN;
		(void)mail_advance_receive(mail, request);
		break;
	case MAIL_BARE:
		request->loan = parcel.loan;
		request->stage = STAGE_LANDING;
		(void)mail_advance_receive(mail, request);
		break;
	}
}

/* The first posted receive that fits gets the message. */
static bool take_in(struct mail *mail, int peer, const struct slot_shm *slot)
{
	struct rig_request *request;

	TAILQ_FOREACH (request, &mail->posted, entry)
		if (mail_fits(request->context, request->peer, request->tag,
			      peer, slot))
			break;
	if (!request)
		return mail_keep_stray(mail, peer, slot);
	TAILQ_REMOVE(&mail->posted, request, entry);
	drop_wanted(mail, request);
	mail_begin_receive(mail, request, peer, slot);
	return true;
}

/* Take a message in; false: no memory, or the message is damaged. */
static bool take_slot(struct mail *mail, int seat, const struct slot_shm *slot)
{
	const struct rank *owner = mail->owner;

	if (mail->is_gateway)
		return mail_gateway_accept(mail, seat, slot);
	return take_in(
		mail, seat == owner->size ? owner->size + (int)slot->far : seat,
		slot);
}

/* Read a channel as long as a posted receive may want a message; at most `most`
 * messages, for the writer may be as fast as this rank. */
static bool read_channel(struct mail *mail, int peer, int most)
{
	struct peer *from = &mail->peers[peer];
	int read = 0;

	while (read < most &&
	       (mail->wanted_any || from->wanted || mail->greedy)) {
		const struct slot_shm *slot = channel_peek(&from->in);

		if (!slot || !take_slot(mail, peer, slot))
			break;
		channel_take(&from->in, mail_box(mail, peer), mail->careful);
		read++;
	}
	return read > 0;
}

/* Whose channel has begun since? */
static void meet_sources(struct mail *mail)
{
	const struct rank *owner = mail->owner;
	struct inbox_shm *inbox = mail_inbox(mail, owner->rank);

	for (int word = 0; word <= owner->size / 64; word++) {
		/* acquire: the channel has begun; pairs with room_for().
		 * seq_cst: for ranks about to sleep. */
		uint64_t bits = load_seq(&inbox->from[word]);

		for (; bits; bits &= bits - 1) {
			int peer = word * 64 + __builtin_ctzll(bits);
			struct channel_reader *in = &mail->peers[peer].in;

			if (peer > owner->size || in->channel)
				continue;
			channel_read_begin(
				in, layout_channel(&owner->layout, owner->size,
						   owner->rank, peer));
			mail->sources[mail->source_count++] = peer;
		}
	}
}

/* Read at most `most` messages of each channel. */
bool mail_read_channels(struct mail *mail, int most)
{
	bool moved = false;

	if (mail->source_count < seats_of(mail->owner->size))
		meet_sources(mail);
	if (++mail->turn >= mail->source_count)
		mail->turn = 0;
	for (int i = mail->turn; i < mail->source_count; i++)
		moved |= read_channel(mail, mail->sources[i], most);
	for (int i = 0; i < mail->turn; i++)
		moved |= read_channel(mail, mail->sources[i], most);
	return moved;
}

/* The message is in no list. */
static void receive_stray(struct mail *mail, struct rig_request *request,
			  struct message *message)
{
	mail_release_sender(mail, message);
	if (message->copy) {
		TAILQ_INSERT_TAIL(&mail->taken, message, entry);
		meet(request, message->peer, &message->slot);
		request->stray = message;
		request->stage = STAGE_STRAY;
		TAILQ_INSERT_TAIL(&mail->incoming, request, entry);
		(void)take_copy(mail, request);
		return;
	}
	mail_begin_receive(mail, request, message->peer, &message->slot);
	TAILQ_INSERT_HEAD(&mail->spare, message, entry);
}

void mail_receive(struct mail *mail, struct rig_request *request)
{
	struct message *message = mail_find_stray(mail, request->context,
						  request->peer, request->tag);

	mail->open++;
	if (message) {
		TAILQ_REMOVE(&mail->strays, message, entry);
		receive_stray(mail, request, message);
		return;
	}
	request->stage = STAGE_POSTED;
	TAILQ_INSERT_TAIL(&mail->posted, request, entry);
	if (request->peer == RIG_ANY_SOURCE)
		mail->wanted_any++;
	else
		mail_peer(mail, request->peer)->wanted++;
	(void)mail_read_channels(mail, CHANNEL_SLOTS);
}

void mail_receive_taken(struct mail *mail, struct rig_request *request,
			struct message *message)
{
	mail->open++;
	TAILQ_REMOVE(&mail->matched, message, entry);
	receive_stray(mail, request, message);
}

bool mail_cancel(struct mail *mail, struct rig_request *request)
{
	const struct rig_request *posted;

	/* A message that has come to the channel belongs to this receive. */
	(void)mail_progress(mail);
	TAILQ_FOREACH (posted, &mail->posted, entry)
		if (posted == request)
			break;
	if (!posted)
		return false;
	drop_wanted(mail, request);
	mail_finish(mail, &mail->posted, request);
	return true;
}
