/* SPDX-License-Identifier: MIT */
/*
 * wide_rounds.h - how the leaders of many hosts give each other a part each, in
 * rounds: who sends which parts to whom.
 *
 * In round k a host sends to the host 2^k further on all parts that the host has and
 * the other lacks, at most 2^k (J. Bruck et al., Efficient algorithms for all-to-all
 * communications in multiport message-passing systems, 1997).  After ceil(log2 hosts)
 * rounds every host has every part, and has received no part twice.
 */
#ifndef RUNRIG_WIDE_ROUNDS_H
#define RUNRIG_WIDE_ROUNDS_H

/* Up to this number of hosts, each host sends its part to each host. */
#define WIDE_DIRECT 4

/* The part of a host in a round: `count` parts of hosts in order, modulo all. */
struct wide_round {
	int to, from;
	int send_first, receive_first;
	int count;
};

static inline int wide_rounds(int hosts)
{
	int rounds = 0;

	while (1 << rounds < hosts)
		rounds++;
	return rounds;
}

static inline struct wide_round wide_round(int hosts, int own, int k)
{
	const int distance = 1 << k;
	const int count =
		distance < hosts - distance ? distance : hosts - distance;
	const int from = (own - distance + hosts) % hosts;

	return (struct wide_round){
		.to = (own + distance) % hosts,
		.from = from,
		.send_first = (own - count + 1 + hosts) % hosts,
		.receive_first = (from - count + 1 + hosts) % hosts,
		.count = count,
	};
}

#endif
