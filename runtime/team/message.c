/* SPDX-License-Identifier: MIT */
/*
 * message.c - MPI's point-to-point verbs: arguments in, requests to mail.c.
 *
 * A short message between two ranks that have no other business goes straight
 * through their channel; everything else is a request.
 */
#include <runrig/message.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "team/call.h"
#include "team/mail.h"
#include "team/schedule.h"
#include "team/type.h"
#include "base/size.h"

/* In this process: a call that may wait, as the report tells it. */
struct place {
	enum verb verb;
	int peer; /* in the team */
	int tag;
	const void *where;
	uint64_t also; /* CALLS_SENDS, of a wait for a send */
};

static void enter(struct rig_team *team, const struct place *place)
{
	const struct wide_teams *wide = &team->owner->wide;
	const void *where = wide->terms ? wide->where : place->where;

	/* relaxed: for the report, which reads it when nobody runs. */
	store_relaxed(&team->owner->mine->where, (uint64_t)(uintptr_t)where);
	store_relaxed(&team->owner->mine->calls,
		      CALLS_MESSAGE(place->verb, place->peer, place->tag) |
			      place->also);
	if (TRACE_BRANCH(team->owner->trace))
		team->owner->span =
			trace_begin(team->owner->trace, RIG_TRACE_WAIT,
				    place->verb, (uint64_t)(uintptr_t)where);
}

static void leave(struct rig_team *team)
{
	store_relaxed(&team->owner->mine->where, 0);
	store_relaxed(&team->owner->mine->calls, VERB_NONE);
	if (TRACE_BRANCH(team->owner->trace))
		trace_end(team->owner->span);
}

static const struct rig_status nobody = { .source = RIG_PROC_NULL,
					  .tag = RIG_ANY_TAG };

static void tell(struct rig_status *status, const struct rig_status *is)
{
	if (status)
		*status = *is;
}

static int check(struct rig_team *team, const char *name, size_t count,
		 int type, size_t *bytes)
{
	const size_t item = rig_type_bytes(type);

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

static int no_memory(struct rig_team *team, const char *name)
{
	return rig_team_fail(team, -ENOMEM, "%s: no memory", name);
}

/* --- requests --- */

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

static struct rig_request receiving(const struct rig_team *team, void *buffer,
				    size_t bytes, int source, int tag)
{
	return (struct rig_request){ .context = team->id,
				     .peer = team_world_rank(team, source),
				     .tag = tag,
				     .buffer = buffer,
				     .bytes = bytes };
}

static struct rig_request *make_request(struct mail *mail)
{
	struct rig_request *request = TAILQ_FIRST(&mail->idle);

	if (request)
		TAILQ_REMOVE(&mail->idle, request, entry);
	else
		request = malloc(sizeof(*request));
	return request;
}

/* What became of a request that is complete. */
static int outcome(struct rig_team *team, const struct rig_request *request,
		   struct rig_status *status)
{
	tell(status, &request->status);
	if (request->code == -EMSGSIZE)
		return rig_team_fail(
			team, -EMSGSIZE,
			"recv: a message of %zu bytes from rank %d, tag %d, "
			"and room for %llu",
			request->status.bytes, request->status.source,
			request->status.tag,
			(unsigned long long)request->bytes);
	if (request->code < 0)
		return no_memory(team, "recv");
	return 0;
}

/* The request is complete: give its memory back. */
static int collect(struct rig_team *team, struct rig_request **request,
		   struct rig_status *status)
{
	int r;

	if ((*request)->schedule) {
		tell(status, &nobody);
		return schedule_collect(request);
	}
	r = outcome(team, *request, status);
	TAILQ_INSERT_HEAD(&team->owner->mail->idle, *request, entry);
	*request = NULL;
	return r;
}

/* The code of a call that has come to `r`.  Where the team has ended, no request
 * is looked at again: some lie on the stack of the call. */
static int result(struct rig_team *team, int r)
{
	const struct rank *owner = team->owner;

	if (!rank_has_ended(owner))
		return r;
	if (owner->mail)
		mail_abandon(owner->mail);
	return rank_ended(owner);
}

static bool complete(void *arg)
{
	const struct rig_request *request = arg;

	return request->stage == STAGE_DONE;
}

static void finish(struct rig_team *team, struct mail *mail,
		   struct rig_request *request, const struct place *place)
{
	if (complete(request))
		return;
	enter(team, place);
	(void)mail_wait(mail, complete, request);
	leave(team);
}

/* --- blocking --- */

/* Straight into the channel, where that is begun, has room, and nobody queues
 * before it. */
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

/* No rank of another host answers. */
static int check_near(struct rig_team *team, const char *name)
{
	return team->wide
		       ? rig_team_fail(team, -EOPNOTSUPP,
				       "%s: in a team of several hosts", name)
		       : 0;
}

int rig_team_ssend(struct rig_team *team, const void *buffer, size_t count,
		   int type, int dest, int tag)
{
	const struct place place = { VERB_SSEND, dest, tag,
				     __builtin_return_address(0), 0 };
	struct mail *mail = mail_of(team);
	struct rig_request request;
	size_t bytes = 0;
	int r = check(team, "ssend", count, type, &bytes);

	if (r == 0)
		r = check_dest(team, "ssend", dest, tag);
	if (r == 0)
		r = check_near(team, "ssend");
	if (r < 0 || dest == RIG_PROC_NULL)
		return r;
	if (!mail)
		return no_memory(team, "ssend");
	request = sending(team, buffer, bytes, dest, tag);
	request.sync = true;
	mail_send(mail, &request);
	finish(team, mail, &request, &place);
	return result(team, 0);
}

int rig_team_send(struct rig_team *team, const void *buffer, size_t count,
		  int type, int dest, int tag)
{
	const struct place place = { VERB_SEND, dest, tag,
				     __builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	size_t bytes = 0;
	int r = check(team, "send", count, type, &bytes);

	if (r == 0)
		r = check_dest(team, "send", dest, tag);
	if (r < 0 || dest == RIG_PROC_NULL)
		return r;
	if (send_short(team, buffer, bytes, dest, tag))
		return rank_result(team->owner, 0);
	mail = mail_of(team);
	if (!mail)
		return no_memory(team, "send");
	request = sending(team, buffer, bytes, dest, tag);
	mail_send(mail, &request);
	finish(team, mail, &request, &place);
	return result(team, 0);
}

/* The next message of the channel, where this rank has no other business and
 * that is the one, and short. */
static bool recv_short(const struct rig_team *team, void *buffer, size_t bytes,
		       int source, int tag, struct rig_status *status)
{
	struct mail *mail = team->owner->mail;
	int number = team_world_rank(team, source);
	const struct slot_shm *slot;
	struct peer *peer;

	/* Traced, it is a wait like any other. */
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
	const struct place place = { VERB_RECV, source, tag,
				     __builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	size_t bytes = 0;
	int r = check(team, "recv", count, type, &bytes);

	if (r == 0)
		r = check_source(team, "recv", source, tag);
	if (r < 0)
		return r;
	if (source == RIG_PROC_NULL) {
		tell(status, &nobody);
		return 0;
	}
	if (recv_short(team, buffer, bytes, source, tag, status))
		return rank_result(team->owner, 0);
	mail = mail_of(team);
	if (!mail)
		return no_memory(team, "recv");
	request = receiving(team, buffer, bytes, source, tag);
	mail_receive(mail, &request);
	finish(team, mail, &request, &place);
	r = result(team, 0);
	return r < 0 ? r : outcome(team, &request, status);
}

int rig_team_sendrecv(struct rig_team *team, const void *send,
		      size_t send_count, int send_type, int dest, int send_tag,
		      void *recv, size_t recv_count, int recv_type, int source,
		      int recv_tag, struct rig_status *status)
{
	const struct place from = { VERB_SENDRECV, source, recv_tag,
				    __builtin_return_address(0), 0 };
	const struct place to = { VERB_SEND, dest, send_tag, from.where, 0 };
	struct rig_request out, in;
	size_t out_bytes = 0, in_bytes = 0;
	struct mail *mail = mail_of(team);
	int r = check(team, "sendrecv", send_count, send_type, &out_bytes);

	if (r == 0)
		r = check(team, "sendrecv", recv_count, recv_type, &in_bytes);
	if (r == 0)
		r = check_dest(team, "sendrecv", dest, send_tag);
	if (r == 0)
		r = check_source(team, "sendrecv", source, recv_tag);
	if (r < 0)
		return r;
	if (!mail)
		return no_memory(team, "sendrecv");
	out = sending(team, send, out_bytes, dest, send_tag);
	in = receiving(team, recv, in_bytes, source, recv_tag);
	in.status = nobody;
	in.stage = out.stage = STAGE_DONE;
	if (source != RIG_PROC_NULL)
		mail_receive(mail, &in);
	if (dest != RIG_PROC_NULL)
		mail_send(mail, &out);
	finish(team, mail, &in, &from);
	finish(team, mail, &out, &to);
	r = result(team, 0);
	return r < 0 ? r : outcome(team, &in, status);
}

int mail_exchange(struct rig_team *team, const struct mail_exchange *exchange,
		  unsigned verb, const void *where)
{
	struct rig_request out[2 * RIG_DIMS_MAX], in[2 * RIG_DIMS_MAX];
	struct mail *mail = mail_of(team);
	int r = 0;

	if (!mail)
		return no_memory(team, verb_name(verb));
	for (int i = 0; i < exchange->count; i++) {
		const struct mail_block *block = &exchange->recv[i];

		in[i] = receiving(team, block->data, block->bytes, block->rank,
				  block->tag);
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
		const struct place place = { (enum verb)verb, rank,
					     exchange->recv[i].tag, where, 0 };
		int one;

		finish(team, mail, &in[i], &place);
		finish(team, mail, &out[i], &place);
		one = outcome(team, &in[i], NULL);
		if (r == 0)
			r = one;
	}
	return result(team, r);
}

/* --- looking --- */

/* In this process: what is looked for. */
struct search {
	struct mail *mail;
	uint32_t context;
	int source;
	int tag;
	const struct message *found;
	struct message *taken;
};

static bool look(void *arg)
{
	struct search *search = arg;

	search->found = mail_find(search->mail, search->context, search->source,
				  search->tag);
	return search->found != NULL;
}

/* `by` looks, and fills in *search. */
static int probe_by(struct rig_team *team, const struct place *place, bool wait,
		    bool (*by)(void *arg), struct search *search, bool *found,
		    struct rig_status *status)
{
	const struct slot_shm *slot;
	int r = check_source(team, "probe", place->peer, place->tag);

	*search = (struct search){ .mail = mail_of(team),
				   .context = team->id,
				   .source = team_world_rank(team, place->peer),
				   .tag = place->tag };
	if (r < 0)
		return r;
	if (!search->mail)
		return no_memory(team, "probe");
	*found = true;
	if (place->peer == RIG_PROC_NULL) {
		tell(status, &nobody);
		return 0;
	}
	(void)mail_progress(search->mail);
	if (!by(search) && wait) {
		enter(team, place);
		(void)mail_wait(search->mail, by, search);
		leave(team);
	}
	r = result(team, 0);
	if (r < 0)
		return r;
	*found = search->found != NULL;
	if (!*found)
		mail_polls(search->mail);
	if (*found) {
		slot = &search->found->slot;
		tell(status, &(struct rig_status){ slot->from, slot->tag,
						   mail_bytes(slot), 0 });
	}
	return 0;
}

static int probe(struct rig_team *team, const struct place *place, bool wait,
		 bool *found, struct rig_status *status)
{
	struct search search;

	return probe_by(team, place, wait, look, &search, found, status);
}

int rig_team_probe(struct rig_team *team, int source, int tag,
		   struct rig_status *status)
{
	const struct place place = { VERB_PROBE, source, tag,
				     __builtin_return_address(0), 0 };
	bool found;

	return probe(team, &place, true, &found, status);
}

int rig_team_iprobe(struct rig_team *team, int source, int tag, bool *found,
		    struct rig_status *status)
{
	const struct place place = { VERB_PROBE, source, tag, NULL, 0 };

	return probe(team, &place, false, found, status);
}

/* --- messages that are found, and received by nobody else --- */

static bool take(void *arg)
{
	struct search *search = arg;

	search->taken = mail_take(search->mail, search->context, search->source,
				  search->tag);
	search->found = search->taken;
	return search->found != NULL;
}

/* In place of the message that RIG_PROC_NULL has. */
static struct rig_message *const no_message = (struct rig_message *)&nobody;

static int matched_probe(struct rig_team *team, const struct place *place,
			 bool wait, bool *found, struct rig_message **message,
			 struct rig_status *status)
{
	struct search search = { .found = NULL };
	int r = probe_by(team, place, wait, take, &search, found, status);

	if (r < 0)
		return r;
	if (*found)
		*message = place->peer == RIG_PROC_NULL
				   ? no_message
				   : (struct rig_message *)search.taken;
	return 0;
}

int rig_team_mprobe(struct rig_team *team, int source, int tag,
		    struct rig_message **message, struct rig_status *status)
{
	const struct place place = { VERB_PROBE, source, tag,
				     __builtin_return_address(0), 0 };
	bool found;

	return matched_probe(team, &place, true, &found, message, status);
}

int rig_team_improbe(struct rig_team *team, int source, int tag, bool *found,
		     struct rig_message **message, struct rig_status *status)
{
	const struct place place = { VERB_PROBE, source, tag, NULL, 0 };

	return matched_probe(team, &place, false, found, message, status);
}

/* A receive of a message that was taken out: `request` is filled in. */
static int receiving_taken(struct rig_team *team, const char *name,
			   void *buffer, size_t count, int type,
			   struct rig_message **message,
			   struct rig_request *request)
{
	size_t bytes = 0;
	int r = check(team, name, count, type, &bytes);

	if (r == 0 && !*message)
		r = rig_team_fail(team, -EINVAL,
				  "%s: no message of rig_team_mprobe()", name);
	*request = receiving(team, buffer, bytes, RIG_ANY_SOURCE, RIG_ANY_TAG);
	return r;
}

int rig_team_mrecv(struct rig_team *team, void *buffer, size_t count, int type,
		   struct rig_message **message, struct rig_status *status)
{
	const struct place place = { VERB_RECV, RIG_ANY_SOURCE, RIG_ANY_TAG,
				     __builtin_return_address(0), 0 };
	struct rig_request request;
	int r = receiving_taken(team, "mrecv", buffer, count, type, message,
				&request);

	if (r < 0)
		return r;
	if (*message == no_message) {
		*message = NULL;
		tell(status, &nobody);
		return 0;
	}
	r = result(team, 0);
	if (r < 0)
		return r;
	mail_receive_taken(team->owner->mail, &request,
			   (struct message *)*message);
	*message = NULL;
	finish(team, team->owner->mail, &request, &place);
	r = result(team, 0);
	return r < 0 ? r : outcome(team, &request, status);
}

/* --- requests --- */

static int begin(struct rig_team *team, const struct rig_request *as,
		 bool receive, struct rig_request **out)
{
	struct mail *mail = mail_of(team);
	struct rig_request *request;
	int r = result(team, 0);

	if (r < 0)
		return r;
	request = mail ? make_request(mail) : NULL;
	if (!request)
		return no_memory(team, receive ? "irecv" : "isend");
	*request = *as;
	if (as->peer == RIG_PROC_NULL) {
		request->stage = STAGE_DONE;
		request->status = nobody;
	} else if (receive) {
		mail_receive(mail, request);
	} else {
		mail_send(mail, request);
	}
	*out = request;
	return 0;
}

int rig_team_isend(struct rig_team *team, const void *buffer, size_t count,
		   int type, int dest, int tag, struct rig_request **request)
{
	struct rig_request as;
	size_t bytes = 0;
	int r = check(team, "isend", count, type, &bytes);

	if (r == 0)
		r = check_dest(team, "isend", dest, tag);
	if (r < 0)
		return r;
	as = sending(team, buffer, bytes, dest, tag);
	return begin(team, &as, false, request);
}

int rig_team_issend(struct rig_team *team, const void *buffer, size_t count,
		    int type, int dest, int tag, struct rig_request **request)
{
	struct rig_request as;
	size_t bytes = 0;
	int r = check(team, "issend", count, type, &bytes);

	if (r == 0)
		r = check_dest(team, "issend", dest, tag);
	if (r == 0)
		r = check_near(team, "issend");
	if (r < 0)
		return r;
	as = sending(team, buffer, bytes, dest, tag);
	as.sync = true;
	return begin(team, &as, false, request);
}

int rig_team_cancel(struct rig_team *team, struct rig_request **request,
		    bool *cancelled)
{
	struct mail *mail = mail_of(team);

	*cancelled = false;
	if (!mail)
		return no_memory(team, "cancel");
	if (!*request || (*request)->schedule)
		return rig_team_fail(team, -EINVAL,
				     "cancel: this is no request of irecv");
	if (rank_has_ended(team->owner))
		return result(team, 0);
	*cancelled = mail_cancel(mail, *request);
	if (*cancelled) {
		TAILQ_INSERT_HEAD(&mail->idle, *request, entry);
		*request = NULL;
	}
	return 0;
}

int rig_team_irecv(struct rig_team *team, void *buffer, size_t count, int type,
		   int source, int tag, struct rig_request **request)
{
	struct rig_request as;
	size_t bytes = 0;
	int r = check(team, "irecv", count, type, &bytes);

	if (r == 0)
		r = check_source(team, "irecv", source, tag);
	if (r < 0)
		return r;
	as = receiving(team, buffer, bytes, source, tag);
	return begin(team, &as, true, request);
}

int rig_team_imrecv(struct rig_team *team, void *buffer, size_t count, int type,
		    struct rig_message **message, struct rig_request **request)
{
	struct mail *mail = mail_of(team);
	struct rig_request *made, as;
	int r = receiving_taken(team, "imrecv", buffer, count, type, message,
				&as);

	if (r == 0)
		r = result(team, 0);
	if (r < 0)
		return r;
	made = mail ? make_request(mail) : NULL;
	if (!made)
		return no_memory(team, "imrecv");
	*made = as;
	if (*message == no_message) {
		made->stage = STAGE_DONE;
		made->status = nobody;
	} else {
		mail_receive_taken(mail, made, (struct message *)*message);
	}
	*message = NULL;
	*request = made;
	return 0;
}

/* In this process: requests that are waited for together. */
struct several {
	struct rig_request **requests;
	int count;
	int which; /* complete; -1: none */
	int first; /* looked at */
};

static bool all_complete(void *arg)
{
	const struct several *several = arg;

	for (int i = 0; i < several->count; i++)
		if (several->requests[i] && !complete(several->requests[i]))
			return false;
	return true;
}

/* A plan that is not started is nothing to wait for. */
static bool is_idle(const struct rig_request *request)
{
	return !request ||
	       (request->schedule && schedule_rests(request->schedule));
}

/* Or there is none to wait for.  Not the first of those that are complete, or
 * the others would never have their turn beside one that always is. */
static bool any_complete(void *arg)
{
	struct several *several = arg;
	const int count = several->count;
	bool none = true;

	several->which = -1;
	for (int k = 0; k < count; k++) {
		const int i = (several->first % count + k) % count;

		if (is_idle(several->requests[i]))
			continue;
		none = false;
		if (complete(several->requests[i])) {
			several->which = i;
			return true;
		}
	}
	return none;
}

/* The rank of the team that has this number in the world, or no rank's number. */
static int team_rank(const struct rig_team *team, int world_rank)
{
	if (!team->ranks || world_rank < 0)
		return world_rank;
	for (int i = 0; i < team->size; i++)
		if (team->ranks[i] == world_rank)
			return i;
	return RIG_PROC_NULL;
}

/* The first that is not complete, as the report has it. */
static void waits_for(const struct rig_team *team,
		      const struct several *several, struct place *place)
{
	for (int i = 0; i < several->count; i++) {
		const struct rig_request *request = several->requests[i];

		if (is_idle(request) || complete((void *)(uintptr_t)request))
			continue;
		if (request->schedule) {
			place->verb = schedule_verb(request->schedule);
			return;
		}
		place->peer = team_rank(team, request->peer);
		place->tag = request->tag;
		if (request->stage < STAGE_POSTED)
			place->also = CALLS_SENDS;
		return;
	}
}

/* Wait, or only look.  Returns what `over` says. */
static bool get_on(struct rig_team *team, bool (*over)(void *arg),
		   struct several *several, const void *where)
{
	struct place place = { .verb = VERB_WAIT,
			       .peer = RIG_PROC_NULL,
			       .where = where };

	if (over(several))
		return true;
	if (!where) {
		(void)mail_progress(team->owner->mail);
		if (over(several))
			return true;
		mail_polls(team->owner->mail);
		return false;
	}
	waits_for(team, several, &place);
	enter(team, &place);
	(void)mail_wait(team->owner->mail, over, several);
	leave(team);
	return true;
}

/* The team has ended, and the requests with it. */
COLD static int drop_all(struct rig_team *team, const struct several *several)
{
	const int r = result(team, 0);

	for (int i = 0; i < several->count; i++) {
		struct rig_request *request = several->requests[i];

		if (!request)
			continue;
		if (request->schedule) {
			(void)schedule_collect(&several->requests[i]);
			continue;
		}
		TAILQ_INSERT_HEAD(&team->owner->mail->idle, request, entry);
		several->requests[i] = NULL;
	}
	return r;
}

static int turn_of(const struct rig_team *team)
{
	const struct mail *mail = team->owner->mail;

	return mail ? mail->any : 0;
}

static int take_all(struct rig_team *team, const struct several *several,
		    struct rig_status *statuses)
{
	int r = 0;

	if (rank_has_ended(team->owner))
		return drop_all(team, several);
	for (int i = 0; i < several->count; i++) {
		struct rig_status *status = statuses ? &statuses[i] : NULL;
		int one = 0;

		if (several->requests[i])
			one = collect(team, &several->requests[i], status);
		else
			tell(status, &nobody);
		if (r == 0)
			r = one;
	}
	return r;
}

static int take_any(struct rig_team *team, const struct several *several,
		    int *index, struct rig_status *status)
{
	*index = several->which;
	if (rank_has_ended(team->owner))
		return drop_all(team, several);
	if (several->which < 0) {
		tell(status, &nobody);
		return 0;
	}
	team->owner->mail->any = several->which + 1;
	return collect(team, &several->requests[several->which], status);
}

int rig_team_wait(struct rig_team *team, struct rig_request **request,
		  struct rig_status *status)
{
	struct several several = { request, 1, -1, 0 };

	(void)get_on(team, all_complete, &several, __builtin_return_address(0));
	return take_all(team, &several, status);
}

int rig_team_waitall(struct rig_team *team, int count,
		     struct rig_request **requests, struct rig_status *statuses)
{
	struct several several = { requests, count, -1, 0 };

	(void)get_on(team, all_complete, &several, __builtin_return_address(0));
	return take_all(team, &several, statuses);
}

int rig_team_waitany(struct rig_team *team, int count,
		     struct rig_request **requests, int *index,
		     struct rig_status *status)
{
	struct several several = { requests, count, -1, turn_of(team) };

	(void)get_on(team, any_complete, &several, __builtin_return_address(0));
	return take_any(team, &several, index, status);
}

/* All that are complete. */
static int take_some(struct rig_team *team, const struct several *several,
		     int *completed, int *indices, struct rig_status *statuses)
{
	int r = 0;

	*completed = several->which < 0 ? RIG_UNDEFINED : 0;
	if (rank_has_ended(team->owner))
		return drop_all(team, several);
	for (int i = 0; several->which >= 0 && i < several->count; i++) {
		const int at = *completed;
		int one;

		if (is_idle(several->requests[i]) ||
		    !complete(several->requests[i]))
			continue;
		indices[at] = i;
		one = collect(team, &several->requests[i],
			      statuses ? &statuses[at] : NULL);
		if (r == 0)
			r = one;
		++*completed;
	}
	return r;
}

int rig_team_waitsome(struct rig_team *team, int count,
		      struct rig_request **requests, int *completed,
		      int *indices, struct rig_status *statuses)
{
	struct several several = { requests, count, -1, 0 };

	(void)get_on(team, any_complete, &several, __builtin_return_address(0));
	return take_some(team, &several, completed, indices, statuses);
}

int rig_team_testsome(struct rig_team *team, int count,
		      struct rig_request **requests, int *completed,
		      int *indices, struct rig_status *statuses)
{
	struct several several = { requests, count, -1, 0 };

	*completed = 0;
	if (!get_on(team, any_complete, &several, NULL) &&
	    !rank_has_ended(team->owner))
		return 0;
	return take_some(team, &several, completed, indices, statuses);
}

int rig_team_test(struct rig_team *team, struct rig_request **request,
		  bool *done, struct rig_status *status)
{
	return rig_team_testall(team, 1, request, done, status);
}

int rig_team_testall(struct rig_team *team, int count,
		     struct rig_request **requests, bool *done,
		     struct rig_status *statuses)
{
	struct several several = { requests, count, -1, 0 };

	*done = get_on(team, all_complete, &several, NULL);
	return *done || rank_has_ended(team->owner)
		       ? take_all(team, &several, statuses)
		       : 0;
}

int rig_team_testany(struct rig_team *team, int count,
		     struct rig_request **requests, int *index, bool *done,
		     struct rig_status *status)
{
	struct several several = { requests, count, -1, turn_of(team) };

	*done = get_on(team, any_complete, &several, NULL);
	*index = -1;
	return *done || rank_has_ended(team->owner)
		       ? take_any(team, &several, index, status)
		       : 0;
}

/* --- lending --- */

int rig_team_lend(struct rig_team *team, const void *buffer, size_t count,
		  int type, int dest, int tag, struct rig_request **request)
{
	struct rig_request as;
	size_t bytes = 0;
	int r = check(team, "lend", count, type, &bytes);

	if (r == 0)
		r = check_dest(team, "lend", dest, tag);
	if (r < 0)
		return r;
	if (!mail_lendable(team, buffer, bytes))
		return rig_team_fail(team, -EINVAL,
				     "lend: %zu bytes at %p are in no segment "
				     "of the job, and in no heap",
				     bytes, buffer);
	as = sending(team, buffer, bytes, dest, tag);
	as.lend = true;
	return begin(team, &as, false, request);
}

int rig_team_borrow(struct rig_team *team, const void **data, int source,
		    int tag, struct rig_status *status)
{
	const struct place place = { VERB_BORROW, source, tag,
				     __builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail = mail_of(team);
	int r = check_source(team, "borrow", source, tag);

	if (r == 0 && source == RIG_PROC_NULL)
		r = rig_team_fail(team, -EINVAL,
				  "borrow: from RIG_PROC_NULL, which has "
				  "nothing");
	if (r < 0)
		return r;
	if (!mail)
		return no_memory(team, "borrow");
	request = receiving(team, NULL, 0, source, tag);
	request.borrow = true;
	mail_receive(mail, &request);
	finish(team, mail, &request, &place);
	r = result(team, 0);
	if (r == 0)
		r = outcome(team, &request, status);
	if (r == 0)
		*data = request.buffer;
	return r;
}

int rig_team_release(struct rig_team *team, const void *data)
{
	struct mail *mail = mail_of(team);
	struct loan *loan;

	if (!mail)
		return no_memory(team, "release");
	TAILQ_FOREACH (loan, &mail->borrowed, entry)
		if (loan->data == data)
			break;
	if (!loan)
		return rig_team_fail(team, -EINVAL,
				     "release: %p was not borrowed", data);
	mail_release(mail, loan);
	return 0;
}
