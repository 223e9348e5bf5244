/* SPDX-License-Identifier: MIT */
/*
 * test_message_ends.c - messages that go wrong or are taken back: wrong arguments,
 * deadlocks, deaths, cancelled receives, and sends that wait for the receive.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#include "message_parts.h"

/* --- wrong use --- */

static int wrong(struct rig_team *team)
{
	struct rig_request *request = NULL;
	int v = 0;
	const int size = rig_team_size(team);
	const int codes[] = {
		rig_team_send(team, &v, 1, RIG_INT32, size, 0),
		rig_team_send(team, &v, 1, RIG_INT32, RIG_ANY_SOURCE, 0),
		rig_team_send(team, &v, 1, RIG_INT32, 0, -1),
		rig_team_send(team, &v, 1, 63, 0, 0),
		rig_team_send(team, &v, SIZE_MAX, RIG_INT32, 0, 0),
		rig_team_recv(team, &v, 1, RIG_INT32, -3, 0, NULL),
		rig_team_recv(team, &v, 1, RIG_INT32, size, 0, NULL),
		rig_team_recv(team, &v, 1, RIG_INT32, 0, -2, NULL),
		rig_team_irecv(team, &v, 1, 99999999, 0, 0, &request),
		rig_team_isend(team, &v, 1, RIG_INT32, -9, 0, &request),
		rig_team_sendrecv(team, &v, 1, RIG_INT32, 0, -1, &v, 1,
				  RIG_INT32, 0, 0, NULL),
		rig_team_probe(team, size, 0, NULL),
		rig_team_lend(team, &v, 1, RIG_INT32, 0, 0, &request),
		rig_team_release(team, &v),
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i] != -EINVAL || request)
			return rig_team_fail(team, -EBADMSG, "call %zu: %d", i,
					     codes[i]);
	return 0;
}

static int forgets(struct rig_team *team)
{
	static int v;
	struct rig_request *request;

	return rig_team_irecv(team, &v, 1, RIG_INT32, 0, 0, &request);
}

START_TEST(wrong_arguments_are_told)
{
	make_pool(2);
	ck_assert_msg(run(wrong) == 0, "%s", rig_pool_report(pool)->text);
	ck_assert_int_eq(run(forgets), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "1 request that is"));
	ck_assert_int_eq(run(around), 0);
	rig_pool_destroy(pool);
}
END_TEST

/* --- deadlocks and deaths --- */

static int nobody_sends(struct rig_team *team)
{
	int v;

	if (rig_team_rank(team) == 1)
		return rig_team_recv(team, &v, 1, RIG_INT32, 0, 5, NULL);
	return 0;
}

static int another_tag(struct rig_team *team)
{
	int v = 0;

	if (rig_team_rank(team) == 1)
		return rig_team_recv(team, &v, 1, RIG_INT32, RIG_ANY_SOURCE, 5,
				     NULL);
	for (int i = 0; i < 3; i++)
		(void)rig_team_send(team, &v, 1, RIG_INT32, 1, 4);
	return rig_team_barrier(team);
}

static int nobody_takes(struct rig_team *team)
{
	static unsigned char data[1000000];
	const int rank = rig_team_rank(team);

	return rig_team_send(team, data, sizeof(data), RIG_UINT8, !rank, 5);
}

static int too_many(struct rig_team *team)
{
	int r = 0;

	for (int i = 0; r == 0 && rig_team_rank(team) == 0 && i < 1000; i++)
		r = rig_team_send(team, &i, 1, RIG_INT32, 1, 5);
	return r ? r : rig_team_barrier(team);
}

static int open_at_barrier(struct rig_team *team)
{
	struct rig_request *request;
	int v, r = 0;

	if (rig_team_rank(team) == 0)
		return 0;
	r = rig_team_irecv(team, &v, 1, RIG_INT32, 0, 5, &request);
	return r ? r : rig_team_barrier(team);
}

static int waits_for_another_tag(struct rig_team *team)
{
	struct rig_request *request;
	int v = 0, r;

	if (rig_team_rank(team) == 0)
		return rig_team_send(team, &v, 1, RIG_INT32, 1, 7);
	r = rig_team_irecv(team, &v, 1, RIG_INT32, 0, 5, &request);
	return r ? r : rig_team_wait(team, &request, NULL);
}

/* Rank 1 of the team of the odd ranks is rank 3 in the world. */
static int waits_in_a_part(struct rig_team *team)
{
	static char data[1 << 20];
	struct rig_request *request;
	struct rig_team *half;
	int r = rig_team_split(team, rig_team_rank(team) % 2, 0, &half);

	if (r || rig_team_rank(team) != 1)
		return r;
	r = rig_team_isend(half, data, sizeof(data), RIG_UINT8, 1, 6, &request);
	return r ? r : rig_team_wait(half, &request, NULL);
}

START_TEST(a_report_tells_what_a_request_waits_for)
{
	make_pool(4);
	ck_assert_int_eq(run(waits_in_a_part), -EDEADLK);
	ck_assert_msg(strstr(rig_pool_report(pool)->text,
			     "waiting in wait for a message to rank 1, tag 6"),
		      "%s", rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
	make_pool(2);
	ck_assert_int_eq(run(waits_for_another_tag), -EDEADLK);
	ck_assert_msg(
		strstr(rig_pool_report(pool)->text,
		       "waiting in wait for a message from rank 0, tag 5"),
		"%s", rig_pool_report(pool)->text);
	ck_assert_msg(strstr(rig_pool_report(pool)->text,
			     "a message from rank 0 with tag 7 waits there"),
		      "%s", rig_pool_report(pool)->text);
	/* The report of the next run has nothing of the message. */
	ck_assert_int_eq(run(nobody_sends), -EDEADLK);
	ck_assert_msg(!strstr(rig_pool_report(pool)->text, "waits there"), "%s",
		      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_deadlock_is_told)
{
	rig_kernel_fn *kernels[] = { nobody_sends, another_tag, nobody_takes,
				     too_many, open_at_barrier };
	const char *words[] = { "waiting in recv from rank 0, tag 5",
				"waiting in recv from any rank, tag 5",
				"waiting in send to rank 1, tag 5",
				"waiting in send to rank 1, tag 5",
				"waiting at barrier 1" };

	make_pool(2);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(run(kernels[_i]), -EDEADLK);
		ck_assert_msg(strstr(rig_pool_report(pool)->text, words[_i]) !=
				      NULL,
			      "%s", rig_pool_report(pool)->text);
		ck_assert_int_eq(run(around), 0);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* A rank dies, in any call, while other ranks wait for the rank. */
static int dies(struct rig_team *team)
{
	static unsigned char data[500000];
	const int rank = rig_team_rank(team);
	const uint32_t after = *(const uint32_t *)rig_team_args(team);
	int r = 0;

	for (uint32_t i = 0; r == 0; i++) {
		if (rank == 1 && i == after)
			abort();
		if (rank == 0)
			r = rig_team_send(team, data, i % 2 ? sizeof(data) : 8,
					  RIG_UINT8, 1, 1);
		else if (rank == 1)
			r = rig_team_recv(team, data, sizeof(data), RIG_UINT8,
					  0, 1, NULL);
		else
			r = rig_team_recv(team, data, sizeof(data), RIG_UINT8,
					  1, 1, NULL);
	}
	return r;
}

START_TEST(a_death_never_hangs)
{
	make_pool(3);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_int_eq(run_seed(dies, i), -EOWNERDEAD);
		ck_assert_msg(run(around) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* ---- sends that wait, receives that are cancelled, messages taken out ---- */

#define LONG_BYTES ((size_t)300 << 10) /* longer than any tray */

static const size_t sync_bytes[] = { 0, 8, 1000, 20000, LONG_BYTES };

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			return rig_team_fail(team, -EBADMSG, "line %d: %s",    \
					     __LINE__, #condition);            \
	} while (0)

/* Rank 0 sends to rank 1.  By a message with another tag, rank 1 sees that no send is
 * complete before the receive. */
static int sends_in_step(struct rig_team *team, unsigned char *bytes, size_t n)
{
	struct rig_request *request = NULL;
	struct rig_status status;
	bool done = true;
	int word = 0;

	if (rig_team_rank(team) == 0) {
		memset(bytes, 5, n);
		EXPECT(rig_team_issend(team, bytes, n, RIG_UINT8, 1, 3,
				       &request) == 0);
		/* Rank 1 has seen the message, and has asked for none. */
		EXPECT(rig_team_recv(team, &word, 1, RIG_INT32, 1, 4, NULL) ==
		       0);
		EXPECT(rig_team_test(team, &request, &done, NULL) == 0);
		EXPECT(!done);
		EXPECT(rig_team_send(team, &word, 1, RIG_INT32, 1, 5) == 0);
		EXPECT(rig_team_wait(team, &request, NULL) == 0);
		return rig_team_ssend(team, bytes, n, RIG_UINT8, 1, 6);
	}
	memset(bytes, 0, n);
	EXPECT(rig_team_probe(team, 0, 3, &status) == 0 && status.bytes == n);
	EXPECT(rig_team_send(team, &word, 1, RIG_INT32, 0, 4) == 0);
	EXPECT(rig_team_recv(team, &word, 1, RIG_INT32, 0, 5, NULL) == 0);
	EXPECT(rig_team_recv(team, bytes, n, RIG_UINT8, 0, 3, &status) == 0);
	EXPECT(status.bytes == n && (n == 0 || bytes[n - 1] == 5));
	return rig_team_recv(team, bytes, n, RIG_UINT8, RIG_ANY_SOURCE,
			     RIG_ANY_TAG, NULL);
}

static int takes_back(struct rig_team *team)
{
	struct rig_request *requests[2] = { NULL, NULL };
	int words[2] = { 0, 0 }, word = 7;
	bool cancelled;

	if (rig_team_rank(team) == 0) {
		EXPECT(rig_team_barrier(team) == 0);
		EXPECT(rig_team_send(team, &word, 1, RIG_INT32, 1, 9) == 0);
		return rig_team_barrier(team);
	}
	for (int i = 0; i < 2; i++)
		EXPECT(rig_team_irecv(team, &words[i], 1, RIG_INT32, 0, 9,
				      &requests[i]) == 0);
	EXPECT(rig_team_cancel(team, &requests[0], &cancelled) == 0);
	EXPECT(cancelled && !requests[0]);
	EXPECT(rig_team_cancel(team, &requests[0], &cancelled) == -EINVAL);
	EXPECT(rig_team_barrier(team) == 0);
	EXPECT(rig_team_barrier(team) == 0);
	/* The message is there, for the second receive. */
	EXPECT(rig_team_cancel(team, &requests[1], &cancelled) == 0);
	EXPECT(!cancelled);
	EXPECT(rig_team_wait(team, &requests[1], NULL) == 0);
	EXPECT(words[0] == 0 && words[1] == 7);
	return 0;
}

static int takes_out(struct rig_team *team, unsigned char *bytes, size_t n)
{
	struct rig_message *first = NULL, *second = NULL;
	struct rig_request *request = NULL;
	struct rig_status status;
	unsigned char other = 0;
	bool found = true;

	if (rig_team_rank(team) == 0) {
		memset(bytes, 1, n);
		EXPECT(rig_team_isend(team, bytes, n, RIG_UINT8, 1, 2,
				      &request) == 0);
		other = 2;
		EXPECT(rig_team_send(team, &other, 1, RIG_UINT8, 1, 2) == 0);
		EXPECT(rig_team_send(team, &other, 1, RIG_UINT8, 1, 2) == 0);
		return rig_team_wait(team, &request, NULL);
	}
	EXPECT(rig_team_mrecv(team, bytes, n, RIG_UINT8, &first, NULL) ==
	       -EINVAL);
	EXPECT(rig_team_mprobe(team, 0, 2, &first, &status) == 0);
	EXPECT(status.bytes == n && status.tag == 2 && first);
	/* The next message is another message. */
	EXPECT(rig_team_recv(team, &other, 1, RIG_UINT8, RIG_ANY_SOURCE, 2,
			     NULL) == 0);
	EXPECT(other == 2);
	EXPECT(rig_team_mprobe(team, 0, RIG_ANY_TAG, &second, &status) == 0);
	EXPECT(status.bytes == 1);
	EXPECT(rig_team_improbe(team, 0, 2, &found, &second, NULL) == 0 &&
	       !found);
	EXPECT(rig_team_imrecv(team, &other, 1, RIG_UINT8, &second, &request) ==
		       0 &&
	       !second);
	memset(bytes, 0, n);
	EXPECT(rig_team_mrecv(team, bytes, n, RIG_UINT8, &first, &status) == 0);
	EXPECT(!first && status.bytes == n && (n == 0 || bytes[n - 1] == 1));
	return rig_team_wait(team, &request, NULL);
}

static int in_step(struct rig_team *team)
{
	unsigned char *bytes = malloc(LONG_BYTES);
	int r = bytes ? 0 : -ENOMEM;

	for (size_t i = 0;
	     r == 0 && i < sizeof(sync_bytes) / sizeof(*sync_bytes); i++) {
		r = sends_in_step(team, bytes, sync_bytes[i]);
		if (r == 0)
			r = takes_back(team);
		if (r == 0)
			r = takes_out(team, bytes, sync_bytes[i]);
	}
	free(bytes);
	return r;
}

START_TEST(sync_sends_cancel_and_matched_probes)
{
	make_pool(2);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(run(in_step) == 0, "%s",
			      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

/* One buffer for both, or two buffers that share a byte: refused on every rank. 
 * Buffers that touch, empty buffers, and buffers of a message to nobody are right. */
static int shares_a_buffer(struct rig_team *team)
{
	const int self = rig_team_rank(team);
	char bytes[16] = { 0 };
	static const struct {
		size_t send, send_count, recv, recv_count;
		int dest, source; /* 0: this rank */
		int code;
	} tries[] = {
		{ 0, 8, 0, 8, 0, 0, -EINVAL },
		{ 0, 8, 7, 8, 0, 0, -EINVAL },
		{ 8, 8, 0, 9, 0, 0, -EINVAL },
		{ 0, 8, 8, 8, 0, 0, 0 },
		{ 0, 0, 0, 8, 0, 0, 0 },
		{ 0, 8, 0, 8, 0, RIG_PROC_NULL, 0 },
		{ 0, 8, 0, 8, RIG_PROC_NULL, RIG_PROC_NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		const int dest = tries[i].dest ? tries[i].dest : self;
		const int source = tries[i].source ? tries[i].source : self;
		const int r = rig_team_sendrecv(
			team, bytes + tries[i].send, tries[i].send_count,
			RIG_UINT8, dest, 1, bytes + tries[i].recv,
			tries[i].recv_count, RIG_UINT8, source, 1, NULL);

		if (r != tries[i].code ||
		    (r < 0 && !strstr(rig_why(), "overlap")))
			return rig_team_fail(team, -EBADMSG, "try %zu: %d", i,
					     r);
		/* A message that nobody has received goes here. */
		if (r == 0 && dest == self && source != self &&
		    rig_team_recv(team, bytes, sizeof(bytes), RIG_UINT8, self,
				  1, NULL) < 0)
			return -EBADMSG;
	}
	return 0;
}

START_TEST(sendrecv_of_buffers_that_overlap_is_refused)
{
	make_pool(2);
	ck_assert_msg(run(shares_a_buffer) == 0, "%s",
		      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("message_ends");
	TCase *plain = make_tcase("plain", 60);
	TCase *wrongs = make_tcase("wrong", 60);

	tcase_add_test(plain, sync_sends_cancel_and_matched_probes);
	tcase_add_test(wrongs, wrong_arguments_are_told);
	tcase_add_test(wrongs, sendrecv_of_buffers_that_overlap_is_refused);
	tcase_add_test(wrongs, a_report_tells_what_a_request_waits_for);
	tcase_add_loop_test(wrongs, a_deadlock_is_told, 0, 5);
	tcase_add_test(wrongs, a_death_never_hangs);
	suite_add_tcase(suite, plain);
	suite_add_tcase(suite, wrongs);
	return suite;
}
