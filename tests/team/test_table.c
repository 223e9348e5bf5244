/* SPDX-License-Identifier: MIT */
/*
 * test_table.c - every verb, of every type, in every form, for 0, 1 and an odd
 * number of elements, in place or not, NULL where there is nothing: each against a
 * serial reference.
 *
 * The verbs are those of verbs.def, the types those that rig_type_bytes() knows,
 * the operations those of enum rig_op.  A verb that is added fails here until
 * `rows` says what the verb must give; a type, until elements.c has the type.
 *
 * Rank r brings elements that every rank can compute, so each rank computes what
 * every verb must leave in its buffer, and compares the whole buffer.
 *
 * And a rank is killed at a system call within every verb.  RUNRIG_VERB_KILLS=10000 is
 * how many kills there are (each verb and form once).
 */
#include "lib/harness.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/elements.h"
#include "lib/job_pool.h"
#include "base/clock.h"
#include "lib/table.h"
#include "lib/tally.h"
#include "team/fold.h"
#include "team/type.h"

/* --- one trial --- */

/* Fill the buffers: this rank's elements, and nothing else. */
static void fill(struct trial *t)
{
	const struct buffers *b = &t->buffers;

	memset(t->recv, FILL, t->room * t->item + GUARD);
	memset(t->send, FILL, b->sent * t->item + GUARD);
	for (size_t i = 0; i < b->sent; i++)
		table_brought(t, t->rank, i, t->send + i * t->item);
	memcpy(t->expect, t->recv, t->room * t->item + GUARD);
	for (size_t i = 0; i < b->kept; i++) {
		char *at = t->recv + (b->kept_at + i) * t->item;

		table_brought(t, t->rank, b->kept_from + i, at);
		memcpy(t->expect + (b->kept_at + i) * t->item, at, t->item);
	}
}

static int compare(struct trial *t)
{
	char own[ELEMENT_BYTES];

	for (size_t i = 0; i < t->room - t->open; i++) {
		char *found = t->recv + i * t->item;
		char *wanted = t->expect + i * t->item;

		if (t->folded > i && elements_same(found, wanted, t->type))
			continue;
		if (memcmp(found, wanted, t->item) != 0)
			return table_fails(t, "wrong is element", i);
	}
	for (size_t i = 0; i < GUARD; i++)
		if (t->recv[t->room * t->item + i] != FILL)
			return table_fails(t, "written behind the buffer", i);
	for (size_t i = 0; i < t->buffers.sent; i++) {
		table_brought(t, t->rank, i, own);
		if (memcmp(t->send + i * t->item, own, t->item) != 0)
			return table_fails(t, "the call has changed element",
					   i);
	}
	return 0;
}

/* Begun, or a plan that is started. */
static int complete(struct trial *t, struct rig_request **request)
{
	bool done = false;
	int r;

	if (t->turn % 2)
		return rig_team_wait(t->team, request, NULL);
	do
		r = rig_team_test(t->team, request, &done, NULL);
	while (r == 0 && !done);
	return r;
}

static int try_plan(struct trial *t)
{
	struct rig_request *plan = NULL;
	int r = t->row->call(t, &plan);

	for (int round = 0; r == 0 && round < 2; round++) {
		/* Lengths may not change under a plan: 6 keeps them. */
		t->turn += 6 * (unsigned)round;
		fill(t);
		t->row->expect(t);
		r = rig_team_start(t->team, &plan);
		if (r == 0)
			r = complete(t, &plan);
		if (r == 0)
			r = compare(t);
	}
	return r < 0 ? r : rig_team_request_free(t->team, &plan);
}

static int try_buffers(struct trial *t)
{
	struct rig_request *request = NULL;
	int r;

	t->buffers = (struct buffers){ 0 };
	t->room = t->folded = t->open = 0;
	t->row->lay(t);
	if (t->form == FORM_PLAN)
		return try_plan(t);
	fill(t);
	t->row->expect(t);
	r = t->row->call(t, &request);
	if (r == 0 && t->form == FORM_BEGUN)
		r = complete(t, &request);
	return r < 0 ? r : compare(t);
}

static int try_one(struct trial *t)
{
	char name[160];
	int r = t->row->whole ? t->row->whole(t) : try_buffers(t);

	if (r == 0 || r == -EBADMSG)
		return r;
	table_name(t, name, sizeof(name));
	/* With what the call itself had to say. */
	return rig_team_fail(t->team, r, "%s: %s", name, rig_why());
}

/* --- all trials --- */

/* In this process: what all the ranks do. */
struct table {
	const struct row *row;
	enum form forms[3];
	int form_count;
};

/* In the short form: most long ones, and, where ranks have no CPU each, all but
 * every seventh, so that verbs, types and forms have their turn. */
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
				r = try_one(&t);
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

/* Every verb with its forms, from verbs.def. */
static const struct {
	enum verb verb;
	bool forms;
} verbs[] = {
#define VERB(verb, name, terms)       { VERB_##verb, false },
#define COLLECTIVE(verb, name, terms) { VERB_##verb, true },
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
};
#define VERB_COUNT ((int)(sizeof(verbs) / sizeof(*verbs)))

static int tries_all(struct rig_team *team)
{
	const struct table one = { .forms = { FORM_PLAIN }, .form_count = 1 };
	const struct table three = {
		.forms = { FORM_PLAIN, FORM_BEGUN, FORM_PLAN }, .form_count = 3
	};
	unsigned turn = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < VERB_COUNT; i++) {
		struct table table = verbs[i].forms ? three : one;

		table.row = table_row_of(verbs[i].verb);
		if (!table.row)
			return rig_team_fail(team, -ENOSYS,
					     "%s: no row in tests/lib/table.c",
					     verb_name(verbs[i].verb));
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

/* More than look at each other, so that values go by trees. */
START_TEST(so_do_ranks_in_trees)
{
	check_all(harness_long() ? 17 : 1);
}
END_TEST

START_TEST(every_verb_and_type_has_a_reference)
{
	int types[ELEMENT_TYPES_MAX];
	const int count = elements_types(types);

	for (int i = 0; i < VERB_COUNT; i++)
		ck_assert_msg(table_row_of(verbs[i].verb) != NULL,
			      "verb %s has no reference: add a row to "
			      "table_rows of tests/lib/table.c, which says how "
			      "the verb is called and what must come of it",
			      verb_name(verbs[i].verb));
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

/* --- what must be refused --- */

enum wrong { HUGE_COUNT, HUGE_DISPL, OVERLAP, WRONGS };

struct told {
	enum verb verb;
	enum form form;
	enum wrong wrong;
};

/* Times 8 bytes it is 8, where nobody looks. */
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
		      "%s, form %d, wrong %d: %d: %s", verb_name(told->verb),
		      told->form, told->wrong, r, rig_why());
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

/* --- a rank dies at a system call of a verb --- */

/* System calls of the verbs, where ranks wait, copy or make room. */
static const struct deadly {
	int number;
	const char *name;
} deadly[] = {
	{ SYS_futex, "futex" },
	{ SYS_sched_yield, "sched_yield" },
	{ SYS_process_vm_readv, "process_vm_readv" },
	{ SYS_madvise, "madvise" },
	{ SYS_mmap, "mmap" },
	{ SYS_munmap, "munmap" },
};
#define DEADLY ((int)(sizeof(deadly) / sizeof(*deadly)))

/* Arguments of the kernel. */
struct killing {
	int verb; /* index in `verbs` */
	enum form form;
	int victim;
	int at; /* index in `deadly` */
	unsigned turn;
};

/* From now on the call ends this process, by SIGSYS. */
static int die_at(int number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]),
				      filter };
	const struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -ENOSYS;
	return 0;
}

static int dies_in_a_verb(struct rig_team *team)
{
	const struct killing *killing = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const struct row *row = table_row_of(verbs[killing->verb].verb);
	struct trial t = {
		.team = team,
		.row = row,
		.rank = rank,
		.size = size,
		.form = killing->form,
		.type = RIG_FLOAT64,
		.op = row->reduces ? RIG_SUM : -1,
		.item = sizeof(double),
		.count = killing->turn % 2 ? 4099 : 19,
		.turn = killing->turn,
		.root = (int)(killing->turn % (unsigned)size),
	};
	int r = 0;

	if (rank == killing->victim)
		r = die_at(deadly[killing->at].number);
	if (r == 0 && table_buffers(&t))
		r = try_one(&t);
	/* A verb that has not asked for it: the end is the same. */
	if (r == 0 && rank == killing->victim)
		(void)syscall(deadly[killing->at].number, 0, 0, 0, 0, 0, 0);
	return r;
}

/* All that a report promises, of the death of `victim`. */
static void check_report(const struct killing *killing, int size)
{
	const struct rig_report *said = rig_pool_report(pool);
	char line[32];

	ck_assert_int_eq(said->end, RIG_END_DEATH);
	ck_assert_int_eq(said->rank, killing->victim);
	ck_assert(WIFSIGNALED(said->wait_status) &&
		  WTERMSIG(said->wait_status) == SIGSYS);
	ck_assert_ptr_nonnull(strstr(said->kernel, "dies_in_a_verb"));
	ck_assert_ptr_nonnull(strstr(rig_why(), "SIGSYS"));
	for (int rank = 0; rank < size; rank++) {
		snprintf(line, sizeof(line), "\n  rank %d (pid %d", rank,
			 (int)said->ranks[rank].pid);
		ck_assert_int_gt(said->ranks[rank].pid, 0);
		ck_assert_msg(strstr(said->text, line) != NULL, "%s",
			      said->text);
	}
}

static int all_are_well(struct rig_team *team)
{
	const double one = 1;
	double sum = 0;
	int r = rig_team_allreduce(team, &one, &sum, 1, RIG_FLOAT64, RIG_SUM);

	return r < 0 ? r : sum == rig_team_size(team) ? 0 : -EBADMSG;
}

/* False: this system has no filters. */
static bool kill_one(struct rig_segment *segment, const struct killing *killing,
		     int size, struct tally *tally)
{
	const uint64_t begun = clock_ns();
	const struct rig_job job = {
		.kernel = dies_in_a_verb,
		.segments = { { .name = rig_segment_name(segment) } },
		.args = killing,
		.args_bytes = sizeof(*killing)
	};
	int r = rig_pool_run(pool, &job);

	if (r == -ENOSYS)
		return false;
	ck_assert_msg(r == -EOWNERDEAD, "%s%s, rank %d at %s: %d, %s",
		      verb_name(verbs[killing->verb].verb),
		      table_forms[killing->form], killing->victim,
		      deadly[killing->at].name, r, rig_why());
	check_report(killing, size);
	tally_add(tally, clock_ns() - begun);
	ck_assert_msg(run(all_are_well) == 0, "%s", rig_why());
	return true;
}

START_TEST(a_rank_dies_at_a_system_call_of_every_verb)
{
	const char *times = getenv("RUNRIG_VERB_KILLS");
	const int size = 3, count = times ? atoi(times) : 2 * VERB_COUNT;
	struct rig_segment *segment;
	struct tally tally = { 0 };

	make_pool(size);
	ck_assert_int_eq(rig_segment_create(&segment, NULL,
					    (size_t)size * SHARED_BYTES, NULL),
			 0);
	for (int i = 0; i < count; i++) {
		const int round = i / VERB_COUNT;
		const struct killing killing = {
			.verb = i % VERB_COUNT,
			.form = verbs[i % VERB_COUNT].forms
					? (enum form)(round % 3)
					: FORM_PLAIN,
			.victim = (i + round) % size,
			.at = round % DEADLY,
			.turn = 1 + (unsigned)round,
		};

		if (!kill_one(segment, &killing, size, &tally))
			break;
	}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	tally_write(&tally, "a rank at a system call of a verb");
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
	tcase_add_test(table, a_rank_dies_at_a_system_call_of_every_verb);
	suite_add_tcase(suite, table);
	return suite;
}
