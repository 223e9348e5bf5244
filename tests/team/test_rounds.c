/* SPDX-License-Identifier: MIT */
/*
 * test_rounds.c - the messages between leaders grow with the logarithm of the hosts:
 * counted, for 1 to 1024 hosts of 1 to 256 ranks.
 *
 * With RUNRIG_LONG the counts are printed as a table: bench/results/hosts-growth.txt.
 */
#include "lib/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "team/wide_rounds.h"

#define HOSTS_MAX 1024

/* The counts of one host, the greatest of all hosts. */
struct counts {
	int rounds;
	int messages; /* sent */
	int parts;    /* received */
};

/* Which parts each host has. */
static bool have[HOSTS_MAX][HOSTS_MAX], next[HOSTS_MAX][HOSTS_MAX];

/* Spans in which `count` parts from `first` on lie: the last host is followed by the
 * first. */
static int spans_of(int hosts, int first, int count)
{
	return first + count > hosts ? 2 : 1;
}

/* One round: every host sends only what it has, and receives no part twice. */
static void do_round(int hosts, int k, struct counts *most)
{
	memcpy(next, have, sizeof(have));
	for (int own = 0; own < hosts; own++) {
		const struct wide_round round = wide_round(hosts, own, k);
		const struct wide_round back = wide_round(hosts, round.to, k);

		ck_assert_int_eq(back.from, own);
		ck_assert_int_eq(back.receive_first, round.send_first);
		ck_assert_int_eq(back.count, round.count);
		for (int i = 0; i < round.count; i++) {
			const int part = (round.send_first + i) % hosts;

			ck_assert(have[own][part]);
			ck_assert(!next[round.to][part]);
			next[round.to][part] = true;
		}
		if (own == 0) {
			most->messages +=
				spans_of(hosts, round.send_first, round.count);
			most->parts += round.count;
		}
	}
	memcpy(have, next, sizeof(have));
}

static struct counts exchange(int hosts)
{
	struct counts most = { .rounds = wide_rounds(hosts) };

	memset(have, 0, sizeof(have));
	for (int i = 0; i < hosts; i++)
		have[i][i] = true;
	for (int k = 0; k < most.rounds; k++)
		do_round(hosts, k, &most);
	for (int i = 0; i < hosts; i++)
		for (int part = 0; part < hosts; part++)
			ck_assert(have[i][part]);
	return most;
}

START_TEST(every_host_gets_every_part_once)
{
	const int most = harness_long() ? 300 : 40;

	for (int hosts = 1; hosts <= most; hosts++)
		(void)exchange(hosts);
}
END_TEST

START_TEST(messages_grow_with_the_logarithm)
{
	const int most = harness_long() ? HOSTS_MAX : 128;

	if (harness_long())
		printf("hosts  rounds  messages  parts  bytes received by a "
		       "leader, 8 B a rank, of 1, 16, 256 ranks\n");
	for (int hosts = 1; hosts <= most; hosts *= 2) {
		const struct counts tally = exchange(hosts);

		/* Two spans at most in a round; nothing is received twice. */
		ck_assert_int_le(tally.messages, 2 * wide_rounds(hosts));
		ck_assert_int_eq(tally.parts, hosts - 1);
		if (harness_long())
			printf("%5d  %6d  %8d  %5d  %10d %10d %10d\n", hosts,
			       tally.rounds, tally.messages, tally.parts,
			       tally.parts * 8, tally.parts * 8 * 16,
			       tally.parts * 8 * 256);
	}
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("rounds");
	TCase *tcase = make_tcase("leaders", 0);

	tcase_add_test(tcase, every_host_gets_every_part_once);
	tcase_add_test(tcase, messages_grow_with_the_logarithm);
	suite_add_tcase(suite, tcase);
	return suite;
}
