/* SPDX-License-Identifier: MIT */
/*
 * mail.h - a rank's messages: what is posted, what has come, what goes on.
 */
#ifndef RUNRIG_MAIL_H
#define RUNRIG_MAIL_H

#include <sys/queue.h>

#include <runrig/message.h>

#include "team/rank.h"
#include "team/tray.h"

/* How a message travels; slot_shm.kind. */
enum mail_kind {
	MAIL_INLINE, /* in the slot */
	MAIL_TRAY,   /* through a tray of the sender's */
	MAIL_LENT,   /* read where it is */
	MAIL_BARE    /* the sender has no tray: the receiver gives one */
};

/* In the payload of all but the first. */
struct parcel {
	uint64_t bytes;
	uint64_t offset;  /* of the tray, or of what is lent */
	uint32_t segment; /* index + 1, of what is lent */
	uint32_t loan;    /* index */
	uint32_t lent;    /* 1: it stays at its sender until a receive asks */
	uint64_t room;    /* of the tray */
};
_Static_assert(sizeof(struct parcel) <= SLOT_PAYLOAD, "fits a slot");

enum mail_stage {
	STAGE_QUEUED,  /* a send that is not posted yet */
	STAGE_LOAN,    /* waits for the receiver's answer */
	STAGE_FILL,    /* fills a tray */
	STAGE_POSTED,  /* a receive without a message */
	STAGE_LANDING, /* waits for this rank's landing */
	STAGE_DRAIN,   /* drains a tray */
	STAGE_STRAY,   /* waits for the copy of a stray */
	STAGE_DONE
};

/*
 * In this process: begun, and in one list until it is complete.  Peers are ranks
 * of the host.  Behind the last rank's seat is the gateway's, and the numbers from
 * there on are ranks of the world of all hosts: see mail_far().
 */
struct rig_request {
	TAILQ_ENTRY(rig_request) entry;
	struct schedule *schedule; /* it is all of that; NULL: a message */
	struct rig_request *after; /* to the same peer, queued as well */
	struct rig_request *next;  /* of the gateway's own */
	uint32_t far;              /* as in slot_shm */
	enum mail_stage stage;
	int code;
	uint32_t context;
	int peer; /* or RIG_ANY_SOURCE */
	int tag;
	int from; /* this rank, in its team */
	bool lend;
	bool sync; /* a send that is complete when a receive has asked for it */
	bool borrow;
	bool copies;           /* a stray; it is the library's own */
	struct message *stray; /* whose copy it waits for */
	char *buffer;
	uint64_t bytes; /* of a send, or that there is room for */
	uint64_t moved;
	uint64_t whole; /* of the message that is received */
	struct tray_shm *tray;
	size_t room;
	bool bypass; /* the tray is filled past the caches */
	uint32_t loan;
	struct rig_status status;
};
TAILQ_HEAD(mail_requests, rig_request);

/* In this process: a message that no receive has asked for yet.  Where its
 * sender would be held up until then, it is received into memory of our own. */
struct message {
	TAILQ_ENTRY(message) entry;
	int peer;
	struct rig_request *copy; /* that does so; NULL: none */
	bool holds;               /* its sender waits for somebody to ask */
	struct slot_shm slot;     /* a copy */
};
TAILQ_HEAD(mail_messages, message);

/* In this process: of another seat. */
struct peer {
	struct channel_writer out; /* no channel: not begun in this run */
	struct channel_reader in;
	struct rig_request *queue; /* sends to it that are not posted yet */
	struct rig_request *last;  /* of those */
	int wanted;                /* receives posted for it alone */
	int held; /* strays that it waits for, and are not copied */
};

/* In this process. */
struct loan {
	TAILQ_ENTRY(loan) entry;
	const void *data;
	int peer; /* who gave it; -1: it is ours, to be freed */
	uint32_t index;
};
TAILQ_HEAD(mail_loans, loan);

struct mail {
	struct rank *owner;
	bool used;    /* in this run */
	bool careful; /* see mailbox_set() */
	struct mailbox_shm *box;
	struct peer *peers;    /* one a seat: mail_peer() */
	struct way_sent *sent; /* likewise; kept from run to run */
	int *sources;          /* peers whose channel to here has begun */
	int source_count;
	int turn;       /* which of them is looked at first */
	int any;        /* which of several requests is, by any of them */
	int wanted_any; /* receives posted for any of them */
	int open;       /* requests that are not complete */
	int copying;    /* strays of those */
	bool greedy;    /* reads what nobody wants */
	bool landing;   /* in use */
	/* At the gateway's seat: what ranks send to other hosts, in the order in
	 * which the messages came. */
	bool is_gateway;
	struct rig_request *outbound, **outbound_end;
	uint32_t lent; /* the loan given last */
	bool *loans;   /* given, of loans_of(size) */
	struct trays trays;
	struct mail_requests sends, posted, incoming;
	/* Those that mail_take() has taken out are in `matched`. */
	struct mail_messages strays, matched, taken, spare;
	struct mail_requests idle; /* to be used again */
	struct mail_loans borrowed;
	TAILQ_HEAD(, schedule) schedules; /* all there are */
};

/* The number, as a peer, of a rank of another host. */
static inline int mail_far(const struct rank *owner, int world_rank)
{
	return owner->size + 1 + world_rank;
}

/* The seat whose channels lead to a peer. */
static inline int mail_seat(const struct rank *owner, int peer)
{
	return peer > owner->size ? owner->size : peer;
}

static inline struct peer *mail_peer(const struct mail *mail, int peer)
{
	return &mail->peers[mail_seat(mail->owner, peer)];
}

/* Beside rig_team.id, in a context: not the kernel's own.  Tags below are of
 * exchanges, the others of schedules. */
#define MAIL_APART UINT32_C(0x80000000)
#define MAIL_TAGS  (2 * RIG_DIMS_MAX)

/* This rank's, made when first asked for; NULL: no memory. */
struct mail *mail_of(struct rig_team *team);

/* Begin it; it may be complete at once. */
void mail_send(struct mail *mail, struct rig_request *request);
void mail_receive(struct mail *mail, struct rig_request *request);

/* Whatever can be done now; returns whether anything was. */
bool mail_progress(struct mail *mail);

/* This rank looks again and again, and has found nothing: others may run. */
void mail_polls(const struct mail *mail);

/* Get on with it until `over` says so; false: the team has ended before. */
bool mail_wait(struct mail *mail, bool (*over)(void *arg), void *arg);

/* The team has ended: no request goes on, nor is looked at again.  The memory of
 * requests is their holders'. */
void mail_abandon(struct mail *mail);

/* The message that a receive would get, if it has come; else NULL. */
const struct message *mail_find(struct mail *mail, uint32_t context, int source,
				int tag);
size_t mail_bytes(const struct slot_shm *slot);

/*
 * Take the message out that a receive would get, so that no other receive gets it;
 * NULL: none has come.  receive_taken gives it to a receive, once.
 */
struct message *mail_take(struct mail *mail, uint32_t context, int source,
			  int tag);
void mail_receive_taken(struct mail *mail, struct rig_request *request,
			struct message *message);

/* End a receive that no message has met: false: one has, or it is none. */
bool mail_cancel(struct mail *mail, struct rig_request *request);

/* In this process: one of the blocks that ranks exchange. */
struct mail_block {
	int rank; /* in the team */
	int tag;
	char *data;
	size_t bytes;
};

/* At most 2 * RIG_DIMS_MAX each way. */
struct mail_exchange {
	struct mail_block *send;
	struct mail_block *recv;
	int count;
};

/* Do all of it, apart from the kernel's own messages; the kernel calls `verb`
 * from `where`.  0, or as rig_team_recv(). */
int mail_exchange(struct rig_team *team, const struct mail_exchange *exchange,
		  unsigned verb, const void *where);

/* Does it lie where every rank can read it? */
bool mail_lendable(struct rig_team *team, const void *data, size_t bytes);

/* The lender has back what it lent. */
void mail_give_back(struct mail *mail, int peer, uint32_t index);

/* Give back what was borrowed. */
void mail_release(struct mail *mail, struct loan *loan);
void mail_release_of(struct mail *mail, const struct rig_request *request);

/*
 * The caller's: mail at the gateway's seat, of a rank that is none.  NULL: no
 * memory.  Begin a run, while no worker is in one: what was left of the last run
 * goes, and is freed.
 */
struct mail *mail_gateway_make(struct rank *owner);
void mail_gateway_begin(struct mail *mail);
void mail_gateway_free(struct mail *mail);

/* The next message that a rank sends to another host, all of it: its memory is
 * the taker's.  NULL: none is complete. */
struct rig_request *mail_gateway_take(struct mail *mail);

/* Has this rank requests that are not complete? */
static inline int mail_open(const struct rank *rank)
{
	const struct mail *mail = rank->mail;

	return mail ? mail->open : 0;
}

/* See to the requests until *word >= target.  The word is one of rank_await();
 * or a barrier's, which the report has as `shown`, and nobody rings for it. */
COLD void mail_await(struct rank *rank, const _Atomic uint64_t *word,
		     uint64_t target);
void mail_await_barrier(struct rank *rank, const _Atomic uint64_t *word,
			uint64_t target, uint64_t shown);

/* The kernel has returned: 0, or -EINVAL where requests are not complete. */
int mail_end_job(struct rank *rank);
void mail_begin_job(struct rank *rank);
void mail_all_done(struct rank *rank);

/* Free all of it: the rank is none any more. */
void mail_free(struct rank *rank);

#endif
