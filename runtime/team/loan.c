/* SPDX-License-Identifier: MIT */
/*
 * loan.c - messages that the receiver reads in place: lend, borrow, release.
 */
#include <errno.h>

#include "team/message_parts.h"

int rig_team_lend(struct rig_team *team, const void *buffer, size_t count,
		  int type, int dest, int tag, struct rig_request **request)
{
	struct rig_request as;
	const int r = message_sending(team, "lend", SEND_LENT, buffer, count,
				      type, dest, tag, &as);

	return r < 0 ? r : request_begin(team, &as, false, request);
}

int rig_team_borrow(struct rig_team *team, const void **data, int source,
		    int tag, struct rig_status *status)
{
	const struct call_site site = { VERB_BORROW, source, tag,
					__builtin_return_address(0), 0 };
	struct rig_request request;
	struct mail *mail;
	int r = message_check_source(team, "borrow", source, tag);

	if (r == 0 && source == RIG_PROC_NULL)
		r = rig_team_fail(team, -EINVAL,
				  "borrow: from RIG_PROC_NULL, which has "
				  "nothing");
	if (r < 0)
		return r;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "borrow");
	request = message_receiving(team, NULL, 0, source, tag);
	request.borrow = true;
	mail_receive(mail, &request);
	message_finish(team, mail, &request, &site);
	r = message_result(team, 0);
	if (r == 0)
		r = message_outcome(team, &request, status);
	if (r == 0)
		*data = request.buffer;
	return r;
}

int rig_team_release(struct rig_team *team, const void *data)
{
	struct mail *mail;
	struct loan *loan;

	if (rank_check_thread(team->owner, "release") < 0)
		return -EINVAL;
	mail = mail_of(team);
	if (!mail)
		return message_no_memory(team, "release");
	TAILQ_FOREACH (loan, &mail->borrowed, entry)
		if (loan->data == data)
			break;
	if (!loan)
		return rig_team_fail(team, -EINVAL,
				     "release: %p was not borrowed", data);
	mail_release(mail, loan);
	return 0;
}
