/* SPDX-License-Identifier: MIT */
/*
 * layout.h - every byte that processes share, drawn in one place.
 *
 * The team segment, one per pool, without a name:
 *
 *	+-------------------+ 0
 *	| control_shm       |  caller, warden: how a run ended     survives a crash
 *	| dispatch_shm      |  caller, workers: posted, done       survives a crash
 *	| job_shm           |  caller -> workers: segments, arguments
 *	| about_shm  x size |  warden -> caller: pids, where they were
 *	| mapped_shm x size |  each worker its own; caller reads
 *	| modules_shm x size|  each worker its own; caller reads; untouched, and
 *	|                   |  so zero, until one publishes what it has loaded
 *	| chain_shm         |  caller -> workers: jobs posted at once; rank 0 ->
 *	|                   |  caller: their results
 *	+-------------------+ dropped and laid out afresh after a crash:
 *	| rig_barrier       |  workers: the team's own barrier
 *	| team_shm          |  workers
 *	| rank_shm   x size |  each worker its own; caller and warden read
 *	+-------------------+ a page of its own; untouched, and so zero, until
 *	| member_shm x size |  somebody calls a collective; zero after a crash
 *	| heap_shm          |  member_shm of teams that were split off
 *	| stages     x size |  each worker its own; the others read
 *	| inbox_shm  x seat |  each worker its own; the others ring
 *	| loans      x seat |  each worker its own; who borrowed answers
 *	| trays      x seat |  each worker its own; the receiver reads
 *	| channels x seat^2 |  those to rank 0, to rank 1, ...: sender, receiver
 *	| parts      x size |  of the heap: whoever is given them
 *	+-------------------+ layout.bytes, rounded up to a huge page
 *	| heaps      x size |  each worker its own; the others read.  Pages come as
 *	|                   |  a rank asks for them, see team/heap.h
 *	+-------------------+ layout.map_bytes
 *
 * A rank has a seat, and behind the last rank's the caller has one: the gateway,
 * by which messages come from ranks of other hosts and go there.
 *
 * A segment made for a pool ends in a trailer, which trailer.h draws.
 */
#ifndef RUNRIG_LAYOUT_H
#define RUNRIG_LAYOUT_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/api.h>
#include <runrig/symmetric.h>

#include "base/atomic.h"
#include "objects/barrier.h"
#include "objects/channel.h"
#include "objects/dispatch.h"
#include "objects/trailer.h"
#include "base/error.h"
#include "base/size.h"

enum control_state {
	CONTROL_STARTING, /* the warden forks workers */
	CONTROL_READY,
	CONTROL_DEAD /* no workers, now or later */
};

/* In shared memory.  Written by the warden while no worker lives, before the
 * warden calls dispatch_done(); read by the caller after. */
struct control_shm {
	alignas(RIG_LINE) _Atomic uint32_t state; /* enum control_state */
	_Atomic uint32_t generation;              /* teams forked so far */
	int32_t warden; /* pid; written once by the warden */
	int32_t caller; /* pid; written by the caller */

	/* How the run `posted` ended, if not by itself. */
	uint32_t end;           /* enum rig_end; RIG_END_OK: by itself */
	int32_t rank;           /* the rank that died first; -1: none */
	int32_t wait_status;    /* wait status of `rank` */
	uint32_t out_of_memory; /* 1: the kernel killed for want of memory */
	int32_t code;           /* the failure when state is CONTROL_DEAD */
	uint32_t failed;        /* team_shm.failed of the ended team */
	uint64_t ended_ns;      /* when the run ended, on the clock */
	char why[WHY_BYTES];    /* words for `code` */
};

#define JOB_READ_ONLY 1u /* map the segment read-only */
#define JOB_HUGE      4u /* populate the segment with huge pages */
#define JOB_BARRIER   2u /* the trailer's barrier is this pool's */
#define JOB_FILE      8u /* not in /dev/shm: neither locked nor populated */

/* A segment of a job.  Written by the caller before the job is posted. */
struct job_segment_shm {
	uint64_t device; /* identity */
	uint64_t inode;
	uint64_t file_bytes; /* bytes to map */
	uint64_t data_bytes; /* the user's bytes in the file */
	uint64_t offset;     /* the window */
	uint64_t bytes;
	uint64_t stride; /* from a node's copy to the next; 0: a single copy */
	int32_t holder_fd; /* descriptor of the caller, or -1 */
	uint32_t flags;    /* JOB_... */
};

enum job_kind {
	JOB_START,     /* nothing to do: the worker is there */
	JOB_KERNEL,    /* words[JOB_FN] is the function */
	JOB_SYMBOL,    /* job_shm.symbol is path.so:symbol */
	JOB_MAP,       /* job_shm.map, by map_items() */
	JOB_POPULATE,  /* segment 0, in the spans of words[JOB_FN] */
	JOB_REPLICATE, /* copy segment 0 to each copy in segment 1 */
	JOB_FORGET,    /* unmap segment 0's file */
	JOB_QUIT
};

/* dispatch_shm.words */
enum {
	JOB_KIND,
	JOB_FN,
	JOB_SEGMENTS,
	JOB_ARGS_BYTES,
	JOB_BY_SOCKET,
	JOB_CHAIN /* jobs in chain_shm; 0: there is this job, and no other */
};

/* Jobs that are posted at once, and bytes of their arguments and results. */
#define CHAIN_JOBS_MAX   1024
#define CHAIN_ROOM_BYTES ((size_t)1 << 20)

/* One of them: what differs from job to job. */
struct chain_job_shm {
	uint64_t kind; /* enum job_kind */
	uint64_t fn;
	uint64_t limit_ns; /* 0: none */
	/* In `room`. */
	uint32_t args_at;
	uint32_t args_bytes;
	uint32_t result_at;
	uint32_t result_bytes;
};

/* In shared memory.  Written by the caller before the first job is posted, but for
 * `began_ns`, by the last rank to finish the job before, and results, each by
 * rank 0 at the end of its job. */
struct chain_shm {
	alignas(RIG_LINE) uint64_t limited; /* 1: a job has a limit */
	_Atomic uint64_t began_ns; /* when the job `posted` did, on the clock */
	struct chain_job_shm jobs[CHAIN_JOBS_MAX];
	alignas(RIG_LINE) unsigned char room[CHAIN_ROOM_BYTES];
};

/* The result of a rank that could not open a file through the caller's /proc:
 * the caller posts the job again with JOB_BY_SOCKET set, and passes every rank
 * all files of the caller's segments, file after file. */
#define JOB_HAND_OVER (-0x72696721) /* neither an errno nor a kernel's code */

/* In shared memory: a job that is a map.  Written by the caller before the job
 * is posted. */
struct map_shm {
	uint64_t fn; /* address of the function; 0: see job_shm.symbol */
	uint64_t count;
	uint64_t chunk;
	uint64_t item_bytes;   /* 0: the map has no items */
	uint64_t result_bytes; /* 0: the map has no results */
	/* Offsets in the last segment of the job, which is the map's. */
	uint64_t items_off;
	uint64_t results_off;
	uint64_t done_off;
	uint32_t has_segment;
	uint32_t again; /* some items are done, by an earlier try */
	/* Index + 1 of the first item to fail; by CAS from 0, by a worker. */
	alignas(RIG_LINE) _Atomic uint64_t failed;
};

/* In shared memory: a worker's progress in a map.  Written by the worker; set
 * to 0 by the caller before the job is posted. */
struct mapped_shm {
	alignas(RIG_LINE) _Atomic uint64_t done; /* items */
	_Atomic uint64_t at; /* index + 1 of the item in hand; 0: none */
};

/* In shared memory: a range of code in the memory of a rank. */
struct module_shm {
	uint64_t begin, end; /* addresses in the rank */
	uint64_t base;       /* the address of the file's address 0 there */
	uint64_t since_ns;   /* when the range was noted, on the clock */
	uint64_t born_ns;    /* when the noting process was born */
	uint32_t id_bytes;   /* bytes of the build-id; 0: there is none */
	unsigned char id[20];
	char path[448]; /* path of the file; "": too long */
};
_Static_assert(sizeof(struct module_shm) == 512, "a power of two");

/* Ranges that a rank notes, with the ranges of processes that took the rank's
 * place. */
#define MODULES_MAX 512

/* In shared memory: the code of a rank, where the caller has other code at the
 * same addresses: see modules.h.  Written by the rank, and by the process that
 * takes the rank's place after a death; the newest ranges replace the
 * oldest. */
struct modules_shm {
	_Atomic uint64_t count; /* ranges noted so far */
	uint64_t born_ns;       /* born_ns of the newest range */
	uint64_t calls;         /* where kernels are called from; 0: nowhere */
	char padding[512 - 24];
	struct module_shm ring[MODULES_MAX];
};

/* In shared memory: the hosts that run the job.  Written by the caller before the
 * job is posted. */
struct hosts_shm {
	int32_t count; /* 0: the job is this pool's alone */
	int32_t own;   /* this pool's number among the hosts */
	/* Memory that the caller reads and writes too: bit `segment`, as
	 * rank_segment(). */
	uint32_t in_place;
	/* The number in the world of each host's first rank; behind the last
	 * host's number, the size of the world. */
	int32_t firsts[RIG_HOSTS_MAX + 1];
};

/* In shared memory.  Written by the caller before the job is posted. */
struct job_shm {
	alignas(RIG_LINE) struct job_segment_shm segments[RIG_SEGMENTS_MAX];
	alignas(RIG_LINE) unsigned char args[RIG_ARGS_MAX];
	uint64_t owns; /* rig_job.owns, or 0; read when a worker attaches */
	char names[RIG_SEGMENTS_MAX][RIG_NAME_MAX + 1];
	char symbol[PAGE_BYTES];
	/* The symbol of `owns`, where workers are no forks of the caller; "":
	 * none. */
	char owns_symbol[PAGE_BYTES];
	struct map_shm map;
	struct hosts_shm hosts;
};

/* In shared memory.  Written by the warden: `pid` when the warden forks a team,
 * the other fields when the warden has ended a team; read by the caller. */
struct about_shm {
	int32_t pid;    /* the pid in the living team */
	int32_t was;    /* the pid in the ended team, as all that follows */
	uint32_t state; /* enum rig_state */
	int32_t code;
	uint64_t entered; /* barriers */
	uint64_t where;   /* return address; 0: none */
	uint64_t calls;   /* as in rank_shm */
	uint64_t unasked; /* as in rank_shm */
	uint32_t signal;  /* the fault that the handler saw; 0: none */
	int32_t signal_code;
	uint64_t address;
	uint64_t instruction;
	uint64_t offset;
	uint32_t segment; /* index + 1 of the fault's segment; 0: none */
	uint32_t reserved;
	char why[WHY_BYTES];
};

/* In shared memory, the team's. */
struct team_shm {
	/* Rank + 1 of the first rank to fail; by CAS from 0.  The caller resets
	 * the field between runs. */
	alignas(RIG_LINE) _Atomic uint32_t failed;
	/* 1: all ranks wait for each other. */
	_Atomic uint32_t deadlock;
	/* How a team has ended that nobody watches but its ranks, as ENDED();
	 * 0: it has not.  By CAS from 0, by the first rank to find out. */
	_Atomic uint32_t ended;
	/* Ranks that could not attach a segment of this job: not map it, not
	 * populate it.  The caller resets them likewise. */
	_Atomic uint32_t unattached[2];

	/* Calls of teams in this and every later run have higher numbers.  Set
	 * by the last to finish a run that had any. */
	_Atomic uint64_t base;
	/* 1: this run has had such calls; and messages. */
	_Atomic uint32_t called;
	_Atomic uint32_t mailed;
	/* 1: the team of all has shared work out in this run. */
	_Atomic uint32_t shared;
	/* Runs in which a rank failed: ranks may have made other calls.  Written
	 * by the last to finish such a run. */
	_Atomic uint32_t failures;
	/* 1: some rank has had something of its heap in this run. */
	_Atomic uint32_t heaped;

	/* Ranks asleep on words other than a barrier's: each adds itself. */
	alignas(RIG_LINE) _Atomic uint32_t sleepers;
};

/* team_shm.ended: an enum rig_end, and the rank that is the reason. */
#define ENDED(end, rank) ((uint32_t)(end) | (uint32_t)((rank) + 1) << 8)
#define ENDED_END(word)  ((word)&0xff)
#define ENDED_RANK(word) ((int)((word) >> 8) - 1)

/* rank_shm.calls: which enum verb; of messages, also the rank they go to or
 * come from (-1: any), as such a rank has it, and the tag (-1: any). */
#define CALLS_MESSAGE(verb, rank, tag)                                         \
	((uint64_t)(verb) | (uint64_t)((rank) + 2) << 8 |                      \
	 (uint64_t)(uint32_t)(tag) << 32)
#define CALLS_VERB(calls) ((unsigned)((calls)&0xff))
/* In a wait for a request: the request is a send. */
#define CALLS_SENDS UINT64_C(0x1000000)
/* -2: the call is no message. */
#define CALLS_RANK(calls) ((int)((calls) >> 8 & 0xffff) - 2)
#define CALLS_TAG(calls)  ((int)(uint32_t)((calls) >> 32))

/* In shared memory.  Written by the rank.  The caller reads the results after a
 * run; the warden and the report read every field at any time. */
struct rank_shm {
	alignas(RIG_LINE) _Atomic uint32_t state; /* enum rig_state */
	_Atomic int32_t code;                     /* the kernel's result */
	_Atomic uint32_t job;                     /* last job begun */
	_Atomic uint64_t where;   /* where the rank called a function that may
				   * wait; 0: the rank is in no such function */
	_Atomic uint64_t entered; /* barriers entered in this run */
	_Atomic uint64_t target;  /* of the epoch that the rank sleeps in, or */
	_Atomic uint64_t awaited; /* of the word at this offset, if not 0 */
	_Atomic uint64_t rung;    /* or this count of rings wakes it; 0: no */
	_Atomic uint64_t calls;   /* CALLS_...; 0: none but a barrier */
	/* Written by the reporter, in a signal handler. */
	_Atomic uint32_t signal;
	int32_t signal_code;
	uint64_t address;
	uint64_t instruction;
	uint32_t segment;
	/* The progress that the rank reports for its part of this run, in
	 * 1/PROGRESS_WHOLE; the caller reads the field at any time. */
	_Atomic uint32_t progress;
	uint64_t offset;
	/* The highest number of a call it has had; set when it finishes. */
	uint64_t high;
	/* Where it came to the last two barriers of this run from, by turns. */
	uint64_t at[2];
	alignas(RIG_LINE) unsigned char result[256];
	/* CALLS_MESSAGE of a message that has come for a rank that sleeps, and
	 * that no receive asks for; 0: there is none. */
	_Atomic uint64_t unasked;
	char why[WHY_BYTES];
	/* Bytes of its heap, from the first on, that may have pages.  Written by
	 * the rank before it asks for them, and by whoever gives them back: the
	 * last to finish a run, or the warden, when no rank is left. */
	_Atomic uint64_t heap_there;
};
_Static_assert(offsetof(struct rank_shm, result) == RIG_LINE,
	       "what is written in a run is one line");

#define PROGRESS_WHOLE (UINT32_C(1) << 24)

/* Bytes that travel beside the number of a call. */
#define LINE_PAYLOAD 48

/* Calls of a team that a rank may have open: the rank begins call k only when
 * all ranks have finished call k - CALLS_OPEN. */
#ifndef CALLS_OPEN
#define CALLS_OPEN 16 /* fewer for the checker */
#endif

/* In shared memory.  Written by a single rank, with the number last; no rank
 * reads the other fields before the number. */
struct line_shm {
	alignas(64) _Atomic uint64_t number;
	uint64_t sign; /* hash of all calls so far; ranks must agree */
	unsigned char payload[LINE_PAYLOAD];
};

/* In shared memory.  A verb that a rank has called: the number of the verb's
 * first call; verb, root, operation and type in a word; the count; the caller's
 * address; and the further terms of a verb that has further terms. */
struct said_shm {
	uint64_t number;
	uint64_t what;
	uint64_t count;
	uint64_t where;
	uint64_t words[2];
};

/* Verbs that are remembered: more than a rank can be ahead of another rank. */
#define SAID_KEPT (2 * CALLS_OPEN)

/* In shared memory.  A rank's progress in a team: the number of the rank's last
 * call, and the hash of all its calls. */
struct met_shm {
	uint64_t number;
	uint64_t sign;
};

/* Places of member_shm.met: two barriers by turns, and the end of the run. */
#define MET_END 2
#define METS    3

/* In shared memory: a rank's lines of a call.  Written by the rank, when every
 * rank has finished the call CALLS_OPEN before. */
struct call_shm {
	/* up: the rank's contribution. */
	alignas(RIG_LINE) struct line_shm up;
	alignas(RIG_LINE) struct line_shm down;
};
_Static_assert(sizeof(struct call_shm) == 2 * RIG_LINE, "part of the format");

/* In shared memory: a rank in a team. */
struct member_shm {
	/* The last call that the rank has finished.  Written by the rank. */
	alignas(RIG_LINE) _Atomic uint64_t finished;
	/* The highest number of a call in the earlier teams that used this
	 * memory.  Written by the rank that frees the team's memory. */
	uint64_t high;
	/* How many ranks of a team that was split off have ended the run: in the
	 * team's first member.  Each rank adds 1. */
	_Atomic uint64_t ended;
	/* The rest of the rank's part of a share: see share.c.  Written by
	 * every rank; 0 when the team is new, and between runs. */
	alignas(RIG_LINE) _Atomic uint64_t share;
	/* Calls are compared by these; see match.c.  Written by the rank. */
	alignas(RIG_LINE) struct met_shm met[METS];
	/* The verb whose first call is n lies at n % SAID_KEPT.  Written by the
	 * rank; read, for the words of a failure, by a rank that finds a
	 * different call. */
	alignas(RIG_LINE) struct said_shm said[SAID_KEPT];
	/* Likewise for non-blocking calls and plans, which are numbered apart:
	 * see match_begun(). */
	alignas(RIG_LINE) struct said_shm begun[SAID_KEPT];
	struct call_shm calls[CALLS_OPEN];
};

/* Members of split teams for which there is room, per rank: as many teams of
 * all ranks.  Members that no team has used take no memory. */
#define HEAP_MEMBERS 4096

/* In shared memory.  Every rank takes and gives members. */
struct heap_shm {
	/* 1: a rank works on the following fields, and on heap_map. */
	alignas(RIG_LINE) _Atomic uint32_t lock;
	/* 1: this run has had split teams. */
	_Atomic uint32_t used;
	/* Number of teams so far, which numbers the teams. */
	_Atomic uint64_t teams;
	/* Where the search for a free member begins. */
	uint64_t next;
};

/*
 * A contribution that is longer than a line goes through the rank's stage, a
 * ring of two halves.  A stage is as large as two L2 caches: a buffer that is
 * used again at once is still in the reader's cache, and expensive to take
 * back.
 */
#define STAGE_HALF  ((size_t)1 << 20)
#define STAGE_BYTES (2 * STAGE_HALF)

/* In shared memory: where a rank sleeps, and the ranks that may have written to
 * the rank. */
struct inbox_shm {
	struct mailbox_shm box;
	/* Bit w: rank w has begun its channel to this rank, in this run.  Each
	 * rank sets its own bit; the last rank to finish the run clears the
	 * bits. */
	alignas(RIG_LINE) _Atomic uint64_t from[RIG_WORKERS_MAX / 64 + 1];
};

/* Loans that a rank may have given to other ranks: sends that wait for their
 * receiver, which reads the bytes in place or gives the loan a tray.  There is
 * also a loan for each slot of the rank's channels, so that messages which no
 * rank has read yet hold up no other message.  Further sends wait for a loan to
 * end. */
#define LOANS 1024

/* Places where messages are sent and received: the ranks', and the caller's. */
static inline int seats_of(int size)
{
	return size + 1;
}

static inline size_t loans_of(int size)
{
	return LOANS + (size_t)seats_of(size) * CHANNEL_SLOTS;
}

/* In shared memory.  The owner stores 0.  The other rank stores LOAN_READ when that
 * rank has all bytes, or the offset of a tray.  Where the owner is the caller, the rank
 * may also store a place, LOAN_PLACE(): the caller stores LOAN_PLACED when the bytes
 * lie there, and the rank then stores LOAN_READ. */
struct loan_shm {
	alignas(64) _Atomic uint64_t state;
};

#define LOAN_READ   UINT64_C(1)
#define LOAN_PLACED UINT64_C(2)

/* A place in memory: segment as rank_segment(), and the offset in the segment. */
#define LOAN_PLACE(segment, offset)                                            \
	(UINT64_C(1) << 63 | (uint64_t)(segment) << 56 | (offset))
#define LOAN_IS_PLACE(state)      ((state) >> 63)
#define LOAN_PLACE_SEGMENT(state) ((state) >> 56 & 0x7f)
#define LOAN_PLACE_OFFSET(state)  ((state) & ((UINT64_C(1) << 56) - 1))

/* In shared memory: the bytes of a message go through the tray, and may be
 * longer than the room behind this struct. */
struct tray_shm {
	/* Bytes put in and taken out so far: `filled` is written by the sender,
	 * `drained` by the receiver. */
	alignas(RIG_LINE) _Atomic uint64_t filled;
	uint64_t timed; /* when this trial began, its number; 0: it is none */
	alignas(RIG_LINE) _Atomic uint64_t drained;
	_Atomic uint64_t
		drained_ns; /* when all was, on the clock, of a trial */
};

/* A rank's part of the team's heap: a page of the library's own, and blocks. */
#define PART_BYTES (RIG_HEAP_MAX + PAGE_BYTES)

/* Trays of a rank, of three sizes; the very last tray is for incoming messages
 * whose sender had no free tray. */
#define TRAYS_SHORT      32
#define TRAYS_MIDDLE     16
#define TRAYS_LONG       8
#define TRAY_SHORT_ROOM  ((size_t)2 << 10)
#define TRAY_MIDDLE_ROOM ((size_t)16 << 10)
#define TRAY_LONG_ROOM   ((size_t)128 << 10)
#define TRAYS            (TRAYS_SHORT + TRAYS_MIDDLE + TRAYS_LONG)
#define TRAYS_BYTES                                                            \
	(TRAYS * sizeof(struct tray_shm) + TRAYS_SHORT * TRAY_SHORT_ROOM +     \
	 TRAYS_MIDDLE * TRAY_MIDDLE_ROOM + TRAYS_LONG * TRAY_LONG_ROOM)

/* In this process: the address of each part. */
struct layout {
	struct control_shm *control;
	struct dispatch_shm *dispatch;
	struct job_shm *job;
	struct about_shm *about;
	struct mapped_shm *mapped;
	struct modules_shm *modules;
	struct chain_shm *chain;
	struct rig_barrier *barrier;
	struct team_shm *team;
	struct rank_shm *ranks;
	struct member_shm *members; /* members of the team of all */
	struct heap_shm *heap;
	uint64_t *heap_map; /* bit i: heap_members[i] is in a team */
	struct member_shm *heap_members;
	unsigned char *stages;
	struct inbox_shm *inboxes;
	struct loan_shm *loans;       /* loans_of(size) a seat */
	unsigned char *trays;         /* TRAYS_BYTES a seat */
	struct channel_shm *channels; /* see layout_channel() */
	unsigned char *parts;         /* PART_BYTES a rank */
	size_t calls_off;             /* offset of `members` */
	size_t bytes;                 /* of all but heaps, whole pages */
	unsigned char *heaps;         /* heap_bytes a rank; NULL: no room */
	size_t heap_bytes;            /* whole huge pages */
	size_t map_bytes;             /* of all, heaps included */
};

/* The channel from seat `from` to seat `to` of a team of `size` ranks. */
static inline struct channel_shm *layout_channel(const struct layout *layout,
						 int size, int to, int from)
{
	return &layout->channels[(size_t)to * (size_t)seats_of(size) +
				 (size_t)from];
}

/* The layout of a team segment of `size` ranks at `base` (NULL: only bytes). */
struct layout layout_at(void *base, int size);

/* Add a heap of `each` bytes (whole huge pages; 0: none) for every rank, from
 * layout_heaps_off() on. */
size_t layout_heaps_off(const struct layout *layout);
void layout_add_heaps(struct layout *layout, int size, size_t each);

/* Give back what rank `rank` has of its heap from byte `keep` on, a page's.  Nobody
 * is at work there. */
void layout_clear_heap(const struct layout *layout, int rank, size_t keep);

/* Lay out what belongs to one team, in memory that no worker maps.  What the
 * last run left for the caller to read stays: each rank clears its own slot
 * before its first job, and the caller what team_shm says. */
int layout_team(const struct layout *layout, int size,
		enum rig_barrier_kind kind);

#endif
