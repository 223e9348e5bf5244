/* SPDX-License-Identifier: MIT */
/*
 * bcast.c - the root's elements, in every rank.
 *
 * The root offers the elements piece by piece, and every rank reads the pieces there:
 * the root goes on to the next pieces while the others copy.  Elements in a segment
 * are offered all at once.  Elements that fit a line are handed on in a tree where
 * there are many ranks, numbered from the root.
 */
#include <errno.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>

#include "team/call.h"
#include "team/wide.h"

/* A piece of the `left` bytes at `data`, or all: *bytes is how many. */
static int read_root(struct call *call, char *data, size_t left, size_t *bytes,
		     int root)
{
	const void *found;

	*bytes = left < CALL_PIECE ? left : CALL_PIECE;
	if (call->team->rank == root) {
		if (call_offer_lent(call, data, left))
			*bytes = left;
		else
			call_offer(call, data, *bytes, false);
		return 0;
	}
	found = call_see(call, root, *bytes);
	if (!found)
		return -EINVAL;
	if (*bytes > LINE_PAYLOAD)
		*bytes = call->there;
	/* The very same place, where the segment is shared. */
	if (found != data)
		call_copy(data, found, *bytes);
	return 0;
}

/* The tree numbers the ranks from the root on. */
static int read_parent(struct call *call, char *data, size_t bytes, int root)
{
	const int size = call->team->size;
	const int from_root = (call->team->rank - root + size) % size;
	const void *found;

	if (from_root) {
		found = call_hear(
			call, (tree_parent(from_root, TREE_FAN) + root) % size,
			bytes);
		if (!found)
			return -EINVAL;
		memcpy(data, found, bytes);
	}
	call_answer(call, data, bytes, false);
	return 0;
}

static int bcast(struct rig_team *team, char *data, size_t bytes, int root)
{
	bool tree = team->size > CALL_FLAT && bytes <= LINE_PAYLOAD;
	bool lent = false;
	size_t done = 0;
	int r = 0;

	way_enter(team, WAY_BCAST, bytes);
	do {
		struct call call = call_begin(team);
		size_t n = bytes;

		r = tree ? read_parent(&call, data, bytes, root)
			 : read_root(&call, data + done, bytes - done, &n,
				     root);
		if (r < 0)
			break;
		call_end(&call, false);
		lent |= call.lent;
		done += n;
	} while (done < bytes);
	return call_leave(team, lent, r);
}

/* The team has ranks of several hosts. */
COLD static int bcast_wide(struct rig_team *team, const struct terms *terms,
			   void *buffer, size_t bytes, const void *where)
{
	struct rig_request **request = wide_enter(team, terms, where);

	return wide_leave(team,
			  team == team->owner->wide.world
				  ? wide_bcast(team, buffer, bytes, terms->root)
				  : rig_team_ibcast(team, buffer, terms->count,
						    terms->type, terms->root,
						    request));
}

int rig_team_bcast(struct rig_team *team, void *buffer, size_t count, int type,
		   int root)
{
	const struct terms terms = {
		.verb = VERB_BCAST, .count = count, .type = type, .root = root
	};
	size_t item, bytes;
	int r = terms_check(team, &terms, &item, &bytes);

	if (r < 0)
		return r;
	if (team->wide)
		return bcast_wide(team, &terms, buffer, bytes,
				  __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	return bcast(team, buffer, bytes, root);
}
