/* SPDX-License-Identifier: MIT */
/*
 * test_message.c - messages between ranks: each receive gets the right message, whole
 * and in order.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#include "message_parts.h"

static const int sizes[] = { 1, 2, 3, 5, 9, 4, 6, 7, 8, 64 };

#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

/* In a segment of one strip a rank. */
#define STRIP ((size_t)1 << 20)

static struct rig_segment *segment;

static int run_segment(rig_kernel_fn *kernel)
{
	return rig_pool_run(
		pool,
		&(struct rig_job){ .kernel = kernel,
				   .segments = { { .name = rig_segment_name(
							   segment) } } });
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* --- random programs against a reference matcher --- */

/* Around every way a message may travel. */
static const size_t lengths[] = { 0,     1,     8,      39,     40,    41,
				  2047,  2048,  2049,   4096,   8193,  16384,
				  16385, 65537, 131072, 131073, 300001 };

#define LENGTHS (sizeof(lengths) / sizeof(*lengths))

#define MOST 8 /* messages of a pair and phase */

#define MOST_OPS 4096

struct planned {
	size_t bytes;
	int tag;
	uint32_t what;
};

/* The messages of a pair: the sends, in order, the tag of each receive, and the
 * message that the receive must get. */
struct plan {
	int count;
	struct planned sent[MOST];
	int asked[MOST];
	int gets[MOST];
};

/* All ranks draw the same plan of a pair. */
static void draw(struct plan *plan, uint32_t seed, int from, int to, int size,
		 int phase)
{
	uint32_t s = seed + (uint32_t)((phase * 64 + from) * 64 + to) * 7919u;
	bool taken[MOST] = { false };

	(void)next(&s);
	plan->count = (int)(next(&s) % (size > 9 ? 24 : 7));
	if (plan->count > 6)
		plan->count = 0;
	for (int i = 0; i < plan->count; i++)
		plan->sent[i] = (struct planned){
			lengths[next(&s) % (next(&s) % 3 ? 7 : LENGTHS)],
			(int)(next(&s) % 3), next(&s)
		};
	/* A receive may ask for any message that is left; the first with the tag
	 * comes. */
	for (int i = 0; i < plan->count; i++) {
		int pick = (int)next(&s) % plan->count;

		while (taken[pick])
			pick = (pick + 1) % plan->count;
		plan->asked[i] =
			next(&s) % 3 ? plan->sent[pick].tag : RIG_ANY_TAG;
		for (pick = 0;; pick++)
			if (!taken[pick] &&
			    (plan->asked[i] == RIG_ANY_TAG ||
			     plan->asked[i] == plan->sent[pick].tag))
				break;
		taken[pick] = true;
		plan->gets[i] = pick;
	}
}

/* A request of a rank, and the expected result. */
struct op {
	struct rig_request *request;
	unsigned char *data;
	const struct planned *planned;
	int peer;
	bool receives;
};

struct program {
	struct rig_team *team;
	struct plan to[64], from[64];
	struct op ops[MOST_OPS];
	struct rig_request *requests[MOST_OPS];
	struct rig_status statuses[MOST_OPS];
	int count;
};

static int begin_op(struct program *p, int peer, int index, bool receives)
{
	struct plan *plan = receives ? &p->from[peer] : &p->to[peer];
	int message = receives ? plan->gets[index] : index;
	const struct planned *planned = &plan->sent[message];
	struct op *op = &p->ops[p->count++];

	*op = (struct op){ .planned = planned,
			   .peer = peer,
			   .receives = receives,
			   .data = malloc(planned->bytes + 8) };
	if (receives)
		return rig_team_irecv(p->team, op->data, planned->bytes + 8,
				      RIG_UINT8, peer, plan->asked[index],
				      &op->request);
	fill(op->data, planned->bytes, planned->what);
	return rig_team_isend(p->team, op->data, planned->bytes, RIG_UINT8,
			      peer, planned->tag, &op->request);
}

/* All messages of a phase: pairs in any order, the messages of a pair in order. */
static int begin_all(struct program *p, uint32_t *seed)
{
	const int size = rig_team_size(p->team);
	int sent[64] = { 0 }, asked[64] = { 0 };
	int left = 0, r = 0;

	for (int i = 0; i < size; i++)
		left += p->to[i].count + p->from[i].count;
	for (p->count = 0; r == 0 && left;) {
		int peer = (int)(next(seed) % (uint32_t)size);
		bool receives = next(seed) % 2;
		int *done = receives ? &asked[peer] : &sent[peer];
		int of = receives ? p->from[peer].count : p->to[peer].count;

		if (*done == of)
			continue;
		r = begin_op(p, peer, (*done)++, receives);
		left--;
	}
	return r;
}

static int finish_all(struct program *p, uint32_t *seed)
{
	int r = 0, index;

	for (int i = 0; i < p->count; i++) {
		p->requests[i] = p->ops[i].request;
		p->statuses[i].bytes = 12345;
	}
	for (uint32_t i = next(seed) % 8; r == 0 && i > 0; i--) {
		struct rig_status status = { 0 };

		r = rig_team_waitany(p->team, p->count, p->requests, &index,
				     &status);
		if (r == 0 && index >= 0 && p->ops[index].receives &&
		    (status.bytes != p->ops[index].planned->bytes ||
		     status.source != p->ops[index].peer))
			return -EBADMSG;
	}
	if (r == 0)
		r = rig_team_waitall(p->team, p->count, p->requests,
				     p->statuses);
	for (int i = 0; i < p->count; i++) {
		struct op *op = &p->ops[i];

		if (r == 0 && op->receives &&
		    !is_filled(op->data, op->planned->bytes, op->planned->what))
			r = rig_team_fail(p->team, -EBADMSG,
					  "from %d: not message %u of %zu "
					  "bytes, tag %d",
					  op->peer, op->planned->what,
					  op->planned->bytes, op->planned->tag);
		free(op->data);
	}
	return r;
}

static int random_program(struct rig_team *team)
{
	const uint32_t seed = *(const uint32_t *)rig_team_args(team);
	static struct program p;
	struct rig_team *teams[2] = { team, NULL };
	uint32_t own = seed + (uint32_t)rig_team_rank(team) * 97u;
	int r = rig_team_split(team, rig_team_rank(team) % 2,
			       -rig_team_rank(team), &teams[1]);

	for (int phase = 0; r == 0 && phase < 6; phase++) {
		int rank, size;
		int64_t sum = 1;

		p.team = teams[phase % 3 == 2];
		rank = rig_team_rank(p.team);
		size = rig_team_size(p.team);
		for (int i = 0; i < size; i++) {
			draw(&p.to[i], seed, rank, i, size, phase);
			draw(&p.from[i], seed, i, rank, size, phase);
		}
		r = begin_all(&p, &own);
		/* Messages move on meanwhile, or the senders could not come here. */
		if (r == 0 && phase % 4 == 1)
			r = rig_team_barrier(team);
		if (r == 0 && phase % 4 == 2)
			r = rig_team_allreduce(team, RIG_IN_PLACE, &sum, 1,
					       RIG_INT64, RIG_SUM);
		if (r == 0)
			r = finish_all(&p, &own);
	}
	return r;
}

START_TEST(each_receive_gets_the_message_that_mpi_would_give_it)
{
	make_pool(sizes[_i]);
	for (uint32_t i = 0; i < (sizes[_i] > 9 ? 2 : 6); i++)
		ck_assert_msg(
			run_seed(random_program, (uint32_t)_i * 100 + i) == 0,
			"%d ranks, seed %u: %s", sizes[_i],
			(uint32_t)_i * 100 + i, rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

/* --- wildcards --- */

#define EACH 200

/* Rank 0 takes any message; the messages of a rank come in order. */
static int from_anybody(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	uint64_t seen[64] = { 0 };
	int r = 0;

	for (uint64_t i = 0; r == 0 && rank && i < EACH; i++)
		r = rig_team_send(team, &i, 1, RIG_UINT64, 0, rank);
	for (int i = 0; r == 0 && rank == 0 && i < EACH * (size - 1); i++) {
		struct rig_status status, probed = { 0 };
		uint64_t value = 0;

		if (i % 3 == 0)
			r = rig_team_probe(team, RIG_ANY_SOURCE, RIG_ANY_TAG,
					   &probed);
		if (r == 0)
			r = rig_team_recv(team, &value, 1, RIG_UINT64,
					  i % 3 == 0 ? probed.source
						     : RIG_ANY_SOURCE,
					  RIG_ANY_TAG, &status);
		if (r == 0 && (status.tag != status.source ||
			       status.bytes != sizeof(value) ||
			       value != seen[status.source]++))
			r = rig_team_fail(team, -EBADMSG, "from %d: %llu",
					  status.source,
					  (unsigned long long)value);
	}
	return r;
}

START_TEST(messages_of_one_source_do_not_overtake)
{
	make_pool(sizes[_i]);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(run(from_anybody) == 0, "%s",
			      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(sendrecv_goes_around)
{
	make_pool(sizes[_i]);
	ck_assert_msg(run(around) == 0, "%s", rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

/* --- nobody, truncation, tests, lending --- */

static int nobody_is_there(struct rig_team *team)
{
	struct rig_status status = { 0 };
	struct rig_request *request = NULL;
	bool done = false;
	int value = 7, r;

	r = rig_team_send(team, &value, 1, RIG_INT32, RIG_PROC_NULL, 1);
	if (r == 0)
		r = rig_team_recv(team, &value, 1, RIG_INT32, RIG_PROC_NULL, 1,
				  &status);
	if (r == 0 && (status.source != RIG_PROC_NULL ||
		       status.tag != RIG_ANY_TAG || status.bytes || value != 7))
		return -EBADMSG;
	r = rig_team_irecv(team, &value, 1, RIG_INT32, RIG_PROC_NULL, 1,
			   &request);
	if (r == 0)
		r = rig_team_test(team, &request, &done, &status);
	return r ? r : done && !request ? 0 : -EBADMSG;
}

static int truncates(struct rig_team *team)
{
	static unsigned char data[200000];
	const size_t sent[] = { 30, 1000, 200000 };
	const int rank = rig_team_rank(team);
	struct rig_status status;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		if (rank == 1) {
			fill(data, sent[i], 9);
			r = rig_team_send(team, data, sent[i], RIG_UINT8, 0, i);
			continue;
		}
		memset(data, 0, sizeof(data));
		if (rig_team_recv(team, data, 20, RIG_UINT8, 1, i, &status) !=
			    -EMSGSIZE ||
		    status.bytes != sent[i] || status.code != -EMSGSIZE)
			return -EBADMSG;
		if (!is_filled(data, 20, 9) || data[20])
			return -EBADMSG;
	}
	/* And the next message is whole. */
	if (r == 0 && rank == 1)
		r = rig_team_send(team, data, sizeof(data), RIG_UINT8, 0, 9);
	else if (r == 0)
		r = rig_team_recv(team, data, sizeof(data), RIG_UINT8, 1, 9,
				  NULL);
	return r;
}

/* Messages to the rank itself: a receive is posted, or the message waits. */
static int to_itself(struct rig_team *team)
{
	static unsigned char in[300000], out[300000];
	const int rank = rig_team_rank(team);
	struct rig_request *request;
	bool found = true;
	int r = rig_team_iprobe(team, rank, 4, &found, NULL);

	if (r == 0 && found)
		return -EBADMSG;
	fill(out, sizeof(out), 3);
	r = rig_team_irecv(team, in, sizeof(in), RIG_UINT8, rank, 4, &request);
	if (r == 0)
		r = rig_team_send(team, out, sizeof(out), RIG_UINT8, rank, 4);
	if (r == 0)
		r = rig_team_wait(team, &request, NULL);
	if (r == 0 && !is_filled(in, sizeof(in), 3))
		r = -EBADMSG;
	if (r == 0)
		r = rig_team_send(team, out, 1000, RIG_UINT8, rank, 5);
	if (r == 0)
		r = rig_team_iprobe(team, rank, 5, &found, NULL);
	if (r == 0 && !found)
		r = -EBADMSG;
	return r ? r : rig_team_recv(team, in, 1000, RIG_UINT8, rank, 5, NULL);
}

/* More messages than there are slots and trays, and no receive; then all messages,
 * the last tag first. */
static int piles_up(struct rig_team *team)
{
	static unsigned char data[800][50], in[50];
	static struct rig_request *requests[800];
	static unsigned char large[150][20000];
	static struct rig_request *larges[150];
	const int rank = rig_team_rank(team);
	int r = 0;

	for (int i = 0; r == 0 && rank == 0 && i < 800; i++) {
		fill(data[i], 50, (uint32_t)i);
		r = rig_team_isend(team, data[i], 50, RIG_UINT8, 1, i,
				   &requests[i]);
	}
	for (int i = 0; r == 0 && rank == 0 && i < 150; i++) {
		fill(large[i], sizeof(large[i]), (uint32_t)i);
		r = rig_team_isend(team, large[i], sizeof(large[i]), RIG_UINT8,
				   2, i, &larges[i]);
	}
	if (r == 0)
		r = rig_team_barrier(team);
	for (int i = 799; r == 0 && rank == 1 && i >= 0; i--) {
		r = rig_team_recv(team, in, 50, RIG_UINT8, 0, i, NULL);
		if (r == 0 && !is_filled(in, 50, (uint32_t)i))
			r = -EBADMSG;
	}
	for (int i = 149; r == 0 && rank == 2 && i >= 0; i--) {
		r = rig_team_recv(team, large[0], sizeof(large[0]), RIG_UINT8,
				  0, i, NULL);
		if (r == 0 &&
		    !is_filled(large[0], sizeof(large[0]), (uint32_t)i))
			r = -EBADMSG;
	}
	if (r == 0 && rank == 0)
		r = rig_team_waitall(team, 800, requests, NULL);
	if (r == 0 && rank == 0)
		r = rig_team_waitall(team, 150, larges, NULL);
	return r;
}

START_TEST(the_corners)
{
	rig_kernel_fn *kernels[] = { nobody_is_there, truncates, to_itself,
				     piles_up };
	const int ranks[] = { 2, 2, 3, 3 };

	make_pool(ranks[_i]);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(run(kernels[_i]) == 0, "%s",
			      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

/* Lent, and read in place; received as usual; borrowed though not lent. */
static int lends(struct rig_team *team)
{
	unsigned char *strip = (unsigned char *)rig_team_data(team, 0) +
			       (size_t)rig_team_rank(team) * STRIP;
	static unsigned char own[5000];
	struct rig_request *request;
	const void *data;
	struct rig_status status;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < 50; i++) {
		if (rig_team_rank(team) == 0) {
			fill(strip, STRIP, i);
			r = rig_team_lend(team, strip, STRIP, RIG_UINT8, 1, 1,
					  &request);
			if (r == 0)
				r = rig_team_wait(team, &request, NULL);
			fill(strip, STRIP, i + 1);
			if (r == 0)
				r = rig_team_send(team, strip, STRIP, RIG_UINT8,
						  1, 2);
			fill(own, sizeof(own), i);
			if (r == 0)
				r = rig_team_send(team, own, sizeof(own),
						  RIG_UINT8, 1, 3);
			continue;
		}
		r = rig_team_borrow(team, &data, 0, 1, &status);
		if (r == 0 &&
		    (data != rig_team_data(team, 0) || status.bytes != STRIP ||
		     !is_filled(data, STRIP, i)))
			return -EBADMSG;
		if (r == 0)
			r = rig_team_release(team, data);
		if (r == 0)
			r = rig_team_recv(team, strip, STRIP, RIG_UINT8, 0, 2,
					  NULL);
		if (r == 0 && !is_filled(strip, STRIP, i + 1))
			return -EBADMSG;
		if (r == 0)
			r = rig_team_borrow(team, &data, 0, 3, &status);
		if (r == 0 && !is_filled(data, sizeof(own), i))
			return -EBADMSG;
		if (r == 0)
			r = rig_team_release(team, data);
		if (r == 0 && rig_team_release(team, data) != -EINVAL)
			return -EBADMSG;
	}
	return r;
}

START_TEST(what_is_lent_is_read_in_place)
{
	make_pool(2);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, 2 * STRIP,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	ck_assert_msg(run_segment(lends) == 0, "%s",
		      rig_pool_report(pool)->text);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

/* --- deadlocks and deaths --- */

/* Messages that nobody received are gone with the run. */
static int leaves(struct rig_team *team)
{
	int64_t old = -1;

	for (int i = 0; i < 20; i++)
		(void)rig_team_send(team, &old, 1, RIG_INT64,
				    !rig_team_rank(team), 3);
	return 0;
}

START_TEST(a_run_leaves_no_message_to_the_next)
{
	make_pool(2);
	for (int i = 0; i < 10; i++) {
		ck_assert_msg(run(leaves) == 0, "%s", rig_why());
		ck_assert_msg(run(around) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("message");
	TCase *random = make_tcase("random", 60);
	TCase *plain = make_tcase("plain", 60);

	tcase_add_loop_test(
		random, each_receive_gets_the_message_that_mpi_would_give_it, 0,
		SIZES);
	tcase_add_loop_test(random, messages_of_one_source_do_not_overtake, 1,
			    SIZES);
	tcase_add_loop_test(plain, sendrecv_goes_around, 0, SIZES);
	tcase_add_loop_test(plain, the_corners, 0, 4);
	tcase_add_test(plain, what_is_lent_is_read_in_place);
	tcase_add_test(plain, a_run_leaves_no_message_to_the_next);
	suite_add_tcase(suite, random);

	suite_add_tcase(suite, plain);
	return suite;
}
