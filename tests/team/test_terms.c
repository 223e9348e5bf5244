/* SPDX-License-Identifier: MIT */
/*
 * test_terms.c - every term of every verb: ranks that differ in that one are
 * found, and the words have the term by name in both calls.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "lib/table.h"
#include "team/type.h"
#include "team/verb.h"

/* Which verb is called, and in which term the last rank differs. */
struct told {
	unsigned verb;
	uint32_t term; /* 0: a word */
	int word;
};

/* The arguments of a rank. */
struct given {
	size_t count;
	int type;
	int op;
	int root;
	size_t chunk;
	enum rig_schedule schedule;
	enum rig_level level;
};

static const struct given usual = {
	.count = 4,
	.type = RIG_FLOAT64,
	.op = RIG_SUM,
	.root = 0,
	.chunk = 16,
	.schedule = RIG_SHARE_DYNAMIC,
	.level = RIG_LEVEL_HOST,
};

/* Each term differs alone; elements stay as long, so that nothing else differs. */
static const struct given other = {
	.count = 3,
	.type = RIG_COMPLEX64,
	.op = RIG_PROD,
	.root = 1,
	.chunk = 16 + ((size_t)1 << 32),
	.schedule = RIG_SHARE_GUIDED,
	.level = RIG_LEVEL_NODE,
};

static struct given choose(const struct told *told, bool differs)
{
	struct given given = usual;

	if (!differs)
		return given;
	if (told->term == TERM_COUNT || told->term == TERM_BYTES)
		given.count = other.count;
	if (told->term == TERM_TYPE)
		given.type = other.type;
	if (told->term == TERM_OP)
		given.op = other.op;
	if (told->term == TERM_ROOT)
		given.root = other.root;
	if (told->term)
		return given;
	switch (verb_word(told->verb, told->word)) {
	case WORD_CHUNK:
		given.chunk = other.chunk;
		break;
	case WORD_SCHEDULE:
		given.schedule = other.schedule;
		break;
	case WORD_LEVEL:
		given.level = other.level;
		break;
	case WORD_NONE:
	case WORDS:
		break;
	}
	return given;
}

/* "count 4", in the words for the verb. */
static void put_term(char *text, size_t bytes, const struct told *told,
		     const struct given *given)
{
	static const char *const schedules[] = { "static", "dynamic",
						 "guided" };
	static const char *const levels[] = { "host", "package", "node", "l3" };

	switch (told->term) {
	case TERM_COUNT:
		snprintf(text, bytes, "count %zu", given->count);
		return;
	case TERM_BYTES:
		snprintf(text, bytes, "bytes %zu", 8 * given->count);
		return;
	case TERM_TYPE:
		snprintf(text, bytes, "type %s",
			 given->type == RIG_FLOAT64 ? "float64" : "complex64");
		return;
	case TERM_OP:
		snprintf(text, bytes, "op %s",
			 given->op == RIG_SUM ? "SUM" : "PROD");
		return;
	case TERM_ROOT:
		snprintf(text, bytes, "root %d", given->root);
		return;
	default:
		break;
	}
	switch (verb_word(told->verb, told->word)) {
	case WORD_CHUNK:
		snprintf(text, bytes, "chunk %zu", given->chunk);
		break;
	case WORD_SCHEDULE:
		snprintf(text, bytes, "schedule %s",
			 schedules[given->schedule]);
		break;
	case WORD_LEVEL:
		snprintf(text, bytes, "level %s", levels[given->level]);
		break;
	case WORD_NONE:
	case WORDS:
		break;
	}
}

#define RANKS_MAX 8

/* The verb as lib/table.c calls the verb: with `count` elements, or blocks of as
 * many.  The other forms of a verb are the two numbers behind the verb. */
static int calls_row(struct rig_team *team, unsigned verb,
		     const struct given *g)
{
	static char memory[2][1024];
	struct rig_request *request = NULL;
	struct trial t = {
		.team = team,
		.rank = rig_team_rank(team),
		.size = rig_team_size(team),
		.type = g->type,
		.op = g->op,
		.item = rig_type_bytes(g->type),
		.count = g->count,
		.root = g->root,
		.send = memory[0],
		.recv = memory[1],
	};
	int r;

	while (t.form <= FORM_PLAN && !table_row_of(verb - t.form))
		t.form++;
	t.row = t.form <= FORM_PLAN ? table_row_of(verb - t.form) : NULL;
	if (!t.row || !t.row->call)
		return -ENOSYS;
	t.row->lay(&t);
	r = t.row->call(&t, &request);
	if (r == 0 && t.form == FORM_PLAN)
		r = rig_team_start(team, &request);
	return r < 0 || !request ? r : rig_team_wait(team, &request, NULL);
}

/* Where ranks have numbers of their own: the verb, and the same not waiting and as
 * a plan. */
#define COLLECTIVE_CALL(VERB, name, ...)                                       \
	case VERB_##VERB:                                                      \
		return rig_team_##name(team, __VA_ARGS__);                     \
	case VERB_I##VERB:                                                     \
		r = rig_team_i##name(team, __VA_ARGS__, &request);             \
		return r < 0 ? r : rig_team_wait(team, &request, NULL);        \
	case VERB_##VERB##_INIT:                                               \
		r = rig_team_##name##_init(team, __VA_ARGS__, &request);       \
		if (r == 0)                                                    \
			r = rig_team_start(team, &request);                    \
		return r < 0 ? r : rig_team_wait(team, &request, NULL)

static __attribute__((noinline)) int calls_verb(struct rig_team *team,
						unsigned verb,
						const struct given *g)
{
	double x[4 * RANKS_MAX] = { 0 }, y[4 * RANKS_MAX] = { 0 };
	size_t counts[RANKS_MAX] = { 0 }, displs[RANKS_MAX] = { 0 };
	const size_t count = g->count;
	const int type = g->type, root = g->root;
	struct rig_request *request = NULL;
	struct rig_team *part = NULL;
	struct rig_share share;
	int r;

	for (int i = 0; i < rig_team_size(team); i++)
		counts[i] = 4;
	counts[rig_team_size(team) - 1] = count;
	switch (verb) {
		COLLECTIVE_CALL(REDUCE_SCATTER, reduce_scatter, x, y, counts,
				type, g->op);
		COLLECTIVE_CALL(GATHERV, gatherv, x, 0, type, y, displs, displs,
				type, root);
		COLLECTIVE_CALL(SCATTERV, scatterv, x, displs, displs, type, y,
				0, type, root);
		COLLECTIVE_CALL(ALLGATHERV, allgatherv, x,
				counts[rig_team_rank(team)], type, y, counts,
				displs, type);
	case VERB_SUM:
		return rig_team_sum(team, x, count, type, y);
	case VERB_SHARE:
		return rig_share_begin(&share, team, count, g->schedule,
				       g->chunk);
	case VERB_SPLIT_TYPE:
		return rig_team_split_type(team, g->level, 0, &part);
	default:
		return calls_row(team, verb, g);
	}
}

static int calls(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int last = rig_team_size(team) - 1;
	const struct given given = choose(told, rig_team_rank(team) == last);
	int r = calls_verb(team, told->verb, &given);

	return r < 0 ? r : rig_team_barrier(team);
}

static void check(const struct told *told)
{
	char mine[64] = "", theirs[64] = "", call[64];
	const int r = run_args(calls, told, sizeof(*told));
	const char *why = rig_why();

	ck_assert_msg(r != -ENOSYS,
		      "%s has terms, and is not called: add a row to "
		      "table_rows of tests/lib/table.c, or a case to "
		      "calls_verb() of tests/team/test_terms.c",
		      verb_name(told->verb));
	put_term(mine, sizeof(mine), told, &usual);
	put_term(theirs, sizeof(theirs), told, &other);
	/* The last of three ranks' counts is another; the sum is the term. */
	if (told->term == TERM_COUNT &&
	    (told->verb == VERB_REDUCE_SCATTER ||
	     told->verb == VERB_IREDUCE_SCATTER ||
	     told->verb == VERB_REDUCE_SCATTER_INIT ||
	     told->verb == VERB_ALLGATHERV || told->verb == VERB_IALLGATHERV ||
	     told->verb == VERB_ALLGATHERV_INIT)) {
		snprintf(mine, sizeof(mine), "count 12");
		snprintf(theirs, sizeof(theirs), "count 11");
	} else if (told->term == TERM_COUNT &&
		   (told->verb == VERB_REDUCE_SCATTER_BLOCK ||
		    told->verb == VERB_IREDUCE_SCATTER_BLOCK ||
		    told->verb == VERB_REDUCE_SCATTER_BLOCK_INIT)) {
		snprintf(mine, sizeof(mine), "count 12");
		snprintf(theirs, sizeof(theirs), "count 9");
	}
	snprintf(call, sizeof(call), "calls %s(", verb_name(told->verb));
	ck_assert_msg(r == -EINVAL && strstr(why, call) && strstr(why, mine) &&
			      strstr(why, theirs),
		      "%s: ranks with %s and with %s must get -EINVAL and "
		      "words that name both, and get %d: %s.  Set the term "
		      "before call_enter() or schedule_make()",
		      verb_name(told->verb), mine, theirs, r,
		      r < 0 ? why : "no error");
	ck_assert_msg(strstr(strstr(why, call) + 1, call), "%s", why);
	if (!(verb_terms[told->verb] & TERM_ROOT))
		ck_assert_msg(!strstr(why, "root"), "%s", why);
	if (!(verb_terms[told->verb] & TERM_OP))
		ck_assert_msg(!strstr(why, " op "), "%s", why);
}

START_TEST(a_term_that_differs_is_found_and_named)
{
	make_pool(3);
	for (unsigned verb = 0; verb < VERBS; verb++) {
		for (uint32_t term = TERM_COUNT; term <= TERM_ROOT; term *= 2)
			if (verb_terms[verb] & term)
				check(&(struct told){ verb, term, 0 });
		for (int i = 0; i < TERM_WORDS_MAX; i++)
			if (verb_word(verb, i))
				check(&(struct told){ verb, 0, i });
	}
	rig_pool_destroy(pool);
}
END_TEST

/* Which terms must the verb of the row have? */
static uint32_t terms_due(const struct row *row)
{
	const char *name = verb_name(row->verb);

	/* A count for each rank: gatherv. */
	if (!row->call || (!row->reduces && name[strlen(name) - 1] == 'v'))
		return 0;
	return TERM_COUNT | TERM_TYPE | (row->reduces ? TERM_OP : 0);
}

START_TEST(a_verb_agrees_on_what_it_is_given)
{
	for (int i = 0; i < table_row_count; i++) {
		const unsigned verb = table_rows[i].verb;
		const uint32_t due = terms_due(&table_rows[i]);

		ck_assert_msg((verb_terms[verb] & TERM_BYTES) ||
				      (verb_terms[verb] & due) == due,
			      "%s: add to the row of verbs.def what all ranks "
			      "must agree on, TERM_COUNT | TERM_TYPE%s",
			      verb_name(verb),
			      due & TERM_OP ? " | TERM_OP" : "");
	}
}
END_TEST

START_TEST(verbs_types_and_operations_have_names)
{
	for (unsigned verb = 0; verb < VERBS; verb++)
		for (unsigned i = 0; i < verb; i++)
			ck_assert_msg(strcmp(verb_name(verb), verb_name(i)) !=
					      0,
				      "two rows of verbs.def are called %s: "
				      "give each verb a name of its own",
				      verb_name(verb));
	for (int type = 0; type <= RIG_FLOAT128_AT32; type++)
		if (rig_type_bytes(type))
			ck_assert_msg(!strstr(type_name(type).text, "number"),
				      "type.c has no name for type %d", type);
	for (int op = 0; op < RIG_OPS; op++)
		ck_assert_msg(!strstr(op_name(op).text, "number"),
			      "type.c has no name for operation %d", op);
	ck_assert_str_eq(type_name(rig_type_opaque(24)).text,
			 "opaque of 24 bytes");
	ck_assert_str_eq(type_name(99).text, "number 99");
	ck_assert_str_eq(op_name(RIG_SUM | RIG_REPRODUCIBLE).text,
			 "SUM reproducible");
	ck_assert_str_eq(op_name(99).text, "number 99");
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("terms");
	TCase *terms = make_tcase("terms", 60);

	tcase_add_test(terms, a_term_that_differs_is_found_and_named);
	tcase_add_test(terms, a_verb_agrees_on_what_it_is_given);
	tcase_add_test(terms, verbs_types_and_operations_have_names);
	suite_add_tcase(suite, terms);
	return suite;
}
