/* SPDX-License-Identifier: MIT */
/*
 * message.h - MPI's point-to-point verbs between two ranks of a team.
 *
 * Names, argument order and meaning are MPI's, but the team comes first, counts
 * are size_t, and errors are negative.  All functions are for workers, within a
 * kernel.
 *
 * A message goes to a rank of the team with a tag, 0 or more.  A receive asks
 * for a team, a source (or RIG_ANY_SOURCE) and a tag (or RIG_ANY_TAG).  A
 * message goes to the first receive, in the order in which the receives were
 * posted, that asks for the message's team, source and tag.  Among the messages
 * of a source that fit a receive, the receive gets the message that was sent
 * first.
 *
 * A send returns when its buffer is the caller's again.  As in MPI a send may
 * return before anybody has received the message, or only afterwards.  At least
 * 32 short messages (40 bytes) may be under way from a rank to another, and
 * some long messages.  A message of 4 KiB or more in a segment of the job is
 * read there, and the send waits for the receiver.  Messages move on while a
 * rank waits in any function of a team; not while the rank computes.
 *
 * A rank receives the message that the rank waits for, however many messages
 * stand before, as long as there is memory: a message that would hold up its
 * sender is copied to memory of the library's until a receive asks for the
 * message.  (A message lent by rig_team_lend() is never copied; a rank may have
 * 1024 loans.)
 *
 * A receive whose buffer is shorter than the message returns -EMSGSIZE; the
 * message is gone, and its beginning is in the buffer.  Otherwise a function
 * returns 0 or
 *
 *	-EINVAL   an argument is out of range
 *	-ENOMEM   no memory for a request.  The run fails with -ENOMEM where
 *	          there is no memory for a message that no receive has asked for
 *
 * Where all ranks wait for messages that nobody sends, or for receivers that do
 * not come, the run fails with -EDEADLK, and the report tells each rank's wait.
 * A message that nobody has received when the run ends is dropped.  A kernel
 * that returns with an incomplete request fails (-EINVAL).
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

/* The facts of a received message.  Wherever a function takes a status, NULL is
 * allowed. */
struct rig_status {
	int source; /* rank in the team */
	int tag;
	size_t bytes; /* bytes of the message */
	int code;     /* 0 or -EMSGSIZE */
};

/* A send, receive or verb that has begun; in this process.  The rank that began
 * the request waits or tests until the request is complete, which sets the
 * pointer to NULL.  NULL is complete. */
struct rig_request;

/* Waits until the message is under way, see above. */
RIG_API int rig_team_send(struct rig_team *team, const void *buffer,
			  size_t count, int type, int dest, int tag);

/* The same, and waits until a receive has asked for the message: then the receiver
 * has come so far.  -EOPNOTSUPP in a team of several hosts. */
RIG_API int rig_team_ssend(struct rig_team *team, const void *buffer,
			   size_t count, int type, int dest, int tag);

/* Waits for the message. */
RIG_API int rig_team_recv(struct rig_team *team, void *buffer, size_t count,
			  int type, int source, int tag,
			  struct rig_status *status);

/* A send and a receive at once, in whichever order is possible.  -EINVAL also where
 * the two buffers share a byte, and neither rank is RIG_PROC_NULL. */
RIG_API int rig_team_sendrecv(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, int dest,
			      int send_tag, void *recv, size_t recv_count,
			      int recv_type, int source, int recv_tag,
			      struct rig_status *status);

/* Wait until there is a message that a receive would get now, and set *status
 * to the message's facts.  iprobe never waits, and sets *found to whether there
 * is a message.  With RIG_ANY_SOURCE the sources take turns. */
RIG_API int rig_team_probe(struct rig_team *team, int source, int tag,
			   struct rig_status *status);
RIG_API int rig_team_iprobe(struct rig_team *team, int source, int tag,
			    bool *found, struct rig_status *status);

/*
 * The same, and the message is taken out: no other receive gets it, whatever thread
 * or library of this rank makes one.  *message names it until mrecv or imrecv, once,
 * receives it (as rig_team_recv() and rig_team_irecv()) and sets *message to NULL.  A
 * message that nobody has received goes with the run.  -EINVAL: *message is NULL.
 */
struct rig_message;
RIG_API int rig_team_mprobe(struct rig_team *team, int source, int tag,
			    struct rig_message **message,
			    struct rig_status *status);
RIG_API int rig_team_improbe(struct rig_team *team, int source, int tag,
			     bool *found, struct rig_message **message,
			     struct rig_status *status);
RIG_API int rig_team_mrecv(struct rig_team *team, void *buffer, size_t count,
			   int type, struct rig_message **message,
			   struct rig_status *status);
RIG_API int rig_team_imrecv(struct rig_team *team, void *buffer, size_t count,
			    int type, struct rig_message **message,
			    struct rig_request **request);

/* Begin, and set *request.  Leave the buffer alone until the request is
 * complete. */
RIG_API int rig_team_isend(struct rig_team *team, const void *buffer,
			   size_t count, int type, int dest, int tag,
			   struct rig_request **request);
RIG_API int rig_team_irecv(struct rig_team *team, void *buffer, size_t count,
			   int type, int source, int tag,
			   struct rig_request **request);
/* As rig_team_ssend(), begun: complete when a receive has asked for the message. */
RIG_API int rig_team_issend(struct rig_team *team, const void *buffer,
			    size_t count, int type, int dest, int tag,
			    struct rig_request **request);

/*
 * Take back a receive that no message has met.  *cancelled: true, and *request is
 * gone and NULL; false, a message has met it, or the request is a send's: wait for
 * it.  -EINVAL: the request is NULL, or of a collective call.  Never waits.
 */
RIG_API int rig_team_cancel(struct rig_team *team, struct rig_request **request,
			    bool *cancelled);

/* Wait for a request, for all requests, or for any request.  waitany sets
 * *index to a complete request, or -1 where all requests are NULL; where
 * several are complete, to the next after the request of the last call.
 * waitall sets the status of each request, and returns the first failure. */
RIG_API int rig_team_wait(struct rig_team *team, struct rig_request **request,
			  struct rig_status *status);
RIG_API int rig_team_waitall(struct rig_team *team, int count,
			     struct rig_request **requests,
			     struct rig_status *statuses);
RIG_API int rig_team_waitany(struct rig_team *team, int count,
			     struct rig_request **requests, int *index,
			     struct rig_status *status);

/*
 * Wait until at least one request is complete, and take all complete requests:
 * *completed is their number, indices[0] and the following entries tell which
 * they are, and statuses[0] and the following entries their statuses (room for
 * `count`).  *completed is RIG_UNDEFINED where all requests are NULL.  Returns
 * the first failure.  testsome never waits: *completed may be 0.
 */
RIG_API int rig_team_waitsome(struct rig_team *team, int count,
			      struct rig_request **requests, int *completed,
			      int *indices, struct rig_status *statuses);
RIG_API int rig_team_testsome(struct rig_team *team, int count,
			      struct rig_request **requests, int *completed,
			      int *indices, struct rig_status *statuses);

/* The same without waiting: *done says whether a wait would have returned.
 * Where ranks are more than CPUs, a test that is not done lets other ranks run
 * first. */
RIG_API int rig_team_test(struct rig_team *team, struct rig_request **request,
			  bool *done, struct rig_status *status);
RIG_API int rig_team_testall(struct rig_team *team, int count,
			     struct rig_request **requests, bool *done,
			     struct rig_status *statuses);
RIG_API int rig_team_testany(struct rig_team *team, int count,
			     struct rig_request **requests, int *index,
			     bool *done, struct rig_status *status);

/*
 * Lend a buffer: a send that copies nothing.  The request is complete when the
 * receiver has given the buffer back; until then neither rank writes there.
 *
 * All of the buffer lies in memory that both ranks have mapped: in a segment of the
 * job (rig_team_data()), in memory of rig_team_alloc(), or in memory of
 * this rank's own heap (rig_heap_malloc() of rig_team_heap()).  -EINVAL for any other
 * memory: the stack, malloc(), memory of rig_team_segment().
 */
RIG_API int rig_team_lend(struct rig_team *team, const void *buffer,
			  size_t count, int type, int dest, int tag,
			  struct rig_request **request);

/*
 * Wait for a message, and set *data to the message's own place: the bytes may
 * be read until rig_team_release() gives the message back (-EINVAL: the message
 * was not borrowed).  A message that was sent, not lent, lies in memory of the
 * library's.  A lent message may be received by rig_team_recv() as well.
 */
RIG_API int rig_team_borrow(struct rig_team *team, const void **data,
			    int source, int tag, struct rig_status *status);
RIG_API int rig_team_release(struct rig_team *team, const void *data);

#ifdef __cplusplus
}
#endif

#endif
