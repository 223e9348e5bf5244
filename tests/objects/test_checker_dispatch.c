/* SPDX-License-Identifier: MIT */
/*
 * test_checker_dispatch.c - dispatch.c, compiled, in every interleaving.
 *
 * The poster is thread 0.  The poster writes a cell before each post, which the
 * takers read; each taker writes a cell before the finish, which the poster reads.
 * checker_meeting.c has the scenarios without a poster.
 */
#include "checker_dispatch.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <runrig/api.h>

#define JOB 2u /* another job, in `posted` and `done` */

struct dispatch_shm dispatch;
struct patience patience;
static uint64_t deadline_ns;
static uint32_t jobs;
static uint32_t takers;

static const char *const names[] = { "poster", "taker 1", "taker 2", "warden" };

struct ghost *ghost(void)
{
	return checker_ghost();
}

void expect(bool holds, const char *what)
{
	if (!holds)
		checker_fail(CHECKER_WRONG, "%s", what);
}

void lay_out(uint32_t yields, uint64_t deadline, uint32_t job_count,
	     uint32_t taker_count)
{
	patience = (struct patience){ .yields = yields };
	deadline_ns = deadline;
	jobs = job_count;
	takers = taker_count;
	checker_location(&dispatch.posted, "posted");
	/* Takers that meet have no poster, and a barrier instead. */
	if (takers != MEETING)
		checker_location(&dispatch.before, "before");
	checker_location(&dispatch.progress, "progress");
	checker_location(&dispatch.done, "done");
	checker_location(&dispatch.sleepers, "sleepers");
	checker_location(&dispatch.poster_sleeps, "poster_sleeps");
	checker_location(&dispatch.polled, "polled");
	dispatch_init(&dispatch, (int)takers);
}

/* --- job after job --- */

/* Post the first job of a chain that has `left` more jobs. */
static void post(uint32_t job, uint32_t left)
{
	ghost()->posted = job;
	ghost()->left = left;
	ghost()->finished = 0;
	checker_write(CELL_JOB, job);
	dispatch_post(&dispatch);
}

static void poster(void)
{
	for (uint32_t job = JOB; job <= jobs * JOB; job += JOB) {
		int r;

		post(job, 0);
		do
			r = dispatch_wait(&dispatch, &patience, false,
					  deadline_ns);
		while (r == -ETIMEDOUT);
		expect(r == 0, "waiting failed");
		if (ghost()->given_up == job)
			continue;
		expect(ghost()->finished == takers,
		       "a job is done that not all have finished");
		for (int i = 1; i <= (int)takers; i++)
			expect(checker_read(CELL_RESULT + i) == job,
			       "a result is old");
	}
}

static uint32_t take(uint32_t seen)
{
	uint32_t job = dispatch_take(&dispatch, seen, &patience);

	expect(job == seen + JOB, "a job was skipped or repeated");
	expect(job == ghost()->posted, "a job was taken that is over");
	expect(checker_read(CELL_JOB) == job, "the words are another job's");
	return job;
}

static void finish(void)
{
	ghost()->finished++;
	if (dispatch_finish(&dispatch, (int)takers) != DISPATCH_ALL_DONE)
		return;
	ghost()->all_done++;
	/* The last taker sees the words that the others wrote. */
	for (int i = 1; i <= (int)takers; i++)
		expect(checker_read(CELL_RESULT + i) == ghost()->posted,
		       "the last taker does not see a result");
	if (ghost()->left == 0) {
		dispatch_done(&dispatch);
		return;
	}
	ghost()->left--;
	ghost()->posted += JOB;
	ghost()->finished = 0;
	checker_write(CELL_JOB, ghost()->posted);
	dispatch_next(&dispatch);
}

static void taker(int self)
{
	uint32_t seen = ghost()->seen;

	while (seen < jobs * JOB) {
		seen = take(seen);
		checker_write(CELL_RESULT + self, seen);
		finish();
	}
}

static void thread_jobs(int self)
{
	if (self == 0)
		poster();
	else
		taker(self);
}

static const char *end_jobs(bool stuck)
{
	if (stuck)
		return "somebody sleeps for ever";
	if (ghost()->all_done != jobs)
		return "not exactly one taker was the last of each job";
	return NULL;
}

/* --- a chain of two jobs, then single jobs --- */

static void chain_poster(void)
{
	uint32_t job = JOB, reached;

	while (job <= jobs * JOB) {
		int r;

		post(job, job == JOB && jobs > 1 ? 1 : 0);
		do
			r = dispatch_wait(&dispatch, &patience, false,
					  deadline_ns);
		while (r == -ETIMEDOUT);
		expect(r == 0, "waiting failed");
		expect(dispatch_is_done(&dispatch), "done, and then not");
		reached = dispatch_posted(&dispatch);
		expect(reached >= job, "a job is done that was not posted");
		expect(dispatch_place(&dispatch, reached) ==
			       (reached - job) / JOB,
		       "not that place in the chain");
		if (ghost()->given_up != reached) {
			expect(ghost()->left == 0, "the chain has jobs left");
			expect(ghost()->posted == reached &&
				       ghost()->finished == takers,
			       "a job is done that not all have finished");
			for (int i = 1; i <= (int)takers; i++)
				expect(checker_read(CELL_RESULT + i) == reached,
				       "a result is old");
		}
		job = reached + JOB;
	}
}

static void thread_chain(int self)
{
	if (self == 0)
		chain_poster();
	else
		taker(self);
}

static void sleepy(void)
{
	lay_out(0, RIG_FOREVER, 2, 2);
}

static void patient(void)
{
	lay_out(CHECKER_ENDLESS, RIG_FOREVER, 3, 2);
}

static void timed(void)
{
	lay_out(0, 1, 2, 2);
}

/* --- the alarm --- */

/* Taker 1 raises the alarm in job 1 and does not finish; taker 2 has nothing to
 * do. */
static void thread_alarm(int self)
{
	if (self == 0) {
		post(JOB, 0);
		expect(dispatch_wait(&dispatch, &patience, true, RIG_FOREVER) ==
			       -EINTR,
		       "the alarm was not heard");
		expect(checker_read(CELL_RESULT) == 1, "an old reason");
	} else if (self == 1) {
		take(0);
		checker_write(CELL_RESULT, 1);
		dispatch_alarm(&dispatch);
	}
}

/* Both takers raise the alarm, and finish all the same; a poster heeds the
 * alarm once, then not. */
static void thread_alarm_done(int self)
{
	int r;

	if (self) {
		take(0);
		checker_write(CELL_RESULT + self, JOB);
		dispatch_alarm(&dispatch);
		finish();
		return;
	}
	post(JOB, 0);
	r = dispatch_wait(&dispatch, &patience, true, RIG_FOREVER);
	if (r == -EINTR)
		r = dispatch_wait(&dispatch, &patience, false, RIG_FOREVER);
	expect(r == 0 && ghost()->finished == takers, "not done");
	expect(dispatch_is_done(&dispatch), "done, and then not");
}

/*
 * A thread interrupts, at any moment.  The poster hears of the interrupt or of
 * the end, and an end stays an end; with two jobs the interrupt may be heard in
 * the job after.
 */
static void thread_interrupt(int self)
{
	if (self == 1) {
		taker(self);
	} else if (self == 2) {
		checker_write(CELL_RESULT + 2, 1);
		dispatch_interrupt(&dispatch);
	} else {
		for (uint32_t job = JOB; job <= jobs * JOB; job += JOB) {
			int r;

			post(job, 0);
			while ((r = dispatch_wait(&dispatch, &patience, true,
						  RIG_FOREVER)) == -EINTR)
				dispatch_heard(&dispatch);
			expect(r == 0, "waiting failed");
			expect(ghost()->finished == takers, "not done");
			expect(dispatch_is_done(&dispatch),
			       "done, and then not");
		}
	}
}

/* No taker finishes: an interrupt that is raised in the job must be heard. */
static void thread_interrupt_heard(int self)
{
	if (self)
		dispatch_interrupt(&dispatch);
	else
		expect(dispatch_wait(&dispatch, &patience, true, RIG_FOREVER) ==
			       -EINTR,
		       "the interrupt was not heard");
}

/* The poster has posted before anybody runs. */
static void posted_one(void)
{
	lay_out(0, RIG_FOREVER, 1, 1);
	dispatch_post(&dispatch);
}

static void one_taker_one_job(void)
{
	lay_out(0, RIG_FOREVER, 1, 1);
}

static void two_jobs(void)
{
	lay_out(0, RIG_FOREVER, 2, 1);
}

static void one_job(void)
{
	lay_out(0, RIG_FOREVER, 1, 2);
}

/* --- a taker dies at any step --- */

/* The same steps as in warden.c's renew(). */
static void warden(void)
{
	bool in_flight;
	uint32_t seen;

	checker_wait_death();
	for (int i = 1; i <= (int)takers; i++)
		checker_kill(i);
	seen = load_acquire(&dispatch.done) & ~1u;
	in_flight = load_acquire(&dispatch.posted) != seen;
	if (in_flight)
		seen = load_acquire(&dispatch.posted);
	dispatch_init(&dispatch, (int)takers);
	ghost()->seen = seen;
	if (in_flight)
		ghost()->given_up = seen;
	for (int i = 1; i <= (int)takers; i++)
		checker_start(i);
	if (in_flight)
		dispatch_done(&dispatch);
}

static void thread_death(int self)
{
	if (self == (int)takers + 1)
		warden();
	else
		thread_jobs(self);
}

static void thread_chain_death(int self)
{
	if (self == (int)takers + 1)
		warden();
	else
		thread_chain(self);
}

static void one_taker(void)
{
	lay_out(0, 1, 2, 1);
}

static void only_one_job(void)
{
	lay_out(0, 1, 1, 2);
}

static const char *end_death(bool stuck)
{
	return stuck ? "somebody sleeps for ever" : NULL;
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(int argc, char **argv)
{
	static const char *const lone[] = { "poster", "taker", "warden" };
	static const char *const interrupts[] = { "poster", "taker",
						  "interrupter" };
	static const char *const heard[] = { "poster", "interrupter" };
	static const char *const ranks[] = { "rank 0", "rank 1", "rank 2" };
	static const struct checker_scenario scenarios[] = {
		{ .name = "jobs, hot",
		  .threads = 3,
		  .names = names,
		  .set_up = patient,
		  .thread = thread_jobs,
		  .end = end_jobs },
		{ .name = "jobs, asleep",
		  .threads = 3,
		  .names = names,
		  .set_up = sleepy,
		  .thread = thread_jobs,
		  .end = end_jobs },
		{ .name = "jobs, deadlines",
		  .threads = 3,
		  .names = names,
		  .set_up = timed,
		  .thread = thread_jobs,
		  .end = end_jobs },
		{ .name = "alarm",
		  .threads = 2,
		  .names = names,
		  .set_up = one_job,
		  .thread = thread_alarm,
		  .spurious = 1 },
		{ .name = "alarm, done",
		  .threads = 3,
		  .names = names,
		  .set_up = one_job,
		  .thread = thread_alarm_done },
		{ .name = "interrupt",
		  .threads = 3,
		  .names = interrupts,
		  .set_up = one_taker_one_job,
		  .thread = thread_interrupt,
		  .end = end_death },
		{ .name = "interrupt, heard",
		  .threads = 2,
		  .names = heard,
		  .set_up = posted_one,
		  .thread = thread_interrupt_heard,
		  .end = end_death,
		  .spurious = 1 },
		{ .name = "one does not come",
		  .threads = 3,
		  .names = ranks,
		  .set_up = meeting,
		  .thread = thread_meeting,
		  .end = end_meeting },
		{ .name = "one does not come again",
		  .threads = 3,
		  .names = ranks,
		  .set_up = meeting,
		  .thread = thread_meet_twice,
		  .end = end_meeting },
		{ .name = "all meet",
		  .threads = 3,
		  .names = ranks,
		  .set_up = meeting,
		  .thread = thread_all_meet,
		  .end = end_all_meet },
		{ .name = "death, hot",
		  .threads = 4,
		  .names = names,
		  .set_up = patient,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << 1 | 1u << 2,
		  .deaths = 1 },
		{ .name = "chain, hot",
		  .threads = 3,
		  .names = names,
		  .set_up = patient,
		  .thread = thread_chain,
		  .end = end_jobs },
		{ .name = "chain, asleep",
		  .threads = 3,
		  .names = names,
		  .set_up = sleepy,
		  .thread = thread_chain,
		  .end = end_jobs },
		{ .name = "chain, death, hot",
		  .threads = 4,
		  .names = names,
		  .set_up = patient,
		  .thread = thread_chain_death,
		  .end = end_death,
		  .mortal = 1u << 1 | 1u << 2,
		  .deaths = 1 },
		{ .name = "chain, death, asleep, one taker",
		  .threads = 3,
		  .names = lone,
		  .set_up = one_taker,
		  .thread = thread_chain_death,
		  .end = end_death,
		  .mortal = 1u << 1,
		  .deaths = 1,
		  .spurious = 1 },
		/* The takers are alike: it is enough that one may die. */
		{ .name = "death, asleep, one taker",
		  .threads = 3,
		  .names = lone,
		  .set_up = one_taker,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << 1,
		  .deaths = 1,
		  .spurious = 1 },
		{ .name = "death, asleep, one job",
		  .threads = 4,
		  .names = names,
		  .set_up = only_one_job,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << 1,
		  .deaths = 1,
		  .timeouts = 1 },
	};
	static const struct checker_scenario thorough[] = {
		{ .name = "interrupt, two jobs",
		  .threads = 3,
		  .names = interrupts,
		  .set_up = two_jobs,
		  .thread = thread_interrupt,
		  .end = end_death },
		{ .name = "death, asleep",
		  .threads = 4,
		  .names = names,
		  .set_up = timed,
		  .thread = thread_death,
		  .end = end_death,
		  .mortal = 1u << 1,
		  .deaths = 1 },
		{ .name = "jobs, spurious wakes",
		  .threads = 3,
		  .names = names,
		  .set_up = sleepy,
		  .thread = thread_jobs,
		  .end = end_jobs,
		  .spurious = 2 },
		{ .name = "jobs, early deadlines",
		  .threads = 3,
		  .names = names,
		  .set_up = timed,
		  .thread = thread_jobs,
		  .end = end_jobs,
		  .timeouts = 2,
		  .spurious = 1 },
	};

	if (argc == 2 && strcmp(argv[1], "thorough") == 0)
		return checker_main(thorough, COUNT(thorough), 1, argv);
	return checker_main(scenarios, COUNT(scenarios), argc, argv);
}
