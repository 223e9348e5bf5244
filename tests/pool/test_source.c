/* SPDX-License-Identifier: MIT */
/*
 * test_source.c - reports that name the line of the source: of a fault, of a wait,
 * of a call that differs.  This program has debug information.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

static void setup(void)
{
	make_pool(2);
}

static void teardown(void)
{
	rig_pool_destroy(pool);
}

/* Is "test_source.c:LINE" in the text?  Where the library was built without
 * libdw's headers no line is named, and the rest is as ever. */
static void names_line(const char *text, int line)
{
	char place[64];

#ifdef HAVE_LIBDW
	snprintf(place, sizeof(place), ", test_source.c:%d", line);
	ck_assert_msg(strstr(text, place) != NULL, "no%s in:\n%s", place, text);
#else
	(void)place, (void)line;
	ck_assert_msg(strstr(text, ".c:") == NULL, "%s", text);
#endif
	ck_assert_ptr_nonnull(strstr(text, "+0x"));
}

static volatile int *nowhere;

enum { FAULT_LINE = __LINE__ + 4 };
static int faults(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		*nowhere = 1;
	return rig_team_barrier(team);
}

START_TEST(a_fault)
{
	const char *text = rig_pool_report(pool)->text;

	ck_assert_int_eq(run(faults), -EOWNERDEAD);
	names_line(rig_why(), FAULT_LINE);
	names_line(text, FAULT_LINE);
}
END_TEST

enum { WAIT_LINE = __LINE__ + 6 };
static int waits(struct rig_team *team)
{
	int value = 0;
	int r;

	r = rig_team_recv(team, &value, 1, RIG_INT32, RIG_ANY_SOURCE, 5, NULL);
	return r < 0 ? r : value;
}

START_TEST(a_wait)
{
	ck_assert_int_eq(run(waits), -EDEADLK);
	names_line(rig_pool_report(pool)->text, WAIT_LINE);
	names_line(rig_pool_report(pool)->ranks[1].where, WAIT_LINE);
}
END_TEST

enum { CALL_LINE = __LINE__ + 7 };
static int differs(struct rig_team *team)
{
	int value = 1, r;

	if (rig_team_rank(team))
		r = rig_team_bcast(team, &value, 1, RIG_INT32, 0);
	else
		r = rig_team_bcast(team, &value, 1, RIG_INT32, 1);
	return r < 0 ? r : rig_team_barrier(team);
}

START_TEST(a_call_that_differs)
{
	ck_assert_int_eq(run(differs), -EINVAL);
	names_line(rig_why(), CALL_LINE - 1);
	names_line(rig_why(), CALL_LINE + 1);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("source");
	TCase *tcase = make_tcase("source", 30);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_fault);
	tcase_add_test(tcase, a_wait);
	tcase_add_test(tcase, a_call_that_differs);
	suite_add_tcase(suite, tcase);
	return suite;
}
