/* SPDX-License-Identifier: MIT */
/*
 * test_flood.c - many messages before the awaited message.
 *
 * Rank 1 sends thousands of messages to rank 0, without a wait between two, and then
 * waits for all; rank 0 asks for the last message first.  Every message is received,
 * in whatever order rank 0 asks.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#define MANY 3000

struct told {
	size_t bytes;
	int in_segment;
};

/* The messages of one rank, one after the other. */
static unsigned char *make_room(struct rig_team *team, size_t bytes,
				int in_segment)
{
	if (in_segment)
		return (unsigned char *)rig_team_data(team, 0) +
		       (size_t)rig_team_rank(team) * MANY * bytes;
	return calloc(MANY, bytes);
}

static unsigned char byte_of(int tag, size_t i)
{
	return (unsigned char)((size_t)tag * 31 + i * 7);
}

static int check(struct rig_team *team, const unsigned char *data, int tag,
		 size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (data[i] != byte_of(tag, i))
			return rig_team_fail(team, -EBADMSG,
					     "message %d, byte %zu", tag, i);
	return 0;
}

/* Begin all sends. */
static int send_all(struct rig_team *team, unsigned char *data, size_t bytes,
		    int dest, struct rig_request **requests)
{
	int r = 0;

	for (int tag = 0; r == 0 && tag < MANY; tag++) {
		unsigned char *at = data + (size_t)tag * bytes;

		for (size_t i = 0; i < bytes; i++)
			at[i] = byte_of(tag, i);
		r = rig_team_isend(team, at, bytes, RIG_UINT8, dest, tag,
				   &requests[tag]);
	}
	return r;
}

static int receive_backwards(struct rig_team *team, unsigned char *data,
			     size_t bytes, int source)
{
	int r = 0;

	for (int tag = MANY - 1; r == 0 && tag >= 0; tag--) {
		r = rig_team_recv(team, data, bytes, RIG_UINT8, source, tag,
				  NULL);
		if (r == 0)
			r = check(team, data, tag, bytes);
	}
	return r;
}

static struct rig_request *requests[MANY];

/* The receives of rank 0, and the calls of both ranks in between. */
typedef int receive_fn(struct rig_team *team, unsigned char *data,
		       size_t bytes);
typedef int between_fn(struct rig_team *team);

static int flood(struct rig_team *team, between_fn *between,
		 receive_fn *receive)
{
	const struct told *told = rig_team_args(team);
	unsigned char *data = make_room(team, told->bytes, told->in_segment);
	int r = 0;

	if (!data)
		return -ENOMEM;
	if (rig_team_rank(team) == 1)
		r = send_all(team, data, told->bytes, 0, requests);
	if (r == 0 && between)
		r = between(team);
	if (r == 0 && rig_team_rank(team) == 1)
		r = rig_team_waitall(team, MANY, requests, NULL);
	else if (r == 0 && rig_team_rank(team) == 0)
		r = receive(team, data, told->bytes);
	if (!told->in_segment)
		free(data);
	return r;
}

/* --- orders in which rank 0 asks for the messages --- */

static int by_source(struct rig_team *team, unsigned char *data, size_t bytes)
{
	return receive_backwards(team, data, bytes, 1);
}

static int by_any_source(struct rig_team *team, unsigned char *data,
			 size_t bytes)
{
	return receive_backwards(team, data, bytes, RIG_ANY_SOURCE);
}

static int by_irecv(struct rig_team *team, unsigned char *data, size_t bytes)
{
	int r = rig_team_recv(team, data, bytes, RIG_UINT8, 1, MANY - 1, NULL);

	for (int tag = MANY - 2; r == 0 && tag >= 0; tag--)
		r = rig_team_irecv(team, data + (size_t)tag * bytes, bytes,
				   RIG_UINT8, 1, tag, &requests[tag]);
	if (r == 0)
		r = rig_team_waitall(team, MANY - 1, requests, NULL);
	for (int tag = 0; r == 0 && tag < MANY - 1; tag++)
		r = check(team, data + (size_t)tag * bytes, tag, bytes);
	return r;
}

static int by_probe(struct rig_team *team, unsigned char *data, size_t bytes)
{
	struct rig_status status;
	int r = rig_team_probe(team, RIG_ANY_SOURCE, MANY - 1, &status);

	if (r == 0 && status.bytes != bytes)
		r = rig_team_fail(team, -EBADMSG, "%zu bytes", status.bytes);
	return r ? r : receive_backwards(team, data, bytes, 1);
}

static int by_iprobe(struct rig_team *team, unsigned char *data, size_t bytes)
{
	bool found = false;
	int r = 0;

	while (r == 0 && !found)
		r = rig_team_iprobe(team, 1, MANY - 1, &found, NULL);
	return r ? r : receive_backwards(team, data, bytes, 1);
}

static int by_borrowing(struct rig_team *team, unsigned char *data,
			size_t bytes)
{
	int r = 0;

	for (int tag = MANY - 1; r == 0 && tag >= 0; tag--) {
		const void *there;

		r = rig_team_borrow(team, &there, 1, tag, NULL);
		if (r == 0)
			r = check(team, there, tag, bytes);
		if (r == 0)
			r = rig_team_release(team, there);
	}
	(void)data;
	return r;
}

/* Room for half of each. */
static int by_halves(struct rig_team *team, unsigned char *data, size_t bytes)
{
	for (int tag = MANY - 1; tag >= 0; tag--) {
		struct rig_status status;
		int r = rig_team_recv(team, data, bytes / 2, RIG_UINT8, 1, tag,
				      &status);

		if (r != -EMSGSIZE || status.bytes != bytes ||
		    check(team, data, tag, bytes / 2) < 0)
			return rig_team_fail(team, -EBADMSG,
					     "tag %d: %d, %zu bytes", tag, r,
					     status.bytes);
	}
	return 0;
}

#define FLOOD(NAME, BETWEEN, RECEIVE)                                          \
	static int NAME(struct rig_team *team)                                 \
	{                                                                      \
		return flood(team, BETWEEN, RECEIVE);                          \
	}

/* --- calls of both ranks behind the messages --- */

static int in_a_dup(struct rig_team *team)
{
	struct rig_team *dup = NULL;
	int x = 4711, y = 0, r = rig_team_dup(team, &dup);

	if (r == 0 && rig_team_rank(team) == 1)
		r = rig_team_send(dup, &x, 1, RIG_INT32, 0, 0);
	if (r == 0 && rig_team_rank(team) == 0)
		r = rig_team_recv(dup, &y, 1, RIG_INT32, 1, 0, NULL);
	if (r == 0 && rig_team_rank(team) == 0 && y != x)
		r = rig_team_fail(team, -EBADMSG, "%d in the dup", y);
	return r;
}

static int neighbours(struct rig_team *team)
{
	const int dims[] = { rig_team_size(team) };
	struct rig_team *grid = NULL;
	int own[2] = { 1, 2 }, theirs[2] = { 0, 0 };
	size_t extent = 6;
	double array[6] = { 0 };
	int r = rig_team_cart_create(team, 1, dims, (bool[]){ true }, &grid);

	if (r == 0)
		r = rig_team_neighbor_alltoall(grid, own, 1, RIG_INT32, theirs,
					       1, RIG_INT32);
	if (r == 0)
		r = rig_team_halo(grid, array, &extent, 1, RIG_FLOAT64);
	if (r == 0 && (theirs[0] != 2 || theirs[1] != 1))
		r = rig_team_fail(team, -EBADMSG, "%d and %d of neighbours",
				  theirs[0], theirs[1]);
	return r;
}

static int collectives(struct rig_team *team)
{
	struct rig_request *request = NULL;
	int x = 1, y = 0;
	int r = rig_team_iallreduce(team, &x, &y, 1, RIG_INT32, RIG_SUM,
				    &request);

	if (r == 0)
		r = rig_team_wait(team, &request, NULL);
	if (r == 0)
		r = rig_team_allreduce(team, RIG_IN_PLACE, &x, 1, RIG_INT32,
				       RIG_SUM);
	if (r == 0 && (x != y || x != rig_team_size(team)))
		r = rig_team_fail(team, -EBADMSG, "%d and %d", x, y);
	return r;
}

FLOOD(source, NULL, by_source)
FLOOD(any_source, NULL, by_any_source)
FLOOD(irecv, NULL, by_irecv)
FLOOD(probe, NULL, by_probe)
FLOOD(iprobe, NULL, by_iprobe)
FLOOD(borrow, NULL, by_borrowing)
FLOOD(halves, NULL, by_halves)
FLOOD(barrier, rig_team_barrier, by_source)
FLOOD(dup, in_a_dup, by_source)
FLOOD(neighbour, neighbours, by_source)
FLOOD(collective, collectives, by_source)

static rig_kernel_fn *const kernels[] = {
	source, any_source, irecv, probe,     iprobe,     borrow,
	halves, barrier,    dup,   neighbour, collective,
};
#define KERNELS ((int)(sizeof(kernels) / sizeof(*kernels)))

/* Up to a line, in trays, and beyond a tray. */
static const struct told forms[] = {
	{ 8, 0 }, { 41, 0 }, { 5000, 0 }, { 5000, 1 }
};

static void run_with(rig_kernel_fn *kernel, const struct told *told)
{
	struct rig_segment *segment = NULL;
	struct rig_job job = { .kernel = kernel,
			       .args = told,
			       .args_bytes = sizeof(*told) };

	ck_assert_int_eq(rig_segment_create(&segment, NULL,
					    3 * MANY * told->bytes, NULL),
			 0);
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%zu bytes%s: %s",
		      told->bytes, told->in_segment ? " in a segment" : "",
		      rig_why());
	rig_segment_destroy(segment);
}

START_TEST(the_last_is_received_first)
{
	make_pool(2);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		run_with(kernels[_i], &forms[i]);
	rig_pool_destroy(pool);
}
END_TEST

/* Rank 0 waits for rank 2, rank 2 for rank 1, and rank 1 for all sends to rank 0. */
static int in_a_row(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	unsigned char *data = make_room(team, told->bytes, told->in_segment);
	int x = 0, r = 0;

	if (!data)
		return -ENOMEM;
	switch (rig_team_rank(team)) {
	case 0:
		r = rig_team_recv(team, &x, 1, RIG_INT32, 2, 0, NULL);
		if (r == 0)
			r = receive_backwards(team, data, told->bytes, 1);
		break;
	case 1:
		r = send_all(team, data, told->bytes, 0, requests);
		if (r == 0)
			r = rig_team_waitall(team, MANY, requests, NULL);
		if (r == 0)
			r = rig_team_send(team, &x, 1, RIG_INT32, 2, 0);
		break;
	default:
		r = rig_team_recv(team, &x, 1, RIG_INT32, 1, 0, NULL);
		if (r == 0)
			r = rig_team_send(team, &x, 1, RIG_INT32, 0, 0);
	}
	if (!told->in_segment)
		free(data);
	return r;
}

START_TEST(who_waits_for_another_takes_what_comes)
{
	make_pool(3);
	/* A send from a segment is waited for. */
	for (size_t i = 0; !forms[i].in_segment; i++)
		run_with(in_a_row, &forms[i]);
	rig_pool_destroy(pool);
}
END_TEST

/* Rank 0 returns without any receive: the messages are dropped, and a run after finds
 * none. */
static int leaves_them(struct rig_team *team)
{
	unsigned char data[5000] = { 0 };
	int x = 0, r = 0;

	for (int i = 0; r == 0 && i < 200; i++)
		if (rig_team_rank(team) == 1)
			r = rig_team_isend(team, data, sizeof(data), RIG_UINT8,
					   0, 1, &requests[i]);
	if (rig_team_rank(team) == 1) {
		r = rig_team_send(team, &x, 1, RIG_INT32, 0, 2);
		return r ? r : rig_team_waitall(team, 200, requests, NULL);
	}
	r = rig_team_recv(team, &x, 1, RIG_INT32, 1, 2, NULL);
	for (int i = 0; r == 0 && i < 100; i++)
		r = rig_team_recv(team, data, sizeof(data), RIG_UINT8, 1, 1,
				  NULL);
	return r ? r : rig_team_recv(team, &x, 1, RIG_INT32, 1, 3, NULL);
}

static int finds_none(struct rig_team *team)
{
	bool found = false;
	int r = rig_team_iprobe(team, RIG_ANY_SOURCE, RIG_ANY_TAG, &found,
				NULL);

	if (r == 0 && found)
		r = rig_team_fail(team, -EBADMSG, "something is left");
	return r ? r : rig_team_barrier(team);
}

START_TEST(what_is_left_goes_with_the_run)
{
	make_pool(2);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(run(leaves_them), -EDEADLK);
		ck_assert_msg(run(finds_none) == 0, "%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("flood");
	TCase *tcase = make_tcase("flood", 60);

	tcase_add_loop_test(tcase, the_last_is_received_first, 0, KERNELS);
	tcase_add_test(tcase, who_waits_for_another_takes_what_comes);
	tcase_add_test(tcase, what_is_left_goes_with_the_run);
	suite_add_tcase(suite, tcase);
	return suite;
}
