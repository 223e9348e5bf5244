/* SPDX-License-Identifier: MIT */
/*
 * message.c - MPI's point-to-point verbs that wait, the arguments of all verbs, and the
 * wait of a call.
 *
 * A short message between two ranks that have no other business goes straight through
 * their channel; any other message is a request, which the files of mail.h move on.
 */
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "team/call.h"
#include "team/message_parts.h"
#include "team/type.h"

void message_enter(struct rig_team *team, const struct call_site *site)
{
	const struct wide_teams *wide = &team->owner->wide;
	const void *where = wide->terms ? wide->where : site->where;

	/* relaxed: for the report, which reads the word when no rank runs. */
	store_relaxed(&team->owner->mine->where, (uint64_t)(uintptr_t)where);
	store_relaxed(&team->owner->mine->calls,
		      CALLS_MESSAGE(site->verb, site->peer, site->tag) |
			      site->also);
	if (TRACE_BRANCH(team->owner->trace))
		team->owner->span =
			trace_begin(team->owner->trace, RIG_TRACE_WAIT,
				    site->verb, (uint64_t)(uintptr_t)where);
}

void message_leave(struct rig_team *team)
{
	store_relaxed(&team->owner->mine->where, 0);
	store_relaxed(&team->owner->mine->calls, VERB_NONE);
	if (TRACE_BRANCH(team->owner->trace))
		trace_end(team->owner->span);
}

const struct rig_status message_nobody = { .source = RIG_PROC_NULL,
					   .tag = RIG_ANY_TAG };

int message_no_memory(struct rig_team *team, const char *name)
{
	return rig_team_fail(team, -ENOMEM, "%s: no memory", name);
}

/* --- arguments --- */

int message_check_buffer(struct rig_team *team, const char *name, size_t count,
			 int type, size_t *bytes)
{
	const size_t item = rig_type_bytes(type);

	if (rank_check_thread(team->owner, name) < 0)
		return -EINVAL;
	if (item == 0)
		return rig_team_fail(team, -EINVAL, "%s: no type %s", name,
				     type_name(type).text);
	if (!size_mul(item, count, bytes))
		return rig_team_fail(team, -EINVAL, "%s: %zu elements", name,
				     count);
	return 0;
}

static int check_dest(struct rig_team *team, const char *name, int dest,
		      int tag)
{
	if ((dest < 0 || dest >= team->size) && dest != RIG_PROC_NULL)
		return rig_team_fail(team, -EINVAL,
				     "%s: to rank %d, not 0 to %d", name, dest,
				     team->size - 1);
	if (tag < 0)
		return rig_team_fail(team, -EINVAL, "%s: tag %d, not 0 and up",
				     name, tag);
	return 0;
}

static int check_source(struct rig_team *team, const char *name, int source,
			int tag)
{
	if ((source < 0 || source >= team->size) && source != RIG_PROC_NULL &&
	    source != RIG_ANY_SOURCE)
		return rig_team_fail(
			team, -EINVAL,
			"%s: from rank %d, not 0 to %d nor RIG_ANY_SOURCE",
			name, source, team->size - 1);
	if (tag < 0 && tag != RIG_ANY_TAG)
		return rig_team_fail(team, -EINVAL,
				     "%s: tag %d, not 0 and up nor RIG_ANY_TAG",
				     name, tag);
	return 0;
}

int message_check_source(struct rig_team *team, const char *name, int source,
			 int tag)
{
	const int r = rank_check_thread(team->owner, name);

	return r < 0 ? r : check_source(team, name, source, tag);
}

int message_check_send(struct rig_team *team, const char *name, size_t count,
		       int type, int dest, int tag, size_t *bytes)
{
	const int r = message_check_buffer(team, name, count, type, bytes);

	return r < 0 ? r : check_dest(team, name, dest, tag);
}

int message_check_receive(struct rig_team *team, const char *name, size_t count,
			  int type, int source, int tag, size_t *bytes)
{
	const int r = message_check_buffer(team, name, count, type, bytes);

	return r < 0 ? r : check_source(team, name, source, tag);
}

static struct rig_request sending(const struct rig_team *team,
				  const void *buffer, size_t bytes, int dest,
				  int tag)
{
	return (struct rig_request){ .context = team->id,
				     .peer = team_world_rank(team, dest),
				     .tag = tag,
				     .from = team->rank,
				     .buffer = (char *)(uintptr_t)buffer,
				     .bytes = bytes };
}

struct rig_request message_receiving(const struct rig_team *team, void *buffer,
				     size_t bytes, int source, int tag)
{
	return (struct rig_request){ .context = team->id,
				     .peer = team_world_rank(team, source),
				     .tag = tag,
				     .buffer = buffer,
				     .bytes = bytes };
}

int message_sending(struct rig_team *team, const char *name,
		    enum send_kind kind, const void *buffer, size_t count,
		    int type, int dest, int tag, struct rig_request *request)
{
	size_t bytes = 0;
	const int r =
		message_check_send(team, name, count, type, dest, tag, &bytes);

	if (r < 0)
		return r;
	/* No rank of another host answers. */
	if (kind == SEND_SYNCHRONOUS && team->wide)
		return rig_team_fail(team, -EOPNOTSUPP,
				     "%s: in a team of several hosts", name);
	if (kind == SEND_LENT && !mail_lendable(team, buffer, bytes))
		return rig_team_fail(team, -EINVAL,
				     "%s: %zu bytes at %p are in no segment "
				     "of the job, and in no heap",
				     name, bytes, buffer);
	*request = sending(team, buffer, bytes, dest, tag);
	request->sync = kind == SEND_SYNCHRONOUS;
	request->lend = kind == SEND_LENT;
	return 0;
}

/* --- the end of a request --- */

int message_outcome(struct rig_team *team, const struct rig_request *request,
		    struct rig_status *status)
{
	message_tell(status, &request->status);
	if (request->code == -EMSGSIZE)
		return rig_team_fail(
			team, -EMSGSIZE,
			"recv: a message of %zu bytes from rank %d, tag %d, "
			"and room for %llu",
			request->status.bytes, request->status.source,
			request->status.tag,
			(unsigned long long)request->bytes);
	if (request->code < 0)
		return message_no_memory(team, "recv");
	return 0;
}

int message_result(struct rig_team *team, int r)
{
	const struct rank *owner = team->owner;

	if (!rank_has_ended(owner))
		return r;
	if (owner->mail)
		mail_abandon(owner->mail);
	return rank_ended(owner);
}

static bool complete_over(void *arg)
{
	return request_complete(arg);
}

void message_finish(struct rig_team *team, struct mail *mail,
		    struct rig_request *request, const struct call_site *site)
{
	if (request_complete(request))
		return;
	message_enter(team, site);
	(void)mail_wait(mail, complete_over, request);
	message_leave(team);
}

/* --- calls that wait --- */

/* Send straight through the channel, if the channel has begun and has room, and no
 * send queues before. */
static bool send_short(const struct rig_team *team, const void *buffer,
		       size_t bytes, int dest, int tag)
{
	struct mail *mail = team->owner->mail;
	int number = team_world_rank(team, dest);
	struct peer *peer;
	struct slot_shm *slot;

	if (bytes > SLOT_PAYLOAD || !mail || !mail->used || team->wide)
		return false;
	peer = &mail->peers[number];
	if (!peer->out.channel || peer->queue)
		return false;
	slot = channel_room(&peer->out);
	if (!slot)
		return false;
	slot->context = team->id;
	slot->tag = tag;
	slot->from = (uint16_t)team->rank;
	slot->kind = MAIL_INLINE;
	slot->bytes = (uint8_t)bytes;
	if (bytes == sizeof(uint64_t))
		memcpy(slot->payload, buffer, sizeof(uint64_t));
	else if (bytes)
		memcpy(slot->payload, buffer, bytes);
	channel_post(&peer->out, &team->owner->layout.inboxes[number].box,
		     mail->careful);
	return true;
}

int rig_team_send(struct rig_team *team, const void *buffer, size_t count,
		  int type, int dest, int tag)
{
	const struct call_site site = { VERB_SEND, dest, tag,
					__builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	size_t bytes = 0;
	const int r = message_check_send(team, "send", count, type, dest, tag,
					 &bytes);

	if (r < 0 || dest == RIG_PROC_NULL)
		return r;
	if (send_short(team, buffer, bytes, dest, tag))
		return rank_result(team->owner, 0);
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "send");
	request = sending(team, buffer, bytes, dest, tag);
	mail_send(mail, &request);
	message_finish(team, mail, &request, &site);
	return message_result(team, 0);
}

int rig_team_ssend(struct rig_team *team, const void *buffer, size_t count,
		   int type, int dest, int tag)
{
	const struct call_site site = { VERB_SSEND, dest, tag,
					__builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	const int r = message_sending(team, "ssend", SEND_SYNCHRONOUS, buffer,
				      count, type, dest, tag, &request);

	if (r < 0 || dest == RIG_PROC_NULL)
		return r;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "ssend");
	mail_send(mail, &request);
	message_finish(team, mail, &request, &site);
	return message_result(team, 0);
}

/* Receive the next message of the channel, if this rank has no other business and
 * the message is short and fits. */
static bool recv_short(const struct rig_team *team, void *buffer, size_t bytes,
		       int source, int tag, struct rig_status *status)
{
	struct mail *mail = team->owner->mail;
	int number = team_world_rank(team, source);
	const struct slot_shm *slot;
	struct peer *peer;

	/* A traced receive is a wait like any other. */
	if (TRACE_BRANCH(team->owner->trace))
		return false;
	if (source < 0 || !mail || !mail->used || team->wide || mail->open ||
	    !TAILQ_EMPTY(&mail->strays))
		return false;
	peer = &mail->peers[number];
	if (!peer->in.channel)
		return false;
	(void)wait_reach(channel_number(&peer->in), channel_next(&peer->in), 0,
			 &team->owner->patience);
	slot = channel_peek(&peer->in);
	if (!slot || slot->context != team->id || slot->kind != MAIL_INLINE ||
	    slot->bytes > bytes || (tag != RIG_ANY_TAG && tag != slot->tag))
		return false;
	if (slot->bytes == sizeof(uint64_t))
		memcpy(buffer, slot->payload, sizeof(uint64_t));
	else if (slot->bytes)
		memcpy(buffer, slot->payload, slot->bytes);
	if (status)
		*status = (struct rig_status){ slot->from, slot->tag,
					       slot->bytes, 0 };
	channel_take(&peer->in, &team->owner->layout.inboxes[number].box,
		     mail->careful);
	return true;
}

int rig_team_recv(struct rig_team *team, void *buffer, size_t count, int type,
		  int source, int tag, struct rig_status *status)
{
	const struct call_site site = { VERB_RECV, source, tag,
					__builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	size_t bytes = 0;
	int r = message_check_receive(team, "recv", count, type, source, tag,
				      &bytes);

	if (r < 0)
		return r;
	if (source == RIG_PROC_NULL) {
		message_tell(status, &message_nobody);
		return 0;
	}
	if (recv_short(team, buffer, bytes, source, tag, status))
		return rank_result(team->owner, 0);
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "recv");
	request = message_receiving(team, buffer, bytes, source, tag);
	mail_receive(mail, &request);
	message_finish(team, mail, &request, &site);
	r = message_result(team, 0);
	return r < 0 ? r : message_outcome(team, &request, status);
}

int rig_team_sendrecv(struct rig_team *team, const void *send,
		      size_t send_count, int send_type, int dest, int send_tag,
		      void *recv, size_t recv_count, int recv_type, int source,
		      int recv_tag, struct rig_status *status)
{
	const struct call_site from = { VERB_SENDRECV, source, recv_tag,
					__builtin_return_address(0), 0 };
	const struct call_site to = { VERB_SEND, dest, send_tag, from.where,
				      0 };
	struct rig_request out, in;
	size_t out_bytes = 0, in_bytes = 0;
	struct mail *mail;
	int r = message_check_send(team, "sendrecv", send_count, send_type,
				   dest, send_tag, &out_bytes);

	if (r == 0)
		r = message_check_receive(team, "sendrecv", recv_count,
					  recv_type, source, recv_tag,
					  &in_bytes);
	if (r == 0 && dest != RIG_PROC_NULL && source != RIG_PROC_NULL &&
	    buffers_overlap(send, out_bytes, recv, in_bytes))
		r = rig_team_fail(team, -EINVAL,
				  "sendrecv: what is sent and what is received "
				  "overlap: give two buffers");
	if (r < 0)
		return r;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "sendrecv");
	out = sending(team, send, out_bytes, dest, send_tag);
	in = message_receiving(team, recv, in_bytes, source, recv_tag);
	in.status = message_nobody;
	in.stage = out.stage = STAGE_DONE;
	if (source != RIG_PROC_NULL)
		mail_receive(mail, &in);
	if (dest != RIG_PROC_NULL)
		mail_send(mail, &out);
	message_finish(team, mail, &in, &from);
	message_finish(team, mail, &out, &to);
	r = message_result(team, 0);
	return r < 0 ? r : message_outcome(team, &in, status);
}

int mail_exchange(struct rig_team *team, const struct mail_exchange *exchange,
		  unsigned verb, const void *where)
{
	struct rig_request out[2 * RIG_DIMS_MAX], in[2 * RIG_DIMS_MAX];
	struct mail *mail;
	int r = 0;

	if (rank_check_thread(team->owner, verb_name(verb)) < 0)
		return -EINVAL;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, verb_name(verb));
	for (int i = 0; i < exchange->count; i++) {
		const struct mail_block *block = &exchange->recv[i];

		in[i] = message_receiving(team, block->data, block->bytes,
					  block->rank, block->tag);
		in[i].context |= MAIL_APART;
		mail_receive(mail, &in[i]);
	}
	for (int i = 0; i < exchange->count; i++) {
		const struct mail_block *block = &exchange->send[i];

		out[i] = sending(team, block->data, block->bytes, block->rank,
				 block->tag);
		out[i].context |= MAIL_APART;
		mail_send(mail, &out[i]);
	}
	for (int i = 0; i < exchange->count; i++) {
		const int rank = exchange->recv[i].rank;
		const struct call_site site = { (enum verb)verb, rank,
						exchange->recv[i].tag, where,
						0 };
		int one;

		message_finish(team, mail, &in[i], &site);
		message_finish(team, mail, &out[i], &site);
		one = message_outcome(team, &in[i], NULL);
		if (r == 0)
			r = one;
	}
	return message_result(team, r);
}
