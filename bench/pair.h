/* SPDX-License-Identifier: MIT */
/*
 * pair.h - contenders that are two processes and a transport between them.
 */
#ifndef RIGBENCH_PAIR_H
#define RIGBENCH_PAIR_H

#include "case.h"
#include "transport.h"

enum pattern {
	PATTERN_PINGPONG, /* there and back; a sample is the round trip */
	PATTERN_STREAM,   /* one way, to the end of the last consumption */
	PATTERN_SETUP     /* create, touch and destroy the link */
};

enum touch {
	TOUCH_FULL,  /* every byte produced and consumed */
	TOUCH_HEADER /* the first eight: labelled, never the default */
};

/* What a selftest may have wrong with a transport. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_CORRUPT, /* one bit of a message in a thousand */
	SABOTAGE_LIE,     /* claims what it did not consume */
	SABOTAGE_SLOW     /* takes 10 % longer than it need */
};

struct pair_arg {
	const struct transport *transport;
	size_t bytes;
	enum pattern pattern;
	enum waiting waiting;
	enum touch touch;
	enum sabotage sabotage;
	size_t rotate; /* bytes of buffers visited in turn; 0: one hot one */
	int cpu[2];    /* -1: not bound */
};

extern const struct bench_ops pair_pingpong_ops, pair_stream_ops,
	pair_setup_ops, pair_pool_ops;

/* Produce a message, and check one: closed forms of `seq`, at the speed of
 * memory.  check returns whether it is right. */
void payload_fill(void *data, size_t bytes, uint64_t seq);
bool payload_right(const void *data, size_t bytes, uint64_t seq);

/* Nanoseconds one core takes at least to look at so many bytes in its
 * nearest cache: measured, for the speed-of-light check. */
double payload_least_ns(size_t bytes, clockid_t clock);

#endif
