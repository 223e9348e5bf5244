/* SPDX-License-Identifier: MIT */
/*
 * message_parts.h - the common part of MPI's point-to-point verbs: message.c,
 * request.c, probe.c and loan.c include this header, and no other file does.
 */
#ifndef RUNRIG_MESSAGE_PARTS_H
#define RUNRIG_MESSAGE_PARTS_H

#include <runrig/message.h>

#include "team/mail.h"
#include "team/verb.h"

/* --- message.c: the wait of a call --- */

/* In this process: a call that may wait, for the report. */
struct call_site {
	enum verb verb;
	int peer; /* in the team */
	int tag;
	const void *where;
	uint64_t also; /* CALLS_SENDS, of a wait for a send */
};

/* The rank begins to wait in a call, and waits no longer. */
void message_enter(struct rig_team *team, const struct call_site *site);
void message_leave(struct rig_team *team);

static inline bool request_complete(const struct rig_request *request)
{
	return request->stage == STAGE_DONE;
}

/* Wait until the request is complete, or the team has ended. */
void message_finish(struct rig_team *team, struct mail *mail,
		    struct rig_request *request, const struct call_site *site);

/* The code of a call that has come to `r`.  Where the team has ended, no request is
 * looked at again: a request may lie on the stack of the call. */
int message_result(struct rig_team *team, int r);

/* The code and the status of a request that is complete. */
int message_outcome(struct rig_team *team, const struct rig_request *request,
		    struct rig_status *status);

/* The status of a message from RIG_PROC_NULL. */
extern const struct rig_status message_nobody;

static inline void message_tell(struct rig_status *status,
				const struct rig_status *is)
{
	if (status)
		*status = *is;
}

COLD int message_no_memory(struct rig_team *team, const char *name);

/* --- message.c: the arguments of a call --- */

/*
 * The arguments of a send or of a receive, in any form.  `name` is the call's, for the
 * words.  Returns 0, with the bytes of the buffer in *bytes, or -EINVAL: also in
 * another thread than the rank's.
 */
int message_check_buffer(struct rig_team *team, const char *name, size_t count,
			 int type, size_t *bytes);
int message_check_source(struct rig_team *team, const char *name, int source,
			 int tag);
int message_check_send(struct rig_team *team, const char *name, size_t count,
		       int type, int dest, int tag, size_t *bytes);
int message_check_receive(struct rig_team *team, const char *name, size_t count,
			  int type, int source, int tag, size_t *bytes);

/* The ways in which a send differs from rig_team_send(). */
enum send_kind {
	SEND_STANDARD,
	SEND_SYNCHRONOUS, /* complete when a receive has asked */
	SEND_LENT         /* the receiver reads in place */
};

/* Check a send, and set *request to the send, which has not begun.  0, -EINVAL, or
 * -EOPNOTSUPP where no rank of another host could answer. */
int message_sending(struct rig_team *team, const char *name,
		    enum send_kind kind, const void *buffer, size_t count,
		    int type, int dest, int tag, struct rig_request *request);

/* A receive that has not begun; the arguments are checked. */
struct rig_request message_receiving(const struct rig_team *team, void *buffer,
				     size_t bytes, int source, int tag);

/* --- request.c --- */

/* Memory of a request, of requests that are done where there are any; NULL: no
 * memory. */
struct rig_request *request_make(struct mail *mail);

/* Begin the send or the receive *as, and set *out. */
int request_begin(struct rig_team *team, const struct rig_request *as,
		  bool receive, struct rig_request **out);

#endif
