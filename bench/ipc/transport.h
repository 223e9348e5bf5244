/* SPDX-License-Identifier: MIT */
/*
 * transport.h - one way of handing messages from a process to another: at most
 * eight functions, and the facts that hold without measuring.
 *
 * A message is produced in the memory that put() returns, goes with send(), is
 * consumed in the memory that get() returns, and done() gives the memory back.
 * In place, the addresses lie in shared memory; by copy, in a buffer of this
 * side, and send() and get() copy.  One driver and one protocol serve both.
 *
 * A link joins two sides, 0 and 1, and has a direction for each sender.
 */
#ifndef RIGBENCH_TRANSPORT_H
#define RIGBENCH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rig_segment;

/* How a side waits while there is nothing to receive: an axis of its own. */
enum waiting {
	WAITING_SPIN,   /* polls, and nothing else */
	WAITING_HYBRID, /* polls for 50 us, then sleeps */
	WAITING_BLOCK   /* sleeps at once */
};

/* The kind of shared memory that a ring lies in. */
enum memory {
	MEMORY_NONE,    /* none, or none that holds messages */
	MEMORY_SEGMENT, /* runrig's */
	MEMORY_POSIX,
	MEMORY_SYSV,
	MEMORY_TMPFS, /* a mapped file there */
	MEMORY_DISK   /* or there */
};

/* And of which pages, an axis. */
enum pages {
	PAGES_BASE, /* 4 KiB */
	PAGES_THP,  /* transparent huge pages */
	PAGES_HUGE  /* from the table of huge pages */
};

/* Whose NUMA node messages lie on, an axis. */
enum home { NUMA_WRITER, NUMA_READER, NUMA_NODE };

/* In this process; each side has its own copy after the fork. */
struct link {
	const struct transport *transport;
	size_t bytes; /* every message's */
	enum waiting waiting;
	uint32_t slots;   /* messages under way, where there is a ring */
	size_t stride;    /* from slot to slot, and buffer to buffer */
	uint32_t buffers; /* buffers of one side, visited in turn */
	int side;
	bool threads; /* the sides are threads of one process */

	/* The descriptors, [direction][reader, writer]; `now` never blocks. */
	int fd[2][2];
	int now[2][2];

	/* The shared memory. */
	enum pages pages;
	enum home home;
	int node;  /* with NUMA_NODE */
	int nodes; /* that there are */
	size_t shared_bytes;
	struct rig_segment *segment; /* NULL: other memory */
	char *shared;

	/* Memory of this side: `buffers` to send from, one to receive in. */
	char *out, *in;
	uint32_t sent, received;
	pid_t other; /* the other side's process */
	void *extra; /* the transport's own */
};

struct transport {
	const char *name;
	const char *summary; /* one line */

	/* Facts a message. */
	int copies; /* copies of every byte, beyond producing and consuming */
	const char *calls; /* system calls, both sides, nobody waiting */
	bool boundaries;   /* keeps boundaries */
	bool unrelated;    /* works between processes of no common parent */
	bool passes_fds;
	bool survives; /* the other side's death: data stay readable */

	enum memory memory; /* the memory of the messages */
	bool inplace;       /* the reader has the writer's own bytes */
	bool fresh;         /* every message is produced in memory of its own */
	size_t fixed;       /* the only size of a message; 0: any */
	bool solo;    /* one process does the work of both sides: a control */
	bool threads; /* sides are threads */
	bool empty;   /* can carry a message of no bytes */
	bool only_empty; /* carries nothing else: a notification */
	int tier;        /* 0 control, 1 default, 2 on request, 3 notify */

	/* In the driver, before there are sides.  0; -EMSGSIZE where the message does
	 * not fit; -ENOTSUP or another -errno with words. */
	int (*create)(struct link *link, char *why);
	/* In each side, NULL: nothing to do. */
	int (*attach)(struct link *link, char *why);
	void *(*put)(struct link *link);
	int (*send)(struct link *link);
	void *(*get)(struct link *link); /* NULL: errno says why */
	int (*done)(struct link *link);
	/* In the driver, at the end; also after a failed create(). */
	void (*destroy)(struct link *link);
};

/* All transports, ended by NULL. */
extern const struct transport *const transports[];
const struct transport *transport_find(const char *name);

/* This side's buffers; the transports call these. */
void *link_out(struct link *link);   /* the memory for the next message */
int link_private(struct link *link); /* allocate and touch the buffers */
void link_stride(struct link *link); /* whole pages a message */

/* Functions of many transports: attach to the side's own buffers, produce in the
 * buffers, give nothing back. */
int link_attach(struct link *link, char *why);
int link_done(struct link *link);

/* Close a descriptor unless the value is -1, and set -1. */
void link_close(int *fd);

/* Words for a failed call; returns -errno. */
int link_fail(char *why, const char *what);

extern const struct transport transport_null, transport_sync, transport_byref,
	transport_memcpy, transport_memcpy_x, transport_serialise;
extern const struct transport transport_pipe, transport_unix_stream,
	transport_unix_seqpacket, transport_unix_dgram, transport_tcp,
	transport_tcp_nagle, transport_mq, transport_fifo;
extern const struct transport transport_seg_inplace, transport_seg_copyin,
	transport_seg_copyout, transport_seg_copyboth;
extern const struct transport transport_cma_read, transport_cma_write,
	transport_vmsplice;
extern const struct transport transport_pool;
extern const struct transport transport_futex, transport_eventfd,
	transport_signal, transport_signal_value;
extern const struct transport transport_shm_posix, transport_shm_sysv,
	transport_mmap_file, transport_mmap_disk;
extern const struct transport transport_udp, transport_mq_sysv,
	transport_splice, transport_memfd, transport_io_uring;

#endif
