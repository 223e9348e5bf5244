/* SPDX-License-Identifier: MIT */
/*
 * side.h - one end of a link at work, and the orders that the end gets over a socket.
 */
#ifndef RIGBENCH_SIDE_H
#define RIGBENCH_SIDE_H

#include "ipc/pair.h"

enum order_what { ORDER_RUN, ORDER_EACH, ORDER_VERIFY, ORDER_CRASH };

struct side_order {
	enum order_what what;
	uint64_t count;
	uint64_t start_ns; /* for PATTERN_RATE: when the first message is due */
};

struct side_answer {
	int code; /* 0 or -errno */
	uint64_t begin_ns, end_ns;
	/* The delays of all messages together; only in PATTERN_RATE. */
	uint64_t late_ns;
	struct timing_cost cost;
	int cpu, cpus;
	struct case_memory memory;
	char why[CASE_WHY_BYTES];
};

/* A link of the one side of a fan, while another link is the side's own. */
struct side_link {
	struct link link;
	uint64_t out_seq, in_seq;
};

/* In this process. */
struct side {
	const struct pair_arg *arg;
	struct link link;
	/* In the hub of a fan: all links, and the number of the present `link`; NULL:
	 * the side has a single link. */
	struct side_link *fan;
	int chosen;
	clockid_t clock;
	int cpu;    /* -1: not bound */
	int orders; /* the side's end of the socket */
	uint64_t out_seq, in_seq;
	void *array; /* the array of the map, in side 0 */
	bool turned;
	struct histogram *histogram; /* shared with the driver */
};

/* A link with the wanted axes, nothing made yet; does the transport carry such
 * messages? -ENOTSUP with words. */
void link_init(struct link *link, const struct pair_arg *arg);
int link_fits(const struct pair_arg *arg, char *why);

/* In the side's process, before anything else: signals, and the death of the
 * driver ends the side. */
void side_begin(void);

/* Attach to the link.  0 or -errno, with words in `why`. */
int side_attach(struct side *s, char *why);

/* A message there and a message back.  0 or -errno. */
int side_round_trip(struct side *s);

/* Attach, answer, obey until end of file.  A thread's start routine. */
void *side_obey(void *side);

#endif
