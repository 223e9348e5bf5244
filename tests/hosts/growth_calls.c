/* SPDX-License-Identifier: MIT */
/*
 * growth_calls.c - for growth.c: what the verbs of the world call besides messages.
 * Verbs within a host return at once; nothing is folded, and no memory is looked at.
 */
#include <errno.h>

#include <runrig/collective.h>
#include <runrig/heap.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>

#include "growth.h"
#include "team/blocks.h"
#include "team/fold.h"
#include "team/match.h"
#include "team/rank.h"
#include "team/schedule.h"
#include "team/verb.h"

/* --- messages --- */

void *schedule_room(struct schedule *schedule, size_t bytes)
{
	(void)schedule;
	(void)bytes;
	return growth_data;
}

void schedule_copy(struct schedule *schedule, void *to, const void *from,
		   size_t bytes)
{
	(void)schedule;
	(void)to;
	(void)from;
	(void)bytes;
}

int rig_team_waitall(struct rig_team *team, int count,
		     struct rig_request **requests, struct rig_status *statuses)
{
	(void)statuses;
	for (int i = 0; i < count; i++)
		(void)rig_team_wait(team, &requests[i], NULL);
	return 0;
}

int rig_team_recv(struct rig_team *team, void *buffer, size_t count, int type,
		  int source, int tag, struct rig_status *status)
{
	struct rig_request *request = NULL;

	(void)rig_team_irecv(team, buffer, count, type, source, tag, &request);
	return rig_team_wait(team, &request, status);
}

/* --- verbs within a host --- */

int rig_team_barrier(struct rig_team *team)
{
	(void)team;
	return growth_within();
}

int rig_team_bcast(struct rig_team *team, void *buffer, size_t count, int type,
		   int root)
{
	(void)team;
	(void)buffer;
	(void)count;
	(void)type;
	(void)root;
	return growth_within();
}

int rig_team_reduce(struct rig_team *team, const void *send, void *recv,
		    size_t count, int type, int op, int root)
{
	(void)team;
	(void)send;
	(void)recv;
	(void)count;
	(void)type;
	(void)op;
	(void)root;
	return growth_within();
}

int rig_team_gather(struct rig_team *team, const void *send, size_t send_count,
		    int send_type, void *recv, size_t recv_count, int recv_type,
		    int root)
{
	(void)team;
	(void)send;
	(void)send_count;
	(void)send_type;
	(void)recv;
	(void)recv_count;
	(void)recv_type;
	(void)root;
	return growth_within();
}

int rig_team_scatter(struct rig_team *team, const void *send, size_t send_count,
		     int send_type, void *recv, size_t recv_count,
		     int recv_type, int root)
{
	(void)team;
	(void)send;
	(void)send_count;
	(void)send_type;
	(void)recv;
	(void)recv_count;
	(void)recv_type;
	(void)root;
	return growth_within();
}

/* --- other calls of the verbs --- */

int rig_team_fail(struct rig_team *team, int code, const char *format, ...)
{
	(void)team;
	(void)code;
	growth_cannot(format);
}

size_t rig_type_bytes(int type)
{
	return type == RIG_UINT8 ? 1 : 8;
}

struct rig_span rig_strip(size_t count, int rank, int size)
{
	const size_t n = (size_t)size, i = (size_t)rank;

	return (struct rig_span){
		count / n * i + (i < count % n ? i : count % n),
		count / n * (i + 1) + (i < count % n ? i + 1 : count % n)
	};
}

struct rig_heap *rig_team_heap(struct rig_team *team)
{
	return &team->owner->heap;
}

void *rig_heap_malloc(struct rig_heap *heap, size_t bytes)
{
	(void)heap;
	(void)bytes;
	return growth_data;
}

int rig_heap_free(struct rig_heap *heap, void *memory)
{
	(void)heap;
	(void)memory;
	return 0;
}

bool fold_has(int op, int type)
{
	(void)op;
	(void)type;
	return true;
}

bool fold_all_at_once(int op, int type)
{
	(void)op;
	(void)type;
	return false;
}

void fold(void *out, const void *a, const void *b, size_t count, int type,
	  int op)
{
	(void)out;
	(void)a;
	(void)b;
	(void)count;
	(void)type;
	(void)op;
}

void fold_all(void *out, const void *const *from, int count, size_t n, int type,
	      int op)
{
	(void)out;
	(void)from;
	(void)count;
	(void)n;
	(void)type;
	(void)op;
}

int blocks_check(struct rig_team *team, enum verb verb,
		 const struct blocks *send, int sends,
		 const struct blocks *recv, int receives)
{
	(void)team;
	(void)verb;
	(void)send;
	(void)sends;
	(void)recv;
	(void)receives;
	return 0;
}

int rank_other_thread(struct rank *rank, const char *name)
{
	(void)rank;
	growth_cannot(name);
}

void terms_refuse(struct rig_team *team, const struct terms *terms)
{
	(void)team;
	(void)terms;
	growth_cannot("terms are refused");
}

const char *verb_name(unsigned verb)
{
	(void)verb;
	return "a verb";
}

int rig_team_iallreduce(struct rig_team *team, const void *send, void *recv,
			size_t count, int type, int op,
			struct rig_request **request)
{
	(void)team;
	(void)send;
	(void)recv;
	(void)count;
	(void)type;
	(void)op;
	(void)request;
	growth_cannot("an allreduce of a sum that is exact");
}

int rig_team_ireduce(struct rig_team *team, const void *send, void *recv,
		     size_t count, int type, int op, int root,
		     struct rig_request **request)
{
	(void)root;
	return rig_team_iallreduce(team, send, recv, count, type, op, request);
}
