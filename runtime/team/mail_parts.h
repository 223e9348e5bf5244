/* SPDX-License-Identifier: MIT */
/*
 * mail_parts.h - the common part of a rank's mail: mail.c, mail_send.c, mail_receive.c,
 * mail_stray.c, mail_gateway.c and mail_wait.c include this header, and no other file
 * does.
 */
#ifndef RUNRIG_MAIL_PARTS_H
#define RUNRIG_MAIL_PARTS_H

#include <runrig/heap.h>

#include "team/mail.h"

/* --- shared memory of a seat --- */

static inline struct inbox_shm *mail_inbox(const struct mail *mail, int peer)
{
	return &mail->owner->layout.inboxes[mail_seat(mail->owner, peer)];
}

static inline struct mailbox_shm *mail_box(const struct mail *mail, int peer)
{
	return &mail_inbox(mail, peer)->box;
}

/* Loan number `index` of the seat, on which the receiver of a message answers. */
static inline struct loan_shm *mail_loan(const struct mail *mail, int peer,
					 uint32_t index)
{
	const struct rank *owner = mail->owner;

	return &owner->layout.loans[(size_t)mail_seat(owner, peer) *
					    loans_of(owner->size) +
				    index];
}

/* --- mail.c --- */

/* Give back the block of the heap that the request has, if it has a block. */
static inline void mail_free_bounce(struct mail *mail,
				    struct rig_request *request)
{
	if (request->bounce)
		(void)rig_heap_free(&mail->owner->heap, request->bounce);
	request->bounce = NULL;
}

/* A request's end: out of the list, and complete. */
static inline void mail_finish(struct mail *mail, struct mail_requests *list,
			       struct rig_request *request)
{
	TAILQ_REMOVE(list, request, entry);
	request->stage = STAGE_DONE;
	mail->open--;
	mail->copying -= request->copies;
}

/* A message for this rank is damaged: the rank fails with -EPROTO. */
COLD void mail_written_over(const struct mail *mail);

/* New mail of the seat `owner`, without a message; NULL: no memory. */
struct mail *mail_make(struct rank *owner);

/* Free the mail of a rank or of a gateway. */
void mail_delete(struct mail *mail);

/* --- mail_send.c --- */

/* One step of a send in the list of sends; returns whether anything moved. */
bool mail_advance_send(struct mail *mail, struct rig_request *request);

/* --- mail_receive.c --- */

/* The request, which is in no list, gets the message of `slot`, from `peer`. */
void mail_begin_receive(struct mail *mail, struct rig_request *request,
			int peer, const struct slot_shm *slot);

/* One step of a receive in the list of incoming messages; returns whether
 * anything moved. */
bool mail_advance_receive(struct mail *mail, struct rig_request *request);

/* Take in at most `most` messages of each channel that a posted receive wants;
 * returns whether there was one. */
bool mail_read_channels(struct mail *mail, int most);

/* --- mail_stray.c --- */

/* Would a receive of this team, source and tag get the message of `slot`? */
static inline bool mail_fits(uint32_t context, int source, int tag, int peer,
			     const struct slot_shm *slot)
{
	return slot->context == context &&
	       (source == RIG_ANY_SOURCE || source == peer) &&
	       (tag == RIG_ANY_TAG || tag == slot->tag);
}

/* The first stray that a receive would get; NULL: none. */
struct message *mail_find_stray(const struct mail *mail, uint32_t context,
				int source, int tag);

/* Keep a message that no receive has asked for; false: no memory, and the rank
 * has failed. */
bool mail_keep_stray(struct mail *mail, int peer, const struct slot_shm *slot);

/* Receive all strays whose bytes wait at another host: the sender may be a rank for
 * which this rank is about to wait.  Returns whether there was one. */
bool mail_copy_offers(struct mail *mail);

/* The sender of a stray waits no longer for somebody to ask. */
void mail_release_sender(struct mail *mail, struct message *message);

/* Free the memory into which a stray was received. */
void mail_free_copy(struct message *message);

/* Drop all strays; their structs are spare from then on. */
void mail_drop_strays(struct mail *mail);

/* No memory for the message of `slot`: the rank fails with -ENOMEM.  Returns
 * false. */
COLD bool mail_no_memory(const struct mail *mail, const struct slot_shm *slot);

/* --- mail_gateway.c --- */

/* At the gateway: take in a message that a rank sends to another host; false:
 * no memory, or the message is damaged, and the gateway has failed. */
bool mail_gateway_accept(struct mail *mail, int seat,
			 const struct slot_shm *slot);

#endif
