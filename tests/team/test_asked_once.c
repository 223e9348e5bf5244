/* SPDX-License-Identifier: MIT */
/*
 * test_asked_once.c - a wait ends when its question is answered, and the question is
 * not asked again: the question of a matched probe takes a message out, and would take
 * the next message out if asked twice.
 */
#include "lib/harness.h"

#include <errno.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "team/mail.h"

/* The question is answered at a look of the rank that is about to sleep. */
struct question {
	struct mail *mail;
	int looks; /* of a rank about to sleep, so far */
	int yes_at;
	int after; /* questions after the answer */
};

static bool answered_once(void *arg)
{
	struct question *question = arg;

	if (question->looks >= question->yes_at) {
		question->after++;
		return true;
	}
	question->looks += question->mail->greedy;
	return question->looks == question->yes_at;
}

static int waits(struct rig_team *team)
{
	const int *yes_at = rig_team_args(team);
	struct question question = { mail_of(team), 0, *yes_at, 0 };

	if (!question.mail)
		return -ENOMEM;
	if (!mail_wait(question.mail, answered_once, &question))
		return -ECANCELED;
	return question.after ? -EALREADY : 0;
}

/* More ranks than CPUs sleep without a second look. */
START_TEST(an_answer_to_a_rank_about_to_sleep_is_the_last)
{
	make_pool(_i ? 2 * (int)sysconf(_SC_NPROCESSORS_ONLN) + 1 : 1);
	for (int yes_at = 1; yes_at <= (_i ? 1 : 2); yes_at++)
		ck_assert_int_eq(run_args(waits, &yes_at, sizeof(yes_at)), 0);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("asked once");
	TCase *wait = make_tcase("wait", 60);

	tcase_add_loop_test(
		wait, an_answer_to_a_rank_about_to_sleep_is_the_last, 0, 2);
	suite_add_tcase(suite, wait);
	return suite;
}
