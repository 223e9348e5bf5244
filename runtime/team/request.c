/* SPDX-License-Identifier: MIT */
/*
 * request.c - requests: begun, waited for and tested, one or several at a time.
 *
 * A request is a message, or a schedule, which a non-blocking collective or a plan is
 * made of.  The memory of a request is used again for the next request of the rank.
 */
#include <errno.h>
#include <stdlib.h>

#include "team/message_parts.h"
#include "team/schedule.h"

/* --- one request --- */

struct rig_request *request_make(struct mail *mail)
{
	struct rig_request *request = TAILQ_FIRST(&mail->idle);

	if (request)
		TAILQ_REMOVE(&mail->idle, request, entry);
	else
		request = malloc(sizeof(*request));
	return request;
}

/* A complete request: set *status, and give the memory back. */
static int collect(struct rig_team *team, struct rig_request **request,
		   struct rig_status *status)
{
	int r;

	if ((*request)->schedule) {
		message_tell(status, &message_nobody);
		return schedule_collect(request);
	}
	r = message_outcome(team, *request, status);
	TAILQ_INSERT_HEAD(&team->owner->mail->idle, *request, entry);
	*request = NULL;
	return r;
}

int request_begin(struct rig_team *team, const struct rig_request *as,
		  bool receive, struct rig_request **out)
{
	struct mail *mail = mail_of(team);
	struct rig_request *request;
	int r = message_result(team, 0);

	if (r < 0)
		return r;
	request = mail ? request_make(mail) : NULL;
	if (!request)
		return message_no_memory(team, receive ? "irecv" : "isend");
	*request = *as;
	if (as->peer == RIG_PROC_NULL) {
		request->stage = STAGE_DONE;
		request->status = message_nobody;
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
	const int r = message_sending(team, "isend", SEND_STANDARD, buffer,
				      count, type, dest, tag, &as);

	return r < 0 ? r : request_begin(team, &as, false, request);
}

int rig_team_issend(struct rig_team *team, const void *buffer, size_t count,
		    int type, int dest, int tag, struct rig_request **request)
{
	struct rig_request as;
	const int r = message_sending(team, "issend", SEND_SYNCHRONOUS, buffer,
				      count, type, dest, tag, &as);

	return r < 0 ? r : request_begin(team, &as, false, request);
}

int rig_team_irecv(struct rig_team *team, void *buffer, size_t count, int type,
		   int source, int tag, struct rig_request **request)
{
	struct rig_request as;
	size_t bytes = 0;
	const int r = message_check_receive(team, "irecv", count, type, source,
					    tag, &bytes);

	if (r < 0)
		return r;
	as = message_receiving(team, buffer, bytes, source, tag);
	return request_begin(team, &as, true, request);
}

int rig_team_cancel(struct rig_team *team, struct rig_request **request,
		    bool *cancelled)
{
	struct mail *mail;

	*cancelled = false;
	if (rank_check_thread(team->owner, "cancel") < 0)
		return -EINVAL;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "cancel");
	if (!*request || (*request)->schedule)
		return rig_team_fail(team, -EINVAL,
				     "cancel: this is no request of irecv");
	if (rank_has_ended(team->owner))
		return message_result(team, 0);
	*cancelled = mail_cancel(mail, *request);
	if (*cancelled) {
		TAILQ_INSERT_HEAD(&mail->idle, *request, entry);
		*request = NULL;
	}
	return 0;
}

/* --- several requests --- */

/* In this process: requests that a call waits for together. */
struct request_set {
	struct rig_request **requests;
	int count;
	int which; /* complete; -1: none */
	int first; /* looked at */
};

static bool all_complete(void *arg)
{
	const struct request_set *set = arg;

	for (int i = 0; i < set->count; i++)
		if (set->requests[i] && !request_complete(set->requests[i]))
			return false;
	return true;
}

/* A plan that is not started gives a call nothing to wait for. */
static bool is_idle(const struct rig_request *request)
{
	return !request ||
	       (request->schedule && schedule_rests(request->schedule));
}

/* Is one of the requests complete, or none to wait for?  The search begins behind
 * the request of the last call, or later requests would never have their turn beside
 * a request that is always complete. */
static bool any_complete(void *arg)
{
	struct request_set *set = arg;
	const int count = set->count;
	bool none = true;

	set->which = -1;
	for (int k = 0; k < count; k++) {
		const int i = (set->first % count + k) % count;

		if (is_idle(set->requests[i]))
			continue;
		none = false;
		if (request_complete(set->requests[i])) {
			set->which = i;
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

/* Tell the report the first request that is not complete. */
static void waits_for(const struct rig_team *team,
		      const struct request_set *set, struct call_site *site)
{
	for (int i = 0; i < set->count; i++) {
		const struct rig_request *request = set->requests[i];

		if (is_idle(request) || request_complete(request))
			continue;
		if (request->schedule) {
			site->verb = schedule_verb(request->schedule);
			return;
		}
		site->peer = team_rank(team, request->peer);
		site->tag = request->tag;
		if (request->stage < STAGE_POSTED)
			site->also = CALLS_SENDS;
		return;
	}
}

/* Wait, or only look.  Returns the result of `over`. */
static bool get_on(struct rig_team *team, bool (*over)(void *arg),
		   struct request_set *set, const void *where)
{
	struct call_site site = { .verb = VERB_WAIT,
				  .peer = RIG_PROC_NULL,
				  .where = where };

	if (over(set))
		return true;
	if (!where) {
		(void)mail_progress(team->owner->mail);
		if (over(set))
			return true;
		mail_polls(team->owner->mail);
		return false;
	}
	waits_for(team, set, &site);
	message_enter(team, &site);
	(void)mail_wait(team->owner->mail, over, set);
	message_leave(team);
	return true;
}

/* The team has ended, and the requests with it. */
COLD static int drop_all(struct rig_team *team, const struct request_set *set)
{
	const int r = message_result(team, 0);

	for (int i = 0; i < set->count; i++) {
		struct rig_request *request = set->requests[i];

		if (!request)
			continue;
		if (request->schedule) {
			(void)schedule_collect(&set->requests[i]);
			continue;
		}
		TAILQ_INSERT_HEAD(&team->owner->mail->idle, request, entry);
		set->requests[i] = NULL;
	}
	return r;
}

static int turn_of(const struct rig_team *team)
{
	const struct mail *mail = team->owner->mail;

	return mail ? mail->any : 0;
}

static int take_all(struct rig_team *team, const struct request_set *set,
		    struct rig_status *statuses)
{
	int r = 0;

	if (rank_has_ended(team->owner))
		return drop_all(team, set);
	for (int i = 0; i < set->count; i++) {
		struct rig_status *status = statuses ? &statuses[i] : NULL;
		int one = 0;

		if (set->requests[i])
			one = collect(team, &set->requests[i], status);
		else
			message_tell(status, &message_nobody);
		if (r == 0)
			r = one;
	}
	return r;
}

static int take_any(struct rig_team *team, const struct request_set *set,
		    int *index, struct rig_status *status)
{
	*index = set->which;
	if (rank_has_ended(team->owner))
		return drop_all(team, set);
	if (set->which < 0) {
		message_tell(status, &message_nobody);
		return 0;
	}
	team->owner->mail->any = set->which + 1;
	return collect(team, &set->requests[set->which], status);
}

int rig_team_wait(struct rig_team *team, struct rig_request **request,
		  struct rig_status *status)
{
	struct request_set set = { request, 1, -1, 0 };

	if (rank_check_thread(team->owner, "wait") < 0)
		return -EINVAL;
	(void)get_on(team, all_complete, &set, __builtin_return_address(0));
	return take_all(team, &set, status);
}

int rig_team_waitall(struct rig_team *team, int count,
		     struct rig_request **requests, struct rig_status *statuses)
{
	struct request_set set = { requests, count, -1, 0 };

	if (rank_check_thread(team->owner, "waitall") < 0)
		return -EINVAL;
	(void)get_on(team, all_complete, &set, __builtin_return_address(0));
	return take_all(team, &set, statuses);
}

int rig_team_waitany(struct rig_team *team, int count,
		     struct rig_request **requests, int *index,
		     struct rig_status *status)
{
	struct request_set set = { requests, count, -1, turn_of(team) };

	if (rank_check_thread(team->owner, "waitany") < 0)
		return -EINVAL;
	(void)get_on(team, any_complete, &set, __builtin_return_address(0));
	return take_any(team, &set, index, status);
}

/* Take all complete requests. */
static int take_some(struct rig_team *team, const struct request_set *set,
		     int *completed, int *indices, struct rig_status *statuses)
{
	int r = 0;

	*completed = set->which < 0 ? RIG_UNDEFINED : 0;
	if (rank_has_ended(team->owner))
		return drop_all(team, set);
	for (int i = 0; set->which >= 0 && i < set->count; i++) {
		const int at = *completed;
		int one;

		if (is_idle(set->requests[i]) ||
		    !request_complete(set->requests[i]))
			continue;
		indices[at] = i;
		one = collect(team, &set->requests[i],
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
	struct request_set set = { requests, count, -1, 0 };

	if (rank_check_thread(team->owner, "waitsome") < 0)
		return -EINVAL;
	(void)get_on(team, any_complete, &set, __builtin_return_address(0));
	return take_some(team, &set, completed, indices, statuses);
}

int rig_team_testsome(struct rig_team *team, int count,
		      struct rig_request **requests, int *completed,
		      int *indices, struct rig_status *statuses)
{
	struct request_set set = { requests, count, -1, 0 };

	if (rank_check_thread(team->owner, "testsome") < 0)
		return -EINVAL;
	*completed = 0;
	if (!get_on(team, any_complete, &set, NULL) &&
	    !rank_has_ended(team->owner))
		return 0;
	return take_some(team, &set, completed, indices, statuses);
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
	struct request_set set = { requests, count, -1, 0 };

	if (rank_check_thread(team->owner, "test") < 0)
		return -EINVAL;
	*done = get_on(team, all_complete, &set, NULL);
	return *done || rank_has_ended(team->owner)
		       ? take_all(team, &set, statuses)
		       : 0;
}

int rig_team_testany(struct rig_team *team, int count,
		     struct rig_request **requests, int *index, bool *done,
		     struct rig_status *status)
{
	struct request_set set = { requests, count, -1, turn_of(team) };

	if (rank_check_thread(team->owner, "testany") < 0)
		return -EINVAL;
	*done = get_on(team, any_complete, &set, NULL);
	*index = -1;
	return *done || rank_has_ended(team->owner)
		       ? take_any(team, &set, index, status)
		       : 0;
}
