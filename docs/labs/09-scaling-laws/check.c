/* SPDX-License-Identifier: MIT */
/*
 * check.c - ask three laws of drawn numbers, have runs explained that were made
 * up, and count the steps of a program.
 *
 * No clock decides anything: the runs are drawn, and a rank's clock goes on by
 * what the rank does (judge/clock.h).
 */
#include "lab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "labs/judge/clock.h"
#include "labs/judge/grade.h"

#define ROUNDS  8
#define RUNS    5
#define LONGEST 6000

/* Steps. */
#define LOOK     1
#define DIVIDE   3
#define DOUBLING 10

static struct {
	double (*amdahl)(double, int);
	double (*gustafson)(double, int);
	double (*karp_flatt)(double, int);
	int (*workers_for)(double, double);
	double (*predict)(const struct lab_run *, int, int);
	enum lab_loss (*diagnose)(const struct lab_run *, int);
	rig_kernel_fn *scale;
} student;

static double fraction(void)
{
	return (double)grade_draw((uint64_t)1 << 53) * 0x1p-53;
}

static bool is_near(double found, double wanted, double part)
{
	return fabs(found - wanted) <= part * fabs(wanted);
}

static double amdahl_of(double serial, int workers)
{
	return 1 / (serial + (1 - serial) / workers);
}

static double karp_flatt_of(double speedup, int workers)
{
	return (1 / speedup - 1.0 / workers) / (1 - 1.0 / workers);
}

/* ---- (1) to (4) the laws ---- */

static void judge_amdahl(double serial, int workers)
{
	double right = amdahl_of(serial, workers);
	double said = student.amdahl(serial, workers);
	bool near = is_near(said, right, 1e-6);

	grade_case(near, "amdahl(%.3f, %d): %.3f, you say %.3f", serial,
		   workers, right, said);
	if (!near)
		grade_hint("TODO(1): the time is serial + (1 - serial) / "
			   "workers of the time on 1 worker");
}

static void judge_gustafson(double serial, int workers)
{
	double right = serial + (1 - serial) * workers;
	double said = student.gustafson(serial, workers);
	bool near = is_near(said, right, 1e-6);

	grade_case(near, "gustafson(%.3f, %d): %.3f, you say %.3f", serial,
		   workers, right, said);
	if (near)
		return;
	if (is_near(said, amdahl_of(serial, workers), 1e-6))
		grade_hint("TODO(2): that is Amdahl's: here the share is of "
			   "the time on all workers, and the problem grows");
	else
		grade_hint("TODO(2): how long would 1 worker take for the "
			   "problem that all workers have done?");
}

static void judge_karp_flatt(double serial, int workers)
{
	double said = student.karp_flatt(amdahl_of(serial, workers), workers);
	bool near = fabs(said - serial) < 1e-6;

	grade_case(near, "karp_flatt(%.3f, %d): %.4f, you say %.4f",
		   amdahl_of(serial, workers), workers, serial, said);
	if (!near)
		grade_hint("TODO(3): solve 1 / speedup = e + (1 - e) / workers "
			   "for e");
}

static void judge_workers(double serial)
{
	int right = 2 + (int)grade_draw(40);
	/* A little less than so many workers have; or what no number has. */
	double wanted = amdahl_of(serial, right) - 0.0001 * serial;
	double never = (1.01 + fraction()) / serial;
	int said = student.workers_for(serial, wanted);
	int none = student.workers_for(serial, never);

	grade_case(said == right,
		   "a speed-up of %.3f with %.3f serial: %d workers, you say "
		   "%d",
		   wanted, serial, right, said);
	grade_case(none == 0,
		   "a speed-up of %.1f with %.3f serial: 0, you say %d", never,
		   serial, none);
	if (said != right)
		grade_hint("TODO(4): the least number of workers that has the "
			   "speed-up");
	else if (none != 0)
		grade_hint("TODO(4): no number of workers has a speed-up of "
			   "1 / serial or more");
}

/* ---- (5), (6) runs ---- */

/* Times on 1, 2, 4, 8 and 16 workers; the error of the second is as large as can
 * be, and its sign is drawn. */
static void draw_runs(struct lab_run *runs, double serial, double overhead)
{
	double ns = 1e6 * (1 + fraction());

	for (int i = 0; i < RUNS; i++) {
		int p = 1 << i;
		double error = 0.98 + 0.02 * (double)grade_draw(2) + 0.01;

		if (i != 1)
			error = 0.99 + 0.02 * fraction();
		if (i == 0)
			error = 1;
		runs[i] = (struct lab_run){ p,
					    ns * error *
						    (serial + (1 - serial) / p +
						     overhead * (p - 1)) };
	}
}

static void judge_predict(void)
{
	struct lab_run runs[RUNS];
	double serial = 0.03 + 0.04 * fraction(), right, said, two;
	int workers = 64 << grade_draw(3);

	draw_runs(runs, serial, 0);
	right = runs[0].ns / amdahl_of(serial, workers);
	said = student.predict(runs, RUNS, workers);
	grade_case(is_near(said, right, 0.1),
		   "%.1f %% serial, %d workers: %.0f ns, you predict %.0f",
		   100 * serial, workers, right, said);
	if (is_near(said, right, 0.1))
		return;
	two = runs[0].ns /
	      amdahl_of(karp_flatt_of(runs[0].ns / runs[1].ns, 2), workers);
	if (is_near(said, runs[0].ns / workers, 0.1))
		grade_hint("TODO(5): the serial part is not divided");
	else if (is_near(said, two, 0.02))
		grade_hint("TODO(5): on 2 workers an error of 1 %% is an error "
			   "of 2 %% in the serial share: use the run with most "
			   "workers");
	else
		grade_hint("TODO(5): find the serial share by Karp and Flatt, "
			   "and put the share into Amdahl's law");
}

static void judge_diagnose(enum lab_loss why)
{
	struct lab_run runs[RUNS];
	enum lab_loss said;

	if (why == LAB_SERIAL)
		draw_runs(runs, 0.1 + 0.3 * fraction(), 0);
	else
		draw_runs(runs, 0.005 + 0.015 * fraction(),
			  0.005 + 0.015 * fraction());
	said = student.diagnose(runs, RUNS);
	grade_case(said == why,
		   "speed-ups %.2f %.2f %.2f %.2f on 2 to 16 workers: %s",
		   runs[0].ns / runs[1].ns, runs[0].ns / runs[2].ns,
		   runs[0].ns / runs[3].ns, runs[0].ns / runs[4].ns,
		   why == LAB_SERIAL ? "a serial part" : "an overhead");
	if (said != why)
		grade_hint("TODO(6): Karp and Flatt's share stays where a part "
			   "is serial, and grows with an overhead");
}

/* ---- (7) a program ---- */

/* Segment 1. */
struct account {
	_Atomic uint64_t looks, divisions;
	uint64_t of[8]; /* divisions of each rank */
	uint64_t last;  /* clock */
};

size_t lab_count(struct rig_team *team)
{
	return rig_team_bytes(team, 0) / sizeof(double);
}

double lab_look(struct rig_team *team, size_t i)
{
	struct account *account = rig_team_data(team, 1);
	const double *x = rig_team_data(team, 0);

	grade_spend(LOOK);
	account->looks++;
	return i < lab_count(team) ? x[i] : -INFINITY;
}

void lab_divide(struct rig_team *team, size_t i, double by)
{
	struct account *account = rig_team_data(team, 1);
	double *x = rig_team_data(team, 0);

	grade_spend(DIVIDE);
	account->divisions++;
	account->of[rig_team_rank(team)]++;
	if (i < lab_count(team))
		x[i] /= by;
}

int lab_greatest(struct rig_team *team, double mine, double *all)
{
	int r = rig_team_allreduce(team, &mine, all, 1, RIG_FLOAT64, RIG_MAX);

	for (int p = 1; p < rig_team_size(team); p *= 2)
		grade_spend(DOUBLING);
	return r < 0 ? r : grade_meet(team);
}

static int counted(struct rig_team *team)
{
	struct account *account = rig_team_data(team, 1);
	int r;

	grade_clock_set(0);
	r = student.scale(team);
	if (r == 0)
		r = grade_meet(team);
	if (rig_team_rank(team) == 0)
		account->last = grade_clock();
	return r;
}

/* Judge the work of a run; *alone is the time of 1 worker. */
static void judge_steps(const struct account *account, size_t n, int workers,
			uint64_t *alone)
{
	const double time = (double)account->last;
	double share;
	bool even = true;

	if (workers == 1)
		*alone = account->last;
	for (int i = 0; i < workers; i++)
		even = even && account->of[i] <= n / (size_t)workers + 1;
	grade_case(even && account->divisions == n,
		   "%d ranks: %llu divisions of %zu numbers", workers,
		   (unsigned long long)account->divisions, n);
	if (!even || account->divisions != n)
		grade_hint("TODO(7): each rank divides the numbers of its "
			   "strip");
	share = workers == 1 ? 0
			     : karp_flatt_of((double)*alone / time, workers);
	grade_case(share < 0.02 && account->looks == n,
		   "%d ranks: %.0f steps, speed-up %.2f, serial share %.3f; "
		   "%llu looks at %zu numbers",
		   workers, time, (double)*alone / time, share,
		   (unsigned long long)account->looks, n);
	if (account->looks > n)
		grade_hint("TODO(7): a part that every rank repeats is as long "
			   "as a serial part");
	else if (share >= 0.02 || account->looks < n)
		grade_hint("TODO(7): the search for the greatest number is a "
			   "serial part: each rank can search its strip");
}

static int judge_scale(struct rig_pool *pool, struct rig_segment *numbers,
		       struct rig_segment *counts, uint64_t *alone)
{
	double *x = rig_segment_data(numbers), old[LONGEST], greatest = 0;
	const size_t n = LONGEST - 8;
	size_t wrong = 0;
	int r;

	memset(rig_segment_data(counts), 0, sizeof(struct account));
	for (size_t i = 0; i < n; i++) {
		x[i] = old[i] = 1 + (double)grade_draw(1000000);
		greatest = fmax(greatest, x[i]);
	}
	r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = counted,
			.segments = { { .name = rig_segment_name(numbers),
					.bytes = n * sizeof(double) },
				      { .name = rig_segment_name(counts) } },
			.limit_ns = 20000000000u });
	if (r < 0) {
		grade_case(false, "%d ranks: %s", rig_pool_size(pool),
			   rig_why());
		grade_hint("TODO(7): all ranks call lab_greatest(), equally "
			   "often");
		return 0;
	}
	while (wrong < n && x[wrong] == old[wrong] / greatest)
		wrong++;
	grade_case(wrong == n, "%d ranks: number %zu is %g, must be %g",
		   rig_pool_size(pool), wrong, x[wrong], old[wrong] / greatest);
	if (wrong < n)
		grade_hint("TODO(7): every number is divided once, by the "
			   "greatest of all");
	judge_steps(rig_segment_data(counts), n, rig_pool_size(pool), alone);
	return 0;
}

static int check_scale(void)
{
	static const int teams[] = { 1, 2, 8 };
	struct rig_segment *numbers = NULL, *counts = NULL;
	uint64_t alone = 0;
	int r = rig_segment_create(&numbers, NULL, LONGEST * sizeof(double),
				   NULL);

	if (r == 0)
		r = rig_segment_create(&counts, NULL, sizeof(struct account),
				       NULL);
	for (int i = 0; r == 0 && i < 3; i++) {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = teams[i] });
		if (r == 0)
			r = judge_scale(pool, numbers, counts, &alone);
		rig_pool_destroy(pool);
	}
	rig_segment_destroy(counts);
	rig_segment_destroy(numbers);
	return r;
}

static void find_student(void)
{
	student.amdahl = (__typeof__(student.amdahl))grade_student("amdahl");
	student.gustafson =
		(__typeof__(student.gustafson))grade_student("gustafson");
	student.karp_flatt =
		(__typeof__(student.karp_flatt))grade_student("karp_flatt");
	student.workers_for =
		(__typeof__(student.workers_for))grade_student("workers_for");
	student.predict = (__typeof__(student.predict))grade_student("predict");
	student.diagnose =
		(__typeof__(student.diagnose))grade_student("diagnose");
	student.scale = (rig_kernel_fn *)grade_student("scale");
}

int lab_check(void)
{
	find_student();
	for (int i = 0; i < ROUNDS; i++) {
		double serial = 0.01 + 0.3 * fraction();
		int workers = 2 + (int)grade_draw(100);

		judge_amdahl(serial, workers);
		judge_gustafson(serial, workers);
		judge_karp_flatt(serial, workers);
		judge_workers(serial);
		judge_predict();
		judge_diagnose(i % 2 ? LAB_SERIAL : LAB_OVERHEAD);
	}
	return check_scale();
}
