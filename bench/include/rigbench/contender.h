/* SPDX-License-Identifier: MIT */
/*
 * contender.h - a transport of your own, measured beside rigbench's.
 *
 *	rigbench new contender          writes mine.c, an example, and says
 *	                                how to build and measure the example
 *	rigbench new contender mine.py  the same for a program of its own in
 *	                                Python, which needs no header
 *
 * A shared object defines `const struct rigbench_contender rigbench_contender`.
 * A link joins two processes, side 0 and side 1, and carries messages of
 * link->bytes bytes both ways.  The driver fills what put() returns, checks what
 * get() returns, and takes the times.  Every function returns 0 or a negative
 * errno unless the line beside the function says otherwise.
 */
#ifndef RIGBENCH_CONTENDER_H
#define RIGBENCH_CONTENDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RIGBENCH_CONTENDER_VERSION 1

/* How a side waits while there is nothing for the side to do. */
enum rigbench_waiting {
	RIGBENCH_SPIN,   /* poll, and nothing else */
	RIGBENCH_HYBRID, /* poll for 50 us, then sleep */
	RIGBENCH_BLOCK   /* sleep at once */
};

/* Made by rigbench; after the fork each side has a copy. */
struct rigbench_link {
	size_t bytes;   /* of every message; may be 0 */
	uint32_t slots; /* messages under way before send() may wait */
	int side;       /* 0 or 1, from attach() on */
	enum rigbench_waiting waiting;
	void *state; /* the contender's own; NULL at first */
	/* Two buffers of `bytes` bytes in this side, from attach() on, on a page
	 * each.  A transport that copies sends from `out`, which may be another
	 * buffer for each message, and receives into `in`. */
	void *out, *in;
	/* Words, where create() or attach() fails, for the row; or none. */
	char why[128];
};

struct rigbench_contender {
	uint32_t version;    /* RIGBENCH_CONTENDER_VERSION */
	uint32_t copies;     /* of every byte, for the table */
	const char *name;    /* at most 30 characters, no comma */
	const char *summary; /* one line */

	/* In the driver, before there are sides.  -ENOTSUP: the transport has
	 * no such messages, and the row says so. */
	int (*create)(struct rigbench_link *link);
	/* In each side, after the fork.  May be NULL. */
	int (*attach)(struct rigbench_link *link);
	/* Where the next message is to be written: bytes of memory, or NULL with
	 * errno.  The memory belongs to the driver until send().  May be NULL:
	 * messages are written in link->out. */
	void *(*put)(struct rigbench_link *link);
	int (*send)(struct rigbench_link *link);
	/* Wait for the next message: its bytes, or NULL with errno.  The memory
	 * belongs to the driver until done(), which may be NULL. */
	void *(*get)(struct rigbench_link *link);
	int (*done)(struct rigbench_link *link);
	/* In the driver, at the end; also after a create() that failed. */
	void (*destroy)(struct rigbench_link *link);

	uint64_t reserved[8]; /* 0 */
};

/* Defined by the shared object. */
extern const struct rigbench_contender rigbench_contender;

#ifdef __cplusplus
}
#endif

#endif
