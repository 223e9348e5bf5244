/* SPDX-License-Identifier: MIT */
/*
 * mail_send.c - the sends of a rank, from the queue to the last byte.
 *
 * A short message lies in the slot.  A longer message goes through a tray, which the
 * send fills, or is read in place; such a send waits for the receiver's answer on a
 * loan of this rank.  A send without a tray posts the slot all the same, and the
 * receiver gives a tray by the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "team/mail_parts.h"

static struct slot_shm *room_for(struct mail *mail, int peer)
{
	struct channel_writer *out = &mail_peer(mail, peer)->out;
	const struct rank *owner = mail->owner;

	if (!out->channel) {
		const int seat = mail_seat(owner, peer);
		uint64_t bit = UINT64_C(1) << (owner->rank % 64);

		channel_write_begin(out,
				    layout_channel(&owner->layout, owner->size,
						   seat, owner->rank));
		/* relaxed: read when all have finished. */
		store_relaxed(&owner->layout.team->mailed, 1);
		/* release: the channel has begun; pairs with meet_sources(). seq_cst:
		 * a message follows, with another ring of the bell. */
		or_seq(&mail_inbox(mail, peer)->from[owner->rank / 64], bit);
	}
	return channel_room(out);
}

static bool take_loan(struct mail *mail, uint32_t *index)
{
	const uint32_t count = (uint32_t)loans_of(mail->owner->size);

	for (uint32_t i = 1; i <= count; i++) {
		uint32_t at = (mail->lent + i) % count;

		if (mail->loans[at])
			continue;
		mail->loans[at] = true;
		mail->lent = *index = at;
		/* relaxed: the slot releases the state. */
		store_relaxed(&mail_loan(mail, mail->owner->rank, at)->state,
			      0);
		return true;
	}
	return false;
}

bool mail_lendable(struct rig_team *team, const void *data, size_t bytes)
{
	const struct mail *mail = mail_of(team);
	uint64_t offset;

	return mail && rank_segment(mail->owner, data, bytes, &offset);
}

/* The first piece goes into the tray, past the caches or not. */
static void begin_fill(struct mail *mail, struct rig_request *request)
{
	const int seat = mail_seat(mail->owner, request->peer);
	uint64_t timed = 0;

	request->bypass = request->bytes >= COPY_BYPASS_BYTES &&
			  way_send(&mail->sent[seat], request->tray,
				   request->bytes, &timed);
	if (request->bypass && TRACE_BRANCH(mail->owner->trace))
		trace_past(mail->owner->span);
	request->moved = tray_begin(request->tray, request->buffer,
				    request->bytes, request->bypass, timed);
	request->stage = STAGE_FILL;
}

/* Have the caller send long bytes from where they lie. */
static void send_in_place(struct mail *mail, struct rig_request *request,
			  struct parcel *parcel)
{
	struct rank *owner = mail->owner;
	const uint32_t in_place = owner->layout.job->hosts.in_place;

	if (!request->far || request->bytes < FAR_BYTES || !in_place)
		return;
	parcel->segment = rank_segment(owner, request->buffer, request->bytes,
				       &parcel->offset);
	if (in_place >> parcel->segment & 1)
		return;
	/* From a copy, in memory that the caller finds. */
	parcel->segment = 0;
	if (!request->bounce)
		request->bounce = rig_heap_malloc(&owner->heap, request->bytes);
	if (!request->bounce)
		return;
	memcpy(request->bounce, request->buffer, request->bytes);
	parcel->segment = rank_segment(owner, request->bounce, request->bytes,
				       &parcel->offset);
}

/* Choose how the message travels, and fill the slot; false: the message has to wait
 * for a loan. */
static bool pack(struct mail *mail, struct rig_request *request,
		 struct slot_shm *slot)
{
	/* Everything to another host is copied. */
	const bool lend = request->lend && !request->far;
	/* The receiver is to answer when a receive has asked for it. */
	const bool stays = lend || request->sync;
	struct parcel parcel = { .bytes = request->bytes, .lent = stays };

	if (request->bytes <= SLOT_PAYLOAD && !stays && !request->token) {
		slot->kind = MAIL_INLINE;
		slot->bytes = (uint8_t)request->bytes;
		if (request->bytes)
			memcpy(slot->payload, request->buffer, request->bytes);
		request->stage = STAGE_DONE;
		return true;
	}
	slot->bytes = sizeof(parcel);
	if (lend || (request->bytes >= LEND_BYTES && !request->far &&
		     !mail->is_gateway))
		parcel.segment = rank_segment(mail->owner, request->buffer,
					      request->bytes, &parcel.offset);
	else if (!mail->is_gateway)
		send_in_place(mail, request, &parcel);
	if (!parcel.segment)
		parcel.offset =
			request->sync || request->token
				? 0
				: tray_take(&mail->trays, &mail->owner->layout,
					    mail->owner->rank, request->bytes,
					    &request->room);
	if (!parcel.segment && parcel.offset) {
		slot->kind = MAIL_TRAY;
		parcel.room = request->room;
		request->tray = tray_at(&mail->owner->layout, parcel.offset);
		begin_fill(mail, request);
	} else {
		if (!take_loan(mail, &parcel.loan))
			return false;
		slot->kind = parcel.segment ? MAIL_LENT : MAIL_BARE;
		request->loan = parcel.loan;
		request->stage = STAGE_LOAN;
	}
	memcpy(slot->payload, &parcel, sizeof(parcel));
	return true;
}

static bool post(struct mail *mail, struct rig_request *request)
{
	struct slot_shm *slot = room_for(mail, request->peer);

	if (!slot || !pack(mail, request, slot))
		return false;
	slot->context = request->context;
	slot->tag = request->tag;
	slot->from = (uint16_t)request->from;
	slot->far = request->far;
	channel_post(&mail_peer(mail, request->peer)->out,
		     mail_box(mail, request->peer), mail->careful);
	return true;
}

static bool fill(struct mail *mail, struct rig_request *request)
{
	uint64_t before = request->moved;

	request->moved =
		tray_fill(request->tray, request->room, request->buffer,
			  request->bytes, before, request->bypass,
			  mail_box(mail, request->peer), mail->careful);
	return request->moved != before;
}

/* The bytes of another host's message go to the place, or the tray, in `state`. */
static bool take_place(struct mail *mail, struct rig_request *request,
		       uint64_t state)
{
	const struct rank *owner = mail->owner;

	request->direct = LOAN_IS_PLACE(state);
	if (request->direct) {
		request->buffer = rank_found_whole(
			owner, LOAN_PLACE_SEGMENT(state),
			LOAN_PLACE_OFFSET(state), request->bytes, true);
	} else if (tray_sound(&owner->layout, owner->size, state,
			      TRAY_LONG_ROOM)) {
		request->tray = tray_at(&owner->layout, state);
		request->room = TRAY_LONG_ROOM;
		request->buffer = malloc(request->bytes ? request->bytes : 1);
		if (!request->buffer) {
			rank_failed(mail->owner, -ENOMEM,
				    "no memory for a message from another "
				    "host");
			return false;
		}
	}
	if (!request->buffer) {
		mail_written_over(mail);
		return false;
	}
	request->stage = STAGE_PLACE;
	return true;
}

/* The bytes lie where the rank wants them. */
static void tell_placed(struct mail *mail, struct rig_request *request)
{
	request->stage = STAGE_LOAN;
	/* Pairs with hear_placed(). */
	mailbox_set(mail_box(mail, request->peer),
		    &mail_loan(mail, mail->owner->rank, request->loan)->state,
		    LOAN_PLACED, mail->careful);
}

void mail_gateway_placed(struct mail *mail, struct rig_request *request)
{
	request->token = NULL;
	request->moved = 0;
	if (request->direct)
		tell_placed(mail, request);
	else
		request->stage = STAGE_FILL;
}

/* The gateway has the bytes already: copy them to the place in `state`. */
static bool put_in_place(struct mail *mail, struct rig_request *request,
			 uint64_t state)
{
	char *to = rank_found_whole(mail->owner, LOAN_PLACE_SEGMENT(state),
				    LOAN_PLACE_OFFSET(state), request->bytes,
				    true);

	if (!to) {
		mail_written_over(mail);
		return false;
	}
	memcpy(to, request->buffer, request->bytes);
	tell_placed(mail, request);
	return true;
}

/* The receiver has answered? */
static bool hear(struct mail *mail, struct rig_request *request)
{
	/* seq_cst: acquire, the bytes are read, or the tray is empty; and for
	 * ranks about to sleep.  Pairs with answer(). */
	uint64_t state = load_seq(
		&mail_loan(mail, mail->owner->rank, request->loan)->state);

	if (!state || state == LOAN_PLACED)
		return false;
	if (mail->is_gateway && LOAN_IS_PLACE(state))
		return request->token ? take_place(mail, request, state)
				      : put_in_place(mail, request, state);
	mail->loans[request->loan] = false;
	if (state == LOAN_READ) {
		request->stage = STAGE_DONE;
		return true;
	}
	if (request->token)
		return take_place(mail, request, state);
	if (!tray_sound(&mail->owner->layout, mail->owner->size, state,
			TRAY_LONG_ROOM)) {
		mail_written_over(mail);
		return false;
	}
	request->tray = tray_at(&mail->owner->layout, state);
	request->room = TRAY_LONG_ROOM;
	request->moved = 0;
	request->stage = STAGE_FILL;
	return true;
}

/* One step of a send that is in the list. */
bool mail_advance_send(struct mail *mail, struct rig_request *request)
{
	struct peer *peer = mail_peer(mail, request->peer);
	bool moved = false;

	if (request->stage == STAGE_QUEUED) {
		if (peer->queue != request || !post(mail, request))
			return false;
		peer->queue = request->after;
		moved = true;
	}
	if (request->stage == STAGE_LOAN)
		moved |= hear(mail, request);
	if (request->stage == STAGE_FILL) {
		moved |= fill(mail, request);
		if (request->moved == request->bytes)
			request->stage = STAGE_DONE;
	}
	if (request->stage == STAGE_DONE) {
		mail_free_bounce(mail, request);
		mail_finish(mail, &mail->sends, request);
	}
	return moved;
}

void mail_send(struct mail *mail, struct rig_request *request)
{
	struct peer *peer = mail_peer(mail, request->peer);

	if (request->peer > mail->owner->size)
		request->far = (uint32_t)(request->peer - mail->owner->size);
	request->stage = STAGE_QUEUED;
	request->after = NULL;
	mail->open++;
	TAILQ_INSERT_TAIL(&mail->sends, request, entry);
	if (peer->queue)
		peer->last->after = request;
	else
		peer->queue = request;
	peer->last = request;
	(void)mail_advance_send(mail, request);
}
