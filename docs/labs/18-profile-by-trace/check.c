/* SPDX-License-Identifier: MIT */
/*
 * check.c - draw traces whose trouble is known, and count the steps of a pipeline.
 *
 * No clock decides anything: the spans are made up, and a rank's clock goes on by
 * what the rank does (judge/clock.h).
 */
#include "lab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "labs/judge/clock.h"
#include "labs/judge/grade.h"

#define RANKS     8
#define SPANS_MAX 512
#define ROUNDS    2
#define BLOCK     100
#define MESSAGE   5

static struct {
	double (*busy)(const struct lab_trace *, int);
	double (*imbalance)(const struct lab_trace *);
	double (*alone)(const struct lab_trace *);
	double (*late)(const struct lab_trace *, int *);
	enum lab_trouble (*diagnose)(const struct lab_trace *);
	rig_kernel_fn *pipeline;
} student;

static double fraction(void)
{
	return (double)grade_draw((uint64_t)1 << 53) * 0x1p-53;
}

static bool is_near(double found, double wanted)
{
	return fabs(found - wanted) <= 1e-6 * (1 + fabs(wanted));
}

/* ---- drawn traces ---- */

/* A trace that is being made, and what is true of the trace. */
struct script {
	struct lab_span spans[SPANS_MAX];
	struct lab_trace trace;
	double now[RANKS];  /* of each rank */
	double busy[RANKS]; /* work so far */
	double alone, late;
	int culprit;
	double nested; /* waits within waits of rank 0 */
};

static void put(struct script *script, struct lab_span span)
{
	if (script->trace.count < SPANS_MAX)
		script->spans[script->trace.count++] = span;
}

static void work(struct script *script, int rank, double time)
{
	script->now[rank] += time;
	script->busy[rank] += time;
}

/* All meet at the last; a wait of every third meeting has a wait within. */
static void meet(struct script *script, bool within)
{
	double last = 0;

	for (int i = 0; i < script->trace.ranks; i++)
		last = fmax(last, script->now[i]);
	for (int i = 0; i < script->trace.ranks; i++) {
		double begin = script->now[i];

		if (begin < last)
			put(script, (struct lab_span){ LAB_MEET, i, begin, last,
						       -1, 0 });
		if (begin < last && within) {
			begin += (last - begin) / 4;
			put(script, (struct lab_span){ LAB_MEET, i, begin, last,
						       -1, 0 });
			script->nested += i == 0 ? last - begin : 0;
		}
		script->now[i] = last;
	}
}

/* The longest and the second longest: for so long one rank worked alone. */
static void work_all(struct script *script, const double *times)
{
	double first = 0, second = 0;

	for (int i = 0; i < script->trace.ranks; i++) {
		work(script, i, times[i]);
		if (times[i] > first) {
			second = first;
			first = times[i];
		} else if (times[i] > second) {
			second = times[i];
		}
	}
	script->alone += first - second;
}

/* Work that is even to 2 %. */
static void even(double *times, double time)
{
	for (int i = 0; i < RANKS; i++)
		times[i] = time * (0.98 + 0.02 * fraction());
}

/* The culprit sends to all in the middle of its work, and has done what the others
 * are to do later; a transfer takes `flight`. */
static void send_late(struct script *script, double time)
{
	const int from = script->culprit;
	const double begin = script->now[from], sent = begin + 2 * time;
	const double flight = 0.02 * time;

	for (int i = 0; i < script->trace.ranks; i++) {
		if (i == from)
			continue;
		work(script, i, time);
		put(script, (struct lab_span){ LAB_RECV, i, script->now[i],
					       sent + flight, from, sent });
		script->late += sent - script->now[i];
		script->now[i] = sent + flight;
		work(script, i, time);
	}
	work(script, from, 2 * time);
	/* The culprit by itself, before the others have the message. */
	script->alone += time;
}

static int compare_begin(const struct lab_span *a, const struct lab_span *b)
{
	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* By insertion: a span stays behind those that begin at the same moment. */
static void sort_spans(struct script *script)
{
	for (int i = 1; i < script->trace.count; i++) {
		struct lab_span span = script->spans[i];
		int k = i;

		while (k > 0 &&
		       compare_begin(&span, &script->spans[k - 1]) < 0) {
			script->spans[k] = script->spans[k - 1];
			k--;
		}
		script->spans[k] = span;
	}
}

static void draw_phase(struct script *script, enum lab_trouble trouble,
		       int first)
{
	const double time = 10 * (1 + fraction());
	const int half = script->trace.ranks / 2;
	double times[RANKS] = { 0 };

	if (trouble == LAB_SERIAL) {
		times[first] = time * (0.6 + 0.4 * fraction());
		work_all(script, times);
		meet(script, grade_draw(3) == 0);
	}
	if (trouble == LAB_LATE_SENDER) {
		send_late(script, time);
	} else {
		even(times, time);
		for (int i = 0; trouble == LAB_IMBALANCE && i < half; i++)
			times[(first + i) % script->trace.ranks] *= 2;
		work_all(script, times);
	}
	meet(script, true);
}

static void draw_script(struct script *script, enum lab_trouble trouble)
{
	const int phases = 4 + (int)grade_draw(4);
	int first;

	memset(script, 0, sizeof(*script));
	script->trace.spans = script->spans;
	script->trace.ranks = 4 + (int)grade_draw(RANKS - 3);
	first = (int)grade_draw((uint64_t)script->trace.ranks);
	script->culprit = first;
	for (int i = 0; i < phases; i++)
		draw_phase(script, trouble, first);
	for (int i = 0; i < script->trace.ranks; i++)
		put(script, (struct lab_span){ LAB_KERNEL, i, 0, script->now[i],
					       -1, 0 });
	sort_spans(script);
}

/* ---- (1) to (5) ---- */

static void judge_busy(const struct script *script)
{
	const double right = script->busy[0];
	double whole = script->now[0];
	double said = student.busy(&script->trace, 0);

	grade_case(is_near(said, right), "rank 0 works for %.3f, you say %.3f",
		   right, said);
	if (is_near(said, right))
		return;
	if (is_near(said, whole))
		grade_hint("TODO(1): a kernel's span has the waits in it");
	else if (is_near(said, right - script->nested))
		grade_hint("TODO(1): a wait within a wait is counted twice");
	else
		grade_hint("TODO(1): the kernel's time less the outermost "
			   "waits");
}

static void judge_imbalance(const struct script *script)
{
	const int ranks = script->trace.ranks;
	double most = 0, least = INFINITY, all = 0, right;
	double said = student.imbalance(&script->trace);

	for (int i = 0; i < ranks; i++) {
		most = fmax(most, script->busy[i]);
		least = fmin(least, script->busy[i]);
		all += script->busy[i];
	}
	right = most * ranks / all;
	grade_case(is_near(said, right), "imbalance %.3f, you say %.3f", right,
		   said);
	if (is_near(said, right))
		return;
	if (is_near(said, most / least))
		grade_hint("TODO(2): compare with the mean: nobody can be "
			   "given the idlest rank's share");
	else
		grade_hint("TODO(2): the busiest rank's work by the mean");
}

static void judge_alone(const struct script *script)
{
	double said = student.alone(&script->trace);

	grade_case(is_near(said, script->alone),
		   "one rank alone works for %.3f, you say %.3f", script->alone,
		   said);
	if (is_near(said, script->alone))
		return;
	if (said > script->alone)
		grade_hint("TODO(3): alone is who works while no other rank "
			   "does: go from moment to moment");
	else
		grade_hint("TODO(3): any rank may be the one that works alone, "
			   "whether the others meet or receive");
}

static void judge_late(const struct script *script)
{
	int culprit = -1;
	double said = student.late(&script->trace, &culprit);
	bool right = is_near(said, script->late) &&
		     (script->late == 0 || culprit == script->culprit);

	grade_case(right,
		   "messages are late by %.3f, rank %d's; you say %.3f, rank "
		   "%d's",
		   script->late, script->culprit, said, culprit);
	if (right)
		return;
	if (said > script->late && !is_near(said, script->late))
		grade_hint("TODO(4): after the sending the message is on its "
			   "way: that part of the wait is no late sender's");
	else if (is_near(said, script->late))
		grade_hint("TODO(4): the culprit is the peer that is waited "
			   "for, not the rank that waits");
	else
		grade_hint("TODO(4): from the beginning of a LAB_RECV until "
			   "the message was sent");
}

static const char *name_of(enum lab_trouble trouble)
{
	static const char *const names[] = { "none", "a serial part",
					     "imbalance", "a late sender" };

	return (unsigned)trouble < 4 ? names[trouble] : "?";
}

static void judge_diagnose(const struct script *script,
			   enum lab_trouble trouble)
{
	enum lab_trouble said = student.diagnose(&script->trace);

	grade_case(said == trouble, "%d ranks: %s, you say %s",
		   script->trace.ranks, name_of(trouble), name_of(said));
	if (said == trouble)
		return;
	if (trouble == LAB_LATE_SENDER)
		grade_hint("TODO(5): most of the waits are for messages that "
			   "were not sent: look for a late sender first");
	else if (trouble == LAB_SERIAL)
		grade_hint("TODO(5): while one rank works, ranks - 1 wait: how "
			   "much of all waits is that?");
	else if (trouble == LAB_IMBALANCE)
		grade_hint("TODO(5): the ranks wait for ranks that have more "
			   "work in every phase");
	else
		grade_hint("TODO(5): waits of less than a tenth are no "
			   "trouble");
}

/* ---- (6) a pipeline ---- */

/* Segment 0. */
struct account {
	double made[RANKS][LAB_BLOCKS];
	unsigned count[RANKS];    /* blocks made by each rank */
	unsigned received[RANKS]; /* before the first block was made */
	unsigned unsent[RANKS];   /* blocks made before the first was sent */
	uint64_t last;
};

static double seed; /* drawn; the workers inherit the number */
static unsigned sent, received;

static struct account *account_of(struct rig_team *team)
{
	return rig_team_data(team, 0);
}

static double block_of(int rank, int k, double from)
{
	return fmod(from * 3 + seed * (rank + 1) + 17 * k, 1000003);
}

double lab_make(struct rig_team *team, int k, double from)
{
	struct account *account = account_of(team);
	int rank = rig_team_rank(team);
	double block = block_of(rank, k, from);

	if (account->count[rank]++ == 0)
		account->received[rank] = received;
	if (k >= 0 && k < LAB_BLOCKS)
		account->made[rank][k] = block;
	grade_spend(BLOCK);
	return block;
}

int lab_send(struct rig_team *team, double block, int to)
{
	if (sent++ == 0)
		account_of(team)->unsent[rig_team_rank(team)] =
			account_of(team)->count[rig_team_rank(team)];
	return grade_send(team, &block, 1, to, MESSAGE);
}

int lab_recv(struct rig_team *team, double *block, int from)
{
	received++;
	return grade_recv(team, block, 1, from);
}

static int counted(struct rig_team *team)
{
	int r;

	sent = received = 0;
	grade_clock_set(0);
	r = student.pipeline(team);
	if (r == 0)
		r = grade_meet(team);
	if (rig_team_rank(team) == 0)
		account_of(team)->last = grade_clock();
	return r;
}

/* The first rank and block that is wrong; false: all are right. */
static bool find_wrong(const struct account *account, int ranks, int *rank,
		       int *k)
{
	for (*k = 0; *k < LAB_BLOCKS; ++*k) {
		double block = 0;

		for (*rank = 0; *rank < ranks; ++*rank) {
			block = block_of(*rank, *k, block);
			if (account->made[*rank][*k] != block)
				return true;
		}
	}
	return false;
}

static void hint_steps(const struct account *account, int ranks)
{
	bool queue = false;

	for (int i = 0; i + 1 < ranks; i++)
		queue = queue || account->unsent[i] > 1;
	if (queue)
		grade_hint(
			"TODO(6): a late sender: send a block when the block "
			"is made, and not after all blocks");
	else
		grade_hint(
			"TODO(6): a rank begins when it has the first block: "
			"receive a block right before it is needed");
}

static void judge_pipeline(const struct account *account, int ranks)
{
	const unsigned most =
		(BLOCK + MESSAGE) * (LAB_BLOCKS + (unsigned)ranks);
	int rank = 0, k = 0;
	bool wrong = find_wrong(account, ranks, &rank, &k), shared = true;

	grade_case(!wrong, "%d ranks: block %d of rank %d is wrong", ranks, k,
		   rank);
	for (int i = 0; i < ranks; i++)
		shared = shared && account->count[i] == LAB_BLOCKS;
	grade_case(shared, "%d ranks: each makes %d blocks", ranks, LAB_BLOCKS);
	grade_case(account->last <= most, "%d ranks: %llu steps, at most %u",
		   ranks, (unsigned long long)account->last, most);
	if (!shared)
		grade_hint("TODO(6): every rank makes its LAB_BLOCKS blocks, "
			   "each once");
	else if (wrong)
		grade_hint("TODO(6): block k is made from block k of the rank "
			   "before");
	else if (account->last > most)
		hint_steps(account, ranks);
}

static int check_pipeline(int ranks)
{
	struct rig_segment *segment = NULL;
	struct rig_pool *pool = NULL;
	int r = rig_segment_create(&segment, NULL, sizeof(struct account),
				   NULL);

	if (r == 0)
		r = rig_pool_create(
			&pool, &(struct rig_pool_options){ .workers = ranks });
	if (r < 0)
		goto out;
	r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = counted,
			.segments = { { .name = rig_segment_name(segment) } },
			.limit_ns = 20000000000u });
	if (r == 0) {
		judge_pipeline(rig_segment_data(segment), ranks);
	} else {
		grade_case(false, "%d ranks: %s", ranks, rig_why());
		grade_hint(
			"TODO(6): each block that is sent is received, once");
	}
	r = 0;
out:
	rig_pool_destroy(pool);
	rig_segment_destroy(segment);
	return r;
}

static void find_student(void)
{
	student.busy = (__typeof__(student.busy))grade_student("busy");
	student.imbalance =
		(__typeof__(student.imbalance))grade_student("imbalance");
	student.alone = (__typeof__(student.alone))grade_student("alone");
	student.late = (__typeof__(student.late))grade_student("late");
	student.diagnose =
		(__typeof__(student.diagnose))grade_student("diagnose");
	student.pipeline = (rig_kernel_fn *)grade_student("pipeline");
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 8 };
	int r = 0;

	find_student();
	for (int i = 0; i < 4 * ROUNDS; i++) {
		static struct script script;

		draw_script(&script, (enum lab_trouble)(i % 4));
		judge_busy(&script);
		judge_imbalance(&script);
		judge_alone(&script);
		judge_late(&script);
		judge_diagnose(&script, (enum lab_trouble)(i % 4));
	}
	seed = 1 + (double)grade_draw(1000000);
	for (int i = 0; r == 0 && i < 3; i++)
		r = check_pipeline(teams[i]);
	return r;
}
