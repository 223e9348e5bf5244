/* SPDX-License-Identifier: MIT */
/*
 * message.h - MPI's point-to-point verbs between two ranks of a team.
 *
 * Names, argument order and meaning are MPI's, but the team comes first, counts
 * are size_t, and errors are negative.  All functions are for workers, within a
 * kernel.
 *
 * A message goes to one rank of the team with a tag, 0 or more.  It is received
 * by the first receive, in the order in which these were posted, that asks for
 * its team, its source (or RIG_ANY_SOURCE) and its tag (or RIG_ANY_TAG); and of
 * the messages of one source that a receive would take it gets the one that was
 * sent first.
 *
 * A send returns when its buffer is the caller's again, and as in MPI that may
 * be before anybody has received the message, or only then.  At least 32 short
 * ones (40 bytes) may be under way from one rank to another, and some long
 * ones; what lies in a segment of the job and has 4 KiB or more is read there,
 * so the send waits for its receiver.  Messages move on while a rank waits in
 * any function of a team; not while it computes.
 *
 * However many messages stand before the one that a rank waits for, these are
 * received, as long as there is memory: those that would hold up their sender
 * are copied to memory of the library's until a receive asks for them.  (What is
 * lent by rig_team_lend() is never copied: of loans one rank may have 1024.)
 *
 * A receive whose buffer is shorter than the message returns -EMSGSIZE; the
 * message is gone, and its beginning is in the buffer.  Otherwise a function
 * returns 0 or
 *
 *	-EINVAL   an argument is out of range
 *	-ENOMEM   no memory for a request.  Where there is none for a message
 *	          that no receive has asked for yet, the run fails so
 *
 * Where all wait for messages that nobody sends, or for receivers that do not
 * come, the run fails with -EDEADLK, and the report says who waits for what.
 * What nobody has received when the run ends is dropped.  A kernel that returns
 * with requests that are not complete fails (-EINVAL).
 */
#ifndef RUNRIG_MESSAGE_H
#define RUNRIG_MESSAGE_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIG_ANY_SOURCE (-1)
#define RIG_ANY_TAG    (-1)

/* As source or destination: nobody.  The call does nothing; a receive has the
 * status of a message of 0 bytes from RIG_PROC_NULL with RIG_ANY_TAG. */
#define RIG_PROC_NULL (-2)

/* What was received.  Wherever one is asked for, NULL will do. */
struct rig_status {
	int source; /* rank in the team */
	int tag;
	size_t bytes; /* of the message */
	int code;     /* 0 or -EMSGSIZE */
};

/* Something begun; in this process.  Who began it waits or tests until it is
 * complete, which sets the pointer to NULL.  NULL is complete. */
struct rig_request;

/* Waits until the message is under way, see above. */
RIG_API int rig_team_send(struct rig_team *team, const void *buffer,
			  size_t count, int type, int dest, int tag);

/* Waits for the message. */
RIG_API int rig_team_recv(struct rig_team *team, void *buffer, size_t count,
			  int type, int source, int tag,
			  struct rig_status *status);

/* Both at once, in whichever order they can be done. */
RIG_API int rig_team_sendrecv(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, int dest,
			      int send_tag, void *recv, size_t recv_count,
			      int recv_type, int source, int recv_tag,
			      struct rig_status *status);

/* Wait until there is a message that a receive would get now, and tell about
 * it.  iprobe never waits, and says in *found whether there is.  Of any source
 * they take turns. */
RIG_API int rig_team_probe(struct rig_team *team, int source, int tag,
			   struct rig_status *status);
RIG_API int rig_team_iprobe(struct rig_team *team, int source, int tag,
			    bool *found, struct rig_status *status);

/* Begin, and set *request.  The buffer is not touched until it is complete. */
RIG_API int rig_team_isend(struct rig_team *team, const void *buffer,
			   size_t count, int type, int dest, int tag,
			   struct rig_request **request);
RIG_API int rig_team_irecv(struct rig_team *team, void *buffer, size_t count,
			   int type, int source, int tag,
			   struct rig_request **request);

/* Wait for one, for all of them, or for any: *index is which, -1 where all are
 * NULL; of those that are complete the next after the one that was given last.
 * Of all, each has its status, and the first failure is returned. */
RIG_API int rig_team_wait(struct rig_team *team, struct rig_request **request,
			  struct rig_status *status);
RIG_API int rig_team_waitall(struct rig_team *team, int count,
			     struct rig_request **requests,
			     struct rig_status *statuses);
RIG_API int rig_team_waitany(struct rig_team *team, int count,
			     struct rig_request **requests, int *index,
			     struct rig_status *status);

/*
 * Wait until at least one is complete, and take all that are: *completed is how
 * many, indices[0] on which, statuses[0] on what became of each (room for
 * `count`).  RIG_UNDEFINED in *completed where all are NULL.  Returns the first
 * failure.  testsome never waits: *completed may be 0.
 */
RIG_API int rig_team_waitsome(struct rig_team *team, int count,
			      struct rig_request **requests, int *completed,
			      int *indices, struct rig_status *statuses);
RIG_API int rig_team_testsome(struct rig_team *team, int count,
			      struct rig_request **requests, int *completed,
			      int *indices, struct rig_status *statuses);

/* The same without waiting: *done says whether it was so.  Where ranks are more
 * than CPUs, and nothing is found, others run first. */
RIG_API int rig_team_test(struct rig_team *team, struct rig_request **request,
			  bool *done, struct rig_status *status);
RIG_API int rig_team_testall(struct rig_team *team, int count,
			     struct rig_request **requests, bool *done,
			     struct rig_status *statuses);
RIG_API int rig_team_testany(struct rig_team *team, int count,
			     struct rig_request **requests, int *index,
			     bool *done, struct rig_status *status);

/*
 * Lend what lies in a segment of the job: a send of which nothing is copied.
 * The request is complete when the receiver has given it back; until then
 * neither writes there.  -EINVAL also where the buffer is in no segment.
 */
RIG_API int rig_team_lend(struct rig_team *team, const void *buffer,
			  size_t count, int type, int dest, int tag,
			  struct rig_request **request);

/*
 * Wait for a message and get at it where it is: *data is valid, to be read,
 * until rig_team_release() gives it back (-EINVAL: it was not borrowed).  What
 * was sent and not lent is in memory of the library's.  A lent message may be
 * received by rig_team_recv() as well.
 */
RIG_API int rig_team_borrow(struct rig_team *team, const void **data,
			    int source, int tag, struct rig_status *status);
RIG_API int rig_team_release(struct rig_team *team, const void *data);

#ifdef __cplusplus
}
#endif

#endif
