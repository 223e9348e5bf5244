/* SPDX-License-Identifier: MIT */
/*
 * mail.c - matching messages with receives, and moving what is long.
 *
 * Each rank has a channel from each other rank (and from itself), whatever team
 * a message is of; the slot says which.  A send posts a slot and, where the
 * message does not fit it, goes on filling a tray, or waits for an answer: its
 * loan.  A receive looks among the strays, messages that came before anybody
 * asked for them, in the order in which they came; then it is posted, and what
 * comes is held against all that is posted, in order.  So messages of a channel
 * that the same receives would take never overtake each other.
 *
 * A channel is read while a receive is posted that its messages might be for:
 * strays are what stood before the message that was asked for.  A rank that is
 * about to sleep reads all channels.  Nothing that a send waits for depends on
 * any rank but its receiver: where trays or slots are all in use a send stays
 * queued, or the receiver gives a tray.
 *
 * A stray keeps nothing that its sender needs for others.  One that found no
 * tray is received at once into memory of our own, and from there by the receive
 * that asks for it; and where there are many, one that lies in a segment or is
 * longer than its tray.  So a sender has a free loan again, however many
 * messages stand before the one that is waited for; only what rig_team_lend()
 * lends stays where it is.
 *
 * A rank's state of one run is dropped when the next begins; numbers in
 * channels go on, and a reader begins where the writer did, so what was not
 * received is gone.
 */
#include "team/mail.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "team/schedule.h"

#define NO_LOAN UINT32_MAX

static struct inbox_shm *inbox_of(const struct mail *mail, int peer)
{
	return &mail->owner->layout.inboxes[mail_seat(mail->owner, peer)];
}

static struct mailbox_shm *box_of(const struct mail *mail, int peer)
{
	return &inbox_of(mail, peer)->box;
}

static struct loan_shm *loan_of(const struct mail *mail, int peer,
				uint32_t index)
{
	const struct rank *owner = mail->owner;

	return &owner->layout.loans[(size_t)mail_seat(owner, peer) *
					    loans_of(owner->size) +
				    index];
}

static struct mail *make(struct rank *owner)
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
		owner->mail = make(owner);
	if (owner->mail)
		owner->mail->used = true;
	return owner->mail;
}

static void free_copy(struct message *message)
{
	if (message->copy) {
		free(message->copy->buffer);
		free(message->copy);
	}
	message->copy = NULL;
}

static void drop_strays(struct mail *mail)
{
	struct message *message;

	TAILQ_CONCAT(&mail->strays, &mail->taken, entry);
	TAILQ_CONCAT(&mail->strays, &mail->matched, entry);
	TAILQ_FOREACH (message, &mail->strays, entry)
		free_copy(message);
	TAILQ_CONCAT(&mail->spare, &mail->strays, entry);
}

/* The last run's are dropped.  Requests that were not complete may lie on a
 * stack that is gone: their lists are only emptied. */
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
	drop_strays(mail);
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

	/* relaxed, all: nobody else runs, and dispatch_done() releases it. */
	if (!load_relaxed(&shm->mailed))
		return;
	store_relaxed(&shm->mailed, 0);
	for (int i = 0; i < rank->size; i++)
		for (int w = 0; w <= rank->size / 64; w++)
			store_relaxed(&rank->layout.inboxes[i].from[w], 0);
}

/* --- sending --- */

static void finish(struct mail *mail, struct mail_requests *list,
		   struct rig_request *request)
{
	TAILQ_REMOVE(list, request, entry);
	request->stage = STAGE_DONE;
	mail->open--;
	mail->copying -= request->copies;
}

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
		/* release: the channel has begun; pairs with meet_sources().
		 * seq_cst: a message follows, with its own ring. */
		or_seq(&inbox_of(mail, peer)->from[owner->rank / 64], bit);
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
		/* relaxed: the slot releases it. */
		store_relaxed(&loan_of(mail, mail->owner->rank, at)->state, 0);
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

/* How the message is to travel, with all it needs; false: not yet. */
static bool pack(struct mail *mail, struct rig_request *request,
		 struct slot_shm *slot)
{
	/* Everything to another host is copied. */
	const bool lend = request->lend && !request->far;
	/* The receiver is to answer when a receive has asked for it. */
	const bool stays = lend || request->sync;
	struct parcel parcel = { .bytes = request->bytes, .lent = stays };

	if (request->bytes <= SLOT_PAYLOAD && !stays) {
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
	if (!parcel.segment)
		parcel.offset =
			request->sync
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
		     box_of(mail, request->peer), mail->careful);
	return true;
}

static bool fill(struct mail *mail, struct rig_request *request)
{
	uint64_t before = request->moved;

	request->moved =
		tray_fill(request->tray, request->room, request->buffer,
			  request->bytes, before, request->bypass,
			  box_of(mail, request->peer), mail->careful);
	return request->moved != before;
}

/* A message for this rank is damaged. */
COLD static void written_over(const struct mail *mail)
{
	rank_failed(mail->owner, -EPROTO,
		    "a message was written over in the team's memory: a stray "
		    "store of one of its ranks");
}

/* The receiver has answered? */
static bool hear(struct mail *mail, struct rig_request *request)
{
	/* seq_cst: acquire, the bytes are read, or the tray is empty; and for
	 * those about to sleep.  Pairs with answer(). */
	uint64_t state = load_seq(
		&loan_of(mail, mail->owner->rank, request->loan)->state);

	if (!state)
		return false;
	mail->loans[request->loan] = false;
	if (state == 1) {
		request->stage = STAGE_DONE;
		return true;
	}
	if (!tray_sound(&mail->owner->layout, mail->owner->size, state,
			TRAY_LONG_ROOM)) {
		written_over(mail);
		return false;
	}
	request->tray = tray_at(&mail->owner->layout, state);
	request->room = TRAY_LONG_ROOM;
	request->moved = 0;
	request->stage = STAGE_FILL;
	return true;
}

/* One step of a send that is in the list. */
static bool advance_send(struct mail *mail, struct rig_request *request)
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
	if (request->stage == STAGE_DONE)
		finish(mail, &mail->sends, request);
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
	(void)advance_send(mail, request);
}

/* --- receiving --- */

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
	mailbox_set(box_of(mail, peer), &loan_of(mail, peer, index)->state,
		    state, mail->careful);
}

void mail_give_back(struct mail *mail, int peer, uint32_t index)
{
	answer(mail, peer, index, 1);
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

/* Memory of our own for a message that is borrowed, and not lent. */
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

/* Read what is lent, where it is. */
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
	answer(mail, peer, parcel->loan, 1);
}

static bool drain(struct mail *mail, struct rig_request *request)
{
	uint64_t before = request->moved;
	uint64_t keep = request->whole < request->bytes ? request->whole
							: request->bytes;

	request->moved =
		tray_drain(request->tray, request->room, request->buffer, keep,
			   request->whole, before, box_of(mail, request->peer),
			   mail->careful);
	if (request->moved == request->whole) {
		if (request->loan != NO_LOAN)
			mail->landing = false;
		finish(mail, &mail->incoming, request);
	}
	return request->moved != before;
}

/* Memory that is the borrower's until it is released. */
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

/* The stray that the request got is copied, or not yet. */
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
	free_copy(message);
	TAILQ_REMOVE(&mail->taken, message, entry);
	TAILQ_INSERT_HEAD(&mail->spare, message, entry);
	finish(mail, &mail->incoming, request);
	return true;
}

static bool advance_receive(struct mail *mail, struct rig_request *request)
{
	const struct rank *owner = mail->owner;

	if (request->stage == STAGE_STRAY)
		return take_copy(mail, request);
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

/* `request`, which is in no list, gets this message. */
static void begin_receive(struct mail *mail, struct rig_request *request,
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
		finish(mail, &mail->incoming, request);
		break;
	case MAIL_LENT:
		read_lent(mail, request, peer, &parcel);
		finish(mail, &mail->incoming, request);
		break;
	case MAIL_TRAY:
		request->tray = tray_at(&mail->owner->layout, parcel.offset);
		request->room = parcel.room;
		request->stage = STAGE_DRAIN;
		(void)advance_receive(mail, request);
		break;
	case MAIL_BARE:
		request->loan = parcel.loan;
		request->stage = STAGE_LANDING;
		(void)advance_receive(mail, request);
		break;
	}
}

static bool fits(uint32_t context, int source, int tag, int peer,
		 const struct slot_shm *slot)
{
	return slot->context == context &&
	       (source == RIG_ANY_SOURCE || source == peer) &&
	       (tag == RIG_ANY_TAG || tag == slot->tag);
}

/* Does its sender wait until it is received, or copied? */
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

static void release_sender(struct mail *mail, struct message *message)
{
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
	release_sender(mail, message);
	mail->open++;
	mail->copying++;
	begin_receive(mail, copy, message->peer, &message->slot);
	return true;
}

/* So that its sender has a loan left, whoever has its others. */
static bool settle_stray(struct mail *mail, struct message *message)
{
	struct peer *peer = mail_peer(mail, message->peer);

	message->holds = holds_up(&message->slot);
	peer->held += message->holds;
	if (message->holds && (message->slot.kind == MAIL_BARE ||
			       peer->held > LOANS / (2 * mail->owner->size)))
		return copy_stray(mail, message);
	return true;
}

static bool no_memory(struct mail *mail, const struct slot_shm *slot)
{
	char why[160];

	snprintf(why, sizeof(why),
		 "no memory for a message of %zu bytes, from rank %d, tag %d, "
		 "that no receive has asked for yet",
		 mail_bytes(slot), slot->from, (int)slot->tag);
	rank_failed(mail->owner, -ENOMEM, why);
	return false;
}

/* What nobody has asked for yet is kept; false: no memory. */
static bool keep_stray(struct mail *mail, int peer, const struct slot_shm *slot)
{
	struct message *message = TAILQ_FIRST(&mail->spare);

	if (message)
		TAILQ_REMOVE(&mail->spare, message, entry);
	else
		message = aligned_alloc(alignof(struct message),
					sizeof(*message));
	if (!message)
		return no_memory(mail, slot);
	message->peer = peer;
	message->copy = NULL;
	memcpy((void *)&message->slot, (const void *)slot, sizeof(*slot));
	TAILQ_INSERT_TAIL(&mail->strays, message, entry);
	return settle_stray(mail, message) || no_memory(mail, slot);
}

/* The first receive posted that it is for gets it. */
static bool take_in(struct mail *mail, int peer, const struct slot_shm *slot)
{
	struct rig_request *request;

	TAILQ_FOREACH (request, &mail->posted, entry)
		if (fits(request->context, request->peer, request->tag, peer,
			 slot))
			break;
	if (!request)
		return keep_stray(mail, peer, slot);
	TAILQ_REMOVE(&mail->posted, request, entry);
	drop_wanted(mail, request);
	begin_receive(mail, request, peer, slot);
	return true;
}

/* Is it a message that a rank sends to another host, as far as can be seen? */
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
		break;
	}
	return false;
}

/* At the gateway: receive it, into memory that whoever takes it gets. */
static bool take_out(struct mail *mail, int seat, const struct slot_shm *slot)
{
	const size_t bytes = mail_bytes(slot);
	struct rig_request *request = calloc(1, sizeof(*request));
	char *memory = malloc(bytes ? bytes : 1);

	if (!request || !memory) {
		free(request);
		free(memory);
		return no_memory(mail, slot);
	}
	request->context = slot->context;
	request->tag = slot->tag;
	request->from = slot->from;
	request->far = slot->far;
	request->buffer = memory;
	request->bytes = bytes;
	mail->open++;
	*mail->outbound_end = request;
	mail->outbound_end = &request->next;
	begin_receive(mail, request, seat, slot);
	return true;
}

/* Take a message in; false: it cannot be. */
static bool take_slot(struct mail *mail, int seat, const struct slot_shm *slot)
{
	const struct rank *owner = mail->owner;
	struct slot_shm copy;

	if (!mail->is_gateway)
		return take_in(mail,
			       seat == owner->size
				       ? owner->size + (int)slot->far
				       : seat,
			       slot);
	/* The caller trusts no rank: a look at what no rank can write to. */
	memcpy((void *)&copy, (const void *)slot, sizeof(copy));
	if (is_outbound(mail, &copy))
		return take_out(mail, seat, &copy);
	written_over(mail);
	return false;
}

/* Read a channel as long as a receive is posted that it may be for; not for
 * ever, where its writer is as fast. */
static bool read_channel(struct mail *mail, int peer, int most)
{
	struct peer *from = &mail->peers[peer];
	int read = 0;

	while (read < most &&
	       (mail->wanted_any || from->wanted || mail->greedy)) {
		const struct slot_shm *slot = channel_peek(&from->in);

		if (!slot || !take_slot(mail, peer, slot))
			break;
		channel_take(&from->in, box_of(mail, peer), mail->careful);
		read++;
	}
	return read > 0;
}

/* Whose channel has begun since? */
static void meet_sources(struct mail *mail)
{
	const struct rank *owner = mail->owner;
	struct inbox_shm *inbox = inbox_of(mail, owner->rank);

	for (int word = 0; word <= owner->size / 64; word++) {
		/* acquire: the channel has begun; pairs with room_for().
		 * seq_cst: for those about to sleep. */
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

/* At most so many messages of each. */
static bool read_channels(struct mail *mail, int most)
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

bool mail_progress(struct mail *mail)
{
	struct rig_request *request, *next;
	bool moved = false;

	for (request = TAILQ_FIRST(&mail->sends); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		moved |= advance_send(mail, request);
	}
	if (mail->greedy || !TAILQ_EMPTY(&mail->posted))
		moved |= read_channels(mail, CHANNEL_SLOTS);
	for (request = TAILQ_FIRST(&mail->incoming); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		moved |= advance_receive(mail, request);
	}
	return moved | schedule_progress(mail);
}

static struct message *find_stray(const struct mail *mail, uint32_t context,
				  int source, int tag)
{
	struct message *message;

	TAILQ_FOREACH (message, &mail->strays, entry)
		if (fits(context, source, tag, message->peer, &message->slot))
			break;
	return message;
}

const struct message *mail_find(struct mail *mail, uint32_t context, int source,
				int tag)
{
	const struct message *found = find_stray(mail, context, source, tag);
	int *wanted = source == RIG_ANY_SOURCE
			      ? &mail->wanted_any
			      : &mail_peer(mail, source)->wanted;
	bool moved = true;

	if (found)
		return found;
	++*wanted;
	/* One of each source at a time: those of one do not come before all
	 * of another's. */
	for (int i = 0; !found && moved && i < CHANNEL_SLOTS; i++) {
		moved = read_channels(mail, 1);
		found = find_stray(mail, context, source, tag);
	}
	--*wanted;
	return found;
}

/* The message is in no list. */
static void receive_stray(struct mail *mail, struct rig_request *request,
			  struct message *message)
{
	release_sender(mail, message);
	if (message->copy) {
		TAILQ_INSERT_TAIL(&mail->taken, message, entry);
		meet(request, message->peer, &message->slot);
		request->stray = message;
		request->stage = STAGE_STRAY;
		TAILQ_INSERT_TAIL(&mail->incoming, request, entry);
		(void)take_copy(mail, request);
		return;
	}
	begin_receive(mail, request, message->peer, &message->slot);
	TAILQ_INSERT_HEAD(&mail->spare, message, entry);
}

void mail_receive(struct mail *mail, struct rig_request *request)
{
	struct message *message =
		find_stray(mail, request->context, request->peer, request->tag);

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
	(void)read_channels(mail, CHANNEL_SLOTS);
}

struct message *mail_take(struct mail *mail, uint32_t context, int source,
			  int tag)
{
	struct message *message;

	if (!mail_find(mail, context, source, tag))
		return NULL;
	message = find_stray(mail, context, source, tag);
	TAILQ_REMOVE(&mail->strays, message, entry);
	TAILQ_INSERT_TAIL(&mail->matched, message, entry);
	return message;
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

	/* A message that has come to the channel is this receive's. */
	(void)mail_progress(mail);
	TAILQ_FOREACH (posted, &mail->posted, entry)
		if (posted == request)
			break;
	if (!posted)
		return false;
	drop_wanted(mail, request);
	finish(mail, &mail->posted, request);
	return true;
}

/* --- the gateway --- */

struct mail *mail_gateway_make(struct rank *owner)
{
	struct mail *mail = make(owner);

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
	/* relaxed, all: no worker is in a run, and the post releases it. */
	for (int i = 0; i < owner->size; i++)
		store_relaxed(
			&inbox_of(mail, i)->from[owner->rank / 64],
			load_relaxed(
				&inbox_of(mail, i)->from[owner->rank / 64]) &
				~bit);
	for (int w = 0; w <= owner->size / 64; w++)
		store_relaxed(&inbox_of(mail, owner->rank)->from[w], 0);
}

static void free_mail(struct mail *mail)
{
	struct rig_request *request;
	struct message *message;

	drop_strays(mail);
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

void mail_gateway_free(struct mail *mail)
{
	if (!mail)
		return;
	free_outbound(mail);
	free_mail(mail);
}

void mail_free(struct rank *rank)
{
	if (!rank->mail)
		return;
	rank->mail->used = true;
	mail_begin_job(rank);
	free_mail(rank->mail);
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

/* --- waiting --- */

/* What a sleeper is counted as waiting for, beside its mailbox. */
struct told {
	const _Atomic uint64_t *word; /* of rank_await(); or NULL */
	bool barrier;
	uint64_t target;
};

/* Asleep, and counted so, until something has changed. */
static void sleep_counted(struct mail *mail, uint64_t rung,
			  bool (*over)(void *arg), void *arg,
			  const struct told *told)
{
	struct rank *owner = mail->owner;
	const char *base = (const char *)owner->layout.control;

	if (told->barrier)
		rank_sleeps(owner, 0, told->target, rung + 1);
	else if (told->word)
		rank_sleeps(owner, (uint64_t)((const char *)told->word - base),
			    told->target, rung + 1);
	else
		rank_sleeps(owner,
			    (uint64_t)((const char *)&mail->box->rung - base),
			    rung + 1, 0);
	for (;;) {
		/* seq_cst: the bell before what it is rung for. */
		uint32_t heard = load_seq(&mail->box->bell);

		if (load_seq(&mail->box->rung) > rung ||
		    rank_has_ended(owner) ||
		    ((told->barrier || told->word) && over(arg)))
			break;
		(void)wait_sleep(&mail->box->bell, heard,
				 told->barrier ? clock_after(STORE_NS)
					       : RIG_FOREVER);
	}
	rank_awake(owner);
}

/* Show the report a message that has come and that no receive asks for: of the
 * team and the rank that the first receive names, where there is such a message. */
static void show_unasked(const struct mail *mail)
{
	const struct rig_request *wanted = TAILQ_FIRST(&mail->posted);
	const struct message *message, *best = NULL;
	int best_fits = -1;

	TAILQ_FOREACH (message, &mail->strays, entry) {
		int fits = 0;

		/* The library's own messages are no news for a user. */
		if (message->slot.context & MAIL_APART)
			continue;
		if (wanted && message->slot.context == wanted->context)
			fits = 1 + (message->peer == wanted->peer);
		if (fits > best_fits) {
			best = message;
			best_fits = fits;
		}
	}
	/* relaxed: for the report. */
	store_relaxed(
		&mail->owner->mine->unasked,
		best ? CALLS_MESSAGE(VERB_RECV, best->slot.from, best->slot.tag)
		     : 0);
}

static void sleep_for(struct mail *mail, bool (*over)(void *arg), void *arg,
		      const struct told *told)
{
	struct rank *owner = mail->owner;
	_Atomic uint32_t *sleepers = &owner->layout.team->sleepers;
	uint64_t rung = mailbox_arm(mail->box);
	bool changed;

	if (told->word) {
		store_relaxed(&owner->mine->target, told->target);
		store_relaxed(&owner->mine->awaited,
			      (uint64_t)((const char *)told->word -
					 (const char *)owner->layout.control));
		/* seq_cst: as in sleep_on() of rank.c. */
		add_seq(sleepers, 1);
	}
	/* Once more, now that whoever changes something rings; and nobody is
	 * to wait for this rank that waits itself. */
	mail->greedy = true;
	changed = mail_progress(mail) || over(arg);
	if (!changed && !mail->careful) {
		/* See mailbox_set(): a change may still be unseen here, and
		 * whoever made it may not have seen that the box is armed. */
		changed = mailbox_sleep(mail->box, rung, clock_after(STORE_NS));
		changed |= mail_progress(mail) || over(arg);
	}
	mail->greedy = false;
	if (!changed) {
		show_unasked(mail);
		sleep_counted(mail, rung, over, arg, told);
		store_relaxed(&owner->mine->unasked, 0);
	}
	if (told->word) {
		sub_seq(sleepers, 1);
		store_relaxed(&owner->mine->awaited, 0);
	}
	mailbox_disarm(mail->box);
}

static bool wait_told(struct mail *mail, bool (*over)(void *arg), void *arg,
		      const struct told *told)
{
	struct wait wait = { 0 };

	for (;;) {
		bool moved = mail_progress(mail);

		if (over(arg))
			return true;
		if (moved) {
			wait = (struct wait){ 0 };
		} else if (!wait_more(&wait, &mail->owner->patience)) {
			if (rank_has_ended(mail->owner))
				return false;
			sleep_for(mail, over, arg, told);
			wait = (struct wait){ 0 };
		}
	}
}

void mail_polls(const struct mail *mail)
{
	/* Ranks have no CPU each: whoever is polled for may need this one. */
	if (mail->careful)
		sched_yield();
}

bool mail_wait(struct mail *mail, bool (*over)(void *arg), void *arg)
{
	return wait_told(mail, over, arg, &(struct told){ 0 });
}

/* A word that others advance. */
struct goal {
	const _Atomic uint64_t *word;
	uint64_t target;
};

static bool reached(void *arg)
{
	const struct goal *goal = arg;

	/* acquire: what led to it; seq_cst: see sleep_on() of rank.c. */
	return load_seq(goal->word) >= goal->target;
}

void mail_await(struct rank *rank, const _Atomic uint64_t *word,
		uint64_t target)
{
	struct goal goal = { word, target };

	(void)wait_told(rank->mail, reached, &goal,
			&(struct told){ .word = word, .target = target });
}

void mail_await_barrier(struct rank *rank, const _Atomic uint64_t *word,
			uint64_t target, uint64_t told)
{
	struct goal goal = { word, target };

	(void)wait_told(rank->mail, reached, &goal,
			&(struct told){ .barrier = true, .target = told });
}
