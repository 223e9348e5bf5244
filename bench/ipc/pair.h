/* SPDX-License-Identifier: MIT */
/*
 * pair.h - contenders that are two processes and a transport between the two.
 */
#ifndef RIGBENCH_PAIR_H
#define RIGBENCH_PAIR_H

#include "driver/case.h"
#include "ipc/transport.h"

/* Pairs at work at once. */
#define PAIRS_MAX (TIMING_RANKS_MAX / 2)

enum pair_pattern {
	PATTERN_PINGPONG, /* there and back; a sample is the round trip */
	PATTERN_STREAM,   /* one way, to the end of the last consumption */
	PATTERN_MAP,      /* side 1 turns an array of side 0's round */
	PATTERN_SETUP,    /* make the link, one round trip, remove the link */
	PATTERN_CRASH,    /* side 1 is killed: until side 0 is told */
	PATTERN_RATE, /* one way, each message sent when the message is due; from the due time to the end of the consumption */
	PATTERN_FAN_OUT, /* one side sends a message to each of several */
	PATTERN_FAN_IN   /* each of several sides sends a message to one */
};

enum touch {
	TOUCH_FULL,  /* every byte produced and consumed */
	TOUCH_HEADER /* the first eight: labelled, never the default */
};

/* A fault that a selftest puts into a transport. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_CORRUPT, /* one bit of a message in a thousand */
	SABOTAGE_LIE,     /* claims a message without consuming the message */
	SABOTAGE_SLOW     /* takes 10 % longer than needed */
};

struct pair_arg {
	const struct transport *transport;
	size_t bytes;
	enum pair_pattern pattern;
	enum waiting waiting;
	enum touch touch;
	enum sabotage sabotage;
	uint32_t rate; /* messages a second, of PATTERN_RATE */
	size_t rotate; /* bytes of buffers visited in turn; 0: one hot buffer */
	enum pages pages;
	enum home home;
	int node;              /* with NUMA_NODE */
	int nodes;             /* NUMA nodes of this machine */
	bool disturb;          /* signals interrupt both sides all the time */
	int pairs;             /* pairs at once; in a fan: links of the hub */
	const char *missing;   /* why there is no such place; NULL: there is a
			        * place */
	bool crowded;          /* two sides may share a PU */
	int cpu[PAIRS_MAX][2]; /* -1: not bound */
};

extern const struct bench_ops pair_pingpong_ops, pair_stream_ops,
	pair_setup_ops, pair_crash_ops, pair_pool_ops, pair_command_ops;

/* Is the pattern a fan: one side with several others, a link to each? */
static inline bool pair_fans(const struct pair_arg *arg)
{
	return arg->pattern == PATTERN_FAN_OUT ||
	       arg->pattern == PATTERN_FAN_IN;
}

/* Produce a message, and check a message: closed forms of `seq`, at the speed
 * of memory. payload_right() returns whether the message is right. */
void payload_fill(void *data, size_t bytes, uint64_t seq);
bool payload_right(const void *data, size_t bytes, uint64_t seq);

/* The sum of the words of a message, modulo 2^64: the closed form. */
uint64_t payload_sum(size_t bytes, uint64_t seq);

/* The sum of the first and the last word of an array of `bytes` bytes. */
uint64_t payload_ends(size_t bytes, uint64_t seq);

/* The map: the words of a message in reverse order, in place or into another
 * buffer; and whether the first and the last word, or all words, are in the
 * right place. */
void payload_turn(void *data, size_t bytes);
void payload_turn_to(void *to, const void *from, size_t bytes);
bool payload_turned(const void *data, size_t bytes, uint64_t seq, bool turned,
		    bool all);

/* Nanoseconds that one core takes at least to read so many bytes, or to reverse
 * the bytes' words, in the nearest cache: measured, for the speed-of-light
 * check. */
double payload_least_ns(size_t bytes, bool map, clockid_t clock);

#endif
