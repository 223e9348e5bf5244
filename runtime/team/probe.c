/* SPDX-License-Identifier: MIT */
/*
 * probe.c - looking for messages, and taking out a message that was found.
 */
#include <errno.h>

#include "team/message_parts.h"

/* In this process: the terms of the search, and the message found. */
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
static int probe_by(struct rig_team *team, const struct call_site *site,
		    bool wait, bool (*by)(void *arg), struct search *search,
		    bool *found, struct rig_status *status)
{
	const struct slot_shm *slot;
	int r = message_check_source(team, "probe", site->peer, site->tag);

	if (r < 0)
		return r;
	*search = (struct search){ .mail = mail_of(team),
				   .context = team->id,
				   .source = team_world_rank(team, site->peer),
				   .tag = site->tag };
	if (!search->mail)
		return message_no_memory(team, "probe");
	*found = true;
	if (site->peer == RIG_PROC_NULL) {
		message_tell(status, &message_nobody);
		return 0;
	}
	(void)mail_progress(search->mail);
	if (!by(search) && wait) {
		message_enter(team, site);
		(void)mail_wait(search->mail, by, search);
		message_leave(team);
	}
	r = message_result(team, 0);
	if (r < 0)
		return r;
	*found = search->found != NULL;
	if (!*found)
		mail_polls(search->mail);
	if (*found) {
		slot = &search->found->slot;
		message_tell(status,
			     &(struct rig_status){ slot->from, slot->tag,
						   mail_bytes(slot), 0 });
	}
	return 0;
}

static int probe(struct rig_team *team, const struct call_site *site, bool wait,
		 bool *found, struct rig_status *status)
{
	struct search search;

	return probe_by(team, site, wait, look, &search, found, status);
}

int rig_team_probe(struct rig_team *team, int source, int tag,
		   struct rig_status *status)
{
	const struct call_site site = { VERB_PROBE, source, tag,
					__builtin_return_address(0), 0 };
	bool found = false;

	return probe(team, &site, true, &found, status);
}

int rig_team_iprobe(struct rig_team *team, int source, int tag, bool *found,
		    struct rig_status *status)
{
	const struct call_site site = { VERB_PROBE, source, tag, NULL, 0 };

	return probe(team, &site, false, found, status);
}

/* --- messages taken out --- */

static bool take(void *arg)
{
	struct search *search = arg;

	search->taken = mail_take(search->mail, search->context, search->source,
				  search->tag);
	search->found = search->taken;
	return search->found != NULL;
}

/* The name of the message from RIG_PROC_NULL. */
static struct rig_message *const no_message =
	(struct rig_message *)&message_nobody;

static int matched_probe(struct rig_team *team, const struct call_site *site,
			 bool wait, bool *found, struct rig_message **message,
			 struct rig_status *status)
{
	struct search search = { .found = NULL };
	int r = probe_by(team, site, wait, take, &search, found, status);

	if (r < 0)
		return r;
	if (*found)
		*message = site->peer == RIG_PROC_NULL
				   ? no_message
				   : (struct rig_message *)search.taken;
	return 0;
}

int rig_team_mprobe(struct rig_team *team, int source, int tag,
		    struct rig_message **message, struct rig_status *status)
{
	const struct call_site site = { VERB_PROBE, source, tag,
					__builtin_return_address(0), 0 };
	bool found = false;

	return matched_probe(team, &site, true, &found, message, status);
}

int rig_team_improbe(struct rig_team *team, int source, int tag, bool *found,
		     struct rig_message **message, struct rig_status *status)
{
	const struct call_site site = { VERB_PROBE, source, tag, NULL, 0 };

	return matched_probe(team, &site, false, found, message, status);
}

/* Fill in *request, the receive of a message that was taken out. */
static int receiving_taken(struct rig_team *team, const char *name,
			   void *buffer, size_t count, int type,
			   struct rig_message **message,
			   struct rig_request *request)
{
	size_t bytes = 0;
	int r = message_check_buffer(team, name, count, type, &bytes);

	if (r == 0 && !*message)
		r = rig_team_fail(team, -EINVAL,
				  "%s: no message of rig_team_mprobe()", name);
	*request = message_receiving(team, buffer, bytes, RIG_ANY_SOURCE,
				     RIG_ANY_TAG);
	return r;
}

int rig_team_mrecv(struct rig_team *team, void *buffer, size_t count, int type,
		   struct rig_message **message, struct rig_status *status)
{
	const struct call_site site = { VERB_RECV, RIG_ANY_SOURCE, RIG_ANY_TAG,
					__builtin_return_address(0), 0 };
	struct rig_request request;
	int r = receiving_taken(team, "mrecv", buffer, count, type, message,
				&request);

	if (r < 0)
		return r;
	if (*message == no_message) {
		*message = NULL;
		message_tell(status, &message_nobody);
		return 0;
	}
	r = message_result(team, 0);
	if (r < 0)
		return r;
	mail_receive_taken(team->owner->mail, &request,
			   (struct message *)*message);
	*message = NULL;
	message_finish(team, team->owner->mail, &request, &site);
	r = message_result(team, 0);
	return r < 0 ? r : message_outcome(team, &request, status);
}

int rig_team_imrecv(struct rig_team *team, void *buffer, size_t count, int type,
		    struct rig_message **message, struct rig_request **request)
{
	struct rig_request *made, as;
	struct mail *mail;
	int r = receiving_taken(team, "imrecv", buffer, count, type, message,
				&as);

	if (r == 0)
		r = message_result(team, 0);
	if (r < 0)
		return r;
	mail = mail_of(team);
	made = mail ? request_make(mail) : NULL;
	if (!made)
		return message_no_memory(team, "imrecv");
	*made = as;
	if (*message == no_message) {
		made->stage = STAGE_DONE;
		made->status = message_nobody;
	} else {
		mail_receive_taken(mail, made, (struct message *)*message);
	}
	*message = NULL;
	*request = made;
	return 0;
}
