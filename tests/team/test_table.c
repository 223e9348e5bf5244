/* SPDX-License-Identifier: MIT */
/*
 * test_table.c - every verb, of every type, in every form, for 0, 1 and an odd number
 * of elements, in place or not, NULL where there is nothing: each against a serial
 * reference.
 *
 * The verbs are the rows of verbs.def, the types are all that rig_type_bytes() knows,
 * the operations are enum rig_op.  A new verb fails here until `table_rows` has the
 * expected result of the verb; a type, until elements.c has the type.
 *
 * Rank r brings elements that every rank can compute, so each rank computes the
 * expected buffer of every verb, and compares the whole buffer.  test_verb_deaths.c
 * kills a rank within every verb.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/elements.h"
#include "lib/job_pool.h"
#include "lib/table.h"
#include "team/fold.h"
#include "team/type.h"

/* --- all trials --- */

/* In this process: the work of all ranks. */
struct table {
	const struct row *row;
	enum form forms[3];
	int form_count;
};

/* The short form leaves out most long counts, and, where ranks have no CPU each, six
 * of seven trials, so that verbs, types and forms have their turn. */
static bool is_left_out(const struct trial *t)
{
	return !harness_long() && ((t->count > 19 && t->turn % 16) ||
				   (t->size > 2 && t->turn % 7));
}

static int try_counts(struct rig_team *team, const struct table *table,
		      int type, int op, unsigned *turn)
{
	static const size_t counts[] = { 0, 1, 19, 301, 4099 };
	const struct row *row = table->row;
	const int size = rig_team_size(team);
	int r = 0;

	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++)
		for (int k = 0; k < table->form_count; k++)
			for (int p = 0; p <= row->in_place; p++) {
				struct trial t = {
					.team = team,
					.row = row,
					.rank = rig_team_rank(team),
					.size = size,
					.form = table->forms[k],
					.type = type,
					.op = op,
					.item = rig_type_bytes(type),
					.count = counts[c],
					.in_place = p,
					.turn = ++*turn,
					.root = (int)(*turn % (unsigned)size),
				};

				if (is_left_out(&t) || !table_buffers(&t))
					continue;
				r = table_try(&t);
				if (r < 0)
					return r;
			}
	return r;
}

static int try_types(struct rig_team *team, const struct table *table,
		     unsigned *turn)
{
	int types[ELEMENT_TYPES_MAX];
	const int count = elements_types(types);
	int r = 0;

	for (int i = 0; r == 0 && i < count; i++) {
		if (!table->row->reduces) {
			r = try_counts(team, table, types[i], -1, turn);
			continue;
		}
		for (int op = 0; r == 0 && op < OPERATIONS; op++)
			if (fold_has(op, types[i]) &&
			    (harness_long() || table_is_short(op, types[i])))
				r = try_counts(team, table, types[i], op, turn);
	}
	return r;
}

static int tries_all(struct rig_team *team)
{
	const struct table one = { .forms = { FORM_PLAIN }, .form_count = 1 };
	const struct table three = {
		.forms = { FORM_PLAIN, FORM_BEGUN, FORM_PLAN }, .form_count = 3
	};
	unsigned turn = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < table_verb_count; i++) {
		struct table table = table_verbs[i].forms ? three : one;

		table.row = table_row_of(table_verbs[i].verb);
		if (!table.row)
			return rig_team_fail(team, -ENOSYS,
					     "%s: no row in tests/lib/table.c",
					     verb_name(table_verbs[i].verb));
		r = table.row->untyped
			    ? try_counts(team, &table, RIG_FLOAT64, -1, &turn)
			    : try_types(team, &table, &turn);
	}
	return r;
}

static void check_all(int size)
{
	struct rig_segment *segment;
	int r;

	(void)elements_first_op();
	(void)elements_last_op();
	make_pool(size);
	ck_assert_int_eq(rig_segment_create(&segment, NULL,
					    (size_t)size * SHARED_BYTES, NULL),
			 0);
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = tries_all,
				       .segments = { { .name = rig_segment_name(
							       segment) } } });
	ck_assert_msg(r == 0, "%s\n%s", rig_why(), rig_pool_report(pool)->text);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

static const int sizes[] = { 1, 2, 3, 5 };

START_TEST(every_verb_gives_what_the_reference_gives)
{
	check_all(sizes[_i]);
}
END_TEST

/* More ranks than look at each other, so that values go by trees. */
START_TEST(so_do_ranks_in_trees)
{
	check_all(harness_long() ? 17 : 1);
}
END_TEST

START_TEST(every_verb_and_type_has_a_reference)
{
	int types[ELEMENT_TYPES_MAX];
	const int count = elements_types(types);

	for (int i = 0; i < table_verb_count; i++)
		ck_assert_msg(table_row_of(table_verbs[i].verb) != NULL,
			      "verb %s has no reference: add a row to "
			      "table_rows of tests/lib/table.c, which says how "
			      "the verb is called and what must come of it",
			      verb_name(table_verbs[i].verb));
	for (int i = 0; i < count; i++)
		ck_assert_msg(elements_known(types[i]),
			      "type %s has no reference: add a row to "
			      "kind_of() of tests/lib/elements.c, which says "
			      "what its elements are",
			      type_name(types[i]).text);
	for (int i = 0; i < count; i++)
		for (int op = 0; op < OPERATIONS; op++)
			ck_assert_msg(fold_has(op, types[i]) ==
					      elements_has(op, types[i]),
				      "operation %s on type %s: the library "
				      "%s, elements_has() of "
				      "tests/lib/elements.c says otherwise",
				      op_name(op).text,
				      type_name(types[i]).text,
				      fold_has(op, types[i]) ? "has it"
							     : "has it not");
}
END_TEST

/* --- refusals --- */

enum wrong { HUGE_COUNT, HUGE_DISPL, OVERLAP, WRONGS };

struct told {
	enum verb verb;
	enum form form;
	enum wrong wrong;
};

/* Times 8 bytes, modulo 2^64, the product is 8. */
#define HUGE_NUMBER (((size_t)1 << 61) + 1)

static int call_wrong(struct trial *t)
{
	struct rig_request *request = NULL;
	int r = t->row->call(t, &request);

	if (r == 0 && t->form == FORM_PLAN)
		r = rig_team_start(t->team, &request);
	if (r == 0 && request)
		r = rig_team_wait(t->team, &request, NULL);
	return r < 0 ? r : rig_team_barrier(t->team);
}

static int goes_wrong(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	struct trial t = {
		.team = team,
		.row = table_row_of(told->verb),
		.rank = rig_team_rank(team),
		.size = rig_team_size(team),
		.form = told->form,
		.type = RIG_FLOAT64,
		.op = RIG_SUM,
		.item = sizeof(double),
		.count = 3,
		.turn = 1,
	};

	(void)table_buffers(&t);
	if (told->wrong == OVERLAP)
		t.recv = t.send + 2 * t.item;
	t.buffers.sent = t.room = 1;
	if (told->wrong == HUGE_COUNT)
		t.count = HUGE_NUMBER;
	for (int i = 0; i < t.size; i++) {
		t.send_counts[i] = table_length(&t, t.rank, i);
		t.recv_counts[i] = table_length(
			&t, i, told->verb == VERB_ALLTOALLV ? t.rank : 0);
		t.send_displs[i] = t.recv_displs[i] =
			told->wrong == HUGE_DISPL ? HUGE_NUMBER : 4 * (size_t)i;
	}
	return call_wrong(&t);
}

/* Has the verb a number for each rank? */
static bool has_displs(enum verb verb)
{
	return verb == VERB_GATHERV || verb == VERB_SCATTERV ||
	       verb == VERB_ALLGATHERV || verb == VERB_ALLTOALLV;
}

static bool can_be_wrong(const struct told *told)
{
	switch (told->wrong) {
	case HUGE_DISPL:
		return has_displs(told->verb);
	case OVERLAP:
		return told->verb != VERB_BCAST;
	case HUGE_COUNT:
	case WRONGS:
		break;
	}
	return true;
}

static void check_refused(const struct told *told)
{
	static const char *const words[WRONGS] = {
		[HUGE_COUNT] = "elements of type float64",
		[HUGE_DISPL] = "ends beyond all memory",
		[OVERLAP] = "overlap: give two buffers",
	};
	static const char *const given[WRONGS] = {
		[HUGE_COUNT] = "a count whose bytes wrap around",
		[HUGE_DISPL] = "displacements whose bytes wrap around",
		[OVERLAP] = "buffers that overlap",
	};
	struct rig_segment *segment;
	int r;

	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, 2 * SHARED_BYTES, NULL), 0);
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = goes_wrong,
				       .args = told,
				       .args_bytes = sizeof(*told),
				       .segments = { { .name = rig_segment_name(
							       segment) } } });
	ck_assert_msg(r == -EINVAL && strstr(rig_why(), words[told->wrong]) &&
			      strstr(rig_why(), verb_name(told->verb)),
		      "%s%s%s with %s must get -EINVAL and words with its name "
		      "and \"%s\", and gets %d: %s.  Begin each form with "
		      "terms_check(), buffers_overlap() and terms_overlap(), "
		      "or with blocks_check()",
		      told->form == FORM_BEGUN ? "i" : "",
		      verb_name(told->verb),
		      told->form == FORM_PLAN ? table_forms[FORM_PLAN] : "",
		      given[told->wrong], words[told->wrong], r,
		      r < 0 ? rig_why() : "no error");
	rig_segment_destroy(segment);
}

START_TEST(sizes_that_wrap_and_buffers_that_overlap_are_refused)
{
	make_pool(2);
	for (int i = 0; i < table_row_count; i++)
		for (int form = FORM_PLAIN; form <= FORM_PLAN; form++)
			for (int wrong = 0; wrong < WRONGS; wrong++) {
				const struct told told = { table_rows[i].verb,
							   (enum form)form,
							   (enum wrong)wrong };

				if (table_rows[i].call && can_be_wrong(&told))
					check_refused(&told);
			}
	rig_pool_destroy(pool);
}
END_TEST

static int sums_too_many(struct rig_team *team)
{
	double x = 1, sum = 0;

	return rig_team_sum(team, &x, HUGE_NUMBER, RIG_FLOAT64, &sum);
}

START_TEST(a_sum_of_more_than_all_memory_is_refused)
{
	make_pool(2);
	ck_assert_int_eq(run(sums_too_many), -EINVAL);
	ck_assert_msg(strstr(rig_why(), "sum: ") != NULL, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("table");
	TCase *table = make_tcase("table", 0);

	tcase_add_test(table, every_verb_and_type_has_a_reference);
	tcase_add_loop_test(table, every_verb_gives_what_the_reference_gives, 0,
			    (int)(sizeof(sizes) / sizeof(*sizes)));
	tcase_add_test(table, so_do_ranks_in_trees);
	tcase_add_test(table,
		       sizes_that_wrap_and_buffers_that_overlap_are_refused);
	tcase_add_test(table, a_sum_of_more_than_all_memory_is_refused);
	suite_add_tcase(suite, table);
	return suite;
}
