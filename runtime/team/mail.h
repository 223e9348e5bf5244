/* SPDX-License-Identifier: MIT */
/*
 * mail.h - a rank's messages: those that are posted, have come, or go on.
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
	MAIL_LENT,   /* read in place */
	MAIL_BARE    /* the sender has no tray: the receiver gives one */
};

/* In the payload of a slot of any kind but MAIL_INLINE. */
struct parcel {
	uint64_t bytes;
	uint64_t offset;  /* place of the tray, or of the lent bytes */
	uint32_t segment; /* index + 1, of the lent bytes */
	uint32_t loan;    /* index */
	uint32_t lent;    /* 1: the bytes stay until a receive asks */
	uint64_t room;    /* bytes in the tray */
};
_Static_assert(sizeof(struct parcel) <= SLOT_PAYLOAD, "fits a slot");

enum mail_stage {
	STAGE_QUEUED,  /* a send that is not posted yet */
	STAGE_LOAN,    /* waits for the receiver's answer */
	STAGE_FILL,    /* fills a tray */
	STAGE_PLACE,   /* of the gateway: waits for bytes of another host */
	STAGE_POSTED,  /* a receive without a message */
	STAGE_LANDING, /* waits for this rank's landing */
	STAGE_DIRECT,  /* the caller puts the bytes where they are wanted */
	STAGE_DRAIN,   /* drains a tray */
	STAGE_STRAY,   /* waits for the copy of a stray */
	STAGE_DONE
};

/*
 * In this process: a send or a receive that has begun, and is in one list until
 * complete.  Peers are ranks of the host.  Behind the last rank's seat is the
 * gateway's seat, and higher numbers are ranks of the world of all hosts: see
 * mail_far().
 */
struct rig_request {
	TAILQ_ENTRY(rig_request) entry;
	struct schedule *schedule; /* a collective; NULL: a message */
	struct rig_request *after; /* the next queued send to the peer */
	struct rig_request *next;  /* in the gateway's list */
	uint32_t far;              /* as in slot_shm */
	enum mail_stage stage;
	int code;
	uint32_t context;
	int peer; /* or RIG_ANY_SOURCE */
	int tag;
	int from; /* this rank, in its team */
	bool lend;
	bool sync; /* a send, complete when a receive has asked */
	bool borrow;
	bool copies; /* the library's own receive of a stray */
	/* At the gateway: the bytes of a message from another host are yet to be
	 * received; and the place for the bytes has been told. */
	void *token;
	bool told;
	void *bounce; /* of a rank: a block of its heap, with the bytes */
	bool direct;  /* the place is a rank's memory */
	bool orphan;  /* the run has ended: no rank waits */
	struct message *stray; /* the message whose copy is awaited */
	char *buffer;
	uint64_t bytes; /* bytes of a send, or of the receive's buffer */
	uint64_t moved;
	uint64_t whole; /* bytes of the received message */
	struct tray_shm *tray;
	size_t room;
	bool bypass; /* the tray is filled past the caches */
	uint32_t loan;
	struct rig_status status;
};
TAILQ_HEAD(mail_requests, rig_request);

/* In this process: a stray, which no receive has asked for yet.  Where the sender
 * would be held up, the rank receives the stray into memory of its own. */
struct message {
	TAILQ_ENTRY(message) entry;
	int peer;
	struct rig_request *copy; /* the receive into own memory; NULL: none */
	bool holds;               /* the sender waits until a receive asks */
	struct slot_shm slot;     /* a copy */
};
TAILQ_HEAD(mail_messages, message);

/* In this process: the channels from and to another seat. */
struct peer {
	struct channel_writer out; /* no channel: not begun in this run */
	struct channel_reader in;
	struct rig_request *queue; /* sends to the peer, not posted yet */
	struct rig_request *last;  /* in the queue */
	int wanted;                /* receives posted for this peer alone */
	int held; /* strays that hold the peer up, and are not copied */
};

/* In this process: bytes that this rank has borrowed. */
struct loan {
	TAILQ_ENTRY(loan) entry;
	const void *data;
	int peer; /* the lender; -1: memory of the rank's own, to be freed */
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
	int turn;       /* the source that is looked at first */
	int any;        /* the request that waitany() looks at first */
	int wanted_any; /* receives posted for any source */
	int open;       /* requests that are not complete */
	int copying;    /* open requests that receive strays */
	int offers;     /* strays from another host whose bytes wait there */
	bool greedy;    /* read messages that no receive wants */
	bool landing;   /* the landing tray is in use */
	/* At the gateway's seat: messages of ranks to other hosts, in the order of
	 * arrival. */
	bool is_gateway;
	bool in_place; /* hands on messages that lie in memory of ranks */
	struct rig_request *outbound, **outbound_end;
	uint32_t lent; /* the loan given last */
	bool *loans;   /* given, of loans_of(size) */
	struct trays trays;
	struct mail_requests sends, posted, incoming;
	/* `matched`: the messages that mail_take() has taken out. */
	struct mail_messages strays, matched, taken, spare;
	struct mail_requests idle; /* memory for later requests */
	struct mail_loans borrowed;
	TAILQ_HEAD(, schedule) schedules; /* schedules of all teams */
};

/* Messages to and from ranks of other hosts that are at least this long are sent from
 * shared memory and received into shared memory without a copy. */
#define FAR_BYTES ((size_t)32 << 10)

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

/* Added to rig_team.id in the context of the library's own messages.  Tags below
 * MAIL_TAGS belong to exchanges, higher tags to schedules. */
#define MAIL_APART UINT32_C(0x80000000)
#define MAIL_TAGS  (2 * RIG_DIMS_MAX)

/* The mail of this rank, made at the first call; NULL: no memory. */
struct mail *mail_of(struct rig_team *team);

/* Begin a request, which may be complete at once. */
void mail_send(struct mail *mail, struct rig_request *request);
void mail_receive(struct mail *mail, struct rig_request *request);

/* Move all mail on as far as possible now; returns whether anything moved. */
bool mail_progress(struct mail *mail);

/* This rank looks again and again, and has found nothing: let other ranks run. */
void mail_polls(const struct mail *mail);

/* Move the mail on until `over` returns true; false: the team has ended before.  After
 * true `over` is not called again: `over` may take what was found. */
bool mail_wait(struct mail *mail, bool (*over)(void *arg), void *arg);

/* The team has ended: no request goes on, nor is looked at again.  The memory of a
 * request belongs to the holder of the request. */
void mail_abandon(struct mail *mail);

/* The message that a receive would get; NULL: no such message has come. */
const struct message *mail_find(struct mail *mail, uint32_t context, int source,
				int tag);
size_t mail_bytes(const struct slot_shm *slot);

/*
 * Take out the message that a receive would get, so that no other receive gets the
 * message; NULL: none has come.  mail_receive_taken() gives the message to a receive,
 * once.
 */
struct message *mail_take(struct mail *mail, uint32_t context, int source,
			  int tag);
void mail_receive_taken(struct mail *mail, struct rig_request *request,
			struct message *message);

/* End a receive that no message has met.  False: a message has met the receive, or the
 * request is no receive. */
bool mail_cancel(struct mail *mail, struct rig_request *request);

/* In this process: a block that two ranks exchange. */
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

/* Exchange all blocks, apart from the kernel's own messages; the kernel calls `verb`
 * from `where`.  0, or as rig_team_recv(). */
int mail_exchange(struct rig_team *team, const struct mail_exchange *exchange,
		  unsigned verb, const void *where);

/* Does the data lie in memory that every rank can read? */
bool mail_lendable(struct rig_team *team, const void *data, size_t bytes);

/* Answer the lender: the bytes are read. */
void mail_give_back(struct mail *mail, int peer, uint32_t index);

/* Give back borrowed bytes. */
void mail_release(struct mail *mail, struct loan *loan);
void mail_release_of(struct mail *mail, const struct rig_request *request);

/*
 * The caller's mail at the gateway's seat; `owner` is no rank of the team.  make
 * returns NULL where memory is out.  begin begins a run, while no worker is in a run,
 * and frees the messages of the last run.
 */
struct mail *mail_gateway_make(struct rank *owner);
void mail_gateway_begin(struct mail *mail);
void mail_gateway_free(struct mail *mail);

/* The next message of a rank to another host, when all bytes are there; the taker
 * frees the request and its buffer.  Where request->lend is set, the buffer is memory
 * of the ranks: the taker calls mail_give_back().  NULL: no message is complete. */
struct rig_request *mail_gateway_take(struct mail *mail);

/* The bytes of the request, whose stage was STAGE_PLACE, lie in request->buffer. */
void mail_gateway_placed(struct mail *mail, struct rig_request *request);

/* How many requests of this rank are not complete? */
static inline int mail_open(const struct rank *rank)
{
	const struct mail *mail = rank->mail;

	return mail ? mail->open : 0;
}

/* Move the requests on until *word >= target.  The word is a word of rank_await(); or
 * a barrier's, for which no rank rings, and which the report has as `shown`. */
COLD void mail_await(struct rank *rank, const _Atomic uint64_t *word,
		     uint64_t target);
void mail_await_barrier(struct rank *rank, const _Atomic uint64_t *word,
			uint64_t target, uint64_t shown);

/* The kernel has returned: 0, or -EINVAL where requests are open.  Then the next job
 * begins; and the last rank to finish the run resets the team's part. */
int mail_end_job(struct rank *rank);
void mail_begin_job(struct rank *rank);
void mail_all_done(struct rank *rank);

/* Free all mail of a process that is no rank any more. */
void mail_free(struct rank *rank);

#endif
